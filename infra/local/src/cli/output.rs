//! Standard output: text for a person, or the API's JSON.

use std::io::{self, IsTerminal as _, Write as _};

use serde_json::Value;

use super::{
    answer::Answer,
    failure::{Failure, Kind},
    table::{self, Column},
};

/// Where commands print to. Colours are not used, so that there is nothing for
/// `NO_COLOR` to switch off.
#[derive(Debug)]
pub(crate) struct Output {
    is_json: bool,
    /// Columns of the terminal; `None` where the output goes elsewhere and
    /// nothing is cut.
    width: Option<usize>,
}

impl Output {
    pub(crate) fn new(is_json: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        let size = terminal.then(terminal_size::terminal_size).flatten();
        Self {
            is_json,
            width: size.map(|(width, _)| usize::from(width.0)),
        }
    }

    /// Whether the API's JSON is wanted.
    pub(crate) fn is_json(&self) -> bool {
        self.is_json
    }

    /// Prints text as it is.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        self.write(text.as_bytes())
    }

    /// Prints bytes as they are, with a line end at their end.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        let end: &[u8] = if bytes.is_empty() || bytes.ends_with(b"\n") {
            b""
        } else {
            b"\n"
        };
        let written = out
            .write_all(bytes)
            .and_then(|()| out.write_all(end))
            .and_then(|()| out.flush());
        written.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::new(Kind::BrokenPipe, ""),
            _ => Failure::failed(format!("the output cannot be written: {error}")),
        })
    }

    /// Prints what the API answered, or what `text` makes of it.
    pub(crate) fn answer(
        &self,
        answer: &Answer,
        text: impl FnOnce(&Value) -> String,
    ) -> Result<(), Failure> {
        if self.is_json {
            self.write(&answer.bytes)
        } else {
            self.print(&text(&answer.body))
        }
    }

    /// Prints a list; `body` holds it under `field`.
    pub(crate) fn list(
        &self,
        body: &Value,
        field: &str,
        columns: &[Column],
    ) -> Result<(), Failure> {
        let rows = body[field].as_array().map_or(&[][..], Vec::as_slice);
        self.print(&table::table(columns, rows, self.width))
    }

    /// A list as a table of this output's width.
    pub(crate) fn table(&self, columns: &[Column], rows: &[Value]) -> String {
        table::table(columns, rows, self.width)
    }
}

/// Text of others, made harmless for a terminal: no control characters, which
/// could move its cursor or colour it, and none that turn the reading order.
pub(crate) fn clean(text: &str) -> String {
    let is_harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => ' ',
            c if is_harmful(c) => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_cannot_steer_the_terminal() {
        let hostile = "a\u{1b}[2Jb\rc\u{202e}d\ne\u{9b}f";
        assert_eq!(clean(hostile), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d e\u{fffd}f");
        assert_eq!(
            clean("Datenträger voll 磁盘 🔥"),
            "Datenträger voll 磁盘 🔥"
        );
    }
}
