//! Workflow runs, checks and commit statuses: keyed by what is built on which
//! branch, never by run.

use common::{
    alert::Action,
    intake::{
        Parsed,
        value::{first_text, is_word, text_at, time_at},
    },
};
use serde_json::Value;

use super::{Event, Finding, Reading};
use crate::{
    branches::{self, Place},
    outcome,
};

const RUN_FAILURES: &[&str] = &["failure", "timed_out", "startup_failure"];
const CHECK_FAILURES: &[&str] = &["failure", "timed_out"];
const STATUS_FAILURES: &[&str] = &["failure", "error"];
const SUCCESSES: &[&str] = &["success"];

pub(super) fn workflow_run(event: &Event<'_>) -> Reading {
    let (run, action) = event.ended("workflow_run", RUN_FAILURES)?;
    let branch = text_at(run, "head_branch");
    let name = text_at(run, "name").or_else(|| text_at(event.body, "workflow.name"));
    let place = if is_of_fork(run, event.body) {
        Place::Other
    } else {
        event.place(branch.as_deref())
    };
    Ok(Finding {
        parts: vec![
            "wf".to_owned(),
            part(text_at(run, "workflow_id").or_else(|| name.clone())),
            part(text_at(run, "head_repository.id")),
            part(branch.clone()),
        ],
        description: text_at(run, "display_title"),
        ..event.build(run, action, name, branch.as_deref(), place)?
    })
}

pub(super) fn check_run(event: &Event<'_>) -> Reading {
    let (check, action) = event.ended("check_run", CHECK_FAILURES)?;
    let branch = text_at(check, "check_suite.head_branch");
    let name = text_at(check, "name");
    let place = event.place(branch.as_deref());
    Ok(Finding {
        parts: vec![
            "check".to_owned(),
            part(text_at(check, "app.id")),
            part(name.clone()),
            part(branch.clone()),
        ],
        description: first_text(check, &["output.summary", "output.title"]),
        ..event.build(check, action, name, branch.as_deref(), place)?
    })
}

pub(super) fn check_suite(event: &Event<'_>) -> Reading {
    let (suite, action) = event.ended("check_suite", RUN_FAILURES)?;
    let branch = text_at(suite, "head_branch");
    let name = text_at(suite, "app.name").map(|app| format!("Checks of {app}"));
    let place = event.place(branch.as_deref());
    Ok(Finding {
        parts: vec![
            "suite".to_owned(),
            part(text_at(suite, "app.id")),
            part(branch.clone()),
        ],
        ..event.build(suite, action, name, branch.as_deref(), place)?
    })
}

/// One reading per branch that has the commit at its head; a commit that is at
/// none is told by its hash.
pub(super) fn commit_status(event: &Event<'_>) -> Vec<Reading> {
    let Some(state) = text_at(event.body, "state") else {
        return vec![Err(Parsed::unrecognised("status: it has no state"))];
    };
    let Some(action) = outcome::action(&state, STATUS_FAILURES, SUCCESSES) else {
        return vec![Err(Parsed::ignored(format!("the status is {state}")))];
    };
    let branches: Vec<String> = event
        .body
        .get("branches")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|branch| text_at(branch, "name"))
        .collect();
    if branches.is_empty() {
        let sha = part(text_at(event.body, "sha"));
        return vec![event.status_on(action, sha, Place::Other)];
    }
    branches
        .into_iter()
        .map(|branch| {
            let place = event.place(Some(&branch));
            event.status_on(action, branch, place)
        })
        .collect()
}

impl Event<'_> {
    /// The object of this name and how it ended.
    fn ended(&self, name: &str, failures: &[&str]) -> Result<(&Value, Action), Parsed> {
        let object = self.object(name)?;
        let step = text_at(self.body, "action")
            .ok_or_else(|| Parsed::unrecognised(format!("{name}: the body has no action")))?;
        if !is_word(&step, &["completed"]) {
            return Err(Parsed::ignored(format!("the {name} is {step}")));
        }
        let conclusion = text_at(object, "conclusion")
            .ok_or_else(|| Parsed::ignored(format!("the {name} has no conclusion yet")))?;
        let action = outcome::action(&conclusion, failures, SUCCESSES)
            .ok_or_else(|| Parsed::ignored(format!("the {name} ended as {conclusion}")))?;
        Ok((object, action))
    }

    fn place(&self, branch: Option<&str>) -> Place {
        let default = text_at(self.body, "repository.default_branch");
        Place::of(branch, default.as_deref())
    }

    /// What every build has, without an identity.
    fn build(
        &self,
        object: &Value,
        action: Action,
        name: Option<String>,
        branch: Option<&str>,
        place: Place,
    ) -> Reading {
        let settings = self.context.settings();
        branches::check_watched(settings, branch)?;
        Ok(Finding {
            action,
            parts: Vec::new(),
            title: self.title(name.as_deref().unwrap_or("Build"), action, branch),
            description: None,
            severity: place.severity(settings),
            occurred_at: ["completed_at", "updated_at"]
                .into_iter()
                .find_map(|field| time_at(object, field)),
            link: first_text(object, &["html_url", "target_url", "log_url"]),
        })
    }

    fn status_on(&self, action: Action, branch: String, place: Place) -> Reading {
        let name = text_at(self.body, "context");
        Ok(Finding {
            parts: vec!["status".to_owned(), part(name.clone()), branch.clone()],
            description: text_at(self.body, "description"),
            ..self.build(self.body, action, name, Some(&branch), place)?
        })
    }
}

/// A missing part of an identity is empty.
fn part(text: Option<String>) -> String {
    text.unwrap_or_default()
}

/// Whether the run is of a fork's branch, which may have the name of ours.
fn is_of_fork(run: &Value, body: &Value) -> bool {
    ["id", "full_name"]
        .into_iter()
        .find_map(|field| {
            let head = text_at(run, &format!("head_repository.{field}"))?;
            let own = text_at(body, &format!("repository.{field}"))?;
            Some(head != own)
        })
        .unwrap_or(false)
}
