//! The terminal as a screen, and its keys.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use ratatui::backend::TermionBackend;
use ratatui::termion::cursor::{HideCursor, Show};
use ratatui::termion::event::Key;
use ratatui::termion::get_tty;
use ratatui::termion::input::TermRead;
use ratatui::termion::raw::{IntoRawMode, RawTerminal};
use ratatui::termion::screen::{AlternateScreen, IntoAlternateScreen, ToMainScreen};
use ratatui::{Frame, Terminal};

/// The terminal's other screen, in raw mode; both are given back when this is dropped.
pub struct Screen {
    terminal: Terminal<TermionBackend<HideCursor<AlternateScreen<File>>>>,
    raw: Arc<RawTerminal<File>>,
}

impl Screen {
    /// Takes over the terminal; `stop` is called at `q` and Ctrl-C, which is no signal any more. At the second press the process ends
    /// at once.
    ///
    /// # Errors
    /// A process without a terminal.
    pub fn open(stop: impl Fn() + Send + 'static) -> io::Result<Screen> {
        let raw = Arc::new(get_tty()?.into_raw_mode()?);
        let keys = get_tty()?.keys();
        let to_end = Arc::clone(&raw);
        std::thread::spawn(move || {
            let is_stop = |key: &Key| matches!(key, Key::Char('q') | Key::Ctrl('c'));
            let presses = keys.map_while(Result::ok).filter(is_stop);
            for (press, _) in presses.enumerate() {
                match press {
                    0 => stop(),
                    _ => end(&to_end),
                }
            }
        });
        let writer = HideCursor::from(get_tty()?.into_alternate_screen()?);
        Ok(Screen {
            terminal: Terminal::new(TermionBackend::new(writer))?,
            raw,
        })
    }

    /// Draws what has changed.
    ///
    /// # Errors
    /// A terminal that is gone.
    pub fn draw(&mut self, view: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(view).map(drop)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The thread that reads keys holds the terminal too.
        drop(self.raw.suspend_raw_mode());
    }
}

/// Gives the terminal back and ends the process, as a second Ctrl-C does elsewhere.
fn end(raw: &RawTerminal<File>) {
    if let Ok(mut terminal) = get_tty() {
        drop(write!(terminal, "{ToMainScreen}{Show}"));
    }
    drop(raw.suspend_raw_mode());
    std::process::exit(130);
}
