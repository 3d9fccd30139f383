//! What holds for every body: no normaliser panics, each says something, and a
//! resolve carries the key of its trigger.

use std::{fs, path::Path, sync::OnceLock};

use common::{
    alert::{Action, Alert},
    id::{IntegrationId, ServiceId},
    incident::ServiceRef,
    intake::{Context, Parsed, Received, Unreadable, Vendor},
    integration::{Integration, Settings},
    time::Timestamp,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::VENDORS;

fn payloads() -> &'static [(&'static Vendor, Value)] {
    static PAYLOADS: OnceLock<Vec<(&'static Vendor, Value)>> = OnceLock::new();
    PAYLOADS.get_or_init(|| {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/vendors/payloads");
        let mut found = Vec::new();
        for vendor in VENDORS {
            for folder in [root.join(vendor.name), root.join(vendor.name).join("own")] {
                let mut files: Vec<_> = fs::read_dir(folder)
                    .unwrap()
                    .map(|entry| entry.unwrap().path())
                    .collect();
                files.sort();
                let bodies = files.iter().filter_map(|file| fs::read(file).ok());
                found.extend(
                    bodies.filter_map(|body| Some((vendor, serde_json::from_slice(&body).ok()?))),
                );
            }
        }
        assert!(found.len() > 100);
        found
    })
}

fn integration(vendor: &Vendor) -> Integration {
    let now = Timestamp::now();
    Integration {
        id: IntegrationId::at(now),
        service: ServiceRef {
            id: ServiceId::at(now),
            name: "service".to_owned(),
        },
        provider: vendor.name.to_owned(),
        name: vendor.name.to_owned(),
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

fn normalise(vendor: &Vendor, body: Vec<u8>) -> Result<Vec<Parsed>, Unreadable> {
    let integration = integration(vendor);
    let context = Context {
        integration: &integration,
        now: integration.created_at,
    };
    let received = Received {
        method: http::Method::POST,
        headers: http::HeaderMap::new(),
        query: Vec::new(),
        url: None,
        body: body.into(),
    };
    (vendor.normalise)(&received, &context)
}

/// Every body says at least one thing, and no alert is without an identity.
fn check(vendor: &Vendor, body: Vec<u8>) {
    if let Ok(parsed) = normalise(vendor, body) {
        assert!(!parsed.is_empty());
        for entry in parsed {
            if let Parsed::Alert(alert) = entry {
                assert!(!alert.identity.is_empty() && !alert.title.is_empty());
            }
        }
    }
}

fn alert(vendor: &Vendor, body: &Value) -> Option<Alert> {
    match normalise(vendor, body.to_string().into_bytes())
        .ok()?
        .pop()?
    {
        Parsed::Alert(alert) => Some(*alert),
        _ => None,
    }
}

/// Pointers to everything in a value.
fn places(value: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let key = key.replace('~', "~0").replace('/', "~1");
                places(value, &format!("{here}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                places(value, &format!("{here}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// Drops, nulls or retypes what is at a place.
fn mutate(body: &mut Value, place: prop::sample::Index, change: u8) {
    let mut found = Vec::new();
    places(body, "", &mut found);
    let pointer = place.get(&found);
    if change == 0 {
        let (parent, key) = pointer.rsplit_once('/').unwrap_or_default();
        if let Some(Value::Object(object)) = body.pointer_mut(parent) {
            object.remove(key);
        }
        return;
    }
    let Some(slot) = body.pointer_mut(pointer) else {
        return;
    };
    *slot = match change {
        1 => Value::Null,
        2 => json!(1.5e300),
        3 => json!(-7),
        4 => json!("ÄÖ severity= [P \u{0} – CRITICAL"),
        5 => json!(""),
        6 => json!({}),
        7 => json!([slot.clone()]),
        8 => json!({ "data": slot.clone() }),
        9 => Value::from(slot.to_string()),
        _ => json!(true),
    };
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
    ];
    let key = prop::sample::select(vec![
        "Type",
        "TopicArn",
        "Message",
        "AlarmName",
        "NewStateValue",
        "detail-type",
        "source",
        "detail",
        "resources",
        "schemaId",
        "data",
        "essentials",
        "alertContext",
        "context",
        "condition",
        "allOf",
        "activityLog",
        "properties",
        "status",
        "incident",
        "message",
        "state",
        "x",
    ]);
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6).prop_map(|pairs| {
                Value::Object(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_a_normaliser_panic(body in prop::collection::vec(any::<u8>(), 0..400)) {
        for vendor in VENDORS {
            check(vendor, body.clone());
        }
    }

    #[test]
    fn no_json_makes_a_normaliser_panic(body in any_json()) {
        for vendor in VENDORS {
            check(vendor, body.to_string().into_bytes());
        }
    }

    #[test]
    fn no_mutation_makes_a_normaliser_panic(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..11), 1..6),
    ) {
        let (vendor, body) = which.get(payloads());
        let mut body = body.clone();
        for (place, change) in changes {
            mutate(&mut body, place, change);
        }
        check(vendor, body.to_string().into_bytes());
        // The alarm inside an envelope is mutated as well.
        if let Some(message) = body.get("Message").and_then(Value::as_str) {
            check(vendor, message.as_bytes().to_vec());
        }
    }

    #[test]
    fn a_resolve_carries_the_key_of_its_trigger(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..11), 0..4),
    ) {
        const STATES: &[(&str, &str)] = &[
            ("/NewStateValue", "OK"),
            ("/detail/state/value", "OK"),
            ("/data/essentials/monitorCondition", "Resolved"),
            ("/data/alertContext/properties/stage", "Resolved"),
            ("/data/alertContext/properties/currentHealthStatus", "Available"),
            ("/data/status", "Deactivated"),
            ("/status", "Resolved"),
            ("/incident/state", "closed"),
        ];
        let (vendor, body) = which.get(payloads());
        let mut body = body.clone();
        for (place, change) in changes {
            mutate(&mut body, place, change);
        }
        if let Some(trigger) = alert(vendor, &body).filter(|alert| alert.action == Action::Trigger) {
            for (place, word) in STATES {
                let mut over = body.clone();
                if let Some(state) = over.pointer_mut(place) {
                    *state = json!(word);
                }
                if let Some(resolve) = alert(vendor, &over) {
                    prop_assert_eq!(&resolve.identity, &trigger.identity, "{}", place);
                }
            }
        }
    }
}
