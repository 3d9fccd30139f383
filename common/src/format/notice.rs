//! What every chat is told of an event, before any markup.

use serde::Deserialize;
use serde_json::Value;

use super::text::is_blank;
use crate::{
    alert::Urgency,
    incident::{Assignee, ServiceRef, Status},
    limits,
    time::Timestamp,
};

/// What a chat is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    /// What happened: our own words.
    pub headline: String,
    /// What it happened to.
    pub title: String,
    /// More text; never blank.
    pub description: Option<String>,
    /// In the order in which they are shown.
    pub facts: Vec<Fact>,
    /// Where to look; a web address of ASCII characters only.
    pub link: Option<String>,
    /// When it happened.
    pub at: Timestamp,
    /// What it belongs to: the same in all events of an incident.
    pub thread: String,
    /// How it looks.
    pub look: Look,
}

/// A name and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fact {
    pub name: String,
    pub value: String,
}

/// The colour and the sign of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub emoji: &'static str,
    /// `0xRRGGBB`
    pub colour: u32,
    /// Adaptive Cards have named styles only.
    pub card_style: &'static str,
}

const HIGH: Look = look("🔴", 0x00D3_2F2F, "attention");
const MEDIUM: Look = look("🟠", 0x00ED_6C02, "warning");
const LOW: Look = look("🔵", 0x0002_88D1, "accent");
const RESOLVED: Look = look("✅", 0x002E_7D32, "good");
const ACKNOWLEDGED: &str = "👀";
const SNOOZED: Look = look("💤", 0x006B_7280, "emphasis");
const SUPPRESSED: Look = look("🔇", 0x006B_7280, "emphasis");
const OTHER: Look = look("ℹ️", 0x006B_7280, "emphasis");

const fn look(emoji: &'static str, colour: u32, card_style: &'static str) -> Look {
    Look {
        emoji,
        colour,
        card_style,
    }
}

/// The plain body, read back.
#[derive(Debug, Deserialize)]
struct Told {
    event: String,
    timestamp: Timestamp,
    data: ToldIncident,
    #[serde(default)]
    test: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToldIncident {
    id: String,
    title: String,
    description: Option<String>,
    status: Status,
    urgency: Urgency,
    priority: Option<String>,
    service: ServiceRef,
    assignee: Option<Assignee>,
    created_at: Timestamp,
    resolved_at: Option<Timestamp>,
    snoozed_until: Option<Timestamp>,
}

impl Notice {
    /// Reads a plain body. Events of something else than an incident are told
    /// by their plain values: a chat must get a message that it takes.
    pub(super) fn read(body: &str, link: Option<&str>) -> Result<Self, serde_json::Error> {
        let link = link.and_then(followable);
        let mut notice = match serde_json::from_str::<Told>(body) {
            Ok(told) => Self::of_incident(told, link),
            Err(_) => Self::of_other(&serde_json::from_str(body)?, link),
        };
        notice.leave_out_blanks();
        Ok(notice)
    }

    /// No vendor takes a text in which nothing can be seen.
    fn leave_out_blanks(&mut self) {
        if is_blank(&self.title) {
            "(no title)".clone_into(&mut self.title);
        }
        self.description = self.description.take().filter(|text| !is_blank(text));
        self.facts
            .retain(|fact| !is_blank(&fact.name) && !is_blank(&fact.value));
    }

    fn of_incident(told: Told, link: Option<String>) -> Self {
        let data = told.data;
        let mut facts = vec![
            fact("Service", data.service.name),
            fact("Status", data.status.as_str()),
            fact("Urgency", data.urgency.as_str()),
        ];
        facts.extend(data.priority.map(|priority| fact("Priority", priority)));
        let assignee = data.assignee.map(|person| fact("Assignee", person.name));
        facts.extend(assignee);
        facts.push(fact("Opened", moment(data.created_at)));
        facts.extend(data.snoozed_until.map(|at| fact("Until", moment(at))));
        facts.extend(data.resolved_at.map(|at| fact("Resolved", moment(at))));
        Self {
            headline: headline(&told.event, told.test),
            title: data.title,
            description: data.description,
            facts,
            link,
            at: told.timestamp,
            thread: data.id,
            look: look_of(data.status, data.urgency),
        }
    }

    fn of_other(body: &Value, link: Option<String>) -> Self {
        let event = body["event"].as_str().unwrap_or("event");
        let data = &body["data"];
        let name = ["title", "name"].iter().find_map(|key| data[key].as_str());
        let at = body["timestamp"]
            .as_str()
            .and_then(Timestamp::parse_rfc3339);
        Self {
            headline: headline(event, body["test"] == true),
            title: name.unwrap_or(event).to_owned(),
            description: data["description"].as_str().map(str::to_owned),
            facts: plain_facts(data),
            link,
            at: at.unwrap_or_else(Timestamp::now),
            thread: data["id"].as_str().unwrap_or(event).to_owned(),
            look: OTHER,
        }
    }
}

fn fact(name: &str, value: impl Into<String>) -> Fact {
    Fact {
        name: name.to_owned(),
        value: value.into(),
    }
}

/// The texts, numbers and flags of an object.
fn plain_facts(data: &Value) -> Vec<Fact> {
    let entries = data.as_object().into_iter().flatten();
    entries
        .filter(|(name, _)| !["title", "name", "description"].contains(&name.as_str()))
        .filter_map(|(name, value)| match value {
            Value::String(text) => Some(fact(name, text.clone())),
            Value::Number(_) | Value::Bool(_) => Some(fact(name, value.to_string())),
            _ => None,
        })
        .take(limits::FACTS)
        .collect()
}

/// `incident.created` in words.
fn headline(event: &str, is_test: bool) -> String {
    let words = match event {
        "incident.created" => "Incident opened",
        "incident.acknowledged" => "Incident acknowledged",
        "incident.resolved" => "Incident resolved",
        "incident.snoozed" => "Incident snoozed",
        "incident.suppressed" => "Incident suppressed",
        "incident.updated" => "Incident updated",
        "webhook.failing" => "A webhook is failing",
        "webhook.disabled" => "A webhook was disabled",
        _ => "Event",
    };
    if is_test {
        format!("Test: {words}")
    } else {
        words.to_owned()
    }
}

fn look_of(status: Status, urgency: Urgency) -> Look {
    let by_urgency = match urgency {
        Urgency::High => HIGH,
        Urgency::Medium => MEDIUM,
        Urgency::Low => LOW,
    };
    match status {
        Status::Open => by_urgency,
        Status::Acknowledged => Look {
            emoji: ACKNOWLEDGED,
            ..by_urgency
        },
        Status::Snoozed => SNOOZED,
        Status::Suppressed => SUPPRESSED,
        Status::Resolved => RESOLVED,
    }
}

/// `2026-01-15 10:30:00 UTC`
pub(super) fn moment(at: Timestamp) -> String {
    let written = at.to_string();
    let seconds = written.get(..19).unwrap_or(&written);
    format!("{} UTC", seconds.replacen('T', " ", 1))
}

/// The address as ASCII, which percent-encodes what any markup would take for
/// its own. One with a name or password before its host only looks like a link
/// to that name: it is left out.
fn followable(link: &str) -> Option<String> {
    let url = url::Url::parse(link).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    let has_user = !url.username().is_empty() || url.password().is_some();
    let written: String = url
        .as_str()
        .chars()
        .map(|c| match c {
            '|' => "%7C".to_owned(),
            '\'' => "%27".to_owned(),
            '`' => "%60".to_owned(),
            other => other.to_string(),
        })
        .collect();
    (is_web && !has_user && written.is_ascii() && written.len() <= limits::LINK_BYTES)
        .then_some(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::samples;

    #[test]
    fn an_incident_is_told_in_words() {
        let sample = samples(crate::event::EventName::Created).remove(0);
        let notice = Notice::read(&sample.body, sample.link.as_deref()).unwrap();
        assert_eq!(notice.headline, "Incident opened");
        assert_eq!(notice.look, HIGH);
        let names: Vec<&str> = notice.facts.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "Service", "Status", "Urgency", "Priority", "Assignee", "Opened"
            ]
        );
        let test = sample.body.replacen("}}", "},\"test\":true}", 1);
        assert_eq!(
            Notice::read(&test, None).unwrap().headline,
            "Test: Incident opened"
        );
    }

    #[test]
    fn other_events_are_told_by_their_values() {
        let body = r#"{"event":"webhook.failing","timestamp":"2026-01-15T10:30:00.000Z","data":{"id":"whk_1","name":"PagerDuty","failures":5,"x":{}}}"#;
        let notice = Notice::read(body, None).unwrap();
        assert_eq!(notice.title, "PagerDuty");
        assert_eq!(notice.facts.len(), 2);
        assert_eq!(moment(notice.at), "2026-01-15 10:30:00 UTC");
        assert!(Notice::read("no JSON", None).is_err());
    }

    #[test]
    fn only_web_addresses_are_followed() {
        for (link, expected) in [
            (
                "https://x.example/a|b?c=<d>",
                Some("https://x.example/a%7Cb?c=%3Cd%3E"),
            ),
            ("javascript:alert(1)", None),
            ("https://good.example@evil.example/", None),
            ("x", None),
        ] {
            assert_eq!(followable(link).as_deref(), expected, "{link}");
        }
        assert_eq!(
            followable(&format!("https://x.example/{}", "ä".repeat(1_000))),
            None
        );
    }
}
