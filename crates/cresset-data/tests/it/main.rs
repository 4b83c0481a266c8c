//! What the crate promises, on the smallest input that shows it.

mod batches;
mod conventions;
mod corruption;
mod frames;
mod golden;
mod loader;
mod noise;
mod packing;
mod questions;
mod samples;
mod show;
mod snapshots;
mod sources;
mod stored;
mod streams;
mod tagged;
mod texts;
mod tokenizers;
