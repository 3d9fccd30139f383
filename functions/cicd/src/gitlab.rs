//! GitLab: pipelines, jobs and deployments, routed by `object_kind`, keyed by
//! project and ref so that the fixing run closes the failure
//! (`vendors/gitlab.md`).

use common::{
    alert::{Action, Alert, Severity},
    crypto,
    intake::{
        Authentication, Context, Methods, Parsed, Received, Unreadable, Vendor, credentials,
        value::{first_text, identity, is_word, text_at, time_at},
    },
    time::Timestamp,
};
use http::StatusCode;
use serde_json::Value;

use crate::{
    branches::{self, Place},
    outcome,
};

pub(crate) const VENDOR: Vendor = Vendor {
    name: "gitlab",
    methods: Methods::Post,
    authentication: Authentication::Native(is_authentic),
    // A 429 counts towards switching the hook off for good.
    overload: StatusCode::SERVICE_UNAVAILABLE,
    normalise,
};

const TOLERANCE_SECONDS: u64 = 300;
const FAILURES: &[&str] = &["failed"];
const SUCCESSES: &[&str] = &["success"];

/// A signing token means Standard Webhooks; any other secret is the token.
fn is_authentic(received: &Received, secret: &str, context: &Context<'_>) -> bool {
    if secret.starts_with("whsec_") {
        let tolerance = context.settings().number("timestampToleranceSeconds");
        return credentials::has_standard_signature(
            received,
            secret,
            tolerance.unwrap_or(TOLERANCE_SECONDS),
            context.now,
        );
    }
    received
        .header("x-gitlab-token")
        .is_some_and(|token| crypto::same_secret(token.as_bytes(), secret.as_bytes()))
}

/// Four refused hooks in a row are switched off for good, so everything that is
/// authentic is accepted, even what is no JSON.
fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    Ok(match received.json() {
        Ok(body) => parse(&body, context),
        Err(error) => vec![Parsed::unrecognised(format!("body: {error}"))],
    })
}

/// Reads a hook's body, also one that was sent to GitHub's address.
pub(crate) fn parse(body: &Value, context: &Context<'_>) -> Vec<Parsed> {
    let hook = Hook { body, context };
    let Some(kind) = text_at(body, "object_kind") else {
        // System hooks about projects, users and groups have no kind.
        return vec![match text_at(body, "event_name") {
            Some(name) => Parsed::ignored(format!("{name} is no alert")),
            None => Parsed::unrecognised("body: it has no object_kind"),
        }];
    };
    let reading = match kind.to_ascii_lowercase().as_str() {
        "pipeline" => hook.pipeline(),
        "build" => hook.job(),
        "deployment" => hook.deployment(),
        _ => Err(Parsed::ignored(format!("{kind} is no alert"))),
    };
    vec![reading.unwrap_or_else(|entry| entry)]
}

struct Hook<'a> {
    body: &'a Value,
    context: &'a Context<'a>,
}

/// What the three kinds say each in its own way.
struct Finding {
    action: Action,
    /// The identity, without the project that it starts with.
    parts: Vec<String>,
    /// What failed, and where.
    subject: String,
    description: Option<String>,
    severity: Severity,
    occurred_at: Option<Timestamp>,
    link: Option<String>,
}

impl Hook<'_> {
    fn pipeline(&self) -> Result<Parsed, Parsed> {
        let action = self.action("object_attributes.status")?;
        let name = self.text("object_attributes.name");
        let branch = self.text("object_attributes.ref");
        let is_tag = self.flag("object_attributes.tag");
        let is_merge_request = self.source_is("merge_request_event");
        if !is_tag {
            branches::check_watched(self.context.settings(), branch.as_deref())?;
        }
        let severity = if is_merge_request {
            Place::Other.severity(self.context.settings())
        } else {
            self.severity(branch.as_deref(), is_tag)
        };
        let label = name
            .as_ref()
            .map_or_else(|| "Pipeline".to_owned(), |name| format!("Pipeline {name}"));
        self.alert(Finding {
            action,
            parts: vec![
                "pipeline".to_owned(),
                self.pipeline_ref(),
                name.unwrap_or_default(),
            ],
            subject: titled(&label, action, branch.as_deref()),
            description: self.text("commit.title"),
            severity,
            occurred_at: time_at(self.body, "object_attributes.finished_at"),
            link: self.text("object_attributes.url"),
        })
    }

    /// The ref, marked so that unlike pipelines never close each other.
    fn pipeline_ref(&self) -> String {
        let mut name = self.text("object_attributes.ref").unwrap_or_default();
        if self.source_is("merge_request_event")
            && let Some(number) = self.text("merge_request.iid")
        {
            name = format!("mr:{number}");
        }
        if self.source_is("parent_pipeline") {
            name = format!("child:{name}");
        }
        if self.flag("object_attributes.tag") {
            name = format!("tag:{name}");
        }
        name
    }

    fn job(&self) -> Result<Parsed, Parsed> {
        let action = self.action("build_status")?;
        if action == Action::Trigger && self.flag("build_allow_failure") {
            return Err(Parsed::ignored("the job is allowed to fail"));
        }
        let branch = self.text("ref");
        let is_tag = self.flag("tag");
        if !is_tag {
            branches::check_watched(self.context.settings(), branch.as_deref())?;
        }
        let name = self.text("build_name");
        let label = name
            .as_ref()
            .map_or_else(|| "Job".to_owned(), |name| format!("Job {name}"));
        let page = first_text(self.body, &["project.web_url", "repository.homepage"]);
        let link = match (page, self.text("build_id")) {
            (Some(page), Some(id)) => Some(format!("{}/-/jobs/{id}", page.trim_end_matches('/'))),
            (page, _) => page,
        };
        self.alert(Finding {
            action,
            parts: vec![
                "job".to_owned(),
                branch.clone().unwrap_or_default(),
                name.unwrap_or_default(),
            ],
            subject: titled(&label, action, branch.as_deref()),
            description: self.text("build_failure_reason"),
            severity: self.severity(branch.as_deref(), is_tag),
            occurred_at: time_at(self.body, "build_finished_at"),
            link,
        })
    }

    fn deployment(&self) -> Result<Parsed, Parsed> {
        let action = self.action("status")?;
        let environment = first_text(self.body, &["environment", "environment.name"]);
        let label = match &environment {
            Some(environment) => format!("Deployment to {environment}"),
            None => "Deployment".to_owned(),
        };
        let tier = self.text("environment_tier");
        self.alert(Finding {
            action,
            subject: titled(&label, action, self.text("ref").as_deref()),
            severity: deployment_severity(environment.as_deref(), tier.as_deref()),
            parts: vec!["deploy".to_owned(), environment.unwrap_or_default()],
            description: self.text("commit_title"),
            occurred_at: time_at(self.body, "status_changed_at"),
            link: first_text(self.body, &["deployable_url", "environment_external_url"]),
        })
    }

    fn alert(&self, finding: Finding) -> Result<Parsed, Parsed> {
        let project = first_text(
            self.body,
            &[
                "project.id",
                "project_id",
                "project.path_with_namespace",
                "project_name",
            ],
        )
        .ok_or_else(|| Parsed::unrecognised("body: it names no project"))?;
        let name = first_text(
            self.body,
            &[
                "project.path_with_namespace",
                "project_name",
                "project.name",
            ],
        );
        let parts: Vec<&str> = std::iter::once(project.as_str())
            .chain(finding.parts.iter().map(String::as_str))
            .collect();
        Ok(Alert {
            action: finding.action,
            identity: identity(&parts),
            title: match &name {
                Some(name) => format!("{} in {name}", finding.subject),
                None => finding.subject,
            },
            description: finding.description,
            source: name.unwrap_or_else(|| self.context.integration.name.clone()),
            severity: finding.severity,
            details: self.body.clone(),
            occurred_at: finding.occurred_at,
            link: finding.link,
        }
        .into())
    }

    fn action(&self, path: &str) -> Result<Action, Parsed> {
        let state = self
            .text(path)
            .ok_or_else(|| Parsed::unrecognised(format!("body: it has no {path}")))?;
        outcome::action(&state, FAILURES, SUCCESSES)
            .ok_or_else(|| Parsed::ignored(format!("the status is {state}")))
    }

    /// By branch; tags are releases and weigh as much as the default branch.
    fn severity(&self, branch: Option<&str>, is_tag: bool) -> Severity {
        let place = if is_tag {
            Place::Unknown
        } else {
            let default = self.text("project.default_branch");
            Place::of(branch, default.as_deref())
        };
        place.severity(self.context.settings())
    }

    fn source_is(&self, source: &str) -> bool {
        self.text("object_attributes.source")
            .is_some_and(|text| is_word(&text, &[source]))
    }

    fn flag(&self, path: &str) -> bool {
        self.text(path)
            .is_some_and(|text| is_word(&text, &["true", "1"]))
    }

    fn text(&self, path: &str) -> Option<String> {
        text_at(self.body, path)
    }
}

/// `Job rspec failed on main`.
fn titled(what: &str, action: Action, branch: Option<&str>) -> String {
    let verb = outcome::verb(action);
    match branch {
        Some(branch) => format!("{what} {verb} on {branch}"),
        None => format!("{what} {verb}"),
    }
}

/// Review environments come and go, whatever their tier; else the tier decides,
/// else the name.
fn deployment_severity(environment: Option<&str>, tier: Option<&str>) -> Severity {
    if environment.is_some_and(|name| name.to_ascii_lowercase().starts_with("review/")) {
        return Severity::Warning;
    }
    match tier.map(str::to_ascii_lowercase).as_deref() {
        Some("production") => Severity::Critical,
        Some("development") => Severity::Warning,
        Some(_) => Severity::Error,
        None if environment.is_some_and(outcome::is_production) => Severity::Critical,
        None => Severity::Error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_weighs_by_review_then_tier_then_name() {
        for (environment, tier, expected) in [
            ("eu", Some("production"), Severity::Critical),
            ("production", Some("staging"), Severity::Error),
            ("production", Some("development"), Severity::Warning),
            ("production", Some("other"), Severity::Error),
            ("Production", None, Severity::Critical),
            ("prod", None, Severity::Critical),
            ("production-eu", None, Severity::Error),
            ("review/feat-1", Some("production"), Severity::Warning),
            ("review/feat-1", None, Severity::Warning),
        ] {
            assert_eq!(
                deployment_severity(Some(environment), tier),
                expected,
                "{environment} {tier:?}"
            );
        }
        assert_eq!(deployment_severity(None, None), Severity::Error);
    }
}
