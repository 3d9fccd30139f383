//! Deliveries that somebody should have attempted long ago. Pure.
//!
//! What waits for a receiver is not overdue: a failing one is in backoff, and
//! what stands behind a failing delivery of its group waits for that one.

use std::{collections::HashMap, time::Duration};

use crate::{
    breaker::State,
    time::Timestamp,
    webhook::{Delivery, DeliveryStatus, Webhook},
};

/// Whether nothing about this webhook's receiver explains a wait.
pub fn is_served(webhook: &Webhook, now: Timestamp) -> bool {
    let state = webhook
        .health
        .as_ref()
        .map_or(State::Closed, |health| health.state(now));
    webhook.enabled && state == State::Closed && webhook.slow_attempts_at(now) == 0
}

/// Since when the longest overdue of these deliveries, newest first, is due,
/// where that is longer ago than `after`.
pub fn overdue_since(
    newest_first: &[Delivery],
    after: Duration,
    now: Timestamp,
) -> Option<Timestamp> {
    // Whether the latest delivery seen of a group still waits: what is behind
    // it waits for it.
    let mut groups: HashMap<&str, bool> = HashMap::new();
    let mut oldest: Option<Timestamp> = None;
    for delivery in newest_first.iter().rev() {
        let waits = delivery.status.is_unfinished();
        let before = match groups.get(delivery.group.as_str()) {
            Some(true) => continue,
            known => known.copied(),
        };
        groups.insert(&delivery.group, waits);
        if let Some(due) = due_at(delivery, before.is_some())
            && now.since(due) > after
        {
            oldest = Some(oldest.map_or(due, |oldest| oldest.min(due)));
        }
    }
    oldest
}

/// When an attempt is due, where that is certain: `follows` says that the one
/// before it in its group is finished.
fn due_at(delivery: &Delivery, follows: bool) -> Option<Timestamp> {
    let is_first = follows || delivery.version <= 1 || delivery.group == delivery.id.to_string();
    match delivery.status {
        DeliveryStatus::Retrying => delivery.next_attempt_at,
        // Of one that was queued anew nothing says when that was; the clock
        // watches it.
        DeliveryStatus::Pending
            if is_first && delivery.round == 0 && delivery.attempts.is_empty() =>
        {
            Some(delivery.created_at)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::id::{DeliveryId, EventId, IncidentId, WebhookId};

    const AFTER: Duration = Duration::from_secs(60);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_millis(1_786_000_000_000 + seconds * 1_000)
    }

    fn delivery(created: u64, version: u64, status: &str, next: Option<u64>) -> Delivery {
        let created = at(created);
        serde_json::from_value(json!({
            "id": DeliveryId::at(created), "webhookId": WebhookId::at(created),
            "eventId": EventId::at(created), "event": "incident.updated",
            "incidentId": IncidentId::at(created), "version": version, "status": status,
            "round": 0, "roundAttempts": 0, "nextAttemptAt": next.map(at), "body": "{}",
            "group": "group", "createdAt": created,
        }))
        .unwrap()
    }

    fn since(oldest_first: Vec<Delivery>) -> Option<Timestamp> {
        let newest_first: Vec<Delivery> = oldest_first.into_iter().rev().collect();
        overdue_since(&newest_first, AFTER, at(1_000))
    }

    #[test]
    fn what_nobody_attempted_is_overdue() {
        let never = delivery(10, 1, "PENDING", None);
        assert_eq!(since(vec![never]), Some(at(10)));
        let missed = delivery(10, 3, "RETRYING", Some(900));
        assert_eq!(since(vec![missed]), Some(at(900)));
        let followed = [
            delivery(5, 1, "DELIVERED", None),
            delivery(10, 2, "PENDING", None),
        ];
        assert_eq!(since(followed.to_vec()), Some(at(10)));
    }

    #[test]
    fn what_waits_for_its_time_or_its_turn_is_not() {
        let young = delivery(950, 1, "PENDING", None);
        let backing_off = delivery(10, 1, "RETRYING", Some(5_000));
        let behind = delivery(20, 2, "PENDING", None);
        assert_eq!(since(vec![young]), None);
        assert_eq!(since(vec![backing_off.clone()]), None);
        assert_eq!(since(vec![backing_off, behind.clone()]), None);
        assert_eq!(since(vec![behind]), None, "what is before it is not seen");
        for status in ["DELIVERED", "FAILED", "SKIPPED"] {
            assert_eq!(since(vec![delivery(10, 1, status, None)]), None);
        }
    }
}
