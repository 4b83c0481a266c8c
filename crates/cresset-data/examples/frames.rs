//! Trains a tiny tokenizer for each convention and shows what a model would read.
//!
//! `cargo run --release -p cresset-data --example frames`

use cresset_data::{Convention, DataError, Tokenizer, TokenizerKind, TokenizerTrainConfig};

fn main() -> Result<(), DataError> {
    let texts = ["translate English to French: I love NLP", "J'aime le NLP"];
    for &name in Convention::PRESETS {
        let config = TokenizerTrainConfig {
            vocab_size: 500,
            ..TokenizerTrainConfig::new(TokenizerKind::Bpe)
        };
        let tokenizer = Tokenizer::train(&config, texts, name)?;
        let convention = Convention::preset(name, &tokenizer)?;
        println!("{name}\n{}", convention.describe());
        let (source, target) = (tokenizer.encode(texts[0]), tokenizer.encode(texts[1]));
        if convention.encoder_frame().is_some() {
            let framed = convention.encoder_input(&source, Some(&target), 64)?;
            println!("  pair: {}", spelled(&tokenizer, &framed.ids));
        }
        if convention.decoder_frame().is_some() {
            let (input, labels) = convention.decoder_pair(&target, 64)?;
            println!("  decoder input: {}", spelled(&tokenizer, &input));
            println!("  labels:        {}", spelled(&tokenizer, &labels));
        }
        println!();
    }
    Ok(())
}

fn spelled(tokenizer: &Tokenizer, ids: &[u32]) -> String {
    ids.iter()
        .map(|&id| tokenizer.id_to_token(id).unwrap_or_default())
        .collect::<Vec<_>>()
        .join(" ")
}
