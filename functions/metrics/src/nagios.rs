//! Nagios Core and XI: a notification command that a person wrote, as a form or
//! as JSON put together by hand (`vendors/nagios.md`).

use std::collections::HashMap;

use common::{
    alert::Alert,
    intake::{Authentication, Context, Methods, Parsed, Received, Unreadable, Vendor, value::text},
    time::Timestamp,
};
use http::StatusCode;
use serde_json::{Map, Value};

use crate::plugin::{Checked, Words};

pub(crate) const VENDOR: Vendor = Vendor {
    name: "nagios",
    methods: Methods::Post,
    authentication: Authentication::SharedSecret,
    overload: StatusCode::TOO_MANY_REQUESTS,
    normalise,
};

const WORDS: Words = Words {
    // An acknowledge for these would silence a page.
    notices: &[
        "FLAPPINGSTART",
        "FLAPPINGSTOP",
        "FLAPPINGEND",
        "FLAPPINGDISABLED",
        "DOWNTIMESTART",
        "DOWNTIMEEND",
        "DOWNTIMECANCELLED",
        "CUSTOM",
    ],
    problems: &["WARNING", "CRITICAL", "UNKNOWN", "DOWN", "UNREACHABLE"],
};

fn normalise(received: &Received, _: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    let body = body(received)?;
    let macros = Macros::of(&body);
    Ok(vec![parse(&macros, body).unwrap_or_else(|other| other)])
}

fn parse(macros: &Macros, body: Value) -> Result<Parsed, Parsed> {
    let host = macros
        .get("HOSTNAME")
        .ok_or_else(|| Parsed::unrecognised("notification: it names no host"))?;
    let service = macros.get("SERVICEDESC");
    // A macro without a value is empty or stays as it is written, so one
    // command can serve hosts and services.
    let [state, output, long_output] = match service {
        Some(_) => ["SERVICESTATE", "SERVICEOUTPUT", "LONGSERVICEOUTPUT"],
        None => ["HOSTSTATE", "HOSTOUTPUT", "LONGHOSTOUTPUT"],
    };
    let state = macros.get(state);
    let action = WORDS.action(macros.get("NOTIFICATIONTYPE"), state)?;
    let checked = Checked {
        host: host.to_owned(),
        service: service.map(str::to_owned),
        state: state.map(str::to_owned),
    };
    let texts: Vec<&str> = [
        macros.get(output).or_else(|| macros.get("OUTPUT")),
        macros.get(long_output).or_else(|| macros.get("LONGOUTPUT")),
    ]
    .into_iter()
    .flatten()
    .collect();
    Ok(Alert {
        action,
        identity: checked.identity(),
        title: checked.title(host, service),
        description: (!texts.is_empty()).then(|| texts.join("\n")),
        severity: checked.severity(),
        occurred_at: macros.get("TIMET").and_then(Timestamp::parse_lenient),
        link: None,
        source: checked.host,
        details: body,
    }
    .into())
}

/// The body's fields, whatever they came in. A form without its type is known
/// by its fields: nagios sends nothing twice, so what can be understood counts.
fn body(received: &Received) -> Result<Value, Unreadable> {
    if received.looks_like_json() {
        return received.json_repaired();
    }
    let fields: Map<String, Value> = received
        .form_fields()
        .into_iter()
        .map(|(name, value)| (name, Value::String(value)))
        .collect();
    let is_known =
        |name: &String| matches!(canonical(name).as_str(), "HOSTNAME" | "NOTIFICATIONTYPE");
    if fields.keys().any(is_known) || (received.is_form() && !fields.is_empty()) {
        Ok(Value::Object(fields))
    } else {
        Err(Unreadable::new("the body is neither JSON nor a form"))
    }
}

/// Nagios macros by their canonical names.
struct Macros(HashMap<String, String>);

impl Macros {
    fn of(body: &Value) -> Self {
        let mut macros = HashMap::new();
        for (name, value) in body.as_object().into_iter().flatten() {
            if let Some(value) = text(value) {
                macros.entry(canonical(name)).or_insert(value);
            }
        }
        Self(macros)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// `NOTIFICATIONTYPE`, `notification_type` and `NAGIOS_NOTIFICATIONTYPE` are one.
fn canonical(name: &str) -> String {
    let name = name.trim().to_ascii_uppercase();
    let name = name
        .strip_prefix("NAGIOS_")
        .unwrap_or(&name)
        .replace('_', "");
    match name.as_str() {
        "SERVICEDESCRIPTION" => "SERVICEDESC".to_owned(),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_underscores_and_prefix() {
        for (given, expected) in [
            ("NOTIFICATIONTYPE", "NOTIFICATIONTYPE"),
            ("notification_type", "NOTIFICATIONTYPE"),
            ("NAGIOS_NOTIFICATIONTYPE", "NOTIFICATIONTYPE"),
            ("nagios_host_name", "HOSTNAME"),
            ("service_description", "SERVICEDESC"),
            ("SERVICEDESC", "SERVICEDESC"),
        ] {
            assert_eq!(canonical(given), expected);
        }
    }

    #[test]
    fn the_first_name_with_a_value_counts() {
        let body = serde_json::json!({"HOSTNAME": "$HOSTNAME$", "host_name": "web-1", "hostname": "web-2"});
        let macros = Macros::of(&body);
        assert_eq!(macros.get("HOSTNAME"), Some("web-1"));
    }
}
