//! T5's relative position bias.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use cresset_ops::Causality;

use super::Embedding;

/// Shape of the buckets.
#[derive(Clone, Copy, Debug)]
pub struct RelativeBiasConfig {
    /// Number of buckets.
    pub n_buckets: usize,
    /// Distance from which on all positions share the last bucket.
    pub max_distance: usize,
    /// Whether distances to the right have buckets of their own.
    pub causality: Causality,
}

/// Which queries look at which keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Number of queries.
    pub queries: usize,
    /// Number of keys.
    pub keys: usize,
    /// Position of the first query among the keys.
    pub offset: usize,
}

/// One learned number per bucket of distances and head, added to the attention scores (Raffel et al. 2020, section 2.1).
#[derive(Module, Debug)]
pub struct RelativeBias {
    /// `[n_buckets, heads]`
    pub table: Embedding,
    #[module(skip)]
    config: RelativeBiasConfig,
}

impl RelativeBias {
    /// A table of zeros.
    pub fn new(config: RelativeBiasConfig, n_heads: usize, device: &Device) -> RelativeBias {
        RelativeBias {
            table: Embedding::new(config.n_buckets, n_heads, device),
            config,
        }
    }

    /// # Shapes
    /// out: `[1, heads, queries, keys]`
    pub fn forward(&self, span: Span, device: &Device) -> Tensor<4> {
        let [_, n_heads] = self.table.weight.dims();
        // A bucket depends on the distance alone, so the logarithms are taken once per distance.
        let farthest = (span.queries + span.offset) as i64;
        let by_distance: Vec<i32> = (-farthest..span.keys as i64)
            .map(|distance| relative_bucket(distance, &self.config) as i32)
            .collect();
        let mut buckets = Vec::with_capacity(span.queries * span.keys);
        for query in 0..span.queries {
            let nearest = farthest as usize - (query + span.offset);
            buckets.extend_from_slice(&by_distance[nearest..nearest + span.keys]);
        }
        let buckets = Tensor::<1, Int>::from_data(
            TensorData::new(buckets, [span.queries * span.keys]),
            device,
        );
        // Heads first, so that the gathered rows already lie in the order of the scores.
        self.table
            .weight
            .val()
            .transpose()
            .select(1, buckets)
            .reshape([1, n_heads, span.queries, span.keys])
    }
}

/// The bucket of a distance `key position - query position`: half of the buckets for single distances, the rest growing
/// logarithmically up to `max_distance`. Equal to Hugging Face's, including its 32-bit logarithm.
pub fn relative_bucket(distance: i64, config: &RelativeBiasConfig) -> usize {
    let (n_buckets, first, distance) = match config.causality {
        Causality::Bidirectional => {
            let half = config.n_buckets / 2;
            (
                half,
                if distance > 0 { half } else { 0 },
                distance.unsigned_abs() as usize,
            )
        }
        Causality::Causal => (config.n_buckets, 0, (-distance).max(0) as usize),
    };
    let n_exact = n_buckets / 2;
    if distance < n_exact {
        return first + distance;
    }
    let share = (distance as f32 / n_exact as f32).ln()
        / ((config.max_distance as f64 / n_exact as f64).ln() as f32);
    let bucket = n_exact + (share * (n_buckets - n_exact) as f32) as usize;
    first + bucket.min(n_buckets - 1)
}
