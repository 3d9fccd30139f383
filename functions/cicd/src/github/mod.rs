//! GitHub: routed by its event header, keyed so that every re-run and every
//! later push reaches the incident of the failure (`vendors/github.md`).

mod builds;
mod deployments;
mod security;

use common::{
    alert::{Action, Alert, Severity},
    intake::{
        Authentication, Context, Methods, Parsed, Received, Unreadable, Vendor, credentials,
        value::{at, first_text, identity, text_at},
    },
    time::Timestamp,
};
use http::StatusCode;
use serde_json::Value;

use crate::{gitlab, outcome};

pub(crate) const VENDOR: Vendor = Vendor {
    name: "github",
    methods: Methods::Post,
    // The SHA-1 header beside it is not enough.
    authentication: Authentication::Native(|received, secret, _| {
        credentials::has_sha256_header(received, "x-hub-signature-256", secret)
    }),
    overload: StatusCode::TOO_MANY_REQUESTS,
    normalise,
};

/// Where the event header is missing, the first of these keys tells the event:
/// a deployment's body carries the workflow run and the check run too.
const KEYS: &[(&str, &str)] = &[
    ("workflow_run", "workflow_run"),
    ("check_run", "check_run"),
    ("check_suite", "check_suite"),
    ("deployment_status", "deployment_status"),
    // OpsKnight's guide: `deployment.state` without a `deployment_status`.
    ("deployment", "deployment_status"),
];

fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    let body = read_body(received)?;
    if text_at(&body, "object_kind").is_some() {
        return Ok(gitlab::parse(&body, context));
    }
    let Some(name) = event_name(received, &body) else {
        return Ok(vec![Parsed::unrecognised(
            "body: it has neither an event header nor an event's object",
        )]);
    };
    let event = Event {
        body: &body,
        context,
    };
    let readings = match name.as_str() {
        "workflow_run" => vec![builds::workflow_run(&event)],
        "check_run" => vec![builds::check_run(&event)],
        "check_suite" => vec![builds::check_suite(&event)],
        "status" => builds::commit_status(&event),
        "deployment_status" => vec![deployments::deployment_status(&event)],
        "dependabot_alert" => vec![security::dependabot(&event)],
        "code_scanning_alert" => vec![security::code_scanning(&event)],
        "secret_scanning_alert" => vec![security::secret_scanning(&event)],
        other => vec![Err(Parsed::ignored(format!("{other} is no alert")))],
    };
    let entries = readings.into_iter().map(|reading| event.entry(reading));
    Ok(outcome::one_if_ignored(entries.collect()))
}

/// JSON, or a form with the JSON in its field `payload`: a setting of the hook.
fn read_body(received: &Received) -> Result<Value, Unreadable> {
    if received.looks_like_json() {
        return received.json();
    }
    let payload = url::form_urlencoded::parse(&received.body)
        .find(|(name, _)| name == "payload")
        .ok_or_else(|| {
            Unreadable::new("the body is neither JSON nor a form with a field `payload`")
        })?;
    serde_json::from_str(&payload.1)
        .map_err(|error| Unreadable::new(format!("the field `payload` is not valid JSON: {error}")))
}

fn event_name(received: &Received, body: &Value) -> Option<String> {
    received
        .header("x-github-event")
        .filter(|name| !name.is_empty())
        .map(str::to_ascii_lowercase)
        .or_else(|| {
            let (_, event) = KEYS
                .iter()
                .find(|(key, _)| body.get(key).is_some_and(Value::is_object))?;
            Some((*event).to_owned())
        })
}

/// An event's body, and whose it is.
struct Event<'a> {
    body: &'a Value,
    context: &'a Context<'a>,
}

/// What an event says about one thing; the other way out is an entry that
/// changes nothing.
type Reading = Result<Finding, Parsed>;

struct Finding {
    action: Action,
    /// The identity, without the repository that it starts with.
    parts: Vec<String>,
    title: String,
    description: Option<String>,
    severity: Severity,
    occurred_at: Option<Timestamp>,
    link: Option<String>,
}

impl Event<'_> {
    fn entry(&self, reading: Reading) -> Parsed {
        match reading {
            Ok(finding) => self.alert(finding).into(),
            Err(entry) => entry,
        }
    }

    fn alert(&self, finding: Finding) -> Alert {
        let repository =
            first_text(self.body, &["repository.id", "repository.full_name"]).unwrap_or_default();
        let parts: Vec<&str> = std::iter::once(repository.as_str())
            .chain(finding.parts.iter().map(String::as_str))
            .collect();
        Alert {
            action: finding.action,
            identity: identity(&parts),
            title: finding.title,
            description: finding.description,
            source: self
                .repository_name()
                .unwrap_or_else(|| self.context.integration.name.clone()),
            severity: finding.severity,
            details: self.body.clone(),
            occurred_at: finding.occurred_at,
            link: finding.link,
        }
    }

    /// The repository, as people call it.
    fn repository_name(&self) -> Option<String> {
        first_text(self.body, &["repository.full_name", "repository.name"])
    }

    /// The event's object of this name.
    fn object(&self, name: &str) -> Result<&Value, Parsed> {
        at(self.body, name)
            .filter(|object| object.is_object())
            .ok_or_else(|| Parsed::unrecognised(format!("body: it has no {name}")))
    }

    /// `CI failed on main in shop/checkout`.
    fn title(&self, what: &str, action: Action, branch: Option<&str>) -> String {
        let mut title = format!("{what} {}", outcome::verb(action));
        if let Some(branch) = branch {
            title = format!("{title} on {branch}");
        }
        self.in_repository(title)
    }

    fn in_repository(&self, title: String) -> String {
        match self.repository_name() {
            Some(name) => format!("{title} in {name}"),
            None => title,
        }
    }
}
