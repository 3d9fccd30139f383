//! No body of any kind makes this group panic, and a resolve carries the key of
//! its trigger.

use bytes::Bytes;
use common::{
    id::{IntegrationId, ServiceId},
    incident::ServiceRef,
    intake::{Context, Parsed, Received},
    integration::{Integration, Settings},
    time::Timestamp,
};
use http::{HeaderMap, Method};
use proptest::{collection::vec, prelude::*, sample};
use serde_json::{Map, Value, json};

use crate::{VENDORS, events, pagerduty};

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

fn any_json() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        sample::select(vec![
            "trigger",
            "resolve",
            "critical",
            "https://a.example",
            "{{x}}",
            " "
        ])
        .prop_map(Value::from),
    ];
    scalar.prop_recursive(3, 24, 6, |inner| {
        let name = sample::select(&NAMES[..]).prop_map(str::to_owned);
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((name, inner), 0..8).prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

fn integration() -> Integration {
    let now = Timestamp::now();
    Integration {
        id: IntegrationId::generate(),
        service: ServiceRef {
            id: ServiceId::generate(),
            name: "Shop".to_owned(),
        },
        provider: "any".to_owned(),
        name: "Any".to_owned(),
        enabled: true,
        signature_secret: None,
        require_key: false,
        settings: Settings::default(),
        rate_limit_per_minute: 1_000,
        key_hash: String::new(),
        pinned_topic_arn: None,
        created_at: now,
        updated_at: now,
    }
}

fn read(body: impl Into<Bytes>) {
    let integration = integration();
    let context = Context {
        integration: &integration,
        now: Timestamp::now(),
    };
    let received = Received {
        method: Method::POST,
        headers: HeaderMap::new(),
        query: Vec::new(),
        body: body.into(),
        url: None,
    };
    for vendor in VENDORS {
        if let Ok(parsed) = (vendor.normalise)(&received, &context) {
            assert!(!parsed.is_empty(), "{} answered nothing", vendor.name);
        }
    }
    if let Ok(body) = received.json() {
        let _ = events::read_event(body.clone(), &integration);
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
    let (key, _) = events::read_event(Value::Object(body), &integration()).ok()?;
    Some(key.as_str().to_owned())
}

proptest! {
    #[test]
    fn random_bytes_are_survived(body in vec(any::<u8>(), 0..300)) {
        read(body);
    }

    #[test]
    fn random_json_is_survived(body in any_json()) {
        read(body.to_string());
    }

    #[test]
    fn a_resolve_carries_the_key_of_its_trigger(
        fields in vec((sample::select(&NAMES[..]), any_json()), 0..8),
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
