//! From policies to the first vectors of a model and the scope of its training.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use burn::module::ParamId;
use cresset_data::SpecialToken;
use cresset_model::{
    HfModel, NamedParameter, is_start_vector, named_parameters, start_vector, token_tables,
};
use cresset_train::{Parameters, RowRule, Scope, TableRows, parameters};

use super::init::{Beginner, Table};
use super::role::Half;
use super::{TokenPolicies, TokenPolicy, TokenRole, TokenTraining, check_policies, refuse};
use crate::session::Task;
use crate::values::{values_of, write_values};
use crate::{RunError, Setup};

/// A model whose tokens begin as their policies say.
pub(crate) struct Applied<T> {
    pub(crate) objective: T,
    /// What of it is trained.
    pub(crate) scope: Scope,
    /// A line for each policy: which rows, how they begin, how they are trained.
    pub(crate) told: Vec<String>,
}

impl<T> Applied<T> {
    /// A model as it is, trained as a whole.
    pub(crate) fn without_policies(objective: T) -> Self {
        Applied {
            objective,
            scope: Scope::default(),
            told: Vec::new(),
        }
    }
}

/// Applies policies to a model before its first step.
///
/// # Errors
/// As [`check_policies`]; a role that the convention has no token for; a model without a row for it; a row with two policies; a first
/// vector that cannot be had.
pub(crate) fn apply<T: Task>(
    objective: T,
    policies: &TokenPolicies,
    setup: &Setup,
) -> Result<Applied<T>, RunError> {
    if policies.is_empty() {
        return Ok(Applied::without_policies(objective));
    }
    check_policies(policies)?;
    let mut tables = token_tables(objective.network());
    if tables.is_empty() {
        return refuse(
            "the model has no table of token vectors; remove [special.policy]".to_owned(),
        );
    }
    tables.extend(start_vector(objective.network()));
    let groups = groups(policies, &tables, setup)?;
    let begun = begun(objective.network(), &groups, &tables, setup)?;
    let objective = write_values(objective, begun);
    let scope = scope(&objective, &groups, &tables)?;
    let told = groups.iter().map(|group| group.told(&tables)).collect();
    Ok(Applied {
        objective,
        scope,
        told,
    })
}

/// The tokens of a policy in a table.
struct Group<'a> {
    name: &'a str,
    policy: &'a TokenPolicy,
    /// Number of the table.
    table: usize,
    tokens: Vec<SpecialToken>,
}

fn groups<'a>(
    policies: &'a TokenPolicies,
    tables: &[NamedParameter],
    setup: &Setup,
) -> Result<Vec<Group<'a>>, RunError> {
    let mut groups = Vec::new();
    let mut taken: BTreeMap<(usize, u32), &str> = BTreeMap::new();
    for (name, policy) in policies {
        let role = TokenRole::parse(name).expect("checked before");
        let role = role.under(&setup.convention);
        let tokens = role.tokens(&setup.convention, &setup.tokenizer)?;
        for (at, table) in tables.iter().enumerate() {
            if !is_about(role.half(), table, tables) {
                continue;
            }
            for SpecialToken { token, id } in &tokens {
                if *id as usize >= table.shape[0] {
                    return refuse(format!(
                        "special.policy.{name}: {token} has the id {id}, but the model's table of token vectors has {} rows; take a model that knows the token",
                        table.shape[0]
                    ));
                }
                if let Some(other) = taken.insert((at, *id), name) {
                    return refuse(format!(
                        "special.policy.{other} and special.policy.{name} are both about {token}, which plays both roles; keep one of them"
                    ));
                }
            }
            groups.push(Group {
                name,
                policy,
                table: at,
                tokens: tokens.clone(),
            });
        }
    }
    Ok(groups)
}

/// Whether a table is of the half that a role is about.
fn is_about(half: Half, table: &NamedParameter, tables: &[NamedParameter]) -> bool {
    if is_start(table) {
        return half == Half::Start;
    }
    let name = table.name.as_deref().unwrap_or_default();
    let of_decoder = name.starts_with("decoder.");
    let is_shared = tables.iter().filter(|table| !is_start(table)).count() == 1;
    match half {
        Half::Encoder => is_shared || !of_decoder,
        Half::Decoder => is_shared || of_decoder,
        Half::Both => true,
        Half::Start => false,
    }
}

/// Whether it is the decoder's own start vector, a table of one row.
fn is_start(table: &NamedParameter) -> bool {
    table.name.as_deref().is_some_and(is_start_vector)
}

impl Group<'_> {
    fn told(&self, tables: &[NamedParameter]) -> String {
        let TokenPolicy {
            init,
            std,
            train,
            lr_factor,
            weight_decay,
        } = self.policy;
        let whom = match &self.tokens[..] {
            [only] if is_start(&tables[self.table]) => format!("in place of {} (row 0", only.token),
            [only] => format!("{} (row {}", only.token, only.id),
            several => format!("{} tokens from {} (rows", several.len(), several[0].token),
        };
        let table = tables[self.table].name.as_deref().unwrap_or_default();
        let mut said = Vec::new();
        said.extend(
            init.as_ref()
                .map(|init| format!("init {}", init.spelling())),
        );
        said.extend(std.map(|std| format!("std {std}")));
        said.extend(train.map(|train| train.name().to_owned()));
        said.extend(lr_factor.map(|factor| format!("learning rate times {factor}")));
        said.extend(weight_decay.map(|decay| format!("weight decay {decay}")));
        format!("{} {whom} of {table}): {}", self.name, said.join(", "))
    }

    /// The rule of its rows, if it has one; `rest` is whether the rest of the model is trained.
    fn rule(&self, rest: Rest) -> Option<RowRule> {
        let TokenPolicy {
            train,
            lr_factor,
            weight_decay,
            ..
        } = *self.policy;
        let own = RowRule::Own {
            lr_factor: lr_factor.unwrap_or(1.0),
            weight_decay,
        };
        let has_rates = lr_factor.is_some() || weight_decay.is_some();
        match (train, rest) {
            (Some(TokenTraining::Frozen), _) => Some(RowRule::Frozen),
            (Some(TokenTraining::Alone | TokenTraining::WithTheHead), _) => Some(own),
            (_, Rest::Trained) if has_rates => Some(own),
            _ => None,
        }
    }
}

/// Whether the rest of the model is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    Trained,
    Stopped,
}

/// The values of each table in which a token begins otherwise.
fn begun<M: HfModel>(
    network: &M,
    groups: &[Group<'_>],
    tables: &[NamedParameter],
    setup: &Setup,
) -> Result<HashMap<ParamId, Vec<f32>>, RunError> {
    let mut begun = HashMap::new();
    for (at, table) in tables.iter().enumerate() {
        let here = groups.iter().filter(|group| group.table == at);
        let beginning: Vec<(&Group<'_>, &super::TokenInit)> = here
            .clone()
            .filter_map(|group| Some((group, group.policy.init.as_ref()?)))
            .collect();
        if beginning.is_empty() {
            continue;
        }
        // A start vector begins among the vectors that its decoder reads.
        let is_read = |other: &&NamedParameter| is_about(Half::Decoder, other, tables);
        let words = match is_start(table) {
            true => tables.iter().find(is_read).unwrap_or(table),
            false => table,
        };
        let of_words = here.filter(|_| words.id == table.id);
        let special = of_words.flat_map(|group| group.tokens.iter().map(|t| t.id));
        let ordinary = ordinary_rows(setup, words.shape[0], special);
        let values = |of: &NamedParameter| {
            let values = values_of(network, &HashSet::from([of.id]));
            values.into_values().next().unwrap_or_default()
        };
        let before = values(words);
        let size = table.shape[1];
        let host = Table {
            values: &before,
            size,
            ordinary: &ordinary,
            tokenizer: &setup.tokenizer,
            seed: setup.seed,
        };
        let mut after = values(table);
        for (group, init) in beginning {
            for token in &group.tokens {
                let vector = host.begin(&Beginner {
                    role: group.name,
                    token: &token.token,
                    init,
                    std: group.policy.std,
                })?;
                after[token.id as usize * size..][..size].copy_from_slice(&vector);
            }
        }
        begun.insert(table.id, after);
    }
    Ok(begun)
}

/// The rows of the tokenizer's ordinary tokens: "the vocabulary". Neither the convention's special tokens count nor these.
pub(crate) fn ordinary_rows(
    setup: &Setup,
    n_rows: usize,
    special: impl Iterator<Item = u32>,
) -> Vec<usize> {
    let of_convention = setup.convention.special_ids().into_iter();
    let special: BTreeSet<u32> = of_convention.chain(special).collect();
    (0..n_rows.min(setup.tokenizer.vocab_size()))
        .filter(|&row| !special.contains(&(row as u32)))
        .collect()
}

fn scope<T: Task>(
    objective: &T,
    groups: &[Group<'_>],
    tables: &[NamedParameter],
) -> Result<Scope, RunError> {
    let paths: HashMap<ParamId, String> = parameters(objective)
        .into_iter()
        .map(|parameter| (parameter.id, parameter.path))
        .collect();
    let path = |id: &ParamId| paths.get(id).cloned();
    let trained = |how: TokenTraining| groups.iter().any(|g| g.policy.train == Some(how));
    let network = objective.network();
    let (parameters, rest) = if trained(TokenTraining::WithTheHead) {
        let is_head = |p: &NamedParameter| p.name.as_deref().is_none_or(|n| network.is_head(n));
        let head: BTreeSet<String> = named_parameters(network)
            .iter()
            .filter(|parameter| is_head(parameter))
            .filter_map(|parameter| path(&parameter.id))
            .collect();
        if head.is_empty() {
            return refuse(
                "special.policy trains a token with-the-head, but this model has no task head; write train = \"alone\"".to_owned(),
            );
        }
        (Parameters::Only(head), Rest::Stopped)
    } else if trained(TokenTraining::Alone) {
        (Parameters::Only(BTreeSet::new()), Rest::Stopped)
    } else {
        (Parameters::All, Rest::Trained)
    };
    let rows = groups.iter().filter_map(|group| {
        Some(TableRows {
            rule: group.rule(rest)?,
            parameter: path(&tables[group.table].id)?,
            rows: group.tokens.iter().map(|t| t.id as usize).collect(),
        })
    });
    Ok(Scope {
        rows: rows.collect(),
        parameters,
    })
}
