//! Writes a folder of prepared texts beside its place and renames it into it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::index::{FileFacts, INDEX, Index, LAYOUT};
use super::{PreparedEntry, json};
use crate::texts::{Sinks, Width, Writer, write_texts};
use crate::{DataError, Example, TextForm, Tokenizer, Unit, Words};

/// A file that knows the hash of what was written into it.
struct HashedFile {
    file: BufWriter<File>,
    hash: blake3::Hasher,
    bytes: u64,
}

impl HashedFile {
    fn create(path: &Path) -> io::Result<Self> {
        Ok(HashedFile {
            file: BufWriter::with_capacity(1 << 17, File::create(path)?),
            hash: blake3::Hasher::new(),
            bytes: 0,
        })
    }

    /// The file's facts, once it is on the disk.
    fn finish(self) -> io::Result<FileFacts> {
        let file = self
            .file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(FileFacts {
            bytes: self.bytes,
            blake3: self.hash.finalize().to_hex().to_string(),
        })
    }
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

pub(super) fn write(
    entry: &PreparedEntry,
    examples: impl Iterator<Item = Result<Example, DataError>>,
    tokenizer: &Tokenizer,
    form: TextForm,
) -> Result<(), DataError> {
    let failed = |source: io::Error| DataError::Write {
        path: entry.path(),
        source,
    };
    let folder = temporary(&entry.folder).map_err(failed)?;
    let create = |name: &str| HashedFile::create(&folder.path().join(name)).map_err(failed);
    let sinks = Sinks {
        ids: create("ids.bin")?,
        pieces: create("pieces.bin")?,
        texts: create("texts.bin")?,
        words: create("words.bin")?,
    };
    let mut writer = Writer::new(sinks, form, tokenizer.vocab_size());
    let mut sources: Vec<String> = Vec::new();
    let texts = examples.map(|example| {
        let example = example?;
        if let Some(file) = &example.file {
            let name = file.display().to_string();
            if sources.last() != Some(&name) {
                sources.push(name);
            }
        }
        Ok(form.text_of(&example).into_owned())
    });
    write_texts(texts, tokenizer, form, |text| {
        writer.push(&text).map_err(failed)
    })?;
    let (sinks, counts) = writer.finish().map_err(failed)?;
    let written = [
        ("ids.bin", sinks.ids, true),
        ("pieces.bin", sinks.pieces, true),
        ("texts.bin", sinks.texts, form.unit == Unit::Line),
        ("words.bin", sinks.words, form.words != Words::Dropped),
    ];
    let mut files = BTreeMap::new();
    for (name, file, is_needed) in written {
        let facts = file.finish().map_err(failed)?;
        if is_needed {
            files.insert(name.to_owned(), facts);
        } else {
            fs::remove_file(folder.path().join(name)).map_err(failed)?;
        }
    }
    let index = Index {
        layout: LAYOUT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        key: entry.key.clone(),
        sources,
        form,
        ids: Width::of_ids(tokenizer.vocab_size()),
        n_texts: counts.texts,
        n_pieces: counts.pieces,
        n_tokens: counts.tokens,
        files,
    };
    fs::write(folder.path().join(INDEX), json(&index) + "\n").map_err(failed)?;
    let written = folder.keep();
    match fs::rename(&written, entry.path()) {
        // Another run prepared the same texts meanwhile.
        Err(_) if entry.path().join(INDEX).exists() => fs::remove_dir_all(written).map_err(failed),
        result => result.map_err(failed),
    }
}

/// A folder that is removed unless it becomes the entry, readable like any other.
fn temporary(folder: &Path) -> io::Result<tempfile::TempDir> {
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".writing-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755));
    builder.tempdir_in(folder)
}
