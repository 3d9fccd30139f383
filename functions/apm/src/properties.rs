//! What holds for every body, however broken; and that what ends a problem
//! carries the key of what opened it, also where users edited the template.

use common::{
    alert::Action,
    intake::testing::{Group, actions, bodies, json_request, mutated, retypings, with_values},
};
use proptest::prelude::*;
use serde_json::Value;

use crate::VENDORS;

const GROUP: Group = Group {
    vendors: VENDORS,
    settings: r#"{
        "archived": "resolve", "assigned": "acknowledge", "defaultSeverity": "warning",
        "events": "trigger", "highPriority": "error", "noData": "ignore",
        "signatureHeader": "X-Custom", "singleEvents": "ignore",
        "timestampToleranceSeconds": 0, "userActionAcknowledges": true
    }"#,
    headers: &[],
};

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

common::vendor_properties!(GROUP);

fn alerts(vendor: &str, body: &Value) -> Vec<(Action, String)> {
    actions(GROUP.vendor(vendor).unwrap(), &json_request(body)).unwrap()
}

proptest! {
    #[test]
    fn a_resolve_has_the_key_of_its_trigger(
        (vendor, file, later) in prop::sample::select(PAIRS),
        changes in retypings(0..6),
    ) {
        let bodies = bodies(vendor);
        let (_, body) = bodies.iter().find(|(name, _)| name == file).unwrap();
        let red = mutated(body, &changes);
        let green = with_values(&red, later);
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
