//! What a decoder starts with, in any architecture's configuration.

use crate::config::ModelConfig;

impl ModelConfig {
    /// The same with this token as the first of a decoder that reads an encoder's output; other models have none.
    pub fn with_decoder_start(mut self, id: u32) -> ModelConfig {
        let start = match &mut self {
            ModelConfig::T5(config) => &mut config.decoder_start_token_id,
            ModelConfig::Marian(config) => &mut config.decoder_start_token_id,
            ModelConfig::Bart(config) => &mut config.decoder_start_token_id,
            ModelConfig::EncoderDecoder(config) => &mut config.decoder_start_token_id,
            _ => return self,
        };
        *start = Some(id);
        self
    }

    /// The same with a decoder that starts with a vector of its own, or with a token's; a model without decoder stays as it is.
    #[must_use]
    pub fn with_learned_start(mut self, is_learned: bool) -> ModelConfig {
        match &mut self {
            ModelConfig::T5(config) => config.decoder_start_vector = is_learned,
            ModelConfig::Marian(config) => config.decoder_start_vector = is_learned,
            ModelConfig::Bart(config) => config.decoder_start_vector = is_learned,
            ModelConfig::EncoderDecoder(config) => config.decoder_start_vector = is_learned,
            ModelConfig::Gpt2(config) => config.decoder_start_vector = is_learned,
            _ => {}
        }
        self
    }

    /// Whether the decoder has a start vector of its own.
    pub fn has_learned_start(&self) -> bool {
        match self {
            ModelConfig::T5(config) => config.decoder_start_vector,
            ModelConfig::Marian(config) => config.decoder_start_vector,
            ModelConfig::Bart(config) => config.decoder_start_vector,
            ModelConfig::EncoderDecoder(config) => config.decoder_start_vector,
            ModelConfig::Gpt2(config) => config.decoder_start_vector,
            _ => false,
        }
    }
}
