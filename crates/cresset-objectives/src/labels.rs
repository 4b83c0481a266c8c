//! The classes of a classification task.

use cresset_data::{Example, Label};
use serde_json::{Map, Value, json};

use crate::RunError;

/// Class names in the order of the model's outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels(Vec<String>);

impl Labels {
    /// The labels that occur in the examples, sorted (as numbers if all are).
    ///
    /// # Errors
    /// An example without a label; fewer than two different labels.
    pub fn from_examples(examples: &[Example]) -> Result<Self, RunError> {
        let mut names: Vec<String> = Vec::new();
        for example in examples {
            let name = name_of(example)?;
            if !names.iter().any(|n| n == name) {
                names.push(name.to_owned());
            }
        }
        if names.len() < 2 {
            return Err(RunError::Data(format!(
                "the training data has only {} different label(s) {names:?}, but a classifier needs at least 2; check data.fields.label",
                names.len()
            )));
        }
        let numbers: Option<Vec<i64>> = names.iter().map(|n| n.parse().ok()).collect();
        match numbers {
            Some(_) => names.sort_by_key(|n| n.parse::<i64>().unwrap_or(i64::MAX)),
            None => names.sort(),
        }
        Ok(Labels(names))
    }

    /// The labels of a model folder, in the order of its outputs.
    pub fn from_names(names: Vec<String>) -> Self {
        Labels(names)
    }

    /// The names in the order of the model's outputs.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// Hugging Face's keys of `config.json`.
    pub fn to_config(&self) -> Map<String, Value> {
        let id2label: Map<String, Value> = self
            .0
            .iter()
            .enumerate()
            .map(|(i, n)| (i.to_string(), json!(n)))
            .collect();
        let label2id: Map<String, Value> = self
            .0
            .iter()
            .enumerate()
            .map(|(i, n)| (n.clone(), json!(i)))
            .collect();
        Map::from_iter([
            ("id2label".to_owned(), Value::Object(id2label)),
            ("label2id".to_owned(), Value::Object(label2id)),
        ])
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The output index of an example's label.
    ///
    /// # Errors
    /// An example without a label, or with one the model does not know.
    pub fn index_of(&self, example: &Example) -> Result<u32, RunError> {
        let name = name_of(example)?;
        self.0.iter().position(|n| n == name).map(|i| i as u32).ok_or_else(|| {
            RunError::Data(format!(
                "label {name:?} in {} is not one of the model's {} labels ({}); correct the data or train with this label",
                example.place(),
                self.0.len(),
                shown(&self.0)
            ))
        })
    }
}

fn name_of(example: &Example) -> Result<&str, RunError> {
    match &example.label {
        Some(Label::Name(name)) => Ok(name),
        None => Err(RunError::Data(format!(
            "{} has no label; set data.fields.label to the field that holds it",
            example.place()
        ))),
    }
}

fn shown(names: &[String]) -> String {
    let mut text = names
        .iter()
        .take(10)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > 10 {
        text.push_str(", ...");
    }
    text
}
