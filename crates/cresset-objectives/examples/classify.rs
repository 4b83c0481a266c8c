//! Trains a classifier on a dozen sentences and prints its accuracy on them.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use burn::tensor::Device;
use cresset_data::{
    BatchSize, Bucketing, Convention, Example, Label, Tokenizer, TokenizerKind,
    TokenizerTrainConfig,
};
use cresset_objectives::classify::ClassifyConfig;
use cresset_objectives::{
    DataSetup, Duration, ModelSource, ObjectiveConfig, RowSharing, Setup, TrainOrder, TrainSetup,
    new_model_config, open,
};
use cresset_train::{OptimConfig, ScheduleConfig};
use serde_json::{Map, Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let examples: Vec<Example> = ["fine", "lovely", "great", "awful", "dull", "bad"]
        .iter()
        .enumerate()
        .flat_map(|(i, word)| {
            let label = if i < 3 { "positive" } else { "negative" };
            [format!("a {word} film"), format!("the film was {word}")].map(|text| Example {
                line: i + 1,
                text,
                label: Some(Label::Name(label.to_owned())),
                ..Example::default()
            })
        })
        .collect();
    let tokenizer = TokenizerTrainConfig {
        vocab_size: 100,
        ..TokenizerTrainConfig::new(TokenizerKind::Wordpiece)
    };
    let tokenizer = Arc::new(Tokenizer::train(
        &tokenizer,
        examples.iter().map(|e| e.text.as_str()),
        "bert",
    )?);
    let convention = Arc::new(Convention::preset("bert", &tokenizer)?);
    let sizes: Map<String, Value> = serde_json::from_value(
        json!({"n_layers": 1, "hidden_size": 32, "n_heads": 2, "intermediate_size": 64, "dropout": 0.0}),
    )?;
    let model = new_model_config("bert", sizes, &tokenizer, &convention)?;
    let objective = ObjectiveConfig::Classify(ClassifyConfig::default());
    let mut optim = OptimConfig::default();
    optim.adamw.lr = 3e-3;
    let setup = Setup {
        seed: 0,
        tokenizer,
        convention,
        model: ModelSource::New(Box::new(model)),
        device: Device::flex(),
        objective: objective.clone(),
        source: Value::Null,
        data: DataSetup {
            train: examples.clone(),
            train_sources: Vec::new(),
            eval: examples,
            max_length: 16,
            max_target_length: 16,
            batch: BatchSize::Examples(4),
            bucketing: Bucketing::None,
            eval_batch: BatchSize::Examples(16),
            sharing: RowSharing::None,
            prepared: None,
            parts: Vec::new(),
        },
        train: Some(TrainSetup {
            policies: Default::default(),
            duration: Duration::Epochs(20.0),
            accumulate: 1,
            checkpoint_layers: false,
            optim,
            schedule: ScheduleConfig::default(),
        }),
    };
    let mut run = open(&objective, setup)?;
    let folder = tempfile::tempdir()?;
    run.train(TrainOrder {
        eval_every: None,
        checkpoint_every: None,
        keep_last: 1,
        keep_best: None,
        checkpoints: folder.path(),
        best: folder.path(),
        resume: None,
        telemetry: None,
        on_event: &mut |_| Ok(()),
        stop: &AtomicBool::new(false),
    })?;
    println!("{:?}", run.evaluate()?);
    Ok(())
}
