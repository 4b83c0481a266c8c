//! Which fields or columns of the data hold what.

use serde::{Deserialize, Serialize};

/// Which fields (JSONL) or columns (CSV, TSV, Parquet) hold what; of CoNLL's columns `text` is that of the words, by number from 1, and
/// `label` that of the tags, by number or in CoNLL-U by name.
///
/// A field that is not named here is looked for under the name of its role and may be absent; one that is named must
/// be there. The text must be there in any case. A field that is named for one role is not looked at for another:
/// with `score = "label"` there is no label. In JSONL and Parquet a field may stand inside of others: `article.body`, and with
/// a list's index from 0 `messages.0.content`; a key that has the dots in its name comes first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FieldNames {
    /// The example's own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The second text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pair: Option<String>,
    /// The class, or a list of classes (JSONL and Parquet).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<String>,
    /// The text to generate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The answers that stand in the second text (JSONL and Parquet): `[{"text": .., "answer_start": ..}]`, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<String>,
    /// A text that does not belong to the first though it looks like it, or a list of them (JSONL and Parquet).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub negative: Option<String>,
}

/// Whether an example can do without a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
    /// Its usual name was given to another role.
    Absent,
}

/// A role, the field that holds it and whether it must be there.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) role: &'static str,
    pub(super) name: String,
    pub(super) need: Need,
}

impl FieldNames {
    /// Fields in the order id, text, pair, label, score, target.
    pub(super) fn all(&self) -> [Field; 6] {
        [
            self.field("id", self.id.as_deref()),
            Field {
                need: Need::Required,
                ..self.field("text", self.text.as_deref())
            },
            self.field("pair", self.pair.as_deref()),
            self.field("label", self.label.as_deref()),
            self.field("score", self.score.as_deref()),
            self.field("target", self.target.as_deref()),
        ]
    }

    /// The field of the answers, which tables have not.
    pub(super) fn answers(&self) -> Field {
        self.field("answers", self.answers.as_deref())
    }

    /// The field of the hard negatives, which tables have not.
    pub(super) fn negative(&self) -> Field {
        self.field("negative", self.negative.as_deref())
    }

    fn field(&self, role: &'static str, given: Option<&str>) -> Field {
        let others = [
            &self.id,
            &self.text,
            &self.pair,
            &self.label,
            &self.score,
            &self.target,
            &self.answers,
            &self.negative,
        ];
        let taken = others.iter().any(|name| name.as_deref() == Some(role));
        let (name, need) = match given {
            Some(name) => (name, Need::Required),
            None if taken => (role, Need::Absent),
            None => (role, Need::Optional),
        };
        Field {
            role,
            name: name.to_owned(),
            need,
        }
    }
}
