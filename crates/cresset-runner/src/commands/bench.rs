//! `cresset bench`: the time of a training step or of writing, on random weights and tokens.

mod generate;
mod step;

use burn::tensor::Device;
use cresset_data::{PadSide, PaddedIds, pad};
use cresset_model::{DecoderConfig, ModelConfig, Seq2SeqConfig};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use self::step::BertSizes;
use crate::cli::{BenchArgs, Common};
use crate::failure::user;
use crate::{device, output};

/// The cases, and which options of its own each takes.
const CASES: [(&str, &[&str]); 7] = [
    (
        "bert-4x256",
        &["--batch", "--seq", "--vocab", "--checkpoint-layers"],
    ),
    (
        "bert-8x512",
        &["--batch", "--seq", "--vocab", "--checkpoint-layers"],
    ),
    ("gpt-6x384", &["--checkpoint-layers"]),
    ("t5-4x256", &["--checkpoint-layers"]),
    ("gpt-6x384-generate", &["--batch"]),
    ("t5-4x256-generate", &["--batch"]),
    (super::pipeline::CASE, &[]),
];

/// Steps before the measurement.
pub const WARM_UP: usize = 2;

/// Words that the GPT and T5 cases know.
const VOCABULARY: usize = 8192;

/// What was measured, by name.
type Facts = serde_json::Map<String, Value>;

pub fn run(args: &BenchArgs, common: &Common) -> anyhow::Result<()> {
    check_sizes(args)?;
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
    let device = device::pick(&common.device)?;
    let mut rng = ChaCha8Rng::seed_from_u64(common.seed.unwrap_or(0));
    let mut shown = facts(json!({
        "case": args.case, "device": common.device,
        "threads": common.threads.unwrap_or_else(rayon::current_num_threads),
    }));
    shown.extend(measure(args, &device, &mut rng)?);
    if common.json {
        return output::json(&shown);
    }
    shown
        .iter()
        .try_for_each(|(name, value)| output::line(&format!("{name:<14} {value}")))
}

/// Refuses an unknown case, and an option that the case does not take.
///
/// # Errors
/// Either, with the cases that there are.
pub fn check_sizes(args: &BenchArgs) -> anyhow::Result<()> {
    let Some((_, choosable)) = CASES.iter().find(|(name, _)| *name == args.case) else {
        let names: Vec<&str> = CASES.iter().map(|(name, _)| *name).collect();
        return Err(user(format!(
            "bench case {:?} is unknown; choose one of {}",
            args.case,
            names.join(", ")
        )));
    };
    let chosen = [
        ("--batch", args.batch.map(|size| format!(" {size}"))),
        ("--seq", args.seq.map(|size| format!(" {size}"))),
        ("--vocab", args.vocab.map(|size| format!(" {size}"))),
        (
            "--checkpoint-layers",
            args.checkpoint_layers.then(String::new),
        ),
    ];
    for (option, size) in chosen {
        if let Some(size) = size.filter(|_| !choosable.contains(&option)) {
            let takers: Vec<&str> = CASES
                .iter()
                .filter(|(_, options)| options.contains(&option))
                .map(|(name, _)| *name)
                .collect();
            return Err(user(format!(
                "{option}{size} does not apply to bench case {:?}; it is for {}",
                args.case,
                takers.join(", ")
            )));
        }
    }
    Ok(())
}

fn measure(args: &BenchArgs, device: &Device, rng: &mut ChaCha8Rng) -> anyhow::Result<Facts> {
    let training = device.clone().autodiff();
    match args.case.as_str() {
        "bert-4x256" => {
            let sizes = BertSizes {
                layers: 4,
                hidden: 256,
                vocabulary: 8192,
                seq: 128,
                rows: 16,
            };
            step::bert(&sizes.or(args), args, &training, rng)
        }
        "bert-8x512" => {
            let sizes = BertSizes {
                layers: 8,
                hidden: 512,
                vocabulary: 30522,
                seq: 128,
                rows: 8,
            };
            step::bert(&sizes.or(args), args, &training, rng)
        }
        "gpt-6x384" => step::gpt(args, &training, rng),
        "t5-4x256" => step::t5(args, &training, rng),
        "gpt-6x384-generate" => generate::gpt(args, device, rng),
        "t5-4x256-generate" => generate::t5(args, device, rng),
        other => unreachable!("{other} was checked and is run elsewhere"),
    }
}

fn gpt_6x384() -> anyhow::Result<DecoderConfig> {
    let config = sizes(
        "gpt2",
        json!({"n_layer": 6, "n_embd": 384, "n_head": 6, "n_positions": 256, "vocab_size": VOCABULARY}),
    )?;
    let ModelConfig::Gpt2(config) = config else {
        unreachable!("asked for gpt2")
    };
    Ok(DecoderConfig::Gpt2(config))
}

fn t5_4x256() -> anyhow::Result<Seq2SeqConfig> {
    let config = sizes(
        "t5",
        json!({"num_layers": 4, "d_model": 256, "d_kv": 64, "d_ff": 1024, "num_heads": 4, "vocab_size": VOCABULARY}),
    )?;
    let ModelConfig::T5(config) = config else {
        unreachable!("asked for t5")
    };
    Ok(Seq2SeqConfig::T5(config))
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

/// Seconds of the repetitions after the warm-up.
struct Times {
    median: f64,
    min: f64,
    max: f64,
}

impl Times {
    fn of(seconds: &[f64]) -> Self {
        let mut later = seconds[WARM_UP..].to_vec();
        later.sort_by(f64::total_cmp);
        Times {
            median: later[later.len() / 2],
            min: later[0],
            max: later[later.len() - 1],
        }
    }
}

fn facts(value: Value) -> Facts {
    let Value::Object(facts) = value else {
        unreachable!("called with an object")
    };
    facts
}

/// Peak resident memory of this process, where the system tells.
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}
