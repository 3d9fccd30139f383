//! Unified alerting: Alertmanager's notification group with Grafana's own
//! fields. Its `title` and `state` are the group's and say nothing about one
//! alert.

use common::{
    alert::{Action, Alert, Severity},
    intake::{
        Context, Parsed, alertmanager,
        value::{first_text, is_word, text_at},
    },
};
use serde_json::Value;

pub(super) fn parse(alerts: &[Value], group: &Value, context: &Context<'_>) -> Vec<Parsed> {
    if alerts.is_empty() {
        return vec![Parsed::ignored("no alerts")];
    }
    let is_test_group = text_at(group, "groupKey").is_some_and(|key| is_test_key(&key));
    alerts
        .iter()
        .map(|alert| {
            if is_test_group || is_test_alert(alert) {
                Parsed::ignored("a test of the contact point")
            } else {
                parse_alert(alert, group, context)
            }
        })
        .collect()
}

fn parse_alert(alert: &Value, group: &Value, context: &Context<'_>) -> Parsed {
    let Some(action) = text_at(alert, "status").and_then(|status| action(&status)) else {
        return Parsed::unrecognised("alert status");
    };
    let Some(identity) = alertmanager::identity(alert) else {
        return Parsed::unrecognised("alert: it has neither a fingerprint nor labels");
    };
    let title = alertmanager::title(alert).unwrap_or_else(|| "Grafana alert".to_owned());
    Alert {
        action,
        identity,
        description: text_at(alert, "annotations.description")
            .filter(|description| *description != title),
        title,
        source: text_at(group, "externalURL").unwrap_or_else(|| context.integration.name.clone()),
        severity: severity(alert, context),
        occurred_at: alertmanager::occurred_at(alert, action),
        link: first_text(alert, &["panelURL", "dashboardURL", "generatorURL"]),
        details: alertmanager::details(alert, group),
    }
    .into()
}

fn action(status: &str) -> Option<Action> {
    if is_word(status, &["firing"]) {
        Some(Action::Trigger)
    } else if is_word(status, &["resolved"]) {
        Some(Action::Resolve)
    } else {
        None
    }
}

fn severity(alert: &Value, context: &Context<'_>) -> Severity {
    if let Some(word) = alertmanager::severity_label(alert) {
        return alertmanager::severity(&word);
    }
    match alertmanager::label(alert, "alertname").as_deref() {
        Some("DatasourceNoData") => Severity::Warning,
        Some("DatasourceError") => Severity::Error,
        _ => super::default_severity(context),
    }
}

/// The alert that the Test button sends where nobody typed other labels.
fn is_test_alert(alert: &Value) -> bool {
    let is = |name, value| alertmanager::label(alert, name).as_deref() == Some(value);
    is("alertname", "TestAlert") && is("instance", "Grafana")
}

/// A test has no route: its key is `<receiver>-<fingerprint>-<unix seconds>`
/// where a real one begins with the route's matchers, `{…}`. It gives a test
/// away whose labels were typed by hand.
fn is_test_key(key: &str) -> bool {
    let mut parts = key.rsplitn(3, '-');
    let (Some(seconds), Some(fingerprint), Some(_)) = (parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    !key.starts_with('{')
        && !seconds.is_empty()
        && seconds.bytes().all(|byte| byte.is_ascii_digit())
        && fingerprint.len() == 16
        && fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_key_gives_a_test_away() {
        for key in [
            "webhook-57c6d9296de2ad39-1789362000",
            "my-hook-57C6D9296DE2AD39-1789362000",
            "-57c6d9296de2ad39-1",
        ] {
            assert!(is_test_key(key), "{key}");
        }
        for key in [
            "{}/{a=\"b\"}:{alertname=\"x-57c6d9296de2ad39-1789362000",
            "webhook-57c6d9296de2ad3-1789362000",
            "webhook-57c6d9296de2ad3x-1789362000",
            "webhook-57c6d9296de2ad39-",
            "57c6d9296de2ad39-1789362000",
            "webhook-57c6d9296de2ad39-now",
        ] {
            assert!(!is_test_key(key), "{key}");
        }
    }
}
