//! No body of any kind, by any transport, makes a normaliser of this group
//! panic; and a resolve carries the key of its trigger.

use common::{
    alert::Action,
    intake::{
        Parsed,
        testing::{Group, Samples, TYPES, any_text, json_request, normalise, request},
    },
};
use http::Method;
use proptest::{collection::vec, prelude::*, sample, strategy::Union};
use serde_json::{Value, json};

use crate::VENDORS;

const GROUP: Group = Group {
    vendors: VENDORS,
    settings: r#"{"defaultSeverity": "warning", "groupBy": "monitor"}"#,
    headers: &[],
};

common::vendor_properties!(GROUP);

/// A fixture of any vendor with a few of its values dropped or replaced.
fn any_mutated() -> impl Strategy<Value = Value> {
    Union::new(
        VENDORS
            .iter()
            .map(|vendor| Samples::of(vendor.name).any_mutated().boxed()),
    )
}

proptest! {
    #[test]
    fn random_fields_are_survived(
        query in vec((
            sample::select(vec!["monitorID", "alertType", "msg", "heartbeat", "monitor", "sslExpiryDaysLeft", "x"]),
            any_text(Samples::of("uptime-kuma").any_json()),
        ), 0..6),
        method in sample::select(vec![Method::GET, Method::POST]),
    ) {
        let received = request(&[("content-type", TYPES[0])], b"");
        GROUP.read(&json!({}), &received.with_query(&query).with_method(method));
    }

    /// Whatever else a body says: going up carries the key of going down.
    #[test]
    fn a_resolve_carries_the_key_of_its_trigger(
        body in any_mutated(),
        (vendor, path, down, up) in sample::select(vec![
            ("better-uptime", "event", json!("started"), json!("resolved")),
            ("pingdom", "current_state", json!("DOWN"), json!("UP")),
            ("pingdom", "current_state", json!("FAILING"), json!("SUCCESS")),
            ("uptime-kuma", "heartbeat.status", json!(0), json!(1)),
            ("uptimerobot", "alertType", json!("1"), json!("2")),
        ]),
    ) {
        let say = |state: Value| {
            let mut body = body.clone();
            let pointer = format!("/{}", path.replace('.', "/"));
            if let Some(place) = body.pointer_mut(&pointer) {
                *place = state;
            } else if let Value::Object(fields) = &mut body && !path.contains('.') {
                // A name in other letters is the same field, and the first one counts.
                fields.retain(|name, _| !name.eq_ignore_ascii_case(path));
                fields.insert(path.to_owned(), state);
            } else {
                return None;
            }
            let vendor = GROUP.vendor(vendor)?;
            normalise(vendor, &json!({}), &json_request(&body)).ok()?.pop()
        };
        match (say(down), say(up)) {
            (Some(Parsed::Alert(trigger)), Some(Parsed::Alert(resolve))) => {
                prop_assert_eq!((trigger.action, resolve.action), (Action::Trigger, Action::Resolve));
                prop_assert_eq!(trigger.identity, resolve.identity);
            }
            (left, right) => prop_assert_eq!(left, right),
        }
    }
}
