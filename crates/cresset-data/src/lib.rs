//! Text in, batches of plain numbers out: what a transformer reads, without any tensor.
//!
//! ```text
//! files --source--> Example --Tokenizer--> ids --Convention--> framed ids --Collate--> batch of plain numbers
//!                                                                  ^                        ^
//!                                                     special tokens: only here      Loader::batch(n): pure
//! ```
//!
//! * [`read_examples`] reads JSONL, CSV, TSV, CoNLL, CoNLL-U, SQuAD's files, plain and parallel text into [`Example`]s,
//!   [`stream_examples`] one after the other from files larger than memory.
//! * [`Tokenizer`] loads any `tokenizer.json` or trains WordPiece, byte-level BPE, Unigram or characters.
//! * [`Convention`] knows what the special tokens mean: `[CLS]`, the decoder start, the stop token, padding. The same
//!   value frames encoder inputs, decoder inputs, labels and generation, so that they cannot disagree.
//! * [`mask_tokens`], [`mask_whole_words`], [`mask_spans`], [`corrupt_random_spans`], [`infill`] and its like, [`permute`],
//!   [`split_prefix`] and [`sentence_pairs`] make tasks of plain texts.
//! * [`BatchPlan`] says which examples make up batch n, [`Loader`] makes it; both are pure functions of a seed and n, so
//!   resuming is asking for a later n. Sources may have weights; [`Split`] holds examples out; [`Mixed`] mixes the batches of
//!   several loaders by weight, as purely.
//! * [`pad`] makes a rectangle of rows and keeps their lengths: padding is never recognised by its id. [`Packing`] says which
//!   texts share a row.
//! * [`TokenizedTexts`] are texts that were tokenized once, in memory or, as a [`PreparedEntry`], in mapped files.
//! * [`write_samples`] writes small data sets to try everything on.
//!
//! What is not here: tensors, devices, models, losses.
//!
//! ```
//! use cresset_data::{Convention, Tokenizer, TokenizerKind, TokenizerTrainConfig};
//!
//! let texts = ["a fine film", "not a fine film"];
//! let config = TokenizerTrainConfig { vocab_size: 60, ..TokenizerTrainConfig::new(TokenizerKind::Wordpiece) };
//! let tokenizer = Tokenizer::train(&config, texts, "bert")?;
//! let bert = Convention::preset("bert", &tokenizer)?;
//! let framed = bert.encoder_input(&tokenizer.encode(texts[0]), None, 128)?;
//! assert_eq!(tokenizer.id_to_token(framed.ids[0]).as_deref(), Some("[CLS]"));
//! # Ok::<(), cresset_data::DataError>(())
//! ```

mod bucket;
mod collate;
mod convention;
mod error;
mod example;
mod hash;
mod loader;
mod mix;
mod noise;
mod order;
mod packing;
mod sample;
mod seed;
mod source;
mod split;
mod store;
mod texts;
mod tokenizer;

pub use collate::{PackedIds, PadSide, PaddedIds, pad};
pub use convention::{
    Convention, DecoderFrame, EncoderFrame, Framed, GenerationFrame, LEARNED_START,
    LEARNED_START_SHOWN, NO_STOP, Overrides, Piece, Roles, Slot, SpecialToken,
};
pub use error::DataError;
pub use example::{AnswerSpan, Example, Label};
pub use hash::content_hash;
pub use loader::{Batches, Collate, Dataset, Loader, Prefetch, prefetch};
pub use mix::{Chained, Mix, Mixed, Sources, Turn};
pub use noise::infill::{InfillOptions, delete_tokens, infill, permute_sentences, rotate_document};
pub use noise::mask::{MaskOptions, Masked, mask_tokens};
pub use noise::pairs::{
    Documents, PairOptions, PairPlaces, PairTask, SentencePair, Sentences, document_pairs,
    pair_places, sentence_pairs,
};
pub use noise::permute::{PermutationOptions, Permuted, permute};
pub use noise::prefix::{PrefixLength, split_prefix};
pub use noise::span_corruption::{
    SpanCorrupted, SpanCorruptionOptions, corrupt_random_spans, corrupt_spans, restore,
};
pub use noise::span_mask::{SpanLengths, mask_spans};
pub use noise::whole_word::mask_whole_words;
pub use order::{BatchPlan, BatchSize, Bucketing, Length, Order, WeightedRows};
pub use packing::Packing;
pub use sample::write_samples;
pub use source::{ExampleStream, FieldNames, Format, SourceConfig, read_examples, stream_examples};
pub use split::{DrawnSplit, Split};
pub use store::{Preparation, PreparedEntry, holds_prepared};
pub use texts::{TextForm, TokenizedTexts, Unit, Words};
pub use tokenizer::{
    EncodedWords, Measured, PlacedToken, Tokenizer, TokenizerKind, TokenizerTrainConfig,
};
