//! The command line.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Trains, studies and runs transformer language models.
#[derive(Debug, Parser)]
#[command(name = "cresset", version, about, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Flags that every command takes.
    #[command(flatten)]
    pub common: Common,
}

/// Flags that every command takes.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// The device, as listed by `cresset devices`
    #[arg(
        long,
        global = true,
        default_value = "auto",
        help = "auto | flex | ndarray | wgpu[:i] | vulkan[:i] | metal[:i] | cuda[:i]; i is the row of `cresset devices`"
    )]
    pub device: String,
    /// Override a config value, as in --set optim.adamw.lr=1e-4; may be given several times
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Seed of everything random; overrides the config's
    #[arg(long, global = true)]
    pub seed: Option<u64>,
    /// CPU threads; all cores by default
    #[arg(long, global = true)]
    pub threads: Option<usize>,
    /// Only errors and results
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Results as JSON
    #[arg(long, global = true)]
    pub json: bool,
}

impl Common {
    /// Tells news on stderr, unless they are not wanted.
    pub fn news(&self) -> impl Fn(&str) + use<> {
        let quiet = self.quiet;
        move |line| {
            if !quiet {
                eprintln!("{line}");
            }
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a model as a config file says
    Train(TrainArgs),
    /// Measure a model on labelled data
    Evaluate(EvaluateArgs),
    /// Answer by the model's head: classes, the tokens behind each mask, or answers found in a text
    Predict(PredictArgs),
    /// Generate text
    Generate(GenerateArgs),
    /// Turn texts into vectors
    Embed(EmbedArgs),
    /// Tokenize a config's texts once, for all runs on them
    Prepare(PrepareArgs),
    /// Print the examples of a training batch as a person reads them
    Preview(PreviewArgs),
    /// Write raw logits and hidden states, for comparisons
    Forward(ForwardArgs),
    /// Check a model's conventions, padding, causality and generation on the model itself
    Doctor(DoctorArgs),
    /// Look at what the special vectors do
    #[command(subcommand)]
    Lab(LabCommand),
    /// Train or inspect a tokenizer
    #[command(subcommand)]
    Tokenizer(TokenizerCommand),
    /// List the devices compiled in and found
    Devices,
    /// Time a training step or the writing of a benchmark case, or the input pipeline of a config
    Bench(BenchArgs),
    /// Write the project's own small data sets
    SampleData(SampleDataArgs),
}

/// `cresset train`.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// The TOML config
    pub config: PathBuf,
    /// auto: continue the run in train.out if there is one; never: refuse a folder that holds a run; or a checkpoint folder
    #[arg(long, default_value = "auto")]
    pub resume: String,
    /// Show the run on the whole screen: curves, metrics, special vectors; q stops it with a checkpoint
    #[arg(long)]
    pub dashboard: bool,
}

/// `cresset evaluate`.
#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// The model folder
    pub model: PathBuf,
    /// Data files, in the format the model was trained on unless --format says otherwise
    #[arg(long, required = true, num_args = 1..)]
    pub data: Vec<PathBuf>,
    /// jsonl | csv | tsv | text | paragraphs | parallel | whole-file | conll | conllu | squad | parquet
    #[arg(long)]
    pub format: Option<String>,
    /// Rows per batch
    #[arg(long, default_value_t = 64)]
    pub batch_size: usize,
    /// Start decoding with this token, as the tokenizer spells it, instead of the one the model was trained with
    #[arg(long, value_name = "TOKEN")]
    pub decoder_start: Option<String>,
}

/// `cresset predict`.
#[derive(Debug, Args)]
pub struct PredictArgs {
    /// The model folder
    pub model: PathBuf,
    /// JSON lines with `text` (and `pair`), or `question` and `context`, or `-` for standard input
    #[arg(long)]
    pub input: PathBuf,
    /// Rows per batch
    #[arg(long, default_value_t = 64)]
    pub batch_size: usize,
    /// Candidates per mask of a masked language model, or answers per question
    #[arg(long, default_value_t = 5)]
    pub top: usize,
}

/// `cresset generate`.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// The model folder
    pub model: PathBuf,
    /// JSON lines with `text`, plain lines with --text, or `-` for standard input
    #[arg(long)]
    pub input: PathBuf,
    /// The input is plain text, one source or prompt a line, and so is the output
    #[arg(long)]
    pub text: bool,
    /// Most tokens to generate
    #[arg(long, default_value_t = 128)]
    pub max_new_tokens: usize,
    /// Rows per batch
    #[arg(long, default_value_t = 32)]
    pub batch_size: usize,
    /// Start decoding with this token, as the tokenizer spells it, instead of the one the model was trained with
    #[arg(long, value_name = "TOKEN")]
    pub decoder_start: Option<String>,
}

/// `cresset embed`.
#[derive(Debug, Args)]
pub struct EmbedArgs {
    /// The model folder
    pub model: PathBuf,
    /// JSON lines with `text`, or `-` for standard input
    #[arg(long)]
    pub input: PathBuf,
    /// cls | mean | max | last | first-last-avg, or several (cls,mean) one behind the other; by default the one stored with the model, or the mean
    #[arg(long)]
    pub pooling: Option<String>,
    /// Scale vectors to length 1; by default as stored with the model, or not; --normalize=false turns it off
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub normalize: Option<bool>,
    /// Rows per batch
    #[arg(long, default_value_t = 64)]
    pub batch_size: usize,
    /// How the vectors are written: JSON lines on standard output, or into --out
    #[arg(long, value_enum, default_value_t)]
    pub format: EmbedFormat,
    /// The file to write, of tensorboard the folder
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// How embeddings are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum EmbedFormat {
    /// One object per text, with `id` and `embedding`.
    #[default]
    Jsonl,
    /// One matrix, as `numpy.load` reads it.
    Npy,
    /// One matrix named `embeddings`.
    Safetensors,
    /// The files of TensorBoard's embedding projector.
    Tensorboard,
}

/// `cresset prepare`.
#[derive(Debug, Args)]
pub struct PrepareArgs {
    /// The TOML config
    pub config: PathBuf,
}

/// `cresset preview`.
#[derive(Debug, Args)]
pub struct PreviewArgs {
    /// The TOML config
    pub config: PathBuf,
    /// The batch's number
    #[arg(long, default_value_t = 0)]
    pub batch: u64,
    /// Most rows to print
    #[arg(long, default_value_t = 8)]
    pub rows: usize,
    /// Colours: auto has them on a terminal unless NO_COLOR is set, and everywhere if CLICOLOR_FORCE is
    #[arg(long, value_enum, default_value_t)]
    pub color: Color,
}

/// When there are colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// As the terminal and the environment say.
    #[default]
    Auto,
    /// In a file and a pipe too.
    Always,
    /// Not at all.
    Never,
}

/// `cresset forward`.
#[derive(Debug, Args)]
pub struct ForwardArgs {
    /// The model folder
    pub model: PathBuf,
    /// JSON with `input_ids`, `attention_mask`, `token_type_ids`, `position_ids`, `decoder_input_ids`
    #[arg(long)]
    pub input: PathBuf,
    /// The file to write: .npz for NumPy, .json for nested lists, and else safetensors
    #[arg(long)]
    pub output: PathBuf,
    /// Write the hidden states of the embeddings and every layer too
    #[arg(long)]
    pub hidden_states: bool,
    /// Write the attention probabilities of every layer and head too, and the hidden states
    #[arg(long)]
    pub attention: bool,
}

/// `cresset doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The model folder, or a TOML config, whose model is checked as it begins
    pub model: PathBuf,
    /// The text of the examples
    #[arg(long, default_value = "The old cat sleeps.")]
    pub text: String,
    /// Their second text, or target
    #[arg(long, default_value = "It is tired.")]
    pub pair: String,
}

/// `cresset lab`.
#[derive(Debug, Subcommand)]
pub enum LabCommand {
    /// Measure what the special vectors of a trained model hold and do
    Probe(ProbeArgs),
    /// Train a grid of settings under several seeds and compare them
    Ablate(AblateArgs),
    /// Make one HTML page of runs, sweeps, probes and attention
    Report(ReportArgs),
}

/// `cresset lab probe`.
#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// The model folder
    pub model: PathBuf,
    /// Data files: JSON lines with `text` (and `pair`), and `label`, `score` or `target`
    #[arg(long, required = true, num_args = 1..)]
    pub data: Vec<PathBuf>,
    /// jsonl | csv | tsv | text | paragraphs | parallel | whole-file | conll | conllu | squad | parquet; jsonl by default
    #[arg(long)]
    pub format: Option<String>,
    /// Most texts to look at; of more, some are drawn at random
    #[arg(long, default_value_t = 1000)]
    pub limit: usize,
    /// A file for the report as JSON
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Texts per batch
    #[arg(long, default_value_t = 32)]
    pub batch_size: usize,
}

/// `cresset lab ablate`.
#[derive(Debug, Args)]
pub struct AblateArgs {
    /// The TOML file of the study; the same command continues a sweep that was stopped
    pub study: PathBuf,
    /// Runs beside one another, which share --threads among them
    #[arg(long, default_value = "1", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub jobs: usize,
    /// Only print the command of each run
    #[arg(long)]
    pub dry_run: bool,
    /// Train nothing: only print what the finished runs show so far
    #[arg(long, conflicts_with = "dry_run")]
    pub so_far: bool,
}

/// `cresset lab report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Folders of runs, and of sweeps of `lab ablate`
    pub folders: Vec<PathBuf>,
    /// Reports of `lab probe --out`
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub probe: Vec<PathBuf>,
    /// A model folder whose attention is shown
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,
    /// Sentences for it: one a line, or JSON lines with `text`, `pair` and `target` (.jsonl); a few of the project's own by default
    #[arg(long, value_name = "FILE", requires = "model")]
    pub sentences: Option<PathBuf>,
    /// Language of headings and captions; the glossary is in both
    #[arg(long, value_enum, default_value_t)]
    pub lang: ReportLanguage,
    /// Heading of the page
    #[arg(long)]
    pub title: Option<String>,
    /// The HTML file to write
    #[arg(long)]
    pub out: PathBuf,
}

/// What a report is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportLanguage {
    /// English.
    #[default]
    En,
    /// Chinese.
    Zh,
    /// Both.
    Both,
}

/// `cresset tokenizer`.
#[derive(Debug, Subcommand)]
pub enum TokenizerCommand {
    /// Train a tokenizer as a config's tokenizer section says, on its training data
    Train {
        /// The TOML config
        config: PathBuf,
        /// The folder to write
        #[arg(long)]
        out: PathBuf,
    },
    /// Show frames, special tokens, the pieces of a text, and lengths and unknown tokens over a file
    Inspect(InspectArgs),
}

/// `cresset tokenizer inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The tokenizer or model folder
    pub folder: PathBuf,
    /// Convention preset; by default the folder's own
    #[arg(long)]
    pub convention: Option<String>,
    /// A text to cut into pieces and to frame
    #[arg(long)]
    pub text: Option<String>,
    /// A second text beside it: the other of a pair, or what a decoder is to write
    #[arg(long, requires = "text")]
    pub pair: Option<String>,
    /// A file whose texts are measured
    #[arg(long)]
    pub file: Option<PathBuf>,
    /// The file's format: text (one a line) | jsonl | csv | tsv | paragraphs | whole-file | conll | conllu | squad | parquet
    #[arg(long, default_value = "text")]
    pub format: String,
    /// Say how many of the file's texts are longer, special tokens counted
    #[arg(long, requires = "file")]
    pub max_length: Option<usize>,
    /// Colours: auto has them on a terminal unless NO_COLOR is set, and everywhere if CLICOLOR_FORCE is
    #[arg(long, value_enum, default_value_t)]
    pub color: Color,
}

/// `cresset bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// A training step: bert-4x256 | bert-8x512 | gpt-6x384 | t5-4x256; writing 128 tokens: gpt-6x384-generate |
    /// t5-4x256-generate; or pipeline
    pub case: String,
    /// The TOML config whose input pipeline is measured, on one core
    #[arg(long, required_if_eq("case", "pipeline"))]
    pub config: Option<PathBuf>,
    /// Steps, texts written one after the other, or batches of a pipeline; the first two are warm-up
    #[arg(long, default_value_t = 12)]
    pub steps: usize,
    /// Rows of a batch; 16 or 8 in the BERT cases and 1 in those that write, by default
    #[arg(long, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub batch: Option<usize>,
    /// Tokens of a row of a BERT case; 128 by default
    #[arg(long, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub seq: Option<usize>,
    /// Words in the vocabulary of a BERT case; 8192 or 30522 by default
    #[arg(long, value_parser = RangedU64ValueParser::<usize>::new().range(6..))]
    pub vocab: Option<usize>,
    /// Make what stands inside a layer again in the backward pass of a training step, instead of keeping it
    #[arg(long)]
    pub checkpoint_layers: bool,
    /// Positions of a masked language model that get logits
    #[arg(long, value_parser = ["all", "masked"], default_value = "masked")]
    pub heads_at: String,
}

/// `cresset sample-data`.
#[derive(Debug, Args)]
pub struct SampleDataArgs {
    /// The folder to write
    pub dir: PathBuf,
}
