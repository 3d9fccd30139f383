//! The common alert schema: metric and log alerts have one id per alert; the
//! activity log's messages are told apart in their own file.

use common::{
    alert::{Action, Alert},
    intake::{
        Parsed,
        value::{is_word, text_at, time_at},
    },
};

use super::{Body, activity, severity};

const LINKS: &[&str] = &[
    "data.essentials.investigationlink",
    "data.alertcontext.portallink",
    "data.alertcontext.condition.allof.0.linktofilteredsearchresultsui",
    "data.alertcontext.condition.allof.0.linktosearchresultsui",
    "data.alertcontext.linktofilteredsearchresultsui",
    "data.alertcontext.linktosearchresultsui",
    "data.alertcontext.linktosearchresults",
];

pub(super) fn parse(body: &Body<'_>) -> Result<Parsed, &'static str> {
    if !body.has("data.essentials") {
        return Err("body: it has no essentials");
    }
    if is_activity_log(body) {
        return activity::parse(body, &activity::COMMON);
    }
    let identity = body
        .id("data.essentials.alertid")
        .ok_or("alert: it has no alertId")?;
    let action = match body.text("data.essentials.monitorcondition") {
        Some(word) if is_word(&word, &["fired", "activated"]) => Action::Trigger,
        Some(word) if is_word(&word, &["resolved"]) => Action::Resolve,
        _ => return Err("monitorCondition"),
    };
    let time = match action {
        Action::Resolve => "data.essentials.resolveddatetime",
        _ => "data.essentials.fireddatetime",
    };
    Ok(Alert {
        action,
        identity: format!("alert:{identity}"),
        title: body
            .text("data.essentials.alertrule")
            .unwrap_or_else(|| "Azure Monitor alert".to_owned()),
        description: body.text("data.essentials.description"),
        source: source(body),
        severity: severity(body.text("data.essentials.severity")),
        occurred_at: time_at(body.lower, time),
        link: body.first(LINKS),
        details: body.sent.clone(),
    }
    .into())
}

/// By the signal's type; without one, by the reporting service, or because only
/// the activity log has a source of its events.
fn is_activity_log(body: &Body<'_>) -> bool {
    match body.text("data.essentials.signaltype") {
        Some(kind) => is_word(&kind, &["Activity Log", "ActivityLog"]),
        None => {
            let service = body.text("data.essentials.monitoringservice");
            let service = service.unwrap_or_default().replace(' ', "");
            body.has("data.alertcontext.eventsource")
                || is_word(&service, &["ServiceHealth", "ResourceHealth"])
                || service.to_ascii_lowercase().starts_with("activitylog")
        }
    }
}

/// What the alert is about, else what reports it.
pub(super) fn source(body: &Body<'_>) -> String {
    text_at(body.lower, "data.essentials.configurationitems.0")
        .or_else(|| body.text("data.essentials.monitoringservice"))
        .unwrap_or_else(|| body.context.integration.name.clone())
}
