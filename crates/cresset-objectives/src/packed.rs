//! Rows that hold one text or, with `data.packing`, several, between which there is no attention.

use cresset_data::{Collate, DataError, Dataset, Order, Packing};
use rand_chacha::ChaCha8Rng;

use crate::Setup;
use crate::rows::{Rows, Side};
use crate::session::Task;

/// A batch whose rows can be put one behind the other.
pub trait Pack {
    /// The same texts in fewer rows: the first `texts_per_row[0]` of them in the first, and so on.
    #[must_use]
    fn pack(self, texts_per_row: &[usize], pad_id: u32) -> Self;
}

/// Makes a batch of all texts, one a row, and then puts together those that share a row: corruption knows nothing of it.
#[derive(Clone, Debug)]
pub struct InRows<C> {
    texts: C,
    pad_id: u32,
}

impl<C: Collate> Collate for InRows<C>
where
    C::Item: 'static,
    C::Batch: Pack,
{
    type Item = Vec<C::Item>;
    type Batch = C::Batch;

    fn collate(
        &self,
        rows: Vec<Vec<C::Item>>,
        rng: &mut ChaCha8Rng,
    ) -> Result<C::Batch, DataError> {
        let texts_per_row: Vec<usize> = rows.iter().map(Vec::len).collect();
        let texts = rows.into_iter().flatten().collect();
        let batch = self.texts.collate(texts, rng)?;
        Ok(if texts_per_row.iter().all(|&n| n == 1) {
            batch
        } else {
            batch.pack(&texts_per_row, self.pad_id)
        })
    }
}

/// Texts as rows: each by itself, or packed as `data.packing` says.
pub(crate) fn in_rows<T, C>(
    (setup, side): (&Setup, Side),
    texts: impl Dataset<Item = C::Item> + 'static,
    lengths: impl Iterator<Item = usize> + 'static,
    collate: C,
) -> Rows<T>
where
    T: Task<Collate = InRows<C>, Batch = C::Batch>,
    C: Collate,
    C::Item: 'static,
    C::Batch: Pack,
{
    let collate = InRows {
        texts: collate,
        pad_id: setup.convention.pad_id(),
    };
    match setup.data.sharing {
        RowSharing::None => Rows::new(Alone(texts), lengths, collate),
        RowSharing::Packed => {
            let lengths: Vec<u32> = lengths.map(|length| length as u32).collect();
            let order = match side {
                Side::Train => Order::Shuffled { seed: setup.seed },
                Side::Eval => Order::Sequential,
            };
            let packing = Packing::first_fit(&lengths, setup.data.max_length, order);
            let used: Vec<usize> = (0..packing.len())
                .map(|row| {
                    let texts = packing.row(row).iter();
                    texts.map(|&text| lengths[text as usize] as usize).sum()
                })
                .collect();
            Rows::new(Packed { texts, packing }, used, collate)
        }
    }
}

/// Whether texts share rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RowSharing {
    /// One text a row.
    #[default]
    None,
    /// As many as fit into `max_length`.
    Packed,
}

/// Every text a row.
struct Alone<D>(D);

impl<D: Dataset> Dataset for Alone<D> {
    type Item = Vec<D::Item>;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, row: usize) -> Result<Vec<D::Item>, DataError> {
        Ok(vec![self.0.get(row)?])
    }
}

/// Several texts a row.
struct Packed<D> {
    texts: D,
    packing: Packing,
}

impl<D: Dataset> Dataset for Packed<D> {
    type Item = Vec<D::Item>;

    fn len(&self) -> usize {
        self.packing.len()
    }

    fn get(&self, row: usize) -> Result<Vec<D::Item>, DataError> {
        let texts = self.packing.row(row).iter();
        texts.map(|&text| self.texts.get(text as usize)).collect()
    }
}
