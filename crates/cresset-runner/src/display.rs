//! How a training run is shown: by lines and a bar, or on a dashboard.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cresset_train::Event;

use crate::dashboard::Dashboard;
use crate::progress::Progress;

/// How a run is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing.
    Nothing,
    /// Lines and a bar.
    Lines,
    /// The whole screen.
    Dashboard,
}

/// What shows a run.
pub enum Display {
    /// Lines and a bar, or nothing.
    Lines(Progress),
    /// The whole screen.
    Dashboard(Box<Dashboard>),
}

impl Display {
    /// Begins to show a run of `steps` after `done` of them. Where there is no screen for a dashboard there are lines, and one
    /// that says so. On a dashboard, keys set `stop`.
    pub fn open(
        wanted: Wanted,
        (done, steps): (u64, u64),
        name: &str,
        stop: &Arc<AtomicBool>,
    ) -> Display {
        let lines = || Display::Lines(Progress::new(done, steps, wanted == Wanted::Nothing));
        if wanted != Wanted::Dashboard {
            return lines();
        }
        let stop = Arc::clone(stop);
        match Dashboard::open(name, move || stop.store(true, Ordering::SeqCst)) {
            Ok(dashboard) => Display::Dashboard(Box::new(dashboard)),
            Err(why) => {
                eprintln!("warning: no dashboard, since {why}; lines instead");
                lines()
            }
        }
    }

    /// Shows what happened.
    pub fn take(&mut self, event: &Event) {
        match self {
            Display::Lines(progress) => progress.take(event),
            // A screen that is gone does not end a run.
            Display::Dashboard(dashboard) => drop(dashboard.take(event)),
        }
    }

    /// Ends; what was on the screen only is printed.
    pub fn close(self) {
        match self {
            Display::Lines(progress) => progress.finish(),
            Display::Dashboard(dashboard) => {
                for line in dashboard.close() {
                    eprintln!("{line}");
                }
            }
        }
    }
}
