//! Scores of relative attention, from distances and segments.

use burn::tensor::Tensor;

use crate::fused::{is_host, run};
use crate::{PairMask, host, reference};

/// What the scores are made of.
#[derive(Clone, Debug)]
pub struct RelativeScores {
    /// Score of every query with every distance, `[heads, batch, queries, 2 * queries]`: column `c` belongs to the key that stands
    /// `queries - c` positions before the query. Heads come first, as one matrix product per head gives them.
    pub distances: Tensor<4>,
    /// Added to a query's scores with the keys that its mask names, `[batch, queries, heads]`.
    pub step: Option<(Tensor<3>, PairMask)>,
    /// True = attend; all other scores are -1e30.
    pub sees: PairMask,
}

/// Scores by query and key, for the bias of [`crate::attention`]: each query's row of distances shifted to its own position (Dai et al.
/// 2019, appendix B), the step, the mask. A query that sees no key has equal scores for all of them.
///
/// # Shapes
/// out: `[batch, heads, queries, queries]`
///
/// # Panics
/// If the shapes do not fit each other.
pub fn relative_scores(input: RelativeScores) -> Tensor<4> {
    let [heads, batch, queries, columns] = input.distances.dims();
    assert_eq!(columns, 2 * queries, "columns of {queries} queries");
    let pairs = [batch, queries, queries];
    assert_eq!(input.sees.tensor().dims(), pairs, "the mask's shape");
    if let Some((step, at)) = &input.step {
        assert_eq!(step.dims(), [batch, queries, heads], "the step's shape");
        assert_eq!(at.tensor().dims(), pairs, "the shape of the step's mask");
    }
    if !is_host(&input.distances.device()) {
        return reference::relative_scores(input);
    }
    let sees = input.sees.values();
    match input.step {
        None => run(
            host::relative::Shift { sees, at: None },
            vec![input.distances.into_dispatch()],
        ),
        Some((step, at)) => {
            let at = Some(at.values());
            let inputs = vec![input.distances.into_dispatch(), step.into_dispatch()];
            run(host::relative::Shift { sees, at }, inputs)
        }
    }
}
