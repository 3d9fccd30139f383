//! Custom outbound webhooks: a flat JSON object whose keys have dots.

use common::{
    alert::{Action, Alert, Severity},
    intake::{
        Context, Parsed,
        value::{is_word, text},
    },
};
use serde_json::Value;

use super::{action_of, entity_id};

/// Reads an outbound message about an incident.
pub(super) fn parse(body: Value, context: &Context<'_>) -> Result<Parsed, Parsed> {
    let first = |keys: &[&str]| keys.iter().find_map(|key| body.get(*key).and_then(text));
    let action = match first(&["STATE.CURRENT_ALERT_PHASE", "INCIDENT.CURRENT_PHASE"]) {
        Some(phase) => of_phase(&phase).ok_or_else(|| Parsed::unrecognised("alert phase"))?,
        None => action_of(first(&["ALERT.message_type"]).as_deref(), context)?,
    };
    let identity = ["STATE.ENTITY_ID", "ALERT.entity_id"]
        .into_iter()
        .find_map(|key| body.get(key).and_then(entity_id))
        .ok_or_else(|| Parsed::unrecognised("outbound webhook: it has no entity id"))?;
    let title = first(&[
        "INCIDENT.ENTITY_DISPLAY_NAME",
        "ALERT.entity_display_name",
        "STATE.SERVICE",
    ]);
    let state = first(&["STATE.CURRENT_STATE", "INCIDENT.ENTITY_STATE"]);
    Ok(Alert {
        action,
        title: title.unwrap_or_else(|| identity.clone()),
        description: first(&["ALERT.state_message"]),
        source: first(&["ALERT.monitoring_tool", "STATE.HOST", "INCIDENT.HOST"])
            .unwrap_or_else(|| context.integration.name.clone()),
        severity: severity(state.as_deref()),
        occurred_at: None,
        link: None,
        identity,
        details: body,
    }
    .into())
}

fn of_phase(phase: &str) -> Option<Action> {
    if is_word(phase, &["UNACKED", "TRIGGERED"]) {
        Some(Action::Trigger)
    } else if is_word(phase, &["ACKED"]) {
        Some(Action::Acknowledge)
    } else if is_word(phase, &["RESOLVED"]) {
        Some(Action::Resolve)
    } else {
        None
    }
}

/// Somebody was paged: what is no warning is critical.
pub(super) fn severity(state: Option<&str>) -> Severity {
    if state.is_some_and(|state| is_word(state, &["WARNING"])) {
        Severity::Warning
    } else {
        Severity::Critical
    }
}
