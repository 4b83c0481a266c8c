//! What can be wrong with data, tokenizers and conventions.

use std::path::PathBuf;

/// Everything a user or a file can cause in this crate; each message says what, where and the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file cannot be opened or read.
    #[error("cannot read {}: {source}; check the path and its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}; choose another folder or free some space", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file would be overwritten with something else.
    #[error("{} already exists with other content; choose an empty folder or remove the file", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file without any example.
    #[error("{} holds no example; check that it is the right file and that its format is {format}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// The format it was read as.
        format: String,
    },
    /// A list of files that does not fit the format.
    #[error("{0}")]
    Files(String),
    /// A split that makes no sense.
    #[error("{0}")]
    Split(String),
    /// A compressed file that cannot be unpacked.
    #[error("{}: the {packing} archive {ending}; copy or download the file again", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// `gzip` or `zstd`.
        packing: &'static str,
        /// `ends too early` or `is damaged`.
        ending: &'static str,
    },
    /// A Parquet file that cannot be read.
    #[error("{}: not a Parquet file, or a damaged one ({reason}); copy or download the file again, or set data.format to what it is", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        reason: String,
    },
    /// Bytes that are not text.
    #[error("{}, line {line}: byte {column} of the line is not valid UTF-8; convert the file to UTF-8, for example with iconv", path.display())]
    Utf8 {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The byte in the line, from 1.
        column: usize,
    },
    /// A zero byte.
    #[error("{}, line {line}: byte {column} of the line is a NUL byte, which no text holds; if the file is UTF-16, convert it to UTF-8, for example with iconv", path.display())]
    Nul {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The byte in the line, from 1.
        column: usize,
    },
    /// A line that no one can have meant as one.
    #[error("{}, line {line}: longer than {limit} MiB; check that the file has line breaks and that its format is the one given", path.display())]
    LongLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The longest line that is read, in MiB.
        limit: usize,
    },
    /// A line that is not a JSON object.
    #[error("{}, line {line}: not a JSON object ({reason}); each line must be one, as in {{\"text\": \"...\", \"label\": \"...\"}}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser said.
        reason: String,
    },
    /// A line without a field it needs.
    #[error("{}, line {line}: no field \"{field}\" (there are: {}); correct the line or set data.fields.{role} to the field that holds the {role}", path.display(), present.join(", "))]
    MissingField {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The field that was looked for.
        field: String,
        /// What the field is for: text, pair, label, ...
        role: &'static str,
        /// The fields that are there.
        present: Vec<String>,
    },
    /// A path into nested fields that ends too early.
    #[error("{}, line {line}: field \"{field}\" has {gap}; correct the line or set data.fields.{role} to the field that holds the {role}", path.display())]
    MissingPiece {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The whole path.
        field: String,
        /// What the field is for.
        role: &'static str,
        /// The piece that is not there, and what stands in its place.
        gap: String,
    },
    /// A field of the wrong type.
    #[error("{}, line {line}: field \"{field}\" is {found}, but a {role} must be {expected}; correct the line", path.display())]
    FieldType {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The field.
        field: String,
        /// What the field is for.
        role: &'static str,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// An answer that does not stand where it says.
    #[error("{}, line {line}: {reason}; correct answer_start, which counts characters from 0, or set data.fields.pair to the field that holds the context", path.display())]
    Answer {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A file that is not SQuAD's, or holds an answer that does not stand where it says.
    #[error("{}, line {line}: {reason}; correct the file, which must be as SQuAD's are: data, paragraphs, context, qas, question, answers, text, answer_start", path.display())]
    Squad {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A table without a column it needs.
    #[error("{}: no column \"{column}\" in its header (there are: {}); correct the header or set data.fields.{role} to the column that holds the {role}", path.display(), present.join(", "))]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column that was looked for.
        column: String,
        /// What the column is for.
        role: &'static str,
        /// The columns that are there.
        present: Vec<String>,
    },
    /// A table whose header names a column twice.
    #[error("{}: columns {} and {} of its header are both named \"{column}\"; rename one of them", path.display(), places[0], places[1])]
    TwoColumns {
        /// The file.
        path: PathBuf,
        /// The name.
        column: String,
        /// The columns' numbers, from 1.
        places: [usize; 2],
    },
    /// A quoted cell without its end.
    #[error("{}, line {line}: the quote that opens in this line is never closed; close it, double quotes inside of a cell, or set data.format to tsv if quotes are ordinary characters", path.display())]
    OpenQuote {
        /// The file.
        path: PathBuf,
        /// The line of the opening quote, from 1.
        line: usize,
    },
    /// A row of a table with too few or too many cells.
    #[error("{}, line {line}: {found} cells, but the header has {expected}; quote cells that hold the separator or correct the row", path.display())]
    Ragged {
        /// The file.
        path: PathBuf,
        /// The line at which the row starts, from 1.
        line: usize,
        /// Cells in the row.
        found: usize,
        /// Columns in the header.
        expected: usize,
    },
    /// A table that cannot be parsed.
    #[error("{}, line {line}: {reason}; correct the row's quoting", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser said.
        reason: String,
    },
    /// A word's line with other columns than the words before it.
    #[error("{}, line {line}: {found} columns where there must be {expected}; give every word the same columns and separate sentences by a blank line", path.display())]
    Columns {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Columns of the line.
        found: usize,
        /// Columns of the first word's line, or of the format; `2 or more` if there are too few for a tag.
        expected: String,
    },
    /// A column of a tagged file that cannot be what it is named for.
    #[error(
        "data.fields.{role} is {column:?}, but the columns of format {format} are {columns}; name one of them"
    )]
    NoColumn {
        /// What the column is for.
        role: &'static str,
        /// The column asked for.
        column: String,
        /// The format.
        format: &'static str,
        /// Those that there are, in words.
        columns: String,
    },
    /// Parallel files of different lengths.
    #[error("{} has {source_lines} lines but {} has {target_lines}; line n of one must be the translation of line n of the other", source_path.display(), target_path.display())]
    LineCount {
        /// The source side.
        source_path: PathBuf,
        /// Its lines.
        source_lines: usize,
        /// The target side.
        target_path: PathBuf,
        /// Its lines.
        target_lines: usize,
    },
    /// A tokenizer that cannot be loaded.
    #[error("cannot load a tokenizer from {}: {reason}", path.display())]
    TokenizerFile {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong and the way out.
        reason: String,
    },
    /// A tokenizer that cannot be trained as asked.
    #[error("cannot train the tokenizer: {0}")]
    TokenizerTraining(String),
    /// A convention that does not exist.
    #[error("there is no convention \"{name}\"; choose one of {}", known.join(", "))]
    UnknownConvention {
        /// What was asked for.
        name: String,
        /// The presets.
        known: Vec<&'static str>,
    },
    /// A special token that the tokenizer does not have.
    #[error("convention {convention} needs a {role} token, but the tokenizer has no {}; set special.overrides.{role} to a token it has, choose another convention or train a tokenizer for this one", tokens.join(" or "))]
    MissingToken {
        /// The convention.
        convention: String,
        /// The role: pad, cls, bos, ...
        role: &'static str,
        /// The tokens looked for.
        tokens: Vec<String>,
    },
    /// A role that the convention leaves open.
    #[error(
        "the convention {convention} has no {role} token, which {needed_by} needs; set special.overrides.{role} or choose another convention"
    )]
    MissingRole {
        /// The convention.
        convention: String,
        /// The role.
        role: &'static str,
        /// Who needs it.
        needed_by: &'static str,
    },
    /// Too few tokens that stand for spans.
    #[error(
        "the convention {convention} has {found} sentinels with this tokenizer, and span corruption needs at least 2; use convention t5 and a tokenizer with <extra_id_0>, <extra_id_1>, ..."
    )]
    MissingSentinels {
        /// The convention.
        convention: String,
        /// How many there are.
        found: usize,
    },
    /// An encoder input of a decoder-only convention, or the other way round.
    #[error("the convention {convention} has no {side}; choose one that has, such as {examples}")]
    NoFrame {
        /// The convention.
        convention: String,
        /// `encoder input` or `decoder`.
        side: &'static str,
        /// Conventions that have it.
        examples: &'static str,
    },
    /// A maximal length that the special tokens alone exceed.
    #[error(
        "a maximal length of {max} leaves no room for text: the frame {frame} has {special} special tokens; raise data.max_length"
    )]
    NoRoom {
        /// The maximal length in tokens.
        max: usize,
        /// Special tokens of the frame.
        special: usize,
        /// The frame.
        frame: String,
    },
    /// A text that already holds the special token that the frame puts there.
    #[error(
        "the text already {place} with {token}, which the convention {convention} adds by itself; remove it from the data, or it would be there twice"
    )]
    DoubleSpecial {
        /// The convention.
        convention: String,
        /// The token.
        token: String,
        /// `starts` or `ends`.
        place: &'static str,
    },
    /// A folder of prepared texts that is not what it should be.
    #[error("{} cannot be used as prepared texts: {reason}; remove it, and the next run prepares them again, or set data.prepared to another folder", path.display())]
    Prepared {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A stored convention that cannot be read.
    #[error("{}: {reason}; set special.convention in the config or restore the file", path.display())]
    ConventionFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}
