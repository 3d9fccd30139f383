//! Uptime Kuma: one content by three transports, and notices about
//! certificates that name no monitor (`vendors/uptime-kuma.md`).

use common::{
    alert::{Action, Alert, Severity},
    intake::{
        Authentication, Content, Context, Methods, Parsed, Received, Unreadable, Vendor,
        value::{at, first_text, identity, is_word, link_at, text, text_at, time_at},
    },
};
use http::{Method, StatusCode};
use serde_json::{Map, Value};

pub(crate) const VENDOR: Vendor = Vendor {
    name: "uptime-kuma",
    methods: Methods::GetAndPost,
    authentication: Authentication::SharedSecret,
    overload: StatusCode::TOO_MANY_REQUESTS,
    normalise,
};

/// What a message consists of.
const PARTS: [&str; 3] = ["heartbeat", "monitor", "msg"];

fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    let message = match received.content()? {
        Content::Json(message) => message,
        Content::Form(fields) => match fields.iter().find(|(name, _)| name == "data") {
            Some((_, data)) => read_json(data)?,
            None => from_fields(&fields)?,
        },
        Content::Empty => match from_fields(&received.query)? {
            Value::Object(parts) if parts.is_empty() && received.method == Method::POST => {
                return Err(Unreadable::new("the request is empty"));
            }
            message => message,
        },
    };
    Ok(vec![parse(message, context)])
}

/// The parts of a message as fields, heartbeat and monitor as JSON texts.
fn from_fields(fields: &[(String, String)]) -> Result<Value, Unreadable> {
    let mut message = Map::new();
    for (name, value) in fields {
        if !PARTS.contains(&name.as_str()) || value.trim().is_empty() {
            continue;
        }
        let value = match name.as_str() {
            "msg" => Value::String(value.clone()),
            _ => read_json(value)?,
        };
        message.entry(name).or_insert(value);
    }
    Ok(Value::Object(message))
}

fn read_json(text: &str) -> Result<Value, Unreadable> {
    serde_json::from_str(text)
        .map_err(|error| Unreadable::new(format!("a field is not valid JSON: {error}")))
}

fn parse(message: Value, context: &Context<'_>) -> Parsed {
    if at(&message, "heartbeat").is_none() && at(&message, "monitor").is_none() {
        return parse_notice(message, context);
    }
    let status = text_at(&message, "heartbeat.status").unwrap_or_default();
    let action = match status.to_ascii_lowercase().as_str() {
        "0" | "down" => Action::Trigger,
        "1" | "up" | "resolved" => Action::Resolve,
        "2" => return Parsed::ignored("the monitor is pending"),
        "3" => return Parsed::ignored("the monitor is under maintenance"),
        _ => return Parsed::unrecognised("heartbeat status"),
    };
    let ids = ["monitor.id", "heartbeat.monitorID", "monitor.name"];
    let Some(identity) = first_text(&message, &ids) else {
        return Parsed::unrecognised("body: it names no monitor");
    };
    let title = title(&message, &identity, action);
    Alert {
        action,
        identity,
        description: text_at(&message, "msg").filter(|text| *text != title),
        title,
        source: context.integration.name.clone(),
        severity: severity(&message),
        occurred_at: time_at(&message, "heartbeat.time"),
        link: link_at(&message, "monitor.url"),
        details: message,
    }
    .into()
}

fn title(message: &Value, identity: &str, action: Action) -> String {
    let name = first_text(message, &["monitor.pathName", "monitor.name"])
        .unwrap_or_else(|| format!("Monitor {identity}"));
    let happened = match action {
        Action::Resolve => "is up",
        _ => "is down",
    };
    match text_at(message, "heartbeat.msg") {
        Some(reason) => format!("{name} {happened}: {reason}"),
        None => format!("{name} {happened}"),
    }
}

/// Critical, unless a tag of the monitor says otherwise.
fn severity(message: &Value) -> Severity {
    let tags = at(message, "monitor.tags").and_then(Value::as_array);
    tags.into_iter()
        .flatten()
        .filter(|tag| {
            text_at(tag, "name").is_some_and(|name| is_word(&name, &["severity", "priority"]))
        })
        .find_map(|tag| Severity::from_common_word(&tag.get("value").and_then(text)?))
        .unwrap_or(Severity::Critical)
}

/// A message that names no monitor: the Test button, or something expires.
fn parse_notice(message: Value, context: &Context<'_>) -> Parsed {
    let Some(text) = text_at(&message, "msg") else {
        return Parsed::unrecognised("body: it has neither a monitor nor a message");
    };
    if text.ends_with("Testing") {
        return Parsed::ignored("a test message");
    }
    if !is_expiry(&text) {
        return Parsed::unrecognised("message without a monitor");
    }
    Alert {
        action: Action::Trigger,
        // It is repeated with fewer and fewer days.
        identity: identity(&["expiry", &without_numbers(&text)]),
        title: text,
        description: None,
        source: context.integration.name.clone(),
        severity: Severity::Warning,
        occurred_at: None,
        link: None,
        details: message,
    }
    .into()
}

/// Whether a text says `will expire in <n> days`.
fn is_expiry(text: &str) -> bool {
    const BEFORE: &str = "will expire in ";
    text.match_indices(BEFORE).any(|(start, _)| {
        let rest = &text[start + BEFORE.len()..];
        let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        after.len() < rest.len() && after.starts_with(" day")
    })
}

/// The text with every run of digits replaced by `N`.
fn without_numbers(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut in_number = false;
    for c in text.chars() {
        if !c.is_ascii_digit() {
            plain.push(c);
        } else if !in_number {
            plain.push('N');
        }
        in_number = c.is_ascii_digit();
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_notice_is_told_by_its_days() {
        for (text, expected) in [
            ("[a][b] server certificate x will expire in 14 days", true),
            ("Domain name shop.example will expire in 1 day", true),
            ("it will expire in days", false),
            ("it will expire in a few days", false),
            ("it will expire in 7 hours", false),
            ("will expire in will expire in 3 days!", true),
        ] {
            assert_eq!(is_expiry(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_are_no_part_of_an_expiry_key() {
        assert_eq!(without_numbers("ab 14 c7d 007"), "ab N cNd N");
        assert_eq!(without_numbers(""), "");
    }
}
