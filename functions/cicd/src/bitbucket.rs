//! Bitbucket: commit statuses, keyed by repository, ref and tool, never by
//! build (`vendors/bitbucket.md`).

use common::{
    alert::Alert,
    intake::{
        Authentication, Context, Methods, Parsed, Received, Unreadable, Vendor, credentials,
        value::{at, first_text, identity, is_word, text_at, time_at},
    },
};
use http::StatusCode;
use serde_json::Value;

use crate::{
    branches::{self, Place},
    outcome,
};

pub(crate) const VENDOR: Vendor = Vendor {
    name: "bitbucket",
    methods: Methods::Post,
    // Data Center sends the ping of "Test connection" unsigned; nothing of it
    // is read.
    authentication: Authentication::Native(|received, secret, _| {
        is_ping(received) || credentials::has_sha256_header(received, "x-hub-signature", secret)
    }),
    overload: StatusCode::TOO_MANY_REQUESTS,
    normalise,
};

const STATUS_EVENTS: &[&str] = &["repo:commit_status_created", "repo:commit_status_updated"];
const FAILURES: &[&str] = &["failed"];
const SUCCESSES: &[&str] = &["successful"];

fn event_key(received: &Received) -> Option<&str> {
    received.header("x-event-key").filter(|key| !key.is_empty())
}

fn is_ping(received: &Received) -> bool {
    event_key(received).is_some_and(|key| is_word(key, &["diagnostics:ping"]))
}

fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    if is_ping(received) {
        return Ok(vec![Parsed::ignored("a test of the connection")]);
    }
    let body = received.json()?;
    let entry = match event_key(received) {
        Some(key) if !is_word(key, STATUS_EVENTS) => {
            Err(Parsed::ignored(format!("{key} is no alert")))
        }
        None if text_at(&body, "test").is_some() => {
            Err(Parsed::ignored("a test of the connection"))
        }
        _ => parse(&body, context),
    };
    Ok(vec![entry.unwrap_or_else(|ignored| ignored)])
}

fn parse(body: &Value, context: &Context<'_>) -> Result<Parsed, Parsed> {
    let status = at(body, "commit_status")
        .filter(|status| status.is_object())
        .ok_or_else(|| Parsed::unrecognised("body: it has no commit_status"))?;
    let state = text_at(status, "state")
        .ok_or_else(|| Parsed::unrecognised("commit_status: it has no state"))?;
    let action = outcome::action(&state, FAILURES, SUCCESSES)
        .ok_or_else(|| Parsed::ignored(format!("the build is {state}")))?;
    let identity = identity_of(body, status).ok_or_else(|| {
        Parsed::unrecognised("commit_status: it names no repository, commit or key")
    })?;
    let settings = context.settings();
    let branch = text_at(status, "refname");
    branches::check_watched(settings, branch.as_deref())?;
    let default = settings
        .text("defaultBranch")
        .map(|name| name.trim().to_owned())
        .or_else(|| text_at(body, "repository.mainbranch.name"));
    let repository = first_text(body, &["repository.full_name", "repository.name"]);
    let name = text_at(status, "name").unwrap_or_else(|| "Build".to_owned());
    let mut title = format!("{name} {}", outcome::verb(action));
    if let Some(branch) = &branch {
        title = format!("{title} on {branch}");
    }
    if let Some(repository) = &repository {
        title = format!("{title} in {repository}");
    }
    Ok(Alert {
        action,
        identity,
        title,
        description: text_at(status, "description"),
        source: repository.unwrap_or_else(|| context.integration.name.clone()),
        severity: Place::of(branch.as_deref(), default.as_deref()).severity(settings),
        details: body.clone(),
        occurred_at: time_at(status, "updated_on"),
        link: text_at(status, "url"),
    }
    .into())
}

fn identity_of(body: &Value, status: &Value) -> Option<String> {
    let repository = first_text(body, &["repository.uuid", "repository.full_name"])?;
    let reference = match text_at(status, "refname") {
        Some(name) => name,
        None => format!("commit:{}", commit(status)?),
    };
    Some(identity(&[&repository, &reference, &tool(status)?]))
}

fn commit(status: &Value) -> Option<String> {
    text_at(status, "commit.hash").or_else(|| {
        let link = text_at(status, "links.commit.href")?;
        let segment = link.trim_end_matches('/').rsplit('/').next()?;
        (!segment.is_empty()).then(|| segment.to_owned())
    })
}

/// Pipelines puts the build into its key; other tools name a series of builds.
fn tool(status: &Value) -> Option<String> {
    let is_pipelines = text_at(status, "url").is_some_and(|url| {
        url.contains("/addon/pipelines/") || url.contains("/pipelines/results/")
    });
    if is_pipelines {
        Some("pipelines".to_owned())
    } else {
        text_at(status, "key")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn builds_of_one_series_share_an_identity() {
        let body = json!({"repository": {"uuid": "{a-1}", "full_name": "shop/checkout"}});
        let pipelines = json!({"key": "77", "refname": "main", "url": "https://bitbucket.org/shop/checkout/pipelines/results/9"});
        assert_eq!(
            identity_of(&body, &pipelines).as_deref(),
            Some(r#"["{a-1}","main","pipelines"]"#)
        );
        let third_party = json!({"key": "ci/lint", "refname": null, "url": "https://ci.test/1", "links": {"commit": {"href": "https://api.test/commit/9fec84/"}}});
        assert_eq!(
            identity_of(&body, &third_party).as_deref(),
            Some(r#"["{a-1}","commit:9fec84","ci/lint"]"#)
        );
        for unknown in [
            json!({"refname": "main"}),
            json!({"key": "ci/lint"}),
            json!({"key": "ci/lint", "links": {"commit": {"href": "/"}}}),
        ] {
            assert_eq!(identity_of(&body, &unknown), None, "{unknown}");
        }
        assert_eq!(identity_of(&json!({}), &pipelines), None);
    }
}
