//! Zabbix: a webhook media type whose script posts macros as text
//! (`vendors/zabbix.md`).

use common::{
    alert::{Action, Alert, Severity},
    intake::{
        Authentication, Context, Methods, Parsed, Received, Unreadable, Vendor,
        value::{first_text, is_word, text_at},
    },
};
use http::StatusCode;
use serde_json::Value;

pub(crate) const VENDOR: Vendor = Vendor {
    name: "zabbix",
    methods: Methods::Post,
    authentication: Authentication::SharedSecret,
    overload: StatusCode::TOO_MANY_REQUESTS,
    normalise,
};

fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    let body = received.json()?;
    let parsed = event_id(&body)
        .and_then(|id| Ok((action(&body)?, id)))
        .map(|(action, id)| alert(action, id, body, context).into());
    Ok(vec![parsed.unwrap_or_else(|other| other)])
}

/// `{EVENT.ID}` is the original problem's in recoveries and updates too. The
/// Test dialog leaves the macro as it is.
fn event_id(body: &Value) -> Result<String, Parsed> {
    if !body.is_object() {
        return Err(Parsed::unrecognised("body: it is not a JSON object"));
    }
    text_at(body, "event_id")
        .filter(|id| id.bytes().all(|b| b.is_ascii_digit()) && id.bytes().any(|b| b != b'0'))
        .ok_or_else(|| Parsed::ignored("a test: event_id is not a positive number"))
}

/// From top to bottom, the first that fits. Value 0 goes before the updates: an
/// acknowledged problem recovers as acknowledged.
fn action(body: &Value) -> Result<Action, Parsed> {
    let is = |name: &str, words: &[&str]| text_at(body, name).is_some_and(|it| is_word(&it, words));
    if is("event_source", &["1", "2"]) {
        return Err(Parsed::ignored(
            "discovery and autoregistration are no problems",
        ));
    }
    let updated = is("event_update_status", &["1"]);
    match text_at(body, "event_value").as_deref() {
        Some("0") => Ok(Action::Resolve),
        Some("1") if updated && is("event_ack_status", &["Yes"]) => Ok(Action::Acknowledge),
        Some("1") if updated => Err(Parsed::ignored("an update without acknowledgement")),
        Some("1") => Ok(Action::Trigger),
        None if is("event_status", &["RESOLVED", "OK"]) => Ok(Action::Resolve),
        None if is("event_status", &["PROBLEM"]) => Ok(Action::Trigger),
        _ => Err(Parsed::unrecognised(
            "event: neither its value nor its status is known",
        )),
    }
}

fn alert(action: Action, id: String, body: Value, context: &Context<'_>) -> Alert {
    let title = first_text(&body, &["event_name", "trigger_description"])
        .unwrap_or_else(|| format!("Zabbix problem {id}"));
    let texts: Vec<String> = ["trigger_description", "event_opdata"]
        .into_iter()
        .filter_map(|name| text_at(&body, name))
        .filter(|text| *text != title)
        .collect();
    Alert {
        action,
        title,
        description: (!texts.is_empty()).then(|| texts.join("\n")),
        source: text_at(&body, "host_name").unwrap_or_else(|| context.integration.name.clone()),
        severity: severity(&body),
        // Its date and time are the server's local ones, without a zone.
        occurred_at: None,
        link: link(&body, &id),
        identity: id,
        details: details(body),
    }
}

/// The number always counts; the names are labels that people rename.
fn severity(body: &Value) -> Severity {
    let [number, word] = ["event_nseverity", "event_severity"].map(|name| text_at(body, name));
    number
        .as_deref()
        .and_then(of_number)
        .or_else(|| word.as_deref().and_then(of_number))
        .or_else(|| word.as_deref().and_then(of_name))
        .unwrap_or(Severity::Error)
}

fn of_number(number: &str) -> Option<Severity> {
    Some(match number {
        "5" => Severity::Critical,
        "4" => Severity::Error,
        "3" | "2" => Severity::Warning,
        "1" | "0" => Severity::Info,
        _ => return None,
    })
}

/// Zabbix' own names. `High` is its second level, not the common "critical".
fn of_name(name: &str) -> Option<Severity> {
    Some(match name.to_ascii_lowercase().as_str() {
        "disaster" => Severity::Critical,
        "high" => Severity::Error,
        "average" | "warning" => Severity::Warning,
        "information" | "not classified" => Severity::Info,
        _ => return None,
    })
}

fn link(body: &Value, id: &str) -> Option<String> {
    let built = text_at(body, "zabbix_url").zip(text_at(body, "trigger_id"));
    built
        .map(|(base, trigger)| {
            let base = base.trim_end_matches('/');
            format!("{base}/tr_events.php?triggerid={trigger}&eventid={id}")
        })
        .or_else(|| text_at(body, "event_url"))
}

/// The tags are JSON inside text; text that is none stays text.
fn details(mut body: Value) -> Value {
    let parsed = text_at(&body, "event_tags_json")
        .and_then(|tags| serde_json::from_str::<Value>(&tags).ok());
    if let (Some(parsed), Some(tags)) = (parsed, body.get_mut("event_tags_json")) {
        *tags = parsed;
    }
    body
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_number_counts_more_than_the_name() {
        for (body, expected) in [
            (
                json!({"event_nseverity": 5, "event_severity": "Low"}),
                Severity::Critical,
            ),
            (
                json!({"event_nseverity": "4", "event_severity": "Disaster"}),
                Severity::Error,
            ),
            (json!({"event_severity": "2"}), Severity::Warning),
            (json!({"event_severity": 0}), Severity::Info),
            (json!({"event_severity": "HIGH"}), Severity::Error),
            (json!({"event_severity": "Average"}), Severity::Warning),
            (json!({"event_severity": "not classified"}), Severity::Info),
            (
                json!({"event_nseverity": "{EVENT.NSEVERITY}", "event_severity": "Disaster"}),
                Severity::Critical,
            ),
            (
                json!({"event_nseverity": "9", "event_severity": "Hoch"}),
                Severity::Error,
            ),
            (json!({}), Severity::Error),
        ] {
            assert_eq!(severity(&body), expected, "{body}");
        }
    }

    #[test]
    fn only_a_positive_number_is_an_event() {
        for id in [
            json!("{EVENT.ID}"),
            json!(""),
            json!(null),
            json!("0"),
            json!(-4),
            json!("12a"),
            json!(1.5),
            json!([7]),
        ] {
            assert!(event_id(&json!({"event_id": id})).is_err(), "{id}");
        }
        for id in [json!("20042"), json!(20042), json!(" 20042 ")] {
            assert_eq!(event_id(&json!({"event_id": id})), Ok("20042".to_owned()));
        }
    }

    #[test]
    fn the_link_needs_a_filled_in_address() {
        let body =
            json!({"zabbix_url": "https://z/", "trigger_id": 7, "event_url": "https://other"});
        assert_eq!(
            link(&body, "9").as_deref(),
            Some("https://z/tr_events.php?triggerid=7&eventid=9")
        );
        let body =
            json!({"zabbix_url": "{$ZABBIX.URL}", "trigger_id": 7, "event_url": "https://other"});
        assert_eq!(link(&body, "9").as_deref(), Some("https://other"));
    }
}
