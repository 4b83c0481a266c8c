//! One opened objective: data, model and trainer together, behind a trait that does not name the objective.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cresset_data::{Collate, DataError, Prefetch, prefetch};
use cresset_model::{DecoderConfig, EncoderConfig, LoadReport, ModelConfig, Seq2SeqConfig};
use cresset_train::{
    BoxError, Event, KeepBest, Look, Objective, Outcome, Report, RowStep, RunHooks, RunPlan,
    Trainer, TrainerConfig, run,
};

use crate::RunError;
use crate::model_folder::Description;
use crate::preview::{Preview, Reader, Shown};
use crate::rows::{BatchesOf, Rows, Source, load_eval, load_train};
use crate::setup::{Duration, Setup, TrainSetup};
use crate::sources::TrainRows;
use crate::special::{Applied, apply};
use crate::telemetry::{Earlier, Reads, Telemetry};
use crate::watched::Watchable;

/// What a session needs from an objective beyond its loss.
pub trait Task: Objective<Batch: Reads> {
    /// Makes its batches.
    type Collate: Collate<Batch = Self::Batch>;
    /// The model inside.
    type Network: Watchable;

    /// The rows of a batch as a person reads them.
    fn show(batch: &Self::Batch, reader: &Reader<'_>) -> Vec<Vec<Shown>>;

    /// Named metrics from what the evaluation observed; by default those of predicted tokens: loss in nats per token, its
    /// exponential, and accuracy.
    fn metrics(report: &Report) -> BTreeMap<String, f64> {
        let mut values = report.values();
        if let Some(loss) = values.get("loss").copied() {
            values.insert("perplexity".into(), loss.exp());
        }
        values
    }

    /// As [`Task::metrics`], where the model must be asked how to read the report.
    fn measured(&self, report: &Report) -> BTreeMap<String, f64> {
        Self::metrics(report)
    }

    /// The model, which is what a folder holds.
    fn network(&self) -> &Self::Network;

    /// The names of trained tensors that a folder does not hold.
    fn unsaved(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Where a training run goes, and who is told.
pub struct TrainOrder<'a> {
    /// Steps between evaluations.
    pub eval_every: Option<u64>,
    /// Steps between checkpoints; `None` writes one only after the last step.
    pub checkpoint_every: Option<u64>,
    /// Checkpoints that are kept besides the best.
    pub keep_last: usize,
    /// By which metric the best model is chosen.
    pub keep_best: Option<KeepBest>,
    /// The folder of the checkpoints.
    pub checkpoints: &'a Path,
    /// The folder of the best model.
    pub best: &'a Path,
    /// A checkpoint to continue from.
    pub resume: Option<&'a Path>,
    /// Whether special vectors are looked at beside the evaluations, and what was told of them before.
    pub telemetry: Option<Earlier>,
    /// Told of every event.
    pub on_event: &'a mut dyn FnMut(&Event) -> Result<(), BoxError>,
    /// Set from outside to stop after the current step.
    pub stop: &'a AtomicBool,
}

/// Sizes of an opened run.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Trained numbers.
    pub n_parameters: usize,
    /// Rows to train on.
    pub n_train: usize,
    /// Rows held out.
    pub n_eval: usize,
    /// Optimizer steps of a pass over the training data.
    pub steps_per_epoch: u64,
    /// Optimizer steps of the run.
    pub steps: u64,
    /// Examples that were shortened to the longest input.
    pub n_shortened: usize,
    /// What was loaded from a model folder, what was initialised and what was not used, by name.
    pub load: Option<LoadReport>,
    /// Trained tensors that are not part of the saved model, by name.
    pub unsaved: Vec<String>,
    /// A line for each policy of a special token.
    pub policies: Vec<String>,
}

/// An opened objective.
pub trait OpenRun {
    /// Its sizes.
    fn facts(&self) -> &Facts;

    /// Trains to the end, or until stopped.
    ///
    /// # Errors
    /// A batch that cannot be made, a non-finite loss, a checkpoint that cannot be written.
    fn train(&mut self, order: TrainOrder<'_>) -> Result<Outcome, RunError>;

    /// Metrics on the held-out data.
    ///
    /// # Errors
    /// A batch that cannot be made.
    fn evaluate(&self) -> Result<BTreeMap<String, f64>, RunError>;

    /// A training batch as a person reads it; `rows` at most.
    ///
    /// # Errors
    /// A batch that cannot be made.
    fn preview(&self, batch: u64, rows: usize) -> Result<Preview, RunError>;

    /// Makes a training batch and throws it away; its input tokens, padding not counted. To measure the input alone.
    ///
    /// # Errors
    /// A batch that cannot be made.
    fn make_batch(&self, batch: u64) -> Result<usize, RunError>;

    /// Writes the model as a Hugging Face folder, all or nothing.
    ///
    /// # Errors
    /// A file that cannot be written.
    fn save_model(&self, folder: &Path) -> Result<(), RunError>;
}

/// What an objective hands over to become a session.
pub struct Parts<T: Task> {
    /// The model with its loss; on the autodiff device if it is to be trained.
    pub objective: T,
    /// Training rows and what makes batches of them.
    pub train: TrainRows<T>,
    /// Held-out rows and what makes batches of them.
    pub eval: Rows<T>,
    /// What is written beside the weights.
    pub description: Description,
    /// What was loaded from a model folder.
    pub load: Option<LoadReport>,
    /// Examples that were shortened.
    pub n_shortened: usize,
}

struct Session<T: Task> {
    setup: Setup,
    state: State<T>,
    train: Option<BatchesOf<T>>,
    eval: Option<BatchesOf<T>>,
    description: Description,
    facts: Facts,
    accumulate: u64,
}

enum State<T: Task> {
    Training(Box<Trainer<T>>),
    Fixed(T),
}

/// Makes a session from its parts.
///
/// # Errors
/// A schedule that does not fit the number of steps.
pub(crate) fn open<T>(setup: &Setup, parts: Parts<T>) -> Result<Box<dyn OpenRun>, RunError>
where
    T: Task,
    <T::Collate as Collate>::Item: Clone + Send + Sync + 'static,
{
    let train = load_train(setup, parts.train)?;
    let eval = load_eval(setup, parts.eval);
    open_on(
        setup,
        Opened {
            objective: parts.objective,
            train: Source::of(train),
            eval: Source::of(eval),
            description: parts.description,
            load: parts.load,
            n_shortened: parts.n_shortened,
        },
    )
}

/// What a session is made of.
pub(crate) struct Opened<T: Task> {
    pub(crate) objective: T,
    pub(crate) train: Source<T>,
    pub(crate) eval: Source<T>,
    pub(crate) description: Description,
    pub(crate) load: Option<LoadReport>,
    pub(crate) n_shortened: usize,
}

/// Makes a session of batches that are there already.
///
/// # Errors
/// A schedule that does not fit the number of steps.
pub(crate) fn open_on<T: Task>(
    setup: &Setup,
    opened: Opened<T>,
) -> Result<Box<dyn OpenRun>, RunError> {
    let (train, eval) = (opened.train, opened.eval);
    let accumulate = setup.train.as_ref().map_or(1, |t| t.accumulate as u64);
    let steps_per_epoch = train
        .batches
        .as_ref()
        .map_or(0, |t| t.batches_per_epoch().div_ceil(accumulate));
    let steps = match setup.train.as_ref().map(|t| t.duration) {
        Some(Duration::Steps(steps)) => steps,
        Some(Duration::Epochs(epochs)) => ((steps_per_epoch as f64 * epochs).round() as u64).max(1),
        None => 0,
    };
    let Applied {
        objective,
        scope,
        told,
    } = match &setup.train {
        Some(order) => apply(opened.objective, &order.policies, setup)?,
        None => Applied::without_policies(opened.objective),
    };
    let facts = Facts {
        n_parameters: objective.num_params(),
        n_train: train.n_rows,
        n_eval: eval.n_rows,
        steps_per_epoch,
        steps,
        n_shortened: opened.n_shortened,
        load: opened.load,
        unsaved: objective.unsaved(),
        policies: told,
    };
    let state = match &setup.train {
        Some(order) => {
            let trainer = Trainer::new(objective, trainer_config(setup.seed, steps, order))?;
            State::Training(Box::new(trainer.with_scope(scope)?))
        }
        None => State::Fixed(objective),
    };
    Ok(Box::new(Session {
        setup: setup.clone(),
        state,
        train: train.batches,
        eval: eval.batches,
        description: opened.description,
        facts,
        accumulate,
    }))
}

fn trainer_config(seed: u64, steps: u64, train: &TrainSetup) -> TrainerConfig {
    TrainerConfig {
        seed,
        steps,
        accumulate: train.accumulate,
        checkpoint_layers: train.checkpoint_layers,
        optim: train.optim.clone(),
        schedule: train.schedule,
    }
}

/// How many micro-batches the loader thread may be ahead.
const PREFETCH: usize = 8;

impl<T: Task> Session<T> {
    fn objective(&self) -> &T {
        match &self.state {
            State::Training(trainer) => trainer.model(),
            State::Fixed(objective) => objective,
        }
    }

    /// Makes the training batches; those of the held-out data where there is nothing to train on.
    fn loader(&self) -> Result<&BatchesOf<T>, RunError> {
        self.train
            .as_ref()
            .or(self.eval.as_ref())
            .ok_or_else(|| RunError::Data("there is no data to make a batch of".into()))
    }
}

/// Metrics of a model over the held-out batches.
fn measure<T: Task>(
    objective: &T,
    eval: &BatchesOf<T>,
) -> Result<BTreeMap<String, f64>, DataError> {
    let model = objective.valid();
    let mut report = Report::new();
    for index in 0..eval.batches_per_epoch() {
        model.observe(&eval.batch(index)?, &mut report);
    }
    Ok(model.measured(&report))
}

impl<T: Task> OpenRun for Session<T> {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn train(&mut self, order: TrainOrder<'_>) -> Result<Outcome, RunError> {
        let (State::Training(trainer), Some(train)) = (&mut self.state, &self.train) else {
            return Err(RunError::Config(
                "this run was opened without training data".into(),
            ));
        };
        if let Some(folder) = order.resume {
            trainer.load_checkpoint(folder)?;
        }
        let plan = RunPlan {
            eval_every: order.eval_every,
            checkpoint_every: order.checkpoint_every,
            keep_last: order.keep_last,
            keep_best: order.keep_best,
            checkpoints: order.checkpoints.to_owned(),
            user: serde_json::Value::Null,
        };
        let looked_at = self.eval.as_ref().unwrap_or(train);
        let mut telemetry = match order.telemetry {
            Some(earlier) => Telemetry::open(trainer, &self.setup, &**looked_at, earlier)?,
            None => None,
        };
        let rows = telemetry
            .as_ref()
            .map(|telemetry| telemetry.rows().to_vec());
        let rows = rows.unwrap_or_default();
        let mut look = telemetry.as_mut().map(|telemetry| {
            |trainer: &Trainer<T>, done: &[RowStep]| Ok(telemetry.look(trainer, done))
        });
        let from = trainer.steps_done() * self.accumulate;
        let range = from..self.facts.steps * self.accumulate;
        let mut batches: Prefetch<T::Batch> = prefetch(Arc::clone(train), range, PREFETCH);
        let mut batch = |index: u64| -> Result<T::Batch, BoxError> {
            let (made, batch) = batches
                .next()
                .ok_or_else(|| format!("no batch {index}: the run has no more"))?;
            assert_eq!(
                made, index,
                "the trainer asks for the micro-batches in order"
            );
            Ok(batch?)
        };
        let eval = self.eval.clone();
        let mut evaluate = |trainer: &Trainer<T>| -> Result<BTreeMap<String, f64>, BoxError> {
            let eval = eval
                .as_ref()
                .expect("the hook is given only with held-out data");
            Ok(measure(trainer.model(), eval)?)
        };
        let description = &self.description;
        let best = order.best;
        let hooks = RunHooks {
            batch: &mut batch,
            evaluate: if self.eval.is_some() {
                Some(&mut evaluate)
            } else {
                None
            },
            look: look.as_mut().map(|look| Look { rows: &rows, look }),
            save_best: &mut |objective| Ok(description.save(objective.network(), best)?),
            on_event: order.on_event,
        };
        Ok(run(trainer, &plan, hooks, order.stop)?)
    }

    fn evaluate(&self) -> Result<BTreeMap<String, f64>, RunError> {
        match &self.eval {
            Some(eval) => Ok(measure(self.objective(), eval)?),
            None => Err(RunError::Data(
                "there is no held-out data to evaluate on; set data.eval or data.split".into(),
            )),
        }
    }

    fn preview(&self, batch: u64, rows: usize) -> Result<Preview, RunError> {
        let reader = Reader::new(&self.setup.tokenizer, &self.setup.convention)
            .of_model(&self.description.config)
            .naming_classes(self.description.classes());
        let mut examples = T::show(&self.loader()?.batch(batch)?, &reader);
        let n_rows = examples.len();
        examples.truncate(rows);
        Ok(Preview {
            batch,
            frame: self.setup.convention.describe(),
            n_rows,
            examples,
        })
    }

    fn make_batch(&self, batch: u64) -> Result<usize, RunError> {
        Ok(T::tokens(&self.loader()?.batch(batch)?))
    }

    fn save_model(&self, folder: &Path) -> Result<(), RunError> {
        self.description.save(self.objective().network(), folder)
    }
}

/// Numbers in one line.
pub(crate) fn join(values: &[u32]) -> String {
    values
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The encoder's sizes.
///
/// # Errors
/// Another shape of model.
pub(crate) fn encoder(config: &ModelConfig, objective: &str) -> Result<EncoderConfig, RunError> {
    config
        .encoder()
        .map_err(|error| RunError::Config(format!("objective {objective}: {error}")))
}

/// The encoder-decoder's sizes.
///
/// # Errors
/// Another shape of model.
pub(crate) fn seq2seq(config: &ModelConfig) -> Result<Seq2SeqConfig, RunError> {
    config
        .encoder_decoder()
        .map_err(|error| RunError::Config(format!("objective seq2seq: {error}")))
}

/// The decoder's sizes.
///
/// # Errors
/// Another shape of model.
pub(crate) fn decoder(config: &ModelConfig) -> Result<DecoderConfig, RunError> {
    config
        .decoder()
        .map_err(|error| RunError::Config(format!("objective causal-lm: {error}")))
}
