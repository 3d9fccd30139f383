//! The activity log: service health, resource health and everything else. Each
//! message has a new `alertId`, is `Fired` and `Sev4`: none of that is used.

use common::{
    alert::{Action, Alert, Severity},
    intake::{
        Parsed,
        value::{at, text_at, time_at},
    },
};
use serde_json::Value;

use super::{Body, common_schema, severity};

/// Where a schema has the log's fields.
pub(super) struct Places {
    event: &'static str,
    rule: &'static str,
    service: &'static str,
    resource: &'static str,
}

/// In the common alert schema.
pub(super) const COMMON: Places = Places {
    event: "data.alertcontext",
    rule: "data.essentials.alertrule",
    service: "data.essentials.monitoringservice",
    resource: "data.essentials.alerttargetids.0",
};

/// In the older one, which names no rule.
pub(super) const OLDER: Places = Places {
    event: "data.context.activitylog",
    rule: "data.context.name",
    service: "data.context.activitylog.eventsource",
    resource: "data.context.activitylog.resourceid",
};

/// The three families of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    ServiceHealth,
    ResourceHealth,
    Other,
}

/// What an event says.
struct Said {
    action: Action,
    identity: String,
    severity: Severity,
}

/// An event that changes nothing, for this reason, or what it says.
type Heard = Result<Said, &'static str>;

pub(super) fn parse(body: &Body<'_>, places: &Places) -> Result<Parsed, &'static str> {
    let event = at(body.lower, places.event).unwrap_or(&Value::Null);
    let kind = kind(event, body.text(places.service));
    let name = body
        .text(places.rule)
        .or_else(|| text_at(event, "operationname"));
    let heard = match kind {
        Kind::ServiceHealth => service_health(event)?,
        Kind::ResourceHealth => resource_health(event, body.text(places.resource))?,
        Kind::Other => other(event, name.as_deref(), body)?,
    };
    let said = match heard {
        Ok(said) => said,
        Err(reason) => return Ok(Parsed::ignored(reason)),
    };
    let own_title = text_at(event, "properties.title").filter(|_| kind != Kind::Other);
    Ok(Alert {
        action: said.action,
        identity: said.identity,
        title: own_title
            .or(name)
            .unwrap_or_else(|| "Azure activity log alert".to_owned()),
        description: text_at(event, "properties.details")
            .or_else(|| text_at(event, "properties.communication"))
            .or_else(|| text_at(event, "description"))
            .or_else(|| body.text("data.essentials.description")),
        source: common_schema::source(body),
        severity: said.severity,
        occurred_at: time_at(event, "eventtimestamp")
            .or_else(|| time_at(body.lower, "data.essentials.fireddatetime")),
        link: body.first(&[
            "data.essentials.investigationlink",
            "data.context.portallink",
        ]),
        details: body.sent.clone(),
    }
    .into())
}

/// By the event's source; where that is a number, as in some samples, by the
/// service that reports it or by the operation.
fn kind(event: &Value, service: Option<String>) -> Kind {
    let source = text_at(event, "eventsource").filter(|source| source.parse::<f64>().is_err());
    let word = source
        .or(service.filter(|service| service.parse::<f64>().is_err()))
        .or_else(|| text_at(event, "operationname"))
        .map(|word| squeezed(&word))
        .unwrap_or_default();
    if word == "servicehealth" || word.starts_with("microsoft.servicehealth/") {
        Kind::ServiceHealth
    } else if word == "resourcehealth" || word.starts_with("microsoft.resourcehealth/") {
        Kind::ResourceHealth
    } else {
        Kind::Other
    }
}

/// `impactMitigationTime` is not looked at: it may be set long before the end.
fn service_health(event: &Value) -> Result<Heard, &'static str> {
    let stage = text_at(event, "properties.stage")
        .or_else(|| text_at(event, "status"))
        .ok_or("service health event: it has no stage")?;
    let action = match squeezed(&stage).as_str() {
        "active" | "planned" | "inprogress" | "rescheduled" | "updated" => Action::Trigger,
        "resolved" | "complete" | "canceled" => Action::Resolve,
        "rca" => return Ok(Err("the report about a problem that is over")),
        _ => return Err("stage of a service health event"),
    };
    let tracking = text_at(event, "properties.trackingid")
        .ok_or("service health event: it has no trackingId")?;
    let kind = text_at(event, "properties.incidenttype").unwrap_or_default();
    Ok(Ok(Said {
        action,
        identity: format!("servicehealth:{}", tracking.to_ascii_lowercase()),
        severity: match squeezed(&kind).as_str() {
            "incident" => Severity::Error,
            "maintenance" | "informational" => Severity::Info,
            _ => Severity::Warning,
        },
    }))
}

fn resource_health(event: &Value, resource: Option<String>) -> Result<Heard, &'static str> {
    let status = text_at(event, "properties.currenthealthstatus")
        .ok_or("resource health event: it has no currentHealthStatus")?;
    let (action, severity) = match squeezed(&status).as_str() {
        "unavailable" => (Action::Trigger, Severity::Error),
        "degraded" => (Action::Trigger, Severity::Warning),
        "available" => (Action::Resolve, Severity::Warning),
        "unknown" => return Ok(Err("the health of the resource is unknown")),
        _ => return Err("currentHealthStatus of a resource health event"),
    };
    let resource = resource
        .or_else(|| text_at(event, "resourceid"))
        .ok_or("resource health event: it names no resource")?;
    Ok(Ok(Said {
        action,
        identity: format!("resourcehealth:{}", resource.to_ascii_lowercase()),
        severity,
    }))
}

/// An operation that somebody wants to hear of: nothing ever takes it back.
fn other(event: &Value, name: Option<&str>, body: &Body<'_>) -> Result<Heard, &'static str> {
    if body.context.settings().chooses("activityLog", "ignore") {
        return Ok(Err("the setting activityLog ignores it"));
    }
    let name = name.ok_or("activity log event: it has neither rule nor operation")?;
    let correlation = text_at(event, "correlationid")
        .or_else(|| text_at(event, "operationid"))
        .ok_or("activity log event: it has neither correlationId nor operationId")?;
    Ok(Ok(Said {
        action: Action::Trigger,
        identity: format!("activity:{name}:{}", correlation.to_ascii_lowercase()),
        severity: match text_at(event, "level") {
            // `SevN` and digits are no levels.
            Some(level) if level.chars().all(char::is_alphabetic) => severity(Some(level)),
            _ => Severity::Warning,
        },
    }))
}

/// Lower-case, without spaces: `In Progress` is `InProgress`.
fn squeezed(word: &str) -> String {
    word.split_whitespace().collect::<String>().to_lowercase()
}
