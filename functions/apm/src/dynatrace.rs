//! Dynatrace problem notifications: a template of the user's own, or the
//! problem of API v2 (`vendors/dynatrace.md`).

use common::{
    alert::{Action, Alert, Severity},
    intake::{
        Authentication, Context, Methods, Parsed, Received, Unreadable, Vendor,
        value::{text, time_at, with_folded_keys},
    },
    time::Timestamp,
};
use http::StatusCode;
use serde_json::Value;

pub(crate) const VENDOR: Vendor = Vendor {
    name: "dynatrace",
    methods: Methods::Post,
    authentication: Authentication::SharedSecret,
    overload: StatusCode::TOO_MANY_REQUESTS,
    normalise,
};

/// What the vendor's button for a test notification sends.
const TEST_PIDS: &[&str] = &["99999", "999999"];
const TEST_PROBLEM: &str = "TESTID";
const TEST_TITLE: &str = "dynatrace problem notification test run";

fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    let body = received.json()?;
    let problem = Problem::of(&body);
    Ok(vec![problem.parse(&body, context)])
}

/// A problem, whichever template sent it.
struct Problem {
    /// The body, its keys folded.
    body: Value,
    /// `ProblemDetailsJSON`, its keys folded; an empty object where absent.
    details: Value,
    /// The unique internal id.
    pid: Option<String>,
    /// The id that people see, which repeats between environments.
    display: Option<String>,
}

impl Problem {
    fn of(original: &Value) -> Self {
        let body = with_folded_keys(original);
        let details = ["problemdetailsjson", "problemdetailsjsonv2"]
            .into_iter()
            .find_map(|key| embedded(body.get(key)?))
            .unwrap_or_default();
        let problem_id = filled(&body, "problemid");
        // `problemId` of API v2 is the unique id, `ProblemID` of a template the
        // one that people see; keys are read in any case, so the shape tells.
        let is_v2 = filled(&body, "displayid").is_some()
            || (original.get("problemId").is_some()
                && ["state", "pid", "problemtitle"]
                    .iter()
                    .all(|key| filled(&body, key).is_none()));
        let (unique, display) = if is_v2 {
            (problem_id, filled(&body, "displayid"))
        } else {
            (None, problem_id)
        };
        Self {
            pid: filled(&body, "pid")
                .or(unique)
                .or_else(|| filled(&details, "id"))
                .or_else(|| filled(&details, "problemid")),
            display: display
                .or_else(|| filled(&details, "displayid"))
                .or_else(|| filled(&details, "displayname")),
            body,
            details,
        }
    }

    fn parse(&self, original: &Value, context: &Context<'_>) -> Parsed {
        let title = self.title();
        if self.is_test(title.as_deref()) {
            return Parsed::ignored("a test notification");
        }
        let identity = match (&self.pid, &self.display) {
            (Some(pid), _) => pid.clone(),
            (None, Some(display)) => format!("display:{display}"),
            (None, None) => return Parsed::unrecognised("body: it has neither PID nor ProblemID"),
        };
        let Some(state) = self.first(&["state", "status"], &["status"]) else {
            return Parsed::unrecognised("body: it has no State");
        };
        let action = match state.to_ascii_uppercase().as_str() {
            "OPEN" => Action::Trigger,
            // A merged problem went on inside another one, which is told of too.
            "RESOLVED" | "CLOSED" | "MERGED" => Action::Resolve,
            _ => return Parsed::unrecognised("State"),
        };
        let name = self.display.as_ref().unwrap_or(&identity);
        let title = title.unwrap_or_else(|| format!("Dynatrace problem {name}"));
        Alert {
            action,
            identity,
            title,
            description: ["problemdetailstext", "problemdetailsmarkdown"]
                .into_iter()
                .find_map(|key| filled(&self.body, key)),
            source: context.integration.name.clone(),
            severity: self.severity(),
            details: original.clone(),
            occurred_at: self.occurred_at(action),
            link: filled(&self.body, "problemurl"),
        }
        .into()
    }

    fn title(&self) -> Option<String> {
        self.first(&["problemtitle", "title"], &["title"])
            .or_else(|| {
                let text = filled(&self.body, "problemdetailstext")?;
                Some(text.lines().next()?.trim().to_owned())
            })
    }

    fn is_test(&self, title: Option<&str>) -> bool {
        self.pid
            .as_deref()
            .is_some_and(|pid| TEST_PIDS.contains(&pid))
            || self
                .display
                .as_deref()
                .is_some_and(|id| id.eq_ignore_ascii_case(TEST_PROBLEM))
            || title.is_some_and(|title| title.to_ascii_lowercase().starts_with(TEST_TITLE))
    }

    /// How bad, in Dynatrace's words; else whom it touches; else error.
    fn severity(&self) -> Severity {
        let said = [
            filled(&self.body, "problemseverity"),
            filled(&self.body, "severitylevel"),
            filled(&self.details, "severitylevel"),
        ];
        let touched = [
            filled(&self.body, "problemimpact"),
            filled(&self.body, "impactlevel"),
            filled(&self.details, "impactlevel"),
        ];
        let level = said.into_iter().flatten().find_map(|word| of_level(&word));
        level
            .or_else(|| {
                touched
                    .into_iter()
                    .flatten()
                    .find_map(|word| of_impact(&word))
            })
            .unwrap_or(Severity::Error)
    }

    /// The end of a problem that is over, else its start; -1 is no moment.
    fn occurred_at(&self, action: Action) -> Option<Timestamp> {
        let field = match action {
            Action::Resolve => "endtime",
            _ => "starttime",
        };
        time_at(&self.body, field).or_else(|| time_at(&self.details, field))
    }

    /// The first of these keys in the body, else of those in the details.
    fn first(&self, in_body: &[&str], in_details: &[&str]) -> Option<String> {
        in_body
            .iter()
            .find_map(|key| filled(&self.body, key))
            .or_else(|| in_details.iter().find_map(|key| filled(&self.details, key)))
    }
}

/// An object, or its JSON inside text.
fn embedded(value: &Value) -> Option<Value> {
    match value {
        Value::Object(_) => Some(with_folded_keys(value)),
        Value::String(text) => {
            let value: Value = serde_json::from_str(text).ok()?;
            value.is_object().then(|| with_folded_keys(&value))
        }
        _ => None,
    }
}

/// A text that is no placeholder (`{ProblemSeverity}`) that stayed.
fn filled(object: &Value, key: &str) -> Option<String> {
    let text = text(object.get(key)?)?;
    let is_placeholder = text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .is_some_and(|name| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        });
    (!is_placeholder).then_some(text)
}

fn of_level(word: &str) -> Option<Severity> {
    Some(match word.to_ascii_uppercase().as_str() {
        "AVAILABILITY" => Severity::Critical,
        "ERROR" => Severity::Error,
        "PERFORMANCE" | "RESOURCE_CONTENTION" | "CUSTOM_ALERT" | "MONITORING_UNAVAILABLE" => {
            Severity::Warning
        }
        "INFO" => Severity::Info,
        _ => return None,
    })
}

fn of_impact(word: &str) -> Option<Severity> {
    Some(match word.to_ascii_uppercase().as_str() {
        "APPLICATION" | "APPLICATIONS" => Severity::Critical,
        "SERVICE" | "SERVICES" => Severity::Error,
        "INFRASTRUCTURE" | "INFRASTRUCTURES" | "ENVIRONMENT" | "ENVIRONMENTS" => Severity::Warning,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ids(body: &Value) -> (Option<String>, Option<String>) {
        let problem = Problem::of(body);
        (problem.pid, problem.display)
    }

    #[test]
    fn the_ids_are_told_apart_by_the_shape() {
        for (body, pid, display) in [
            (
                json!({"PID": "7V2", "ProblemID": "P-1"}),
                Some("7V2"),
                Some("P-1"),
            ),
            (json!({"pid": 7, "problemid": 12}), Some("7"), Some("12")),
            (
                json!({"problemId": "7V2", "displayId": "P-1"}),
                Some("7V2"),
                Some("P-1"),
            ),
            (
                json!({"problemId": "7V2", "title": "t", "status": "OPEN"}),
                Some("7V2"),
                None,
            ),
            (
                json!({"problemId": "P-1", "state": "OPEN"}),
                None,
                Some("P-1"),
            ),
            (
                json!({"ProblemID": "P-1", "PID": "{PID}"}),
                None,
                Some("P-1"),
            ),
            (
                json!({"ProblemDetailsJSON": {"ID": 9}, "ProblemID": "P-1"}),
                Some("9"),
                Some("P-1"),
            ),
            (
                json!({"ProblemDetailsJSON": "{\"id\":\"9V2\"}"}),
                Some("9V2"),
                None,
            ),
            (
                json!({"ProblemDetailsJSON": "{broken", "PID": ""}),
                None,
                None,
            ),
            (json!([]), None, None),
        ] {
            let expected = (pid.map(str::to_owned), display.map(str::to_owned));
            assert_eq!(ids(&body), expected, "{body}");
        }
    }

    #[test]
    fn severity_goes_before_impact() {
        for (body, expected) in [
            (
                json!({"ProblemSeverity": "availability", "ProblemImpact": "SERVICE"}),
                Severity::Critical,
            ),
            (
                json!({"ProblemSeverity": "{ProblemSeverity}", "ProblemImpact": "APPLICATION"}),
                Severity::Critical,
            ),
            (
                json!({"ProblemSeverity": "BAD", "ProblemDetailsJSON": {"severityLevel": "INFO"}}),
                Severity::Info,
            ),
            (json!({"impactLevel": "ENVIRONMENT"}), Severity::Warning),
            (json!({"impactLevel": "services"}), Severity::Error),
            (json!({"ProblemImpact": null}), Severity::Error),
        ] {
            assert_eq!(Problem::of(&body).severity(), expected, "{body}");
        }
    }
}
