//! `cresset bench`: the time of a training step on random tokens, dropout and optimizer included.

use std::time::Instant;

use burn::tensor::Device;
use cresset_data::{PadSide, PaddedIds, pad};
use cresset_model::{
    CausalLm, DecoderConfig, EncoderConfig, MaskedLm, ModelConfig, Seq2SeqConfig, Seq2SeqLm,
};
use cresset_objectives::causal_lm::{CausalLanguageModelling, CausalLmBatch};
use cresset_objectives::masked_lm::{MaskedLanguageModelling, MaskedLmBatch};
use cresset_objectives::seq2seq::{Seq2SeqBatch, SequenceToSequence};
use cresset_train::{Objective, OptimConfig, ScheduleConfig, Trainer, TrainerConfig};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::cli::{BenchArgs, Common};
use crate::failure::user;
use crate::{device, output};

const CASES: [&str; 5] = [
    "bert-4x256",
    "bert-8x512",
    "gpt-6x384",
    "t5-4x256",
    super::pipeline::CASE,
];

/// Steps before the measurement.
pub const WARM_UP: usize = 2;

pub fn run(args: &BenchArgs, common: &Common) -> anyhow::Result<()> {
    if args.steps <= WARM_UP {
        return Err(user(format!(
            "--steps is {} but must be above the {WARM_UP} of the warm-up",
            args.steps
        )));
    }
    if args.config.is_some() {
        return Err(user(format!(
            "--config is for bench {}; case {:?} has its own sizes",
            super::pipeline::CASE,
            args.case
        )));
    }
    let plain = device::pick(&common.device)?;
    let device = plain.clone().autodiff();
    let mut rng = ChaCha8Rng::seed_from_u64(common.seed.unwrap_or(0));
    let measured = match args.case.as_str() {
        "bert-4x256" => bert([4, 256, 8192, 128, 16], args, &device, &mut rng)?,
        "bert-8x512" => bert([8, 512, 30522, 128, 8], args, &device, &mut rng)?,
        "gpt-6x384" => gpt(args, &device, &mut rng)?,
        "t5-4x256" => t5(args, &device, &mut rng)?,
        other => {
            return Err(user(format!(
                "bench case {other:?} is unknown; choose one of {}",
                CASES.join(", ")
            )));
        }
    };
    let mut facts = json!({
        "case": args.case, "heads_at": args.heads_at, "device": common.device,
        "threads": common.threads.unwrap_or_else(rayon::current_num_threads),
    });
    let Value::Object(facts) = &mut facts else {
        unreachable!("built as an object above")
    };
    facts.extend(measured);
    if common.json {
        return output::json(facts);
    }
    facts
        .iter()
        .try_for_each(|(name, value)| output::line(&format!("{name:<14} {value}")))
}

fn sizes(kind: &str, value: Value) -> anyhow::Result<ModelConfig> {
    let Value::Object(table) = value else {
        unreachable!("called with an object")
    };
    Ok(ModelConfig::from_toml_table(kind, table)?)
}

fn random_rows(rows: usize, width: usize, vocabulary: usize, rng: &mut ChaCha8Rng) -> PaddedIds {
    let rows: Vec<Vec<u32>> = (0..rows)
        .map(|_| {
            (0..width)
                .map(|_| rng.random_range(5..vocabulary as u32))
                .collect()
        })
        .collect();
    pad(&rows, 0, PadSide::Right)
}

fn bert(
    [layers, hidden, vocabulary, seq, rows]: [usize; 5],
    args: &BenchArgs,
    device: &Device,
    rng: &mut ChaCha8Rng,
) -> anyhow::Result<serde_json::Map<String, Value>> {
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
    let targets: Vec<bool> = (0..rows * seq)
        .map(|_| rng.random::<f64>() < 0.15)
        .collect();
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
    measure(objective, batch, args.steps)
}

fn gpt(
    args: &BenchArgs,
    device: &Device,
    rng: &mut ChaCha8Rng,
) -> anyhow::Result<serde_json::Map<String, Value>> {
    let (vocabulary, seq, rows) = (8192, 256, 8);
    let config = sizes(
        "gpt2",
        json!({"n_layer": 6, "n_embd": 384, "n_head": 6, "n_positions": seq, "vocab_size": vocabulary}),
    )?;
    let ModelConfig::Gpt2(config) = config else {
        unreachable!("asked for gpt2")
    };
    let objective =
        CausalLanguageModelling::new(CausalLm::new(&DecoderConfig::Gpt2(config), 0, device)?);
    let input = random_rows(rows, seq, vocabulary, rng);
    let labels = random_rows(rows, seq, vocabulary, rng).ids;
    measure(
        objective,
        CausalLmBatch {
            positions: input.flat_positions(),
            input,
            labels,
        },
        args.steps,
    )
}

fn t5(
    args: &BenchArgs,
    device: &Device,
    rng: &mut ChaCha8Rng,
) -> anyhow::Result<serde_json::Map<String, Value>> {
    let (vocabulary, source, target, rows) = (8192, 64, 64, 16);
    let config = sizes(
        "t5",
        json!({"num_layers": 4, "d_model": 256, "d_kv": 64, "d_ff": 1024, "num_heads": 4, "vocab_size": vocabulary}),
    )?;
    let ModelConfig::T5(config) = config else {
        unreachable!("asked for t5")
    };
    let objective =
        SequenceToSequence::new(Seq2SeqLm::new(&Seq2SeqConfig::T5(config), 0, device)?, 0.0);
    let decoder_input = random_rows(rows, target, vocabulary, rng);
    let batch = Seq2SeqBatch {
        source: random_rows(rows, source, vocabulary, rng),
        positions: decoder_input.flat_positions(),
        labels: random_rows(rows, target, vocabulary, rng).ids,
        decoder_input,
    };
    measure(objective, batch, args.steps)
}

fn measure<O: Objective>(
    objective: O,
    batch: O::Batch,
    steps: usize,
) -> anyhow::Result<serde_json::Map<String, Value>> {
    let parameters = objective.num_params();
    let tokens = O::tokens(&batch);
    let config = TrainerConfig {
        seed: 0,
        steps: steps as u64,
        accumulate: 1,
        optim: OptimConfig::default(),
        schedule: ScheduleConfig::default(),
    };
    let mut trainer = Trainer::new(objective, config)?;
    let batches = [batch];
    let mut times = Vec::new();
    for _ in 0..steps {
        let began = Instant::now();
        trainer.step(&batches)?;
        times.push(began.elapsed().as_secs_f64());
    }
    let mut times = times.split_off(WARM_UP);
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    let facts = json!({
        "step_ms": round(median), "min_ms": round(times[0]), "max_ms": round(times[times.len() - 1]),
        "tokens_per_s": (tokens as f64 / median).round(), "peak_mib": peak_mib(), "parameters": parameters,
    });
    let Value::Object(facts) = facts else {
        unreachable!("built as an object above")
    };
    Ok(facts)
}

fn round(seconds: f64) -> f64 {
    (seconds * 1e4).round() / 10.0
}

/// Peak resident memory of this process, where the system tells.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}
