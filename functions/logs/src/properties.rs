//! What holds for every body: no normaliser of this group panics, and what
//! closes an incident carries the key of what opened it.

use std::{fs, path::Path, sync::LazyLock};

use bytes::Bytes;
use common::{
    alert::Action,
    id::{IntegrationId, ServiceId},
    incident::ServiceRef,
    intake::{Context, Parsed, Received, Vendor},
    integration::{Integration, Settings},
    time::Timestamp,
};
use http::{HeaderMap, HeaderValue, Method, header::CONTENT_TYPE};
use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Map, Value, json};

use crate::{VENDORS, elastic, splunk_oncall};

/// The bodies of this group's fixtures.
static FIXTURES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/vendors/payloads");
    let folders = VENDORS.iter().map(|vendor| root.join(vendor.name));
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap());
    files
        .map(|file| file.unwrap().path())
        .filter(|path| !path.to_string_lossy().ends_with(".headers.txt"))
        .map(|path| fs::read(path).unwrap())
        .collect()
});

/// Values that no tool should send.
fn oddity() -> impl Strategy<Value = Value> {
    let scalars = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(vec![
            "",
            " ",
            "{{x}}",
            "$X$",
            "*UNKNOWN*",
            "0",
            "1e999",
            "[[",
            "é"
        ])
        .prop_map(Value::from),
    ];
    scalars.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((any::<String>(), inner), 0..4)
                .prop_map(|fields| Value::Object(Map::from_iter(fields))),
        ]
    })
}

/// Replaces or drops the value at a place in the tree.
fn mutate(value: &mut Value, place: &[Index], change: &Option<Value>) {
    let Some((step, rest)) = place.split_first() else {
        *value = change.clone().unwrap_or_default();
        return;
    };
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let name = fields.keys().nth(step.index(fields.len())).unwrap().clone();
            if change.is_none() && (rest.is_empty() || fields[&name].is_string()) {
                fields.remove(&name);
            } else {
                mutate(&mut fields[&name], rest, change);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let at = step.index(items.len());
            mutate(&mut items[at], rest, change);
        }
        scalar => *scalar = change.clone().unwrap_or_default(),
    }
}

/// Bytes, odd JSON, and fixtures with fields dropped, nulled, retyped or cut.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let change = (vec(any::<Index>(), 1..5), prop::option::of(oddity()));
    let mutated = (any::<Index>(), vec(change, 0..4)).prop_map(|(fixture, changes)| {
        let fixture = &FIXTURES[fixture.index(FIXTURES.len())];
        let Ok(mut value) = serde_json::from_slice(fixture) else {
            return fixture.clone();
        };
        for (place, change) in &changes {
            mutate(&mut value, place, change);
        }
        value.to_string().into_bytes()
    });
    let cut = (any::<Index>(), any::<Index>(), any::<u8>()).prop_map(|(fixture, at, byte)| {
        let mut body = FIXTURES[fixture.index(FIXTURES.len())].clone();
        let at = at.index(body.len());
        body[at] = byte;
        body.truncate(at + usize::from(byte) * 4);
        body
    });
    prop_oneof![
        1 => vec(any::<u8>(), 0..200),
        1 => oddity().prop_map(|value| value.to_string().into_bytes()),
        6 => mutated,
        2 => cut,
    ]
}

/// An integration of this vendor without settings.
pub(crate) fn integration(vendor: &Vendor) -> Integration {
    let now = Timestamp::from_unix_millis(1_786_000_000_000);
    Integration {
        id: IntegrationId::at(now),
        service: ServiceRef {
            id: ServiceId::at(now),
            name: "shop".to_owned(),
        },
        provider: vendor.name.to_owned(),
        name: "monitoring".to_owned(),
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

/// A request with this body.
pub(crate) fn received(kind: &'static str, body: Vec<u8>) -> Received {
    Received {
        method: Method::POST,
        headers: HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]),
        query: Vec::new(),
        url: None,
        body: Bytes::from(body),
    }
}

fn normalise(vendor: &Vendor, kind: &'static str, body: Vec<u8>) -> Option<Vec<Parsed>> {
    let integration = integration(vendor);
    let context = Context {
        integration: &integration,
        now: integration.created_at,
    };
    (vendor.normalise)(&received(kind, body), &context).ok()
}

/// What the only entry of a body asks for, and for which problem.
fn action(vendor: &Vendor, body: &Value) -> Option<(Action, String)> {
    let parsed = normalise(vendor, "application/json", body.to_string().into_bytes())?;
    match parsed.as_slice() {
        [Parsed::Alert(alert)] => Some((alert.action, alert.identity.clone())),
        _ => None,
    }
}

/// Pairs of bodies of one problem: its start and its end.
fn lives(first: &str, second: &str, id: u32) -> Vec<(Vendor, Value, Value)> {
    let rule = json!({"id": id, "name": second});
    let template = |group: &str| json!({"rule": rule, "alert": {"id": first, "action_group": group}, "severity": second});
    let summary = |list: &str| json!({"rule": rule, "alerts": {list: {"data": [{"kibana.alert.instance.id": first}]}}});
    let watch = |status: &str| json!({"watch_id": first, "status": status});
    let rest =
        |kind: &str| json!({"message_type": kind, "entity_id": first, "state_message": second});
    let outbound =
        |phase: &str| json!({"STATE.ENTITY_ID": first, "STATE.CURRENT_ALERT_PHASE": phase});
    vec![
        (elastic::VENDOR, template("fired"), template("recovered")),
        (elastic::VENDOR, template("fired"), summary("recovered")),
        (elastic::VENDOR, summary("new"), template("recovered")),
        (elastic::VENDOR, watch("active"), watch("resolved")),
        (splunk_oncall::VENDOR, outbound("UNACKED"), rest("RECOVERY")),
        (
            splunk_oncall::VENDOR,
            outbound("UNACKED"),
            outbound("RESOLVED"),
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_body_makes_a_normaliser_panic(
        body in body(),
        kind in prop::sample::select(vec!["application/json", "application/x-www-form-urlencoded", ""]),
    ) {
        for vendor in VENDORS {
            // Unreadable is an answer; a body without one entry is none.
            if let Some(parsed) = normalise(vendor, kind, body.clone()) {
                prop_assert!(!parsed.is_empty(), "{}", vendor.name);
            }
        }
    }

    #[test]
    fn what_resolves_carries_the_key_of_what_triggered(first in any::<String>(), second in any::<String>(), id in any::<u32>()) {
        for (vendor, opening, closing) in lives(&first, &second, id) {
            if let Some((Action::Trigger, key)) = action(&vendor, &opening) {
                prop_assert_eq!(action(&vendor, &closing), Some((Action::Resolve, key)));
            }
        }
    }
}
