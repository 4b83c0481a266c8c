//! Small data sets of the project's own, to try everything on: made from a seed, the same everywhere.
//!
//! ```text
//! sentiment/train.jsonl  dev.jsonl       {"text": "the soup was not good .", "label": "negative"}
//! reviews/train.jsonl    dev.jsonl       {"text": "the soup was very good .", "label": ["food"], "score": 1.25}
//! questions/train.jsonl  dev.jsonl       {"context": "anna lives in rome .", "question": "where does anna live ?", "answers": [..]}
//! translation/train.en   dev.en          the small dog sees the red birds .
//! translation/train.lum  dev.lum         ka dogun mita ke sivelin rosein vidar .
//! pairs/train.jsonl      dev.jsonl       {"text": "he saw the lamp .", "pair": "ke lumen vidis ."}
//! tagging/train.conll    dev.conll       a word and its tag a line: Mary B-PER
//! frames/..                              {"text": "A", "pair": "B"}: what `configs/preview` shows, the same for every seed
//! corpus.txt                             documents of English-like sentences, separated by blank lines
//! ```

mod corpus;
mod frames;
mod pairs;
mod questions;
mod reviews;
mod sentiment;
mod tagging;
mod translation;

use std::fs;
use std::path::{Path, PathBuf};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::DataError;
use crate::seed::{Purpose, rng};

/// A set's own stream of random numbers, so that one set does not depend on the size of another.
#[derive(Clone, Copy, Debug)]
enum Set {
    Sentiment,
    Translation,
    Corpus,
    Reviews,
    Tagging,
    Pairs,
    Questions,
}

/// Writes the sample data into a folder and returns the files. Files that are there already with the same content are
/// left alone.
///
/// # Errors
/// A file that is there with other content, before anything is written; a file that cannot be written.
pub fn write_samples(dir: &Path, seed: u64) -> Result<Vec<PathBuf>, DataError> {
    let stream = |set: Set| rng(seed, Purpose::Sample, set as u64);
    let mut files = sentiment::files(&mut stream(Set::Sentiment));
    files.extend(translation::files(&mut stream(Set::Translation)));
    files.extend(reviews::files(&mut stream(Set::Reviews)));
    files.extend(pairs::files(&mut stream(Set::Pairs)));
    files.extend(tagging::files(&mut stream(Set::Tagging)));
    files.extend(questions::files(&mut stream(Set::Questions)));
    files.extend(frames::files());
    files.push(("corpus.txt", corpus::text(&mut stream(Set::Corpus))));

    let files: Vec<(PathBuf, String)> = files
        .into_iter()
        .map(|(name, content)| (dir.join(name), content))
        .collect();
    for (path, content) in &files {
        if path.exists() && fs::read(path).ok().as_deref() != Some(content.as_bytes()) {
            return Err(DataError::Exists { path: path.clone() });
        }
    }
    for (path, content) in &files {
        write(path, content).map_err(|source| DataError::Write {
            path: path.clone(),
            source,
        })?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

fn write(path: &Path, content: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content)
}

/// One of the choices at random.
fn pick<'a, T>(choices: &'a [T], rng: &mut ChaCha8Rng) -> &'a T {
    &choices[rng.random_range(0..choices.len())]
}
