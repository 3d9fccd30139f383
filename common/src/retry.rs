//! When a failed delivery is tried again, and when it is given up.

use std::{str::FromStr, time::Duration};

use crate::{config::ConfigError, http_date, limits, time::Timestamp};

/// The environment variable that overrides the schedule.
pub const SCHEDULE_VARIABLE: &str = "DELIVERY_RETRY_SCHEDULE";

/// Pauses between attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrySchedule {
    pauses: Vec<Duration>,
    /// After the listed pauses: this pause again and again, until so long
    /// after the first attempt. `None` gives up after the listed pauses.
    tail: Option<(Duration, Duration)>,
}

/// What has happened to a delivery in its current round.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Attempts made, the one that just failed included.
    pub attempts: u32,
    /// When the first of them was made.
    pub started_at: Timestamp,
    /// What the receiver asked for with `Retry-After`.
    pub retry_after: Option<Duration>,
}

impl Default for RetrySchedule {
    /// The schedule of API.md: 5 s … 6 h, then every 12 h to 3 days in all.
    fn default() -> Self {
        Self {
            pauses: limits::RETRY_SCHEDULE.to_vec(),
            tail: Some((limits::RETRY_TAIL, limits::RETRY_TOTAL)),
        }
    }
}

impl RetrySchedule {
    /// The default, or what `DELIVERY_RETRY_SCHEDULE` says.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] where the variable is no list of durations.
    pub fn from_env() -> Result<Self, ConfigError> {
        crate::config::optional(SCHEDULE_VARIABLE).map_or_else(
            || Ok(Self::default()),
            |text| {
                text.parse().map_err(|reason| ConfigError::Invalid {
                    name: SCHEDULE_VARIABLE,
                    reason,
                })
            },
        )
    }

    /// The pause before the next attempt, `None` where the delivery is to be
    /// given up. `jitter` is a number from 0 to 1.
    ///
    /// Only a failed attempt ends a delivery: time that it waits without being
    /// tried (an open breaker, a queue that stands still) counts from its first
    /// attempt on and is followed by an attempt, whatever its age.
    pub fn next_pause(&self, progress: Progress, now: Timestamp, jitter: f64) -> Option<Duration> {
        let made = usize::try_from(progress.attempts).unwrap_or(usize::MAX);
        let listed = self.pauses.get(made.saturating_sub(1)).copied();
        let planned = listed.or(self.tail.map(|(pause, _)| pause))?;
        let left = self
            .tail
            .map(|(_, total)| total.saturating_sub(now.since(progress.started_at)));
        if left.is_some_and(|left| planned > left) {
            return None;
        }
        let spread = 1.0 + limits::RETRY_JITTER * (2.0 * jitter - 1.0);
        let pause = planned.mul_f64(spread).min(left.unwrap_or(Duration::MAX));
        let asked = progress
            .retry_after
            .unwrap_or_default()
            .min(limits::RETRY_AFTER_MAX);
        Some(pause.max(asked))
    }
}

impl FromStr for RetrySchedule {
    type Err = String;

    /// Reads `1s,1s,2s`: numbers with the unit `ms`, `s`, `m` or `h`.
    fn from_str(text: &str) -> Result<Self, String> {
        let pauses = text
            .split(',')
            .map(|part| parse_duration(part.trim()))
            .collect::<Result<_, _>>()?;
        Ok(Self { pauses, tail: None })
    }
}

pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u32 = number
        .parse()
        .map_err(|_| format!("{text:?} is not a duration such as 30s"))?;
    let unit = match unit {
        "ms" => Duration::from_millis(1),
        "s" => Duration::from_secs(1),
        "m" => Duration::from_secs(60),
        "h" => Duration::from_secs(3_600),
        _ => return Err(format!("{text:?} has no unit of ms, s, m or h")),
    };
    Ok(unit * number)
}

/// Reads `Retry-After`: seconds, or an HTTP date in any of its three forms
/// (RFC 9110, 10.2.3 and 5.6.7).
pub fn parse_retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit ask for a very long pause, not for none.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    Some(http_date::parse(value)?.since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(schedule: &RetrySchedule) -> Vec<u64> {
        let started_at = Timestamp::from_unix_millis(0);
        let (mut now, mut pauses) = (started_at, Vec::new());
        for attempts in 1.. {
            let progress = Progress {
                attempts,
                started_at,
                retry_after: None,
            };
            let Some(pause) = schedule.next_pause(progress, now, 0.5) else {
                break;
            };
            pauses.push(pause.as_secs());
            now = now.after(pause);
        }
        pauses
    }

    #[test]
    fn the_default_schedule_ends_within_three_days() {
        let h = 3_600;
        assert_eq!(
            plan(&RetrySchedule::default()),
            [
                5,
                30,
                120,
                600,
                1_800,
                h,
                3 * h,
                6 * h,
                12 * h,
                12 * h,
                12 * h,
                12 * h,
                12 * h
            ]
        );
    }

    #[test]
    fn an_override_is_the_whole_schedule() {
        assert_eq!(plan(&"1s,2m,1h".parse().unwrap()), [1, 120, 3_600]);
        for bad in ["", "1", "s", "1d", "1s,,2s", "-1s"] {
            assert!(bad.parse::<RetrySchedule>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_three_days_and_a_failed_attempt_end_a_delivery() {
        let schedule = RetrySchedule::default();
        let started_at = Timestamp::from_unix_millis(0);
        let pause = |attempts, hours: u64, jitter| {
            let progress = Progress {
                attempts,
                started_at,
                retry_after: None,
            };
            let now = started_at.after(Duration::from_secs(hours * 3_600));
            schedule.next_pause(progress, now, jitter)
        };
        // Two attempts, then days behind an open breaker: one more attempt was
        // made, it failed, and that is the end.
        assert_eq!(pause(3, 80, 0.5), None);
        assert!(pause(3, 71, 0.5).is_some());
        // Jitter does not lead past the end either.
        let last = pause(12, 60, 1.0);
        assert_eq!(last, Some(Duration::from_secs(12 * 3_600)));
    }

    #[test]
    fn jitter_stays_within_a_fifth_and_never_undercuts_retry_after() {
        let schedule = RetrySchedule::default();
        let now = Timestamp::from_unix_millis(0);
        let progress = |retry_after| Progress {
            attempts: 3,
            started_at: now,
            retry_after,
        };
        assert_eq!(
            schedule.next_pause(progress(None), now, 0.0),
            Some(Duration::from_secs(96))
        );
        assert_eq!(
            schedule.next_pause(progress(None), now, 1.0),
            Some(Duration::from_secs(144))
        );
        let asked =
            |seconds| schedule.next_pause(progress(Some(Duration::from_secs(seconds))), now, 0.0);
        assert_eq!(asked(600), Some(Duration::from_secs(600)));
        assert_eq!(asked(9_999_999), Some(limits::RETRY_AFTER_MAX));
    }

    #[test]
    fn a_date_is_not_undercut_by_fractions_of_a_second() {
        let schedule: RetrySchedule = "1s,1s".parse().unwrap();
        let date = "Thu, 06 Aug 2026 07:01:00 GMT";
        let due = Timestamp::parse_rfc3339("2026-08-06T07:01:00Z").unwrap();
        for millis in [0, 1, 499, 500, 501, 999] {
            let now = Timestamp::from_unix_millis(due.unix_millis() - 60_000 + millis);
            let progress = Progress {
                attempts: 1,
                started_at: now,
                retry_after: parse_retry_after(date, now),
            };
            for jitter in [0.0, 0.5, 1.0] {
                let pause = schedule.next_pause(progress, now, jitter).unwrap();
                assert_eq!(now.after(pause), due, "{millis} ms, jitter {jitter}");
            }
        }
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = Timestamp::parse_rfc3339("2026-08-06T07:00:00Z").unwrap();
        assert_eq!(
            parse_retry_after("120", now),
            Some(Duration::from_secs(120))
        );
        assert_eq!(
            parse_retry_after("Thu, 06 Aug 2026 07:01:00 GMT", now),
            Some(Duration::from_secs(60))
        );
        assert_eq!(
            parse_retry_after("Thu, 06 Aug 2026 06:00:00 GMT", now),
            Some(Duration::ZERO)
        );
        for old in [
            "Thursday, 06-Aug-26 07:01:00 GMT",
            "Thu Aug  6 07:01:00 2026",
        ] {
            let read = parse_retry_after(old, now);
            assert_eq!(read, Some(Duration::from_secs(60)), "{old}");
        }
        let endless = parse_retry_after("99999999999999999999999", now);
        assert_eq!(endless, Some(Duration::from_secs(u64::MAX)));
        for bad in [
            "",
            "soon",
            "-1",
            "1.5",
            "Thu, 06 Aug",
            "a b c d e",
            "a b c GMT",
        ] {
            assert_eq!(parse_retry_after(bad, now), None, "{bad}");
        }
    }
}
