//! Results on standard output.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use serde::Serialize;

use crate::cli::Color;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It did what was asked.
    Finished,
    /// Ctrl-C, after a clean checkpoint.
    Interrupted,
}

impl Done {
    /// 0 or 130.
    pub fn exit_code(self) -> ExitCode {
        match self {
            Done::Finished => ExitCode::SUCCESS,
            Done::Interrupted => ExitCode::from(130),
        }
    }
}

/// Prints one line; a reader that went away (as in `| head`) ends the program quietly.
///
/// # Errors
/// Standard output that cannot be written.
pub fn line(text: &str) -> anyhow::Result<()> {
    written(writeln!(std::io::stdout().lock(), "{text}"))
}

fn written(result: std::io::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        other => Ok(other?),
    }
}

/// Prints lines that hold styles; they are left out where there are to be no colours.
///
/// # Errors
/// Standard output that cannot be written.
pub fn painted(lines: &[String], color: Color) -> anyhow::Result<()> {
    let choice = match color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    };
    let mut out = AutoStream::new(std::io::stdout().lock(), choice);
    lines
        .iter()
        .try_for_each(|line| written(writeln!(out, "{line}")))
}

/// Prints a value as one line of JSON.
///
/// # Errors
/// Standard output that cannot be written.
pub fn json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    line(&serde_json::to_string(value)?)
}

/// Prints metrics, one a line or as JSON.
///
/// # Errors
/// Standard output that cannot be written.
pub fn metrics(values: &BTreeMap<String, f64>, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return json(values);
    }
    values
        .iter()
        .try_for_each(|(name, value)| line(&format!("{name:<16} {value:.4}")))
}

/// Metrics in one line, for progress.
pub fn metrics_line(values: &BTreeMap<String, f64>) -> String {
    values
        .iter()
        .map(|(name, value)| format!("{name} {value:.4}"))
        .collect::<Vec<_>>()
        .join("  ")
}
