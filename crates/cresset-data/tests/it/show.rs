//! Tokenizers and conventions of single letters, and ids as a person reads them.

use cresset_data::{Convention, Tokenizer, TokenizerKind, TokenizerTrainConfig};

/// A tokenizer of single characters for a preset, with the preset.
pub fn letters(preset: &str) -> (Tokenizer, Convention) {
    let config = TokenizerTrainConfig::new(TokenizerKind::Characters);
    let text = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ :'";
    let tokenizer = Tokenizer::train(&config, [text], preset).unwrap();
    let convention = Convention::preset(preset, &tokenizer).unwrap();
    (tokenizer, convention)
}

/// The spellings of ids, separated by spaces; runs of single characters together.
pub fn spell(tokenizer: &Tokenizer, ids: &[u32]) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut in_text = false;
    for &id in ids {
        let token = tokenizer.id_to_token(id).unwrap();
        let is_text = token.chars().count() == 1;
        match words.last_mut() {
            Some(word) if is_text && in_text => word.push_str(&token),
            _ => words.push(token),
        }
        in_text = is_text;
    }
    words.join(" ")
}
