//! The device under test.

use burn::tensor::Device;

/// The device named by `CRESSET_TEST_DEVICE`.
pub(crate) fn device() -> Device {
    cresset_ops::keep_kernels();
    let device = named();
    cresset_ops::prepare_device(&device);
    device
}

fn named() -> Device {
    match std::env::var("CRESSET_TEST_DEVICE").as_deref() {
        Err(_) | Ok("flex") => Device::flex(),
        #[cfg(feature = "ndarray")]
        #[allow(deprecated, reason = "deprecated upstream, kept selectable")]
        Ok("ndarray") => Device::ndarray(),
        #[cfg(feature = "vulkan")]
        Ok("vulkan:cpu") => Device::vulkan(burn::tensor::DeviceKind::Cpu),
        #[cfg(feature = "vulkan")]
        Ok("vulkan") => Device::vulkan(burn::tensor::DeviceKind::DefaultDevice),
        Ok(other) => panic!("CRESSET_TEST_DEVICE={other} is unknown or not compiled in"),
    }
}

/// How far an output may be from the reference: GPU kernels add up in another order and approximate more functions.
pub(crate) fn tolerance() -> f32 {
    match std::env::var("CRESSET_TEST_DEVICE").as_deref() {
        Ok("vulkan" | "vulkan:cpu") => 2e-3,
        _ => 1e-4,
    }
}

/// How far the same computation, done twice, may be from itself: not at all on the CPU; on a GPU the first call of a size measures
/// several kernels and later ones take the fastest, which may add up in another order.
pub(crate) fn repeated() -> f32 {
    match std::env::var("CRESSET_TEST_DEVICE").as_deref() {
        Ok("vulkan" | "vulkan:cpu") => 1e-4,
        _ => 0.0,
    }
}
