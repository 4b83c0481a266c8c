//! What the crate promises, on the smallest input that shows it.

mod batches;
mod compressed;
mod conventions;
mod corruption;
mod frames;
mod golden;
mod loader;
mod mix;
mod noise;
mod packing;
#[cfg(feature = "parquet")]
mod parquet;
mod questions;
mod samples;
mod show;
mod snapshots;
mod sources;
mod splits;
mod stored;
mod streams;
mod tagged;
mod texts;
mod tokenizers;
mod weights;
