//! Rows of a table by id, with a gradient that touches those rows only.

use std::fmt::Debug;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Int, Shape, Tensor};
use burn_flex::FlexTensor;

use crate::cross_entropy::ids_of;
use crate::fused::is_host;
use crate::host::array::Array;
use crate::host::table;
use crate::reference;

/// Lookup in host memory.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait HostLookup: Backend {
    /// Table `[n, width]`, ids `[batch, seq]`, out `[batch, seq, width]`.
    fn lookup(table: FloatTensor<Self>, ids: IntTensor<Self>) -> FloatTensor<Self>;
}

/// What the backward pass of a lookup does.
pub(crate) trait AddRows: Backend {
    /// Adds rows to a table: to the one given, in place where nothing else holds it, else to one of zeros.
    fn add_rows(
        table: Result<FloatTensor<Self>, Shape>,
        ids: &IntTensor<Self>,
        rows: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

impl HostLookup for Flex {
    fn lookup(table: FlexTensor, ids: FlexTensor) -> FlexTensor {
        let mut shape: Vec<usize> = ids.layout().shape().iter().copied().collect();
        let table = Array::of(&table);
        shape.push(table.width());
        let rows = table::rows(&table.values, table.width(), &ids_of(&ids));
        Array::new(rows, &shape).into_flex()
    }
}

impl AddRows for Flex {
    fn add_rows(
        table: Result<FlexTensor, Shape>,
        ids: &FlexTensor,
        rows: FlexTensor,
    ) -> FlexTensor {
        let mut table = match table {
            Ok(table) => table.to_contiguous(),
            Err(shape) => {
                let shape: Vec<usize> = shape.iter().copied().collect();
                Array::new(vec![0.0; shape.iter().product()], &shape).into_flex()
            }
        };
        let rows = Array::of(&rows);
        table::add_rows(
            table.storage_mut(),
            rows.width(),
            &ids_of(ids),
            &rows.values,
        );
        table
    }
}

#[derive(Clone, Debug)]
struct Saved<B: Backend> {
    /// The table as it stands in the graph, by which its gradient is found.
    table: FloatTensor<Autodiff<B>>,
    ids: IntTensor<B>,
}

#[derive(Debug)]
struct Lookup;

impl<B: AddRows> Backward<B, 1> for Lookup {
    type State = Saved<B>;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [parent] = ops.parents;
        let grad = grads.consume::<B>(&ops.node);
        let Saved { table, ids } = ops.state;
        let Some(node) = parent else { return };
        // An output layer tied to the table has put its gradient there by now: the rows are added to it where it stands, instead
        // of to zeros of the table's size that are then added to it.
        let so_far = grads.remove::<B>(&table).ok_or_else(|| table.shape());
        grads.register::<B>(node.id, B::add_rows(so_far, &ids, grad));
    }
}

impl<B: HostLookup + AddRows, C: CheckpointStrategy> HostLookup for Autodiff<B, C> {
    fn lookup(table: FloatTensor<Self>, ids: IntTensor<Self>) -> FloatTensor<Self> {
        match Lookup
            .prepare::<C>([table.node()])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let output = B::lookup(table.clone().into_primitive(), ids.clone());
                prep.finish(Saved { table, ids }, output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::lookup(table.into_primitive(), ids)),
        }
    }
}

/// Vectors of ids. The backward pass adds to the rows that were looked up and leaves the others as they are.
///
/// # Shapes
/// table: `[n_ids, width]`, ids: `[batch, seq]`, out: `[batch, seq, width]`
///
/// # Panics
/// If an id is not below `n_ids`.
pub fn embedding(table: Tensor<2>, ids: Tensor<2, Int>) -> Tensor<3> {
    if !is_host(&table.device()) {
        return reference::embedding(table, ids);
    }
    Tensor::from_dispatch(<Dispatch as HostLookup>::lookup(
        table.into_dispatch(),
        ids.into_dispatch(),
    ))
}
