//! Answers of a sequence classifier: a class, a score or labels, by the task it was trained for.

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};
use cresset_data::Example;
use cresset_model::TextClassifier;
use cresset_ops::Run;
use serde_json::{Map, Value, json};

use super::{Answer, Frame, Predict, argmax};
use crate::classify::{ClassifyTask, holding};
use crate::load::load;
use crate::model_folder::ModelFolder;
use crate::{NewHead, RunError, upload};

pub(super) fn open(
    folder: &ModelFolder,
    frame: Frame,
    device: &Device,
) -> Result<Box<dyn Predict>, RunError> {
    let labels = folder.files.labels().ok_or_else(|| {
        RunError::Config(format!(
            "{}: config.json has no id2label, so the classes have no names; add it",
            folder.files.path.display()
        ))
    })?;
    let task = ClassifyTask::of_folder(folder)?;
    if task == ClassifyTask::Regression && labels.len() != 1 {
        return Err(RunError::Config(format!(
            "{} predicts {} numbers at once ({}), but only models of one score are supported",
            folder.files.path.display(),
            labels.len(),
            labels.join(", ")
        )));
    }
    let head = folder.files.text_head()?;
    let model = TextClassifier::with_head(&folder.files.config, &head, 0, device)?;
    let (model, _) = load(model, &folder.files.path, NewHead::Refused)?;
    Ok(Box::new(TextPredictor {
        model,
        task,
        labels,
        frame,
        device: device.clone(),
    }))
}

struct TextPredictor {
    model: TextClassifier,
    task: ClassifyTask,
    /// Names of the outputs.
    labels: Vec<String>,
    frame: Frame,
    device: Device,
}

impl Predict for TextPredictor {
    fn predict(&self, inputs: &[Example]) -> Result<Vec<Answer>, RunError> {
        let texts: Vec<String> = inputs.iter().map(|e| e.text.clone()).collect();
        let pairs: Vec<Option<&str>> = inputs.iter().map(|e| e.pair.as_deref()).collect();
        let (input, _) = self.frame.encoder_input(&texts, &pairs, &self.device)?;
        let logits = self.model.forward(input, &Run::inference());
        Ok(match self.task {
            ClassifyTask::SingleLabel => self.answers(softmax(logits, 1), |row| self.one(row)),
            ClassifyTask::MultiLabel => self.answers(logits, |row| self.several(row)),
            ClassifyTask::Regression => self.answers(logits, |row| {
                Answer::from_iter([("score".to_owned(), json!(row[0]))])
            }),
        })
    }
}

impl TextPredictor {
    /// One answer per row.
    ///
    /// # Shapes
    /// outputs: `[batch, labels]`
    fn answers(&self, outputs: Tensor<2>, answer: impl Fn(&[f32]) -> Answer) -> Vec<Answer> {
        let outputs = upload::read_floats(outputs);
        outputs.chunks(self.labels.len()).map(answer).collect()
    }

    fn one(&self, probabilities: &[f32]) -> Answer {
        let best = argmax(probabilities);
        Answer::from_iter([
            ("label".to_owned(), json!(self.labels[best])),
            ("scores".to_owned(), self.scores(probabilities)),
        ])
    }

    fn several(&self, logits: &[f32]) -> Answer {
        let held = self.labels.iter().zip(holding(logits));
        let labels: Vec<&String> = held.filter(|(_, holds)| *holds).map(|(l, _)| l).collect();
        let probabilities: Vec<f32> = logits.iter().map(|z| 1.0 / (1.0 + (-z).exp())).collect();
        Answer::from_iter([
            ("labels".to_owned(), json!(labels)),
            ("scores".to_owned(), self.scores(&probabilities)),
        ])
    }

    fn scores(&self, probabilities: &[f32]) -> Value {
        let named = self.labels.iter().zip(probabilities);
        let named: Map<String, Value> = named.map(|(l, p)| (l.clone(), json!(p))).collect();
        Value::Object(named)
    }
}
