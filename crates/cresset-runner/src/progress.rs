//! The progress bar and the lines beside it, on stderr.

use std::time::{Duration, Instant};

use cresset_train::Event;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::metrics_line;

/// Progress of a training run.
pub struct Progress {
    bar: ProgressBar,
    quiet: bool,
    plain: bool,
    started: Instant,
    tokens: u64,
    last_line: Instant,
}

/// How often a line is printed where no bar can be drawn.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

impl Progress {
    /// A bar over the steps from `done` to `total`.
    pub fn new(done: u64, total: u64, quiet: bool) -> Self {
        let bar = ProgressBar::new(total);
        if quiet {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let style = ProgressStyle::with_template("{bar:30} step {pos}/{len} {msg} ETA {eta}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.set_position(done);
        bar.reset_eta();
        let plain = bar.is_hidden() && !quiet;
        let now = Instant::now();
        Progress {
            bar,
            quiet,
            plain,
            started: now,
            tokens: 0,
            last_line: now,
        }
    }

    /// Shows what happened.
    pub fn take(&mut self, event: &Event) {
        match event {
            Event::Step { report, .. } => {
                self.step(report.step, report.loss, report.lr, report.tokens);
            }
            Event::Evaluated { step, values, .. } => {
                self.line(&format!("step {step}: {}", metrics_line(values)));
            }
            Event::Special(look) => {
                for warning in &look.warnings {
                    self.line(&format!("warning: step {}: {warning}", look.step));
                }
            }
            _ => {}
        }
    }

    /// After a step.
    fn step(&mut self, step: u64, loss: f64, lr: f64, tokens: usize) {
        self.tokens += tokens as u64;
        let rate = self.tokens as f64 / self.started.elapsed().as_secs_f64().max(1e-9);
        let message = format!("loss {loss:.4} lr {lr:.2e} {rate:.0} tokens/s");
        if self.plain && self.last_line.elapsed() >= PLAIN_EVERY {
            self.last_line = Instant::now();
            eprintln!("step {step}/{} {message}", self.bar.length().unwrap_or(0));
        }
        self.bar.set_position(step);
        self.bar.set_message(message);
    }

    /// A line of news.
    fn line(&self, text: &str) {
        if self.quiet {
            return;
        }
        if self.plain {
            eprintln!("{text}");
        } else {
            self.bar.suspend(|| eprintln!("{text}"));
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
