//! The circuit breaker of a webhook: what its failures in a row lead to. Pure
//! rules; the state is kept in the webhook's item and changed by
//! compare-and-swap, so that all functions that deliver share it.

use std::{str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{config::ConfigError, limits, retry::parse_duration, time::Timestamp};

/// The environment variable that overrides the policy.
pub const BREAKER_VARIABLE: &str = "DELIVERY_BREAKER";

/// When a webhook is spared, warned of and disabled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// Failures in a row that open the breaker.
    pub failures: u32,
    /// Pauses between probes; the last one again and again.
    pub pauses: Vec<Duration>,
    /// Its users are warned after so long of nothing but failures …
    pub warn_after: Duration,
    /// … and it is disabled after so long.
    pub disable_after: Duration,
    /// Deliveries under way at once.
    pub at_once: usize,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self {
            failures: limits::BREAKER_FAILURES,
            pauses: limits::BREAKER_PAUSES.to_vec(),
            warn_after: limits::FAILING_WARN_AFTER,
            disable_after: limits::FAILING_DISABLE_AFTER,
            at_once: limits::DELIVERIES_AT_ONCE,
        }
    }
}

impl BreakerPolicy {
    /// The default, or what `DELIVERY_BREAKER` says.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] where the variable cannot be read.
    pub fn from_env() -> Result<Self, ConfigError> {
        crate::config::optional(BREAKER_VARIABLE).map_or_else(
            || Ok(Self::default()),
            |text| {
                text.parse().map_err(|reason| ConfigError::Invalid {
                    name: BREAKER_VARIABLE,
                    reason,
                })
            },
        )
    }

    /// Deliveries that may be under way at once to a webhook of this health: to
    /// one that failed, no more than could open its breaker. Else those that
    /// start while the first of a crowd time out would hang as long again.
    pub fn places(&self, health: Option<&Health>) -> usize {
        let failed = health.map_or(0, |health| health.consecutive_failures);
        if failed == 0 {
            return self.at_once;
        }
        let left = usize::try_from(self.failures.saturating_sub(failed)).unwrap_or(usize::MAX);
        left.clamp(1, self.at_once.max(1))
    }

    fn pause(&self, failed_probes: u32) -> Duration {
        let at = usize::try_from(failed_probes).unwrap_or(usize::MAX);
        let pause = self.pauses.get(at).or(self.pauses.last());
        pause.copied().unwrap_or_default()
    }
}

impl FromStr for BreakerPolicy {
    type Err = String;

    /// Reads `failures=5,pauses=1s/2s,warn=3s,disable=6s,atOnce=10`; what is
    /// not named keeps its default.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut policy = Self::default();
        for part in text.split(',') {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| format!("{part:?} is not name=value"))?;
            match name.trim() {
                "failures" => policy.failures = positive(value)?,
                "pauses" => {
                    let pauses = value.split('/').map(|pause| parse_duration(pause.trim()));
                    policy.pauses = pauses.collect::<Result<_, _>>()?;
                }
                "warn" => policy.warn_after = parse_duration(value.trim())?,
                "disable" => policy.disable_after = parse_duration(value.trim())?,
                "atOnce" => policy.at_once = positive(value)?,
                other => return Err(format!("{other:?} is no setting of the breaker")),
            }
        }
        Ok(policy)
    }
}

fn positive<T: FromStr + Default + PartialEq>(text: &str) -> Result<T, String> {
    let number = text.trim().parse().ok();
    number
        .filter(|number| *number != T::default())
        .ok_or_else(|| format!("{text:?} is not a positive number"))
}

/// What is known of a webhook that fails. One that does not has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Failures in a row.
    pub consecutive_failures: u32,
    /// When the first of them was.
    pub failing_since: Timestamp,
    /// What the last of them was.
    pub last_error: Option<String>,
    /// Where the breaker is open: before this, nothing is sent.
    pub next_probe_at: Option<Timestamp>,
    /// Where a probe is under way: until then it is waited for.
    pub probe_until: Option<Timestamp>,
    /// Probes that failed since the breaker opened.
    pub failed_probes: u32,
    /// When the users were warned.
    pub warned_at: Option<Timestamp>,
    /// Counted up by every change: the compare of the compare-and-swap.
    pub revision: u64,
}

/// How a webhook stands, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = BreakerState)]
pub enum State {
    /// Deliveries go out as they come.
    Closed,
    /// Deliveries wait for the next probe.
    Open,
    /// A probe is under way.
    Probing,
}

/// Whether a delivery may go out now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// It may.
    Open,
    /// It may as the probe, if it is the first to take it.
    Probe,
    /// Not before this pause.
    Wait(Duration),
}

/// A failed attempt, as far as it tells of its receiver.
#[derive(Debug, Clone)]
pub struct Failure {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub error: Option<String>,
    /// What the receiver asked for with `Retry-After`.
    pub retry_after: Option<Duration>,
    /// Whether the attempt was the probe of an open breaker.
    pub probe: bool,
}

/// What a failure leads to, beyond being counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Counted,
    /// The users are to be warned.
    Warn,
    /// The webhook is to be disabled.
    Disable,
}

impl Health {
    /// How the webhook stands at `now`.
    pub fn state(&self, now: Timestamp) -> State {
        match (self.next_probe_at, self.probe_until) {
            (None, _) => State::Closed,
            (Some(_), Some(until)) if until > now => State::Probing,
            (Some(_), _) => State::Open,
        }
    }

    /// Whether a delivery may go out at `now`.
    pub fn gate(&self, now: Timestamp) -> Gate {
        let Some(next_probe_at) = self.next_probe_at else {
            return Gate::Open;
        };
        match self.probe_until {
            Some(until) if until > now => {
                Gate::Wait(until.since(now).min(limits::PROBE_RESULT_PAUSE))
            }
            _ if next_probe_at > now => Gate::Wait(next_probe_at.since(now)),
            _ => Gate::Probe,
        }
    }

    /// The same with a probe under way from `now`.
    #[must_use]
    pub fn probing(&self, now: Timestamp) -> Self {
        Self {
            probe_until: Some(now.after(limits::ATTEMPT_LEASE)),
            revision: self.revision + 1,
            ..self.clone()
        }
    }

    /// What a failure makes of what was known, `None` where it changes
    /// nothing: the breaker was opened while the attempt was under way.
    pub fn after_failure(
        before: Option<&Self>,
        failure: Failure,
        policy: &BreakerPolicy,
    ) -> Option<(Self, Step)> {
        let was_open = before.is_some_and(|health| health.next_probe_at.is_some());
        if was_open && !failure.probe {
            return None;
        }
        let mut health = before.cloned().unwrap_or(Self {
            consecutive_failures: 0,
            failing_since: failure.at,
            last_error: None,
            next_probe_at: None,
            probe_until: None,
            failed_probes: 0,
            warned_at: None,
            revision: 0,
        });
        health.revision += 1;
        health.consecutive_failures = health.consecutive_failures.saturating_add(1);
        health.last_error = failure.error;
        health.probe_until = None;
        if was_open {
            health.failed_probes = health.failed_probes.saturating_add(1);
        }
        if !was_open && health.consecutive_failures < policy.failures {
            return Some((health, Step::Counted));
        }
        let asked = failure
            .retry_after
            .unwrap_or_default()
            .min(limits::RETRY_AFTER_MAX);
        let pause = policy.pause(health.failed_probes).max(asked);
        health.next_probe_at = Some(failure.at.after(pause));
        let step = health.step(failure.at, policy);
        if step == Step::Warn {
            health.warned_at = Some(failure.at);
        }
        Some((health, step))
    }

    /// Nobody is disabled unwarned, however long ago the first failure was: a
    /// webhook of rare events has the whole time between the two as well.
    fn step(&self, now: Timestamp, policy: &BreakerPolicy) -> Step {
        let failing = now.since(self.failing_since);
        let notice = policy.disable_after.saturating_sub(policy.warn_after);
        match self.warned_at {
            None if failing >= policy.warn_after => Step::Warn,
            Some(at) if failing >= policy.disable_after && now.since(at) >= notice => Step::Disable,
            _ => Step::Counted,
        }
    }
}

/// How long a delivery is put back that found its webhook's places taken: the
/// longer, the more often it was received. Growing by two seconds each time, the
/// thousand receives that the queue allows last five days.
pub fn busy_pause(receives: u32, random: f64) -> Duration {
    let longest = limits::BUSY_PAUSE
        .saturating_mul(receives.max(1))
        .min(limits::BUSY_PAUSE_MAX);
    longest.mul_f64(0.5 + random / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> BreakerPolicy {
        "failures=3,pauses=10s/60s,warn=1h,disable=5h"
            .parse()
            .unwrap()
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_millis(seconds * 1_000)
    }

    fn fail(before: Option<&Health>, seconds: u64, probe: bool) -> Option<(Health, Step)> {
        let failure = Failure {
            at: at(seconds),
            error: Some("answered 500".to_owned()),
            retry_after: None,
            probe,
        };
        Health::after_failure(before, failure, &policy())
    }

    /// Open since second 2.
    fn opened() -> Health {
        let (first, _) = fail(None, 0, false).unwrap();
        let (second, _) = fail(Some(&first), 1, false).unwrap();
        assert_eq!(second.gate(at(1)), Gate::Open);
        fail(Some(&second), 2, false).unwrap().0
    }

    #[test]
    fn it_opens_after_so_many_failures_and_lets_one_probe_through() {
        let open = opened();
        assert_eq!(open.state(at(2)), State::Open);
        assert_eq!(open.gate(at(2)), Gate::Wait(Duration::from_secs(10)));
        assert_eq!(open.gate(at(12)), Gate::Probe);
        let probing = open.probing(at(12));
        assert_eq!(probing.state(at(13)), State::Probing);
        assert!(matches!(probing.gate(at(13)), Gate::Wait(_)));
        // A probe whose function died is not waited for for ever.
        let later = at(12).after(limits::ATTEMPT_LEASE);
        assert_eq!(probing.gate(later), Gate::Probe);
    }

    #[test]
    fn pauses_between_probes_grow_and_the_last_one_stays() {
        let mut health = opened();
        let mut now = 12;
        for expected in [60, 60, 60] {
            health = fail(Some(&health.probing(at(now))), now, true).unwrap().0;
            assert_eq!(
                health.gate(at(now)),
                Gate::Wait(Duration::from_secs(expected))
            );
            now += expected;
        }
        assert_eq!(health.consecutive_failures, 6);
    }

    #[test]
    fn who_has_failed_is_given_fewer_places() {
        let policy: BreakerPolicy = "failures=3,atOnce=10".parse().unwrap();
        assert_eq!(policy.places(None), 10);
        let (first, _) = fail(None, 0, false).unwrap();
        let (second, _) = fail(Some(&first), 1, false).unwrap();
        assert_eq!(policy.places(Some(&first)), 2);
        assert_eq!(policy.places(Some(&second)), 1);
        assert_eq!(policy.places(Some(&opened())), 1, "the probe");
        let patient: BreakerPolicy = "failures=1000,atOnce=10".parse().unwrap();
        assert_eq!(patient.places(Some(&first)), 10);
    }

    #[test]
    fn attempts_from_before_it_opened_change_nothing() {
        assert_eq!(fail(Some(&opened()), 3, false), None);
    }

    #[test]
    fn no_probe_comes_earlier_than_the_receiver_asked() {
        let longest = limits::RETRY_AFTER_MAX.as_secs();
        for (asked, expected) in [(5, 10), (30, 30), (900, 900), (longest + 1, longest)] {
            let (mut health, _) = fail(None, 0, false).unwrap();
            health.consecutive_failures = 2;
            let failure = Failure {
                at: at(1),
                error: None,
                retry_after: Some(Duration::from_secs(asked)),
                probe: false,
            };
            let (health, _) = Health::after_failure(Some(&health), failure, &policy()).unwrap();
            let wait = Gate::Wait(Duration::from_secs(expected));
            assert_eq!(health.gate(at(1)), wait, "{asked}");
        }
    }

    #[test]
    fn it_warns_once_and_disables_only_after_notice() {
        let h = 3_600;
        let fail_at = |health: &Health, hours: u64| fail(Some(health), hours * h, true).unwrap();
        let (health, step) = fail(Some(&opened()), h - 1, true).unwrap();
        assert_eq!(step, Step::Counted);
        let (health, step) = fail(Some(&health), h + 2, true).unwrap();
        assert_eq!((step, health.warned_at), (Step::Warn, Some(at(h + 2))));
        let (health, step) = fail_at(&health, 4);
        assert_eq!(step, Step::Counted);
        assert_eq!(fail_at(&health, 6).1, Step::Disable);

        // The first failure in a long time warns, whatever its age.
        let (rare, step) = fail_at(&opened(), 100);
        assert_eq!(step, Step::Warn);
        assert_eq!(fail_at(&rare, 103).1, Step::Counted);
        assert_eq!(fail_at(&rare, 104).1, Step::Disable);
    }

    #[test]
    fn a_policy_is_read_from_text() {
        let policy: BreakerPolicy = "failures=2,pauses=1s/2s,atOnce=3".parse().unwrap();
        assert_eq!((policy.failures, policy.at_once), (2, 3));
        assert_eq!(policy.pauses, [1, 2].map(Duration::from_secs));
        assert_eq!(policy.warn_after, limits::FAILING_WARN_AFTER);
        for bad in ["", "failures=0", "pauses=", "warn=1", "what=1s", "failures"] {
            assert!(bad.parse::<BreakerPolicy>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_thousand_receives_outlast_the_wait_for_a_place() {
        let total: Duration = (1..=1_000).map(|receives| busy_pause(receives, 1.0)).sum();
        assert!(total > Duration::from_secs(4 * 86_400), "{total:?}");
        assert!(busy_pause(1, 0.0) >= Duration::from_millis(500));
    }
}
