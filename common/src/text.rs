//! Text as it is stored: as sent, but normalised (NFC), without control
//! characters and cut to a length. Escaping happens where text is shown.

use unicode_normalization::UnicodeNormalization as _;

/// One line of text: control characters are stripped, line breaks and tabs
/// become spaces, blanks at both ends go, at most `max_chars` characters stay.
pub fn line(text: &str, max_chars: usize) -> String {
    let spaced = text.nfc().map(|c| {
        if matches!(c, '\n' | '\r' | '\t') {
            ' '
        } else {
            c
        }
    });
    let clean: String = spaced.filter(|c| !c.is_control()).collect();
    cut(clean.trim(), max_chars).trim_end().to_owned()
}

/// Several lines of text: like [`line`], but line feeds and tabs stay.
pub fn block(text: &str, max_chars: usize) -> String {
    let clean: String = text
        .nfc()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect();
    cut(clean.trim(), max_chars).trim_end().to_owned()
}

/// The first `max_chars` characters.
pub fn cut(text: &str, max_chars: usize) -> &str {
    text.char_indices()
        .nth(max_chars)
        .map_or(text, |(at, _)| &text[..at])
}

/// As many whole characters as fit into `max_bytes`.
pub fn cut_bytes(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_keeps_its_words() {
        assert_eq!(
            line("  disk\u{0}  full\non\tdb-1 \u{7}", 500),
            "disk  full on db-1"
        );
        assert_eq!(line("e\u{301}", 10), "é");
        assert_eq!(line("<b>&amp;", 10), "<b>&amp;");
        assert_eq!(block(" a\r\n\tb\u{1b}[0m ", 100), "a\n\tb[0m");
    }

    proptest! {
        #[test]
        fn no_line_is_longer_than_allowed_or_has_control_characters(text in any::<String>(), max in 0_usize..40) {
            let cleaned = line(&text, max);
            prop_assert!(cleaned.chars().count() <= max);
            prop_assert!(!cleaned.chars().any(char::is_control));
            prop_assert_eq!(line(&cleaned, max), cleaned);
        }

        #[test]
        fn cutting_bytes_keeps_whole_characters(text in any::<String>(), max in 0_usize..40) {
            let kept = cut_bytes(&text, max);
            prop_assert!(kept.len() <= max && text.starts_with(kept));
        }
    }
}
