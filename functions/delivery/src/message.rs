//! One message: what its delivery's own record says decides, never the queue's
//! receive count.

use std::time::{Duration, Instant};

use aws_lambda_events::event::sqs::SqsMessage;
use common::{
    crypto, limits,
    posting::{Tried, Verdict},
    queue::Outgoing,
    retry::Progress,
    store::AttemptRecord,
    telemetry::{self, Metric},
    time::Timestamp,
    webhook::{Delivery, DeliveryMessage, DeliveryStatus, Webhook},
};

use futures_util::future;

use crate::{
    Deliverer, Next,
    gate::{Pass, busy},
};

impl Deliverer {
    pub(crate) async fn handle_message(&self, message: &SqsMessage, start_by: Instant) -> Next {
        let body = message.body.as_deref().unwrap_or_default();
        let parsed: DeliveryMessage = match serde_json::from_str(body) {
            Ok(parsed) => parsed,
            Err(error) => {
                tracing::error!(%error, "a message of the delivery queue cannot be read");
                return self.park(message, body).await;
            }
        };
        if self
            .limiter
            .is_stuck(parsed.webhook_id, self.policy.at_once)
        {
            // What it has to wait for needs no reading.
            return postponed(busy(message));
        }
        match self
            .store
            .webhook_and_delivery(parsed.webhook_id, parsed.delivery_id)
            .await
        {
            Ok((webhook, delivery)) => {
                let next = self.ready(&parsed, webhook, delivery).await;
                let (webhook, delivery) = match next {
                    Ok(ready) => ready,
                    Err(next) => return next,
                };
                match self.pass(message, webhook, start_by).await {
                    Ok(pass) => {
                        let id = parsed.correlation_id.as_deref();
                        let delivering = self.deliver(&parsed, &delivery, pass);
                        telemetry::correlated(id, delivering).await
                    }
                    Err(pause) => postponed(pause),
                }
            }
            Err(error) => {
                tracing::error!(delivery.id = %parsed.delivery_id, %error, "a delivery could not be read");
                Next::Again(limits::STORE_FAILURE_PAUSE)
            }
        }
    }

    /// The webhook and the delivery where an attempt is due, else what is to
    /// happen instead.
    async fn ready(
        &self,
        message: &DeliveryMessage,
        webhook: Option<Webhook>,
        delivery: Option<Delivery>,
    ) -> Result<(Webhook, Delivery), Next> {
        let Some(delivery) = delivery else {
            tracing::warn!(delivery.id = %message.delivery_id, "the delivery has expired");
            return Err(Next::Done);
        };
        if message.round < delivery.round
            || matches!(
                delivery.status,
                DeliveryStatus::Delivered | DeliveryStatus::Skipped
            )
        {
            return Err(Next::Done);
        }
        if delivery.status == DeliveryStatus::Failed && message.round == delivery.round {
            return Err(self.bury(message, &delivery).await);
        }
        let Some(webhook) = webhook.filter(|webhook| webhook.enabled) else {
            return Err(self.skip(&delivery).await);
        };
        match time_left(message, &delivery, Timestamp::now()) {
            Some(wait) => Err(postponed(wait)),
            None => Ok((webhook, delivery)),
        }
    }

    async fn deliver(&self, message: &DeliveryMessage, delivery: &Delivery, pass: Pass) -> Next {
        let tried = self.attempt(&pass.webhook, delivery, message).await;
        self.settle(message, &pass, delivery, tried).await
    }

    /// Records an attempt and decides what comes next.
    async fn settle(
        &self,
        message: &DeliveryMessage,
        pass: &Pass,
        delivery: &Delivery,
        tried: Tried,
    ) -> Next {
        let now = Timestamp::now();
        let pause = match tried.verdict {
            Verdict::Delivered | Verdict::Gone => None,
            Verdict::Failed { retry_after } => {
                let progress = progress(message, delivery, &tried, retry_after);
                self.schedule
                    .next_pause(progress, now, crypto::random_unit())
            }
        };
        let status = match (&tried.verdict, pause) {
            (Verdict::Delivered, _) => DeliveryStatus::Delivered,
            (Verdict::Failed { .. }, Some(_)) => DeliveryStatus::Retrying,
            (Verdict::Failed { .. }, None) | (Verdict::Gone, _) => DeliveryStatus::Failed,
        };
        tell(delivery, message, pass, (&tried, status), now);
        tracing::info!(
            correlation_id = message.correlation_id,
            delivery.id = %delivery.id,
            webhook.id = %pass.webhook.id,
            event.id = %delivery.event_id,
            incident.id = delivery.incident_id.map(tracing::field::display),
            attempt = tried.attempt.number,
            status_code = tried.attempt.status_code,
            duration_ms = tried.attempt.duration_ms,
            error = tried.attempt.error,
            outcome = status.as_str(),
            "delivery attempt"
        );
        let record = AttemptRecord {
            delivery,
            round: message.round,
            attempt: tried.attempt.clone(),
            status,
            next_attempt_at: pause.map(|pause| now.after(pause)),
        };
        // What was posted was posted: a record that cannot be written must not
        // make the receiver see the event again.
        let recorded = self.store.record_attempt(&record);
        let (recorded, ()) = future::join(recorded, self.learn(pass, &tried)).await;
        if let Err(error) = recorded {
            tracing::error!(delivery.id = %delivery.id, %error, "an attempt was not recorded");
        }
        match (tried.verdict, pause) {
            (Verdict::Failed { .. }, Some(pause)) => Next::Again(pause),
            (Verdict::Failed { .. }, None) => self.bury(message, delivery).await,
            (Verdict::Delivered | Verdict::Gone, _) => Next::Done,
        }
    }

    /// Puts an exhausted delivery on the dead-letter queue. The copy is of the
    /// next round: moved back, it starts a new schedule.
    async fn bury(&self, message: &DeliveryMessage, delivery: &Delivery) -> Next {
        let copy = DeliveryMessage {
            round: message.round + 1,
            ..message.clone()
        };
        let outgoing = [Outgoing {
            group: delivery.group.clone(),
            message: copy,
        }];
        match self.dead_letters.send_in_order(&outgoing).await {
            Ok(()) => Next::Done,
            Err((_, error)) => {
                tracing::error!(delivery.id = %delivery.id, %error, "a failed delivery could not be dead-lettered");
                telemetry::count(Metric::DeadLetterFailures, 1);
                Next::Again(limits::STORE_FAILURE_PAUSE)
            }
        }
    }

    /// A message that nobody can read goes aside at once: trying it again
    /// changes nothing and blocks its group.
    async fn park(&self, message: &SqsMessage, body: &str) -> Next {
        let id = message.message_id.as_deref().unwrap_or_default();
        match self.dead_letters.send_raw(body, id).await {
            Ok(()) => Next::Done,
            Err(error) => {
                tracing::error!(%error, "an unreadable message could not be dead-lettered");
                Next::Again(limits::STORE_FAILURE_PAUSE)
            }
        }
    }

    async fn skip(&self, delivery: &Delivery) -> Next {
        match self
            .store
            .skip_delivery(delivery.webhook_id, delivery.id)
            .await
        {
            Ok(()) => {
                telemetry::count(Metric::DeliveriesSkipped, 1);
                tracing::info!(
                    correlation_id = delivery.correlation_id,
                    delivery.id = %delivery.id,
                    webhook.id = %delivery.webhook_id,
                    outcome = DeliveryStatus::Skipped.as_str(),
                    "delivery skipped"
                );
                Next::Done
            }
            Err(error) => {
                tracing::error!(delivery.id = %delivery.id, %error, "a delivery could not be marked as skipped");
                Next::Again(limits::STORE_FAILURE_PAUSE)
            }
        }
    }
}

fn postponed(pause: Duration) -> Next {
    telemetry::count(Metric::DeliveriesPostponed, 1);
    Next::Again(pause)
}

/// Counts an attempt. What was queued anew by hand has no age: it waited for
/// somebody, not for us.
fn tell(
    delivery: &Delivery,
    message: &DeliveryMessage,
    pass: &Pass,
    (tried, status): (&Tried, DeliveryStatus),
    now: Timestamp,
) {
    let (attempt, event_at) = (&tried.attempt, delivery.event_id.created_at());
    telemetry::measure(Metric::DeliveryDuration, attempt.duration_ms);
    // Behind another event of its incident it may have waited for a receiver.
    let is_unhindered = pass.is_first_receive
        && (delivery.version == 1 || delivery.group == delivery.id.to_string());
    if message.round == 0 && delivery.attempts.is_empty() && is_unhindered {
        telemetry::measure_time(Metric::FirstAttemptAge, attempt.at.since(event_at));
    }
    match status {
        DeliveryStatus::Delivered => {
            telemetry::count(Metric::DeliveriesDelivered, 1);
            telemetry::measure(Metric::DeliveryAttempts, attempt.number.into());
            if message.round == 0 {
                telemetry::measure_time(Metric::DeliveryAge, now.since(event_at));
            }
        }
        DeliveryStatus::Retrying => telemetry::count(Metric::DeliveriesRetried, 1),
        _ => telemetry::count(Metric::DeliveriesFailed, 1),
    }
}

/// How long it is until the next attempt may be made; `None` where it may be
/// now. Not a moment earlier: a receiver may have asked for this time.
fn time_left(message: &DeliveryMessage, delivery: &Delivery, now: Timestamp) -> Option<Duration> {
    let due = delivery
        .next_attempt_at
        .filter(|_| message.round == delivery.round)?;
    Some(due.since(now)).filter(|wait| !wait.is_zero())
}

/// How far the delivery is in the round of this message.
fn progress(
    message: &DeliveryMessage,
    delivery: &Delivery,
    tried: &Tried,
    retry_after: Option<Duration>,
) -> Progress {
    let same_round = message.round == delivery.round;
    Progress {
        attempts: if same_round {
            delivery.round_attempts + 1
        } else {
            1
        },
        started_at: delivery
            .round_started_at
            .filter(|_| same_round)
            .unwrap_or(tried.attempt.at),
        retry_after,
    }
}
