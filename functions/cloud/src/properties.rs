//! What holds for every body: no normaliser panics, each says something, and a
//! resolve carries the key of its trigger.

use std::sync::LazyLock;

use common::{
    alert::Action,
    intake::{
        Vendor,
        testing::{Group, actions, bodies, json_request, mutated, request, retypings, with_values},
    },
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::VENDORS;

const GROUP: Group = Group {
    vendors: VENDORS,
    settings: r#"{
        "activityLog": "ignore", "autoConfirm": false, "defaultSeverity": "warning",
        "insufficientData": "trigger", "topicArn": ["arn:aws:sns:eu-central-1:1:a"],
        "verifySnsSignature": false
    }"#,
    headers: &[],
};

/// What the end of a problem says, wherever a body says it.
const ENDS: &[(&str, &str)] = &[
    ("/NewStateValue", "OK"),
    ("/detail/state/value", "OK"),
    ("/data/essentials/monitorCondition", "Resolved"),
    ("/data/alertContext/properties/stage", "Resolved"),
    (
        "/data/alertContext/properties/currentHealthStatus",
        "Available",
    ),
    ("/data/status", "Deactivated"),
    ("/status", "Resolved"),
    ("/incident/state", "closed"),
];

static BODIES: LazyLock<Vec<(&Vendor, Value)>> = LazyLock::new(|| {
    let of = |vendor: &'static Vendor| {
        bodies(vendor.name)
            .into_iter()
            .map(move |(_, body)| (vendor, body))
    };
    let found: Vec<_> = VENDORS.iter().flat_map(of).collect();
    assert!(found.len() > 100);
    found
});

common::vendor_properties!(GROUP);

/// What the last entry of a body asks for, and for which problem.
fn action(vendor: &Vendor, body: &Value) -> Option<(Action, String)> {
    actions(vendor, &json_request(body)).ok()?.pop()
}

proptest! {
    #[test]
    fn no_alarm_in_an_envelope_makes_a_normaliser_panic(
        (_, envelope) in prop::sample::select(bodies("cloudwatch")),
        changes in retypings(1..6),
        inner in retypings(0..6),
    ) {
        let mut body = mutated(&envelope, &changes);
        if let Some(message) = body.get("Message").and_then(Value::as_str) {
            GROUP.read(&json!({}), &request(&[], message.as_bytes()));
        }
        if let Some(message) = envelope.get("Message").and_then(Value::as_str)
            && let Ok(alarm) = serde_json::from_str(message)
        {
            body["Message"] = json!(mutated(&alarm, &inner).to_string());
            GROUP.read(&json!({}), &json_request(&body));
        }
    }

    #[test]
    fn a_resolve_carries_the_key_of_its_trigger(
        (vendor, body) in prop::sample::select(&BODIES[..]),
        changes in retypings(0..4),
    ) {
        let body = mutated(&body, &changes);
        if let Some((Action::Trigger, trigger)) = action(vendor, &body) {
            for end in ENDS {
                let over = with_values(&body, &[*end]);
                if let Some((_, resolve)) = action(vendor, &over) {
                    prop_assert_eq!(&resolve, &trigger, "{}", end.0);
                }
            }
        }
    }
}
