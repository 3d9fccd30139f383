//! What holds for every body of the tools whose templates users may edit,
//! however broken.

use common::{
    alert::Action,
    intake::{
        Parsed,
        testing::{bodies, mutated, normalise, request},
    },
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::VENDORS;

const SETTINGS: &str = r#"{"singleEvents": "ignore"}"#;

/// Fields, by pointer, and what a later body has in them.
type Changes = &'static [(&'static str, &'static str)];

/// An alert, and what makes it the end of the same problem.
const PAIRS: &[(&str, &str, Changes)] = &[
    (
        "dynatrace",
        "trigger.json",
        &[
            ("/State", "RESOLVED"),
            ("/ProblemDetailsJSON/status", "CLOSED"),
        ],
    ),
    (
        "dynatrace",
        "problem_json_v2_trigger.json",
        &[("/status", "CLOSED"), ("/endTime", "1789352460000")],
    ),
    (
        "dynatrace",
        "documented_template_minimal.json",
        &[("/State", "RESOLVED")],
    ),
    (
        "appdynamics",
        "trigger.json",
        &[
            ("/event_type", "POLICY_CLOSE_WARNING"),
            ("/event_id", "7"),
            ("/severity", "INFO"),
        ],
    ),
    (
        "appdynamics",
        "anomaly_trigger.json",
        &[
            ("/event_type", "ANOMALY_CLOSE_CRITICAL"),
            ("/event_id", "7"),
        ],
    ),
    (
        "splunk-observability",
        "trigger.json",
        &[
            ("/status", "ok"),
            ("/statusExtended", "stopped"),
            ("/messageTitle", "ok"),
        ],
    ),
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,8}", inner, 0..6)
                .prop_map(|fields| json!(fields)),
        ]
    })
}

/// Every vendor of the group takes it without a panic, and says something.
fn accept(body: &[u8]) {
    let settings: Value = serde_json::from_str(SETTINGS).unwrap();
    let received = request(&[], body);
    for vendor in VENDORS {
        for settings in [&Value::Null, &settings] {
            let read = normalise(vendor, settings, &received);
            assert!(read.is_err() || read.is_ok_and(|entries| !entries.is_empty()));
        }
    }
}

fn alerts(vendor: &str, body: &Value) -> Vec<(Action, String)> {
    let vendor = VENDORS.iter().find(|v| v.name == vendor).unwrap();
    let received = request(&[], body.to_string().as_bytes());
    normalise(vendor, &Value::Null, &received)
        .unwrap()
        .into_iter()
        .filter_map(|entry| match entry {
            Parsed::Alert(alert) => Some((alert.action, alert.identity)),
            _ => None,
        })
        .collect()
}

proptest! {
    #[test]
    fn no_bytes_make_a_normaliser_panic(body in any::<Vec<u8>>(), text in "\\{\\PC*") {
        accept(&body);
        accept(text.as_bytes());
    }

    #[test]
    fn no_json_makes_a_normaliser_panic(body in any_json()) {
        accept(body.to_string().as_bytes());
    }

    #[test]
    fn no_missing_or_retyped_field_makes_a_normaliser_panic(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec(any::<(u16, u8)>(), 1..8),
    ) {
        let all: Vec<(String, Value)> = VENDORS.iter().flat_map(|vendor| bodies(vendor.name)).collect();
        let (_, body) = which.get(&all);
        accept(mutated(body, &changes).to_string().as_bytes());
    }

    #[test]
    fn a_resolve_has_the_key_of_its_trigger(
        pair in prop::sample::select(PAIRS),
        changes in prop::collection::vec(any::<(u16, u8)>(), 0..6),
    ) {
        let (vendor, file, later) = pair;
        let bodies = bodies(vendor);
        let (_, body) = bodies.iter().find(|(name, _)| name == file).unwrap();
        let red = mutated(body, &changes);
        let mut green = red.clone();
        for (pointer, value) in later {
            if let Some(field) = green.pointer_mut(pointer) {
                *field = json!(value);
            }
        }
        let (opened, closed) = (alerts(vendor, &red), alerts(vendor, &green));
        if changes.is_empty() {
            prop_assert!(!opened.is_empty() && !closed.is_empty());
        }
        // A body whose event type changed is an event of another kind.
        let is_same_kind = later.iter().all(|(pointer, _)| red.pointer(pointer) == body.pointer(pointer));
        for ((opened, opens), (closed, closes)) in opened.iter().zip(&closed).filter(|_| is_same_kind) {
            prop_assert_eq!(*opened, Action::Trigger);
            prop_assert_eq!(*closed, Action::Resolve);
            prop_assert_eq!(opens, closes);
        }
    }
}
