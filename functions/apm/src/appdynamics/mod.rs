//! AppDynamics: HTTP request actions with a template of the user's own, keyed
//! by health-rule incident, never by event (`vendors/appdynamics.md`).

mod template;

use common::{
    alert::{Action, Alert, Severity},
    intake::{
        Authentication, Context, Methods, Parsed, Received, Unreadable, Vendor,
        value::{is_word, with_folded_keys},
    },
};
use http::StatusCode;
use serde_json::Value;

use template::{filled, without_tags};

pub(crate) const VENDOR: Vendor = Vendor {
    name: "appdynamics",
    methods: Methods::Post,
    authentication: Authentication::SharedSecret,
    overload: StatusCode::TOO_MANY_REQUESTS,
    normalise,
};

/// What cannot be parsed is kept and told about, not refused: nobody would send
/// it again.
fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    let Some(body) = template::read(&received.body) else {
        return Ok(vec![Parsed::unrecognised("body: not JSON")]);
    };
    let event = Event {
        fields: with_folded_keys(&body),
    };
    Ok(vec![event.parse(body, context)])
}

/// One event; keys are read in any case, with or without underscores.
struct Event {
    fields: Value,
}

impl Event {
    fn parse(&self, body: Value, context: &Context<'_>) -> Parsed {
        let Some(kind) = self.text("eventtype").map(|kind| kind.to_ascii_uppercase()) else {
            return Parsed::unrecognised("body: it has no event_type");
        };
        let change = Change::of(&kind);
        let single_events = context.settings().text("singleEvents");
        if change == Change::Single && single_events.is_some_and(|s| is_word(s, &["ignore"])) {
            return Parsed::ignored(format!("single events are ignored by a setting: {kind}"));
        }
        let Some(identity) = self.identity(&kind) else {
            return Parsed::unrecognised("event: it has neither ids nor names");
        };
        let message = self.text("eventmessage").map(|text| without_tags(&text));
        let title = self
            .text("summary")
            .or_else(|| message.clone())
            .or_else(|| self.text("eventname"))
            .unwrap_or_else(|| kind.clone());
        Alert {
            action: match change {
                Change::Closed => Action::Resolve,
                Change::Open | Change::Single => Action::Trigger,
            },
            identity,
            description: message.filter(|message| *message != title),
            title,
            source: self
                .application()
                .1
                .unwrap_or_else(|| context.integration.name.clone()),
            severity: severity(&kind, self.text("severity").as_deref()),
            details: body,
            // `event_time` has no machine format.
            occurred_at: None,
            link: self.text("deeplink"),
        }
        .into()
    }

    /// Ids where there are any, else names. Event ids are new for every event.
    fn identity(&self, kind: &str) -> Option<String> {
        let account = self.account();
        if let Some(incident) = self.text("incidentid") {
            return Some(format!("incident:{account}:{incident}"));
        }
        if let Some(anomaly) = self.text("anomalyid") {
            return Some(format!("anomaly:{account}:{anomaly}"));
        }
        let application = self.application().0.unwrap_or_default();
        let tier = self.first(&["tierid", "tiername"]);
        let node = self.first(&["nodeid", "nodename"]);
        let rule = self.first(&["healthruleid", "healthrulename"]);
        let place = format!("{tier}:{node}");
        let is_placed = !(application.is_empty() && place == ":");
        if kind.starts_with("POLICY_") && (is_placed || !rule.is_empty()) {
            return Some(format!("rule:{account}:{application}:{rule}:{place}"));
        }
        if kind.starts_with("ANOMALY_") && is_placed {
            return Some(format!("anomaly:{account}:{application}:{place}"));
        }
        if !application.is_empty() {
            return Some(format!("event:{account}:{application}:{kind}:{place}"));
        }
        Some(format!("guid:{}", self.text("eventguid")?))
    }

    fn account(&self) -> String {
        self.text("account")
            .or_else(|| template::host(&self.text("controllerurl")?))
            .unwrap_or_default()
    }

    /// The application's id (else its name) and its name (else its id).
    fn application(&self) -> (Option<String>, Option<String>) {
        let id = ["appid", "applicationid"]
            .iter()
            .find_map(|key| self.text(key));
        let name = ["appname", "application", "applicationname"]
            .iter()
            .find_map(|key| self.text(key));
        (id.clone().or_else(|| name.clone()), name.or(id))
    }

    fn first(&self, keys: &[&str]) -> String {
        keys.iter()
            .find_map(|key| self.text(key))
            .unwrap_or_default()
    }

    fn text(&self, key: &str) -> Option<String> {
        filled(self.fields.get(key)?)
    }
}

/// What an event type says about its problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Open,
    Closed,
    /// An event that happened once and is never told to be over.
    Single,
}

impl Change {
    /// By the type in upper case, with or without `_WARNING` or `_CRITICAL`.
    fn of(kind: &str) -> Self {
        let starts = |prefixes: [&str; 2]| prefixes.iter().any(|prefix| kind.starts_with(prefix));
        let base = kind
            .trim_end_matches("_WARNING")
            .trim_end_matches("_CRITICAL");
        let is_cancelled = kind.contains("_CANCELED") || kind.contains("_CANCELLED");
        if starts(["POLICY_CLOSE", "ANOMALY_CLOSE"]) || is_cancelled {
            Self::Closed
        } else if starts(["POLICY_OPEN", "ANOMALY_OPEN"])
            || base.ends_with("_UPGRADED")
            || base.ends_with("_DOWNGRADED")
            || kind.contains("_CONTINUES")
        {
            Self::Open
        } else {
            Self::Single
        }
    }
}

fn severity(kind: &str, word: Option<&str>) -> Severity {
    if kind.ends_with("_CRITICAL") || kind.ends_with("_UPGRADED") {
        return Severity::Critical;
    }
    if kind.ends_with("_WARNING") || kind.ends_with("_DOWNGRADED") {
        return Severity::Warning;
    }
    match word.unwrap_or_default().to_ascii_uppercase().as_str() {
        "ERROR" => Severity::Error,
        "INFO" => Severity::Info,
        _ => Severity::Warning,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn event_types_open_close_or_stand_alone() {
        for (kind, change, expected) in [
            ("POLICY_OPEN", Change::Open, Severity::Error),
            ("POLICY_OPEN_WARNING", Change::Open, Severity::Warning),
            ("ANOMALY_OPEN_CRITICAL", Change::Open, Severity::Critical),
            ("POLICY_UPGRADED", Change::Open, Severity::Critical),
            ("POLICY_UPGRADED_CRITICAL", Change::Open, Severity::Critical),
            ("POLICY_DOWNGRADED", Change::Open, Severity::Warning),
            (
                "POLICY_CONTINUES_CRITICAL",
                Change::Open,
                Severity::Critical,
            ),
            ("POLICY_CLOSE", Change::Closed, Severity::Error),
            ("POLICY_CLOSE_WARNING", Change::Closed, Severity::Warning),
            ("ANOMALY_CLOSE_CRITICAL", Change::Closed, Severity::Critical),
            ("POLICY_CANCELED", Change::Closed, Severity::Error),
            (
                "ANOMALY_CANCELED_WARNING",
                Change::Closed,
                Severity::Warning,
            ),
            ("APPLICATION_ERROR", Change::Single, Severity::Error),
            ("DEADLOCK", Change::Single, Severity::Error),
        ] {
            assert_eq!(Change::of(kind), change, "{kind}");
            assert_eq!(severity(kind, Some("error")), expected, "{kind}");
        }
        assert_eq!(severity("POLICY_OPEN", Some("WARN")), Severity::Warning);
        assert_eq!(severity("POLICY_OPEN", Some("info")), Severity::Info);
        assert_eq!(severity("POLICY_OPEN", None), Severity::Warning);
    }

    #[test]
    fn the_identity_is_the_first_that_applies() {
        let unfilled = "${latestEvent.incident.id}";
        for (body, expected) in [
            (
                json!({"account": "acme", "incident_id": 70646, "anomaly_id": "1"}),
                Some("incident:acme:70646"),
            ),
            (
                json!({"incidentId": "70646", "controllerUrl": "https://ACME.test:8090/controller"}),
                Some("incident:acme.test:70646"),
            ),
            (
                json!({"incident_id": unfilled, "anomaly_id": "5521"}),
                Some("anomaly::5521"),
            ),
            (
                json!({"incident_id": unfilled, "app_id": 1, "app_name": "Shop", "health_rule_id": 2, "tier_name": "web"}),
                Some("rule::1:2:web:"),
            ),
            (json!({"application": "Shop"}), Some("rule::Shop:::")),
            (json!({"event_guid": "g"}), Some("guid:g")),
            (json!({}), None),
        ] {
            let event = Event {
                fields: with_folded_keys(&body),
            };
            assert_eq!(event.identity("POLICY_OPEN").as_deref(), expected, "{body}");
        }
        let event = Event {
            fields: with_folded_keys(
                &json!({"app_id": "1", "tier_id": "2", "node_id": "$!{latestEvent.node.id}", "event_guid": "g"}),
            ),
        };
        assert_eq!(
            event.identity("ANOMALY_OPEN").as_deref(),
            Some("anomaly::1:2:")
        );
        assert_eq!(
            event.identity("DEADLOCK").as_deref(),
            Some("event::1:DEADLOCK:2:")
        );
    }
}
