//! Embeddings as files for notebooks and for TensorBoard's projector.

use std::fs;
use std::path::Path;

use cresset_data::Example;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::Value;

use crate::arrays::npy;
use crate::cli::EmbedFormat;
use crate::folder::write_whole;

/// One vector per text, and what the texts are.
#[derive(Default)]
pub struct Table {
    n_rows: usize,
    width: usize,
    /// Little-endian, row after row.
    bytes: Vec<u8>,
    /// A line of numbers per text.
    tensors: String,
    /// A line per text.
    metadata: String,
}

/// What a projector is told of its files.
const PROJECTOR: &str = "embeddings {
  tensor_name: \"embeddings\"
  tensor_path: \"tensors.tsv\"
  metadata_path: \"metadata.tsv\"
}
";

impl Table {
    /// Adds a text.
    pub fn push(&mut self, example: &Example, id: &Value, embedding: &[f32]) {
        self.n_rows += 1;
        self.width = embedding.len();
        self.bytes
            .extend(embedding.iter().flat_map(|x| x.to_le_bytes()));
        let numbers: Vec<String> = embedding.iter().map(ToString::to_string).collect();
        self.tensors.push_str(&numbers.join("\t"));
        self.tensors.push('\n');
        let label = example.label.as_ref().map(ToString::to_string);
        let text = match &example.pair {
            Some(pair) => format!("{} | {pair}", example.text),
            None => example.text.clone(),
        };
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        let cells = [id, label.unwrap_or_default(), text].map(|cell| in_one_cell(&cell));
        self.metadata.push_str(&cells.join("\t"));
        self.metadata.push('\n');
    }

    /// Writes all.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, format: EmbedFormat, out: &Path) -> anyhow::Result<()> {
        match format {
            EmbedFormat::Jsonl => Ok(()),
            EmbedFormat::Npy => write_whole(out, &npy(&[self.n_rows, self.width], &self.bytes)),
            EmbedFormat::Safetensors => {
                let shape = vec![self.n_rows, self.width];
                let view = TensorView::new(Dtype::F32, shape, &self.bytes)?;
                write_whole(out, &safetensors::serialize([("embeddings", view)], None)?)
            }
            EmbedFormat::Tensorboard => {
                fs::create_dir_all(out)
                    .map_err(|e| anyhow::anyhow!("cannot make {}: {e}", out.display()))?;
                write_whole(&out.join("tensors.tsv"), self.tensors.as_bytes())?;
                let head = "id\tlabel\ttext\n";
                let metadata = format!("{head}{}", self.metadata);
                write_whole(&out.join("metadata.tsv"), metadata.as_bytes())?;
                write_whole(&out.join("projector_config.pbtxt"), PROJECTOR.as_bytes())
            }
        }
    }
}

/// Tabs and line ends would make other cells and lines.
fn in_one_cell(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}
