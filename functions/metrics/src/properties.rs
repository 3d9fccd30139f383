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

use crate::{VENDORS, icinga, nagios, zabbix};

const GROUP: Group = Group {
    vendors: VENDORS,
    settings: r#"{"ignoreAlertnames": ["Watchdog"]}"#,
    headers: &[],
};

common::vendor_properties!(GROUP);

/// Pairs of bodies of one problem: its start and its end.
fn lives(host: &str, service: &str, id: u32) -> Vec<(Vendor, Value, Value)> {
    let hosts = |kind: &str, state: &str| json!({"notification_type": kind, "host_name": host, "host_state": state, "service_name": service, "service_description": service, "service_state": state});
    let events = |value: u8| json!({"event_id": id, "event_value": value, "event_name": host});
    let incidents = |severity: &str| json!({"incident": {"id": host, "severity": severity}, "object": {"name": service}});
    vec![
        (
            nagios::VENDOR,
            hosts("PROBLEM", "CRITICAL"),
            hosts("RECOVERY", "OK"),
        ),
        (
            icinga::VENDOR,
            hosts("PROBLEM", "CRITICAL"),
            hosts("RECOVERY", "OK"),
        ),
        (icinga::VENDOR, incidents("crit"), incidents("ok")),
        (zabbix::VENDOR, events(1), events(0)),
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
