//! The time of writing token by token, greedily and with cached keys and values.

use std::time::Instant;

use anyhow::ensure;
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use cresset_model::{
    CausalLm, EncoderInput, GreedyOptions, Seq2SeqLm, greedy_causal, greedy_seq2seq,
};
use cresset_ops::KeepMask;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::{Facts, Times, VOCABULARY, facts, gpt_6x384, peak_mib, random_rows, t5_4x256};
use crate::cli::BenchArgs;

/// Tokens written for each row.
const NEW_TOKENS: usize = 128;

pub fn gpt(args: &BenchArgs, device: &Device, rng: &mut ChaCha8Rng) -> anyhow::Result<Facts> {
    const PROMPT: usize = 16;
    let model = CausalLm::new(&gpt_6x384()?, 0, device)?;
    let rows = args.batch.unwrap_or(1);
    let prompts: Vec<Vec<u32>> = random_rows(rows, PROMPT, VOCABULARY, rng)
        .ids
        .chunks(PROMPT)
        .map(<[u32]>::to_vec)
        .collect();
    let options = greedy(Vec::new());
    let mut found = facts(json!({"batch": rows, "prompt": PROMPT}));
    found.extend(measure(args.steps, rows, || {
        greedy_causal(&model, &prompts, &options)
    })?);
    found.insert("parameters".into(), model.num_params().into());
    Ok(found)
}

pub fn t5(args: &BenchArgs, device: &Device, rng: &mut ChaCha8Rng) -> anyhow::Result<Facts> {
    const SOURCE: usize = 64;
    let model = Seq2SeqLm::new(&t5_4x256()?, 0, device)?;
    let rows = args.batch.unwrap_or(1);
    let ids = random_rows(rows, SOURCE, VOCABULARY, rng).ids;
    let ids: Vec<i32> = ids.into_iter().map(|id| id as i32).collect();
    let source = EncoderInput {
        ids: Tensor::from_data(TensorData::new(ids, [rows, SOURCE]), device),
        keep: KeepMask::all(rows, SOURCE, device),
        segments: None,
        positions: None,
    };
    let options = greedy(vec![0]);
    let mut found = facts(json!({"batch": rows, "source": SOURCE}));
    found.extend(measure(args.steps, rows, || {
        greedy_seq2seq(&model, source.clone(), &options)
    })?);
    found.insert("parameters".into(), model.num_params().into());
    Ok(found)
}

fn greedy(start: Vec<u32>) -> GreedyOptions {
    GreedyOptions {
        start,
        // No token has this number, so every row is written to the end.
        stop: u32::MAX,
        pad: 0,
        max_new_tokens: NEW_TOKENS,
    }
}

/// The times of writing a batch, the reading of its prompts or sources included.
fn measure(
    repeats: usize,
    rows: usize,
    write: impl Fn() -> Vec<Vec<u32>>,
) -> anyhow::Result<Facts> {
    let mut seconds = Vec::new();
    for _ in 0..repeats {
        let began = Instant::now();
        let written = write();
        seconds.push(began.elapsed().as_secs_f64());
        let whole = |row: &Vec<u32>| row.len() == NEW_TOKENS;
        ensure!(
            written.len() == rows && written.iter().all(whole),
            "a row ended before its {NEW_TOKENS} tokens, so the time is not that of the case"
        );
    }
    let times = Times::of(&seconds);
    let per_token = |seconds: f64| (seconds / NEW_TOKENS as f64 * 1e6).round() / 1e3;
    Ok(facts(json!({
        "new_tokens": NEW_TOKENS, "token_ms": per_token(times.median),
        "min_ms": per_token(times.min), "max_ms": per_token(times.max),
        "tokens_per_s": ((rows * NEW_TOKENS) as f64 / times.median).round(), "peak_mib": peak_mib(),
    })))
}
