//! Sentry: webhooks of the integration platform and of the legacy plugin
//! (`vendors/sentry.md`).

mod event;
mod issue;
mod metric_alert;

use common::{
    alert::{Action, Severity},
    intake::{
        Authentication, Context, Methods, Parsed, Received, Unreadable, Vendor, credentials,
        value::{at, is_word, text_at, time_at},
    },
    time::Timestamp,
};
use http::StatusCode;
use serde_json::Value;

pub(crate) const VENDOR: Vendor = Vendor {
    name: "sentry",
    methods: Methods::Post,
    authentication: Authentication::Native(|received, secret, _| {
        received
            .header("sentry-hook-signature")
            .is_some_and(|hex| credentials::is_hmac_sha256_hex(hex, secret, &received.body))
    }),
    // A 4xx is never tried again.
    overload: StatusCode::SERVICE_UNAVAILABLE,
    normalise,
};

/// Resources that are no alerts. `error` is one request per event: a flood.
const OTHER_RESOURCES: &[&str] = &[
    "error",
    "installation",
    "comment",
    "seer",
    "external_issue",
    "select_options",
    "alert_rule_action",
    "preprod_artifact",
];

fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    let hook = Hook {
        sent_at: received
            .header("sentry-hook-timestamp")
            .and_then(Timestamp::parse_lenient),
        context,
    };
    let body = received.json()?;
    let resource = received
        .header("sentry-hook-resource")
        .filter(|resource| !resource.is_empty());
    let parsed = match resource {
        Some(resource) => hook.parse(resource, body),
        None => match resource_of(&body) {
            Some(resource) => hook.parse(resource, body),
            None => hook.parse_unwrapped(body),
        },
    };
    Ok(vec![parsed])
}

/// What the parts need besides the body.
#[derive(Clone, Copy)]
struct Hook<'a> {
    /// The header's time, by Sentry's clock.
    sent_at: Option<Timestamp>,
    context: &'a Context<'a>,
}

impl Hook<'_> {
    fn parse(self, resource: &str, body: Value) -> Parsed {
        if is_word(resource, &["issue"]) {
            issue::parse(self, body)
        } else if is_word(resource, &["event_alert"]) {
            event::parse(self, body)
        } else if is_word(resource, &["metric_alert"]) {
            metric_alert::parse(self, body)
        } else if is_word(resource, OTHER_RESOURCES) {
            Parsed::ignored(format!("{resource} webhooks are no alerts"))
        } else {
            Parsed::unrecognised("resource")
        }
    }

    /// Bodies without an envelope: the plugin's and the guide's.
    fn parse_unwrapped(self, body: Value) -> Parsed {
        if has_object(&body, "issue") {
            issue::parse_documented(self, body)
        } else if has_object(&body, "event") || is_plugin(&body) {
            event::parse_unwrapped(self, body)
        } else {
            Parsed::unrecognised("body: no resource of Sentry's")
        }
    }

    /// Sentry's clock at sending, else a time of the body.
    fn occurred_at(self, body: &Value, path: &str) -> Option<Timestamp> {
        self.sent_at.or_else(|| time_at(body, path))
    }

    /// A project's name, else the integration's.
    fn source(self, project: Option<String>) -> String {
        project.unwrap_or_else(|| self.context.integration.name.clone())
    }

    /// Archiving silences an issue but does not end it.
    fn archived(self) -> Result<Action, Parsed> {
        let settings = self.context.settings();
        if settings.chooses("archived", "ignore") {
            Err(Parsed::ignored("archived, which this integration ignores"))
        } else if settings.chooses("archived", "resolve") {
            Ok(Action::Resolve)
        } else {
            Ok(Action::Acknowledge)
        }
    }
}

/// The resource by the envelope's content, where a relay lost the header.
fn resource_of(body: &Value) -> Option<&'static str> {
    ["issue", "event", "metric_alert", "error", "installation"]
        .into_iter()
        .find(|name| has_object(body, &format!("data.{name}")))
        .map(|name| if name == "event" { "event_alert" } else { name })
        .or_else(|| at(body, "data.comment_id").map(|_| "comment"))
}

fn has_object(body: &Value, path: &str) -> bool {
    at(body, path).is_some_and(Value::is_object)
}

/// The legacy plugin names the issue and its project at the top.
fn is_plugin(body: &Value) -> bool {
    text_at(body, "id").is_some()
        && ["project", "project_slug", "project_name"]
            .into_iter()
            .any(|name| text_at(body, name).is_some())
        && ["message", "culprit", "url"]
            .into_iter()
            .any(|name| text_at(body, name).is_some())
}

/// The severity of an issue's or event's level.
fn level_severity(level: Option<&str>) -> Severity {
    match level.unwrap_or_default().to_ascii_lowercase().as_str() {
        "fatal" => Severity::Critical,
        "warning" => Severity::Warning,
        "info" | "debug" | "sample" => Severity::Info,
        _ => Severity::Error,
    }
}
