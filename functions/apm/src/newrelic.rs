//! New Relic: workflow notifications of issues, the legacy notification channel
//! and templates migrated from it (`vendors/newrelic.md`).

use common::{
    alert::{Action, Alert, Severity},
    intake::{
        Authentication, Context, Methods, Parsed, Received, Unreadable, Vendor,
        value::{at, is_word, text},
    },
    time::Timestamp,
};
use http::StatusCode;
use serde_json::Value;

pub(crate) const VENDOR: Vendor = Vendor {
    name: "newrelic",
    methods: Methods::Post,
    authentication: Authentication::SharedSecret,
    overload: StatusCode::TOO_MANY_REQUESTS,
    normalise,
};

const TITLE: &[&str] = &[
    "title",
    "details",
    "condition_name",
    "incident.title",
    "alert.alert_condition_name",
    "alert.message",
    "alertTitle",
];
const DESCRIPTION: &[&str] = &["details", "alert.message", "alertMessage", "condition_name"];
const SOURCE: &[&str] = &[
    "impactedEntities",
    "targets.0.name",
    "policy_name",
    "incident.policy_name",
    "alert.alert_policy_name",
    "account_name",
];
const SEVERITY: &[&str] = &[
    "severity",
    "incident.severity",
    "alert.severity",
    "alertSeverity",
];
/// The first one that is there decides, known or not.
const STATE: &[&str] = &["current_state", "state", "incident.state", "alert.state"];

fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    Ok(vec![parse(received.json()?, context)])
}

fn parse(body: Value, context: &Context<'_>) -> Parsed {
    let Some(identity) = identity(&body) else {
        return Parsed::unrecognised("body: nothing in it identifies an issue or incident");
    };
    if identity.is_test {
        return Parsed::ignored("a test of the notification channel");
    }
    let action = match state(&body) {
        Some(State::Created) => return Parsed::ignored("the issue is not active yet"),
        Some(state) => state.action(&body, context),
        None => return Parsed::unrecognised("state"),
    };
    let title = first(&body, TITLE).unwrap_or_else(|| "New Relic alert".to_owned());
    Alert {
        action,
        identity: identity.key,
        description: first(&body, DESCRIPTION).filter(|description| *description != title),
        title,
        source: first(&body, SOURCE).unwrap_or_else(|| context.integration.name.clone()),
        severity: severity(&body, context),
        occurred_at: ["updatedAt", "timestamp"]
            .into_iter()
            .find_map(|path| Timestamp::parse_lenient(&one(&body, path)?)),
        link: first(&body, &["issueUrl", "incident_url"]),
        details: body,
    }
    .into()
}

/// The text at a path; templates send lists where one value is expected.
fn one(body: &Value, path: &str) -> Option<String> {
    match at(body, path)? {
        Value::Array(items) => items.first().and_then(text),
        value => text(value),
    }
}

fn first(body: &Value, paths: &[&str]) -> Option<String> {
    paths.iter().find_map(|path| one(body, path))
}

struct Identity {
    key: String,
    is_test: bool,
}

/// Issues have a UUID. A legacy incident's number is unique within its account
/// only, and migrated templates put the issue's UUID in its place.
fn identity(body: &Value) -> Option<Identity> {
    let real = |key| {
        Some(Identity {
            key,
            is_test: false,
        })
    };
    let incident = one(body, "incident_id");
    let issue = first(body, &["id", "issueId", "issue_id"])
        .or_else(|| incident.clone().filter(|id| is_uuid(id)));
    if let Some(issue) = issue {
        return real(format!("issue:{}", issue.to_lowercase()));
    }
    let account = one(body, "account_id").unwrap_or_default();
    if let Some(id) = incident {
        return Some(Identity {
            key: format!("incident:{account}:{id}"),
            is_test: id == "0",
        });
    }
    if let Some(id) = one(body, "incident.id") {
        return real(format!("incident:{account}:{id}"));
    }
    if let Some(id) = one(body, "alert.id") {
        return real(format!("alert:{id}"));
    }
    real(format!("apm:{account}:{}", one(body, "alertTitle")?))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Created,
    Activated,
    Open,
    Acknowledged,
    Closed,
}

impl State {
    /// The default template has no acknowledged state of its own: more fields,
    /// or a setting, tell it from an active issue.
    fn action(self, body: &Value, context: &Context<'_>) -> Action {
        let is_user_action = || one(body, "trigger").is_some_and(|t| is_word(&t, &["user_action"]));
        match self {
            Self::Closed => Action::Resolve,
            Self::Acknowledged => Action::Acknowledge,
            Self::Activated if says_acknowledged(body) => Action::Acknowledge,
            Self::Activated
                if context.settings().flag("userActionAcknowledges", false) && is_user_action() =>
            {
                Action::Acknowledge
            }
            Self::Created | Self::Activated | Self::Open => Action::Trigger,
        }
    }
}

fn state(body: &Value) -> Option<State> {
    let Some(word) = first(body, STATE) else {
        return state_of_type(&one(body, "alertType")?);
    };
    Some(match word.to_ascii_lowercase().as_str() {
        "created" => State::Created,
        "activated" => State::Activated,
        "open" => State::Open,
        "acknowledged" => State::Acknowledged,
        "closed" | "resolved" => State::Closed,
        _ => return None,
    })
}

/// `VIOLATION_OPEN`: the last word of the flat shape's type.
fn state_of_type(alert_type: &str) -> Option<State> {
    let (_, last) = alert_type.rsplit_once('_')?;
    Some(match last.to_ascii_lowercase().as_str() {
        "open" => State::Open,
        "acknowledged" => State::Acknowledged,
        "close" | "closed" | "resolved" => State::Closed,
        _ => return None,
    })
}

fn says_acknowledged(body: &Value) -> bool {
    let is_filled = |path| {
        one(body, path).is_some_and(|text| {
            // A template that renders an empty variable writes one of these.
            !text.contains("{{") && !is_word(&text, &["null", "undefined", "false", "0"])
        })
    };
    one(body, "isAcknowledged").is_some_and(|flag| is_word(&flag, &["true"]))
        || is_filled("acknowledgedBy")
        || is_filled("issueAcknowledgedAt")
}

/// A workflow's `priority` goes before a condition's `severity`.
fn severity(body: &Value, context: &Context<'_>) -> Severity {
    if let Some(priority) = one(body, "priority") {
        return match priority.to_ascii_lowercase().as_str() {
            "critical" => Severity::Critical,
            // HIGH is how a condition's warning threshold arrives.
            "high" if context.settings().chooses("highPriority", "error") => Severity::Error,
            "low" => Severity::Info,
            _ => Severity::Warning,
        };
    }
    let word = first(body, SEVERITY).unwrap_or_default();
    match word.to_ascii_lowercase().as_str() {
        "critical" => Severity::Critical,
        "error" => Severity::Error,
        "info" => Severity::Info,
        _ => Severity::Warning,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_issue_is_known_by_its_uuid_and_an_incident_within_its_account() {
        const UUID: &str = "7C1F0B52-91D4-4D55-9A57-0F6D3B8F2A10";
        let issue = format!("issue:{}", UUID.to_lowercase());
        for (body, expected) in [
            (json!({"id": UUID, "incident_id": 7}), issue.as_str()),
            (json!({"issueId": [UUID]}), &issue),
            (json!({"id": "{{ issueId }}", "incident_id": UUID}), &issue),
            (
                json!({"incident_id": "448812", "account_id": 27}),
                "incident:27:448812",
            ),
            (json!({"incident_id": 448_812}), "incident::448812"),
            (
                json!({"incident": {"id": "a"}, "account_id": 1}),
                "incident:1:a",
            ),
            (json!({"alert": {"id": 5}}), "alert:5"),
            (json!({"alertTitle": "t", "account_id": "1"}), "apm:1:t"),
        ] {
            let identity = identity(&body).unwrap();
            assert_eq!(identity.key, expected, "{body}");
            assert!(!identity.is_test, "{body}");
        }
        assert!(identity(&json!({"incident_id": "0"})).unwrap().is_test);
        assert!(identity(&json!({"id": null, "state": "open"})).is_none());
    }

    #[test]
    fn states_match_whole_and_the_first_one_decides() {
        for (body, expected) in [
            (
                json!({"current_state": "closed", "state": "ACTIVATED"}),
                Some(State::Closed),
            ),
            (
                json!({"current_state": "unacknowledged", "state": "ACTIVATED"}),
                None,
            ),
            (
                json!({"current_state": "", "state": "created"}),
                Some(State::Created),
            ),
            (json!({"state": ["Open"]}), Some(State::Open)),
            (json!({"alertType": "VIOLATION_CLOSE"}), Some(State::Closed)),
            (json!({"alertType": "VIOLATION_REOPEN"}), None),
            (json!({"alertType": "X_UNACKNOWLEDGED"}), None),
            (json!({"alertType": "OPEN"}), None),
            (json!({}), None),
        ] {
            assert_eq!(state(&body), expected, "{body}");
        }
    }

    #[test]
    fn empty_answers_are_no_acknowledgement() {
        for body in [
            json!({"isAcknowledged": true}),
            json!({"isAcknowledged": "True"}),
            json!({"isAcknowledged": false, "acknowledgedBy": "Rosa"}),
            json!({"issueAcknowledgedAt": 1_789_348_860_789_u64}),
            json!({"acknowledgedBy": ["Rosa"]}),
        ] {
            assert!(says_acknowledged(&body), "{body}");
        }
        for body in [
            json!({"isAcknowledged": "false", "acknowledgedBy": null}),
            json!({"isAcknowledged": 1, "acknowledgedBy": " "}),
            json!({"acknowledgedBy": "{{ acknowledgedBy }}"}),
            json!({"acknowledgedBy": "{{#if a}}{{a}}{{/if}}"}),
            json!({"acknowledgedBy": [], "issueAcknowledgedAt": "null"}),
        ] {
            assert!(!says_acknowledged(&body), "{body}");
        }
    }
}
