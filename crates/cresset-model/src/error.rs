//! What a user or a file can get wrong.

use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The hidden size does not split into heads of equal size.
    #[error(
        "{size_key} {size} is not divisible by {heads_key} {heads}; choose a multiple of {heads}"
    )]
    IndivisibleHeads {
        /// Name of the size.
        size_key: &'static str,
        /// Its value.
        size: usize,
        /// Name of the number of heads.
        heads_key: &'static str,
        /// Its value.
        heads: usize,
    },
    /// A configuration value outside its range.
    #[error("{key} is {value} but must be {expected}")]
    OutOfRange {
        /// Name of the value.
        key: String,
        /// The value.
        value: String,
        /// What is allowed.
        expected: String,
    },
    /// A value of the wrong kind.
    #[error("{key}: {reason}")]
    BadValue {
        /// Name of the value.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A configuration key that the architecture does not have.
    #[error("{kind} has no key {key}; {hint}")]
    UnknownKey {
        /// The architecture.
        kind: String,
        /// The unknown key.
        key: String,
        /// The nearest known key, or all of them.
        hint: String,
    },
    /// One value given under two names.
    #[error("{first} and {second} set the same value of {kind}; keep one of them")]
    DuplicateKey {
        /// The architecture.
        kind: String,
        /// One name.
        first: String,
        /// The other.
        second: String,
    },
    /// An architecture that this crate does not have.
    #[error("architecture {found} is not supported; supported are {known}")]
    UnknownArchitecture {
        /// The name found.
        found: String,
        /// The names known.
        known: String,
    },
    /// A folder of one architecture where another is needed.
    #[error("{wanted} needs a model of type {expected}, but the configuration is of type {found}")]
    WrongArchitecture {
        /// What was to be made.
        wanted: &'static str,
        /// The types it can be made from.
        expected: &'static str,
        /// The type found.
        found: &'static str,
    },
    /// A task that a family of models has no head for.
    #[error("{architecture} has no head for {head}; {known}")]
    NoSuchHead {
        /// Class of the model.
        architecture: &'static str,
        /// What the head is for.
        head: &'static str,
        /// Which families have it.
        known: &'static str,
    },
    /// A variant of an architecture that this crate does not have.
    #[error("{key} = {value} is not supported: {reason}")]
    Unsupported {
        /// Name of the value.
        key: &'static str,
        /// The value.
        value: String,
        /// Why, and what is supported instead.
        reason: &'static str,
    },
    /// An input longer than the model's table of positions.
    #[error(
        "sequence length {length} exceeds the model's {positions} positions; lower the maximum length or take a model with more positions"
    )]
    SequenceTooLong {
        /// Length of the input in tokens.
        length: usize,
        /// Positions of the model.
        positions: usize,
    },
    /// A tokenizer with more tokens than the model has embeddings.
    #[error(
        "the tokenizer has {tokenizer} tokens but the model's vocab_size is {model}; take the tokenizer the model was made with, or a model with vocab_size of at least {tokenizer}"
    )]
    VocabularyMismatch {
        /// Tokens of the tokenizer.
        tokenizer: usize,
        /// Rows of the embedding.
        model: usize,
    },
    /// A file or folder that cannot be read or written.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A JSON file that does not parse.
    #[error("{path} is not valid: {reason}; take the file from the model's original folder")]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// A folder without weights.
    #[error(
        "{folder} holds no weights (model.safetensors or pytorch_model.bin, whole or with .index.json and shards); give the folder of a saved model"
    )]
    NoWeights {
        /// The folder.
        folder: PathBuf,
    },
    /// A folder whose model has no vectors of tokens.
    #[error(
        "the weights of {folder} hold no table of token vectors; give the folder of a language model"
    )]
    NoTokenTable {
        /// The folder.
        folder: PathBuf,
    },
    /// A file that is to hold a vector and does not.
    #[error(
        "{path} holds no vector ({reason}); give a JSON list of numbers or a safetensors file with one tensor"
    )]
    NoVector {
        /// The file.
        path: PathBuf,
        /// What it holds.
        reason: String,
    },
    /// A weights file that is cut short or damaged.
    #[error("{path} is truncated or damaged ({reason}); copy the file again")]
    BrokenWeights {
        /// The file.
        path: PathBuf,
        /// What the parser met.
        reason: String,
    },
    /// A shard that the index names but the folder lacks.
    #[error("{index} names {shard}, which is not there; copy it from the model's original folder")]
    MissingShard {
        /// The index.
        index: PathBuf,
        /// Name of the missing file.
        shard: String,
    },
    /// A pickle of something else than a state dict.
    #[error(
        "{path} holds {found} instead of tensors by name; save the weights with torch.save(model.state_dict(), ..) or model.save_pretrained(..)"
    )]
    NoStateDict {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
    },
    /// A tensor of another shape than the configuration says.
    #[error(
        "tensor {tensor} in {path} has shape {found:?}, but the configuration needs {expected:?}; config.json and the weights do not belong together"
    )]
    WrongShape {
        /// Name of the tensor.
        tensor: String,
        /// The file.
        path: PathBuf,
        /// Its shape.
        found: Vec<usize>,
        /// The shape by the configuration.
        expected: Vec<usize>,
    },
    /// A tensor of numbers that are not floats.
    #[error(
        "tensor {tensor} in {path} holds {found} numbers; only F64, F32, F16 and BF16 can be read"
    )]
    WrongType {
        /// Name of the tensor.
        tensor: String,
        /// The file.
        path: PathBuf,
        /// Its type.
        found: String,
    },
    /// Two tensors that the model ties but the file holds apart.
    #[error(
        "{path} holds {first} and {second} with different values, but this model ties them; set tie_word_embeddings to false if the architecture allows it"
    )]
    Untied {
        /// The file.
        path: PathBuf,
        /// One name.
        first: String,
        /// The other.
        second: String,
    },
}

impl ModelError {
    pub(crate) fn read(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> ModelError {
        let path = path.into();
        move |source| ModelError::Io {
            action: "read",
            path,
            source,
        }
    }

    pub(crate) fn write(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> ModelError {
        let path = path.into();
        move |source| ModelError::Io {
            action: "write",
            path,
            source,
        }
    }
}
