//! Batches by number, made ahead of time or on the spot with the same result.

use std::fmt;
use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, bounded};
use rand_chacha::ChaCha8Rng;

use crate::seed::{Purpose, rng};
use crate::{BatchPlan, DataError};

/// Items by number, such as encoded examples.
pub trait Dataset: Send + Sync {
    /// One item.
    type Item;

    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An item.
    ///
    /// # Errors
    /// An item that cannot be read.
    fn get(&self, index: usize) -> Result<Self::Item, DataError>;
}

impl<T: Clone + Send + Sync> Dataset for Vec<T> {
    type Item = T;

    fn len(&self) -> usize {
        self.len()
    }

    fn get(&self, index: usize) -> Result<T, DataError> {
        Ok(self[index].clone())
    }
}

impl<D: Dataset + ?Sized> Dataset for Box<D> {
    type Item = D::Item;

    fn len(&self) -> usize {
        (**self).len()
    }

    fn get(&self, index: usize) -> Result<D::Item, DataError> {
        (**self).get(index)
    }
}

/// Makes a batch of plain numbers from items; whatever is random in it comes from `rng`.
pub trait Collate: Send + Sync + 'static {
    /// One item of the data set.
    type Item: Send + Sync + Clone;
    /// The batch.
    type Batch: Send + Debug + 'static;

    /// Corrupts, frames and pads the items.
    ///
    /// # Errors
    /// Items that do not fit the convention.
    fn collate(
        &self,
        items: Vec<Self::Item>,
        rng: &mut ChaCha8Rng,
    ) -> Result<Self::Batch, DataError>;
}

/// Batches by number; asking again gives the same batch.
pub trait Batches: Send + Sync {
    /// The batch.
    type Batch: Send + 'static;

    /// Batches in an epoch.
    fn batches_per_epoch(&self) -> u64;

    /// A batch; indices go on from epoch to epoch.
    ///
    /// # Errors
    /// An item that cannot be read or batched.
    fn batch(&self, index: u64) -> Result<Self::Batch, DataError>;
}

impl<C: Collate> Batches for Loader<C> {
    type Batch = C::Batch;

    fn batches_per_epoch(&self) -> u64 {
        Loader::batches_per_epoch(self)
    }

    fn batch(&self, index: u64) -> Result<C::Batch, DataError> {
        Loader::batch(self, index)
    }
}

/// The batches of a range in order, made by a thread that is at most `depth` batches ahead. The thread ends when the
/// iterator is dropped.
pub fn prefetch<B: Send + 'static>(
    batches: Arc<dyn Batches<Batch = B>>,
    range: Range<u64>,
    depth: usize,
) -> Prefetch<B> {
    let (sender, receiver) = bounded(depth.max(1));
    let worker = thread::spawn(move || {
        for index in range {
            if sender.send((index, batches.batch(index))).is_err() {
                return;
            }
        }
    });
    Prefetch {
        receiver: Some(receiver),
        worker: Some(worker),
    }
}

/// Batches as a pure function of (data, plan, seed, index).
pub struct Loader<C: Collate> {
    dataset: Box<dyn Dataset<Item = C::Item>>,
    collate: C,
    plan: BatchPlan,
    seed: u64,
}

impl<C: Collate> Loader<C> {
    /// A loader of these items; the plan must have been made for them.
    pub fn new(
        dataset: impl Dataset<Item = C::Item> + 'static,
        collate: C,
        plan: BatchPlan,
        seed: u64,
    ) -> Self {
        Loader {
            dataset: Box::new(dataset),
            collate,
            plan,
            seed,
        }
    }

    /// Batches in an epoch.
    pub fn batches_per_epoch(&self) -> u64 {
        self.plan.batches_per_epoch()
    }

    /// The items of the data set.
    pub fn dataset(&self) -> &dyn Dataset<Item = C::Item> {
        &*self.dataset
    }

    /// The order and grouping of the batches.
    pub fn plan(&self) -> &BatchPlan {
        &self.plan
    }

    /// A batch; indices go on from epoch to epoch. Asking again gives the same batch.
    ///
    /// # Errors
    /// An item that cannot be read or batched.
    pub fn batch(&self, index: u64) -> Result<C::Batch, DataError> {
        let items = self
            .plan
            .batch(index)
            .into_iter()
            .map(|i| self.dataset.get(i))
            .collect::<Result<Vec<_>, _>>()?;
        self.collate
            .collate(items, &mut rng(self.seed, Purpose::Batch, index))
    }

    /// As [`prefetch`], of this loader.
    pub fn prefetch(self: Arc<Self>, range: Range<u64>, depth: usize) -> Prefetch<C::Batch> {
        prefetch(self, range, depth)
    }
}

impl<C: Collate> Debug for Loader<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loader")
            .field("items", &self.dataset.len())
            .field("batches_per_epoch", &self.batches_per_epoch())
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

/// Batches made ahead of time, with their numbers.
#[derive(Debug)]
pub struct Prefetch<B> {
    receiver: Option<Receiver<(u64, Result<B, DataError>)>>,
    worker: Option<JoinHandle<()>>,
}

impl<B> Iterator for Prefetch<B> {
    type Item = (u64, Result<B, DataError>);

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.receiver.as_ref()?.recv().ok();
        if item.is_none() {
            self.receiver = None;
            if let Some(Err(panic)) = self.worker.take().map(JoinHandle::join) {
                std::panic::resume_unwind(panic);
            }
        }
        item
    }
}

impl<B> Drop for Prefetch<B> {
    fn drop(&mut self) {
        // The worker's next send fails once the receiver is gone.
        self.receiver = None;
        if let Some(worker) = self.worker.take() {
            let _ = worker.join();
        }
    }
}
