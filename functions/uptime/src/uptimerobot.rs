//! `UptimeRobot`: flat texts in the query, a form or JSON, under names that
//! own bodies may spell differently (`vendors/uptimerobot.md`).

use std::collections::BTreeMap;

use common::{
    alert::{Action, Alert, Severity},
    intake::{
        Authentication, Content, Context, Methods, Parsed, Received, Unreadable, Vendor,
        value::{identity, is_link, is_word, text},
    },
    time::Timestamp,
};
use http::{Method, StatusCode};
use serde_json::{Map, Value};

pub(crate) const VENDOR: Vendor = Vendor {
    name: "uptimerobot",
    methods: Methods::GetAndPost,
    authentication: Authentication::SharedSecret,
    overload: StatusCode::TOO_MANY_REQUESTS,
    normalise,
};

/// Parameters of our own address: they say nothing about the alert.
const OUR_PARAMETERS: &[&str] = &["integrationid", "token", "key"];
/// Days before the end of a certificate from which on it is an error.
const SSL_ERROR_DAYS: f64 = 3.0;

fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    let mut query = texts(&received.query);
    query.retain(|name, _| !OUR_PARAMETERS.contains(&plain(name).as_str()));
    let mut fields = Fields::default();
    match received.content()? {
        Content::Json(Value::Object(body)) => fields.extend(&body),
        Content::Json(_) => return Ok(vec![Parsed::unrecognised("body: it is a list")]),
        Content::Form(form) => fields.extend(&texts(&form)),
        Content::Empty if query.is_empty() && received.method == Method::POST => {
            return Err(Unreadable::new("the request is empty"));
        }
        Content::Empty => {}
    }
    fields.extend(&query);
    Ok(vec![parse(fields, context)])
}

/// What a request says, under names without case and `_`. What came first and
/// is not empty stays.
#[derive(Debug, Default)]
struct Fields {
    texts: BTreeMap<String, String>,
    details: Map<String, Value>,
}

impl Fields {
    fn extend(&mut self, more: &Map<String, Value>) {
        for (name, value) in more {
            if let Some(text) = text(value).filter(|text| !is_variable(text)) {
                self.texts.entry(plain(name)).or_insert(text);
            }
            self.details.entry(name).or_insert_with(|| value.clone());
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }
}

/// Fields as an object; of repeated ones, the first that is not empty.
fn texts(fields: &[(String, String)]) -> Map<String, Value> {
    let mut texts = Map::new();
    for (name, value) in fields {
        let known = texts.entry(name).or_insert(Value::Null);
        if text(known).is_none() {
            *known = Value::String(value.clone());
        }
    }
    texts
}

/// A name as it is compared: `alert_type` is `alertType`.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| *c != '_')
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// Whether a text is a variable that was not filled in (`*monitorID*`).
fn is_variable(text: &str) -> bool {
    text.strip_prefix('*')
        .and_then(|rest| rest.strip_suffix('*'))
        .is_some_and(|name| {
            name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
}

/// What happened to a monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Down,
    Up,
    Certificate,
    /// Monitoring was started or paused.
    Monitoring,
    /// Not documented: shown, but not as an outage.
    Other(i64),
}

impl Kind {
    fn of_number(number: i64) -> Self {
        match number {
            1 => Self::Down,
            2 => Self::Up,
            3 => Self::Certificate,
            98 | 99 => Self::Monitoring,
            other => Self::Other(other),
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        if is_word(word, &["down"]) {
            Some(Self::Down)
        } else if is_word(word, &["up"]) {
            Some(Self::Up)
        } else {
            None
        }
    }

    /// What one incident is about: a certificate is another matter than an
    /// outage of the same monitor.
    fn family(self) -> String {
        match self {
            Self::Down | Self::Up | Self::Monitoring => "down".to_owned(),
            Self::Certificate => "ssl".to_owned(),
            Self::Other(number) => format!("type-{number}"),
        }
    }
}

fn parse(fields: Fields, context: &Context<'_>) -> Parsed {
    let kind = match kind(&fields) {
        Ok(Kind::Monitoring) => return Parsed::ignored("monitoring was started or paused"),
        Ok(kind) => kind,
        Err(nothing) => return nothing,
    };
    let Some(monitor) = fields.get("monitorid").or_else(|| fields.get("monitorurl")) else {
        return Parsed::ignored("no monitor is named");
    };
    Alert {
        action: match kind {
            Kind::Up => Action::Resolve,
            _ => Action::Trigger,
        },
        identity: identity(&[monitor, &kind.family()]),
        title: title(&fields, kind, monitor),
        description: fields.get("alertdetails").map(str::to_owned),
        source: context.integration.name.clone(),
        severity: severity(&fields, kind),
        occurred_at: fields
            .get("alertdatetime")
            .and_then(Timestamp::parse_lenient),
        link: fields
            .get("monitorurl")
            .filter(|url| is_link(url))
            .map(str::to_owned),
        details: Value::Object(fields.details),
    }
    .into()
}

/// The kind by its number, else by its word, else by its friendly name.
fn kind(fields: &Fields) -> Result<Kind, Parsed> {
    let given = fields.get("alerttype");
    let by_number = given
        .and_then(|text| text.parse().ok())
        .map(Kind::of_number);
    let by_word = || {
        [given, fields.get("alerttypefriendlyname")]
            .into_iter()
            .flatten()
            .find_map(Kind::of_word)
    };
    by_number.or_else(by_word).ok_or_else(|| match given {
        // The test button leaves variables as they are.
        None => Parsed::ignored("a test: it has no alert type"),
        Some(_) => Parsed::unrecognised("alert type"),
    })
}

fn severity(fields: &Fields, kind: Kind) -> Severity {
    let days_left = fields
        .get("sslexpirydaysleft")
        .and_then(|days| days.parse::<f64>().ok());
    match kind {
        Kind::Certificate if days_left.is_some_and(|days| days <= SSL_ERROR_DAYS) => {
            Severity::Error
        }
        Kind::Certificate | Kind::Other(_) => Severity::Warning,
        _ => Severity::Critical,
    }
}

fn title(fields: &Fields, kind: Kind, monitor: &str) -> String {
    let name = fields
        .get("monitorfriendlyname")
        .or_else(|| fields.get("monitorurl"))
        .map_or_else(|| format!("Monitor {monitor}"), str::to_owned);
    let with_details = |happened: String| match fields.get("alertdetails") {
        Some(details) => format!("{happened}: {details}"),
        None => happened,
    };
    match kind {
        Kind::Down => with_details(format!("{name} is down")),
        Kind::Up | Kind::Monitoring => with_details(format!("{name} is up")),
        Kind::Certificate => match fields.get("sslexpirydaysleft") {
            Some("1") => format!("{name}: SSL certificate expires in 1 day"),
            Some(days) => format!("{name}: SSL certificate expires in {days} days"),
            None => format!("{name}: SSL certificate expires soon"),
        },
        Kind::Other(number) => with_details(match fields.get("alerttypefriendlyname") {
            Some(happened) => format!("{name}: {happened}"),
            None => format!("{name}: alert of type {number}"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_single_name_between_stars_is_a_variable() {
        for text in ["*monitorID*", "*alert_type*", "*x1*"] {
            assert!(is_variable(text), "{text}");
        }
        for text in ["", "*", "**", "*two words*", "monitorID", "*1*", "*a*b*"] {
            assert!(!is_variable(text), "{text}");
        }
    }

    #[test]
    fn names_are_compared_without_case_and_underscores() {
        for name in ["alertType", "alert_type", "ALERT_TYPE", "AlertType"] {
            assert_eq!(plain(name), "alerttype");
        }
    }
}
