//! What a probe found.

use maud::{Markup, html};

use super::super::draw::{Axis, Chart, Forest, ForestRow, Level, Named, Point, Series};
use super::super::html::{Cell, Part, Section, beside, figure, part, table};
use super::super::language::phrase;
use super::super::number::{interval, number_or_dash, percent, signed};
use super::super::read::{Ablation, Ablations, Clouds, LayerCloud, Probe, Probes, Share};
use super::{headed, start};
use crate::cli::ReportLanguage;

/// Probes, clouds, ablations and the start token.
pub fn section(language: ReportLanguage, number: usize, probe: &Probe) -> Section {
    let parts = [
        probe
            .layers
            .as_ref()
            .and_then(|probes| curves(language, probes)),
        probe
            .clouds
            .as_ref()
            .and_then(|found| clouds(language, found)),
        probe
            .ablations
            .as_ref()
            .and_then(|found| ablations(language, found)),
        probe
            .start
            .as_ref()
            .and_then(|found| start::part(language, found)),
    ];
    Section {
        id: format!("probe-{number}"),
        heading: headed(language, ("Probe", "探针"), &probe.name),
        content: what(language, probe),
        parts: parts.into_iter().flatten().collect(),
    }
}

fn what(language: ReportLanguage, probe: &Probe) -> Markup {
    let count = |n: Option<usize>| n.map_or_else(|| "?".to_owned(), |n| n.to_string());
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
    let (architecture, convention) = (known(&probe.architecture), known(&probe.convention));
    let (n, given) = (count(probe.n_texts), count(probe.n_given));
    let said = phrase(
        format!(
            "A trained {architecture} (convention {convention}), looked at with {n} of {given} texts. The vectors are those of the {}.",
            known(&probe.stack)
        ),
        format!(
            "已训练的 {architecture}（约定 {convention}），用 {given} 段文本中的 {n} 段考察。向量取自 {}。",
            known(&probe.stack)
        ),
    );
    html! {
        p { (said.show(language)) }
        @for note in &probe.notes { p.note { (note) } }
    }
}

/// Layers by name: the embeddings, then numbers.
fn layer_axis(language: ReportLanguage, n_layers: usize) -> Axis {
    let embeddings = phrase("emb.", "嵌入").text(language).to_owned();
    let name = |layer: usize| match layer {
        0 => embeddings.clone(),
        layer => layer.to_string(),
    };
    let skip = n_layers.div_ceil(13).max(1);
    Axis {
        label: phrase("layer", "层").text(language).to_owned(),
        named: (0..n_layers)
            .step_by(skip)
            .map(|layer| (layer as f64, name(layer)))
            .collect(),
        ..Axis::default()
    }
}

fn curves(language: ReportLanguage, found: &Probes) -> Option<Part> {
    let mut poolings: Vec<&String> = Vec::new();
    for probe in &found.probes {
        if !poolings.contains(&&probe.pooling) {
            poolings.push(&probe.pooling);
        }
    }
    let n_layers = found.probes.iter().map(|p| p.layer + 1).max()?;
    let in_percent = |share: &Share| (share.value * 100.0, (share.low * 100.0, share.high * 100.0));
    let series = poolings.iter().enumerate().map(|(style, pooling)| Series {
        style,
        name: (*pooling).clone(),
        points: found
            .probes
            .iter()
            .filter(|probe| probe.pooling == **pooling)
            .map(|probe| {
                let (y, band) = in_percent(&probe.accuracy);
                Point {
                    x: probe.layer as f64,
                    y,
                    band: Some(band),
                }
            })
            .collect(),
    });
    let commonest = phrase("commonest class", "最常见的类别")
        .text(language)
        .to_owned();
    let level = found.majority.map(|share| Level {
        name: commonest.clone(),
        value: in_percent(&share).0,
        band: Some(in_percent(&share).1),
    });
    let title = phrase(
        "Accuracy of linear probes by layer and pooling",
        "各层各池化方式的线性探针准确率",
    );
    let chart = Chart {
        named: Named {
            title: title.text(language).to_owned(),
            description: poolings
                .iter()
                .map(|p| p.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        },
        x: layer_axis(language, n_layers),
        y: Axis {
            label: phrase("accuracy (%)", "准确率（%）")
                .text(language)
                .to_owned(),
            ..Axis::default()
        },
        series: series.collect(),
        levels: level.into_iter().collect(),
    };
    let (n, folds) = (
        found
            .probes
            .first()
            .and_then(|p| p.accuracy.n)
            .map_or_else(|| "?".to_owned(), |n| n.to_string()),
        found
            .folds
            .map_or_else(|| "?".to_owned(), |n| n.to_string()),
    );
    let n_classes = found.classes.len();
    let caption = phrase(
        format!(
            "How well a linear classifier tells the {n_classes} classes of {n} texts from one vector per text, layer by layer and pooling by pooling; each text is predicted by a probe trained on the other parts of {folds}. Bands and brackets are 95 % intervals (Wilson)."
        ),
        format!(
            "线性分类器仅凭每段文本的一个向量，对 {n} 段文本的 {n_classes} 个类别能分得多准（逐层、逐池化方式；{folds} 折交叉验证，每段文本由未见过它的探针预测）。色带和方括号为 95 % 置信区间（Wilson）。"
        ),
    );
    let mut head = vec![phrase("layer", "层")];
    head.extend(poolings.iter().map(|p| phrase(p.as_str(), p.as_str())));
    let row = |layer: usize| {
        let of = |pooling: &&String| {
            let probe = found
                .probes
                .iter()
                .find(|p| p.layer == layer && p.pooling == **pooling);
            Cell::Number(probe.map_or_else(|| "–".to_owned(), |p| share(&p.accuracy)))
        };
        let name = Cell::Text(match layer {
            0 => phrase("embeddings", "嵌入层").text(language).to_owned(),
            layer => layer.to_string(),
        });
        std::iter::once(name)
            .chain(poolings.iter().map(of))
            .collect::<Vec<_>>()
    };
    let mut rows: Vec<Vec<Cell>> = (0..n_layers).map(row).collect();
    if let Some(majority) = &found.majority {
        let mut row = vec![Cell::Text(commonest), Cell::Number(share(majority))];
        row.resize(head.len(), Cell::Number(String::new()));
        rows.push(row);
    }
    let drawn = beside(&[chart.draw()]);
    let figure = figure(
        language,
        &drawn,
        &caption,
        Some(table(language, &head, &rows)),
    );
    part(
        phrase("What each layer's vectors tell", "各层向量能说明什么"),
        Some(figure),
    )
}

/// A share in percent with its interval.
pub fn share(share: &Share) -> String {
    format!(
        "{} [{}, {}]",
        percent(share.value),
        percent(share.low),
        percent(share.high)
    )
}

fn clouds(language: ReportLanguage, found: &Clouds) -> Option<Part> {
    let curve = |style: usize, name: &str, value: &dyn Fn(&LayerCloud) -> Option<f64>| {
        let layers = found.layers.iter().enumerate();
        Series {
            style,
            name: name.to_owned(),
            points: layers
                .filter_map(|(layer, cloud)| Some(Point::new(layer as f64, value(cloud)?)))
                .collect(),
        }
    };
    let names = [
        phrase("mean cosine", "平均余弦"),
        phrase("within a class", "同类之间"),
        phrase("between classes", "异类之间"),
        phrase("effective rank", "有效秩"),
        phrase("share of the first direction", "第一方向所占比例"),
    ];
    let [cosine, within, between, rank, _] = names.each_ref().map(|p| p.text(language));
    let chart = |label: &str, mut series: Vec<Series>| {
        series.retain(|s| !s.points.is_empty());
        let title = phrase(format!("{label} by layer"), format!("各层的{label}"));
        (!series.is_empty()).then(|| Chart {
            named: Named {
                title: title.text(language).to_owned(),
                description: series
                    .iter()
                    .map(|s| s.name.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
            },
            x: layer_axis(language, found.layers.len()),
            y: Axis {
                label: label.to_owned(),
                ..Axis::default()
            },
            series,
            levels: Vec::new(),
        })
    };
    let cosines = vec![
        curve(0, cosine, &|c| c.mean_cosine),
        curve(1, within, &|c| c.within_classes),
        curve(2, between, &|c| c.between_classes),
    ];
    let charts = [
        chart(cosine, cosines),
        chart(rank, vec![curve(0, rank, &|c| c.effective_rank)]),
    ];
    let drawings: Vec<Markup> = charts.iter().flatten().map(Chart::draw).collect();
    let pooling = &found.pooling;
    let caption = phrase(
        format!(
            "The vectors of the texts as a cloud, layer by layer (pooling {pooling}). A cosine of 1 between all texts means that they have the same vector; the effective rank says how many directions the cloud uses."
        ),
        format!(
            "各层文本向量构成的云（池化方式 {pooling}）。任意两段文本的余弦都为 1，说明向量全都相同；有效秩表示这片云用了多少个方向。"
        ),
    );
    let mut head = vec![phrase("layer", "层")];
    head.extend(names.clone());
    let rows = found.layers.iter().enumerate().map(|(layer, cloud)| {
        let numbers = [
            cloud.mean_cosine,
            cloud.within_classes,
            cloud.between_classes,
            cloud.effective_rank,
            cloud.first_direction,
        ];
        let name = match layer {
            0 => phrase("embeddings", "嵌入层").text(language).to_owned(),
            layer => layer.to_string(),
        };
        let numbers = numbers.map(|n| Cell::Number(number_or_dash(n)));
        std::iter::once(Cell::Text(name))
            .chain(numbers)
            .collect::<Vec<_>>()
    });
    let rows: Vec<Vec<Cell>> = rows.collect();
    let numbers = table(language, &head, &rows);
    let content = figure(language, &beside(&drawings), &caption, Some(numbers));
    part(
        phrase("The cloud, layer by layer", "逐层的向量云"),
        (!drawings.is_empty()).then_some(content),
    )
}

fn ablations(language: ReportLanguage, found: &Ablations) -> Option<Part> {
    let mut rows = Vec::new();
    let mut token = None;
    for change in &found.changed {
        if token != Some(&change.token) {
            token = Some(&change.token);
            rows.push(ForestRow::Group(change.token.clone()));
        }
        if let Some(mean) = change.paired.map(|p| p.mean).or(change.change) {
            rows.push(ForestRow::Difference {
                name: change.by.clone(),
                mean,
                ends: change.paired.map(|p| (p.low, p.high)),
            });
        }
    }
    let metric = &found.metric;
    let label = phrase(format!("change of {metric}"), format!("{metric} 的变化"));
    let forest = Forest {
        named: Named {
            title: label.text(language).to_owned(),
            description: phrase(
                "with another vector in the token's place",
                "用另一个向量替换该词元的向量",
            )
            .text(language)
            .to_owned(),
        },
        label: label.text(language).to_owned(),
        rows,
    };
    let n = found.n.map_or_else(|| "?".to_owned(), |n| n.to_string());
    let caption = phrase(
        format!(
            "What becomes of {metric} on {n} texts when the token's embedding is replaced by what stands at the left; with 95 % intervals over texts, where {metric} has them. Filled: the interval leaves 0 out."
        ),
        format!(
            "把词元的嵌入换成左侧所列内容之后，{n} 段文本上的 {metric} 如何变化；有区间的为 95 % 置信区间（按文本计算）。实心：区间不含 0。"
        ),
    );
    let head = [
        phrase("token", "词元"),
        phrase("replaced by", "替换为"),
        phrase("change", "变化"),
        phrase("interval", "置信区间"),
    ];
    let row = |change: &Ablation| {
        let paired = change.paired;
        vec![
            Cell::Token(change.token.clone()),
            Cell::Text(change.by.clone()),
            Cell::Number(change.change.map_or_else(|| "–".to_owned(), signed)),
            Cell::Number(interval(paired.map(|p| (p.low, p.high)))),
        ]
    };
    let table_rows: Vec<Vec<Cell>> = found.changed.iter().map(row).collect();
    let content = figure(
        language,
        &beside(&[forest.draw()]),
        &caption,
        Some(table(language, &head, &table_rows)),
    );
    let heading = phrase(
        "Another vector in a special token's place",
        "替换特殊词元的向量（消融）",
    );
    part(heading, (!found.changed.is_empty()).then_some(content))
}
