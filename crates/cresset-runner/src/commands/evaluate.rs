//! `cresset evaluate`: a model's metrics on labelled data.

use cresset_data::{Example, SourceConfig, read_examples};
use cresset_metrics::{BleuOptions, ChrfOptions, corpus_bleu, corpus_chrf};
use cresset_objectives::{ModelFolder, ObjectiveConfig, RowKind, open, open_generator};

use crate::cli::{Common, EvaluateArgs};
use crate::failure::user;
use crate::{decoder_start, device, inputs, output, setup};

pub fn run(args: &EvaluateArgs, common: &Common) -> anyhow::Result<()> {
    let device = device::pick(&common.device)?;
    let folder = ModelFolder::open(&args.model)?;
    if args.decoder_start.is_some() {
        refuse_unread(&folder)?;
    }
    let folder = decoder_start::changed(folder, args.decoder_start.as_deref(), common)?;
    let examples = read(args, &folder)?;
    let generator = match folder.facts.as_ref().map(|f| &f.objective) {
        Some(ObjectiveConfig::Seq2Seq(_)) => Some(open_generator(&folder, &device)?),
        _ => None,
    };
    let (objective, setup) =
        setup::of_folder(folder, examples.clone(), args.batch_size.max(1), device)?;
    let max_new_tokens = setup.data.max_target_length;
    let mut values = open(&objective, setup)?.evaluate()?;
    if let Some(generator) = generator {
        let mut hypotheses = Vec::new();
        for batch in examples.chunks(args.batch_size.max(1)) {
            hypotheses.extend(generator.generate(batch, max_new_tokens)?);
        }
        let references: Vec<String> = examples.iter().filter_map(|e| e.target.clone()).collect();
        let bleu = corpus_bleu(&hypotheses, &references, &BleuOptions::default())?;
        if !common.quiet {
            eprintln!("{bleu}");
            eprintln!("{}", bleu.signature);
        }
        values.insert("bleu".into(), bleu.score);
        let alike = hypotheses.iter().zip(&references);
        let n_right = alike.filter(|(a, b)| a.trim() == b.trim()).count();
        values.insert(
            "exact_match".into(),
            n_right as f64 / references.len().max(1) as f64,
        );
        values.insert(
            "chrf".into(),
            corpus_chrf(&hypotheses, &references, &ChrfOptions::default())?.score,
        );
    }
    output::metrics(&values, common.json)
}

/// Refuses another start token where it would change nothing: windows of a stream have none in front, and poolings of an encoder do
/// not ask the decoder.
fn refuse_unread(folder: &ModelFolder) -> anyhow::Result<()> {
    match folder.facts.as_ref().map(|facts| &facts.objective) {
        Some(ObjectiveConfig::CausalLm(c)) if c.rows == RowKind::Stream => Err(user(format!(
            "{} was trained on windows of a stream (rows = \"stream\"), which have no start token in front; leave out --decoder-start, or use it with `cresset generate`",
            folder.files.path.display()
        ))),
        Some(ObjectiveConfig::Classify(c)) if c.pooling.0.iter().all(|p| p.is_of_memory()) => {
            Err(user(format!(
                "{} reads the encoder only (pooling {}), so that decoding has no part in its answer; leave out --decoder-start",
                folder.files.path.display(),
                c.pooling
            )))
        }
        _ => Ok(()),
    }
}

fn read(args: &EvaluateArgs, folder: &ModelFolder) -> anyhow::Result<Vec<Example>> {
    let mut source: SourceConfig = match folder.facts.as_ref().map(|f| f.source.clone()) {
        Some(value) => serde_json::from_value(value)?,
        None => SourceConfig::default(),
    };
    if let Some(format) = &args.format {
        source.format = inputs::format(format)?;
    }
    source.files = args.data.clone();
    Ok(read_examples(&source)?)
}
