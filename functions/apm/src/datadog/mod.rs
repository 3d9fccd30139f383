//! Datadog: a request per alert, or per group of a multi-alert monitor, whose
//! body is the user's template (`vendors/datadog.md`).

mod fields;
mod heading;

use common::{
    alert::{Action, Alert, Severity},
    intake::{
        Authentication, Context, Methods, Parsed, Received, Unreadable, Vendor,
        value::{is_word, time_at},
    },
};
use fields::Fields;
use heading::{Heading, State};
use http::StatusCode;
use serde_json::Value;

pub(crate) const VENDOR: Vendor = Vendor {
    name: "datadog",
    methods: Methods::Post,
    authentication: Authentication::SharedSecret,
    // Only 5xx is tried again; every 4xx, 429 included, is final.
    overload: StatusCode::SERVICE_UNAVAILABLE,
    normalise,
};

fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    let body = if received.looks_like_json() || !fields::is_form(received) {
        received.json()?
    } else {
        fields::read_form(received)
    };
    Ok(vec![parse(body, context)])
}

/// What a body says of its monitor, before it is decided what that means.
struct Report<'a> {
    fields: Fields<'a>,
    /// The first title that carries a state.
    heading: Heading<'a>,
    priority: Option<Severity>,
    state: Option<State>,
    /// The state is Datadog's own, not the status of a hand-written template.
    is_transition: bool,
    alert_type: Option<String>,
}

fn parse(body: Value, context: &Context<'_>) -> Parsed {
    let fields = Fields(&body);
    if fields.is_test() {
        return Parsed::ignored("a test notification");
    }
    let titles = fields.event_titles();
    let report = Report::read(fields, &titles);
    let lasting = lasting_identity(fields);
    let action = match action(&report, lasting.is_some(), context) {
        Ok(action) => action,
        Err(parsed) => return parsed,
    };
    let identity = lasting
        .or_else(|| report.title_identity())
        .or_else(|| event_identity(fields).filter(|_| action == Action::Trigger));
    let Some(identity) = identity else {
        return without_identity(&report);
    };
    let title = fields.title().unwrap_or_else(|| "Datadog alert".to_owned());
    Alert {
        action,
        identity,
        description: fields
            .first(&["text", "body", "alert.message", "monitor.message"])
            .filter(|description| *description != title),
        title,
        source: fields
            .first(&["hostname", "host"])
            .unwrap_or_else(|| context.integration.name.clone()),
        severity: report.severity(),
        occurred_at: time_at(&body, "date").or_else(|| time_at(&body, "date_happened")),
        link: fields.text("link"),
        details: body,
    }
    .into()
}

impl<'a> Report<'a> {
    fn read(fields: Fields<'a>, titles: &'a [String]) -> Self {
        let headings = || titles.iter().map(|title| Heading::parse(title));
        let heading = headings()
            .find(|heading| heading.state.is_some())
            .unwrap_or_default();
        let transition = fields
            .text("alert_transition")
            .and_then(|word| State::from_word(&word))
            .or(heading.state);
        Self {
            fields,
            priority: fields
                .text("alert_priority")
                .and_then(|word| priority_severity(&word))
                .or_else(|| headings().find_map(|heading| priority_severity(heading.priority?))),
            heading,
            state: transition.or_else(|| status(fields)),
            is_transition: transition.is_some(),
            alert_type: fields.text("alert_type"),
        }
    }

    fn is_type(&self, words: &[&str]) -> bool {
        self.alert_type
            .as_deref()
            .is_some_and(|alert_type| is_word(alert_type, words))
    }

    /// The default body names its monitor and group in the title only.
    fn title_identity(&self) -> Option<String> {
        let Heading { group, name, .. } = self.heading;
        self.heading.state?;
        if group.is_none() && name.is_empty() {
            return None;
        }
        let organisation = self.fields.first(&["org.id", "org_id"]).unwrap_or_default();
        Some(format!(
            "title:{organisation}:{}:{name}",
            group.unwrap_or_default()
        ))
    }

    fn severity(&self) -> Severity {
        let by_state = match self.state {
            Some(State::Warn | State::NoData) => Some(Severity::Warning),
            _ => None,
        };
        self.priority
            .or(by_state)
            .or_else(|| self.type_severity())
            .or_else(|| written_severity(&self.fields.text("alert.severity")?))
            .unwrap_or(match self.state {
                Some(State::Triggered) if self.is_transition => Severity::Critical,
                _ => Severity::Error,
            })
    }

    fn type_severity(&self) -> Option<Severity> {
        if self.is_type(&["error"]) {
            Some(Severity::Critical)
        } else if self.is_type(&["warning"]) {
            Some(Severity::Warning)
        } else if self.is_type(&["info", "success"]) {
            Some(Severity::Info)
        } else {
            None
        }
    }
}

/// What the report asks for, or why it is none.
fn action(report: &Report<'_>, is_lasting: bool, context: &Context<'_>) -> Result<Action, Parsed> {
    match report.state {
        Some(State::Recovered) => return Ok(Action::Resolve),
        Some(State::NoData) if context.settings().chooses("noData", "ignore") => {
            return Err(Parsed::ignored("no data, which this integration ignores"));
        }
        Some(_) => return Ok(Action::Trigger),
        None => {}
    }
    if report.is_type(&["error", "warning"]) || (is_lasting && report.is_type(&["info"])) {
        Ok(Action::Trigger)
    } else if report.is_type(&["success"]) {
        Ok(Action::Resolve)
    } else if !is_lasting && is_event(report) {
        if context.settings().chooses("events", "trigger") {
            Ok(Action::Trigger)
        } else {
            Err(Parsed::ignored("an event that is not an alert"))
        }
    } else {
        Err(Parsed::unrecognised("body: it says no state"))
    }
}

/// The status of the hand-written shapes `monitor{}` and `alert{}`.
fn status(fields: Fields<'_>) -> Option<State> {
    let word = fields.first(&["monitor.status", "alert.status"])?;
    if is_word(&word, &["triggered", "alert"]) {
        Some(State::Triggered)
    } else if is_word(&word, &["warn"]) {
        Some(State::Warn)
    } else if is_word(&word, &["no data"]) {
        Some(State::NoData)
    } else if is_word(&word, &["resolved", "ok", "recovered"]) {
        Some(State::Recovered)
    } else {
        None
    }
}

/// Something that was mentioned without being a monitor's alert.
fn is_event(report: &Report<'_>) -> bool {
    report.is_type(&["info"]) || (report.alert_type.is_none() && report.fields.title().is_some())
}

/// What names a monitor's group from trigger to recovery.
fn lasting_identity(fields: Fields<'_>) -> Option<String> {
    if let Some(cycle) = fields.text("alert_cycle_key") {
        return Some(format!("cycle:{cycle}"));
    }
    if let Some(key) = fields.first(&["aggreg_key", "aggregation_key"]) {
        return Some(format!("aggreg:{key}"));
    }
    if let Some(monitor) = fields.text("alert_id") {
        let scope = fields.text("alert_scope").unwrap_or_default();
        return Some(format!("monitor:{monitor}:{scope}"));
    }
    if let Some(alert) = fields.text("alert.id") {
        return Some(format!("alert:{alert}"));
    }
    Some(format!("monitor:{}:", fields.text("monitor.id")?))
}

/// Recovery has another event: this identity only ever opens.
fn event_identity(fields: Fields<'_>) -> Option<String> {
    Some(format!("event:{}", fields.first(&["event_id", "id"])?))
}

/// A success event resolves nothing; a monitor without any key is a template
/// that would never close what it opens, and somebody should hear of it.
fn without_identity(report: &Report<'_>) -> Parsed {
    if report.state.is_none() && report.is_type(&["success"]) {
        Parsed::ignored("an event that is not an alert")
    } else {
        Parsed::unrecognised("body: nothing in it identifies the monitor")
    }
}

fn priority_severity(priority: &str) -> Option<Severity> {
    Some(match priority.trim().to_ascii_lowercase().as_str() {
        "p1" => Severity::Critical,
        "p2" => Severity::Error,
        "p3" => Severity::Warning,
        "p4" | "p5" => Severity::Info,
        _ => return None,
    })
}

/// The severity's own name and no other.
fn written_severity(word: &str) -> Option<Severity> {
    Some(match word.to_ascii_lowercase().as_str() {
        "critical" => Severity::Critical,
        "error" => Severity::Error,
        "warning" => Severity::Warning,
        "info" => Severity::Info,
        _ => return None,
    })
}
