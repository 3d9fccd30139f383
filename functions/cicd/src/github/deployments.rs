//! Deployments: one incident per environment and task.

use common::{
    alert::Severity,
    intake::{
        Parsed,
        value::{at, first_text, is_word, text_at, time_at},
    },
};
use serde_json::Value;

use super::{Event, Finding, Reading};
use crate::outcome;

const FAILURES: &[&str] = &["failure", "error"];
const SUCCESSES: &[&str] = &["success"];

pub(super) fn deployment_status(event: &Event<'_>) -> Reading {
    let body = event.body;
    let status = at(body, "deployment_status").filter(|status| status.is_object());
    let status = match status {
        Some(status) => status,
        None => event.object("deployment")?,
    };
    let state = text_at(status, "state")
        .ok_or_else(|| Parsed::unrecognised("deployment: it has no state"))?;
    let action = outcome::action(&state, FAILURES, SUCCESSES)
        .ok_or_else(|| Parsed::ignored(format!("the deployment is {state}")))?;
    let environment = first_text(
        body,
        &["deployment.environment", "deployment_status.environment"],
    );
    let task = text_at(body, "deployment.task").unwrap_or_else(|| "deploy".to_owned());
    let what = match &environment {
        Some(environment) => format!("Deployment to {environment}"),
        None => "Deployment".to_owned(),
    };
    let branch = text_at(body, "deployment.ref");
    Ok(Finding {
        action,
        severity: severity(body, environment.as_deref()),
        parts: vec!["deploy".to_owned(), environment.unwrap_or_default(), task],
        title: event.title(&what, action, branch.as_deref()),
        description: first_text(
            body,
            &["deployment_status.description", "deployment.description"],
        ),
        occurred_at: time_at(status, "updated_at"),
        link: first_text(status, &["html_url", "target_url", "log_url"]),
    })
}

/// What GitHub says about the environment, then what its name says.
fn severity(body: &Value, environment: Option<&str>) -> Severity {
    let is_set = |flag: &str| {
        text_at(body, &format!("deployment.{flag}")).is_some_and(|flag| is_word(&flag, &["true"]))
    };
    if is_set("production_environment") {
        Severity::Critical
    } else if is_set("transient_environment") {
        Severity::Warning
    } else if environment.is_some_and(outcome::is_production) {
        Severity::Critical
    } else {
        Severity::Error
    }
}
