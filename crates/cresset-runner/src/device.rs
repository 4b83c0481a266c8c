//! From `--device` to a device; the list behind `cresset devices`.

use burn::tensor::Device;
use serde::Serialize;

use crate::failure::user;

/// A way to reach a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Api {
    /// burn's CPU backend.
    Flex,
    /// burn's older CPU backend.
    NdArray,
    /// Any graphics API, chosen by wgpu.
    Wgpu,
    /// Vulkan.
    Vulkan,
    /// Metal.
    Metal,
    /// CUDA.
    Cuda,
}

impl Api {
    const ALL: [(Api, &'static str); 6] = [
        (Api::Flex, "flex"),
        (Api::NdArray, "ndarray"),
        (Api::Wgpu, "wgpu"),
        (Api::Vulkan, "vulkan"),
        (Api::Metal, "metal"),
        (Api::Cuda, "cuda"),
    ];

    fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(api, _)| *api == self)
            .map_or("?", |(_, name)| name)
    }

    fn is_compiled_in(self) -> bool {
        match self {
            Api::Flex => true,
            Api::NdArray => cfg!(feature = "ndarray"),
            Api::Wgpu => cfg!(feature = "wgpu"),
            Api::Vulkan => cfg!(feature = "vulkan"),
            Api::Metal => cfg!(feature = "metal"),
            Api::Cuda => cfg!(feature = "cuda"),
        }
    }
}

/// What kind of part it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The CPU itself.
    Cpu,
    /// A graphics card or chip.
    Gpu,
    /// A graphics API emulated on the CPU.
    Software,
}

/// A device of this machine.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// How it is reached.
    pub api: Api,
    /// Its own name.
    pub name: String,
    /// What it is.
    pub part: Part,
    #[serde(skip)]
    device: Device,
}

/// Every device compiled in and found, in the order of the rows of `cresset devices`.
pub fn list() -> Vec<Found> {
    let mut rows = vec![Found {
        api: Api::Flex,
        name: "CPU".into(),
        part: Part::Cpu,
        device: Device::flex(),
    }];
    #[cfg(feature = "ndarray")]
    {
        #[allow(deprecated)]
        let device = Device::ndarray();
        rows.push(Found {
            api: Api::NdArray,
            name: "CPU".into(),
            part: Part::Cpu,
            device,
        });
    }
    gpus(&mut rows);
    rows
}

#[cfg(not(any(feature = "wgpu", feature = "cuda")))]
fn gpus(_rows: &mut Vec<Found>) {}

#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn gpus(rows: &mut Vec<Found>) {
    use burn::tensor::DeviceType;
    cresset_ops::keep_kernels();
    let kinds = [
        #[cfg(feature = "vulkan")]
        (Api::Vulkan, DeviceType::Vulkan),
        #[cfg(feature = "metal")]
        (Api::Metal, DeviceType::Metal),
        #[cfg(all(feature = "wgpu", not(any(feature = "vulkan", feature = "metal"))))]
        (Api::Wgpu, DeviceType::Wgpu),
        #[cfg(feature = "cuda")]
        (Api::Cuda, DeviceType::Cuda),
    ];
    for (api, kind) in kinds {
        // The graphics libraries panic rather than answer when a driver is missing.
        let Ok(devices) = std::panic::catch_unwind(|| Device::enumerate(kind)) else {
            continue;
        };
        for device in devices.iter().cloned() {
            let identity = std::panic::catch_unwind(|| {
                cresset_ops::prepare_device(&device);
                device.identity()
            });
            let Ok(identity) = identity else {
                continue;
            };
            let software = identity.as_ref().is_none_or(|i| i.physical.is_none());
            let name = identity.map_or_else(|| format!("{device:?}"), |i| i.name);
            rows.push(Found {
                api,
                name,
                part: if software { Part::Software } else { Part::Gpu },
                device,
            });
        }
    }
}

/// The device that `--device` names.
///
/// # Errors
/// An unknown name; a device that is not compiled in or not there.
pub fn pick(name: &str) -> anyhow::Result<Device> {
    if name == "auto" {
        let rows = list();
        let chosen = rows
            .iter()
            .find(|row| row.part == Part::Gpu)
            .unwrap_or(&rows[0]);
        return Ok(chosen.device.clone());
    }
    let (api_name, index) = match name.split_once(':') {
        Some((api, index)) => (api, Some(index)),
        None => (name, None),
    };
    let Some(&(api, _)) = Api::ALL.iter().find(|(_, known)| *known == api_name) else {
        return Err(user(format!(
            "--device {name:?} is unknown; choose auto, flex, ndarray, wgpu[:i], vulkan[:i], metal[:i] or cuda[:i], where i is a row of `cresset devices`"
        )));
    };
    if !api.is_compiled_in() {
        return Err(user(format!(
            "--device {name}: this binary was built without it; build with `cargo build --release --features {}` (`cresset devices` lists what is there)",
            api.name()
        )));
    }
    match index {
        None => default_of(api, name),
        Some(index) => indexed(api, index, name),
    }
}

fn matches(row: &Found, api: Api) -> bool {
    row.api == api || (api == Api::Wgpu && matches!(row.api, Api::Vulkan | Api::Metal | Api::Wgpu))
}

fn default_of(api: Api, name: &str) -> anyhow::Result<Device> {
    let rows = list();
    let of_api = || rows.iter().filter(|row| matches(row, api));
    let software_only = of_api().next().is_some();
    match of_api().find(|row| row.part != Part::Software) {
        Some(row) => Ok(row.device.clone()),
        None if software_only => Err(user(format!(
            "--device {name}: no graphics card was found, only a software renderer; ask for it by name with --device {}:cpu, or use --device flex, which is faster",
            api.name()
        ))),
        None => Err(user(format!(
            "--device {name}: no device was found; check the graphics driver (`cresset devices` lists what is there) or use --device flex"
        ))),
    }
}

fn indexed(api: Api, index: &str, name: &str) -> anyhow::Result<Device> {
    let rows = list();
    if index == "cpu" && matches!(api, Api::Vulkan | Api::Wgpu) {
        return match rows
            .iter()
            .find(|row| matches(row, api) && row.part == Part::Software)
        {
            Some(row) => Ok(row.device.clone()),
            None => Err(user(format!(
                "--device {name}: no software renderer was found; install one (SwiftShader) or use --device flex"
            ))),
        };
    }
    let Ok(number) = index.parse::<usize>() else {
        return Err(user(format!(
            "--device {name}: {index:?} is not a row number of `cresset devices`"
        )));
    };
    match rows.get(number) {
        Some(row) if matches(row, api) => Ok(row.device.clone()),
        Some(row) => Err(user(format!(
            "--device {name}: row {number} of `cresset devices` is {} ({}), not {}",
            row.api.name(),
            row.name,
            api.name()
        ))),
        None => Err(user(format!(
            "--device {name}: `cresset devices` has {} rows, numbered from 0",
            rows.len()
        ))),
    }
}

/// The names that `--device` takes in this binary.
pub fn compiled_in() -> Vec<&'static str> {
    Api::ALL
        .iter()
        .filter(|(api, _)| api.is_compiled_in())
        .map(|(_, name)| *name)
        .collect()
}
