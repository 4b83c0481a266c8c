//! Where the vector of a token comes from.

use std::path::{Path, PathBuf};

use cresset_data::Tokenizer;
use cresset_model::{normal, read_token_table, read_vector};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::refuse;
use crate::RunError;

/// Where the vector of a token comes from. "The vocabulary" are the rows of the tokenizer's ordinary tokens: special tokens and rows
/// without a token do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenInit {
    /// Normal around zero.
    Random,
    /// Zeros.
    Zeros,
    /// The mean of the vocabulary.
    Mean,
    /// A draw from the normal distribution with the vocabulary's mean and covariance (Hewitt 2021, Initializing new word embeddings
    /// for pretrained language models).
    MeanCovariance,
    /// As this token begins.
    Copy(String),
    /// As the token of the same spelling is in the model of this folder.
    Pretrained(PathBuf),
    /// The vector of this file: a JSON list, or the only tensor of a safetensors file.
    Vector(PathBuf),
}

/// Spellings, as an error lists them.
const SPELLINGS: &[&str] = &[
    "random",
    "zeros",
    "mean",
    "mean-covariance",
    "copy:TOKEN",
    "pretrained:FOLDER",
    "vector:FILE",
];

impl TokenInit {
    /// By its spelling in a config.
    pub fn parse(spelling: &str) -> Option<TokenInit> {
        Some(match spelling {
            "random" => TokenInit::Random,
            "zeros" => TokenInit::Zeros,
            "mean" => TokenInit::Mean,
            "mean-covariance" => TokenInit::MeanCovariance,
            other => {
                let (kind, what) = other.split_once(':').filter(|(_, what)| !what.is_empty())?;
                match kind {
                    "copy" => TokenInit::Copy(what.to_owned()),
                    "pretrained" => TokenInit::Pretrained(what.into()),
                    "vector" => TokenInit::Vector(what.into()),
                    _ => return None,
                }
            }
        })
    }

    /// Its spelling in a config.
    pub fn spelling(&self) -> String {
        match self {
            TokenInit::Random => "random".to_owned(),
            TokenInit::Zeros => "zeros".to_owned(),
            TokenInit::Mean => "mean".to_owned(),
            TokenInit::MeanCovariance => "mean-covariance".to_owned(),
            TokenInit::Copy(token) => format!("copy:{token}"),
            TokenInit::Pretrained(folder) => format!("pretrained:{}", folder.display()),
            TokenInit::Vector(file) => format!("vector:{}", file.display()),
        }
    }
}

impl Serialize for TokenInit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.spelling())
    }
}

impl<'de> Deserialize<'de> for TokenInit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spelling = String::deserialize(deserializer)?;
        TokenInit::parse(&spelling).ok_or_else(|| de::Error::unknown_variant(&spelling, SPELLINGS))
    }
}

/// A table of token vectors on the host, as it is before any policy.
pub(super) struct Table<'a> {
    pub(super) values: &'a [f32],
    pub(super) size: usize,
    /// The rows of the vocabulary.
    pub(super) ordinary: &'a [usize],
    pub(super) tokenizer: &'a Tokenizer,
    pub(super) seed: u64,
}

/// A token whose vector is to begin otherwise.
pub(super) struct Beginner<'a> {
    /// Whose policy it is, for errors.
    pub(super) role: &'a str,
    pub(super) token: &'a str,
    pub(super) init: &'a TokenInit,
    pub(super) std: Option<f64>,
}

impl Table<'_> {
    /// The first vector of a token.
    ///
    /// # Errors
    /// A token or file that is not there, a vector of another length.
    pub(super) fn begin(&self, beginner: &Beginner<'_>) -> Result<Vec<f32>, RunError> {
        let size = self.size;
        match beginner.init {
            TokenInit::Zeros => Ok(vec![0.0; size]),
            TokenInit::Random => {
                let std = match beginner.std {
                    Some(std) => std,
                    None => self.spread()?,
                };
                Ok(self.draw(beginner.token, std, size))
            }
            TokenInit::Mean => Ok(narrow(self.mean()?)),
            TokenInit::MeanCovariance => self.drawn_like_the_vocabulary(beginner.token),
            TokenInit::Copy(token) => match self.tokenizer.token_to_id(token) {
                Some(id) if self.row(id as usize).is_some() => {
                    Ok(self.row(id as usize).unwrap_or_default().to_vec())
                }
                _ => refuse(format!(
                    "special.policy.{}.init copies {token}, which the tokenizer does not have; correct the spelling",
                    beginner.role
                )),
            },
            TokenInit::Pretrained(folder) => self.pretrained(beginner, folder),
            TokenInit::Vector(file) => {
                let vector = read_vector(file)?;
                self.fitting(beginner, vector, &file.display().to_string())
            }
        }
    }

    fn row(&self, row: usize) -> Option<&[f32]> {
        self.values.get(row * self.size..(row + 1) * self.size)
    }

    fn draw(&self, token: &str, std: f64, count: usize) -> Vec<f32> {
        normal(self.seed, &format!("special.policy {token}"), std, count)
    }

    /// The rows of the vocabulary.
    fn vocabulary(&self) -> Result<impl Iterator<Item = &[f32]>, RunError> {
        if self.ordinary.is_empty() {
            return refuse(
                "special.policy asks for the vocabulary's mean or spread, but the tokenizer has special tokens alone; choose another init".to_owned(),
            );
        }
        Ok(self.ordinary.iter().filter_map(|&row| self.row(row)))
    }

    fn mean(&self) -> Result<Vec<f64>, RunError> {
        let mut sum = vec![0.0; self.size];
        for row in self.vocabulary()? {
            sum.iter_mut()
                .zip(row)
                .for_each(|(s, &v)| *s += f64::from(v));
        }
        let count = self.ordinary.len() as f64;
        sum.iter_mut().for_each(|s| *s /= count);
        Ok(sum)
    }

    /// The root of the mean square of the vocabulary's numbers.
    fn spread(&self) -> Result<f64, RunError> {
        let squares: f64 = self
            .vocabulary()?
            .flatten()
            .map(|&v| f64::from(v).powi(2))
            .sum();
        Ok((squares / (self.ordinary.len() * self.size) as f64).sqrt())
    }

    /// The mean plus the centred rows weighted by independent normal numbers: with n rows and weights over the root of n, that has
    /// exactly the vocabulary's covariance, without the matrix being formed.
    fn drawn_like_the_vocabulary(&self, token: &str) -> Result<Vec<f32>, RunError> {
        let mean = self.mean()?;
        let weights = self.draw(token, 1.0, self.ordinary.len());
        let scale = 1.0 / (self.ordinary.len() as f64).sqrt();
        let mut drawn = mean.clone();
        for (row, weight) in self.vocabulary()?.zip(weights) {
            let weight = f64::from(weight) * scale;
            for ((drawn, &value), mean) in drawn.iter_mut().zip(row).zip(&mean) {
                *drawn += weight * (f64::from(value) - mean);
            }
        }
        Ok(narrow(drawn))
    }

    fn pretrained(&self, beginner: &Beginner<'_>, folder: &Path) -> Result<Vec<f32>, RunError> {
        let token = beginner.token;
        let Some(id) = Tokenizer::load(folder)?.token_to_id(token) else {
            return refuse(format!(
                "special.policy.{}.init takes {token} from {}, whose tokenizer does not have it; choose another folder or init",
                beginner.role,
                folder.display()
            ));
        };
        let (values, size) = read_token_table(folder)?;
        let from = id as usize * size;
        let row = values.get(from..from + size).unwrap_or_default().to_vec();
        self.fitting(beginner, row, &folder.display().to_string())
    }

    fn fitting(
        &self,
        beginner: &Beginner<'_>,
        vector: Vec<f32>,
        from: &str,
    ) -> Result<Vec<f32>, RunError> {
        if vector.len() != self.size {
            return refuse(format!(
                "special.policy.{}.init takes a vector of {} numbers from {from}, but this model's token vectors have {}; choose a model or file of that width",
                beginner.role,
                vector.len(),
                self.size
            ));
        }
        match vector.iter().find(|v| !v.is_finite()) {
            Some(bad) => refuse(format!(
                "special.policy.{}.init takes a vector from {from} that holds {bad}; correct the file",
                beginner.role
            )),
            None => Ok(vector),
        }
    }
}

fn narrow(values: Vec<f64>) -> Vec<f32> {
    values.into_iter().map(|v| v as f32).collect()
}

#[cfg(test)]
mod tests {
    use cresset_data::{TokenizerKind, TokenizerTrainConfig};

    use super::*;

    fn tokenizer() -> Tokenizer {
        let config = TokenizerTrainConfig {
            vocab_size: 40,
            min_frequency: 1,
            ..TokenizerTrainConfig::new(TokenizerKind::Wordpiece)
        };
        Tokenizer::train(&config, ["ab cd"], "bert").expect("trains")
    }

    fn begin(init: TokenInit, token: &str, values: &[f32], ordinary: &[usize]) -> Vec<f32> {
        let tokenizer = tokenizer();
        let table = Table {
            values,
            size: 2,
            ordinary,
            tokenizer: &tokenizer,
            seed: 3,
        };
        let beginner = Beginner {
            role: "cls",
            token,
            init: &init,
            std: None,
        };
        table.begin(&beginner).expect("a vector")
    }

    #[test]
    fn a_spelling_comes_back_as_it_was_written() {
        for spelling in [
            "random",
            "zeros",
            "mean",
            "mean-covariance",
            "copy:[SEP]",
            "copy::",
            "pretrained:models/a",
            "vector:a.json",
        ] {
            let init = TokenInit::parse(spelling).expect("known");
            assert_eq!(init.spelling(), spelling);
        }
        for wrong in ["", "copy:", "copy", "means", "file:a"] {
            assert_eq!(TokenInit::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_mean_is_that_of_the_ordinary_rows() {
        let values = [100.0, 100.0, 1.0, 2.0, 3.0, 6.0];
        assert_eq!(
            begin(TokenInit::Mean, "[CLS]", &values, &[1, 2]),
            [2.0, 4.0]
        );
        assert_eq!(
            begin(TokenInit::Zeros, "[CLS]", &values, &[1, 2]),
            [0.0, 0.0]
        );
        // [UNK] is row 1.
        let copied = begin(TokenInit::Copy("[UNK]".into()), "[CLS]", &values, &[1, 2]);
        assert_eq!(copied, [1.0, 2.0]);
    }

    #[test]
    fn a_draw_like_the_vocabulary_has_its_mean_and_covariance() {
        // Correlated columns: the second is twice the first but for a wave.
        let n = 50;
        let values: Vec<f32> = (0..n)
            .flat_map(|i| {
                let x = (i as f32 * 0.7).sin() + 1.0;
                [x, 2.0 * x + (i as f32 * 1.9).cos()]
            })
            .collect();
        let ordinary: Vec<usize> = (0..n).collect();
        let moments = |rows: &[Vec<f64>]| -> [f64; 5] {
            let count = rows.len() as f64;
            let mean =
                |f: &dyn Fn(&[f64]) -> f64| rows.iter().map(|row| f(row)).sum::<f64>() / count;
            let (a, b) = (mean(&|r| r[0]), mean(&|r| r[1]));
            let of = |i: usize, j: usize| mean(&|r| (r[i] - [a, b][i]) * (r[j] - [a, b][j]));
            [a, b, of(0, 0), of(0, 1), of(1, 1)]
        };
        let wide = |row: &[f32]| row.iter().map(|&v| f64::from(v)).collect::<Vec<f64>>();
        let right = moments(&values.chunks(2).map(wide).collect::<Vec<_>>());
        let draws: Vec<Vec<f64>> = (0..4000)
            .map(|k| {
                let token = format!("token {k}");
                wide(&begin(
                    TokenInit::MeanCovariance,
                    &token,
                    &values,
                    &ordinary,
                ))
            })
            .collect();
        for (ours, right) in moments(&draws).iter().zip(right) {
            // Four thousand draws: a standard error of two or three hundredths.
            assert!((ours - right).abs() < 0.15, "{ours} and {right}");
        }
    }

    #[test]
    fn a_random_vector_is_as_wide_as_the_vocabulary_and_differs_from_token_to_token() {
        let values = [3.0, -3.0, 3.0, 3.0];
        let drawn: Vec<f32> = (0..2000)
            .flat_map(|k| begin(TokenInit::Random, &format!("{k}"), &values, &[0, 1]))
            .collect();
        let square = drawn.iter().map(|v| v * v).sum::<f32>() / drawn.len() as f32;
        assert!((square.sqrt() - 3.0).abs() < 0.15, "{square}");
        assert_ne!(drawn[..2], drawn[2..4]);
    }
}
