//! A probe's report as a person reads it.

use cresset_objectives::lab::{
    Ablations, Change, Clouds, LayerProbes, ProbeReport, Share, StartProbe,
};
use unicode_width::UnicodeWidthStr;

use crate::table::visible;

/// The lines of a report.
pub fn report(report: &ProbeReport) -> Vec<String> {
    let mut lines = vec![format!(
        "{}, convention {}, {} of {} texts",
        report.architecture, report.convention, report.n_texts, report.n_given
    )];
    if let Some(probes) = &report.layers {
        lines.push(String::new());
        lines.extend(layers(probes, report));
    }
    if let Some(found) = &report.clouds {
        lines.push(String::new());
        lines.extend(clouds(found, report));
    }
    if let Some(found) = &report.ablations {
        lines.push(String::new());
        lines.extend(ablations(found));
    }
    if let Some(found) = &report.start {
        lines.push(String::new());
        lines.extend(start(found));
    }
    if !report.notes.is_empty() {
        lines.push(String::new());
        lines.extend(report.notes.iter().map(|note| format!("note: {note}")));
    }
    lines
}

fn layers(probes: &LayerProbes, report: &ProbeReport) -> Vec<String> {
    let n_layers = probes.probes.iter().map(|p| p.layer).max().unwrap_or(0);
    let mut poolings = Vec::new();
    for probe in &probes.probes {
        if !poolings.contains(&probe.pooling) {
            poolings.push(probe.pooling);
        }
    }
    let head = std::iter::once("layer".to_owned());
    let mut table = vec![
        head.chain(poolings.iter().map(ToString::to_string))
            .collect::<Vec<_>>(),
    ];
    for layer in 0..=n_layers {
        let cell = |pooling| {
            let mut of_layer = probes.probes.iter().filter(|p| p.layer == layer);
            let found = of_layer.find(|p| p.pooling == pooling);
            found.map_or_else(|| "-".to_owned(), |p| percent(&p.accuracy))
        };
        let cells = poolings.iter().map(|pooling| cell(*pooling));
        table.push(std::iter::once(layer_name(layer)).chain(cells).collect());
    }
    let mut lines = vec![format!(
        "Linear probes of the {}: accuracy in % with 95 % interval (Wilson), n = {}",
        report.stack, probes.majority.n
    )];
    lines.extend(aligned(&table));
    lines.push(format!(
        "  {} classes; the commonest has {}. Each text is predicted by a probe trained on the other {} of {} folds (seed {}, C = {}).",
        probes.classes.len(),
        percent(&probes.majority),
        probes.folds - 1,
        probes.folds,
        probes.seed,
        probes.c
    ));
    lines
}

fn clouds(found: &Clouds, report: &ProbeReport) -> Vec<String> {
    let number = |x: Option<f64>, digits: usize| match x {
        Some(x) if x.is_finite() => format!("{x:.digits$}"),
        _ => "-".to_owned(),
    };
    let head = [
        "layer",
        "mean cosine",
        "within class",
        "between",
        "effective rank",
        "of",
        "first direction",
    ];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    for (layer, cloud) in found.layers.iter().enumerate() {
        table.push(vec![
            layer_name(layer),
            number(Some(cloud.mean_cosine), 3),
            number(cloud.within_classes, 3),
            number(cloud.between_classes, 3),
            number(cloud.effective_rank, 1),
            cloud.width.min(cloud.n.saturating_sub(1)).to_string(),
            number(cloud.first_direction, 3),
        ]);
    }
    let mut lines = vec![format!(
        "The {} vectors of the {} as a cloud, n = {}",
        found.pooling,
        report.stack,
        found.layers.first().map_or(0, |cloud| cloud.n)
    )];
    lines.extend(aligned(&table));
    lines
}

fn ablations(found: &Ablations) -> Vec<String> {
    let value = |metrics: &std::collections::BTreeMap<String, f64>| {
        metrics.get(found.metric).copied().unwrap_or(f64::NAN)
    };
    let untouched = &found.untouched;
    let mut lines = vec![format!(
        "Another vector in a special token's place: {} (untouched {:.4}{}), n = {}",
        found.metric,
        value(&untouched.metrics),
        interval(untouched.accuracy.as_ref()),
        found.n
    )];
    let head = ["token", "replaced by", found.metric, "", "change", ""];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    for ablation in &found.changed {
        table.push(vec![
            visible(&ablation.token),
            ablation.by.clone(),
            format!("{:.4}", value(&ablation.measured.metrics)),
            interval(ablation.measured.accuracy.as_ref()),
            format!("{:+.4}", ablation.change),
            ablation.paired.as_ref().map_or_else(String::new, |paired| {
                format!("[{:+.4}, {:+.4}]", paired.low, paired.high)
            }),
        ]);
    }
    lines.extend(aligned(&table));
    lines
}

fn start(found: &StartProbe) -> Vec<String> {
    let mut lines = vec![
        format!(
            "The start token {}: the first token it leads to, n = {} texts",
            visible(&found.token),
            found.n_texts
        ),
        format!(
            "  entropy {:.3} nats (mean over texts), {:.3} of the mean distribution, {:.3} at most",
            found.entropy, found.entropy_of_mean, found.entropy_of_uniform
        ),
    ];
    if let Some(kl) = found.kl_to_unigram {
        lines.push(format!(
            "  KL from the frequency of tokens in the targets: {kl:.3} nats"
        ));
    }
    if let Some(nll) = found.nll {
        lines.push(format!(
            "  NLL of a target token: {nll:.4} nats, n = {} tokens",
            found.n_targets
        ));
    }
    let top: Vec<String> = found
        .top
        .iter()
        .map(|likely| format!("{} {:.3}", visible(&likely.token), likely.probability))
        .collect();
    lines.push(format!("  likeliest: {}", top.join("  ")));
    lines.push(String::new());
    lines.push(
        "Another vector in its place: KL of the first token from what it was, change of the NLL with 95 % interval over texts, nats".to_owned(),
    );
    let head = [
        "replaced by",
        "KL",
        "same first token in %",
        "change of NLL",
        "",
    ];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    for change in &found.changed {
        let (mean, ends) = change
            .nll
            .as_ref()
            .map_or(("-".to_owned(), String::new()), ends);
        table.push(vec![
            change.by.clone(),
            format!("{:.3}", change.kl),
            percent(&change.same_first),
            mean,
            ends,
        ]);
    }
    lines.extend(aligned(&table));
    lines
}

fn ends(change: &Change) -> (String, String) {
    (
        format!("{:+.4}", change.mean),
        format!("[{:+.4}, {:+.4}]", change.low, change.high),
    )
}

fn layer_name(layer: usize) -> String {
    match layer {
        0 => "embeddings".to_owned(),
        layer => layer.to_string(),
    }
}

fn percent(share: &Share) -> String {
    format!(
        "{:.1} [{:.1}, {:.1}]",
        share.value * 100.0,
        share.low * 100.0,
        share.high * 100.0
    )
}

fn interval(share: Option<&Share>) -> String {
    share.map_or_else(String::new, |share| {
        format!(" [{:.4}, {:.4}]", share.low, share.high)
    })
}

/// Rows of cells, the cells of a column under one another.
fn aligned(table: &[Vec<String>]) -> Vec<String> {
    let n_columns = table.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = table.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.width()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..n_columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let padded = cells.map(|(cell, &width)| {
            let room = width - cell.width();
            format!("  {cell}{}", " ".repeat(room))
        });
        padded.collect::<String>().trim_end().to_owned()
    };
    table.iter().map(line).collect()
}
