//! What has to happen to a device before its first tensor.

use burn::tensor::Device;

/// Makes a device ready. Call it once a device is chosen, before anything else touches it; later calls do nothing.
///
/// It gives certain Vulkan drivers, software renderers among them, another shader compiler, since burn's own computes
/// wrong numbers there. It leaves every other device alone.
///
/// # Panics
/// If such a driver refuses to open the device, or something used the device before.
pub fn prepare_device(device: &Device) {
    #[cfg(feature = "vulkan")]
    crate::vulkan::prepare(device);
    #[cfg(not(feature = "vulkan"))]
    let _ = device;
}
