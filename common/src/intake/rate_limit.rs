//! How many requests an integration may send in a minute.
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

use crate::{id::IntegrationId, time::Timestamp};

/// The length of a window.
const WINDOW: Duration = Duration::from_secs(60);
/// Windows that are kept; beyond it, those that have ended are forgotten.
const WINDOWS: usize = 10_000;

/// The windows of all integrations that this process has seen lately.
#[derive(Debug, Clone, Default)]
pub struct RateLimiter(Arc<Mutex<HashMap<IntegrationId, Window>>>);

#[derive(Debug, Clone, Copy)]
struct Window {
    ends_at: Timestamp,
    used: u32,
}

/// What is left of an integration's window after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Whether this request is within the limit.
    pub allowed: bool,
    /// Requests that the window still allows.
    pub remaining: u32,
    /// When the window ends.
    pub resets_at: Timestamp,
}

impl RateLimiter {
    /// Counts a request at `now` against a limit of so many a minute.
    pub fn count(&self, integration: IntegrationId, limit: u32, now: Timestamp) -> Allowance {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= WINDOWS {
            windows.retain(|_, window| window.ends_at > now);
        }
        let fresh = Window {
            ends_at: now.after(WINDOW),
            used: 0,
        };
        let window = windows.entry(integration).or_insert(fresh);
        if window.ends_at <= now {
            *window = fresh;
        }
        let allowed = window.used < limit;
        if allowed {
            window.used += 1;
        }
        Allowance {
            allowed,
            remaining: limit.saturating_sub(window.used),
            resets_at: window.ends_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_allows_the_limit_and_then_ends() {
        let (limiter, integration) = (RateLimiter::default(), IntegrationId::generate());
        let start = Timestamp::from_unix_millis(1_786_000_000_000);
        let count = |at: Timestamp| limiter.count(integration, 2, at);
        let remaining: Vec<(bool, u32)> = (0..3)
            .map(|second| count(start.after(Duration::from_secs(second))))
            .map(|allowance| (allowance.allowed, allowance.remaining))
            .collect();
        assert_eq!(remaining, [(true, 1), (true, 0), (false, 0)]);
        assert_eq!(count(start).resets_at, start.after(WINDOW));
        assert!(count(start.after(WINDOW)).allowed);
        assert!(
            limiter.count(IntegrationId::generate(), 2, start).allowed,
            "another integration"
        );
    }
}
