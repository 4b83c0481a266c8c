//! From ids to what a person reads.

use cresset_data::{
    Convention, LEARNED_START, LEARNED_START_SHOWN, PaddedIds, SpecialToken, Tokenizer,
};
use cresset_model::ModelConfig;

use super::{Places, PositionIds, Role, Shown};

/// Turns ids into what a person reads.
pub struct Reader<'a> {
    tokenizer: &'a Tokenizer,
    convention: &'a Convention,
    special: Vec<u32>,
    positions: PositionIds,
    classes: Vec<String>,
}

impl<'a> Reader<'a> {
    /// A reader that sets the convention's special tokens apart, and knows of no positions.
    pub fn new(tokenizer: &'a Tokenizer, convention: &'a Convention) -> Self {
        Reader {
            tokenizer,
            convention,
            special: convention
                .special_ids()
                .into_iter()
                .chain([LEARNED_START])
                .collect(),
            positions: PositionIds::default(),
            classes: Vec::new(),
        }
    }

    /// The same, with positions as this model counts them.
    #[must_use]
    pub fn of_model(self, config: &ModelConfig) -> Self {
        Reader {
            positions: PositionIds::of(config),
            ..self
        }
    }

    /// The same, with names for the classes.
    #[must_use]
    pub fn naming_classes(self, classes: Vec<String>) -> Self {
        Reader { classes, ..self }
    }

    /// A row of what the model reads, with its padding, attention mask and positions; every token has the role that its id
    /// gives it.
    pub fn input(&self, name: &'static str, input: &PaddedIds, row: usize) -> Shown {
        let ids = &input.ids[input.places(row)];
        let kept = input.kept(row);
        let role = |(place, &id): (usize, &u32)| match kept.contains(&place) {
            true => self.role(id),
            false => Role::Pad,
        };
        let places = Places {
            roles: ids.iter().enumerate().map(role).collect(),
            attention_mask: (0..ids.len()).map(|p| kept.contains(&p).into()).collect(),
            kept: kept.len(),
            positions: self.positions.of_row(input, row),
            segments: None,
            labels: None,
            label_ids: None,
            loss_mask: None,
            aligned: Default::default(),
        };
        Shown {
            text: self.text(input.row(row)),
            places: Some(places),
            ..self.show(name, ids)
        }
    }

    /// A sequence of ids that the model does not read, shown: what it is to write.
    pub fn show(&self, name: &'static str, ids: &[u32]) -> Shown {
        Shown {
            name,
            text: self.text(ids),
            tokens: ids.iter().map(|&id| self.piece(id)).collect(),
            ids: ids.to_vec(),
            places: None,
        }
    }

    /// A plain value (a label, a text), shown.
    pub fn note(&self, name: &'static str, text: String) -> Shown {
        Shown {
            name,
            text,
            tokens: Vec::new(),
            ids: Vec::new(),
            places: None,
        }
    }

    /// Text with the special tokens in place, separated by spaces; only a separator that is doubled, such as RoBERTa's
    /// `</s></s>`, is written together.
    pub fn text(&self, ids: &[u32]) -> String {
        let mut text = String::new();
        let mut before = None;
        for run in ids.chunk_by(|a, b| !self.is_special(*a) && !self.is_special(*b)) {
            let part = match self.is_special(run[0]) {
                true => self.piece(run[0]),
                false => self.tokenizer.decode(run),
            };
            let part = part.trim();
            let is_doubled = before == Some(run[0]) && self.is_separator(run[0]);
            if !text.is_empty() && !part.is_empty() && !is_doubled {
                text.push(' ');
            }
            text.push_str(part);
            before = Some(run[0]);
        }
        text
    }

    /// The text alone, without special tokens.
    pub fn plain_text(&self, ids: &[u32]) -> String {
        self.tokenizer.decode(ids).trim().to_owned()
    }

    /// A token's spelling.
    pub fn piece(&self, id: u32) -> String {
        spelled(id, self.tokenizer)
    }

    /// Targets with the spelling of their tokens.
    pub fn spelled(
        &self,
        targets: Vec<(usize, u32)>,
    ) -> impl Iterator<Item = (usize, u32, String)> {
        targets
            .into_iter()
            .map(|(place, id)| (place, id, self.piece(id)))
    }

    /// A class by its name, its number behind it.
    pub fn class(&self, class: u32) -> String {
        let number = class.to_string();
        match self.classes.get(class as usize) {
            Some(name) if *name != number => format!("{name} ({class})"),
            _ => number,
        }
    }

    fn role(&self, id: u32) -> Role {
        let roles = self.convention.roles();
        let is = |token: &Option<SpecialToken>| token.as_ref().is_some_and(|token| token.id == id);
        // GPT-2's end token also stands for what is unknown.
        let frame = [&roles.cls, &roles.sep, &roles.bos, &roles.eos];
        if is(&roles.mask) {
            Role::Mask
        } else if is(&roles.unk) && !frame.into_iter().any(is) {
            Role::Unknown
        } else if roles.sentinels.iter().any(|token| token.id == id) {
            Role::Sentinel
        } else if self.is_special(id) {
            Role::Special
        } else {
            Role::Text
        }
    }

    fn is_special(&self, id: u32) -> bool {
        self.special.binary_search(&id).is_ok()
    }

    /// Whether a token ends a text.
    fn is_separator(&self, id: u32) -> bool {
        let roles = self.convention.roles();
        let ends = [&roles.sep, &roles.eos];
        ends.into_iter().flatten().any(|token| token.id == id)
    }
}

/// A token's spelling, or how what is no token is shown.
pub(crate) fn spelled(id: u32, tokenizer: &Tokenizer) -> String {
    match id {
        LEARNED_START => LEARNED_START_SHOWN.to_owned(),
        _ => tokenizer
            .id_to_token(id)
            .unwrap_or_else(|| format!("<{id}?>")),
    }
}
