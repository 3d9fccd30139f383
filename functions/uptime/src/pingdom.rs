//! Pingdom: one state change of one check per request (`vendors/pingdom.md`).

use common::{
    alert::{Action, Alert, Severity},
    intake::{
        Authentication, Content, Context, Methods, Parsed, Received, Unreadable, Vendor,
        value::{first_text, identity, is_word, link_at, text_at, time_at},
    },
};
use http::StatusCode;
use serde_json::Value;

pub(crate) const VENDOR: Vendor = Vendor {
    name: "pingdom",
    methods: Methods::Post,
    authentication: Authentication::SharedSecret,
    overload: StatusCode::TOO_MANY_REQUESTS,
    normalise,
};

fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    match received.content()? {
        Content::Json(body) => Ok(vec![parse(body, context)]),
        _ => Err(Unreadable::new("the body is not JSON")),
    }
}

fn parse(body: Value, context: &Context<'_>) -> Parsed {
    // A test message names a real check and a real state: look for it first.
    if is_test(&body) {
        return Parsed::ignored("a test message");
    }
    let Some(check) = text_at(&body, "check_id") else {
        return Parsed::unrecognised("body: it has no check_id");
    };
    // `state` is what OpsKnight's older guide called it.
    let state = first_text(&body, &["current_state", "state"]).unwrap_or_default();
    let Some(action) = action(&state) else {
        return Parsed::unrecognised("check state");
    };
    let is_transaction =
        text_at(&body, "check_type").is_some_and(|kind| is_word(&kind, &["transaction"]));
    // The ids of uptime and of transaction checks overlap.
    let class = if is_transaction { "tms" } else { "uptime" };
    let title = title(&body, &check, action, &state);
    Alert {
        action,
        identity: identity(&[class, &check]),
        description: first_text(&body, &["long_description", "description"]),
        title,
        source: context.integration.name.clone(),
        severity: severity(&body),
        occurred_at: time_at(&body, "state_changed_timestamp"),
        link: link_at(&body, "check_params.full_url"),
        details: body,
    }
    .into()
}

fn is_test(body: &Value) -> bool {
    let is_short = text_at(body, "description").is_some_and(|text| is_word(&text, &["test"]));
    is_short
        && text_at(body, "long_description")
            .is_some_and(|text| text.starts_with("This is a test message"))
}

/// Transaction checks fail and succeed, all others go down and up.
fn action(state: &str) -> Option<Action> {
    if is_word(state, &["down", "failing"]) {
        Some(Action::Trigger)
    } else if is_word(state, &["up", "success", "resolved"]) {
        Some(Action::Resolve)
    } else {
        None
    }
}

fn severity(body: &Value) -> Severity {
    match text_at(body, "importance_level") {
        Some(level) if is_word(&level, &["low"]) => Severity::Warning,
        _ => Severity::Critical,
    }
}

fn title(body: &Value, check: &str, action: Action, state: &str) -> String {
    let named = [
        "check_name",
        "check_params.full_url",
        "check_params.hostname",
    ];
    let name = first_text(body, &named).unwrap_or_else(|| format!("Check {check}"));
    let happened = match action {
        Action::Trigger if is_word(state, &["failing"]) => "is failing",
        Action::Trigger => "is down",
        _ => "is up",
    };
    match text_at(body, "description") {
        Some(description) => format!("{name} {happened}: {description}"),
        None => format!("{name} {happened}"),
    }
}
