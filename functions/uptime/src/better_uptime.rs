//! Better Stack, formerly Better Uptime: three kinds of webhook share one
//! address, and only incidents are alerts (`vendors/better-uptime.md`).

use common::{
    alert::{Action, Alert, Severity},
    intake::{
        Authentication, Content, Context, Methods, Parsed, Received, Unreadable, Vendor,
        value::{at, first_text, identity, is_word, link_at, text_at, time_at},
    },
    time::Timestamp,
};
use http::StatusCode;
use serde_json::Value;

pub(crate) const VENDOR: Vendor = Vendor {
    name: "better-uptime",
    methods: Methods::Post,
    authentication: Authentication::SharedSecret,
    overload: StatusCode::TOO_MANY_REQUESTS,
    normalise,
};

const STARTED_AT: &str = "data.attributes.started_at";
const ACKNOWLEDGED_AT: &str = "data.attributes.acknowledged_at";
const RESOLVED_AT: &str = "data.attributes.resolved_at";

fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    match received.content()? {
        Content::Json(body) => Ok(vec![parse(body, context)]),
        _ => Err(Unreadable::new("the body is not JSON")),
    }
}

fn parse(body: Value, context: &Context<'_>) -> Parsed {
    if let Some(kind) = text_at(&body, "data.type").filter(|kind| !is_word(kind, &["incident"])) {
        return Parsed::ignored(format!("a change of a {kind} is no incident"));
    }
    if text_at(&body, "data.attributes.status")
        .is_some_and(|status| is_word(&status, &["unconfirmed"]))
    {
        return Parsed::ignored("the incident is not confirmed yet");
    }
    let event = event(&body);
    if event.contains("comment") {
        return Parsed::ignored("a comment changes no state");
    }
    let Some(identity) = incident_identity(&body, context) else {
        return Parsed::unrecognised("body: it has no data.id");
    };
    let Some((action, occurred_at)) = state(&event, &body) else {
        return Parsed::unrecognised("event: neither its name nor its timestamps tell a state");
    };
    let cause = text_at(&body, "data.attributes.cause");
    let title = [
        first_text(&body, &["data.attributes.name", "data.attributes.url"]),
        cause.clone(),
    ];
    let mut title = title.into_iter().flatten().collect::<Vec<_>>().join(": ");
    let source = context.integration.name.clone();
    if title.is_empty() {
        title = format!("Alert from {source}");
    }
    Alert {
        action,
        identity,
        description: cause.filter(|cause| *cause != title),
        title,
        source,
        severity: severity(&body, context),
        occurred_at,
        link: link_at(&body, "data.attributes.url"),
        details: body,
    }
    .into()
}

/// The event's name in lower case, without the prefix of the older guide.
fn event(body: &Value) -> String {
    let event = text_at(body, "event")
        .unwrap_or_default()
        .to_ascii_lowercase();
    ["incident_", "incident."]
        .iter()
        .find_map(|prefix| event.strip_prefix(prefix))
        .unwrap_or(&event)
        .to_owned()
}

/// What happened and when. A resolved incident still says when it started and
/// was acknowledged, so the latest state is asked for first.
fn state(event: &str, body: &Value) -> Option<(Action, Option<Timestamp>)> {
    Some(match event {
        "started" => (Action::Trigger, time_at(body, STARTED_AT)),
        // `started_at` is that of the first start: by it, the resolve that came
        // in between would seem to be the later one.
        "reopened" => (Action::Trigger, None),
        "acknowledged" => (Action::Acknowledge, time_at(body, ACKNOWLEDGED_AT)),
        "resolved" => (Action::Resolve, time_at(body, RESOLVED_AT)),
        _ => {
            let states = [
                (Action::Resolve, RESOLVED_AT),
                (Action::Acknowledge, ACKNOWLEDGED_AT),
                (Action::Trigger, STARTED_AT),
            ];
            let (action, path) = states
                .into_iter()
                .find(|(_, path)| text_at(body, path).is_some())?;
            (action, time_at(body, path))
        }
    })
}

/// One Better Stack incident from start to end; with `groupBy: "monitor"`, the
/// monitor or heartbeat that it is about.
fn incident_identity(body: &Value, context: &Context<'_>) -> Option<String> {
    let incident = text_at(body, "data.id")?;
    let by_monitor = context
        .settings()
        .text("groupBy")
        .is_some_and(|group| is_word(group, &["monitor"]));
    let related = |kind: &str| text_at(body, &format!("data.relationships.{kind}.data.id"));
    let monitor = || {
        // Monitors and heartbeats are counted separately: their ids overlap.
        related("monitor").or_else(|| Some(identity(&["heartbeat", &related("heartbeat")?])))
    };
    Some(by_monitor.then(monitor).flatten().unwrap_or(incident))
}

fn severity(body: &Value, context: &Context<'_>) -> Severity {
    let said = text_at(body, "data.attributes.severity");
    let default = || {
        let setting = context.settings().text("defaultSeverity");
        setting.and_then(Severity::from_common_word)
    };
    said.and_then(|word| Severity::from_common_word(&word))
        .or_else(default)
        .unwrap_or(if is_heartbeat(body) {
            Severity::Error
        } else {
            Severity::Critical
        })
}

/// JSON:API writes a relationship that is not there as `{"data": null}` too.
fn is_heartbeat(body: &Value) -> bool {
    at(body, "data.relationships.heartbeat")
        .is_some_and(|heartbeat| heartbeat.get("data").is_none_or(|data| !data.is_null()))
}
