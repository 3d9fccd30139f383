//! How many requests an integration or an API key may send in a minute.
//!
//! Counted in the process: a counter in the table would cost every alert one
//! more write. On one machine the count is exact. A Lambda instance handles one
//! request at a time and thousands of them a minute, so an integration at its
//! limit keeps about one instance busy; where more serve it, each allows the
//! limit by itself. The bound on all requests is the API's own throttling.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::RETRY_AFTER};

use ulid::Ulid;

use crate::{http::ApiError, time::Timestamp};

/// The length of a window.
const WINDOW: Duration = Duration::from_secs(60);
/// Windows that are kept; beyond it, those that have ended are forgotten.
const WINDOWS: usize = 10_000;

/// The windows of all senders that this process has seen lately.
#[derive(Debug, Clone, Default)]
pub struct RateLimiter(Arc<Mutex<HashMap<Ulid, Window>>>);

#[derive(Debug, Clone, Copy)]
struct Window {
    ends_at: Timestamp,
    used: u32,
    refused: u32,
}

/// What is left of a sender's window after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    remaining: u32,
    resets_at: Timestamp,
}

/// A request over its sender's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverLimit {
    resets_at: Timestamp,
    retry_after: Duration,
    /// Whether it is the first of its window: the only one that is logged,
    /// since a flood must not become a flood of writes.
    pub is_first: bool,
}

impl Allowance {
    /// Tells the sender what is left.
    pub fn write(self, headers: &mut HeaderMap) {
        headers.extend(told(self.remaining, self.resets_at));
    }
}

impl OverLimit {
    /// The refusal with the status that makes this sender come back.
    pub fn into_error(self, status: StatusCode) -> ApiError {
        let seconds = self.retry_after.as_millis().div_ceil(1_000).max(1);
        let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
        let mut headers = told(0, self.resets_at).to_vec();
        headers.push((RETRY_AFTER, HeaderValue::from(seconds)));
        ApiError::rate_limited(status, headers)
    }
}

/// What a sender is told of its window.
fn told(remaining: u32, resets_at: Timestamp) -> [(HeaderName, HeaderValue); 2] {
    const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
    const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
    let resets_at = resets_at.unix_millis().div_ceil(1_000);
    [
        (REMAINING, HeaderValue::from(remaining)),
        (RESET, HeaderValue::from(resets_at)),
    ]
}

impl RateLimiter {
    /// Counts a request at `now` against what this sender may send in a minute.
    ///
    /// # Errors
    /// [`OverLimit`] where the window allows no more.
    pub fn count(
        &self,
        sender: Ulid,
        per_minute: u32,
        now: Timestamp,
    ) -> Result<Allowance, OverLimit> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= WINDOWS {
            windows.retain(|_, window| window.ends_at > now);
        }
        let fresh = Window {
            ends_at: now.after(WINDOW),
            used: 0,
            refused: 0,
        };
        let window = windows.entry(sender).or_insert(fresh);
        if window.ends_at <= now {
            *window = fresh;
        }
        let resets_at = window.ends_at;
        if window.used >= per_minute {
            window.refused = window.refused.saturating_add(1);
            return Err(OverLimit {
                resets_at,
                retry_after: resets_at.since(now),
                is_first: window.refused == 1,
            });
        }
        window.used += 1;
        Ok(Allowance {
            remaining: per_minute - window.used,
            resets_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_allows_the_limit_and_then_ends() {
        let limiter = RateLimiter::default();
        let start = Timestamp::from_unix_millis(1_786_000_000_000);
        let (one, another) = (Ulid(1), Ulid(2));
        let count = |second| limiter.count(one, 2, start.after(Duration::from_secs(second)));
        let remaining = [0, 1].map(|second| count(second).map(|allowance| allowance.remaining));
        assert_eq!(remaining, [Ok(1), Ok(0)]);
        let refused = [20, 59].map(|second| count(second).unwrap_err());
        assert_eq!(refused.map(|over| over.is_first), [true, false]);
        assert_eq!(refused[0].retry_after, Duration::from_secs(40));
        assert!(limiter.count(another, 2, start).is_ok());
        assert!(count(60).is_ok(), "the next window");
    }
}
