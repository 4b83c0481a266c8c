//! The files of a checkpoint: weights and optimizer state by parameter path, and the trainer's own numbers.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path as FilePath;

use burn::module::{ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors, View, serialize_to_file};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::gradients::Path;
use crate::optim::Moments;
use crate::{Best, Objective, TrainError, Trainer, TrainerConfig};

const WEIGHTS: &str = "weights.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const TRAINER: &str = "trainer.json";
const FORMAT: u32 = 1;

/// `trainer.json`.
#[derive(Debug, Serialize, Deserialize)]
struct TrainerFile {
    format: u32,
    step: u64,
    config: TrainerConfig,
    best: Option<Best>,
    /// Updates of each parameter that had a gradient at least once.
    updates: BTreeMap<String, u64>,
    /// The caller's own.
    user: Value,
    /// Size and content of the files beside it.
    files: BTreeMap<String, Fingerprint>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Fingerprint {
    bytes: u64,
    sha256: String,
}

/// Writes the files of a checkpoint into an existing folder and flushes them to the disk.
pub(crate) fn write<O: Objective>(trainer: &Trainer<O>, user: &Value, folder: &FilePath) -> Result<(), TrainError> {
    let mut collected = Collect { trainer, path: Path::default(), weights: Vec::new(), moments: Vec::new(), updates: BTreeMap::new() };
    trainer.model().visit(&mut collected);
    let Collect { weights, moments, updates, .. } = collected;
    let mut files = BTreeMap::new();
    for (name, tensors) in [(WEIGHTS, weights), (OPTIMIZER, moments)] {
        let path = folder.join(name);
        let written = serialize_to_file(tensors, None, &path).map_err(|error| match error {
            SafeTensorError::IoError(error) => error,
            other => io::Error::other(other),
        });
        let fingerprint = written.and_then(|()| sync(&path)).and_then(|()| fingerprint(&path));
        files.insert(name.to_owned(), fingerprint.map_err(|source| TrainError::Write { path, source })?);
    }
    let file = TrainerFile {
        format: FORMAT,
        step: trainer.step,
        config: trainer.config.clone(),
        best: trainer.best.clone(),
        updates,
        user: user.clone(),
        files,
    };
    let path = folder.join(TRAINER);
    serde_json::to_vec_pretty(&file)
        .map_err(io::Error::from)
        .and_then(|bytes| fs::write(&path, bytes))
        .and_then(|()| sync(&path))
        .map_err(|source| TrainError::Write { path, source })
}

/// Puts a checkpoint's state into a trainer and returns the caller's own value. On an error nothing has changed.
pub(crate) fn read<O: Objective>(trainer: &mut Trainer<O>, folder: &FilePath) -> Result<Value, TrainError> {
    let file = read_trainer(folder)?;
    let mismatch = |problem: String| TrainError::Mismatch { checkpoint: folder.to_owned(), problem };
    for (key, saved, now) in [
        ("seed", file.config.seed, trainer.config.seed),
        ("train.accumulate", file.config.accumulate as u64, trainer.config.accumulate as u64),
    ] {
        if saved != now {
            return Err(mismatch(format!("it was written with {key} {saved}, not {now}; set it back or start a new run")));
        }
    }
    if file.step > trainer.config.steps {
        return Err(mismatch(format!("it stands at step {} of a run of {}; raise train.steps", file.step, trainer.config.steps)));
    }
    let weights = read_verified(folder, WEIGHTS, &file)?;
    let moments = read_verified(folder, OPTIMIZER, &file)?;
    let weights = open(&weights, folder, WEIGHTS)?;
    let moments = open(&moments, folder, OPTIMIZER)?;

    let mut left: BTreeSet<String> = weights.names().into_iter().map(str::to_owned).collect();
    let mut restore = Restore {
        weights: &weights,
        moments: &moments,
        updates: &file.updates,
        path: Path::default(),
        left: &mut left,
        optimizer: crate::optim::AdamW::new(trainer.config.optim.adamw.clone()),
        problem: None,
    };
    let objective = trainer.model().clone().map(&mut restore);
    let Restore { optimizer, problem, .. } = restore;
    if let Some(problem) = problem {
        return Err(mismatch(problem));
    }
    if let Some(name) = left.first() {
        return Err(mismatch(format!("it holds `{name}`, which the model does not have; check [model] and [objective]")));
    }
    trainer.objective = Some(objective);
    trainer.optimizer = optimizer;
    trainer.step = file.step;
    trainer.best = file.best;
    Ok(file.user)
}

fn read_trainer(folder: &FilePath) -> Result<TrainerFile, TrainError> {
    let path = folder.join(TRAINER);
    let bytes = fs::read(&path).map_err(|source| TrainError::Read { path: path.clone(), source })?;
    let damaged = |problem: String| TrainError::Damaged { path: path.clone(), checkpoint: folder.to_owned(), problem };
    let file: TrainerFile = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    if file.format != FORMAT {
        let problem = format!("its format is {}, but this version reads {FORMAT}; use the version that wrote it", file.format);
        return Err(TrainError::Mismatch { checkpoint: folder.to_owned(), problem });
    }
    Ok(file)
}

fn read_verified(folder: &FilePath, name: &str, file: &TrainerFile) -> Result<Vec<u8>, TrainError> {
    let path = folder.join(name);
    let damaged = |problem: String| TrainError::Damaged { path: path.clone(), checkpoint: folder.to_owned(), problem };
    let expected = file.files.get(name).ok_or_else(|| damaged(format!("{TRAINER} does not list it")))?;
    let bytes = fs::read(&path).map_err(|source| TrainError::Read { path: path.clone(), source })?;
    if bytes.len() as u64 != expected.bytes {
        return Err(damaged(format!("it has {} bytes instead of {}", bytes.len(), expected.bytes)));
    }
    if hex(&Sha256::digest(&bytes)) != expected.sha256 {
        return Err(damaged("its content is not what was written (SHA-256 differs)".to_owned()));
    }
    Ok(bytes)
}

fn open<'a>(bytes: &'a [u8], folder: &FilePath, name: &str) -> Result<SafeTensors<'a>, TrainError> {
    SafeTensors::deserialize(bytes).map_err(|error| TrainError::Damaged {
        path: folder.join(name),
        checkpoint: folder.to_owned(),
        problem: error.to_string(),
    })
}

pub(crate) fn sync(path: &FilePath) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn fingerprint(path: &FilePath) -> io::Result<Fingerprint> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(Fingerprint { bytes, sha256: hex(&hash.finalize()) });
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A tensor that is read from its device only when its turn comes to be written.
struct Lazy {
    shape: Vec<usize>,
    read: Box<dyn Fn() -> Vec<u8>>,
}

impl Lazy {
    fn new<const D: usize>(tensor: Tensor<D>) -> Self {
        let shape = tensor.dims().to_vec();
        Lazy { shape, read: Box::new(move || tensor.to_data().iter::<f32>().flat_map(f32::to_le_bytes).collect()) }
    }
}

impl View for Lazy {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned((self.read)())
    }

    fn data_len(&self) -> usize {
        self.shape.iter().product::<usize>() * size_of::<f32>()
    }
}

struct Collect<'a, O: Objective> {
    trainer: &'a Trainer<O>,
    path: Path,
    weights: Vec<(String, Lazy)>,
    moments: Vec<(String, Lazy)>,
    updates: BTreeMap<String, u64>,
}

impl<O: Objective> ModuleVisitor for Collect<'_, O> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.joined();
        if let Some(moments) = self.trainer.optimizer.moments::<D>(&path) {
            self.moments.push((mean_name(&path), Lazy::new(moments.mean.clone())));
            self.moments.push((square_name(&path), Lazy::new(moments.square.clone())));
            self.updates.insert(path.clone(), moments.updates);
        }
        self.weights.push((path, Lazy::new(param.base().inner())));
    }
}

fn mean_name(path: &str) -> String {
    format!("{path}#mean")
}

fn square_name(path: &str) -> String {
    format!("{path}#square")
}

struct Restore<'a> {
    weights: &'a SafeTensors<'a>,
    moments: &'a SafeTensors<'a>,
    updates: &'a BTreeMap<String, u64>,
    path: Path,
    /// Names in the file that no parameter has asked for yet.
    left: &'a mut BTreeSet<String>,
    optimizer: crate::optim::AdamW,
    problem: Option<String>,
}

impl ModuleMapper for Restore<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let path = self.path.joined();
        self.left.remove(&path);
        match self.restored(&path, &param) {
            Ok(value) => param.map(|old| {
                let trained = old.is_require_grad();
                let value = Tensor::from_data(value, &old.device());
                if trained { value.require_grad() } else { value }
            }),
            Err(problem) => {
                self.problem.get_or_insert(problem);
                param
            }
        }
    }
}

impl Restore<'_> {
    fn restored<const D: usize>(&mut self, path: &str, param: &Param<Tensor<D>>) -> Result<TensorData, String> {
        let shape = param.lazy_shape().to_vec();
        let value = tensor(self.weights, path, &shape)?;
        if let Some(&updates) = self.updates.get(path) {
            let device = param.lazy_device().inner();
            let mean = tensor(self.moments, &mean_name(path), &shape)?;
            let square = tensor(self.moments, &square_name(path), &shape)?;
            let moments =
                Moments::<D> { mean: Tensor::from_data(mean, &device), square: Tensor::from_data(square, &device), updates };
            self.optimizer.set_moments(path.to_owned(), moments);
        }
        Ok(value)
    }
}

fn tensor(file: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Result<TensorData, String> {
    let view = file.tensor(name).map_err(|_| format!("it has no `{name}`; check [model] and [objective]"))?;
    if view.shape() != shape || view.dtype() != Dtype::F32 {
        return Err(format!(
            "`{name}` is {} {:?} there and F32 {shape:?} in the model; check [model] and [objective]",
            view.dtype(),
            view.shape()
        ));
    }
    let values: Vec<f32> = view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    Ok(TensorData::new(values, shape.to_vec()))
}
