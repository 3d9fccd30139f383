//! What Velocity, AppDynamics' template language, does to JSON: variables
//! without a value stay as they are written, and values are not escaped.

use common::intake::value::text;
use serde_json::Value;

/// The body as JSON, also with raw control characters and lone backslashes
/// inside its strings. `None` where it still is none.
pub(super) fn read(body: &[u8]) -> Option<Value> {
    let body = String::from_utf8_lossy(body);
    let body = body.trim_start_matches('\u{feff}').trim();
    if !body.starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str(body)
        .or_else(|_| serde_json::from_str(&escaped(body)))
        .ok()
}

/// The text with what must not stand in a JSON string written as escapes.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + 64);
    let mut in_string = false;
    let mut characters = json.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => in_string = !in_string,
            '\\' if in_string => {
                out.push('\\');
                match escape_length(&json[at + 1..]) {
                    // What is no escape is a backslash of the value: `C:\data`.
                    0 => out.push('\\'),
                    length => {
                        out.push_str(&json[at + 1..at + 1 + length]);
                        for _ in 0..length {
                            characters.next();
                        }
                    }
                }
                continue;
            }
            c if in_string && c.is_ascii_control() => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

/// How many (ASCII) characters after a backslash make an escape with it.
fn escape_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    match bytes.first() {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 1,
        Some(b'u')
            if bytes
                .get(1..5)
                .is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit)) =>
        {
            5
        }
        _ => 0,
    }
}

/// A value as text; a variable that stayed (`${latestEvent.node.id}`,
/// `$latestEvent.x`, `$!{x}`) is absent.
pub(super) fn filled(value: &Value) -> Option<String> {
    text(value).filter(|text| !is_variable(text))
}

fn is_variable(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('$') else {
        return false;
    };
    let rest = rest.strip_prefix('!').unwrap_or(rest);
    let name = rest
        .strip_prefix('{')
        .and_then(|inner| inner.strip_suffix('}'))
        .unwrap_or(rest);
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '(' | ')'))
}

/// The host of a URL, in lower case.
pub(super) fn host(url: &str) -> Option<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}

/// The text of a message in HTML: tags go, line breaks stay.
pub(super) fn without_tags(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        out.push_str(&rest[..start]);
        let tag = &rest[start + 1..];
        let is_tag = tag.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
        if !is_tag {
            out.push('<');
            rest = tag;
            continue;
        }
        let Some(end) = tag.find('>') else {
            rest = &rest[start..];
            break;
        };
        if tag[..end].to_ascii_lowercase().starts_with("br") {
            out.push('\n');
        }
        rest = &tag[end + 1..];
    }
    out.push_str(rest);
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn values_that_were_not_escaped_are_read() {
        for (body, expected) in [
            ("{\"a\": \"x\n\ty\"}", json!({"a": "x\n\ty"})),
            ("{\n\"a\"\t:\r\n\"x\u{1}\"}", json!({"a": "x\u{1}"})),
            (
                "{\"a\": \"C:\\data\\users\\x\n\"}",
                json!({"a": "C:\\data\\users\\x\n"}),
            ),
            (
                "{\"a\": \"q\\\"q\n\\u00e9\\\\\"}",
                json!({"a": "q\"q\né\\"}),
            ),
            ("\u{feff} {\"a\": \"é\n\"}", json!({"a": "é\n"})),
        ] {
            assert_eq!(read(body.as_bytes()), Some(expected), "{body:?}");
        }
        for body in ["", "x", "7", "{\"a\": \"an \"unescaped\" quote\"}", "{"] {
            assert_eq!(read(body.as_bytes()), None, "{body:?}");
        }
    }

    #[test]
    fn variables_that_stayed_are_absent() {
        for text in [
            "${latestEvent.node.id}",
            "$!{latestEvent.node.id}",
            "$latestEvent.x",
            "$!latestEvent.x",
        ] {
            assert_eq!(filled(&json!(text)), None, "{text}");
        }
        for text in ["$5", "$", "$5.20 lost", "a ${b}", "$a and $b"] {
            assert_eq!(filled(&json!(text)).as_deref(), Some(text));
        }
    }

    #[test]
    fn tags_go_and_comparisons_stay() {
        assert_eq!(
            without_tags("Business Transaction <b>/pay</b>.<br/>4012 > 2000, 1 < 2 <"),
            "Business Transaction /pay.\n4012 > 2000, 1 < 2 <"
        );
    }

    #[test]
    fn a_host_is_found_in_any_url() {
        for (url, expected) in [
            ("https://user@Acme.test:8090/controller", Some("acme.test")),
            ("acme.test/controller", Some("acme.test")),
            ("https://", None),
            ("", None),
        ] {
            assert_eq!(host(url).as_deref(), expected, "{url}");
        }
    }

    proptest! {
        #[test]
        fn json_means_the_same_with_its_escapes(text in any::<String>()) {
            let body = json!({ "a": text }).to_string();
            prop_assert_eq!(serde_json::from_str::<Value>(&escaped(&body)).unwrap(), json!({ "a": text }));
        }
    }
}
