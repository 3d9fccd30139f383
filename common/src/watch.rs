//! Watched deliveries: what should have been finished long ago, and what was
//! queued anew by hand, is looked after until it is finished. Nothing that was
//! accepted is lost with a message of the queue.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    id::{DeliveryId, WebhookId},
    limits,
    time::Timestamp,
    webhook::{Delivery, DeliveryStatus},
};

/// A delivery that is looked after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Watch {
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// Its webhook.
    pub webhook_id: WebhookId,
    /// Its message group: within it, it may have to wait.
    pub group: String,
    /// When it is looked at next.
    pub check_at: Timestamp,
    /// How often it was queued again because nothing moved it.
    #[serde(default)]
    pub resent: u32,
}

/// What a look at a watched delivery found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Nothing is left to do.
    Finished,
    /// It moves, or is to move later.
    Alive {
        /// When to look again.
        check_at: Timestamp,
    },
    /// Nothing moves it.
    Stranded {
        /// When to look again, once it is queued.
        check_at: Timestamp,
    },
}

impl Watch {
    /// Whether it is to be looked at now.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.check_at <= now
    }

    /// The next look at a delivery that waits for an earlier one of its group:
    /// the longer it has waited, the later.
    pub fn after_waiting(&self, now: Timestamp) -> Timestamp {
        let age = now.since(self.delivery_id.created_at());
        let pause = (age / 2).clamp(limits::STRANDED_AFTER, limits::WATCH_PAUSE_MAX);
        now.after(pause)
    }

    /// Judges a delivery that is due for a look and waits for no other one.
    pub fn judge(&self, delivery: Option<&Delivery>, now: Timestamp) -> Finding {
        let Some(delivery) = delivery.filter(|delivery| delivery.status.is_unfinished()) else {
            return Finding::Finished;
        };
        let moves_until = match (delivery.status, delivery.next_attempt_at) {
            (DeliveryStatus::Retrying, Some(due)) => due.after(limits::STRANDED_AFTER),
            _ => now,
        };
        if moves_until > now {
            Finding::Alive {
                check_at: moves_until,
            }
        } else {
            Finding::Stranded {
                check_at: now.after(self.pause()),
            }
        }
    }

    fn pause(&self) -> Duration {
        let factor = limits::STRANDED_PAUSE_FACTOR.saturating_pow(self.resent);
        limits::STRANDED_AFTER
            .saturating_mul(factor)
            .min(limits::UNFINISHED_AT_MOST)
    }
}

impl From<&Delivery> for Watch {
    /// A watch that is due at once.
    fn from(delivery: &Delivery) -> Self {
        Self {
            delivery_id: delivery.id,
            webhook_id: delivery.webhook_id,
            group: delivery.group.clone(),
            check_at: Timestamp::from_unix_millis(0),
            resent: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::id::{EventId, IncidentId};

    const HOUR: Duration = Duration::from_secs(3_600);

    fn delivery(status: DeliveryStatus, next_attempt_at: Option<Timestamp>) -> Delivery {
        let now = Timestamp::now();
        serde_json::from_value(json!({
            "id": DeliveryId::at(now), "webhookId": WebhookId::at(now), "eventId": EventId::at(now),
            "event": "incident.created", "incidentId": IncidentId::at(now), "version": 1,
            "status": status, "round": 0, "roundAttempts": 0, "nextAttemptAt": next_attempt_at,
            "body": "{}", "group": "group", "createdAt": now,
        }))
        .unwrap()
    }

    fn found(status: DeliveryStatus, next: Option<Timestamp>, now: Timestamp) -> Finding {
        let delivery = delivery(status, next);
        Watch::from(&delivery).judge(Some(&delivery), now)
    }

    #[test]
    fn only_what_nothing_moves_is_stranded() {
        let now = Timestamp::now();
        let stranded = Finding::Stranded {
            check_at: now.after(limits::STRANDED_AFTER),
        };
        let later = now.after(HOUR);
        assert_eq!(found(DeliveryStatus::Pending, None, now), stranded);
        assert_eq!(
            found(DeliveryStatus::Retrying, Some(now), later),
            Finding::Stranded {
                check_at: later.after(limits::STRANDED_AFTER)
            }
        );
        assert_eq!(
            found(DeliveryStatus::Retrying, Some(later), now),
            Finding::Alive {
                check_at: later.after(limits::STRANDED_AFTER)
            }
        );
        for status in [
            DeliveryStatus::Delivered,
            DeliveryStatus::Failed,
            DeliveryStatus::Skipped,
        ] {
            assert_eq!(found(status, None, now), Finding::Finished);
        }
        let gone = delivery(DeliveryStatus::Pending, None);
        assert_eq!(Watch::from(&gone).judge(None, now), Finding::Finished);
    }

    #[test]
    fn what_stays_unfinished_is_queued_again_ever_more_rarely() {
        let (start, mut sent) = (Timestamp::now(), 0);
        let delivery = delivery(DeliveryStatus::Pending, None);
        let mut watch = Watch::from(&delivery);
        let mut now = start;
        while now.since(start) < limits::UNFINISHED_AT_MOST {
            let Finding::Stranded { check_at } = watch.judge(Some(&delivery), now) else {
                panic!("stranded");
            };
            (watch.resent, watch.check_at) = (watch.resent + 1, check_at);
            (now, sent) = (check_at, sent + 1);
        }
        assert!(sent <= 6, "{sent} messages of one delivery");
    }
}
