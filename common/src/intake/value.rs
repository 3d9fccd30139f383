//! Lenient reading of what vendors send (`vendors/README.md`, rules 3, 5, 7, 10).

use serde_json::Value;

use crate::{limits, time::Timestamp};

/// A value as text: trimmed, numbers and booleans written out. `null`, blank
/// text, objects, lists and unfilled template placeholders are absent.
pub fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty() && !is_placeholder(&text)).then_some(text)
}

/// The text at a dotted path (`alert.labels.0.name`; numbers index lists).
pub fn text_at(root: &Value, path: &str) -> Option<String> {
    at(root, path).and_then(text)
}

/// The text of the first of these paths that has one.
pub fn first_text(root: &Value, paths: &[&str]) -> Option<String> {
    paths.iter().find_map(|path| text_at(root, path))
}

/// The value at a dotted path; `null` counts as absent.
pub fn at<'a>(root: &'a Value, path: &str) -> Option<&'a Value> {
    let found = path.split('.').try_fold(root, |value, step| match value {
        Value::Object(object) => object.get(step),
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    })?;
    (!found.is_null()).then_some(found)
}

/// The moment at a dotted path, in any form that tools send.
pub fn time_at(root: &Value, path: &str) -> Option<Timestamp> {
    Timestamp::parse_lenient(&text_at(root, path)?)
}

/// The web address at a dotted path. Monitoring tools fill such fields with
/// host names and with half an address (`https://`) too: those are no links.
pub fn link_at(root: &Value, path: &str) -> Option<String> {
    text_at(root, path).filter(|text| is_link(text))
}

/// Whether a text is an `http` or `https` address that can be followed.
pub fn is_link(text: &str) -> bool {
    text.len() <= limits::LINK_BYTES
        && url::Url::parse(text)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Whether a text is one of these words as a whole, whatever its case.
pub fn is_word(text: &str, words: &[&str]) -> bool {
    let text = text.trim();
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The same object with its keys in lower case and without spaces and
/// underscores, for templates that users write themselves. Of keys that become
/// the same, the first that has a value stays.
pub fn with_folded_keys(object: &Value) -> Value {
    let mut folded = serde_json::Map::new();
    for (key, value) in object.as_object().into_iter().flatten() {
        let key: String = key
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '_')
            .flat_map(char::to_lowercase)
            .collect();
        let is_kept = |kept: &Value| text(kept).is_some() || kept.is_object() || kept.is_array();
        if !folded.get(&key).is_some_and(is_kept) {
            folded.insert(key, value.clone());
        }
    }
    Value::Object(folded)
}

/// An identity of several parts: a compact JSON list of texts.
pub fn identity(parts: &[&str]) -> String {
    Value::from(parts.to_vec()).to_string()
}

/// Whether a text is a template variable that the sender did not fill in.
pub fn is_placeholder(text: &str) -> bool {
    let wrapped = |open: &str, close: &str| {
        text.strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close))
    };
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.chars().all(|c| {
                c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '#')
            })
    };
    // Nagios: `$SERVICEDESC$`, `$HOSTSTATE:web-1$`; Icinga: `$service.name$`.
    let is_macro = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-'))
    };
    text == "*UNKNOWN*"
        || wrapped("${", "}").is_some_and(|inner| !inner.contains('}'))
        || wrapped("{{", "}}").is_some_and(|inner| !inner.contains("}}"))
        || wrapped("$", "$").is_some_and(is_macro)
        || wrapped("{", "}").is_some_and(|inner| is_name(inner.strip_prefix('$').unwrap_or(inner)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_become_text_and_the_rest_is_absent() {
        let root = json!({"a": " x ", "n": 0, "f": 1.5, "b": false, "e": " ", "z": null, "l": [{"k": "v"}], "o": {}});
        for (path, expected) in [
            ("a", Some("x")),
            ("n", Some("0")),
            ("f", Some("1.5")),
            ("b", Some("false")),
            ("l.0.k", Some("v")),
            ("e", None),
            ("z", None),
            ("l", None),
            ("o", None),
            ("o.x", None),
            ("l.7.k", None),
            ("a.b", None),
        ] {
            assert_eq!(text_at(&root, path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn keys_are_found_however_they_are_written() {
        let folded = with_folded_keys(&json!({
            "Problem URL": "", "ProblemURL": "u", "event_type": "t", "EventType": "other", "Id": 7, "list": [1]
        }));
        assert_eq!(text_at(&folded, "problemurl").as_deref(), Some("u"));
        assert_eq!(text_at(&folded, "id").as_deref(), Some("7"));
        assert_eq!(folded["list"], json!([1]));
        // Keys are visited in their order in the table of the object.
        assert_eq!(text_at(&folded, "eventtype").as_deref(), Some("other"));
        assert_eq!(with_folded_keys(&json!([])), json!({}));
    }

    #[test]
    fn only_web_addresses_are_links() {
        for (text, expected) in [
            ("https://shop.example/health", true),
            ("http://10.0.0.1:8080", true),
            ("HTTPS://shop.example", true),
            ("https://", false),
            ("shop.example", false),
            ("javascript:alert(1)", false),
            ("ftp://shop.example", false),
            (
                &format!("https://shop.example/{}", "a".repeat(3_000)),
                false,
            ),
        ] {
            let root = json!({ "url": text });
            assert_eq!(link_at(&root, "url").is_some(), expected, "{text:.60}");
        }
    }

    #[test]
    fn unfilled_variables_are_absent() {
        for text in [
            "${alert.id}",
            "{{ .Title }}",
            "$SERVICEDESC$",
            "$service.name$",
            "{EVENT.ID}",
            "{$ZABBIX.URL}",
            "*UNKNOWN*",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in [
            "$5 and $6",
            "{}",
            "{a}",
            "*bold*",
            "cost ${x} per {{y}}",
            "${a} ${b}",
            "$",
            "$$",
            "$5$",
            "$a b$",
            "{$}",
            "",
        ] {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
