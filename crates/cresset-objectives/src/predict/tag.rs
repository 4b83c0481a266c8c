//! Answers of a token classifier: a tag for every word, and the entities they make up.

use std::ops::Range;

use burn::tensor::Device;
use burn::tensor::activation::softmax;
use cresset_data::Example;
use cresset_metrics::{EntityMode, entities};
use cresset_model::TokenClassifier;
use cresset_ops::Run;
use serde_json::{Value, json};

use super::{Answer, Frame, Predict};
use crate::load::load;
use crate::model_folder::ModelFolder;
use crate::tag::{Row, Scheme, align, first_tokens};
use crate::{NewHead, ObjectiveConfig, RunError, session, upload};

pub(super) fn open(
    folder: &ModelFolder,
    frame: Frame,
    device: &Device,
) -> Result<Box<dyn Predict>, RunError> {
    let labels = folder.files.labels().ok_or_else(|| {
        RunError::Config(format!(
            "{}: config.json has no id2label, so the tags have no names; add it",
            folder.files.path.display()
        ))
    })?;
    let scheme = match folder.facts.as_ref().map(|f| &f.objective) {
        Some(ObjectiveConfig::Tag(config)) => config.scheme,
        _ => Scheme::of_tags(&labels),
    };
    let encoder = session::encoder(&folder.files.config, "tag")?;
    let model = TokenClassifier::new(&encoder, labels.len(), 0, device)?;
    let (model, _) = load(model, &folder.files.path, NewHead::Refused)?;
    Ok(Box::new(TagPredictor {
        model,
        scheme,
        labels,
        frame,
        device: device.clone(),
    }))
}

struct TagPredictor {
    model: TokenClassifier,
    scheme: Scheme,
    /// Names of the outputs.
    labels: Vec<String>,
    frame: Frame,
    device: Device,
}

/// A word with what the model says of it; nothing if the tokenizer leaves nothing of it.
type Judged = Option<(usize, f32)>;

impl Predict for TagPredictor {
    fn predict(&self, inputs: &[Example]) -> Result<Vec<Answer>, RunError> {
        let cut: Vec<Words> = inputs.iter().map(Words::of).collect();
        let mut rows: Vec<(usize, Row)> = Vec::new();
        for (input, words) in cut.iter().enumerate() {
            let (tokenizer, convention) = (&self.frame.tokenizer, &self.frame.convention);
            let aligned = align(tokenizer, convention, &words.words, self.frame.max_length)?;
            rows.extend(aligned.into_iter().map(|row| (input, row)));
        }
        let mut judged: Vec<Vec<Judged>> = cut.iter().map(|w| vec![None; w.words.len()]).collect();
        for part in rows.chunks(inputs.len().max(1)) {
            self.judge(part, &mut judged);
        }
        Ok(cut
            .iter()
            .zip(&judged)
            .map(|(words, judged)| self.answer(words, judged))
            .collect())
    }
}

impl TagPredictor {
    /// Runs one batch and notes the best tag of each word with its probability.
    fn judge(&self, rows: &[(usize, Row)], judged: &mut [Vec<Judged>]) {
        let framed: Vec<_> = rows.iter().map(|(_, row)| &row.framed).collect();
        let (input, starts) = self.frame.placed_batch(&framed, &self.device);
        let positions: Vec<u32> = rows
            .iter()
            .zip(starts)
            .flat_map(|((_, row), start)| row.places.iter().map(move |p| start as u32 + p))
            .collect();
        if positions.is_empty() {
            return;
        }
        let logits = self.model.forward(input, &Run::inference());
        let scores = upload::read_floats(softmax(first_tokens(logits, &positions), 1));
        let mut scores = scores.chunks(self.labels.len());
        for (input, row) in rows {
            for (&word, scores) in row.words.iter().zip(&mut scores) {
                let best = super::argmax(scores);
                judged[*input][word] = Some((best, scores[best]));
            }
        }
    }

    fn answer(&self, words: &Words, judged: &[Judged]) -> Answer {
        let name = |judged: &Judged| judged.map(|(tag, _)| self.labels[tag].as_str());
        let tags: Vec<Option<&str>> = judged.iter().map(name).collect();
        let mut answer = Answer::new();
        if self.scheme != Scheme::None {
            let known: Vec<&str> = tags.iter().map(|tag| tag.unwrap_or("O")).collect();
            let found = entities(&known, EntityMode::Lenient).unwrap_or_default();
            let shown = found.iter().map(|entity| {
                let inside = entity.start..entity.end;
                let scores: Vec<f32> = judged[inside.clone()]
                    .iter()
                    .flatten()
                    .map(|(_, score)| *score)
                    .collect();
                let at = words.places[inside.start].start..words.places[inside.end - 1].end;
                json!({
                    "type": entity.kind,
                    "text": words.slice(&at),
                    "start": at.start,
                    "end": at.end,
                    "score": scores.iter().sum::<f32>() / scores.len() as f32,
                })
            });
            answer.insert("entities".to_owned(), Value::Array(shown.collect()));
        }
        let pairs = words
            .words
            .iter()
            .zip(&tags)
            .map(|(w, tag)| json!([w, tag]));
        answer.insert("tags".to_owned(), Value::Array(pairs.collect()));
        answer
    }
}

/// A text, its words, and where they stand in it, in characters.
struct Words {
    text: Vec<char>,
    words: Vec<String>,
    places: Vec<Range<usize>>,
}

impl Words {
    /// The words that the input gives, or its text cut at white space and around characters of scripts without spaces.
    fn of(example: &Example) -> Self {
        let text: Vec<char> = match example.words.is_empty() {
            true => example.text.chars().collect(),
            false => example.words.join(" ").chars().collect(),
        };
        let places = match example.words.is_empty() {
            true => cut(&text),
            false => lay_out(&example.words),
        };
        let word = |place: &Range<usize>| text[place.clone()].iter().collect();
        Words {
            words: places.iter().map(word).collect(),
            text,
            places,
        }
    }

    fn slice(&self, place: &Range<usize>) -> String {
        self.text[place.clone()].iter().collect()
    }
}

/// Where words stand that are joined by spaces.
fn lay_out(words: &[String]) -> Vec<Range<usize>> {
    let mut start = 0;
    let place = |word: &String| {
        let place = start..start + word.chars().count();
        start = place.end + 1;
        place
    };
    words.iter().map(place).collect()
}

fn cut(text: &[char]) -> Vec<Range<usize>> {
    let mut places: Vec<Range<usize>> = Vec::new();
    let mut goes_on = false;
    for (at, &character) in text.iter().enumerate() {
        if character.is_whitespace() {
            goes_on = false;
            continue;
        }
        let alone = stands_alone(character);
        match places.last_mut() {
            Some(word) if goes_on && !alone => word.end = at + 1,
            _ => places.push(at..at + 1),
        }
        goes_on = !alone;
    }
    places
}

/// Characters of scripts that put no spaces between words, and their punctuation.
fn stands_alone(character: char) -> bool {
    matches!(u32::from(character),
        0x0E00..=0x0EFF          // Thai, Lao
        | 0x3000..=0x30FF        // CJK punctuation, Hiragana, Katakana
        | 0x3400..=0x9FFF        // Han
        | 0xF900..=0xFAFF        // Han, compatibility
        | 0xFF00..=0xFFEF        // full-width forms
        | 0x20000..=0x323AF) // Han, extensions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> (Vec<String>, Vec<Range<usize>>) {
        let cut = Words::of(&Example {
            text: text.to_owned(),
            ..Example::default()
        });
        (cut.words, cut.places)
    }

    #[test]
    fn a_text_is_cut_at_white_space_and_around_han_characters() {
        let (cut, places) = words(" Ann  met 李明 in Åre.");
        assert_eq!(cut, ["Ann", "met", "李", "明", "in", "Åre."]);
        assert_eq!(places, [1..4, 6..9, 10..11, 11..12, 13..15, 16..20]);
    }

    #[test]
    fn given_words_stand_in_a_text_joined_by_spaces() {
        let example = Example {
            words: vec!["New York".into(), "é".into()],
            ..Example::default()
        };
        assert_eq!(Words::of(&example).places, [0..8, 9..10]);
    }
}
