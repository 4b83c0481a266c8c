//! The device under test, and numbers to test with.

use burn::tensor::{Device, Tensor, TensorData};

/// flex by default; `ndarray` and `vulkan:cpu` where the feature is compiled in.
pub fn device() -> Device {
    cresset_ops::keep_kernels();
    let device = named();
    cresset_ops::prepare_device(&device);
    device
}

fn named() -> Device {
    match std::env::var("CRESSET_TEST_DEVICE").as_deref() {
        Err(_) | Ok("flex") => Device::flex(),
        #[cfg(feature = "ndarray")]
        #[allow(deprecated)]
        Ok("ndarray") => Device::ndarray(),
        #[cfg(feature = "vulkan")]
        Ok("vulkan:cpu") => Device::vulkan(burn::tensor::DeviceKind::Cpu),
        #[cfg(feature = "vulkan")]
        Ok("vulkan") => Device::vulkan(burn::tensor::DeviceKind::DefaultDevice),
        Ok(other) => panic!("CRESSET_TEST_DEVICE={other} is not compiled in; add --features"),
    }
}

/// How far a result may be from the plain version's: single precision on the CPU, shader arithmetic on a GPU.
pub fn tolerance() -> f32 {
    if std::env::var("CRESSET_TEST_DEVICE").is_ok_and(|d| d.starts_with("vulkan")) {
        2e-3
    } else {
        2e-5
    }
}

/// Whether the device under test runs the fused kernels of the CPU.
pub fn is_flex() -> bool {
    std::env::var("CRESSET_TEST_DEVICE").is_ok_and(|name| name == "flex")
        || std::env::var("CRESSET_TEST_DEVICE").is_err()
}

/// Numbers in [-scale, scale) from a fixed sequence.
pub fn numbers(n: usize, seed: u64, scale: f32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    (0..n).map(|_| (next() * 2.0 - 1.0) * scale).collect()
}

/// A tensor of such numbers that takes gradients.
pub fn leaf<const D: usize>(shape: [usize; D], seed: u64, scale: f32) -> Tensor<D> {
    constant(shape, seed, scale).require_grad()
}

/// A tensor of such numbers.
pub fn constant<const D: usize>(shape: [usize; D], seed: u64, scale: f32) -> Tensor<D> {
    let data = TensorData::new(numbers(shape.iter().product(), seed, scale), shape);
    Tensor::from_data(data, &device().autodiff())
}

pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// Fails where two results differ by more than the tolerance, relative to the largest.
pub fn assert_close(what: &str, found: &[f32], expected: &[f32]) {
    assert_within(tolerance(), what, found, expected);
}

/// Fails where two results differ by more than this, relative to the largest.
pub fn assert_within(limit: f32, what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let size = expected.iter().fold(1.0f32, |m, v| m.max(v.abs()));
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!(
            (f - e).abs() <= limit * size,
            "{what}[{i}]: {f} but the plain version gives {e}"
        );
    }
}

/// Compares value and gradients of two versions of a function of some leaves.
pub fn same<const D: usize, const N: usize, const R: usize>(
    what: &str,
    leaves: [Tensor<D>; N],
    fused: impl Fn([Tensor<D>; N]) -> Tensor<R>,
    plain: impl Fn([Tensor<D>; N]) -> Tensor<R>,
) {
    let run = |f: &dyn Fn([Tensor<D>; N]) -> Tensor<R>| {
        let leaves = leaves.clone().map(|t| t.detach().require_grad());
        let output = f(leaves.clone());
        let weight = constant(output.dims(), 99, 1.0);
        let grads = (output.clone() * weight).sum().backward();
        let grads: Vec<Vec<f32>> = leaves
            .iter()
            .map(|l| values(l.grad(&grads).expect("a gradient")))
            .collect();
        (values(output), grads)
    };
    let (found, expected) = (run(&fused), run(&plain));
    assert_close(what, &found.0, &expected.0);
    for (i, (f, e)) in found.1.iter().zip(&expected.1).enumerate() {
        assert_close(&format!("{what}, gradient {i}"), f, e);
    }
}
