//! JSON that a shell script put together by hand: control characters and
//! backslashes stand in its strings as the monitored program wrote them.

use serde_json::Value;

use super::{Received, Unreadable};

impl Received {
    /// The body as JSON. Where it is none, it is read again with raw control
    /// characters inside strings taken as text, a backslash that starts no JSON
    /// escape as itself, and bytes that are not UTF-8 replaced.
    ///
    /// # Errors
    /// [`Unreadable`] where it is still broken, or no JSON at all.
    pub fn json_repaired(&self) -> Result<Value, Unreadable> {
        self.json().or_else(|strict| {
            if !self.looks_like_json() {
                return Err(strict);
            }
            let text = String::from_utf8_lossy(self.text_bytes());
            serde_json::from_str(&with_escapes(&text)).map_err(|_| strict)
        })
    }
}

/// The text with everything inside its strings escaped that JSON wants escaped.
fn with_escapes(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    let mut in_string = false;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                in_string = !in_string;
                escaped.push(c);
            }
            '\\' if in_string => match escape_at(&text[at..]) {
                Some(escape) => {
                    escaped.push_str(escape);
                    // The backslash itself is already taken.
                    chars.by_ref().take(escape.len() - 1).for_each(drop);
                }
                None => escaped.push_str("\\\\"),
            },
            c if in_string && u32::from(c) < 0x20 => {
                escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// The JSON escape that a text starts with; all of them are ASCII.
fn escape_at(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    match bytes.get(1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => text.get(..2),
        b'u' if bytes.get(2..6)?.iter().all(u8::is_ascii_hexdigit) => text.get(..6),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::intake::testing::request;

    #[test]
    fn raw_control_characters_and_backslashes_are_read_as_text() {
        for (body, expected) in [
            (&b"{\"a\":\"one\n\ttwo\"}"[..], json!({"a": "one\n\ttwo"})),
            (br#"{"a":"C:\ is full"}"#, json!({"a": "C:\\ is full"})),
            (
                br#"{"a":"\\srv\share \d+"}"#,
                json!({"a": "\\srv\\share \\d+"}),
            ),
            (
                br#"{"a":"\u12 \u00e9 \x"}"#,
                json!({"a": "\\u12 \u{e9} \\x"}),
            ),
            (
                br#"{"a":"say \"no\"", "b" : 1}"#,
                json!({"a": "say \"no\"", "b": 1}),
            ),
            (b"{\"a\":\"21 \xb0C\"}", json!({"a": "21 \u{fffd}C"})),
            (b"\n{\n\"a\"\t:\r\n1}", json!({"a": 1})),
        ] {
            assert_eq!(request(&[], body).json_repaired(), Ok(expected), "{body:?}");
        }
    }

    #[test]
    fn what_is_still_broken_stays_broken() {
        for body in [
            &b"{\"a\":\"b"[..],
            b"{\"a\":}",
            b"",
            b"no json",
            br#"{"a":"C:\"}"#,
        ] {
            assert!(request(&[], body).json_repaired().is_err(), "{body:?}");
        }
    }

    proptest! {
        #[test]
        fn good_json_is_left_alone(text in any::<String>()) {
            let body = json!([text, {"k": text}]).to_string();
            prop_assert_eq!(with_escapes(&body), body);
        }

        #[test]
        fn nothing_panics(text in "[\\\\\"u0-9a-f\n\u{e9}{}: ]{0,40}") {
            let _ = with_escapes(&text);
        }
    }
}
