//! The smallest task that has everything: a network with dropout, two loss terms with their own targets, and a parameter
//! that takes no part.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use cresset_ops::dropout;
use cresset_train::{
    AdamWConfig, Denominators, LossTerm, LossTerms, Objective, OptimConfig, Report, ScheduleConfig,
    StepContext, Trainer, TrainerConfig, Warmup, WarmupConfig,
};

/// The device of the test run, without autodiff.
pub(crate) fn device() -> Device {
    cresset_ops::keep_kernels();
    let device = named();
    cresset_ops::prepare_device(&device);
    device
}

fn named() -> Device {
    let name = std::env::var("CRESSET_TEST_DEVICE").unwrap_or_else(|_| "flex".to_owned());
    match name.as_str() {
        "flex" => Device::flex(),
        #[cfg(feature = "ndarray")]
        #[allow(deprecated)]
        "ndarray" => Device::ndarray(),
        #[cfg(feature = "vulkan")]
        "vulkan:cpu" => Device::vulkan(burn::tensor::DeviceKind::Cpu),
        #[cfg(feature = "vulkan")]
        "vulkan" => Device::vulkan(burn::tensor::DeviceKind::DefaultDevice),
        #[cfg(feature = "wgpu")]
        "wgpu" => Device::wgpu(burn::tensor::DeviceKind::DefaultDevice),
        other => panic!("CRESSET_TEST_DEVICE={other} is not compiled in; add --features {other}"),
    }
}

/// Whether the same computation gives the same bytes on this device.
pub(crate) fn is_cpu() -> bool {
    !std::env::var("CRESSET_TEST_DEVICE")
        .is_ok_and(|name| name.starts_with("vulkan") || name == "wgpu")
}

/// `tanh(x first + shift) * gain second`, three inputs, four hidden units, one output.
#[derive(Module, Debug)]
pub(crate) struct Network {
    pub(crate) first: Param<Tensor<2>>,
    pub(crate) shift: Param<Tensor<1>>,
    pub(crate) gain: Param<Tensor<1>>,
    pub(crate) second: Param<Tensor<2>>,
    pub(crate) idle: Param<Tensor<1>>,
    #[module(skip)]
    pub(crate) dropout: f64,
}

/// Rows of three inputs.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    pub(crate) inputs: Vec<f32>,
    /// Of the term `squared`; only those counted.
    pub(crate) targets: Vec<f32>,
    /// Which rows count in `squared`.
    pub(crate) counted: Vec<f32>,
    /// Weight of each row in `absolute`.
    pub(crate) weights: Vec<f32>,
}

impl Rows {
    /// Rows `from..to` of an endless table; every third counts in `absolute`, and rows 0, 2, 3, 4, 7, .. in `squared`.
    pub(crate) fn of(range: std::ops::Range<u64>) -> Rows {
        let value = |i: u64, k: u64| ((i * 7 + k * 3) as f32 * 0.37).sin();
        Rows {
            inputs: range
                .clone()
                .flat_map(|i| (0..3).map(move |k| value(i, k)))
                .collect(),
            targets: range.clone().map(|i| value(i, 5) * 0.5 + 0.1).collect(),
            counted: range
                .clone()
                .map(|i| if matches!(i % 7, 1 | 5 | 6) { 0.0 } else { 1.0 })
                .collect(),
            weights: range
                .map(|i| {
                    if i % 3 == 0 {
                        0.5 + (i % 2) as f32
                    } else {
                        0.0
                    }
                })
                .collect(),
        }
    }

    /// Rows that count in no term.
    pub(crate) fn without_targets(mut self) -> Rows {
        self.counted.fill(0.0);
        self.weights.fill(0.0);
        self
    }
}

impl Network {
    pub(crate) fn on(device: &Device) -> Self {
        let drawn = |n: usize, from: f32| -> Vec<f32> {
            (0..n)
                .map(|i| (from + i as f32 * 1.7).sin() * 0.6)
                .collect()
        };
        Network {
            first: parameter(drawn(12, 0.3), [3, 4], device),
            shift: parameter(drawn(4, 1.1), [4], device),
            gain: parameter(drawn(4, 2.2), [4], device),
            second: parameter(drawn(4, 3.3), [4, 1], device),
            idle: parameter(vec![0.25, -0.5], [2], device),
            dropout: 0.0,
        }
    }

    pub(crate) fn with_dropout(mut self, rate: f64) -> Self {
        self.dropout = rate;
        self
    }

    fn error(&self, batch: &Rows, run: &cresset_ops::Run) -> Tensor<1> {
        let device = self.first.device();
        let n = batch.targets.len();
        let x = Tensor::<2>::from_data(TensorData::new(batch.inputs.clone(), [n, 3]), &device);
        let hidden = (x.matmul(self.first.val()) + self.shift.val().unsqueeze()).tanh();
        let hidden = dropout(hidden * self.gain.val().unsqueeze(), self.dropout, run);
        hidden.matmul(self.second.val()).reshape([n]) - vector(&batch.targets, &device)
    }
}

impl Objective for Network {
    type Batch = Rows;

    fn denominators(batch: &Rows) -> Denominators {
        let sum = |values: &[f32]| values.iter().map(|&v| f64::from(v)).sum();
        Denominators(vec![
            ("squared", sum(&batch.counted)),
            ("absolute", sum(&batch.weights)),
        ])
    }

    fn tokens(batch: &Rows) -> usize {
        batch.targets.len()
    }

    fn loss(&self, batch: &Rows, at: &StepContext) -> LossTerms {
        let error = self.error(batch, &at.run());
        let device = error.device();
        let squared = (error.clone().square() * vector(&batch.counted, &device)).sum();
        let absolute = (error.abs() * vector(&batch.weights, &device)).sum();
        LossTerms(vec![
            LossTerm {
                name: "squared",
                sum: squared,
                weight: 1.0,
            },
            LossTerm {
                name: "absolute",
                sum: absolute,
                weight: 0.3,
            },
        ])
    }

    fn observe(&self, batch: &Rows, report: &mut Report) {
        let error = self.error(batch, &cresset_ops::Run::inference());
        assert!(
            !error.device().is_autodiff(),
            "an evaluation runs without autodiff"
        );
        let counted = vector(&batch.counted, &error.device());
        let sum = (error.square() * counted)
            .sum()
            .into_data()
            .iter::<f64>()
            .sum();
        report.add(
            "loss",
            sum,
            batch.counted.iter().map(|&v| f64::from(v)).sum(),
        );
    }
}

pub(crate) fn parameter<const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &Device,
) -> Param<Tensor<D>> {
    Param::from_data(TensorData::new(values, shape), device)
}

fn vector(values: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

/// A plain configuration of `steps` steps.
pub(crate) fn config(steps: u64) -> TrainerConfig {
    TrainerConfig {
        seed: 7,
        steps,
        accumulate: 2,
        checkpoint_layers: false,
        optim: OptimConfig {
            adamw: AdamWConfig {
                lr: 0.02,
                ..AdamWConfig::default()
            },
            clip: Some(1.0),
        },
        schedule: ScheduleConfig::Linear(WarmupConfig {
            warmup: Warmup::Steps(1),
        }),
    }
}

/// A trainer of the network on the test device.
pub(crate) fn trainer(
    network: impl FnOnce(Network) -> Network,
    config: TrainerConfig,
) -> Trainer<Network> {
    Trainer::new(network(Network::on(&device().autodiff())), config).expect("a valid configuration")
}

/// The micro-batches of the step that comes next, four rows each.
pub(crate) fn next(trainer: &Trainer<Network>) -> Vec<Rows> {
    let accumulate = trainer.config().accumulate as u64;
    let first = trainer.steps_done() * accumulate;
    (first..first + accumulate).map(micro_batch).collect()
}

/// The micro-batch of a global index.
pub(crate) fn micro_batch(index: u64) -> Rows {
    Rows::of(index * 4..index * 4 + 4)
}

/// Every weight by path, bit for bit.
pub(crate) fn weights<M: Module>(module: &M) -> BTreeMap<String, Vec<f32>> {
    let mut read = Weights {
        path: Vec::new(),
        out: BTreeMap::new(),
    };
    module.visit(&mut read);
    read.out
}

struct Weights {
    path: Vec<String>,
    out: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Weights {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.out.insert(
            self.path.join("."),
            param.val().to_data().iter::<f32>().collect(),
        );
    }
}
