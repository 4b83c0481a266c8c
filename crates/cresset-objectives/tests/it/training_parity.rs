//! Gradients and ten optimizer steps equal to PyTorch's, for one model of each shape (`scripts/golden_training.py`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, TensorData};
use cresset_data::{PadSide, PaddedIds, pad};
use cresset_model::{
    CausalLm, HfModel, Layout, MaskedLm, ModelConfig, Seq2SeqLm, load_weights, read_config,
    save_weights,
};
use cresset_objectives::causal_lm::{CausalLanguageModelling, CausalLmBatch};
use cresset_objectives::masked_lm::{MaskedLanguageModelling, MaskedLmBatch};
use cresset_objectives::seq2seq::{Seq2SeqBatch, SequenceToSequence};
use cresset_train::{
    AdamWConfig, ConstantConfig, Objective, OptimConfig, ScheduleConfig, Trainer, TrainerConfig,
};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;

const STEPS: u64 = 10;

/// As in the script. The decay is large so that a parameter that should not decay, or should, shows.
fn config() -> TrainerConfig {
    let adamw = AdamWConfig {
        lr: 3e-3,
        weight_decay: 0.1,
        ..AdamWConfig::default()
    };
    TrainerConfig {
        seed: 0,
        steps: STEPS,
        accumulate: 2,
        checkpoint_layers: false,
        optim: OptimConfig { adamw, clip: None },
        schedule: ScheduleConfig::Constant(ConstantConfig::default()),
    }
}

/// The tensors of a file, flat, by name.
type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn folder(case: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "golden", case]
        .iter()
        .collect()
}

fn read(file: &Path) -> Tensors {
    let bytes = std::fs::read(file).expect("a file");
    let parsed = SafeTensors::deserialize(&bytes).expect("safetensors");
    let values = |dtype: Dtype, data: &[u8]| -> Vec<f32> {
        let words = data.as_chunks::<4>().0;
        match dtype {
            Dtype::F32 => words.iter().map(|&w| f32::from_le_bytes(w)).collect(),
            Dtype::I32 => words
                .iter()
                .map(|&w| i32::from_le_bytes(w) as f32)
                .collect(),
            other => panic!("golden of type {other:?}"),
        }
    };
    parsed
        .tensors()
        .into_iter()
        .map(|(name, view)| {
            let numbers = values(view.dtype(), view.data());
            (name, (view.shape().to_vec(), numbers))
        })
        .collect()
}

/// A micro-batch as the script wrote it.
struct Written<'a> {
    tensors: &'a Tensors,
    index: usize,
}

impl Written<'_> {
    fn numbers(&self, name: &str) -> &(Vec<usize>, Vec<f32>) {
        &self.tensors[&format!("batch.{}.{name}", self.index)]
    }

    fn ids(&self, name: &str) -> Vec<u32> {
        self.numbers(name).1.iter().map(|&id| id as u32).collect()
    }

    /// Rows of a tensor, each as long as `counts` has places in it that count.
    fn ragged(&self, name: &str, counts: impl Fn(f32) -> bool, by: &str) -> PaddedIds {
        let (shape, marks) = self.numbers(by);
        let rows: Vec<Vec<u32>> = self
            .ids(name)
            .chunks(shape[1])
            .zip(marks.chunks(shape[1]))
            .map(|(row, marks)| {
                let length = marks.iter().filter(|&&mark| counts(mark)).count();
                row[..length].to_vec()
            })
            .collect();
        pad(&rows, 0, PadSide::Right)
    }

    fn texts(&self) -> PaddedIds {
        self.ragged("input_ids", |mark| mark == 1.0, "attention_mask")
    }

    /// Flat positions of the targets, and the targets.
    fn targets(&self) -> (Vec<u32>, Vec<u32>) {
        (0..)
            .zip(&self.numbers("labels").1)
            .filter(|(_, label)| **label >= 0.0)
            .map(|(position, &label)| (position, label as u32))
            .unzip()
    }
}

fn masked_lm_batch(written: &Written<'_>) -> MaskedLmBatch {
    let (positions, targets) = written.targets();
    MaskedLmBatch {
        input: written.texts(),
        segments: written.ids("token_type_ids"),
        weights: vec![1.0; targets.len()],
        positions,
        targets,
    }
}

fn seq2seq_batch(written: &Written<'_>) -> Seq2SeqBatch {
    let (positions, labels) = written.targets();
    Seq2SeqBatch {
        source: written.texts(),
        decoder_input: written.ragged("decoder_input_ids", |label| label >= 0.0, "labels"),
        positions,
        labels,
    }
}

fn causal_lm_batch(written: &Written<'_>) -> CausalLmBatch {
    let (positions, labels) = written.targets();
    CausalLmBatch {
        input: written.texts(),
        positions,
        labels,
    }
}

/// An objective with the weights of a golden folder and the batches beside them.
struct Case<O: Objective, M> {
    golden: Tensors,
    trainer: Trainer<O>,
    batches: Vec<O::Batch>,
    network: fn(&O) -> &M,
}

fn open<O: Objective, M: HfModel>(
    case: &str,
    network: fn(&O) -> &M,
    batch: fn(&Written<'_>) -> O::Batch,
    objective: impl Fn(&ModelConfig, &Path) -> O,
) -> Case<O, M> {
    let folder = folder(case);
    let golden = read(&folder.join("expected.safetensors"));
    let batches = [0, 1]
        .map(|index| {
            batch(&Written {
                tensors: &golden,
                index,
            })
        })
        .into();
    let objective = objective(&read_config(&folder).expect("a config").0, &folder);
    Case {
        trainer: Trainer::new(objective, config()).expect("a trainer"),
        golden,
        batches,
        network,
    }
}

fn device() -> Device {
    Device::flex().autodiff()
}

fn filled<M: HfModel>(model: M, folder: &Path) -> M {
    let (model, report) = load_weights(model, folder).expect("weights");
    assert!(
        report.new.is_empty() && report.unused.is_empty(),
        "{report:?}"
    );
    model
}

fn bert() -> Case<MaskedLanguageModelling, MaskedLm> {
    open(
        "training_bert",
        MaskedLanguageModelling::model,
        masked_lm_batch,
        |config, folder| {
            let config = config.encoder().expect("an encoder");
            let model = MaskedLm::new(&config, 0, &device()).expect("a model");
            MaskedLanguageModelling::new(filled(model, folder))
        },
    )
}

fn t5() -> Case<SequenceToSequence, Seq2SeqLm> {
    open(
        "training_t5",
        SequenceToSequence::model,
        seq2seq_batch,
        |config, folder| {
            let config = config.encoder_decoder().expect("an encoder-decoder");
            let model = Seq2SeqLm::new(&config, 0, &device()).expect("a model");
            SequenceToSequence::new(filled(model, folder), 0.0)
        },
    )
}

fn gpt2() -> Case<CausalLanguageModelling, CausalLm> {
    open(
        "training_gpt2",
        CausalLanguageModelling::model,
        causal_lm_batch,
        |config, folder| {
            let config = config.decoder().expect("a decoder");
            let model = CausalLm::new(&config, 0, &device()).expect("a model");
            CausalLanguageModelling::new(filled(model, folder))
        },
    )
}

fn largest(numbers: impl Iterator<Item = f32>) -> f32 {
    numbers
        .map(|x| if x.is_nan() { f32::INFINITY } else { x.abs() })
        .fold(0.0, f32::max)
}

/// The largest difference, as a share of the largest magnitude that PyTorch has in this tensor; places in `skipped` do not count.
fn relative(ours: &[f32], theirs: &[f32], skipped: &[bool]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    let differences = ours.iter().zip(theirs).zip(skipped);
    let counted = differences.filter_map(|((a, b), skip)| (!skip).then_some(a - b));
    largest(counted) / largest(theirs.iter().copied())
}

impl<O: Objective, M: HfModel> Case<O, M> {
    /// PyTorch's tensors of a kind by parameter.
    fn theirs(&self, kind: &str) -> BTreeMap<&str, &[f32]> {
        self.golden
            .iter()
            .filter_map(|(name, (_, values))| Some((name.strip_prefix(kind)?, values.as_slice())))
            .collect()
    }

    fn largest_gradient(&self) -> f32 {
        let theirs = self.theirs("gradient.");
        largest(theirs.values().flat_map(|g| g.iter().copied()))
    }

    /// Where PyTorch's gradient is nothing but what rounding in 64 bits left: the biases of attention's keys, which shift all
    /// scores of a query alike and so change nothing.
    fn rounding(&self, name: &str) -> Vec<bool> {
        let limit = 1e-12 * self.largest_gradient();
        self.golden[&format!("gradient.{name}")]
            .1
            .iter()
            .map(|&g| g != 0.0 && g.abs() < limit)
            .collect()
    }

    /// Our gradients by Hugging Face's names, in its layout.
    fn gradients(&self) -> BTreeMap<String, Vec<f32>> {
        let objective = self.trainer.model();
        let named = |(path, data): (String, TensorData)| {
            let path = path.strip_prefix("model.").expect("the network's");
            let tensor = (self.network)(objective).hf_name(path).expect("a name");
            let values: Vec<f32> = data.iter::<f32>().collect();
            let values = match (tensor.layout, &data.shape()[..]) {
                (Layout::Transposed, &[rows, columns]) => (0..columns)
                    .flat_map(|c| (0..rows).map(move |r| (r, c)))
                    .map(|(r, c)| values[r * columns + c])
                    .collect(),
                _ => values,
            };
            (tensor.name, values)
        };
        self.trainer
            .gradients(&self.batches)
            .expect("gradients")
            .to_data(objective)
            .into_iter()
            .map(named)
            .collect()
    }

    /// Within 1e-4 of the largest gradient of the parameter.
    fn assert_gradients_equal(&self) {
        let (ours, theirs) = (self.gradients(), self.theirs("gradient."));
        assert!(ours.keys().map(String::as_str).eq(theirs.keys().copied()));
        let mut worst = 0.0;
        for (name, gradient) in &ours {
            let rounding = self.rounding(name);
            let by = relative(gradient, theirs[name.as_str()], &rounding);
            assert!(by < 1e-4, "the gradient of {name} differs by {by:.1e}");
            worst = f32::max(worst, by);
            let rests = gradient.iter().zip(&rounding).filter(|(_, left)| **left);
            let rest = largest(rests.map(|(g, _)| *g));
            assert!(rest < 1e-6 * self.largest_gradient(), "{name}: {rest}");
        }
        println!("{} gradients within {worst:.1e}", ours.len());
    }

    /// Losses within 1e-3, weights within 1e-3 of the largest of the parameter.
    fn assert_steps_equal(mut self) {
        let losses = self.golden["losses"].1.clone();
        assert_eq!(losses.len() as u64, STEPS);
        let mut worst = 0.0;
        for (step, &theirs) in losses.iter().enumerate() {
            let ours = self.trainer.step(&self.batches).expect("a step").loss as f32;
            let by = (ours - theirs).abs() / theirs;
            assert!(by < 1e-3, "the loss of step {step} is {ours}, not {theirs}");
            worst = f32::max(worst, by);
        }
        println!("losses within {worst:.1e}");

        let place = tempfile::tempdir().expect("a folder");
        save_weights((self.network)(self.trainer.model()), place.path()).expect("saved");
        let ours = read(&place.path().join("model.safetensors"));
        let theirs = self.theirs("final.");
        assert!(ours.keys().map(String::as_str).eq(theirs.keys().copied()));
        let mut worst = 0.0;
        for (name, (_, weights)) in &ours {
            // AdamW makes whole steps even of what rounding left; they mean nothing.
            let by = relative(weights, theirs[name.as_str()], &self.rounding(name));
            assert!(by < 1e-3, "{name} differs by {by:.1e}");
            worst = f32::max(worst, by);
        }
        println!("{} weights within {worst:.1e}", ours.len());
    }
}

#[test]
fn gradients_of_bert_equal_pytorch() {
    bert().assert_gradients_equal();
}

#[test]
fn gradients_of_t5_equal_pytorch() {
    t5().assert_gradients_equal();
}

#[test]
fn gradients_of_gpt2_equal_pytorch() {
    gpt2().assert_gradients_equal();
}

#[test]
fn ten_steps_of_bert_equal_pytorch() {
    bert().assert_steps_equal();
}

#[test]
fn ten_steps_of_t5_equal_pytorch() {
    t5().assert_steps_equal();
}

#[test]
fn ten_steps_of_gpt2_equal_pytorch() {
    gpt2().assert_steps_equal();
}
