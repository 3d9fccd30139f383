//! What people do to an incident. Changes are made to the version that they
//! saw, so that nobody undoes unknowingly what somebody else did.

use axum::{
    extract::Path,
    response::{IntoResponse as _, Redirect, Response},
};
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    list::api_path,
    one::{self, Refused},
};
use crate::{
    api::{Api, Problem, segment},
    form::Form,
    session::local,
};

/// `POST /incidents/{id}/status`
pub(super) async fn status(api: Api, Path(id): Path<String>, form: Form) -> Response {
    let mut body = json!({ "status": form.get("status") });
    if form.get("status") == "SNOOZED" {
        body["snoozeMinutes"] = form.number("snoozeMinutes");
    }
    match change(&api, &id, &form, body).await {
        Ok(_) if !form.get("back").is_empty() => {
            Redirect::to(local(form.get("back"))).into_response()
        }
        Ok(_) => to_page(&id),
        Err(problem) => refused(&api, &id, "status", form, problem).await,
    }
}

/// `POST /incidents/{id}/edit`
pub(super) async fn edit(api: Api, Path(id): Path<String>, form: Form) -> Response {
    let body = written(&form);
    match change(&api, &id, &form, body).await {
        Ok(_) => to_page(&id),
        Err(problem) => {
            if is_of_page(&problem) {
                return problem.into_response();
            }
            let refused = Refused {
                form: "edit",
                typed: form,
                problem,
            };
            one::render_edit(&api, &id, Some(&refused))
                .await
                .into_response()
        }
    }
}

/// `POST /incidents/{id}/note`. A note takes nothing from anybody: it needs no
/// version.
pub(super) async fn note(api: Api, Path(id): Path<String>, form: Form) -> Response {
    let added = if form.get("note").trim().is_empty() {
        Err(crate::form::invalid("note", "say something"))
    } else {
        api.patch(&api_path(&id), json!({ "note": form.get("note") }))
            .await
    };
    match added {
        Ok(_) => to_page(&id),
        Err(problem) => refused(&api, &id, "note", form, problem).await,
    }
}

/// The fields of an incident as the API takes them.
pub(super) fn written(form: &Form) -> Value {
    let assignee = match form.text_or_null("assignee.name") {
        Value::Null => Value::Null,
        name => json!({ "name": name, "email": form.text_or_null("assignee.email") }),
    };
    json!({
        "title": form.get("title"),
        "description": form.text_or_null("description"),
        "urgency": form.get("urgency"),
        "priority": form.text_or_null("priority"),
        "assignee": assignee,
    })
}

async fn change(api: &Api, id: &str, form: &Form, body: Value) -> Result<Value, Problem> {
    let version = form.get("version");
    if version.is_empty() || !version.bytes().all(|byte| byte.is_ascii_digit()) {
        let message = "the form does not say which version of the incident it is about";
        return Err(Problem::new(StatusCode::BAD_REQUEST, message));
    }
    api.patch_version(&api_path(id), version, body).await
}

async fn refused(
    api: &Api,
    id: &str,
    form: &'static str,
    typed: Form,
    problem: Problem,
) -> Response {
    if is_of_page(&problem) {
        return problem.into_response();
    }
    let refused = Refused {
        form,
        typed,
        problem,
    };
    one::render(api, id, Some(&refused)).await.into_response()
}

/// Whether the incident cannot be shown beside the problem.
fn is_of_page(problem: &Problem) -> bool {
    matches!(
        problem.status,
        StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND
    )
}

fn to_page(id: &str) -> Response {
    Redirect::to(&format!("/incidents/{}", segment(id))).into_response()
}
