//! The ways of the special vectors through a plane.

use maud::Markup;

use super::super::draw::{Named, Paths, Trail};
use super::super::html::{Cell, Part, beside, figure, part as made, table};
use super::super::language::phrase;
use super::super::number::{number, percent};
use super::super::project::Plane;
use super::super::read::Run;
use crate::cli::ReportLanguage;

/// Steps that are drawn; of more, some are left out evenly.
const MOST_STEPS: usize = 200;

/// A vector's numbers at every step that is drawn.
#[derive(Clone)]
struct Way<'a> {
    style: usize,
    name: String,
    vectors: Vec<&'a [f64]>,
}

/// All vectors in one plane, and each in its own.
pub fn part(language: ReportLanguage, run: &Run) -> Option<Part> {
    let (special, means) = ways(language, run);
    let ways = [special.as_slice(), &means].concat();
    let all = paths(
        language,
        &ways,
        phrase("all vectors", "全部向量").text(language),
    )?;
    let mut drawings = vec![all.draw()];
    // With several vectors the distances between them hide how each one moves.
    let alone = |way: &Way<'_>| {
        let paths = paths(language, std::slice::from_ref(way), &way.name);
        paths.map(|paths| paths.draw())
    };
    drawings.extend(special.iter().filter_map(alone));
    let caption = phrase(
        "Each vector's way from its start (ring) to its end (filled mark), in the plane in which the recorded vectors differ most (principal components). The first plane is that of all vectors and of the vocabulary's mean, the others are of one vector each. Percentages say how much of the difference lies along an axis; what lies along none of them is not seen. Both axes of a plane have the same scale.",
        "每个向量从起点（空心圆）到终点（实心标记）的路径，画在所记录向量差异最大的平面上（主成分分析）。第一幅图包含全部向量和词表均值，其余各图只含一个向量。百分数表示该轴解释了多少差异；落在两轴之外的差异看不到。同一幅图的两轴比例相同。",
    );
    let heading = phrase("Trajectories of the special vectors", "特殊向量的轨迹");
    let numbers = numbers(language, &ways);
    made(
        heading,
        Some(figure(
            language,
            &beside(&drawings),
            &caption,
            Some(numbers),
        )),
    )
}

/// The way of every special vector, and those of the vocabularies' means. Vectors as wide as the first only: others lie in another
/// space.
fn ways(language: ReportLanguage, run: &Run) -> (Vec<Way<'_>>, Vec<Way<'_>>) {
    let skip = run.recorded.len().div_ceil(MOST_STEPS).max(1);
    let last = run.recorded.len().saturating_sub(1);
    let kept = run.recorded.iter().enumerate();
    let kept: Vec<_> = kept
        .filter(|(index, _)| index % skip == 0 || *index == last)
        .map(|(_, recorded)| recorded)
        .collect();
    let first = kept.iter().find_map(|recorded| recorded.vectors.first());
    let width = first.map_or(0, |first| first.vector.len());
    let mut ways: Vec<Way<'_>> = Vec::new();
    for vector in kept.iter().flat_map(|recorded| &recorded.vectors) {
        if vector.vector.len() != width || width == 0 {
            continue;
        }
        let name = vector.name().to_string();
        match ways.iter_mut().find(|way| way.name == name) {
            Some(way) => way.vectors.push(&vector.vector),
            None => ways.push(Way {
                style: ways.len(),
                name,
                vectors: vec![&vector.vector],
            }),
        }
    }
    let decoders: Vec<&[f64]> = kept.iter().map(|r| r.decoder_mean.as_slice()).collect();
    let first: Vec<&[f64]> = kept.iter().map(|r| r.mean.as_slice()).collect();
    let has_two = decoders.iter().any(|mean| !mean.is_empty());
    let mean = phrase("vocabulary's mean", "词表均值");
    let named = |stack: &str| match has_two {
        true => format!("{} ({stack})", mean.text(language)),
        false => mean.text(language).to_owned(),
    };
    let is_usable = |mean: &&[f64]| mean.len() == width && width > 0;
    let mut means = Vec::new();
    for (name, vectors) in [(named("encoder"), first), (named("decoder"), decoders)] {
        let vectors: Vec<&[f64]> = vectors.into_iter().filter(is_usable).collect();
        if !vectors.is_empty() {
            means.push(Way {
                style: ways.len() + means.len(),
                name,
                vectors,
            });
        }
    }
    (ways, means)
}

fn paths(language: ReportLanguage, ways: &[Way<'_>], name: &str) -> Option<Paths> {
    let rows: Vec<&[f64]> = ways
        .iter()
        .flat_map(|way| way.vectors.iter().copied())
        .collect();
    let plane = Plane::through(&rows)?;
    let axis = |number: usize, share: f64| {
        let (which, share) = (number + 1, percent(share));
        let label = phrase(
            format!("component {which}, {share} % of the variance"),
            format!("第 {which} 主成分，占方差 {share} %"),
        );
        label.text(language).to_owned()
    };
    let title = phrase(
        format!("Trajectory in two dimensions: {name}"),
        format!("二维轨迹：{name}"),
    );
    let trails = ways.iter().map(|way| Trail {
        style: way.style,
        name: way.name.clone(),
        places: way.vectors.iter().map(|v| plane.place(v)).collect(),
    });
    let names: Vec<&str> = ways.iter().map(|way| way.name.as_str()).collect();
    Some(Paths {
        named: Named {
            title: title.text(language).to_owned(),
            description: names.join(", "),
        },
        labels: [axis(0, plane.shares[0]), axis(1, plane.shares[1])],
        trails: trails.filter(|trail| !trail.places.is_empty()).collect(),
    })
}

fn numbers(language: ReportLanguage, ways: &[Way<'_>]) -> Markup {
    let head = [
        phrase("vector", "向量"),
        phrase("from start to end", "起点到终点"),
        phrase("length of the way", "路径长度"),
    ];
    let row = |way: &Way<'_>| {
        let (first, last) = (way.vectors.first()?, way.vectors.last()?);
        let steps = way
            .vectors
            .windows(2)
            .map(|pair| distance(pair[0], pair[1]));
        Some(vec![
            Cell::Text(way.name.clone()),
            Cell::Number(number(distance(first, last))),
            Cell::Number(number(steps.sum())),
        ])
    };
    let rows: Vec<Vec<Cell>> = ways.iter().filter_map(row).collect();
    table(language, &head, &rows)
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (a - b).powi(2));
    squares.sum::<f64>().sqrt()
}
