//! Perplexity and bits per character: a language model's loss in other units.

use crate::error::MetricError;

/// `exp(nll / tokens)`: as unsure as a fair choice among that many tokens. `nll` is the summed negative log-likelihood
/// in nats.
///
/// Comparable only between models with the same tokens (Jelinek et al., 1977, "Perplexity: a measure of the difficulty
/// of speech recognition tasks").
///
/// # Errors
/// No tokens.
pub fn perplexity(nll: f64, tokens: f64) -> Result<f64, MetricError> {
    Ok(mean(nll, tokens, "tokens")?.exp())
}

/// `nll / characters / ln 2`: bits per character of the text, comparable between models with different tokenizers.
/// `nll` is the summed negative log-likelihood in nats, `characters` the number of Unicode code points that the summed
/// tokens stand for.
///
/// # Errors
/// No characters.
pub fn bits_per_character(nll: f64, characters: f64) -> Result<f64, MetricError> {
    Ok(mean(nll, characters, "characters")? / std::f64::consts::LN_2)
}

fn mean(sum: f64, count: f64, unit: &'static str) -> Result<f64, MetricError> {
    if count > 0.0 {
        Ok(sum / count)
    } else {
        Err(MetricError::NothingCounted { unit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uniform_model_is_as_unsure_as_its_vocabulary() {
        let nll = 10.0 * 64f64.ln();
        let ppl = perplexity(nll, 10.0).expect("tokens were counted");
        assert!((ppl - 64.0).abs() < 1e-9);
        let bits = bits_per_character(nll, 20.0).expect("characters were counted");
        assert!((bits - 3.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_counted_is_an_error() {
        let error = perplexity(1.0, 0.0).expect_err("nothing to divide by");
        assert_eq!(
            error.to_string(),
            "the number of tokens must be more than 0 to divide a summed loss by it"
        );
        assert!(bits_per_character(1.0, f64::NAN).is_err());
    }
}
