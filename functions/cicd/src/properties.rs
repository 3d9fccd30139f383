//! What holds for every body, however broken.

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

const EVENTS: &[&str] = &[
    "workflow_run",
    "check_run",
    "check_suite",
    "deployment_status",
    "status",
    "dependabot_alert",
    "code_scanning_alert",
    "secret_scanning_alert",
    "ping",
];
const SETTINGS: &str = r#"{"branches": ["main", "feat/*"], "previews": "ignore"}"#;

/// Fields, by pointer, and what a later body has in them.
type Changes = &'static [(&'static str, &'static str)];

/// A failure, and what makes it the success of a later build.
const PAIRS: &[(&str, &str, &str, Changes)] = &[
    (
        "github",
        "workflow_run.failure.json",
        "workflow_run",
        &[
            ("/workflow_run/conclusion", "success"),
            ("/workflow_run/id", "7"),
        ],
    ),
    (
        "github",
        "check_run.failure.json",
        "check_run",
        &[("/check_run/conclusion", "success"), ("/check_run/id", "7")],
    ),
    (
        "github",
        "check_suite.failure.json",
        "check_suite",
        &[
            ("/check_suite/conclusion", "success"),
            ("/check_suite/id", "7"),
        ],
    ),
    (
        "github",
        "deployment_status.failure.json",
        "deployment_status",
        &[
            ("/deployment_status/state", "success"),
            ("/deployment/id", "7"),
        ],
    ),
    (
        "github",
        "status.failure.json",
        "status",
        &[("/state", "success"), ("/id", "7")],
    ),
    (
        "github",
        "dependabot_alert.created.json",
        "dependabot_alert",
        &[("/action", "fixed")],
    ),
    (
        "github",
        "secret_scanning_alert.created.json",
        "secret_scanning_alert",
        &[("/action", "resolved")],
    ),
    (
        "gitlab",
        "pipeline.failed.json",
        "",
        &[
            ("/object_attributes/status", "success"),
            ("/object_attributes/id", "7"),
        ],
    ),
    (
        "gitlab",
        "job.failed.json",
        "",
        &[("/build_status", "success"), ("/build_id", "7")],
    ),
    (
        "gitlab",
        "deployment.failed.json",
        "",
        &[("/status", "success"), ("/deployment_id", "7")],
    ),
    (
        "bitbucket",
        "commit_status_updated.failed.json",
        "",
        &[
            ("/commit_status/state", "SUCCESSFUL"),
            ("/commit_status/name", "#7"),
        ],
    ),
    (
        "vercel",
        "deployment.error.production.json",
        "",
        &[("/type", "deployment.succeeded"), ("/createdAt", "7")],
    ),
    (
        "vercel",
        "deployment.error.preview.fix.json",
        "",
        &[("/type", "deployment.succeeded"), ("/createdAt", "7")],
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
fn accept(event: &str, body: &[u8]) {
    let settings: Value = serde_json::from_str(SETTINGS).unwrap();
    let with_event = request(&[("x-github-event", event)], body);
    for vendor in VENDORS {
        for settings in [&Value::Null, &settings] {
            for received in [&request(&[], body), &with_event] {
                let read = normalise(vendor, settings, received);
                assert!(read.is_err() || read.is_ok_and(|entries| !entries.is_empty()));
            }
        }
    }
}

fn alerts(vendor: &str, event: &str, body: &Value) -> Vec<(Action, String)> {
    let vendor = VENDORS.iter().find(|v| v.name == vendor).unwrap();
    let received = request(&[("x-github-event", event)], body.to_string().as_bytes());
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
    fn no_bytes_make_a_normaliser_panic(event in prop::sample::select(EVENTS), body in any::<Vec<u8>>()) {
        accept(event, &body);
        let form = [b"payload=".as_slice(), &body].concat();
        accept(event, &form);
    }

    #[test]
    fn no_json_makes_a_normaliser_panic(event in prop::sample::select(EVENTS), body in any_json()) {
        accept(event, body.to_string().as_bytes());
    }

    #[test]
    fn no_missing_or_retyped_field_makes_a_normaliser_panic(
        event in prop::sample::select(EVENTS),
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec(any::<(u16, u8)>(), 1..8),
    ) {
        let all: Vec<(String, Value)> = VENDORS.iter().flat_map(|vendor| bodies(vendor.name)).collect();
        let (name, body) = which.get(&all);
        let event = EVENTS.iter().find(|event| name.starts_with(*event)).unwrap_or(&event);
        accept(event, mutated(body, &changes).to_string().as_bytes());
    }

    #[test]
    fn a_resolve_has_the_key_of_its_trigger(
        pair in prop::sample::select(PAIRS),
        changes in prop::collection::vec(any::<(u16, u8)>(), 0..6),
    ) {
        let (vendor, file, event, later) = pair;
        let bodies = bodies(vendor);
        let (_, body) = bodies.iter().find(|(name, _)| name == file).unwrap();
        let red = mutated(body, &changes);
        let mut green = red.clone();
        for (pointer, value) in later {
            if let Some(field) = green.pointer_mut(pointer) {
                *field = json!(value);
            }
        }
        let (red, green) = (alerts(vendor, event, &red), alerts(vendor, event, &green));
        if changes.is_empty() {
            prop_assert!(!red.is_empty() && !green.is_empty());
        }
        for ((opened, opens), (closed, closes)) in red.iter().zip(&green) {
            prop_assert_eq!(*opened, Action::Trigger);
            prop_assert_eq!(*closed, Action::Resolve);
            prop_assert_eq!(opens, closes);
        }
    }
}
