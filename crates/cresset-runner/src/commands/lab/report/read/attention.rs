//! Where a model looks as it reads and writes a few sentences.

use std::path::{Path, PathBuf};

use anyhow::Context;
use burn::tensor::Device;
use cresset_data::{Example, Format, SourceConfig, read_examples};
use cresset_model::HeadKind;
use cresset_objectives::{
    ForwardInput, ModelFolder, ObjectiveConfig, Output, RawModel, open_generator,
};
use cresset_ops::Watched;

use crate::failure::user;

/// A sentence with where the model looks.
#[derive(Clone, Debug)]
pub struct Attended {
    /// The sentence.
    pub text: String,
    /// What it was to be written as, of a model that writes.
    pub target: Option<Target>,
    /// One per kind of attention.
    pub looking: Vec<Looking>,
}

/// What a decoder reads.
#[derive(Clone, Debug)]
pub enum Target {
    /// It was given.
    Given(String),
    /// The model wrote it.
    Written(String),
}

/// One kind of attention.
#[derive(Clone, Debug)]
pub struct Looking {
    /// `self`, `encoder`, `decoder` or `cross`.
    pub stack: &'static str,
    /// The tokens that look.
    pub queries: Vec<String>,
    /// The tokens that are looked at.
    pub keys: Vec<String>,
    /// Layer by layer.
    pub layers: Vec<Layer>,
}

/// The heads of a layer.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Head by head, query by query: what share of its attention each key gets.
    pub heads: Vec<Vec<Vec<f32>>>,
}

/// Sentences beyond these would make the report long.
const MOST_SENTENCES: usize = 10;
const MOST_NEW_TOKENS: usize = 40;

/// Sentences of the project's own sample data.
const READ: [&str; 2] = [
    "the soup was not good",
    "although the soup was awful , the room was wonderful",
];
const TRANSLATED: [&str; 2] = [
    "the small dog sees the red birds .",
    "the old cats see a small house today .",
];

/// Runs the folder's model on the sentences of a file, or on some of the project's own.
///
/// # Errors
/// A folder that is no model's, a file that cannot be read, a text that the model does not take.
pub fn read(
    model: &Path,
    sentences: Option<&PathBuf>,
    device: &Device,
) -> anyhow::Result<Vec<Attended>> {
    let folder = ModelFolder::open(model)?;
    let head = folder.files.head()?;
    let mut examples = examples(sentences, head)?;
    examples.truncate(MOST_SENTENCES);
    let (network, report) = RawModel::open(&folder.files, device)?;
    if let Some(missing) = report.new.first() {
        return Err(user(format!(
            "{} lacks {missing}, so its attention would be that of initial weights; give a trained model's folder",
            model.display()
        )));
    }
    let reader = Reader {
        folder: &folder,
        network,
        device,
        head,
    };
    examples
        .iter()
        .map(|example| reader.attended(example))
        .collect()
}

fn examples(sentences: Option<&PathBuf>, head: HeadKind) -> anyhow::Result<Vec<Example>> {
    let Some(path) = sentences else {
        let own = match head {
            HeadKind::Seq2SeqLm => TRANSLATED,
            _ => READ,
        };
        let example = |text: &str| Example {
            text: text.to_owned(),
            ..Example::default()
        };
        return Ok(own.map(example).into());
    };
    let is_json = path.extension().is_some_and(|e| e == "jsonl");
    let examples = read_examples(&SourceConfig {
        format: if is_json { Format::Jsonl } else { Format::Text },
        files: vec![path.clone()],
        fields: Default::default(),
    })?;
    match examples.is_empty() {
        true => Err(user(format!(
            "{} holds no sentence; write one a line",
            path.display()
        ))),
        false => Ok(examples),
    }
}

/// A model that is watched while it reads.
struct Reader<'a> {
    folder: &'a ModelFolder,
    network: RawModel,
    device: &'a Device,
    head: HeadKind,
}

impl Reader<'_> {
    fn attended(&self, example: &Example) -> anyhow::Result<Attended> {
        let convention = self.folder.convention()?;
        let tokenizer = &self.folder.tokenizer;
        let facts = self.folder.facts.as_ref();
        let positions = self.folder.files.config.max_positions().unwrap_or(512);
        let longest = facts.map_or(positions, |facts| facts.max_length);
        let prefix = match facts.map(|facts| &facts.objective) {
            Some(ObjectiveConfig::Seq2Seq(config)) => config.prefix.as_str(),
            _ => "",
        };
        let ids = tokenizer.encode(&format!("{prefix}{}", example.text));
        let mut input = ForwardInput::default();
        let mut target = None;
        match self.head {
            HeadKind::CausalLm => input
                .input_ids
                .push(convention.decoder_pair(&ids, longest)?.0),
            head => {
                let pair = example.pair.as_ref().map(|pair| tokenizer.encode(pair));
                let framed = convention.encoder_input(&ids, pair.as_deref(), longest)?;
                input.input_ids.push(framed.ids);
                if head == HeadKind::Seq2SeqLm {
                    let written = self.target(example)?;
                    let (Target::Given(text) | Target::Written(text)) = &written;
                    let longest = facts.map_or(positions, |facts| facts.max_target_length);
                    let read = convention.decoder_pair(&tokenizer.encode(text), longest)?.0;
                    input.decoder_input_ids = Some(vec![read]);
                    target = Some(written);
                } else {
                    input.token_type_ids = Some(vec![framed.segments]);
                }
            }
        }
        let outputs = self.network.trace(&input, Watched::Attention)?;
        let tokens = |ids: &[u32]| -> Vec<String> {
            let token = |id: &u32| tokenizer.id_to_token(*id).unwrap_or_else(|| id.to_string());
            ids.iter().map(token).collect()
        };
        let read = tokens(&input.input_ids[0]);
        // What an encoder-decoder that classifies reads on both sides is the same.
        let written = input
            .decoder_input_ids
            .as_ref()
            .map_or(read.clone(), |ids| tokens(&ids[0]));
        let stacks = [
            ("self", "attentions.", &read, &read),
            ("encoder", "encoder_attentions.", &read, &read),
            ("decoder", "decoder_attentions.", &written, &written),
            ("cross", "cross_attentions.", &written, &read),
        ];
        let mut looking = Vec::new();
        for (stack, name, queries, keys) in stacks {
            let of_stack = outputs.iter().filter(|o| o.name.starts_with(name));
            let layers: Vec<Layer> = of_stack.map(layer).collect();
            if !layers.is_empty() {
                looking.push(Looking {
                    stack,
                    queries: queries.clone(),
                    keys: keys.clone(),
                    layers,
                });
            }
        }
        Ok(Attended {
            text: example.text.clone(),
            target,
            looking,
        })
    }

    /// What the example is to become, or what the model makes of it.
    fn target(&self, example: &Example) -> anyhow::Result<Target> {
        if let Some(target) = &example.target {
            return Ok(Target::Given(target.clone()));
        }
        let generator = open_generator(self.folder, self.device)?;
        let texts = generator.generate(std::slice::from_ref(example), MOST_NEW_TOKENS)?;
        let text = texts.into_iter().next().context("a text per input")?;
        Ok(Target::Written(text))
    }
}

/// # Shapes
/// output: `[1, heads, queries, keys]`
fn layer(output: &Output) -> Layer {
    let (n_queries, n_keys) = (output.shape[2], output.shape[3]);
    let head = |values: &[f32]| values.chunks(n_keys).map(<[f32]>::to_vec).collect();
    Layer {
        heads: output.values.chunks(n_queries * n_keys).map(head).collect(),
    }
}
