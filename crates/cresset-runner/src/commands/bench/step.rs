//! The time of a training step on random tokens, dropout and optimizer included.

use std::time::Instant;

use burn::tensor::Device;
use cresset_model::{CausalLm, EncoderConfig, MaskedLm, ModelConfig, Seq2SeqLm};
use cresset_objectives::causal_lm::{CausalLanguageModelling, CausalLmBatch};
use cresset_objectives::masked_lm::{MaskedLanguageModelling, MaskedLmBatch};
use cresset_objectives::seq2seq::{Seq2SeqBatch, SequenceToSequence};
use cresset_train::{Objective, OptimConfig, ScheduleConfig, Trainer, TrainerConfig};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::{Facts, Times, VOCABULARY, facts, gpt_6x384, peak_mib, random_rows, sizes, t5_4x256};
use crate::cli::BenchArgs;

/// The sizes of a BERT case.
pub struct BertSizes {
    pub layers: usize,
    pub hidden: usize,
    pub vocabulary: usize,
    pub seq: usize,
    pub rows: usize,
}

impl BertSizes {
    /// The sizes that the command line asks for, and these where it asks for none.
    pub fn or(self, args: &BenchArgs) -> Self {
        BertSizes {
            vocabulary: args.vocab.unwrap_or(self.vocabulary),
            seq: args.seq.unwrap_or(self.seq),
            rows: args.batch.unwrap_or(self.rows),
            ..self
        }
    }
}

pub fn bert(
    at: &BertSizes,
    args: &BenchArgs,
    device: &Device,
    rng: &mut ChaCha8Rng,
) -> anyhow::Result<Facts> {
    let &BertSizes {
        layers,
        hidden,
        vocabulary,
        seq,
        rows,
    } = at;
    let config = sizes(
        "bert",
        json!({
            "num_hidden_layers": layers, "hidden_size": hidden, "num_attention_heads": hidden / 64,
            "intermediate_size": 4 * hidden, "vocab_size": vocabulary, "max_position_embeddings": seq,
        }),
    )?;
    let ModelConfig::Bert(config) = config else {
        unreachable!("asked for bert")
    };
    let objective =
        MaskedLanguageModelling::new(MaskedLm::new(&EncoderConfig::Bert(config), 0, device)?);
    let input = random_rows(rows, seq, vocabulary, rng);
    let mut targets: Vec<bool> = (0..rows * seq)
        .map(|_| rng.random::<f64>() < 0.15)
        .collect();
    // A small batch may have drawn none, and a step needs one.
    targets[0] = true;
    let everywhere = args.heads_at == "all";
    let positions: Vec<u32> = (0..(rows * seq) as u32)
        .filter(|&i| everywhere || targets[i as usize])
        .collect();
    let batch = MaskedLmBatch {
        segments: vec![0; rows * seq],
        weights: positions
            .iter()
            .map(|&p| if targets[p as usize] { 1.0 } else { 0.0 })
            .collect(),
        targets: positions.iter().map(|&p| input.ids[p as usize]).collect(),
        positions,
        input,
    };
    measure(objective, batch, args)
}

pub fn gpt(args: &BenchArgs, device: &Device, rng: &mut ChaCha8Rng) -> anyhow::Result<Facts> {
    let (seq, rows) = (256, 8);
    let objective = CausalLanguageModelling::new(CausalLm::new(&gpt_6x384()?, 0, device)?);
    let input = random_rows(rows, seq, VOCABULARY, rng);
    let labels = random_rows(rows, seq, VOCABULARY, rng).ids;
    measure(
        objective,
        CausalLmBatch {
            positions: input.flat_positions(),
            input,
            labels,
        },
        args,
    )
}

pub fn t5(args: &BenchArgs, device: &Device, rng: &mut ChaCha8Rng) -> anyhow::Result<Facts> {
    let (source, target, rows) = (64, 64, 16);
    let objective = SequenceToSequence::new(Seq2SeqLm::new(&t5_4x256()?, 0, device)?, 0.0);
    let decoder_input = random_rows(rows, target, VOCABULARY, rng);
    let batch = Seq2SeqBatch {
        source: random_rows(rows, source, VOCABULARY, rng),
        positions: decoder_input.flat_positions(),
        labels: random_rows(rows, target, VOCABULARY, rng).ids,
        decoder_input,
    };
    measure(objective, batch, args)
}

fn measure<O: Objective>(objective: O, batch: O::Batch, args: &BenchArgs) -> anyhow::Result<Facts> {
    let parameters = objective.num_params();
    let tokens = O::tokens(&batch);
    let config = TrainerConfig {
        seed: 0,
        steps: args.steps as u64,
        accumulate: 1,
        checkpoint_layers: args.checkpoint_layers,
        optim: OptimConfig::default(),
        schedule: ScheduleConfig::default(),
    };
    let mut trainer = Trainer::new(objective, config)?;
    let batches = [batch];
    let mut seconds = Vec::new();
    for _ in 0..args.steps {
        let began = Instant::now();
        trainer.step(&batches)?;
        seconds.push(began.elapsed().as_secs_f64());
    }
    let times = Times::of(&seconds);
    let milliseconds = |seconds: f64| (seconds * 1e4).round() / 10.0;
    Ok(facts(json!({
        "heads_at": args.heads_at, "step_ms": milliseconds(times.median),
        "min_ms": milliseconds(times.min), "max_ms": milliseconds(times.max),
        "tokens": tokens, "tokens_per_s": (tokens as f64 / times.median).round(),
        "peak_mib": peak_mib(), "parameters": parameters,
    })))
}
