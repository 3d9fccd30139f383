//! The grammar of an event's title: `[TEST]`, `[P1]`, `[Triggered on {host:a}]`
//! and then the monitor's name. The default body says its state nowhere else.

use common::intake::value::is_word;

/// A monitor's state, in a transition or a title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Triggered,
    Warn,
    NoData,
    Recovered,
}

impl State {
    pub(super) fn from_word(word: &str) -> Option<Self> {
        if is_word(word, &["triggered", "re-triggered", "alert", "renotify"]) {
            Some(Self::Triggered)
        } else if is_word(word, &["warn", "re-warn"]) {
            Some(Self::Warn)
        } else if is_word(word, &["no data", "re-no data"]) {
            Some(Self::NoData)
        } else if is_word(word, &["recovered"]) {
            Some(Self::Recovered)
        } else {
            None
        }
    }
}

/// A title, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Heading<'a> {
    pub(super) is_test: bool,
    /// `P1` to `P5`, as written.
    pub(super) priority: Option<&'a str>,
    pub(super) state: Option<State>,
    /// The group of a multi-alert monitor, without its braces.
    pub(super) group: Option<&'a str>,
    /// The monitor's name.
    pub(super) name: &'a str,
}

impl<'a> Heading<'a> {
    pub(super) fn parse(title: &'a str) -> Self {
        let mut heading = Self {
            name: title.trim(),
            ..Self::default()
        };
        // The state is the last of the prefixes: brackets after it are the name's.
        while heading.state.is_none() {
            let Some((inner, rest)) = bracket(heading.name) else {
                break;
            };
            if !heading.take(inner) {
                break;
            }
            heading.name = rest.trim_start();
        }
        heading
    }

    /// Whether a bracket is one of Datadog's prefixes.
    fn take(&mut self, inner: &'a str) -> bool {
        let (word, group) = match inner.split_once(" on {") {
            Some((word, group)) => (word, group.strip_suffix('}')),
            None => (inner, None),
        };
        if let Some(state) = State::from_word(word) {
            self.state = Some(state);
            self.group = group;
            return true;
        }
        if is_word(inner, &["test"]) {
            self.is_test = true;
            return true;
        }
        let is_priority = is_word(inner, &["p1", "p2", "p3", "p4", "p5"]);
        if is_priority && self.priority.is_none() {
            self.priority = Some(inner.trim());
            return true;
        }
        false
    }
}

/// The text in the bracket that a title begins with, and what follows it. A
/// group may hold brackets of its own and ends in `}]`.
fn bracket(title: &str) -> Option<(&str, &str)> {
    let rest = title.strip_prefix('[')?;
    let close = rest.find(']')?;
    let end = match rest.find(" on {") {
        Some(group) if group < close => rest.find("}]").map_or(close, |brace| brace + 1),
        _ => close,
    };
    Some((&rest[..end], &rest[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_taken_apart() {
        let group = Some("host:web-07");
        for (title, priority, state, group, name) in [
            (
                "[P1] [Triggered on {host:web-07}] CPU is high",
                Some("P1"),
                Some(State::Triggered),
                group,
                "CPU is high",
            ),
            (
                "[no DATA on {host:web-07}] CPU",
                None,
                Some(State::NoData),
                group,
                "CPU",
            ),
            (
                "[Re-Warn on {url:/a[0]}] [P2] x",
                None,
                Some(State::Warn),
                Some("url:/a[0]"),
                "[P2] x",
            ),
            ("[Recovered]", None, Some(State::Recovered), None, ""),
            ("[P3] CPU", Some("P3"), None, None, "CPU"),
            ("[P6] CPU", None, None, None, "[P6] CPU"),
            ("[Unrecovered] CPU", None, None, None, "[Unrecovered] CPU"),
            ("[Orders] CPU", None, None, None, "[Orders] CPU"),
            ("[Triggered on {a", None, None, None, "[Triggered on {a"),
            ("CPU [Recovered]", None, None, None, "CPU [Recovered]"),
            ("", None, None, None, ""),
        ] {
            let expected = Heading {
                is_test: false,
                priority,
                state,
                group,
                name,
            };
            assert_eq!(Heading::parse(title), expected, "{title}");
        }
    }

    #[test]
    fn a_test_says_so_before_or_after_the_priority() {
        for title in [
            "[TEST] [P2] [Triggered] CPU",
            "[P2] [Test] [Triggered] CPU",
            "[TEST] CPU",
        ] {
            assert!(Heading::parse(title).is_test, "{title}");
        }
        for title in ["[Triggered] [TEST] CPU", "TEST CPU", "[Tested] CPU"] {
            assert!(!Heading::parse(title).is_test, "{title}");
        }
    }
}
