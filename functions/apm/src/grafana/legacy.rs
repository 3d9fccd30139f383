//! The legacy notification channel (up to Grafana 10): one rule a body.

use common::{
    alert::{Action, Alert, Severity},
    intake::{
        Context, Parsed, alertmanager,
        value::{first_text, is_word, text_at},
    },
};
use serde_json::Value;

/// What Grafana writes before a rule's name.
const STATE_PREFIXES: &[&str] = &["[Alerting]", "[OK]", "[No Data]"];
/// Bodies without an organisation come from the first one.
const FIRST_ORGANISATION: &str = "1";

pub(super) fn parse(body: Value, context: &Context<'_>) -> Parsed {
    if is_test(&body) {
        return Parsed::ignored("a test of the notification channel");
    }
    let state = text_at(&body, "state").unwrap_or_default();
    let action = if is_word(&state, &["ok"]) {
        Action::Resolve
    } else if is_word(&state, &["alerting"]) {
        Action::Trigger
    } else if is_no_data(&state) {
        if context.settings().chooses("noData", "ignore") {
            return Parsed::ignored("no data, which this integration ignores");
        }
        Action::Trigger
    } else if is_word(&state, &["pending", "paused"]) {
        return Parsed::ignored(format!("the rule is {state}"));
    } else {
        return Parsed::unrecognised("rule state");
    };
    let Some(identity) = identity(&body) else {
        return Parsed::unrecognised("rule: it has neither an id nor a name");
    };
    let title = title(&body).unwrap_or_else(|| "Grafana alert".to_owned());
    Alert {
        action,
        identity,
        description: text_at(&body, "message").filter(|message| *message != title),
        title,
        source: context.integration.name.clone(),
        severity: severity(&body, &state, context),
        occurred_at: None,
        link: first_text(&body, &["ruleUrl", "rule_url"]),
        details: body,
    }
    .into()
}

fn is_test(body: &Value) -> bool {
    text_at(body, "ruleId").as_deref() == Some("0")
        && text_at(body, "ruleName").as_deref() == Some("Test notification")
}

fn is_no_data(state: &str) -> bool {
    is_word(state, &["no_data"])
}

fn identity(body: &Value) -> Option<String> {
    let organisation = text_at(body, "orgId").unwrap_or_else(|| FIRST_ORGANISATION.to_owned());
    match text_at(body, "ruleId").filter(|id| id != "0") {
        Some(id) => Some(format!("rule:{organisation}:{id}")),
        None => Some(format!(
            "rule-name:{organisation}:{}",
            text_at(body, "ruleName")?
        )),
    }
}

fn title(body: &Value) -> Option<String> {
    text_at(body, "title")
        .map(|title| without_state(&title).to_owned())
        .filter(|title| !title.is_empty())
        .or_else(|| first_text(body, &["ruleName", "message"]))
}

fn without_state(title: &str) -> &str {
    let stripped = STATE_PREFIXES.iter().find_map(|prefix| {
        let (head, rest) = title.split_at_checked(prefix.len())?;
        head.eq_ignore_ascii_case(prefix).then_some(rest)
    });
    stripped.unwrap_or(title).trim()
}

fn severity(body: &Value, state: &str, context: &Context<'_>) -> Severity {
    match text_at(body, "tags.severity") {
        Some(word) => alertmanager::severity(&word),
        None if is_no_data(state) => Severity::Warning,
        None => super::default_severity(context),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rule_is_known_by_organisation_and_id_else_by_name() {
        for (body, expected) in [
            (json!({"ruleId": 41, "orgId": 2}), Some("rule:2:41")),
            (json!({"ruleId": "41", "orgId": "2"}), Some("rule:2:41")),
            (json!({"ruleId": 41, "ruleName": "n"}), Some("rule:1:41")),
            (json!({"ruleId": 0, "ruleName": "n"}), Some("rule-name:1:n")),
            (json!({"ruleName": "n", "orgId": 3}), Some("rule-name:3:n")),
            (json!({"ruleId": null, "ruleName": ""}), None),
        ] {
            assert_eq!(identity(&body).as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn a_title_loses_only_the_state() {
        for (title, expected) in [
            ("[Alerting] Queue", "Queue"),
            ("[no data] Queue", "Queue"),
            ("[OK]", ""),
            ("[Orders] Queue", "[Orders] Queue"),
            ("Queue [OK]", "Queue [OK]"),
            ("[Alért] é", "[Alért] é"),
        ] {
            assert_eq!(without_state(title), expected, "{title}");
        }
    }
}
