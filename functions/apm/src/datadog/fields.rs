//! The texts of a body, whose template the user wrote.

use common::intake::{
    Received,
    value::{is_word, text_at},
};
use http::header::CONTENT_TYPE;
use serde_json::Value;

use super::heading::Heading;

/// Titles that Datadog writes: a state in them is the monitor's.
const EVENT_TITLES: &[&str] = &["event_title", "title", "alert_title"];
/// All titles, the best one first.
const TITLES: &[&str] = &[
    "alert_title",
    "event_title",
    "title",
    "alert.title",
    "monitor.name",
];

/// Whether the body was sent with "Encode as form".
pub(super) fn is_form(received: &Received) -> bool {
    received
        .header(CONTENT_TYPE.as_str())
        .and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| is_word(kind, &["application/x-www-form-urlencoded"]))
}

/// A form, whose keys are those of the JSON body.
pub(super) fn read_form(received: &Received) -> Value {
    url::form_urlencoded::parse(received.body.trim_ascii())
        .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// A body's fields, in which a variable that Datadog does not know is absent.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a Value);

impl Fields<'_> {
    pub(super) fn text(self, path: &str) -> Option<String> {
        text_at(self.0, path).filter(|text| !is_variable(text))
    }

    pub(super) fn first(self, paths: &[&str]) -> Option<String> {
        paths.iter().find_map(|path| self.text(path))
    }

    /// The titles that may carry a state.
    pub(super) fn event_titles(self) -> Vec<String> {
        EVENT_TITLES
            .iter()
            .filter_map(|path| self.text(path))
            .collect()
    }

    /// Whether any title says that it is a test.
    pub(super) fn is_test(self) -> bool {
        TITLES
            .iter()
            .filter_map(|path| self.text(path))
            .any(|title| Heading::parse(&title).is_test)
    }

    /// One line for a person, without priority and state.
    pub(super) fn title(self) -> Option<String> {
        let titles = TITLES.iter().filter_map(|path| self.text(path));
        let first_lines = ["text", "body"]
            .into_iter()
            .filter_map(|path| first_line(&self.text(path)?));
        titles
            .chain(first_lines)
            .map(|title| Heading::parse(&title).name.to_owned())
            .find(|name| !name.is_empty())
    }
}

/// The first line that is not the mark of a Markdown text.
fn first_line(text: &str) -> Option<String> {
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && *line != "%%%")
        .map(str::to_owned)
}

/// Whether a text is a variable that Datadog did not fill in, `$ALERT_CYCEL_KEY`
/// or `$TAGS[env]`: it sends those that it does not know as they are.
fn is_variable(text: &str) -> bool {
    let Some(name) = text.strip_prefix('$') else {
        return false;
    };
    let name = match name.split_once('[') {
        Some((name, key)) if key.ends_with(']') => name,
        Some(_) => return false,
        None => name,
    };
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_variable_that_was_not_filled_in_is_absent() {
        for text in ["$ALERT_CYCLE_KEY", "$TAGS[env]", "$P1"] {
            assert!(is_variable(text), "{text}");
        }
        for text in ["$5", "$", "$a", "$HOST is down", "US$", "$TAGS[env"] {
            assert!(!is_variable(text), "{text}");
        }
    }

    #[test]
    fn a_title_is_found_wherever_it_is() {
        for (body, expected) in [
            (
                json!({"title": "[P1] [Triggered] a", "text": "b"}),
                Some("a"),
            ),
            (
                json!({"alert_title": "$ALERT_TITLE", "event_title": "[Warn] a"}),
                Some("a"),
            ),
            (
                json!({"title": "[Triggered]", "text": "%%%\n\n b\nc"}),
                Some("b"),
            ),
            (json!({"monitor": {"name": "a"}}), Some("a")),
            (json!({}), None),
        ] {
            assert_eq!(Fields(&body).title().as_deref(), expected, "{body}");
        }
    }
}
