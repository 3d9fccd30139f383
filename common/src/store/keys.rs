//! The keys of the table, one function per kind of item.

use aws_sdk_dynamodb::types::AttributeValue;

use super::Item;
use crate::{
    alert::DedupKey,
    crypto,
    id::{
        AlertId, ApiKeyId, AuditId, DeliveryId, EventId, IncidentId, IntegrationId, RequestId,
        ServiceId, WebhookId,
    },
    limits,
    time::Timestamp,
};

pub const META: &str = "META";
pub const SERVICES: &str = "SERVICES";
pub const WEBHOOKS: &str = "WEBHOOKS";
pub const API_KEYS: &str = "API_KEYS";
pub const SERVICE_PREFIX: &str = "SERVICE#";
pub const INTEGRATION_PREFIX: &str = "INTEGRATION#";
pub const WEBHOOK_PREFIX: &str = "WEBHOOK#";
pub const EVENT_PREFIX: &str = "EVENT#";
pub const ALERT_PREFIX: &str = "ALERT#";
pub const DELIVERY_PREFIX: &str = "DELIVERY#";
pub const API_KEY_PREFIX: &str = "KEY#";
pub const WATCHES: &str = "WATCHES";
pub const REQUEST_PREFIX: &str = "REQUEST#";
pub const INDEX: &str = "GSI1";

/// A primary key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub pk: String,
    pub sk: String,
}

impl Key {
    fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self {
            pk: pk.into(),
            sk: sk.into(),
        }
    }

    pub fn into_item(self) -> Item {
        Item::from([
            ("pk".to_owned(), AttributeValue::S(self.pk)),
            ("sk".to_owned(), AttributeValue::S(self.sk)),
        ])
    }
}

/// A key that nothing is stored under.
pub fn warm_up() -> Key {
    Key::new("WARM", META)
}

pub fn service(id: ServiceId) -> Key {
    Key::new(SERVICES, format!("{SERVICE_PREFIX}{id}"))
}

pub fn integration(id: IntegrationId) -> Key {
    Key::new(format!("{INTEGRATION_PREFIX}{id}"), META)
}

/// The entry of an integration in its service's list.
pub fn integration_of_service(service: ServiceId, id: IntegrationId) -> Key {
    Key::new(
        integrations_of_service(service),
        format!("{INTEGRATION_PREFIX}{id}"),
    )
}

pub fn integrations_of_service(service: ServiceId) -> String {
    format!("{SERVICE_PREFIX}{service}")
}

/// The item by which a key is looked up: only its digest is stored.
pub fn secret_key(hash: &str) -> Key {
    Key::new(format!("KEY#{hash}"), META)
}

/// The entry of an API key in the list of them, which leads to its digest.
pub fn api_key(id: ApiKeyId) -> Key {
    Key::new(API_KEYS, format!("{API_KEY_PREFIX}{id}"))
}

/// An entry of the audit log.
pub fn audit(id: AuditId) -> Key {
    Key::new(audit_of_month(&month(id.created_at())), id.to_string())
}

pub fn audit_of_month(month: &str) -> String {
    format!("AUDIT#{month}")
}

/// `2026-11`
pub fn month(at: Timestamp) -> String {
    at.to_string().chars().take(7).collect()
}

/// The counter item of a dedup key: the hot path's only write. A key too long
/// for a partition key stands there as its digest, under a prefix of its own.
pub fn counter(service: ServiceId, key: &DedupKey) -> Key {
    let text = key.as_str();
    if text.len() <= limits::DEDUP_KEY_PLAIN_BYTES {
        Key::new(format!("OPEN#{service}#{text}"), META)
    } else {
        Key::new(
            format!("OPEN256#{service}#{}", crypto::sha256_hex(text.as_bytes())),
            META,
        )
    }
}

pub fn incident(id: IncidentId) -> Key {
    Key::new(incident_partition(id), META)
}

pub fn incident_partition(id: IncidentId) -> String {
    format!("INCIDENT#{id}")
}

pub fn event(incident: IncidentId, id: EventId) -> Key {
    Key::new(incident_partition(incident), format!("{EVENT_PREFIX}{id}"))
}

pub fn raw_alert(incident: IncidentId, id: AlertId) -> Key {
    Key::new(incident_partition(incident), format!("{ALERT_PREFIX}{id}"))
}

pub fn webhook(id: WebhookId) -> Key {
    Key::new(WEBHOOKS, format!("{WEBHOOK_PREFIX}{id}"))
}

pub fn deliveries_of_webhook(webhook: WebhookId) -> String {
    format!("{WEBHOOK_PREFIX}{webhook}")
}

pub fn delivery(webhook: WebhookId, id: DeliveryId) -> Key {
    Key::new(
        deliveries_of_webhook(webhook),
        format!("{DELIVERY_PREFIX}{id}"),
    )
}

/// The outbox entry of an event; spread, because every event writes one.
pub fn outbox(id: EventId) -> Key {
    let shard = id.ulid().0 % u128::from(limits::OUTBOX_SHARDS);
    Key::new(
        outbox_shard(u8::try_from(shard).unwrap_or_default()),
        format!("{EVENT_PREFIX}{id}"),
    )
}

pub fn outbox_shard(shard: u8) -> String {
    format!("OUTBOX#{shard}")
}

/// An entry of a webhook's timeline.
pub fn webhook_event(webhook: WebhookId, id: EventId) -> Key {
    Key::new(
        deliveries_of_webhook(webhook),
        format!("{EVENT_PREFIX}{id}"),
    )
}

/// A delivery that is looked after until it is finished.
pub fn watch(id: DeliveryId) -> Key {
    Key::new(WATCHES, format!("{DELIVERY_PREFIX}{id}"))
}

/// How far a sweep has come.
pub fn sweep(name: &str) -> Key {
    Key::new(format!("SWEEP#{name}"), META)
}

pub fn requests_of_integration(id: IntegrationId) -> String {
    format!("{INTEGRATION_PREFIX}{id}")
}

pub fn request(integration: IntegrationId, id: RequestId) -> Key {
    Key::new(
        requests_of_integration(integration),
        format!("{REQUEST_PREFIX}{id}"),
    )
}

/// A message that an integration has received: senders choose its id, so only
/// the digest stands in the key.
pub fn message(integration: IntegrationId, id: &str) -> Key {
    Key::new(
        requests_of_integration(integration),
        format!("MESSAGE#{}", crypto::sha256_hex(id.as_bytes())),
    )
}

/// The index partition of an incident: spread, because the index would
/// otherwise throttle the table; open ones apart, because they are few and
/// asked for most.
pub fn index_partition(id: IncidentId, open: bool) -> String {
    let shard = id.ulid().0 % u128::from(limits::INCIDENT_INDEX_SHARDS);
    index_shard(open, u8::try_from(shard).unwrap_or_default())
}

pub fn index_shard(open: bool, shard: u8) -> String {
    format!("{}#{shard}", if open { "OPEN" } else { "CLOSED" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_dedup_key_is_too_long_for_a_partition_key() {
        let service = ServiceId::generate();
        for text in ["a".repeat(512), "€".repeat(512), "💥".repeat(600)] {
            let key = counter(service, &DedupKey::new(text));
            assert!(key.pk.len() <= 2_048, "{} bytes", key.pk.len());
        }
    }
}
