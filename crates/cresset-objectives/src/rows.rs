//! Encoded rows of an objective, and the batches that are made of them.

use std::sync::Arc;

use cresset_data::{Batches, Collate, DataError, Dataset, Length, Loader};
use cresset_train::Objective;

use crate::session::Task;
use crate::sources::{TrainRows, weigh};
use crate::{RunError, Setup};

/// Which part of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What is trained on.
    Train,
    /// What is held out.
    Eval,
}

/// Encoded rows of one side of the data.
pub struct Rows<T: Task> {
    /// The rows.
    pub items: Box<dyn Dataset<Item = <T::Collate as Collate>::Item>>,
    /// Their lengths, for bucketing.
    pub lengths: Box<dyn Iterator<Item = Length>>,
    /// What makes batches of them.
    pub collate: T::Collate,
}

impl<T: Task> Rows<T> {
    /// Rows with a length each.
    pub fn new<L: Into<Length> + 'static>(
        items: impl Dataset<Item = <T::Collate as Collate>::Item> + 'static,
        lengths: impl IntoIterator<Item = L, IntoIter: 'static>,
        collate: T::Collate,
    ) -> Self {
        Rows {
            items: Box::new(items),
            lengths: Box::new(lengths.into_iter().map(Into::into)),
            collate,
        }
    }

    /// These rows and then others, which are made into batches as these are.
    #[must_use]
    pub fn followed_by(self, others: Self) -> Self
    where
        <T::Collate as Collate>::Item: 'static,
    {
        Rows {
            items: Box::new(Chained(self.items, others.items)),
            lengths: Box::new(self.lengths.chain(others.lengths)),
            collate: self.collate,
        }
    }
}

/// Items and then others.
struct Chained<I>(Box<dyn Dataset<Item = I>>, Box<dyn Dataset<Item = I>>);

impl<I> Dataset for Chained<I> {
    type Item = I;

    fn len(&self) -> usize {
        self.0.len() + self.1.len()
    }

    fn get(&self, index: usize) -> Result<I, DataError> {
        match index.checked_sub(self.0.len()) {
            None => self.0.get(index),
            Some(index) => self.1.get(index),
        }
    }
}

/// Batches of one kind by number.
pub(crate) type BatchesOf<T> = Arc<dyn Batches<Batch = <T as Objective>::Batch>>;

/// Batches of a run.
pub(crate) struct Source<T: Task> {
    /// The batches; none without rows.
    pub(crate) batches: Option<BatchesOf<T>>,
    /// Rows they are made of.
    pub(crate) n_rows: usize,
}

/// Makes the training batches of rows.
///
/// # Errors
/// Weights of sources that the rows do not tell apart.
pub(crate) fn load_train<T: Task>(
    setup: &Setup,
    train: TrainRows<T>,
) -> Result<Loader<T::Collate>, RunError> {
    let rows = train.rows;
    let plan = setup.data.train_plan(rows.lengths, setup.seed);
    let plan = if rows.items.is_empty() {
        plan
    } else {
        weigh(setup, plan, &train.per_source)?
    };
    Ok(Loader::new(rows.items, rows.collate, plan, setup.seed))
}

/// Makes the batches of held-out rows.
pub(crate) fn load_eval<T: Task>(setup: &Setup, rows: Rows<T>) -> Loader<T::Collate> {
    let plan = setup.data.eval_plan(rows.lengths);
    Loader::new(rows.items, rows.collate, plan, setup.seed)
}

impl<T: Task> Source<T> {
    pub(crate) fn of(loader: Loader<T::Collate>) -> Self {
        let n_rows = loader.dataset().len();
        Source {
            batches: (n_rows > 0).then(|| Arc::new(loader) as BatchesOf<T>),
            n_rows,
        }
    }
}
