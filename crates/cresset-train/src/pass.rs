//! Forward and backward over the micro-batches of one optimizer step.

use burn::module::Module;
use burn::tensor::Tensor;
use cresset_ops::LayerTape;

use crate::gradients::Gradients;
use crate::{Denominators, Objective, StepContext, TrainError, TrainerConfig};

/// What forward and backward over a step's micro-batches left; still on the device.
pub(crate) struct Pass {
    pub(crate) gradients: Gradients,
    pub(crate) sums: Vec<TermSum>,
    pub(crate) n_micro_batches: usize,
}

/// One loss term of one micro-batch.
pub(crate) struct TermSum {
    pub(crate) name: &'static str,
    pub(crate) micro: usize,
    pub(crate) weight: f64,
    /// Of the whole step.
    pub(crate) denominator: f64,
    /// Outside the graph.
    pub(crate) value: Tensor<1>,
}

/// The numbers of a pass.
pub(crate) struct Reading {
    /// Of each [`TermSum`].
    pub(crate) sums: Vec<f64>,
    /// Path of each gradient.
    pub(crate) paths: Vec<String>,
    /// Sum of squares of each gradient.
    pub(crate) squares: Vec<f64>,
}

impl Pass {
    /// Reads loss sums and gradient sizes from the device in one go.
    pub(crate) fn read<M: Module>(&self, model: &M) -> Reading {
        let (paths, squares) = self.gradients.squares(model);
        let scalars: Vec<Tensor<1>> = self
            .sums
            .iter()
            .map(|sum| sum.value.clone())
            .chain(squares)
            .collect();
        if scalars.is_empty() {
            return Reading {
                sums: Vec::new(),
                paths,
                squares: Vec::new(),
            };
        }
        let mut sums: Vec<f64> = Tensor::cat(scalars, 0).into_data().iter::<f64>().collect();
        let squares = sums.split_off(self.sums.len());
        Reading {
            sums,
            paths,
            squares,
        }
    }
}

impl Reading {
    pub(crate) fn first_bad_gradient(&self) -> Option<&str> {
        self.paths
            .iter()
            .zip(&self.squares)
            .find(|(_, square)| !square.is_finite())
            .map(|(path, _)| path.as_str())
    }
}

/// Forward and backward over the micro-batches of step `step`, each loss sum divided by the denominators of all of them.
pub(crate) fn pass<O: Objective>(
    model: &O,
    micro_batches: &[O::Batch],
    config: &TrainerConfig,
    step: u64,
) -> Result<Pass, TrainError> {
    if micro_batches.is_empty() {
        return Err(TrainError::NoBatch { step });
    }
    let each: Vec<Denominators> = micro_batches.iter().map(O::denominators).collect();
    let mut whole = Denominators::default();
    each.iter().for_each(|one| whole.add(one));

    let mut pass = Pass {
        gradients: Gradients::default(),
        sums: Vec::new(),
        n_micro_batches: micro_batches.len(),
    };
    for (micro, batch) in micro_batches.iter().enumerate() {
        if each[micro]
            .0
            .iter()
            .all(|&(_, denominator)| denominator == 0.0)
        {
            continue;
        }
        let at = StepContext {
            seed: config.seed,
            step,
            micro: micro as u64,
            tape: config.checkpoint_layers.then(LayerTape::new),
        };
        let mut total: Option<Tensor<1>> = None;
        for term in model.loss(batch, &at).0 {
            let unknown = || TrainError::UnknownTerm {
                term: term.name,
                known: whole
                    .0
                    .iter()
                    .map(|(name, _)| format!("`{name}`"))
                    .collect::<Vec<_>>()
                    .join(", "),
            };
            let own = each[micro].get(term.name).ok_or_else(unknown)?;
            let denominator = whole.get(term.name).ok_or_else(unknown)?;
            // No target, no contribution: not even 0 x NaN.
            if own == 0.0 {
                continue;
            }
            pass.sums.push(TermSum {
                name: term.name,
                micro,
                weight: term.weight,
                denominator,
                value: term.sum.clone().inner(),
            });
            let share = term.sum.mul_scalar(term.weight / denominator);
            total = Some(match total {
                Some(total) => total.add(share),
                None => share,
            });
        }
        if let Some(total) = total.filter(|total| total.is_tracked()) {
            let of_loss = total.backward();
            let mut accumulate = |part: &mut _| pass.gradients.accumulate(model, part);
            match &at.tape {
                Some(tape) => tape.unwind(of_loss, accumulate),
                None => accumulate(&mut { of_loss }),
            }
        }
    }
    Ok(pass)
}
