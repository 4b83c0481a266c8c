//! The shared model with the losses of all parts.

use std::collections::BTreeMap;
use std::convert::Infallible;

use burn::module::Module;
use cresset_data::{Collate, DataError};
use cresset_model::SharedModel;
use cresset_train::{Denominators, LossTerm, LossTerms, Objective, Report, StepContext};
use rand_chacha::ChaCha8Rng;

use super::part::{PartBatch, PartNames, Recipe};
use crate::preview::{Reader, Shown};
use crate::session::Task;

/// A batch, and the part it belongs to.
#[derive(Clone, Debug)]
pub struct MultiBatch {
    /// The number of the part.
    pub part: usize,
    /// What the part's losses are called.
    pub(super) names: PartNames,
    /// The part's own batch.
    pub batch: PartBatch,
}

/// The shared model and the losses of the parts.
#[derive(Module, Debug)]
pub struct Multi {
    network: SharedModel,
    #[module(skip)]
    parts: Vec<(String, Recipe, f64)>,
}

impl Multi {
    /// The objective of these parts: each with its name, what it makes of the model and the weight of its losses.
    pub fn new(network: SharedModel, parts: Vec<(String, Recipe, f64)>) -> Self {
        Multi { network, parts }
    }
}

impl Objective for Multi {
    type Batch = MultiBatch;

    fn denominators(batch: &MultiBatch) -> Denominators {
        let own = batch.batch.denominators().0.into_iter();
        Denominators(own.map(|(term, n)| (batch.names.of(term), n)).collect())
    }

    fn tokens(batch: &MultiBatch) -> usize {
        batch.batch.tokens()
    }

    fn loss(&self, batch: &MultiBatch, at: &StepContext) -> LossTerms {
        let (_, recipe, weight) = &self.parts[batch.part];
        let terms = recipe.on(&self.network, batch.part).loss(&batch.batch, at);
        let named = |term: LossTerm| LossTerm {
            name: batch.names.of(term.name),
            sum: term.sum,
            weight: term.weight * weight,
        };
        LossTerms(terms.0.into_iter().map(named).collect())
    }

    fn observe(&self, batch: &MultiBatch, report: &mut Report) {
        let (name, recipe, _) = &self.parts[batch.part];
        let mut own = Report::new();
        recipe
            .on(&self.network, batch.part)
            .observe(&batch.batch, &mut own);
        report.absorb(&format!("{name}."), own);
    }
}

impl Task for Multi {
    type Collate = NoRows;
    type Network = SharedModel;

    fn show(batch: &MultiBatch, reader: &Reader<'_>) -> Vec<Vec<Shown>> {
        let mut rows = batch.batch.show(reader);
        for row in &mut rows {
            let part = batch.names.part().to_owned();
            row.insert(0, reader.note("part", part));
        }
        rows
    }

    fn measured(&self, report: &Report) -> BTreeMap<String, f64> {
        let of_part = |(name, recipe, _): &(String, Recipe, f64)| {
            let prefix = format!("{name}.");
            let values = recipe.metrics(&report.under(&prefix)).into_iter();
            values.map(move |(metric, value)| (format!("{prefix}{metric}"), value))
        };
        self.parts.iter().flat_map(of_part).collect()
    }

    fn network(&self) -> &SharedModel {
        &self.network
    }

    fn unsaved(&self) -> Vec<String> {
        match &self.network {
            SharedModel::Encoder(model) => model.unsaved(),
            SharedModel::EncoderDecoder(_) => Vec::new(),
        }
    }
}

/// Makes no batch: rows belong to the parts, whose batches are mixed.
#[derive(Clone, Copy, Debug)]
pub enum NoRows {}

impl Collate for NoRows {
    type Item = Infallible;
    type Batch = MultiBatch;

    fn collate(
        &self,
        _items: Vec<Infallible>,
        _rng: &mut ChaCha8Rng,
    ) -> Result<MultiBatch, DataError> {
        match *self {}
    }
}
