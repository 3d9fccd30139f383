//! Points in time, and the many ways in which monitoring tools write them.

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use time::{
    Date, OffsetDateTime, PrimitiveDateTime, UtcOffset,
    format_description::{BorrowedFormatItem, well_known::Rfc3339},
    macros::format_description,
};

/// A point in time, milliseconds precise, in UTC. Written as RFC 3339 with
/// milliseconds (`2026-01-15T10:30:00.000Z`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(u64);

/// The last millisecond that RFC 3339 can write (year 9999).
const MAX_MILLIS: u64 = 253_402_300_799_999;

const WRITTEN: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
const SPACE_SECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
const SPACE_FRACTION: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond]");

impl Timestamp {
    /// This moment.
    pub fn now() -> Self {
        let now = std::time::SystemTime::now();
        let since = now
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Self::from_unix_millis(u64::try_from(since.as_millis()).unwrap_or(MAX_MILLIS))
    }

    /// This moment, but strictly later than `earlier`: the time of a change, by
    /// which whoever read the version before is noticed.
    pub fn now_after(earlier: Self) -> Self {
        Self::now().max(earlier.after(Duration::from_millis(1)))
    }

    /// So many milliseconds after 1970; what lies after the year 9999 becomes
    /// its last moment.
    pub const fn from_unix_millis(millis: u64) -> Self {
        if millis > MAX_MILLIS {
            Self(MAX_MILLIS)
        } else {
            Self(millis)
        }
    }

    /// Milliseconds since 1970.
    pub const fn unix_millis(self) -> u64 {
        self.0
    }

    /// Seconds since 1970, rounded down.
    pub const fn unix_seconds(self) -> u64 {
        self.0 / 1_000
    }

    /// This much later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self::from_unix_millis(
            self.0
                .saturating_add(u64::try_from(duration.as_millis()).unwrap_or(MAX_MILLIS)),
        )
    }

    /// This much earlier.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(MAX_MILLIS);
        Self(self.0.saturating_sub(millis))
    }

    /// The time from `earlier` to this, zero where `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Reads RFC 3339 (with `T` or a space, with any offset, `+0000` too).
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = with_colon_in_offset(text);
        OffsetDateTime::parse(&text, &Rfc3339)
            .ok()
            .and_then(Self::from_offset)
    }

    /// Reads any of the forms of `vendors/README.md`, rule 12, that name a
    /// moment: RFC 3339, the same with spaces and `UTC` or an offset, date and
    /// time without an offset (taken as UTC), and epoch seconds or milliseconds.
    pub fn parse_lenient(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(number) = text.parse::<f64>() {
            return Self::from_epoch(number);
        }
        Self::parse_rfc3339(text).or_else(|| Self::parse_spaced(text))
    }

    /// Epoch seconds or milliseconds: what would lie after the year 5138 as
    /// seconds is milliseconds.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be in range"
    )]
    pub fn from_epoch(number: f64) -> Option<Self> {
        let millis = if number >= 1e11 {
            number
        } else {
            number * 1_000.0
        };
        (millis.is_finite() && millis > 0.0 && millis <= MAX_MILLIS as f64)
            .then(|| Self(millis.round() as u64))
    }

    fn parse_spaced(text: &str) -> Option<Self> {
        let (moment, zone) = match text.char_indices().filter(|(_, c)| *c == ' ').nth(1) {
            Some((at, _)) => (&text[..at], text[at + 1..].trim()),
            None => (text, "UTC"),
        };
        let moment = moment.replacen('T', " ", 1);
        let parsed = PrimitiveDateTime::parse(&moment, SPACE_SECONDS)
            .or_else(|_| PrimitiveDateTime::parse(&moment, SPACE_FRACTION))
            .ok()?;
        let offset = match zone {
            "UTC" | "GMT" | "Z" => UtcOffset::UTC,
            _ => parse_offset(zone)?,
        };
        Self::from_offset(parsed.assume_offset(offset))
    }

    fn from_offset(moment: OffsetDateTime) -> Option<Self> {
        let millis = moment.unix_timestamp_nanos().div_euclid(1_000_000);
        u64::try_from(millis)
            .ok()
            .filter(|millis| *millis <= MAX_MILLIS)
            .map(Self)
    }
}

/// RFC 3339 wants `+00:00` where several tools send `+0000`.
fn with_colon_in_offset(text: &str) -> String {
    let bytes = text.as_bytes();
    let Some(start) = bytes.len().checked_sub(5) else {
        return text.to_owned();
    };
    let offset = &bytes[start..];
    if matches!(offset[0], b'+' | b'-')
        && offset[1..].iter().all(u8::is_ascii_digit)
        && text.contains([':', 'T'])
    {
        format!("{}:{}", &text[..start + 3], &text[start + 3..])
    } else {
        text.to_owned()
    }
}

/// `+0200` or `+02:00`.
fn parse_offset(text: &str) -> Option<UtcOffset> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let hours: i8 = digits[..2].parse().ok()?;
    let minutes: i8 = digits[2..].parse().ok()?;
    UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let epoch = OffsetDateTime::new_utc(
            Date::from_ordinal_date(1970, 1).map_err(|_| fmt::Error)?,
            time::Time::MIDNIGHT,
        );
        let millis = i64::try_from(self.0).map_err(|_| fmt::Error)?;
        let moment = epoch
            .checked_add(time::Duration::milliseconds(millis))
            .ok_or(fmt::Error)?;
        f.write_str(&moment.format(WRITTEN).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl utoipa::PartialSchema for Timestamp {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        crate::openapi::schemas::timestamp().into()
    }
}

impl utoipa::ToSchema for Timestamp {}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_rfc3339(&text).ok_or_else(|| D::Error::custom("not an RFC 3339 timestamp"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_rfc_3339_with_milliseconds() {
        assert_eq!(
            Timestamp::from_unix_millis(1_768_473_000_000).to_string(),
            "2026-01-15T10:30:00.000Z"
        );
        assert_eq!(
            Timestamp::from_unix_millis(u64::MAX).to_string(),
            "9999-12-31T23:59:59.999Z"
        );
    }

    #[test]
    fn reads_every_form_that_tools_send() {
        let expected = Timestamp::from_unix_millis(1_786_000_000_000);
        for text in [
            "2026-08-06T07:06:40Z",
            "2026-08-06T07:06:40.000Z",
            "2026-08-06T09:06:40+02:00",
            "2026-08-06T07:06:40.000+0000",
            "2026-08-06 07:06:40 UTC",
            "2026-08-06 09:06:40 +0200",
            "2026-08-06 07:06:40.000",
            "2026-08-06T07:06:40",
            "1786000000",
            "1786000000000",
            " 1786000000 ",
        ] {
            assert_eq!(Timestamp::parse_lenient(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_absent() {
        for text in [
            "",
            "yesterday",
            "0",
            "-5",
            "NaN",
            "1e300",
            "2026-13-01T00:00:00Z",
            "0001-01-01T00:00:00Z",
            "é+0200",
        ] {
            assert_eq!(Timestamp::parse_lenient(text), None, "{text}");
        }
    }
}
