//! Whether a delivery may go out now: the breaker of its webhook and the
//! places for deliveries under way. And what its outcome tells of the webhook.

use std::time::{Duration, Instant};

use aws_lambda_events::event::sqs::SqsMessage;
use common::{
    aws,
    breaker::{Failure, Gate, Health, Step, busy_pause},
    crypto, limits,
    posting::{Tried, Verdict, try_delivery},
    store::StoreError,
    telemetry::{self, Metric},
    time::Timestamp,
    webhook::{Delivery, DeliveryMessage, SlowAttempt, Webhook},
    webhook_event::{Happened, WebhookEvent},
};
use futures_util::future;

use crate::{Deliverer, limiter::Place};

/// The right to make one attempt.
pub(crate) struct Pass {
    /// The webhook as it is now.
    pub webhook: Webhook,
    /// Whether the attempt is the probe of an open breaker.
    pub probe: bool,
    /// Whether the queue handed the message out for the first time.
    pub is_first_receive: bool,
    _place: Place,
}

impl Deliverer {
    /// Lets the delivery out, or says when it is to ask again. Waiting is no
    /// attempt: nothing is written down for it.
    pub(crate) async fn pass(
        &self,
        message: &SqsMessage,
        webhook: Webhook,
        start_by: Instant,
    ) -> Result<Pass, Duration> {
        check_gate(&webhook)?;
        let places = self.policy.places(webhook.health.as_ref());
        if webhook.slow_attempts_at(Timestamp::now()) >= places {
            return Err(busy(message));
        }
        let place = self.limiter.place(webhook.id, places, start_by).await;
        let place = place.ok_or_else(|| busy(message))?;
        let webhook = if place.waited {
            self.read_again(&webhook).await?
        } else {
            webhook
        };
        let probe = check_gate(&webhook)? == Gate::Probe;
        if probe {
            self.take_probe(&webhook).await?;
        }
        Ok(Pass {
            webhook,
            probe,
            is_first_receive: receives(message) == 1,
            _place: place,
        })
    }

    /// While the delivery waited for its place, much may have happened.
    async fn read_again(&self, webhook: &Webhook) -> Result<Webhook, Duration> {
        match self.store.webhook(webhook.id).await {
            Ok(Some(webhook)) if webhook.enabled => Ok(webhook),
            // Comes again at once, and is skipped then.
            Ok(_) => Err(Duration::ZERO),
            Err(error) => {
                tracing::error!(webhook.id = %webhook.id, %error, "a webhook could not be read");
                Err(limits::STORE_FAILURE_PAUSE)
            }
        }
    }

    /// Only one delivery is the probe: the one that writes itself down first.
    async fn take_probe(&self, webhook: &Webhook) -> Result<(), Duration> {
        let Some(health) = &webhook.health else {
            return Ok(());
        };
        let probing = health.probing(Timestamp::now());
        let taken = self
            .store
            .replace_health(webhook.id, Some(health), &probing, None)
            .await;
        taken.map_err(|error| {
            if !matches!(error, StoreError::Conflict) {
                tracing::error!(webhook.id = %webhook.id, %error, "a probe could not be taken");
            }
            spread(limits::PROBE_RESULT_PAUSE)
        })
    }

    /// Posts a delivery. One that takes long is counted in the webhook's item
    /// meanwhile, where every function sees it.
    pub(crate) async fn attempt(
        &self,
        webhook: &Webhook,
        delivery: &Delivery,
        message: &DeliveryMessage,
    ) -> Tried {
        let mut posting = Box::pin(try_delivery(&self.outbound, webhook, delivery, message));
        if let Ok(tried) = tokio::time::timeout(limits::SLOW_AFTER, &mut posting).await {
            return tried;
        }
        let slow = SlowAttempt {
            delivery: delivery.id,
            until: Timestamp::now().after(limits::ATTEMPT_LEASE),
        };
        let counted = self.store.add_slow_attempt(webhook.id, slow);
        let (tried, counted) = future::join(posting, counted).await;
        let ended = match counted {
            Ok(()) => {
                let now = Timestamp::now();
                self.store.remove_slow_attempt(webhook, slow, now).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            tracing::warn!(webhook.id = %webhook.id, %error, "a slow attempt was not counted");
        }
        tried
    }

    /// Writes down what an attempt tells of its webhook. A success of one that
    /// did not fail before tells nothing new: no write.
    pub(crate) async fn learn(&self, pass: &Pass, tried: &Tried) {
        let webhook = &pass.webhook;
        let learnt = match tried.verdict {
            Verdict::Delivered => self.learn_success(webhook).await,
            Verdict::Gone => self.disable_gone(webhook).await,
            Verdict::Failed { retry_after } => {
                let failure = Failure {
                    at: Timestamp::now(),
                    error: tried.attempt.error.clone(),
                    retry_after,
                    probe: pass.probe,
                };
                self.learn_failure(webhook, failure).await
            }
        };
        if let Err(error) = learnt {
            tracing::error!(webhook.id = %webhook.id, %error, "an outcome was not noted in its webhook");
        }
    }

    async fn learn_success(&self, webhook: &Webhook) -> Result<(), StoreError> {
        let Some(health) = &webhook.health else {
            return Ok(());
        };
        let recovered = health.warned_at.map(|_| {
            let actor = common::event::Actor::delivery();
            WebhookEvent::noted(webhook.id, Happened::Recovered, Timestamp::now(), actor)
        });
        if health.next_probe_at.is_some() {
            telemetry::count(Metric::BreakersClosed, 1);
            tracing::info!(webhook.id = %webhook.id, "a webhook works again");
        }
        self.store
            .forget_failures(webhook.id, recovered.as_ref())
            .await
    }

    /// The receiver says that it is gone for good (410).
    async fn disable_gone(&self, webhook: &Webhook) -> Result<(), StoreError> {
        let reason = "the receiver answered 410 Gone";
        let health = webhook.health.as_ref();
        let entry = WebhookEvent::disabled(webhook, health, reason, Timestamp::now());
        match self.store.disable_gone_webhook(webhook, &entry).await {
            // Somebody disabled or deleted it already.
            Err(StoreError::Conflict) => Ok(()),
            Ok(()) => {
                telemetry::count(Metric::WebhooksDisabled, 1);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn learn_failure(&self, webhook: &Webhook, failure: Failure) -> Result<(), StoreError> {
        let mut webhook = webhook.clone();
        for attempt in 0..limits::CONFLICT_ATTEMPTS {
            match self.count_failure(&webhook, failure.clone()).await {
                Err(StoreError::Conflict) => {}
                other => return other,
            }
            aws::conflict_pause(attempt).await;
            // Another failure was counted meanwhile: this one comes on top.
            webhook = match self.store.webhook(webhook.id).await? {
                Some(now) if now.enabled => now,
                _ => return Ok(()),
            };
        }
        Err(StoreError::Conflict)
    }

    async fn count_failure(&self, webhook: &Webhook, failure: Failure) -> Result<(), StoreError> {
        let (now, before) = (failure.at, webhook.health.as_ref());
        let Some((after, step)) = Health::after_failure(before, failure, &self.policy) else {
            return Ok(());
        };
        let reason = format!("nothing but failures since {}", after.failing_since);
        let (entry, metric) = match step {
            Step::Counted => (None, None),
            Step::Warn => {
                let entry = WebhookEvent::failing(webhook, &after, now);
                (Some(entry), Some(Metric::WebhooksFailing))
            }
            Step::Disable => {
                let entry = WebhookEvent::disabled(webhook, Some(&after), &reason, now);
                (Some(entry), Some(Metric::WebhooksDisabled))
            }
        };
        match &entry {
            Some(entry) if step == Step::Disable => {
                self.store
                    .disable_failing_webhook(webhook, before, &after, entry)
                    .await?;
                tracing::warn!(webhook.id = %webhook.id, reason, "a webhook is disabled");
            }
            entry => {
                self.store
                    .replace_health(webhook.id, before, &after, entry.as_ref())
                    .await?;
            }
        }
        let was_open = before.is_some_and(|health| health.next_probe_at.is_some());
        telemetry::count(
            Metric::BreakersOpened,
            usize::from(!was_open && after.next_probe_at.is_some()),
        );
        if let Some(metric) = metric {
            telemetry::count(metric, 1);
        }
        Ok(())
    }
}

/// Whether the breaker lets a delivery through, and as what; else for how long
/// it waits.
fn check_gate(webhook: &Webhook) -> Result<Gate, Duration> {
    let health = webhook.health.as_ref();
    match health.map_or(Gate::Open, |health| health.gate(Timestamp::now())) {
        Gate::Wait(pause) => Err(spread(pause.min(limits::BREAKER_WAIT_MAX))),
        gate => Ok(gate),
    }
}

/// Those that wait for a probe do not come back all at once; the queue counts
/// in whole seconds, and zero would be at once.
fn spread(pause: Duration) -> Duration {
    let spread = 1.0 + limits::BREAKER_SPREAD * crypto::random_unit();
    pause.mul_f64(spread).max(Duration::from_secs(1))
}

/// How long a message waits that finds no place, by how often the queue has
/// handed it out.
pub(crate) fn busy(message: &SqsMessage) -> Duration {
    busy_pause(receives(message), crypto::random_unit())
}

fn receives(message: &SqsMessage) -> u32 {
    let count = message.attributes.get("ApproximateReceiveCount");
    count.and_then(|count| count.parse().ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nobody_waits_for_a_probe_for_hours() {
        let now = Timestamp::now();
        let webhook = |probe_after: Duration| -> Webhook {
            serde_json::from_value(json!({
                "id": common::id::WebhookId::generate(), "name": "w", "url": "https://example.com",
                "events": [], "enabled": true, "secret": "s", "format": "opsknight",
                "ordering": "none", "createdAt": now, "updatedAt": now,
                "health": { "consecutiveFailures": 5, "failingSince": now, "failedProbes": 0,
                    "nextProbeAt": now.after(probe_after), "revision": 5 },
            }))
            .unwrap()
        };
        let wait = check_gate(&webhook(limits::RETRY_AFTER_MAX)).unwrap_err();
        let longest = limits::BREAKER_WAIT_MAX.mul_f64(1.0 + limits::BREAKER_SPREAD);
        assert!(wait <= longest, "{wait:?}");
        assert!(wait < limits::UNDELIVERED_AFTER);
        let short = check_gate(&webhook(Duration::from_secs(60))).unwrap_err();
        assert!(
            (Duration::from_secs(50)..=Duration::from_secs(66)).contains(&short),
            "{short:?}"
        );
    }
}
