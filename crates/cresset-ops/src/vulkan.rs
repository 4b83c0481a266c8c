//! Right kernels on Vulkan drivers for which burn compiles wrong ones.
//!
//! burn 0.22.1 compiles Vulkan kernels to SPIR-V with cubecl-spirv 0.11.3. For a driver that lacks the extension
//! `VK_KHR_workgroup_memory_explicit_layout`, `lower_shared_implicit` there (`src/ops/memory.rs`) swaps the type of a
//! variable in shared memory and the type of the pointer to it. The module is invalid. SwiftShader runs it all the
//! same, with every element of shared memory in one place: matrix products and reductions come out wrong, or do not,
//! depending on which kernel the autotuner takes, and some runs crash. No upstream issue is known. Current desktop
//! drivers have the extension; SwiftShader and some older or mobile drivers do not.
//!
//! The same drivers work in WGSL, which wgpu translates to SPIR-V itself. burn compiles to WGSL only in builds without
//! its `vulkan` feature. So, for a driver without the extension, this file registers the compute server that such a
//! build would have made. It goes, and the dependencies on cubecl with it, when a release of cubecl has the fix.

use std::sync::{Mutex, PoisonError};

use burn::backend::DispatchDevice;
use burn::tensor::Device;
use cubecl::client::Client;
use cubecl::device::{WgpuBackend, WgpuDevice, WgpuDeviceKind};
use cubecl::features::{AtomicUsage, Features, TypeUsage};
use cubecl::future::block_on;
use cubecl::ir::{AddressType, DeviceProperties, ElemType, FloatKind, IntKind, Type, UIntKind};
use cubecl::server::ServerUtilities;
use cubecl::wgpu::{
    AutoCompiler, RuntimeOptions, WgpuServer, WgpuSetup, try_init_device,
    wgpu::{
        Adapter, Backend, Backends, DeviceDescriptor, DeviceType, ExperimentalFeatures,
        Features as AdapterFeatures, Instance, InstanceDescriptor, MemoryHints, Trace, hal,
    },
};
use cubecl_common::device::{Device as _, ServiceId};
use cubecl_server::allocator::ContiguousMemoryLayoutPolicy;

/// See [`crate::prepare_device`].
pub(crate) fn prepare(device: &Device) {
    // Devices seen so far. The lock is held during the work, so that no thread goes on before it is done.
    static SEEN: Mutex<Vec<WgpuDevice>> = Mutex::new(Vec::new());

    let device = device.clone().inner();
    let DispatchDevice::Cube(cubecl::Device::Wgpu(device)) = device.as_dispatch() else {
        return;
    };
    if device.backend != WgpuBackend::Vulkan {
        return;
    }
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    if seen.contains(device) {
        return;
    }
    let instance = Instance::new(InstanceDescriptor {
        backends: Backends::VULKAN,
        ..InstanceDescriptor::new_without_display_handle()
    });
    if let Some(adapter) = adapter_of(device, &instance)
        && !has_explicit_layout(&adapter)
    {
        compile_to_wgsl(device, instance, adapter);
    }
    seen.push(device.clone());
}

/// The adapter behind a device: burn counts adapters of a kind in the order of the driver's list.
fn adapter_of(device: &WgpuDevice, instance: &Instance) -> Option<Adapter> {
    let (kind, index) = match device.kind {
        WgpuDeviceKind::DiscreteGpu(index) => (DeviceType::DiscreteGpu, index),
        WgpuDeviceKind::IntegratedGpu(index) => (DeviceType::IntegratedGpu, index),
        WgpuDeviceKind::VirtualGpu(index) => (DeviceType::VirtualGpu, index),
        WgpuDeviceKind::Other(index) => (DeviceType::Other, index),
        WgpuDeviceKind::Cpu => (DeviceType::Cpu, 0),
        WgpuDeviceKind::DefaultDevice | WgpuDeviceKind::Existing(_) => return None,
    };
    block_on(instance.enumerate_adapters(Backends::VULKAN))
        .into_iter()
        .filter(|adapter| adapter.get_info().device_type == kind)
        .nth(index)
}

fn has_explicit_layout(adapter: &Adapter) -> bool {
    // SAFETY: the driver's handle is asked for its list of extensions and let go.
    let vulkan = unsafe { adapter.as_hal::<hal::api::Vulkan>() };
    vulkan.is_some_and(|adapter| {
        adapter
            .physical_device_capabilities()
            .supports_extension(c"VK_KHR_workgroup_memory_explicit_layout")
    })
}

/// Registers a compute server for the device whose kernels are WGSL.
fn compile_to_wgsl(device: &WgpuDevice, instance: Instance, adapter: Adapter) {
    let unwanted =
        AdapterFeatures::MAPPABLE_PRIMARY_BUFFERS | AdapterFeatures::all_experimental_mask();
    let (handle, queue) = block_on(adapter.request_device(&DeviceDescriptor {
        label: None,
        required_features: adapter.features().difference(unwanted),
        required_limits: adapter.limits(),
        memory_hints: MemoryHints::MemoryUsage,
        trace: Trace::Off,
        experimental_features: ExperimentalFeatures::disabled(),
    }))
    .expect("the Vulkan driver opens a device with the features it lists");
    let setup = WgpuSetup {
        instance,
        adapter,
        device: handle.clone(),
        queue: queue.clone(),
        backend: Backend::Vulkan,
    };
    let properties = wgsl_properties(setup);
    let memory = properties.memory.clone();
    let timing = properties.timing_method;
    let options = RuntimeOptions::default();
    let (utilities, captures) = ServerUtilities::init(
        ServiceId::of::<WgpuServer<AutoCompiler>>(device.to_id()),
        "wgpu<wgsl>",
        properties,
        Default::default(),
        Default::default(),
        ContiguousMemoryLayoutPolicy::new(memory.alignment as usize),
    );
    let server = WgpuServer::<AutoCompiler>::new(
        memory,
        options.memory_config,
        // By default neither SPIR-V nor Metal's language is supported, which leaves WGSL.
        Default::default(),
        handle,
        queue,
        options.tasks_max,
        Backend::Vulkan,
        timing,
        utilities,
        captures,
    );
    Client::try_init(device.to_id(), server)
        .expect("a device is prepared before its first use, and once");
}

/// What kernels in WGSL may count on: the hardware as burn describes it, with the types and operations of WGSL.
fn wgsl_properties(setup: WgpuSetup) -> DeviceProperties {
    // burn fills in limits and sizes only while it registers a device, so the setup is registered under an id of its
    // own, which nothing uses afterwards.
    let described = try_init_device(setup, RuntimeOptions::default())
        .expect("a setup that was just opened is coherent");
    let client = cubecl::Device::Wgpu(described).client();
    let mut properties = client.properties().clone();
    properties.features = Features::default();
    properties.register_address_type(AddressType::U32);
    let words = [ElemType::Int(IntKind::I32), ElemType::UInt(UIntKind::U32)];
    let others = [
        ElemType::Index,
        ElemType::Bool,
        ElemType::Float(FloatKind::F32),
        ElemType::Float(FloatKind::Flex32),
    ];
    for elem in words.into_iter().chain(others) {
        properties.register_type_usage(elem, TypeUsage::all());
    }
    for elem in words {
        properties.register_atomic_type_usage(
            Type::atomic(elem),
            AtomicUsage::LoadStore | AtomicUsage::Exchange | AtomicUsage::Add,
        );
    }
    properties
}
