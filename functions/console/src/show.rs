//! Values of the API as people read them.

use std::time::Duration;

use common::time::Timestamp;
use maud::{Markup, html};
use serde_json::Value;
use url::Url;

/// Longest text of a raw alert or body that a page shows, characters.
const CODE_CHARS: usize = 20_000;

/// A text; empty where there is none.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The entries of a list.
pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

/// How a badge looks beside what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Bad,
    Warn,
    Good,
    Calm,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Warn => "warn",
            Self::Good => "good",
            Self::Calm => "calm",
        }
    }
}

/// A word that stands out.
pub(crate) fn badge(tone: Tone, word: &str) -> Markup {
    html! { span class={ "badge " (tone.class()) } { (word) } }
}

/// A moment: when, and how long ago. Nothing where there is none.
pub(crate) fn moment(value: &Value) -> Markup {
    match Timestamp::parse_rfc3339(text(value)) {
        None => html! {},
        Some(at) => html! {
            time datetime=(at) { (clock(at)) " (" (distance(at, Timestamp::now())) ")" }
        },
    }
}

/// A moment by how long ago it is.
pub(crate) fn ago(value: &Value) -> Markup {
    match Timestamp::parse_rfc3339(text(value)) {
        None => html! {},
        Some(at) => html! {
            time datetime=(at) title=(clock(at)) { (distance(at, Timestamp::now())) }
        },
    }
}

/// When something is to happen; what should have happened is due.
pub(crate) fn due(value: &Value) -> Markup {
    match Timestamp::parse_rfc3339(text(value)) {
        Some(at) if at <= Timestamp::now() => html! { "due" },
        _ => ago(value),
    }
}

/// `2026-01-15 10:30:00 UTC`
pub(crate) fn clock(at: Timestamp) -> String {
    let written = at.to_string();
    let seconds = written.get(..19).unwrap_or(&written);
    format!("{} UTC", seconds.replace('T', " "))
}

fn distance(at: Timestamp, now: Timestamp) -> String {
    if at > now {
        format!("in {}", duration(at.since(now)))
    } else {
        format!("{} ago", duration(now.since(at)))
    }
}

/// The largest unit or two.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) if hours < 10 => format!("{hours} h {} min", minutes % 60),
        (0, hours, _) => format!("{hours} h"),
        (days, hours, _) if days < 10 => format!("{days} d {} h", hours % 24),
        (days, _, _) => format!("{days} d"),
    }
}

/// JSON or text, laid out; long ones are cut.
pub(crate) fn code(value: &Value) -> Markup {
    let whole = match value {
        Value::String(text) => pretty(text),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    };
    let shown = common::text::cut(&whole, CODE_CHARS);
    html! {
        pre tabindex="0" { code { (shown) } }
        @if shown.len() < whole.len() { p.hint { "Cut here; the API has all of it." } }
    }
}

/// JSON text laid out, any other text as it is.
fn pretty(text: &str) -> String {
    serde_json::from_str::<Value>(text)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| text.to_owned())
}

/// A link that an alert brought: only to the web, and nothing is told there of
/// where it was followed. Any other text stays text.
pub(crate) fn foreign_link(address: &str) -> Markup {
    let is_web = Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    html! {
        @if is_web {
            a.foreign href=(address) rel="noopener noreferrer" { (address) }
        } @else { (address) }
    }
}

/// Names and what they stand for; those of nothing are left out.
pub(crate) fn facts(facts: &[(&str, Markup)]) -> Markup {
    let told = facts.iter().filter(|(_, value)| !value.0.is_empty());
    html! {
        dl.facts {
            @for (name, value) in told { div { dt { (name) } dd { (value) } } }
        }
    }
}

/// The rows of a table with these headings; on a phone each cell says its own.
pub(crate) fn table(caption: &str, headings: &[&str], rows: Vec<Vec<Markup>>) -> Markup {
    html! {
        table {
            caption.quiet { (caption) }
            thead { tr { @for heading in headings { th scope="col" { (heading) } } } }
            tbody {
                @for row in rows {
                    tr {
                        @for (heading, cell) in headings.iter().zip(row) {
                            td data-label=(heading) { (cell) }
                        }
                    }
                }
            }
        }
    }
}

/// What is shown once: a secret that can be copied with one tap.
pub(crate) fn once(label: &str, secret: &str) -> Markup {
    html! {
        div.notice.warn role="status" {
            p { strong { (label) } " – shown here and never again. Copy it now." }
            code.secret { (secret) }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn distances_have_one_or_two_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_600, "1 h 0 min"),
            (36_000, "10 h"),
            (90_000, "1 d 1 h"),
            (864_000, "10 d"),
        ] {
            assert_eq!(duration(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn only_web_addresses_become_links() {
        for address in ["https://a.example/x?y", "HTTP://a.example"] {
            assert!(foreign_link(address).into_string().contains("noreferrer"));
        }
        for address in [
            "javascript:alert(1)",
            "data:text/html,x",
            "//a.example",
            " java\nscript:x",
        ] {
            assert!(
                !foreign_link(address).into_string().contains("href"),
                "{address}"
            );
        }
    }

    #[test]
    fn text_is_escaped() {
        let shown = code(&json!("<script>alert(1)</script>")).into_string();
        assert!(!shown.contains("<script"), "{shown}");
    }
}
