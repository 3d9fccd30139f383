//! What holds for every body, however broken; and that the success of a later
//! build carries the key of the failure.

use common::{
    alert::Action,
    intake::testing::{Group, actions, bodies, mutated, request, retypings, with_values},
};
use proptest::prelude::*;
use serde_json::Value;

use crate::VENDORS;

const EVENT: &str = "x-github-event";

const GROUP: Group = Group {
    vendors: VENDORS,
    settings: r#"{
        "branches": ["main", "feat/*"], "criticalOnDefaultBranch": true, "defaultBranch": "main",
        "previews": "ignore", "timestampToleranceSeconds": 0
    }"#,
    headers: EVENTS,
};

const EVENTS: &[(&str, &str)] = &[
    (EVENT, "workflow_run"),
    (EVENT, "check_run"),
    (EVENT, "check_suite"),
    (EVENT, "deployment_status"),
    (EVENT, "status"),
    (EVENT, "dependabot_alert"),
    (EVENT, "code_scanning_alert"),
    (EVENT, "secret_scanning_alert"),
    (EVENT, "ping"),
];

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

common::vendor_properties!(GROUP);

fn alerts(vendor: &str, event: &str, body: &Value) -> Vec<(Action, String)> {
    let received = request(&[(EVENT, event)], body.to_string().as_bytes());
    actions(GROUP.vendor(vendor).unwrap(), &received).unwrap()
}

proptest! {
    #[test]
    fn no_bytes_in_a_form_make_a_normaliser_panic(
        event in prop::sample::select(EVENTS),
        body in any::<Vec<u8>>(),
        settings in GROUP.any_settings(),
    ) {
        let form = [b"payload=".as_slice(), &body].concat();
        GROUP.read(&settings, &request(&[event], &form));
    }

    #[test]
    fn a_changed_body_of_a_known_event_makes_no_normaliser_panic(
        (name, body) in prop::sample::select(bodies("github")),
        any_event in prop::sample::select(EVENTS),
        changes in retypings(1..8),
        settings in GROUP.any_settings(),
    ) {
        let event = EVENTS.iter().find(|(_, event)| name.starts_with(event)).unwrap_or(&any_event);
        let body = mutated(&body, &changes).to_string();
        GROUP.read(&settings, &request(&[*event], body.as_bytes()));
    }

    #[test]
    fn a_resolve_has_the_key_of_its_trigger(
        (vendor, file, event, later) in prop::sample::select(PAIRS),
        changes in retypings(0..6),
    ) {
        let bodies = bodies(vendor);
        let (_, body) = bodies.iter().find(|(name, _)| name == file).unwrap();
        let red = mutated(body, &changes);
        let green = with_values(&red, later);
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
