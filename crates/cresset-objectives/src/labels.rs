//! The classes of a classification task.

use cresset_data::{Example, Label};
use serde_json::{Map, Value, json};

use crate::RunError;

/// Class names in the order of the model's outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels(Vec<String>);

impl Labels {
    /// The labels that occur in the examples, one each, sorted (as numbers if all are).
    ///
    /// # Errors
    /// An example without a label or with a list of them; fewer than two different labels.
    pub fn from_examples(examples: &[Example]) -> Result<Self, RunError> {
        let labels = Self::collect(examples.iter().map(name_of))?;
        if labels.len() < 2 {
            return Err(RunError::Data(format!(
                "the training data has only {} different label(s) {:?}, but a classifier needs at least 2; check data.fields.label",
                labels.len(),
                labels.0
            )));
        }
        Ok(labels)
    }

    /// The labels that occur in the examples' lists, sorted (as numbers if all are).
    ///
    /// # Errors
    /// An example without a list; no label in any of them.
    pub fn from_label_lists(examples: &[Example]) -> Result<Self, RunError> {
        let lists: Vec<&[String]> = examples.iter().map(names_of).collect::<Result<_, _>>()?;
        let labels = Self::collect(lists.into_iter().flatten().map(|name| Ok(name.as_str())))?;
        if labels.is_empty() {
            return Err(RunError::Data(
                "the label lists of the training data are all empty; check data.fields.label"
                    .into(),
            ));
        }
        Ok(labels)
    }

    /// The tags that occur in the examples, sorted (as numbers if all are).
    ///
    /// # Errors
    /// An example without tags.
    pub fn from_tags(examples: &[Example]) -> Result<Self, RunError> {
        let lists: Vec<&[String]> = examples.iter().map(tags_of).collect::<Result<_, _>>()?;
        Self::collect(lists.into_iter().flatten().map(|tag| Ok(tag.as_str())))
    }

    /// The single output of a regression, under the name that Hugging Face gives an output without one.
    pub fn of_a_score() -> Self {
        Labels(vec!["LABEL_0".to_owned()])
    }

    fn collect<'a>(
        found: impl Iterator<Item = Result<&'a str, RunError>>,
    ) -> Result<Self, RunError> {
        let mut names: Vec<String> = Vec::new();
        for name in found {
            let name = name?;
            if !names.iter().any(|n| n == name) {
                names.push(name.to_owned());
            }
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
    /// An example without a label or with a list of them, or with one the model does not know.
    pub fn index_of(&self, example: &Example) -> Result<u32, RunError> {
        self.index(name_of(example)?, example).map(|i| i as u32)
    }

    /// Of each output whether its label holds in an example.
    ///
    /// # Errors
    /// An example without a label list, or with a label the model does not know.
    pub fn hold_in(&self, example: &Example) -> Result<Vec<bool>, RunError> {
        let mut hold = vec![false; self.0.len()];
        for name in names_of(example)? {
            hold[self.index(name, example)?] = true;
        }
        Ok(hold)
    }

    /// The output indices of an example's tags.
    ///
    /// # Errors
    /// An example without tags, or with one the model does not know.
    pub fn of_words(&self, example: &Example) -> Result<Vec<u32>, RunError> {
        let index = |tag: &String| self.index(tag, example).map(|i| i as u32);
        tags_of(example)?.iter().map(index).collect()
    }

    fn index(&self, name: &str, example: &Example) -> Result<usize, RunError> {
        self.0.iter().position(|n| n == name).ok_or_else(|| {
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
        Some(Label::Names(names)) => Err(RunError::Data(format!(
            "{} has a list of {} labels where one label is wanted; set objective.classify.task = \"multi-label\" or correct the data",
            example.place(),
            names.len()
        ))),
        None => Err(no_label(
            example,
            "set data.fields.label to the field that holds it",
        )),
    }
}

/// The labels of a list; a single label stands for a list of one.
fn names_of(example: &Example) -> Result<&[String], RunError> {
    let hint =
        "set data.fields.label to the field that holds the list, which is [] where no label holds";
    let label = example.label.as_ref();
    label
        .map(Label::names)
        .ok_or_else(|| no_label(example, hint))
}

fn tags_of(example: &Example) -> Result<&[String], RunError> {
    if !example.tags.is_empty() && example.tags.len() == example.words.len() {
        return Ok(&example.tags);
    }
    Err(RunError::Data(format!(
        "{} has no tags for its words; objective tag takes data.format conll or conllu",
        example.place()
    )))
}

fn no_label(example: &Example, hint: &str) -> RunError {
    RunError::Data(format!("{} has no label; {hint}", example.place()))
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
