//! No body of any kind makes this group panic, and a resolve carries the key of
//! its trigger.

use std::sync::LazyLock;

use common::intake::{
    Parsed, Received,
    testing::{Group, Samples, integration},
};
use proptest::{collection::vec, prelude::*, sample};
use serde_json::{Map, Value, json};

use crate::{VENDORS, events, pagerduty};

const GROUP: Group = Group {
    vendors: VENDORS,
    settings: r#"{"fields": {"dedup_key": "a.b", "title": "x", "status": "status"}}"#,
    headers: &[],
};

/// The events of the product's own API and of `PagerDuty`'s clients.
static SAMPLES: LazyLock<Samples> = LazyLock::new(|| Samples::of("pagerduty"));

/// The field names that this group reads, and one that it does not.
const NAMES: [&str; 16] = [
    "event_action",
    "event_type",
    "dedup_key",
    "incident_key",
    "routing_key",
    "payload",
    "summary",
    "severity",
    "source",
    "status",
    "links",
    "href",
    "custom_details",
    "client_url",
    "service_id",
    "x",
];

common::vendor_properties!(GROUP);

/// Lets the interfaces that are no vendors read a request.
fn read_event(received: &Received) {
    if let Ok(body) = received.json() {
        let _ = events::read_event(body.clone(), &sender());
        if let Value::Object(body) = body {
            for (api, is_strict) in pagerduty::EVERY_API {
                let _ = pagerduty::read_alert(api, &body, is_strict);
            }
        }
    }
}

/// The dedup key of an event of the product's own API.
fn key_of(body: &Map<String, Value>, action: &str) -> Option<String> {
    let mut body = body.clone();
    body.insert("event_action".to_owned(), json!(action));
    body.insert(
        "payload".to_owned(),
        json!({"summary": "s", "source": "s", "severity": "info"}),
    );
    let event = events::read_event(Value::Object(body), &sender()).ok()?;
    Some(event.key.as_str().to_owned())
}

fn sender() -> events::Sender {
    events::Sender::Integration(Box::new(integration("events", &Value::Null)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_request_makes_an_interface_panic(
        event in SAMPLES.any_request(&[]),
        other in GROUP.any_request(),
    ) {
        read_event(&event);
        read_event(&other);
        GROUP.read(&json!({}), &event);
    }
}

proptest! {
    #[test]
    fn a_resolve_carries_the_key_of_its_trigger(
        fields in vec((sample::select(&NAMES[..]), SAMPLES.any_json()), 0..8),
        key in ".{0,300}",
    ) {
        let mut body: Map<String, Value> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        body.remove("service_id");
        body.insert("dedup_key".to_owned(), json!(key));
        prop_assert_eq!(key_of(&body, "trigger"), key_of(&body, "resolve"));

        body.insert("payload".to_owned(), json!({"summary": "s"}));
        let mut identity = |action: &str| {
            body.insert("event_action".to_owned(), json!(action));
            let (api, is_strict) = pagerduty::EVERY_API[0];
            pagerduty::read_alert(api, &body, is_strict)
        };
        match (identity("trigger"), identity("resolve")) {
            (Some(Parsed::Alert(trigger)), Some(Parsed::Alert(resolve))) => {
                prop_assert_eq!(&trigger.identity, &resolve.identity);
                prop_assert_eq!(&trigger.identity, &key);
            }
            // Only a trigger may go without a key.
            (trigger, resolve) => prop_assert!(trigger.is_some() && resolve.is_none() && key.trim().is_empty()),
        }
    }
}
