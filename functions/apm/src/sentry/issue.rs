//! The resource `issue`, and the guide's shape of the same.

use common::{
    alert::{Action, Alert},
    intake::{
        Parsed,
        value::{at, first_text, is_word, text_at},
    },
};
use serde_json::Value;

use super::{Hook, level_severity};

/// Inside the issue, or beside it in the guide's shape.
const PROJECT: &[&str] = &["project.slug", "project.name"];

pub(super) fn parse(hook: Hook<'_>, body: Value) -> Parsed {
    let action = text_at(&body, "action").unwrap_or_default();
    match hook.action(&action) {
        Ok(action) => hook.alert(action, body, "data.issue"),
        Err(parsed) => parsed,
    }
}

/// `issue{}` and `project{}` at the top. Its status decides where it is one
/// that ends or silences the issue.
pub(super) fn parse_documented(hook: Hook<'_>, body: Value) -> Parsed {
    let word = text_at(&body, "issue.status")
        .filter(|status| is_word(status, &["resolved", "ignored"]))
        .or_else(|| text_at(&body, "action"))
        .unwrap_or_default();
    match hook.action(&word) {
        Ok(action) => hook.alert(action, body, "issue"),
        Err(parsed) => parsed,
    }
}

impl Hook<'_> {
    fn action(self, word: &str) -> Result<Action, Parsed> {
        if is_word(word, &["created", "unresolved", "reopened"]) {
            Ok(Action::Trigger)
        } else if is_word(word, &["resolved"]) {
            Ok(Action::Resolve)
        } else if is_word(word, &["ignored", "archived"]) {
            self.archived()
        } else if is_word(word, &["assigned"])
            && self.context.settings().chooses("assigned", "acknowledge")
        {
            Ok(Action::Acknowledge)
        } else if is_word(word, &["assigned", "unassigned"]) {
            // Ownership rules assign an issue as it is made.
            Err(Parsed::ignored(format!("the issue was {word}")))
        } else {
            Err(Parsed::unrecognised("issue action"))
        }
    }

    fn alert(self, action: Action, body: Value, path: &str) -> Parsed {
        let issue = at(&body, path).unwrap_or(&Value::Null);
        let Some(id) = text_at(issue, "id") else {
            return Parsed::unrecognised("issue: it has no id");
        };
        let culprit = text_at(issue, "culprit");
        let title = text_at(issue, "title")
            .or_else(|| culprit.clone())
            .unwrap_or_else(|| "Sentry issue".to_owned());
        Alert {
            action,
            identity: format!("issue:{id}"),
            description: culprit.filter(|culprit| *culprit != title),
            title,
            source: self.source(first_text(issue, PROJECT).or_else(|| first_text(&body, PROJECT))),
            severity: level_severity(text_at(issue, "level").as_deref()),
            occurred_at: self.occurred_at(issue, "lastSeen"),
            link: first_text(issue, &["web_url", "permalink"]),
            details: body,
        }
        .into()
    }
}
