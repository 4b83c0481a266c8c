//! Training rows of several sources, of which an epoch may draw some more often than others.

use cresset_data::{BatchPlan, Example, TokenizedTexts, WeightedRows};

use crate::rows::{Rows, Side};
use crate::session::Task;
use crate::setup::DataSetup;
use crate::{RunError, Setup};

/// Training rows, source after source.
pub struct TrainRows<T: Task> {
    /// All of them.
    pub rows: Rows<T>,
    /// How many are of each source; none where the objective does not tell them apart.
    pub per_source: Vec<usize>,
}

impl<T: Task> From<Rows<T>> for TrainRows<T> {
    fn from(rows: Rows<T>) -> Self {
        TrainRows {
            rows,
            per_source: Vec::new(),
        }
    }
}

/// Training and held-out rows of an objective that makes rows of any list of examples.
///
/// # Errors
/// Those of `rows`.
pub(crate) fn both_splits<T: Task>(
    data: &DataSetup,
    mut rows: impl FnMut(&[Example]) -> Result<Rows<T>, RunError>,
) -> Result<(TrainRows<T>, Rows<T>), RunError> {
    if !data.is_weighted() {
        return Ok((rows(&data.train)?.into(), rows(&data.eval)?));
    }
    let mut rest = &data.train[..];
    let mut train: Option<TrainRows<T>> = None;
    for source in &data.train_sources {
        let (examples, others) = rest.split_at(source.n_rows);
        rest = others;
        train = Some(followed_by(train, rows(examples)?));
    }
    let train = train.expect("what is weighted has a source");
    Ok((train, rows(&data.eval)?))
}

/// The same for an objective that makes rows of texts alone.
///
/// # Errors
/// Those of `rows`.
pub(crate) fn both_text_splits<T: Task>(
    setup: &Setup,
    mut rows: impl FnMut(&Setup, Side, TokenizedTexts) -> Result<Rows<T>, RunError>,
) -> Result<(TrainRows<T>, Rows<T>), RunError> {
    let texts = setup.texts(Side::Train);
    let train = if setup.data.is_weighted() {
        let mut first = 0;
        let mut train = None;
        for source in &setup.data.train_sources {
            let part = texts.part(first..first + source.n_rows);
            first += source.n_rows;
            train = Some(followed_by(train, rows(setup, Side::Train, part)?));
        }
        train.expect("what is weighted has a source")
    } else {
        rows(setup, Side::Train, texts)?.into()
    };
    let eval = rows(setup, Side::Eval, setup.texts(Side::Eval))?;
    Ok((train, eval))
}

/// The rows of one more source.
fn followed_by<T: Task>(train: Option<TrainRows<T>>, more: Rows<T>) -> TrainRows<T> {
    let n_rows = more.items.len();
    let mut train = match train {
        None => more.into(),
        Some(train) => TrainRows {
            rows: train.rows.followed_by(more),
            ..train
        },
    };
    train.per_source.push(n_rows);
    train
}

/// The plan in which an epoch draws the rows of each source as often as its weight says.
///
/// # Errors
/// Weights, where the objective does not tell the sources apart.
pub(crate) fn weigh(
    setup: &Setup,
    plan: BatchPlan,
    per_source: &[usize],
) -> Result<BatchPlan, RunError> {
    if !setup.data.is_weighted() {
        return Ok(plan);
    }
    let sources = &setup.data.train_sources;
    if per_source.len() != sources.len() {
        return Err(RunError::Config(format!(
            "objective {} as configured does not tell the sources of its rows apart, so data.train can give them no weights; name the files alone, or all with weight 1",
            setup.objective.name()
        )));
    }
    let rows = per_source.iter().zip(sources);
    let rows: Vec<WeightedRows> = rows
        .map(|(&n_rows, source)| WeightedRows {
            n_rows,
            weight: source.weight,
        })
        .collect();
    Ok(plan.weighted(&rows))
}
