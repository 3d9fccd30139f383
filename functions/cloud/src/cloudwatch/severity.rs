//! The severity of an alarm: CloudWatch has none, so people write it into the
//! name or the description.

use common::{alert::Severity, integration::Settings};

/// The first rule of `vendors/cloudwatch.md` that applies.
pub(super) fn of(name: &str, description: &str, settings: &Settings) -> Severity {
    assigned(name)
        .or_else(|| assigned(description))
        .or_else(|| tagged(&[name, description]))
        .or_else(|| standing_alone(description))
        .or_else(|| settings.severity("defaultSeverity"))
        .unwrap_or(Severity::Critical)
}

/// `severity=<word>` or `severity: <word>`, in any case.
fn assigned(text: &str) -> Option<Severity> {
    const KEY: &str = "severity";
    let lower = text.to_ascii_lowercase();
    lower.match_indices(KEY).find_map(|(at, _)| {
        if lower[..at].chars().next_back().is_some_and(is_word_char) {
            return None;
        }
        let value = lower[at + KEY.len()..]
            .trim_start()
            .strip_prefix(['=', ':'])?
            .trim_start()
            .trim_start_matches(['"', '\'']);
        let end = value
            .find(|c: char| !is_word_char(c) && c != '-')
            .unwrap_or(value.len());
        Severity::from_prometheus_word(value[..end].trim_end_matches('-'))
    })
}

/// `[P1]` to `[P5]` and `[SEV1]`; of several, the highest.
fn tagged(texts: &[&str]) -> Option<Severity> {
    const TAGS: &[(&str, Severity)] = &[
        ("[p1]", Severity::Critical),
        ("[sev1]", Severity::Critical),
        ("[p2]", Severity::Error),
        ("[p3]", Severity::Warning),
        ("[p4]", Severity::Info),
        ("[p5]", Severity::Info),
    ];
    let texts: Vec<String> = texts.iter().map(|text| text.to_ascii_lowercase()).collect();
    TAGS.iter()
        .find(|(tag, _)| texts.iter().any(|text| text.contains(tag)))
        .map(|(_, severity)| *severity)
}

/// A capital key word that stands alone; of several, the highest.
fn standing_alone(description: &str) -> Option<Severity> {
    const WORDS: &[(&str, Severity)] = &[
        ("CRITICAL", Severity::Critical),
        ("HIGH", Severity::Critical),
        ("ERROR", Severity::Error),
        ("WARNING", Severity::Warning),
        ("MEDIUM", Severity::Warning),
        ("INFO", Severity::Info),
        ("LOW", Severity::Info),
    ];
    let separates = |neighbour: Option<char>| {
        neighbour.is_none_or(|c| {
            matches!(
                c,
                '-' | '–' | '|' | ',' | ';' | ':' | '/' | '(' | ')' | '[' | ']'
            )
        })
    };
    WORDS
        .iter()
        .find(|(word, _)| {
            description.match_indices(word).any(|(at, _)| {
                let before = description[..at].trim_end().chars().next_back();
                let after = description[at + word.len()..].trim_start().chars().next();
                separates(before) && separates(after)
            })
        })
        .map(|(_, severity)| *severity)
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn severity(name: &str, description: &str) -> Severity {
        of(name, description, &Settings::default())
    }

    #[test]
    fn the_first_rule_that_applies_decides() {
        for (name, description, expected) in [
            ("a", "", Severity::Critical),
            ("a", "severity=warning, really CRITICAL", Severity::Warning),
            ("a", "Severity: Error", Severity::Error),
            ("a", "SEVERITY=P3 [P1]", Severity::Warning),
            ("severity=info", "severity=critical", Severity::Info),
            ("a", "severity=\"low\"", Severity::Info),
            ("a", "severity=unknown [P2]", Severity::Error),
            ("a", "severity is high", Severity::Critical),
            ("a", "myseverity=low", Severity::Critical),
            ("a", "severity=critical-path severity=info", Severity::Info),
            ("[P3] disk", "", Severity::Warning),
            ("[P4] disk", "[SEV1]", Severity::Critical),
            ("a", "x [P5] - ERROR", Severity::Info),
            ("a", "P2 without brackets", Severity::Critical),
        ] {
            assert_eq!(
                severity(name, description),
                expected,
                "{name} {description}"
            );
        }
    }

    #[test]
    fn a_key_word_in_a_sentence_is_none() {
        for (description, expected) in [
            ("CPU usage exceeded 90% - CRITICAL", Severity::Critical),
            (
                "Memory Usage Warning - WARNING - Development",
                Severity::Warning,
            ),
            ("(LOW)", Severity::Info),
            ("LOW", Severity::Info),
            ("disk: MEDIUM | team a", Severity::Warning),
            ("LOW, ERROR; WARNING", Severity::Error),
            ("a – INFO", Severity::Info),
            ("DISK SPACE LOW ON DB", Severity::Critical),
            ("below 2", Severity::Critical),
            ("warning - info", Severity::Critical),
            ("FLOW / OVERFLOW", Severity::Critical),
            ("LOWER - SLOW", Severity::Critical),
        ] {
            assert_eq!(severity("LOW", description), expected, "{description}");
        }
    }

    #[test]
    fn the_default_can_be_set() {
        let options = json!({"defaultSeverity": "error"});
        let settings = Settings::new(options.as_object().unwrap().clone());
        assert_eq!(of("a", "b", &settings), Severity::Error);
        assert_eq!(of("a", "INFO", &settings), Severity::Info);
    }
}
