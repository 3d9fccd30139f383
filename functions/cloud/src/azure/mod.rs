//! Azure Monitor action groups: the common alert schema and the older ones
//! (`vendors/azure.md`). Keys are looked up in any case, because the older
//! ones come with capitals.

mod activity;
mod common_schema;
mod older;

use common::{
    alert::Severity,
    intake::{
        Authentication, Context, Methods, Parsed, Received, Unreadable, Vendor, credentials,
        value::{at, first_text, is_word, text_at},
    },
};
use http::StatusCode;
use serde_json::{Map, Value};

use crate::tokens::{self, Rules};

pub(crate) const VENDOR: Vendor = Vendor {
    name: "azure",
    methods: Methods::Post,
    authentication: Authentication::Interactive(|attempt| {
        Box::pin(tokens::authenticate(
            attempt,
            Rules {
                has_secret: credentials::has_shared_secret,
                issuer: None,
                are_claims_right: |claims, _| is_action_groups(claims),
            },
        ))
    }),
    // 500 is final, 503 is tried again.
    overload: StatusCode::SERVICE_UNAVAILABLE,
    normalise,
};

/// The application of all action groups in Entra.
const ACTION_GROUPS: &str = "461e8683-5575-4561-ac7f-899cc907d62a";
/// The subscription that the portal's samples are about.
const TEST_SUBSCRIPTION: &str = "11111111-1111-1111-1111-111111111111";

fn is_action_groups(claims: &Value) -> bool {
    // Version 1 of the tokens says `appid`, version 2 `azp`.
    first_text(claims, &["appid", "azp"]).is_some_and(|id| is_word(&id, &[ACTION_GROUPS]))
}

/// A body whose keys are all lower-case, and as it was sent.
struct Body<'a> {
    lower: &'a Value,
    sent: &'a Value,
    context: &'a Context<'a>,
}

impl Body<'_> {
    fn text(&self, path: &str) -> Option<String> {
        text_at(self.lower, path)
    }

    fn first(&self, paths: &[&str]) -> Option<String> {
        first_text(self.lower, paths)
    }

    /// An id of Azure's: it does not distinguish cases.
    fn id(&self, path: &str) -> Option<String> {
        self.text(path).map(|id| id.to_ascii_lowercase())
    }

    fn has(&self, path: &str) -> bool {
        at(self.lower, path).is_some()
    }
}

fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    let sent = received.json()?;
    let lower = lower_keys(&sent);
    let body = Body {
        lower: &lower,
        sent: &sent,
        context,
    };
    Ok(vec![parse(&body)])
}

fn parse(body: &Body<'_>) -> Parsed {
    if is_test(body) {
        return Parsed::ignored("a test of the action group");
    }
    let parsed = match shape(body) {
        Some(Shape::Common) => common_schema::parse(body),
        Some(Shape::Metric) => older::parse_metric(body),
        Some(Shape::ActivityLog) => activity::parse(body, &activity::OLDER),
        Some(Shape::Log { below }) => older::parse_log(body, below),
        Some(Shape::Classic) => older::parse_classic(body),
        None => Err("body: it is no alert of Azure Monitor"),
    };
    parsed.unwrap_or_else(Parsed::unrecognised)
}

/// The portal's button sends samples, fired or resolved.
fn is_test(body: &Body<'_>) -> bool {
    [
        "data.essentials.alertid",
        "data.context.id",
        "context.id",
        // The older samples name the subscription itself.
        "subscriptionid",
        "data.subscriptionid",
        "data.context.activitylog.subscriptionid",
    ]
    .iter()
    .filter_map(|path| body.text(path))
    .any(|id| id.contains(TEST_SUBSCRIPTION))
}

enum Shape {
    Common,
    Metric,
    ActivityLog,
    Log { below: &'static str },
    Classic,
}

/// By `schemaId`, else by what is there.
fn shape(body: &Body<'_>) -> Option<Shape> {
    let schema = body.id("schemaid").unwrap_or_default();
    match schema.as_str() {
        "azuremonitorcommonalertschema" => return Some(Shape::Common),
        "azuremonitormetricalert" => return Some(Shape::Metric),
        "microsoft.insights/activitylogs" => return Some(Shape::ActivityLog),
        "microsoft.insights/logalert" => return Some(Shape::Log { below: "data." }),
        _ => {}
    }
    if body.has("data.essentials") {
        Some(Shape::Common)
    } else if body.has("data.context.condition") {
        Some(Shape::Metric)
    } else if body.has("data.context.activitylog") {
        Some(Shape::ActivityLog)
    } else if body.has("alertrulename") && body.has("searchquery") {
        Some(Shape::Log { below: "" })
    } else if body.has("data.alertrulename") && body.has("data.searchquery") {
        Some(Shape::Log { below: "data." })
    } else if body.has("status") && body.has("context.condition") {
        Some(Shape::Classic)
    } else {
        None
    }
}

/// `SevN`, a digit or a word; warning where it is missing or unknown.
fn severity(word: Option<String>) -> Severity {
    let word = word.unwrap_or_default().to_ascii_lowercase();
    match word.strip_prefix("sev").unwrap_or(&word) {
        "0" | "critical" => Severity::Critical,
        "1" | "error" => Severity::Error,
        "3" | "4" | "informational" | "verbose" => Severity::Info,
        _ => Severity::Warning,
    }
}

/// The same with lower-case keys; of keys that differ in case only, the first
/// with a value.
fn lower_keys(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut lower = Map::new();
            for (key, value) in object {
                let slot = lower.entry(key.to_lowercase()).or_insert(Value::Null);
                if slot.is_null() {
                    *slot = lower_keys(value);
                }
            }
            Value::Object(lower)
        }
        Value::Array(items) => items.iter().map(lower_keys).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn severities_are_levels_digits_and_words() {
        for (word, expected) in [
            ("Sev0", Severity::Critical),
            ("0", Severity::Critical),
            ("sev1", Severity::Error),
            ("Error", Severity::Error),
            ("2", Severity::Warning),
            ("SEV3", Severity::Info),
            ("Verbose", Severity::Info),
            ("4", Severity::Info),
            ("5", Severity::Warning),
            ("severe", Severity::Warning),
        ] {
            assert_eq!(severity(Some(word.to_owned())), expected, "{word}");
        }
        assert_eq!(severity(None), Severity::Warning);
    }

    #[test]
    fn keys_are_found_in_any_case() {
        let lower = lower_keys(&json!({"Status": null, "status": "A", "Context": [{"ID": "B"}]}));
        assert_eq!(lower, json!({"status": "A", "context": [{"id": "B"}]}));
    }
}
