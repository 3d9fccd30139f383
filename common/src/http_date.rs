//! Dates in HTTP headers: the one form that is written today and the two old
//! ones that RFC 9110 (5.6.7) still wants to be read.

use time::{PrimitiveDateTime, format_description::BorrowedFormatItem, macros::format_description};

use crate::time::Timestamp;

/// `06 Aug 2026 07:01:00 GMT`, after the weekday.
const FIXED: &[BorrowedFormatItem<'_>] =
    format_description!("[day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
/// `Aug  6 07:01:00 2026`, after the weekday.
const ASCTIME: &[BorrowedFormatItem<'_>] =
    format_description!("[month repr:short] [day padding:space] [hour]:[minute]:[second] [year]");
/// Reads `Thu, 06 Aug 2026 07:01:00 GMT`, `Thursday, 06-Aug-26 07:01:00 GMT`
/// or `Thu Aug  6 07:01:00 2026`.
pub fn parse(text: &str) -> Option<Timestamp> {
    let date = match text.split_once(", ") {
        Some((_, rest)) => PrimitiveDateTime::parse(rest, FIXED)
            .ok()
            .or_else(|| PrimitiveDateTime::parse(&with_century(rest)?, FIXED).ok()),
        None => PrimitiveDateTime::parse(text.split_once(' ')?.1, ASCTIME).ok(),
    }?;
    let seconds = u64::try_from(date.assume_utc().unix_timestamp()).ok()?;
    Some(Timestamp::from_unix_millis(seconds.checked_mul(1_000)?))
}

/// `06-Aug-26 07:01:00 GMT` in the form of today.
fn with_century(text: &str) -> Option<String> {
    let (date, time) = text.split_once(' ')?;
    let (day, rest) = date.split_once('-')?;
    let (month, year) = rest.split_once('-')?;
    // No header speaks of a time fifty years ahead.
    let century = if year < "77" { "20" } else { "19" };
    Some(format!("{day} {month} {century}{year} {time}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_forms_are_read() {
        let expected = Timestamp::parse_rfc3339("2026-08-06T07:01:00Z");
        for text in [
            "Thu, 06 Aug 2026 07:01:00 GMT",
            "Thursday, 06-Aug-26 07:01:00 GMT",
            "Thu Aug  6 07:01:00 2026",
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
        for text in ["Thu Aug 16 07:01:00 2026", "Sunday, 06-Nov-94 08:49:37 GMT"] {
            assert!(parse(text).is_some(), "{text}");
        }
        for text in [
            "",
            "tomorrow",
            "Thu, 06 Aug",
            "Thu, 32 Aug 2026 07:01:00 GMT",
            "Thu, 06 Aug 2026 25:01:00 GMT",
            "Thursday, 06-Aug-é6 07:01:00 GMT",
            "Thursday, 06-Aug-2026 07:01:00 GMT",
            "Thu, 06 Aug 1926 07:01:00 GMT",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
