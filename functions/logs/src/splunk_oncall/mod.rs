//! Splunk On-Call (VictorOps): three formats of one alert each, joined by the
//! entity id (`vendors/splunk-oncall.md`).

mod escalation;
mod outbound;
mod rest;

use common::{
    alert::Action,
    intake::{
        Authentication, Context, Methods, Parsed, Received, Unreadable, Vendor, credentials,
        value::{is_word, text},
    },
};
use http::StatusCode;
use serde_json::Value;

pub(crate) use rest::{new_entity_id, sent_entity_id};

pub(crate) const VENDOR: Vendor = Vendor {
    name: "splunk-oncall",
    methods: Methods::Post,
    authentication: Authentication::Native(is_authentic),
    overload: StatusCode::TOO_MANY_REQUESTS,
    normalise,
};

/// Outbound messages about people being paged, going on call and talking.
const OTHER_EVENTS: &[&str] = &["PAGE.", "ONCALL.", "CHAT."];
/// The groups of an outbound message about an incident.
const OUTBOUND: &[&str] = &["STATE.", "INCIDENT.", "ALERT."];

fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    let parsed = if received.looks_like_json() {
        json(received.json()?, received, context)
    } else {
        escalation::parse(received, context)
    };
    Ok(vec![parsed?])
}

fn json(body: Value, received: &Received, context: &Context<'_>) -> Result<Parsed, Unreadable> {
    let has_key_of = |groups: &[&str]| {
        let mut keys = body
            .as_object()
            .into_iter()
            .flat_map(|object| object.keys());
        keys.any(|key| groups.iter().any(|group| key.starts_with(group)))
    };
    Ok(if has_key_of(OTHER_EVENTS) {
        Parsed::ignored("paging, on-call and chat messages are no alerts")
    } else if has_key_of(OUTBOUND) {
        outbound::parse(body, context).unwrap_or_else(|other| other)
    } else if body.get("message_type").is_some() {
        rest::parse(body, received, context).unwrap_or_else(|other| other)
    } else {
        Parsed::unrecognised("body: neither a REST alert nor an outbound webhook")
    })
}

/// JSON can only carry the secret itself; the escalation form is signed, and
/// nothing else counts there.
fn is_authentic(received: &Received, secret: &str, context: &Context<'_>) -> bool {
    if received.looks_like_json() {
        credentials::has_shared_secret(received, secret)
    } else {
        escalation::is_signed(received, secret, context)
    }
}

/// What a REST message type asks for, or what becomes of it.
fn action_of(message_type: Option<&str>, context: &Context<'_>) -> Result<Action, Parsed> {
    let is = |words: &[&str]| message_type.is_some_and(|word| is_word(word, words));
    if is(&["WARNING"]) && ignores_warnings(context) {
        Err(Parsed::ignored("the integration ignores warnings"))
    } else if is(&["CRITICAL", "WARNING"]) {
        Ok(Action::Trigger)
    } else if is(&["ACKNOWLEDGEMENT"]) {
        Ok(Action::Acknowledge)
    } else if is(&["RECOVERY", "OK"]) {
        Ok(Action::Resolve)
    } else if is(&["INFO"]) {
        Err(Parsed::ignored("INFO is an entry of the timeline"))
    } else {
        Err(Parsed::unrecognised("message type"))
    }
}

fn ignores_warnings(context: &Context<'_>) -> bool {
    let setting = context.settings().text("warning");
    setting.is_some_and(|word| is_word(word, &["ignore"]))
}

/// An entity id as it is: it is compared exactly, blanks at its ends included.
fn entity_id(value: &Value) -> Option<String> {
    let trimmed = text(value)?;
    Some(value.as_str().map_or(trimmed, str::to_owned))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entity_id_stays_as_it_is() {
        assert_eq!(
            entity_id(&json!(" db/primary disk")).as_deref(),
            Some(" db/primary disk")
        );
        assert_eq!(entity_id(&json!(482)).as_deref(), Some("482"));
        for absent in [
            json!(null),
            json!(" "),
            json!("{{id}}"),
            json!({}),
            json!([]),
        ] {
            assert_eq!(entity_id(&absent), None, "{absent}");
        }
    }
}
