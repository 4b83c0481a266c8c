//! Initial weights, drawn on the host from the seed and the parameter's path: the same on every device and in any order of creation.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The distribution of a parameter's first values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fill {
    /// Normal around zero with this standard deviation.
    Normal(f64),
    /// Zeros.
    Zeros,
    /// Ones.
    Ones,
}

/// Biases zero, norms one, everything else normal: the rule of BERT, GPT-2 and Marian.
pub(crate) fn usual(path: &str, std: f64) -> Fill {
    if path.ends_with("bias") {
        Fill::Zeros
    } else if path.contains("norm") {
        Fill::Ones
    } else {
        Fill::Normal(std)
    }
}

/// Fills every float parameter of a model.
pub(crate) fn initialise<M: Module, F: Fn(&str) -> Fill>(model: M, seed: u64, fill: F) -> M {
    initialise_under("", model, seed, fill)
}

/// Fills every float parameter of a part of a model, whose paths begin with `prefix`; a dot at its end may be given or not.
pub(crate) fn initialise_under<M: Module, F: Fn(&str) -> Fill>(
    prefix: &str,
    part: M,
    seed: u64,
    fill: F,
) -> M {
    let prefix = prefix.trim_end_matches('.');
    let start = (!prefix.is_empty()).then(|| prefix.to_owned());
    part.map(&mut Initialiser {
        seed,
        path: start.into_iter().collect(),
        fill,
    })
}

struct Initialiser<F> {
    seed: u64,
    path: Vec<String>,
    fill: F,
}

impl<F: Fn(&str) -> Fill> ModuleMapper for Initialiser<F> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let path = self.path.join(".");
        let needs_grad = param.is_require_grad();
        let (id, old, mapper) = param.consume();
        let shape = old.dims();
        let count = shape.iter().product();
        let values = match (self.fill)(&path) {
            Fill::Normal(std) => normal(self.seed, &path, std, count),
            Fill::Zeros => vec![0.0; count],
            Fill::Ones => vec![1.0; count],
        };
        let new = Tensor::from_data(TensorData::new(values, shape), &old.device());
        Param::from_mapped_value(
            id,
            if needs_grad { new.require_grad() } else { new },
            mapper,
        )
    }
}

/// Normal numbers from a generator keyed by seed and path (Box & Muller 1958).
pub fn normal(seed: u64, path: &str, std: f64, count: usize) -> Vec<f32> {
    const STEP: f32 = 1.0 / (1 << 24) as f32;
    let mut key = [0u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&fnv1a(path).to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(key);
    let mut values = Vec::with_capacity(count + 1);
    while values.len() < count {
        let bits = rng.next_u64();
        let radius = (((bits >> 40) + 1) as f32 * STEP).ln() * -2.0;
        let angle = (bits & 0xff_ffff) as f32 * STEP * std::f32::consts::TAU;
        let length = radius.sqrt() * std as f32;
        values.extend([length * angle.cos(), length * angle.sin()]);
    }
    values.truncate(count);
    values
}

/// The 64-bit FNV-1a hash: stable across versions and machines, unlike the standard library's.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
