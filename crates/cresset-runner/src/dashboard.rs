//! `--dashboard`: a run on one screen of the terminal.

mod curve;
mod state;
mod view;

#[cfg(unix)]
mod screen;
/// Without a way to take over the terminal there are lines only.
#[cfg(not(unix))]
mod screen {
    use std::io;

    pub struct Screen;

    impl Screen {
        pub fn open(_: impl Fn() + Send + 'static) -> io::Result<Screen> {
            Err(io::Error::other("this system's terminal is not supported"))
        }

        pub fn draw(&mut self, _: impl FnOnce(&mut ratatui::Frame<'_>)) -> io::Result<()> {
            Ok(())
        }
    }
}

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use cresset_train::Event;

use self::screen::Screen;
use self::state::State;

/// A run on the terminal's screen, which comes back as it was when this is dropped.
pub struct Dashboard {
    screen: Screen,
    state: State,
    began: Instant,
    drawn: Option<Instant>,
}

/// Faster than this nobody reads.
const BETWEEN_DRAWINGS: Duration = Duration::from_millis(100);

impl Dashboard {
    /// Takes over the terminal. `stop` is called for `q` and Ctrl-C, at every press.
    ///
    /// # Errors
    /// Why it cannot be taken over: standard output or error is no terminal, or one of an unknown kind.
    pub fn open(name: &str, stop: impl Fn() + Send + 'static) -> io::Result<Dashboard> {
        for (stream, is_terminal) in [
            ("standard output", io::stdout().is_terminal()),
            ("standard error", io::stderr().is_terminal()),
        ] {
            if !is_terminal {
                return Err(io::Error::other(format!("{stream} is not a terminal")));
            }
        }
        Ok(Dashboard {
            screen: Screen::open(stop)?,
            state: State::new(name),
            began: Instant::now(),
            drawn: None,
        })
    }

    /// Takes in what happened and draws it.
    ///
    /// # Errors
    /// A terminal that is gone.
    pub fn take(&mut self, event: &Event) -> io::Result<()> {
        self.state.take(event);
        let is_step = matches!(event, Event::Step { .. });
        let is_soon = |drawn: Instant| drawn.elapsed() < BETWEEN_DRAWINGS;
        if is_step && self.drawn.is_some_and(is_soon) {
            return Ok(());
        }
        self.drawn = Some(Instant::now());
        let (state, elapsed) = (&self.state, self.began.elapsed());
        self.screen.draw(|frame| view::draw(frame, state, elapsed))
    }

    /// Gives the terminal back; what should not be lost with the screen.
    pub fn close(self) -> Vec<String> {
        self.state.lines()
    }
}
