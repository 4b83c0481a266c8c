//! Texts tokenized once and kept: a folder per content of the data files, mapped into memory and used again by the next run.
//!
//! ```text
//! prepared/KEY/index.json   what is here: layout, version of the tool, counts, checksums
//!              ids.bin      the ids of all texts, as u16 or u32 by the size of the vocabulary
//!              pieces.bin   where each piece starts among the ids (u64), and where the last one ends
//!              texts.bin    which piece is the first of each text (u64); only if texts are cut into lines
//!              words.bin    whether a word begins at each token, a bit each; only if that is kept
//! ```
//!
//! All numbers are little endian. The key is a hash of the data files' contents, of how they are read and of the tokenizer, so
//! a change of any of them is another folder.

mod index;
mod write;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use self::index::{INDEX, Index};
use crate::texts::{Bytes, Sinks};
use crate::{DataError, Example, SourceConfig, TextForm, TokenizedTexts, Tokenizer};

/// What is tokenized, and how.
#[derive(Clone, Copy, Debug)]
pub struct Preparation<'a> {
    /// The data files and how they are read.
    pub source: &'a SourceConfig,
    /// The tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// How texts become tokens.
    pub form: TextForm,
    /// Whatever else decides which texts there are, in words; empty if nothing does.
    pub selection: &'a str,
}

/// A place for prepared texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreparedEntry {
    folder: PathBuf,
    key: String,
}

impl Preparation<'_> {
    /// Where in `folder` these texts belong; reads the data files through.
    ///
    /// # Errors
    /// A file that cannot be read; a pattern that matches none.
    pub fn entry(&self, folder: &Path) -> Result<PreparedEntry, DataError> {
        let mut hash = blake3::Hasher::new();
        let mut part = |bytes: &[u8]| {
            hash.update(&(bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        let how = SourceConfig {
            files: Vec::new(),
            ..self.source.clone()
        };
        part(&index::LAYOUT.to_le_bytes());
        part(json(&how).as_bytes());
        part(json(&self.form).as_bytes());
        part(self.selection.as_bytes());
        part(self.tokenizer.fingerprint().as_bytes());
        for path in self.source.resolved_files()? {
            part(&hash_of(&path)?);
        }
        let key = hash.finalize().to_hex()[..32].to_owned();
        Ok(PreparedEntry {
            folder: folder.to_owned(),
            key,
        })
    }
}

impl PreparedEntry {
    /// The folder of the texts.
    pub fn path(&self) -> PathBuf {
        self.folder.join(&self.key)
    }

    /// The texts, mapped; `None` if they were not prepared yet.
    ///
    /// # Errors
    /// A folder that is damaged, was made by another version, or is something else.
    pub fn open(&self) -> Result<Option<TokenizedTexts>, DataError> {
        let path = self.path();
        if !path.exists() {
            return Ok(None);
        }
        let index = Index::read(&path, &self.key)?;
        let file = |name: &str| path.join(name);
        let names = Sinks {
            ids: file("ids.bin"),
            pieces: file("pieces.bin"),
            texts: file("texts.bin"),
            words: file("words.bin"),
        };
        for (name, file) in &index.files {
            check(&path, name, file)?;
        }
        let open = |file: &Path| map(&path, file);
        let sinks = Sinks {
            ids: open(&names.ids)?,
            pieces: open(&names.pieces)?,
            texts: open(&names.texts)?,
            words: open(&names.words)?,
        };
        let columns = sinks.into_columns(index.form, index.ids, |bytes| bytes);
        Ok(Some(TokenizedTexts::of_columns(columns)))
    }

    /// Tokenizes the examples' texts into the folder, which is there whole or not at all, and opens it. No more than a batch of
    /// texts lies in memory.
    ///
    /// # Errors
    /// The first example that is an error; a folder that cannot be written.
    pub fn write(
        &self,
        examples: impl Iterator<Item = Result<Example, DataError>>,
        tokenizer: &Tokenizer,
        form: TextForm,
    ) -> Result<TokenizedTexts, DataError> {
        write::write(self, examples, tokenizer, form)?;
        self.open()?
            .ok_or_else(|| damaged(&self.path(), "it vanished while it was being written"))
    }
}

/// Whether a folder holds prepared texts of any kind.
pub fn holds_prepared(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries
        .filter_map(Result::ok)
        .any(|entry| entry.path().join(INDEX).exists())
}

/// Holds a file against what the index says of it.
fn check(folder: &Path, name: &str, expected: &index::FileFacts) -> Result<(), DataError> {
    let path = folder.join(name);
    let size = std::fs::metadata(&path)
        .map_err(|e| damaged(folder, &format!("{name} cannot be read ({e})")))?
        .len();
    if size != expected.bytes {
        return Err(damaged(
            folder,
            &format!(
                "{name} has {size} bytes where {} were written",
                expected.bytes
            ),
        ));
    }
    if blake3::Hash::from(hash_of(&path)?).to_hex().as_str() != expected.blake3 {
        return Err(damaged(
            folder,
            &format!("the content of {name} is not what was written"),
        ));
    }
    Ok(())
}

/// A file in memory without reading it; one that is not there is empty.
fn map(folder: &Path, path: &Path) -> Result<Bytes, DataError> {
    let Ok(file) = File::open(path) else {
        return Ok(Bytes::Memory(Vec::new()));
    };
    let failed = |e: std::io::Error| damaged(folder, &format!("{} ({e})", path.display()));
    // An empty file cannot be mapped everywhere.
    if file.metadata().map_err(failed)?.len() == 0 {
        return Ok(Bytes::Memory(Vec::new()));
    }
    // SAFETY: the map is read only, and nobody writes to the file while it lives: files of a store are written under another
    // name, never changed after they were renamed into place, and any bytes are valid numbers. A stranger who cuts the file
    // short during a run makes the system end the process, as with every mapped file.
    let map = unsafe { Mmap::map(&file) }.map_err(failed)?;
    Ok(Bytes::File(map))
}

fn hash_of(path: &Path) -> Result<[u8; 32], DataError> {
    let failed = |source| DataError::Read {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(failed)?;
    let mut hash = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 17];
    loop {
        let n = file.read(&mut buffer).map_err(failed)?;
        if n == 0 {
            return Ok(*hash.finalize().as_bytes());
        }
        hash.update(&buffer[..n]);
    }
}

fn damaged(folder: &Path, reason: &str) -> DataError {
    DataError::Prepared {
        path: folder.to_owned(),
        reason: reason.to_owned(),
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("plain data")
}
