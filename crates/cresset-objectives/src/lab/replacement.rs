//! What is put in the place of a special token's vector.

use cresset_data::{Convention, Tokenizer};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A vector in place of a token's own.
#[derive(Clone, Debug)]
pub(super) struct Replacement {
    /// What it is: `zeros`, `mean of the vocabulary`, `noise of the same norm`, or a token.
    pub(super) name: String,
    pub(super) vector: Vec<f32>,
}

/// Sentinels are many and alike: one of them will do.
const SENTINELS: usize = 1;

/// Zeros, the mean of the vocabulary, noise of the vector's own norm, every other special token's vector, and that of a word taken at
/// random, in place of row `id` of a token table.
///
/// # Shapes
/// table: the vectors of all tokens, row after row
pub(super) fn replacements(
    table: &[Vec<f32>],
    id: u32,
    (tokenizer, convention): (&Tokenizer, &Convention),
    seed: u64,
) -> Vec<Replacement> {
    let own = &table[id as usize];
    let named = |name: &str, vector: Vec<f32>| Replacement {
        name: name.to_owned(),
        vector,
    };
    // Two streams, so that the word does not depend on the width of the vectors.
    let mut words = ChaCha8Rng::seed_from_u64(seed);
    words.set_stream(u64::from(id) * 2);
    let mut noise = ChaCha8Rng::seed_from_u64(seed);
    noise.set_stream(u64::from(id) * 2 + 1);
    let mut all = vec![
        named("zeros", vec![0.0; own.len()]),
        named("mean of the vocabulary", mean(table)),
        named("noise of the same norm", noise_like(own, &mut noise)),
    ];
    let special = convention.special_ids();
    let roles = convention.roles();
    let spare: Vec<u32> = roles
        .sentinels
        .iter()
        .skip(SENTINELS)
        .map(|t| t.id)
        .collect();
    let others = special
        .iter()
        .filter(|other| **other != id && !spare.contains(other));
    let token = |id: u32| tokenizer.id_to_token(id).unwrap_or_else(|| id.to_string());
    for &other in others {
        if let Some(vector) = table.get(other as usize) {
            all.push(named(&token(other), vector.clone()));
        }
    }
    let n_rows = table.len().min(tokenizer.vocab_size()) as u64;
    let drawn = (0..1000).map(|_| (words.next_u64() % n_rows) as u32);
    let is_word = |id: &u32| !special.contains(id) && tokenizer.id_to_token(*id).is_some();
    if let Some(word) = drawn.into_iter().find(is_word) {
        let name = format!("the word {:?}", token(word));
        all.push(named(&name, table[word as usize].clone()));
    }
    all
}

fn mean(table: &[Vec<f32>]) -> Vec<f32> {
    let mut sums = vec![0.0f64; table[0].len()];
    for row in table {
        sums.iter_mut()
            .zip(row)
            .for_each(|(s, x)| *s += f64::from(*x));
    }
    sums.iter()
        .map(|s| (s / table.len() as f64) as f32)
        .collect()
}

/// A direction drawn evenly from all, as long as the vector.
fn noise_like(own: &[f32], rng: &mut ChaCha8Rng) -> Vec<f32> {
    let length = |v: &[f32]| v.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    let drawn: Vec<f32> = own.iter().map(|_| normal(rng) as f32).collect();
    let scale = length(own) / length(&drawn).max(1e-30);
    drawn
        .iter()
        .map(|x| (f64::from(*x) * scale) as f32)
        .collect()
}

/// A normal number (Box & Muller 1958).
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let mut unit = || ((rng.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
    (-2.0 * unit().ln()).sqrt() * (std::f64::consts::TAU * unit()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_as_long_as_the_vector_and_points_elsewhere() {
        let own = vec![0.5f32; 64];
        let noise = noise_like(&own, &mut ChaCha8Rng::seed_from_u64(1));
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        assert!((dot(&noise, &noise) - dot(&own, &own)).abs() < 1e-3);
        assert!(dot(&noise, &own).abs() < 0.6 * dot(&own, &own));
    }

    #[test]
    fn the_mean_is_that_of_all_rows() {
        assert_eq!(mean(&[vec![1.0, 2.0], vec![3.0, -2.0]]), [2.0, 0.0]);
    }
}
