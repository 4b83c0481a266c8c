//! Telemetry: what becomes of the special vectors while a model is trained.
//!
//! Before the first step and beside every evaluation a [`Special`] says of each special token where its vector is, what the last
//! step did to it and who looks at it, on a few texts that stay the same. It looks on, and changes nothing: a run with it and one
//! without come to the same bytes.

mod alarm;
mod attention;
mod batches;
mod passes;
mod table;
mod texts;
mod tokens;

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use burn::module::ParamId;
use cresset_data::Batches;
use cresset_model::{NamedParameter, start_vector, token_tables};
use cresset_train::{
    NamedVector, RowStep, Special, SpecialVector, Trainer, VectorSnapshot, WatchedRow, parameters,
};

use self::alarm::Alarms;
use self::passes::Passes;
use self::table::{Ordinary, Table, cosine, distance, norm};
pub use self::texts::{ReadText, Reads};
use self::tokens::{Named, Place, learned_start, tokens};
use crate::session::Task;
use crate::special::ordinary_rows;
use crate::values::values_of;
use crate::{RunError, Setup};

/// What a run that goes on told before.
#[derive(Clone, Debug, Default)]
pub struct Earlier {
    /// The vectors before the first step.
    pub start: Option<VectorSnapshot>,
    /// The looks; those of steps that are done again do not count.
    pub looks: Vec<Special>,
}

/// Texts that are looked at.
const TEXTS: usize = 32;
/// Neighbours that are named.
const NEIGHBOURS: usize = 5;

/// Fewer steps prove nothing.
const A_FEW_STEPS: u64 = 100;

/// The telemetry of a run.
pub(crate) struct Telemetry<'a> {
    setup: &'a Setup,
    tables: Vec<TableAt>,
    rows: Vec<WatchedRow>,
    texts: Vec<ReadText>,
    start: Option<VectorSnapshot>,
    alarms: Alarms,
    /// Time taken since the last look.
    spent: Duration,
}

/// A table of token vectors and what is looked at in it.
struct TableAt {
    id: ParamId,
    path: String,
    size: usize,
    /// Of which stack, where there are two tables.
    stack: Option<&'static str>,
    tokens: Vec<Named>,
    /// Rows of the vocabulary's ordinary tokens.
    ordinary: Vec<usize>,
    /// Rows.
    n_rows: usize,
    /// Of a start vector that is no token's, a table of one row: the table among whose rows it is looked at, as if it stood behind them.
    among: Option<ParamId>,
}

impl TableAt {
    /// Where a token's vector is in the parameter.
    fn watched(&self, token: &Named) -> WatchedRow {
        let row = match self.among {
            Some(_) => 0,
            None => token.id as usize,
        };
        WatchedRow {
            parameter: self.path.clone(),
            row,
        }
    }

    /// Where it is among the rows on the host.
    fn row(&self, token: &Named) -> usize {
        match self.among {
            Some(_) => self.n_rows - 1,
            None => token.id as usize,
        }
    }
}

impl<'a> Telemetry<'a> {
    /// Opens it on a trainer that stands where the run begins or goes on; `None` if there is nothing to look at. Texts are taken from
    /// `batches`.
    ///
    /// # Errors
    /// A batch that cannot be made.
    pub(crate) fn open<T: Task>(
        trainer: &Trainer<T>,
        setup: &'a Setup,
        batches: &dyn Batches<Batch = T::Batch>,
        earlier: Earlier,
    ) -> Result<Option<Telemetry<'a>>, RunError> {
        let began = Instant::now();
        let tables = tables(trainer.model(), setup);
        let row = |(table, token): (&TableAt, &Named)| table.watched(token);
        let rows: Vec<WatchedRow> = rows_of(&tables).map(row).collect();
        if rows.is_empty() {
            return Ok(None);
        }
        let done = trainer.steps_done();
        let mut alarms = alarms(trainer, setup);
        let counting = earlier
            .looks
            .iter()
            .filter(|look| done > 0 && look.step <= done);
        counting.for_each(|look| alarms.remember(look));
        Ok(Some(Telemetry {
            setup,
            tables,
            rows,
            texts: texts::choose(batches, TEXTS)?,
            start: earlier.start.filter(|_| done > 0),
            alarms,
            spent: began.elapsed(),
        }))
    }

    /// The rows of which a look is to be told what the last step did to them.
    pub(crate) fn rows(&self) -> &[WatchedRow] {
        &self.rows
    }

    /// Looks at the model as it is.
    pub(crate) fn look<T: Task>(&mut self, trainer: &Trainer<T>, done: &[RowStep]) -> Special {
        let began = Instant::now();
        let hosts = fetch(&self.tables, trainer.model());
        let snapshot = snapshot(trainer.steps_done(), &hosts);
        if snapshot.step == 0 {
            self.start = Some(snapshot.clone());
        }
        let of_host = |host: &Host<'_>| -> Vec<SpecialVector> {
            let tokens = host.at.tokens.iter();
            tokens.map(|token| self.vector(host, token, done)).collect()
        };
        let vectors = hosts.iter().flat_map(of_host).collect();
        let mut passes = Passes::new(self.setup);
        let model = trainer.model().valid();
        passes.read(model.network(), &self.texts, &self.setup.convention);
        let (attention, cloud) = passes.told();
        let mut look = Special {
            step: snapshot.step,
            seconds: 0.0,
            vectors,
            attention,
            cloud,
            warnings: Vec::new(),
            snapshot: Some(snapshot),
        };
        look.warnings = self.alarms.warnings(&look);
        self.alarms.remember(&look);
        look.seconds = (began.elapsed() + std::mem::take(&mut self.spent)).as_secs_f64();
        look
    }

    fn vector(&self, host: &Host<'_>, token: &Named, done: &[RowStep]) -> SpecialVector {
        let row = host.at.row(token);
        let vector = host.table.row(row);
        let start = self.start_of(host.at, token);
        let watched = host.at.watched(token);
        let step = done.iter().find(|step| step.row == watched);
        let spelling = |id: u32| {
            let token = self.setup.tokenizer.id_to_token(id);
            token.unwrap_or_else(|| format!("<{id}?>"))
        };
        SpecialVector {
            role: token.role.clone(),
            token: token.token.clone(),
            id: token.id,
            stack: host.at.stack.map(str::to_owned),
            norm: norm(vector),
            mean_norm: host.ordinary.mean_norm,
            cosine_to_start: start.and_then(|start| cosine(vector, start)),
            distance_to_start: start.map(|start| distance(vector, start)),
            cosine_to_mean: cosine(vector, &host.ordinary.mean),
            distance_to_mean: distance(vector, &host.ordinary.mean),
            nearest: host
                .table
                .nearest(row, NEIGHBOURS, &host.ordinary, spelling),
            gradient_norm: step.and_then(|step| step.gradient_norm),
            update_ratio: step
                .filter(|step| step.norm > 0.0)
                .map(|step| step.update_norm / step.norm),
        }
    }

    /// A token's vector before the first step.
    fn start_of(&self, at: &TableAt, token: &Named) -> Option<&[f32]> {
        let is_it = |vector: &&NamedVector| {
            vector.token == token.token
                && vector.stack.as_deref() == at.stack
                && vector.vector.len() == at.size
        };
        let found = self.start.as_ref()?.vectors.iter().find(is_it)?;
        Some(&found.vector)
    }
}

/// A table that was fetched.
struct Host<'a> {
    at: &'a TableAt,
    table: Table,
    ordinary: Ordinary<'a>,
}

/// Brings tables to the host.
fn fetch<'a, T: Task>(tables: &'a [TableAt], model: &T) -> Vec<Host<'a>> {
    let ids: HashSet<ParamId> = tables.iter().map(|table| table.id).collect();
    let values = values_of(model, &ids);
    let of = |id: &ParamId| values.get(id).cloned().unwrap_or_default();
    let host = |at: &'a TableAt| {
        let own = of(&at.id);
        let values = match &at.among {
            None => own,
            Some(words) => {
                let mut values = of(words);
                values.extend(own);
                values
            }
        };
        let table = Table {
            values,
            size: at.size,
        };
        let ordinary = table.ordinary(&at.ordinary);
        Host {
            at,
            table,
            ordinary,
        }
    };
    tables.iter().map(host).collect()
}

fn snapshot(step: u64, hosts: &[Host<'_>]) -> VectorSnapshot {
    let mean = |at: usize| -> Option<Vec<f32>> {
        let host = hosts.get(at).filter(|host| host.at.among.is_none())?;
        let mean = host.ordinary.mean.iter();
        Some(mean.map(|x| *x as f32).collect())
    };
    let named = |(host, token): (&Host<'_>, &Named)| NamedVector {
        role: token.role.clone(),
        token: token.token.clone(),
        stack: host.at.stack.map(str::to_owned),
        vector: host.table.row(host.at.row(token)).to_vec(),
    };
    let rows = hosts
        .iter()
        .flat_map(|host| host.at.tokens.iter().map(move |token| (host, token)));
    VectorSnapshot {
        step,
        mean: mean(0).unwrap_or_default(),
        decoder_mean: mean(1),
        vectors: rows.map(named).collect(),
    }
}

fn rows_of(tables: &[TableAt]) -> impl Iterator<Item = (&TableAt, &Named)> {
    tables
        .iter()
        .flat_map(|table| table.tokens.iter().map(move |token| (table, token)))
}

fn tables<T: Task>(objective: &T, setup: &Setup) -> Vec<TableAt> {
    let paths: HashMap<ParamId, String> = parameters(objective)
        .into_iter()
        .map(|parameter| (parameter.id, parameter.path))
        .collect();
    let tables = token_tables(objective.network());
    let several = tables.len() > 1;
    let at = |table: NamedParameter| {
        let (stack, place) = place(&table, several, setup);
        let n_tokens = table.shape[0].min(setup.tokenizer.vocab_size());
        let mut tokens = tokens(setup, place);
        tokens.retain(|token| (token.id as usize) < n_tokens);
        let ids = tokens.iter().map(|token| token.id);
        Some(TableAt {
            path: paths.get(&table.id)?.clone(),
            id: table.id,
            n_rows: table.shape[0],
            size: table.shape[1],
            stack,
            ordinary: ordinary_rows(setup, table.shape[0], ids),
            tokens,
            among: None,
        })
    };
    let mut tables: Vec<TableAt> = tables.into_iter().filter_map(at).collect();
    let start = start_vector(objective.network());
    let start = start.and_then(|start| {
        // The decoder's table is the last, or the only one.
        let words = tables.last()?;
        Some(TableAt {
            path: paths.get(&start.id)?.clone(),
            id: start.id,
            size: words.size,
            stack: words.stack,
            tokens: vec![learned_start()],
            ordinary: words.ordinary.clone(),
            n_rows: words.n_rows + 1,
            among: Some(words.id),
        })
    });
    tables.extend(start);
    tables
}

/// Of which stack a table is, if there are several, and whose tokens are looked at in it.
fn place(table: &NamedParameter, several: bool, setup: &Setup) -> (Option<&'static str>, Place) {
    let of_decoder = table
        .name
        .as_deref()
        .is_some_and(|n| n.starts_with("decoder."));
    let convention = &setup.convention;
    let halves = (convention.encoder_frame(), convention.decoder_frame());
    match (several, of_decoder, halves) {
        (true, true, _) => (Some("decoder"), Place::Decoder),
        (true, false, _) => (Some("encoder"), Place::Encoder),
        (false, _, (Some(_), Some(_))) => (None, Place::Shared),
        (false, _, (Some(_), None)) => (None, Place::Encoder),
        (false, _, (None, _)) => (None, Place::Decoder),
    }
}

fn alarms<T: Task>(trainer: &Trainer<T>, setup: &Setup) -> Alarms {
    let cls = setup.convention.roles().cls.as_ref();
    let config = trainer.config();
    let warmup = config.schedule.warmup().steps(config.steps);
    // Vectors that a loss reads come apart within the first quarter of a run, if they do and it is not a mere trial.
    let late = warmup.max(config.steps / 4).max(A_FEW_STEPS);
    let is_encoder = setup.convention.decoder_frame().is_none();
    Alarms::new(
        cls.map_or("[CLS]", |token| &token.token),
        (is_encoder && setup.objective.reads_cls()).then_some(late),
    )
}
