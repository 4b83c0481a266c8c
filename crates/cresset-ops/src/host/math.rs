//! Elementary functions that vectorise, and the dispatch to the processor's vector instructions.

/// Runs a loop compiled for the widest vector instructions of this processor.
#[inline(always)]
pub(crate) fn vectorised<R>(f: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(f)
}

/// Lanes of the accumulators of a reduction; fixed, so that sums do not depend on the processor.
const LANES: usize = 16;

/// Sum of `f` over the elements.
#[inline(always)]
pub(crate) fn sum_of(values: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] += f(chunk[i]);
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane += f(value);
    }
    fold(lanes)
}

/// Sum of `f` over pairs of elements.
#[inline(always)]
pub(crate) fn sum_of_pairs(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let n = a.len() / LANES * LANES;
    for (x, y) in a[..n].chunks_exact(LANES).zip(b[..n].chunks_exact(LANES)) {
        for i in 0..LANES {
            lanes[i] += f(x[i], y[i]);
        }
    }
    for (lane, (&x, &y)) in lanes.iter_mut().zip(a[n..].iter().zip(&b[n..])) {
        *lane += f(x, y);
    }
    fold(lanes)
}

#[inline(always)]
fn fold(lanes: [f32; LANES]) -> f32 {
    let mut width = LANES;
    let mut lanes = lanes;
    while width > 1 {
        width /= 2;
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
    }
    lanes[0]
}

/// The largest element; negative infinity of nothing, NaN where one is NaN.
#[inline(always)]
pub(crate) fn largest(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let mut is_nan = [false; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] = if chunk[i] > lanes[i] {
                chunk[i]
            } else {
                lanes[i]
            };
            is_nan[i] |= chunk[i].is_nan();
        }
    }
    for i in 0..rest.len() {
        lanes[i] = if rest[i] > lanes[i] {
            rest[i]
        } else {
            lanes[i]
        };
        is_nan[i] |= rest[i].is_nan();
    }
    let found_nan = is_nan.iter().any(|&n| n);
    let most = lanes
        .iter()
        .fold(f32::NEG_INFINITY, |m, &v| if v > m { v } else { m });
    if found_nan { f32::NAN } else { most }
}

/// `e^x`, relative error below 3e-7 between -87 and 88; beyond them it is that of the bound.
///
/// Range reduction by powers of two and a polynomial, as in the Cephes library (Moshier 1989).
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    /// 1.5 * 2^23: adding it rounds to an integer that then stands in the low bits.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN2_HIGH - n * LN2_LOW;
    let p = 1.987_569_1e-4 * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 5.0e-1;
    let p = p * r * r + r + 1.0;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    p * power
}

/// The error function, relative error below 4e-7.
///
/// A polynomial in the square up to 1, as in the Cephes library (Moshier 1989); beyond, one less a rational times an exponential
/// (Abramowitz & Stegun 1964, 7.1.26).
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let a = x.abs();
    let z = x * x;
    let p = 7.853_861_4e-5 * z - 8.010_193_6e-4;
    let p = p * z + 5.188_327_7e-3;
    let p = p * z - 2.685_381_2e-2;
    let p = p * z + 1.128_358_5e-1;
    let p = p * z - 3.761_262_6e-1;
    let near = x * (p * z + std::f32::consts::FRAC_2_SQRT_PI);
    let t = 1.0 / (1.0 + 0.327_591_1 * a);
    let p = ((((1.061_405_4 * t - 1.453_152) * t + 1.421_413_7) * t - 0.284_496_74) * t
        + 0.254_829_6)
        * t;
    let far = 1.0 - p * exp(-z);
    let far = if x < 0.0 { -far } else { far };
    if a < 1.0 { near } else { far }
}

/// The hyperbolic tangent, relative error below 4e-7.
///
/// A polynomial in the square up to 0.625, as in the Cephes library (Moshier 1989); beyond, by the exponential.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let a = x.abs();
    let z = x * x;
    let p = -5.704_988_7e-3 * z + 2.063_909e-2;
    let p = p * z - 5.373_971_6e-2;
    let p = p * z + 1.333_144_2e-1;
    let p = p * z - 3.333_328e-1;
    let near = p * z * x + x;
    let far = 1.0 - 2.0 / (exp(2.0 * a) + 1.0);
    let far = if x < 0.0 { -far } else { far };
    if a < 0.625 { near } else { far }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(low: f64, high: f64) -> impl Iterator<Item = f64> {
        (0..200_000).map(move |i| low + (high - low) * f64::from(i) / 200_000.0)
    }

    #[test]
    fn exp_has_its_stated_relative_error() {
        let worst = points(-86.9, 87.9)
            .map(|x| (f64::from(exp(x as f32)) / f64::from(x as f32).exp() - 1.0).abs())
            .fold(0.0, f64::max);
        assert!(worst < 3e-7, "{worst}");
        assert!(exp(f32::NAN).is_nan());
    }

    /// The largest relative error of a function over these points.
    fn worst(
        points: impl Iterator<Item = f64>,
        found: fn(f32) -> f32,
        exact: impl Fn(f64) -> f64,
    ) -> f64 {
        points
            .map(|x| x as f32)
            .filter(|x| *x != 0.0)
            .map(|x| (f64::from(found(x)) / exact(f64::from(x)) - 1.0).abs())
            .fold(0.0, f64::max)
    }

    #[test]
    fn tanh_has_its_stated_relative_error() {
        for reach in [12.0, 1.0, 1e-3] {
            let worst = worst(points(-reach, reach), tanh, f64::tanh);
            assert!(worst < 4e-7, "{worst} up to {reach}");
        }
        assert_eq!(tanh(0.0), 0.0);
        assert!(tanh(f32::NAN).is_nan());
    }

    #[test]
    fn erf_has_its_stated_relative_error() {
        // erf by its Taylor series, summed in f64; it converges well up to 3, beyond which erf is 1 but for 3e-5.
        let exact = |x: f64| {
            let (mut term, mut sum) = (x, x);
            for n in 1..80 {
                term *= -x * x / f64::from(n);
                sum += term / f64::from(2 * n + 1);
            }
            sum * 2.0 / std::f64::consts::PI.sqrt()
        };
        for reach in [3.0, 1.0, 1e-3] {
            let worst = worst(points(-reach, reach), erf, exact);
            assert!(worst < 4e-7, "{worst} up to {reach}");
        }
        assert_eq!(erf(0.0), 0.0);
        assert!((erf(6.0) - 1.0).abs() < 2e-7);
        assert!(erf(f32::NAN).is_nan());
    }
}
