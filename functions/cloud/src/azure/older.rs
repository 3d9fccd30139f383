//! The schemas before the common one: metric alerts, log alerts (version 1) and
//! classic metric alerts.

use common::{
    alert::{Action, Alert, Severity},
    intake::{
        Parsed,
        value::{at, is_word, text_at, time_at},
    },
};
use serde_json::Value;

use super::{Body, severity};

pub(super) fn parse_metric(body: &Body<'_>) -> Result<Parsed, &'static str> {
    let dimensions = at(body.lower, "data.context.condition")
        .map(dimensions)
        .unwrap_or_default();
    let context = Context {
        body,
        status: "data.status",
        context: at(body.lower, "data.context").unwrap_or(&Value::Null),
    };
    let rule = context.rule()?;
    let identity = format!("metric:{rule}:{}:{dimensions}", context.resource());
    let severity = severity(text_at(context.context, "severity"));
    context.alert(identity, severity)
}

pub(super) fn parse_classic(body: &Body<'_>) -> Result<Parsed, &'static str> {
    let context = Context {
        body,
        status: "status",
        context: at(body.lower, "context").unwrap_or(&Value::Null),
    };
    let rule = context.rule()?;
    let identity = format!("classic:{rule}:{}", context.resource());
    // Classic alerts have no severity.
    context.alert(identity, Severity::Warning)
}

/// What metric and classic alerts have in common.
struct Context<'a> {
    body: &'a Body<'a>,
    status: &'static str,
    context: &'a Value,
}

impl Context<'_> {
    fn rule(&self) -> Result<String, &'static str> {
        text_at(self.context, "id")
            .map(|id| id.to_ascii_lowercase())
            .ok_or("alert: it has no rule id")
    }

    fn resource(&self) -> String {
        text_at(self.context, "resourceid")
            .unwrap_or_default()
            .to_ascii_lowercase()
    }

    fn alert(&self, identity: String, severity: Severity) -> Result<Parsed, &'static str> {
        let action = match self.body.text(self.status) {
            Some(word) if is_word(&word, &["activated"]) => Action::Trigger,
            Some(word) if is_word(&word, &["deactivated", "resolved"]) => Action::Resolve,
            _ => return Err("alert status"),
        };
        Ok(Alert {
            action,
            identity,
            title: text_at(self.context, "name").unwrap_or_else(|| "Azure metric alert".to_owned()),
            description: text_at(self.context, "description"),
            source: text_at(self.context, "resourcename")
                .unwrap_or_else(|| self.body.context.integration.name.clone()),
            severity,
            occurred_at: time_at(self.context, "timestamp"),
            link: text_at(self.context, "portallink"),
            details: self.body.sent.clone(),
        }
        .into())
    }
}

/// `name=value` of all dimensions, sorted: their order is not the alert's.
fn dimensions(condition: &Value) -> String {
    let lists = at(condition, "allof").and_then(Value::as_array);
    let mut pairs: Vec<String> = lists
        .into_iter()
        .flatten()
        .filter_map(|criterion| criterion.get("dimensions")?.as_array())
        .flatten()
        .filter_map(|dimension| {
            let value = text_at(dimension, "value").unwrap_or_default();
            Some(format!("{}={value}", text_at(dimension, "name")?))
        })
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs.join(",")
}

/// A log alert of version 1, flat or `below` `data`; its end is never sent.
pub(super) fn parse_log(body: &Body<'_>, below: &str) -> Result<Parsed, &'static str> {
    let text = |name: &str| body.text(&format!("{below}{name}"));
    let rule = text("alertrulename").ok_or("log alert: it has no AlertRuleName")?;
    let place = ["workspaceid", "applicationid", "resourceid"]
        .iter()
        .find_map(|name| text(name))
        .unwrap_or_default();
    Ok(Alert {
        action: Action::Trigger,
        identity: format!("log:{rule}:{}", place.to_ascii_lowercase()),
        title: rule,
        description: text("description"),
        source: body.context.integration.name.clone(),
        severity: severity(text("severity")),
        occurred_at: time_at(body.lower, &format!("{below}searchintervalendtimeutc")),
        link: [
            "linktofilteredsearchresultsui",
            "linktosearchresultsui",
            "linktosearchresults",
        ]
        .iter()
        .find_map(|name| text(name)),
        details: body.sent.clone(),
    }
    .into())
}
