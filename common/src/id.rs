//! Identifiers: a prefix that says of what, and a ULID (sortable by creation).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use ulid::Ulid;

use crate::{crypto, time::Timestamp};

/// A text that is not an identifier of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid identifier: expected {prefix}_ and 26 characters")]
pub struct InvalidId {
    prefix: &'static str,
}

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Ulid);

        impl $name {
            /// A new identifier, of this moment.
            pub fn generate() -> Self {
                Self::at(Timestamp::now())
            }

            /// A new identifier whose time part is `at`.
            pub fn at(at: Timestamp) -> Self {
                Self(Ulid::from_parts(at.unix_millis(), crypto::random_u128()))
            }

            /// The ULID without the prefix.
            pub fn ulid(self) -> Ulid {
                self.0
            }

            /// The identifier with this ULID.
            pub const fn from_ulid(ulid: Ulid) -> Self {
                Self(ulid)
            }

            /// When the identifier was made, milliseconds precise.
            pub fn created_at(self) -> Timestamp {
                Timestamp::from_unix_millis(self.0.timestamp_ms())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(|rest| rest.parse::<Ulid>().ok())
                    .map(Self)
                    .ok_or(InvalidId { prefix: $prefix })
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                crate::openapi::schemas::identifier($prefix).into()
            }
        }

        impl utoipa::ToSchema for $name {}

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    )*};
}

identifiers! {
    /// A service: what alerts are about.
    ServiceId = "svc";
    /// An integration: one monitoring tool that reports on a service.
    IntegrationId = "int";
    /// An incident.
    IncidentId = "inc";
    /// An outgoing webhook.
    WebhookId = "whk";
    /// One event on its way to one webhook.
    DeliveryId = "dlv";
    /// A change of an incident.
    EventId = "evt";
    /// A raw alert kept with its incident.
    AlertId = "alr";
    /// An entry of an integration's request log.
    RequestId = "req";
    /// A key of the management API.
    ApiKeyId = "key";
    /// An entry of the audit log.
    AuditId = "aud";
}

impl EventId {
    /// An identifier that sorts after `previous`, so that an incident's
    /// timeline reads in order even where clocks differ.
    pub fn after(previous: Option<Self>, now: Timestamp) -> Self {
        let floor = previous.map_or(0, |id| id.created_at().unix_millis() + 1);
        Self::at(Timestamp::from_unix_millis(now.unix_millis().max(floor)))
    }
}

impl DeliveryId {
    /// The identifier of this event's delivery to this webhook: the same
    /// whenever it is asked for, so that a replay makes no second delivery.
    pub fn derive(event: EventId, webhook: WebhookId) -> Self {
        let digest = crypto::sha256(format!("{event}{webhook}").as_bytes());
        let mut random = [0_u8; 16];
        random[6..].copy_from_slice(&digest[..10]);
        Self(Ulid::from_parts(
            event.0.timestamp_ms(),
            u128::from_be_bytes(random),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_nothing_else() {
        let id = ServiceId::generate();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(id.to_string().parse::<WebhookId>().is_err());
        for text in ["", "svc_", "svc_x", "svc_01J", "01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
            assert!(text.parse::<ServiceId>().is_err(), "{text}");
        }
    }

    #[test]
    fn events_of_one_incident_sort_in_order_whatever_the_clock_says() {
        let now = Timestamp::now();
        let first = EventId::after(None, now);
        let second = EventId::after(
            Some(first),
            Timestamp::from_unix_millis(now.unix_millis() - 500),
        );
        assert!(second > first);
    }

    #[test]
    fn a_delivery_id_depends_on_event_and_webhook_only() {
        let (event, webhook) = (EventId::generate(), WebhookId::generate());
        assert_eq!(
            DeliveryId::derive(event, webhook),
            DeliveryId::derive(event, webhook)
        );
        assert_ne!(
            DeliveryId::derive(event, webhook),
            DeliveryId::derive(event, WebhookId::generate())
        );
        assert_eq!(
            DeliveryId::derive(event, webhook).created_at(),
            event.created_at()
        );
    }
}
