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

/// Has later processes find what this one finds out about a GPU: which of several kernels is the fastest for a shape and, on Vulkan, the
/// compiled kernels. Without it every process begins by compiling and timing them again. Call it before the first look for GPUs;
/// afterwards it does nothing, as in builds without them.
///
/// They are kept in the user's cache folder; `cubecl.toml` in the working directory (`environment.path`, `autotune.disable_cache`) and
/// the variable `CUBECL_AUTOTUNE_CACHE=0` say otherwise.
pub fn keep_kernels() {
    #[cfg(all(
        any(feature = "wgpu", feature = "cuda"),
        any(target_os = "windows", target_os = "linux", target_os = "macos")
    ))]
    {
        use cubecl::config::cache::CacheConfig;
        use cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};
        let mut config = CubeClRuntimeConfig::from_current_dir().override_from_env();
        config.compilation.cache = !config.autotune.disable_cache;
        // The default is the build folder of whatever Cargo workspace the working directory is in.
        if matches!(config.environment.path, CacheConfig::Target) {
            config.environment.path = CacheConfig::Global;
        }
        CubeClRuntimeConfig::try_set(config);
    }
}
