//! What holds for every body: no normaliser of this group panics, and what
//! closes an incident carries the key of what opened it.

use common::{
    alert::Action,
    intake::{
        Vendor,
        testing::{Group, only_action},
    },
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{VENDORS, elastic, splunk_oncall};

const GROUP: Group = Group {
    vendors: VENDORS,
    settings: r#"{"publicUrl": "https://h/p", "warning": "ignore"}"#,
    headers: &[],
};

common::vendor_properties!(GROUP);

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
    fn what_resolves_carries_the_key_of_what_triggered(first in any::<String>(), second in any::<String>(), id in any::<u32>()) {
        for (vendor, opening, closing) in lives(&first, &second, id) {
            if let Some((Action::Trigger, key)) = only_action(&vendor, &opening) {
                prop_assert_eq!(only_action(&vendor, &closing), Some((Action::Resolve, key)));
            }
        }
    }
}
