//! Transformer language models on [burn](https://burn.dev), in Hugging Face's layout.
//!
//! - [`layers`]: the bricks, of which every architecture is made.
//! - [`bert`], [`roberta`], [`albert`], [`xlnet`], [`marian`], [`bart`], [`t5`], [`gpt2`], [`warm_start`]: one file per architecture, with
//!   its configuration, its composition and the names of its tensors in files.
//! - The three shapes, each an enum over its architectures: [`Encoder`], [`CausalLm`] and [`Seq2SeqLm`].
//! - The heads, one module each for every family that has it: [`MaskedLm`], [`PreTraining`], [`TextClassifier`], [`TokenClassifier`],
//!   [`QuestionAnswering`]; [`HeadKind`] tells from a class's name which one it is.
//! - [`ModelConfig`]: any architecture's configuration, from `config.json` or from a table with short names.
//! - [`load_weights`], [`save_weights`], [`read_config`], [`write_config`]: folders that Python's transformers reads and writes too.
//! - [`token_tables`], [`read_token_table`], [`normal`]: the rows of single tokens, for whoever begins or trains them otherwise than the rest.
//! - [`TokenTable`]: the vectors of tokens, to look at and to replace. What a pass computes on the way is shown to who watches its
//!   [`Run`](cresset_ops::Run::watch).
//! - [`Pooling`]: from the vectors of tokens to one vector for the text.
//! - [`greedy_causal`], [`greedy_seq2seq`]: generation with cached keys and values.
//!
//! A model computes its output layer only at the positions it is asked for (`scores_at`). Dropout is an argument: a
//! [`Run`](cresset_ops::Run) says whether this is training, and with which seed. Initial weights depend on the seed and the parameter's
//! path alone.
//!
//! What this crate does not do: losses, tokenizers, special-token policy (which token starts, ends or fills a sequence is the caller's).
//!
//! ```
//! use burn::tensor::{Device, Int, Tensor};
//! use cresset_model::{CausalLm, ModelConfig};
//! use cresset_ops::Run;
//!
//! let device = Device::flex();
//! let sizes = serde_json::json!({ "vocab_size": 11, "n_layers": 1, "hidden_size": 6, "n_heads": 3, "max_positions": 8 });
//! let config = ModelConfig::from_toml_table("gpt2", sizes.as_object().expect("a table").clone())?;
//! let model = CausalLm::new(&config.decoder()?, 0, &device)?;
//! let ids = Tensor::<2, Int>::from_ints([[1, 2, 3]], &device);
//! let hidden = model.hidden(ids, None, &Run::inference());
//! let logits = model.scores_at(hidden, Tensor::from_ints([2], &device)).logits();
//! assert_eq!(logits.dims(), [1, 11]);
//! # Ok::<(), cresset_model::ModelError>(())
//! ```

pub mod albert;
pub mod bart;
pub mod bert;
pub mod gpt2;
pub mod layers;
pub mod marian;
pub mod roberta;
pub mod t5;
pub mod warm_start;
pub mod xlnet;

mod check;
mod config;
mod decoder;
mod encoder;
mod encoder_decoder;
mod error;
mod generate;
mod heads;
mod hf;
mod init;
mod pooling;
mod start;
mod token_table;

pub use config::{MODEL_TYPES, ModelConfig, check_vocabulary};
pub use decoder::{CausalInput, CausalLm, DecoderConfig};
pub use encoder::{Encoder, EncoderConfig, EncoderInput};
pub use encoder_decoder::{Seq2SeqConfig, Seq2SeqLm};
pub use error::ModelError;
pub use generate::{GreedyOptions, greedy_causal, greedy_seq2seq};
pub use heads::{
    HeadKind, HeadSpec, MaskedLm, PreTraining, QuestionAnswering, Reading, Seq2SeqClassifier,
    SequenceClassifier, SharedEncoder, SharedModel, SpanLogits, TextClassifier, TextHead,
    TextPooling, TokenClassifier,
};
pub use hf::{
    HfModel, HfTensor, Layout, LoadReport, NamedParameter, is_start_vector, load_weights,
    named_parameters, parameter_names, read_config, read_token_table, read_vector, save_weights,
    start_vector, token_tables, write_config,
};
pub use init::normal;
pub use pooling::{Pooling, normalize};
pub use token_table::TokenTable;
