//! REST alerts: what monitoring tools send to VictorOps.

use common::{
    alert::{Action, Alert, Severity},
    crypto,
    intake::{
        Context, Parsed, Received,
        value::{first_text, is_word, text_at},
    },
};
use serde_json::Value;

use super::{action_of, entity_id};

/// Reads a REST alert.
pub(super) fn parse(
    body: Value,
    received: &Received,
    context: &Context<'_>,
) -> Result<Parsed, Parsed> {
    let message_type = text_at(&body, "message_type");
    let action = action_of(message_type.as_deref(), context)?;
    let identity = match body.get("entity_id").and_then(entity_id) {
        Some(entity) => entity,
        // VictorOps invents one as well: two such alerts are two incidents.
        None if action == Action::Trigger => new_entity_id(),
        None => return Err(Parsed::ignored("without entity_id it is about no incident")),
    };
    let source = first_text(&body, &["monitoring_tool", "host_name", "hostname"])
        .unwrap_or_else(|| context.integration.name.clone());
    Ok(Alert {
        action,
        title: text_at(&body, "entity_display_name")
            .or_else(|| text_at(&body, "entity_id"))
            .unwrap_or_else(|| format!("Alert from {source}")),
        description: text_at(&body, "state_message"),
        severity: severity(message_type.as_deref()),
        occurred_at: None,
        link: None,
        identity,
        source,
        details: details(body, received),
    }
    .into())
}

/// The entity id of a REST alert, where it has one.
pub(crate) fn sent_entity_id(received: &Received) -> Option<String> {
    entity_id(received.json().ok()?.get("entity_id")?)
}

/// An entity id that no other alert has.
pub(crate) fn new_entity_id() -> String {
    format!("{:032x}", crypto::random_u128())
}

fn severity(message_type: Option<&str>) -> Severity {
    if message_type.is_some_and(|word| is_word(word, &["WARNING"])) {
        Severity::Warning
    } else {
        Severity::Critical
    }
}

/// The native address has the routing key in its path ([`crate::native`]); the
/// body's own counts more.
fn details(mut body: Value, received: &Received) -> Value {
    let own = text_at(&body, "routing_key");
    let routing = received.query("routing_key").filter(|_| own.is_none());
    if let (Some(object), Some(routing)) = (body.as_object_mut(), routing) {
        object.insert("routing_key".to_owned(), routing.into());
    }
    body
}
