//! How far long work has come, for somebody who watches a terminal.

use std::io::{self, IsTerminal as _, Write as _};

/// One line on standard error that is written over; nothing where that is no
/// terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    is_shown: bool,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self {
            is_shown: io::stderr().is_terminal(),
        }
    }

    /// Shows this instead of what was shown before.
    pub(crate) fn show(&self, text: &str) {
        if self.is_shown {
            // Nobody to tell where this fails.
            let _ = write!(io::stderr(), "\r\u{1b}[K{text}");
        }
    }

    /// Takes the line away.
    pub(crate) fn clear(&self) {
        self.show("");
    }
}
