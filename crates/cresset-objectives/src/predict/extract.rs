//! Answers found in a text.

use burn::tensor::Device;
use cresset_data::Example;
use cresset_model::QuestionAnswering;
use cresset_ops::Run;
use serde_json::{Value, json};

use super::{Answer, Frame, Predict};
use crate::extract::{Candidate, ExtractConfig, Framer, Window, best_of, padded, row_of, spans};
use crate::load::load;
use crate::model_folder::ModelFolder;
use crate::{NewHead, ObjectiveConfig, RunError, session, upload};

/// Windows that are computed together.
const ROWS: usize = 32;

pub(super) fn open(
    folder: &ModelFolder,
    frame: Frame,
    device: &Device,
    top: usize,
) -> Result<Box<dyn Predict>, RunError> {
    let config = match folder.facts.as_ref().map(|facts| &facts.objective) {
        Some(ObjectiveConfig::Extract(config)) => config.clone(),
        _ => ExtractConfig::default(),
    };
    let encoder = session::encoder(&folder.files.config, "extract")?;
    let model = QuestionAnswering::new(&encoder, 0, device)?;
    let (model, _) = load(model, &folder.files.path, NewHead::Refused)?;
    Ok(Box::new(AnswerPredictor {
        model,
        frame,
        config,
        top,
        device: device.clone(),
    }))
}

struct AnswerPredictor {
    model: QuestionAnswering,
    frame: Frame,
    config: ExtractConfig,
    top: usize,
    device: Device,
}

impl Predict for AnswerPredictor {
    fn predict(&self, inputs: &[Example]) -> Result<Vec<Answer>, RunError> {
        let framer = Framer {
            tokenizer: &self.frame.tokenizer,
            convention: &self.frame.convention,
            max_length: self.frame.max_length,
            config: &self.config,
        };
        let mut windows = Vec::new();
        for (input, example) in inputs.iter().enumerate() {
            let asked = framer.frame(example)?;
            windows.extend(asked.windows.into_iter().map(|window| (input, window)));
        }
        let mut candidates = vec![Vec::new(); inputs.len()];
        for rows in windows.chunks(ROWS) {
            let of_rows: Vec<&Window> = rows.iter().map(|(_, window)| window).collect();
            for ((input, _), found) in rows.iter().zip(self.candidates(&of_rows)) {
                candidates[*input].extend(found);
            }
        }
        let answers = inputs.iter().zip(candidates);
        Ok(answers
            .map(|(example, found)| {
                let context = example.pair.as_deref().unwrap_or_default();
                let answers = self.answers(context, best_of(found));
                Answer::from_iter([("answers".to_owned(), answers)])
            })
            .collect())
    }
}

impl AnswerPredictor {
    /// The allowed answers of each window.
    fn candidates(&self, windows: &[&Window]) -> Vec<Vec<Candidate>> {
        let convention = &self.frame.convention;
        let (ids, segments) = padded(windows, convention.pad_id(), convention.pad_side());
        let input = upload::encoder_input(&ids, Some(&segments), &self.device);
        let logits = self.model.forward(input, &Run::inference());
        let [start, end] = [logits.start, logits.end].map(upload::read_floats);
        let of_row = |(row, window): (usize, &&Window)| {
            let (start, end) = (row_of(&start, &ids, row), row_of(&end, &ids, row));
            spans(window, start, end, self.config.max_answer_length).collect()
        };
        windows.iter().enumerate().map(of_row).collect()
    }

    /// The best ones; a score is the share of an answer's `exp(logits)` in those of all allowed answers.
    fn answers(&self, context: &str, sorted: Vec<Candidate>) -> Value {
        let highest = sorted.first().map_or(0.0, |best| best.score);
        let weight = |candidate: &Candidate| f64::from(candidate.score - highest).exp();
        let total: f64 = sorted.iter().map(weight).sum();
        let answer = |candidate: &Candidate| {
            json!({
                "text": candidate.text(context),
                "score": weight(candidate) / total,
                "start": candidate.chars.start,
                "end": candidate.chars.end,
            })
        };
        Value::Array(sorted.iter().take(self.top).map(answer).collect())
    }
}
