//! Vercel: deployments, keyed by project, environment and (of previews) branch,
//! never by deployment (`vendors/vercel.md`).

use common::{
    alert::{Action, Alert, Severity},
    intake::{
        Authentication, Context, Methods, Parsed, Received, Unreadable, Vendor, credentials,
        value::{first_text, identity, is_word, text_at, time_at},
    },
};
use http::StatusCode;
use serde_json::Value;

use crate::outcome;

pub(crate) const VENDOR: Vendor = Vendor {
    name: "vercel",
    methods: Methods::Post,
    authentication: Authentication::Native(|received, secret, _| {
        received
            .header("x-vercel-signature")
            .is_some_and(|hex| credentials::is_hmac_sha1_hex(hex, secret, &received.body))
    }),
    overload: StatusCode::TOO_MANY_REQUESTS,
    normalise,
};

const FAILURES: &[&str] = &["deployment.error", "deployment.checks.failed"];
const SUCCESSES: &[&str] = &[
    "deployment.succeeded",
    "deployment.ready",
    "deployment.promoted",
];
/// Events that nothing ever closes, and whose bodies are not documented.
const ANOMALIES: &[&str] = &[
    "alerts.triggered",
    "observability.anomaly",
    "firewall.attack",
];
const BRANCHES: &[&str] = &[
    "payload.deployment.meta.githubCommitRef",
    "payload.deployment.meta.gitlabCommitRef",
    "payload.deployment.meta.bitbucketCommitRef",
];
const MESSAGES: &[&str] = &[
    "payload.deployment.meta.githubCommitMessage",
    "payload.deployment.meta.gitlabCommitMessage",
    "payload.deployment.meta.bitbucketCommitMessage",
];
const PRODUCTION: &str = "production";
const PREVIEW: &str = "preview";

fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    let body = received.json()?;
    let entry = match text_at(&body, "type") {
        None => Err(Parsed::unrecognised("body: it has no type")),
        Some(name) if is_anomaly(&name) => Ok(anomaly(&body, &name, context)),
        Some(name) => deployment(&body, &name, context),
    };
    Ok(vec![entry.unwrap_or_else(|ignored| ignored)])
}

/// Older names have a hyphen where newer ones have a dot.
fn dotted(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', ".")
}

fn is_anomaly(name: &str) -> bool {
    let name = dotted(name);
    ANOMALIES.iter().any(|known| {
        name.strip_prefix(known)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

fn anomaly(body: &Value, name: &str, context: &Context<'_>) -> Parsed {
    let scope = first_text(body, &["payload.project.id", "payload.team.id"]).unwrap_or_default();
    Alert {
        action: Action::Trigger,
        identity: identity(&[&scope, name]),
        title: format!("Vercel {name}"),
        description: None,
        source: context.integration.name.clone(),
        severity: Severity::Warning,
        details: body.clone(),
        occurred_at: time_at(body, "createdAt"),
        link: None,
    }
    .into()
}

fn deployment(body: &Value, name: &str, context: &Context<'_>) -> Result<Parsed, Parsed> {
    let event = dotted(name);
    let action = outcome::action(&event, FAILURES, SUCCESSES)
        .ok_or_else(|| Parsed::ignored(format!("{name} is no alert")))?;
    let environment = if event == "deployment.promoted" {
        PRODUCTION.to_owned()
    } else {
        text_at(body, "payload.target").unwrap_or_else(|| PREVIEW.to_owned())
    };
    let is_preview = is_word(&environment, &[PREVIEW]);
    if is_preview && previews_are_ignored(context) {
        return Err(Parsed::ignored("previews are ignored by a setting"));
    }
    let branch = first_text(body, BRANCHES);
    let identity = identity_of(body, &environment, branch.as_deref())
        .ok_or_else(|| Parsed::unrecognised("payload: it names no project or deployment"))?;
    let named = first_text(body, &["payload.deployment.name", "payload.name"]);
    let what = match event.as_str() {
        "deployment.checks.failed" => "deployment checks",
        _ => "deployment",
    };
    let mut title = format!(
        "{}: {environment} {what} {}",
        named.as_deref().unwrap_or("Vercel"),
        outcome::verb(action)
    );
    if let Some(branch) = &branch {
        title = format!("{title} ({branch})");
    }
    Ok(Alert {
        action,
        identity,
        title,
        description: first_text(body, MESSAGES),
        source: named.unwrap_or_else(|| context.integration.name.clone()),
        severity: match environment.as_str() {
            _ if is_preview => Severity::Warning,
            name if is_word(name, &[PRODUCTION]) => Severity::Critical,
            _ => Severity::Error,
        },
        details: body.clone(),
        occurred_at: time_at(body, "createdAt"),
        link: first_text(body, &["payload.links.deployment", "payload.links.project"]),
    }
    .into())
}

fn previews_are_ignored(context: &Context<'_>) -> bool {
    context
        .settings()
        .text("previews")
        .is_some_and(|value| is_word(value, &["ignore"]))
}

/// The red and the green build have different deployments: those tell apart
/// only previews without a branch.
fn identity_of(body: &Value, environment: &str, branch: Option<&str>) -> Option<String> {
    let project = first_text(
        body,
        &[
            "payload.project.id",
            "payload.deployment.name",
            "payload.name",
        ],
    )?;
    let part = match branch {
        _ if !is_word(environment, &[PREVIEW]) => String::new(),
        Some(branch) => branch.to_owned(),
        None => text_at(body, "payload.deployment.id")?,
    };
    Some(identity(&[&project, environment, &part]))
}
