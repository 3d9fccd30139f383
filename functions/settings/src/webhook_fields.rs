//! Reading and checking what a body says of a webhook.

use std::collections::BTreeMap;

use common::{
    alert::Urgency,
    event::EventName,
    http::fields::{Field, Fields},
    limits,
    outbound::{Guard, is_reserved},
    text,
    webhook::{Filter, Format, Ordering},
};
use http::{HeaderName, HeaderValue};
use serde_json::Value;

use crate::formats;

/// Length of a given secret, characters (API.md).
const SECRET_CHARS: std::ops::RangeInclusive<usize> = 16..=256;
/// Longest URL, characters.
const URL_CHARS: usize = 2_048;
/// Entries of a filter.
const FILTER_ENTRIES: usize = 100;
/// Custom headers of a webhook.
pub(crate) const HEADERS: usize = 20;
/// Longest name of a custom header, bytes: with all values a webhook stays far
/// under the 400 KB of an item.
const HEADER_NAME_BYTES: usize = 256;
/// Longest value of a custom header, bytes.
pub(crate) const HEADER_BYTES: usize = 4_096;

/// What a body says of a webhook.
pub(crate) struct Given {
    pub name: Field<String>,
    pub url: Field<String>,
    pub events: Field<Vec<EventName>>,
    pub enabled: Field<bool>,
    pub secret: Field<String>,
    pub format: Field<Format>,
    pub template: Field<String>,
    pub filter: Field<Filter>,
    pub headers: Field<BTreeMap<String, String>>,
    pub ordering: Field<Ordering>,
}

impl Given {
    /// Notes what is `null` and can only be changed, not taken away.
    pub(crate) fn refuse_nulls(&self, fields: &mut Fields) {
        for (name, is_null) in [
            ("name", self.name == Field::Null),
            ("url", self.url == Field::Null),
            ("events", self.events == Field::Null),
            ("enabled", self.enabled == Field::Null),
            ("secret", self.secret == Field::Null),
            ("format", self.format == Field::Null),
            ("ordering", self.ordering == Field::Null),
        ] {
            if is_null {
                fields.problem(name, "cannot be null");
            }
        }
    }
}

/// Reads every field of a webhook.
pub(crate) fn read(fields: &mut Fields, guard: &Guard) -> Given {
    Given {
        name: fields.line("name", limits::NAME_CHARS),
        url: fields.read("url", |value| url(&value, guard)),
        events: events(fields),
        enabled: fields.flag("enabled"),
        secret: secret(fields),
        format: formats::read(fields),
        template: formats::template(fields),
        filter: filter(fields),
        headers: headers(fields),
        ordering: fields.word("ordering", "incident or none", |word| match word {
            "incident" => Some(Ordering::Incident),
            "none" => Some(Ordering::None),
            _ => None,
        }),
    }
}

/// Reads a given secret.
pub(crate) fn secret(fields: &mut Fields) -> Field<String> {
    fields.read("secret", |value| {
        let fits = |text: &&str| SECRET_CHARS.contains(&text.chars().count());
        let secret = value.as_str().filter(fits).map(str::to_owned);
        secret.ok_or_else(|| "expected text of 16 to 256 characters".to_owned())
    })
}

fn url(value: &Value, guard: &Guard) -> Result<String, String> {
    let text = value
        .as_str()
        .map(str::trim)
        .filter(|text| text.chars().count() <= URL_CHARS);
    let text = text.ok_or_else(|| format!("expected a URL of at most {URL_CHARS} characters"))?;
    guard
        .check_url(text)
        .map(|_| text.to_owned())
        .map_err(|refused| refused.to_string())
}

fn events(fields: &mut Fields) -> Field<Vec<EventName>> {
    let known: Vec<&str> = EventName::ALL.iter().map(|event| event.as_str()).collect();
    let expected = format!("one of {}", known.join(", "));
    let events = fields.words("events", 100, &expected, EventName::from_word);
    if matches!(&events, Field::Value(events) if events.is_empty()) && !fields.has_problem("events")
    {
        fields.problem("events", "expected at least one event");
    }
    events
}

fn filter(fields: &mut Fields) -> Field<Filter> {
    let mut inner = match fields.object("filter") {
        Field::Absent => return Field::Absent,
        Field::Null => return Field::Null,
        Field::Value(inner) => inner,
    };
    let filter = Filter {
        service_ids: inner
            .words("serviceIds", FILTER_ENTRIES, "a service id", |id| {
                id.parse().ok()
            })
            .value()
            .unwrap_or_default(),
        urgencies: inner
            .words(
                "urgencies",
                FILTER_ENTRIES,
                "HIGH, MEDIUM or LOW",
                Urgency::from_word,
            )
            .value()
            .unwrap_or_default(),
    };
    fields.absorb("filter", inner);
    Field::Value(filter)
}

fn headers(fields: &mut Fields) -> Field<BTreeMap<String, String>> {
    fields.read("headers", |value| {
        let Value::Object(given) = value else {
            return Err("expected an object of names and values".to_owned());
        };
        if given.len() > HEADERS {
            return Err(format!("expected at most {HEADERS} headers"));
        }
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in given {
            let (name, text) = header(&name, &value)?;
            if headers
                .keys()
                .any(|other| other.eq_ignore_ascii_case(&name))
            {
                return Err(format!("the header {name} is there twice"));
            }
            headers.insert(name, text);
        }
        Ok(headers)
    })
}

fn header(name: &str, value: &Value) -> Result<(String, String), String> {
    let valid = HeaderName::try_from(name)
        .ok()
        .filter(|_| name.len() <= HEADER_NAME_BYTES);
    let valid = valid.ok_or_else(|| {
        let shown = text::cut(name, 100);
        format!("{shown:?} is not a header name of at most {HEADER_NAME_BYTES} characters")
    })?;
    if is_reserved(&valid) {
        return Err(format!("the header {name} cannot be set"));
    }
    let text = value.as_str().filter(|text| {
        text.len() <= HEADER_BYTES && text.is_ascii() && HeaderValue::from_str(text).is_ok()
    });
    let text = text.ok_or_else(|| format!("the value of {name} is not valid header text"))?;
    Ok((name.to_owned(), text.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reserved_and_broken_headers_are_refused() {
        for name in [
            "Host",
            "content-length",
            "X-Webhook-Id",
            "webhook-signature",
            "User-Agent",
            "a b",
            "",
            "x\r\ny",
            &"x".repeat(HEADER_NAME_BYTES + 1),
        ] {
            assert!(header(name, &json!("v")).is_err(), "{name:?}");
        }
        for value in [
            json!("a\r\nb"),
            json!("a\nb"),
            json!(1),
            json!(null),
            json!("x".repeat(5_000)),
        ] {
            assert!(header("X-Token", &value).is_err(), "{value}");
        }
        assert_eq!(
            header("X-Token", &json!("abc")),
            Ok(("X-Token".to_owned(), "abc".to_owned()))
        );
    }
}
