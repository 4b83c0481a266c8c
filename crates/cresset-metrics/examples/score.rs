//! Scores a tagger and a translator: `cargo run --release -p cresset-metrics --example score`.

use cresset_metrics::{
    BleuOptions, Bootstrap, ChrfOptions, ConfusionMatrix, MetricError, bleu_statistics,
    bootstrap_interval, class_scores, corpus_bleu, corpus_chrf, macro_scores, matthews,
};

fn main() -> Result<(), MetricError> {
    // A classifier with three classes: predictions first, references second.
    let matrix = ConfusionMatrix::new(&[0, 1, 2, 1, 0, 2], &[0, 1, 1, 1, 0, 0], 3)?;
    print!("confusion (rows: references)\n{matrix}");
    for (class, scores) in class_scores(&matrix).iter().enumerate() {
        println!("class {class}: F1 {:.3}", scores.f1);
    }
    println!("macro F1 {:.3}", macro_scores(&matrix).f1);
    println!("Matthews {:.3}\n", matthews(&matrix));

    // A translator.
    let hypotheses = [
        "The cat sat on the mat.",
        "He has read the book because it was about the history.",
    ];
    let references = [
        "The cat sat on a mat.",
        "He read the book because he was interested in history.",
    ];
    let options = BleuOptions::default();
    println!("{}", corpus_bleu(&hypotheses, &references, &options)?);
    println!(
        "{}",
        corpus_chrf(&hypotheses, &references, &ChrfOptions::plus_plus())?
    );

    // How far to trust the BLEU: resample the sentences, adding up their counts.
    let counts: Vec<_> = hypotheses
        .iter()
        .zip(references)
        .map(|(hypothesis, reference)| bleu_statistics(hypothesis, &[reference], &options))
        .collect();
    let interval = bootstrap_interval(counts.len(), &Bootstrap::default(), |items| {
        let mut sum = counts[items[0]];
        items[1..].iter().for_each(|&item| sum += counts[item]);
        sum.score(&options)
    })?;
    println!(
        "BLEU {:.2}, 95 % between {:.2} and {:.2}",
        interval.score, interval.low, interval.high
    );
    Ok(())
}
