//! Text cut to what a chat takes, escaped as the chat wants it. Lengths are
//! those of the escaped text, in UTF-16 units: never fewer than the characters
//! that a vendor counts.

use unicode_normalization::char::is_combining_mark;

/// What is known of the place of a character, for markup that depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Only blanks came before it in its line.
    pub starts_line: bool,
    /// Only a number came before it in its line.
    pub follows_number: bool,
    /// It is part of a web address.
    pub in_url: bool,
    /// The character before it.
    pub before: Option<char>,
}

/// How a character is written.
pub(super) type Escape = fn(char, Place, &mut String);

/// A text that fits, and whether all of it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fitted {
    pub text: String,
    pub is_whole: bool,
}

/// Marks that a text was cut.
const ELLIPSIS: char = '…';
/// Joined characters (accents, emoji sequences) that are kept together at most.
const JOINED_AT_MOST: usize = 16;
/// Invisible, and no place for markup to reach over.
const WORD_JOINER: char = '\u{2060}';

/// As much of `text` as fits into `max` units once it is escaped, cut between
/// visible characters and never inside an escape.
pub(super) fn fit(text: &str, max: usize, escape: Escape) -> Fitted {
    let (mut out, mut units, mut kept, mut joined) = (String::new(), 0, 0, 0);
    let mut place = Place {
        starts_line: true,
        follows_number: false,
        in_url: false,
        before: None,
    };
    let text = text.trim();
    for (at, c) in text.char_indices() {
        if is_dropped(c) {
            continue;
        }
        place.in_url = is_in_url(place, &text[at..], c);
        let is_joined = joins(c) || place.before == Some('\u{200D}');
        joined = if is_joined { joined + 1 } else { 0 };
        if joined % JOINED_AT_MOST == 0 && units < max {
            kept = out.len();
        }
        let start = out.len();
        escape(c, place, &mut out);
        units += out[start..].chars().map(char::len_utf16).sum::<usize>();
        if units > max {
            out.truncate(kept);
            if max > 0 {
                out.push(ELLIPSIS);
            }
            return Fitted {
                text: out,
                is_whole: false,
            };
        }
        place = place.after(c);
    }
    Fitted {
        text: out,
        is_whole: true,
    }
}

/// Like [`fit`], in one line.
pub(super) fn fit_line(text: &str, max: usize, escape: Escape) -> Fitted {
    fit(&text.replace(['\n', '\r', '\t'], " "), max, escape)
}

/// The length that vendors limit, rounded up.
pub(super) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

impl Place {
    fn after(self, c: char) -> Self {
        let is_number = c.is_ascii_digit() && (self.starts_line || self.follows_number);
        Self {
            starts_line: c == '\n' || (self.starts_line && c.is_whitespace()),
            follows_number: is_number,
            in_url: self.in_url,
            before: Some(c),
        }
    }
}

/// A web address starts after a blank and ends at the next one.
fn is_in_url(place: Place, rest: &str, c: char) -> bool {
    let starts_word = place.before.is_none_or(char::is_whitespace);
    if starts_word {
        rest.starts_with("https://") || rest.starts_with("http://")
    } else {
        place.in_url && !c.is_whitespace()
    }
}

/// Control characters, and those that turn the direction of what comes after
/// them: no chat shows them, and the latter would reach into our own text.
fn is_dropped(c: char) -> bool {
    let turns = matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && !matches!(c, '\n' | '\t'))
}

/// Whether nothing of a text can be seen.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace()
            || is_dropped(c)
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}')
    })
}

/// Whether a character belongs to the visible one before it.
fn joins(c: char) -> bool {
    matches!(
        c,
        '\u{200D}' | '\u{FE0E}' | '\u{FE0F}' | '\u{20E3}' | '\u{1F3FB}'..='\u{1F3FF}'
    ) || is_combining_mark(c)
}

/// Text that its place takes as it is.
pub(super) fn plain(c: char, _: Place, out: &mut String) {
    out.push(c);
}

/// The three characters that Slack and HTML know as markup.
pub(super) fn angle(c: char, _: Place, out: &mut String) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        other => out.push(other),
    }
}

/// Telegram's HTML. It finds `@names` in any text and tells those people; an
/// invisible character behind the `@` prevents that.
pub(super) fn telegram(c: char, place: Place, out: &mut String) {
    angle(c, place, out);
    if c == '@' {
        out.push(WORD_JOINER);
    }
}

/// Adaptive Cards replace `{{DATE(…)}}` even in text without markup.
pub(super) fn adaptive_card(c: char, place: Place, out: &mut String) {
    if c == '{' && place.before == Some('{') {
        out.push(WORD_JOINER);
    }
    out.push(c);
}

/// Discord's Markdown. In a web address a backslash would become part of the
/// address: there the same characters are percent-encoded.
pub(super) fn discord(c: char, place: Place, out: &mut String) {
    let is_markup = match c {
        '\\' | '*' | '_' | '~' | '`' | '|' | '<' | '>' | '[' | ']' | '@' => true,
        '#' | '-' | '+' => place.starts_line,
        '.' | ')' => place.follows_number,
        _ => false,
    };
    if is_markup && place.in_url && c != '<' {
        out.push_str(&format!("%{:02X}", u32::from(c)));
        return;
    }
    if is_markup {
        out.push('\\');
    }
    out.push(c);
}

/// Text that nothing escapes: angle brackets become others, so that it holds
/// no mention.
pub(super) fn without_angles(c: char, _: Place, out: &mut String) {
    out.push(match c {
        '<' => '‹',
        '>' => '›',
        other => other,
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_fits_stays_whole_and_the_rest_ends_in_an_ellipsis() {
        assert_eq!(fit(" disk ", 4, plain).text, "disk");
        assert_eq!(fit("disks", 4, plain).text, "dis…");
        assert_eq!(fit("x", 0, plain).text, "");
        assert_eq!(fit_line("a\nb", 9, plain).text, "a b");
        assert_eq!(fit("a\u{202e}b\u{0}c", 9, plain).text, "abc");
    }

    #[test]
    fn neither_an_escape_nor_a_visible_character_is_cut() {
        assert_eq!(fit("a<b", 4, angle).text, "a…");
        assert_eq!(fit("ab😀", 3, plain).text, "ab…");
        let family = "👨\u{200D}👩\u{200D}👧";
        assert_eq!(fit(&format!("a{family}b"), 6, plain).text, "a…");
        assert_eq!(fit("ae\u{301}\u{302}x", 3, plain).text, "a…");
        let tower = format!("e{}", "\u{301}".repeat(100));
        assert_eq!(fit(&tower, 50, plain).text.chars().count(), 49);
    }

    #[test]
    fn discord_addresses_stay_addresses() {
        let text = |text| fit(text, 200, discord).text;
        assert_eq!(
            text("see https://x.example/a_b*c now_"),
            r"see https://x.example/a%5Fb%2Ac now\_"
        );
        assert_eq!(text("# a\n- b\n1. c\n2) d"), "\\# a\n\\- b\n1\\. c\n2\\) d");
        assert_eq!(text("a-b #1 1.5"), "a-b #1 1.5");
        assert_eq!(text("@everyone <@1>"), r"\@everyone \<\@1\>");
    }

    proptest! {
            #[test]
            fn nothing_is_longer_than_asked_for(text in any::<String>(), max in 0_usize..60) {
                for escape in [plain as Escape, angle, telegram, adaptive_card, discord, without_angles] {
                    let fitted = fit(&text, max, escape);
                    prop_assert!(units(&fitted.text) <= max);
    prop_assert!(fitted.is_whole || max == 0 || fitted.text.ends_with(ELLIPSIS));
                }
            }
        }
}
