//! Taking the document out.

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use common::{
    api_key::Scope,
    audit::{Entry, Target},
    http::{
        ApiError,
        auth::{Caller, SettingsRead, missing_scope},
        page::Query as Parameters,
    },
    openapi::{
        Errors,
        errors::{Query, Works},
    },
    time::Timestamp,
};
use http::{HeaderValue, header::CONTENT_TYPE};

use super::{
    document::{self, Document, Secrets},
    existing::Existing,
};
use crate::{App, bodies};

/// Export services, integrations and webhooks
///
/// As one document, indented, with a line end at its end, as a file in git
/// wants it. With `secrets=true` also what else would be hidden, for a caller
/// with `settings:write`.
#[utoipa::path(
    get,
    path = "/api/export",
    operation_id = "exportConfiguration",
    tag = "Export and import",
    params(bodies::ExportQuery),
    security(("apiKey" = ["settings:read"])),
    responses(
        (status = 200, description = "The document.", body = bodies::Exported),
        Errors::<(Caller<SettingsRead>, Query, Works)>,
    )
)]
pub(crate) async fn export(
    State(app): State<App>,
    caller: Caller<SettingsRead>,
    request: Request,
) -> Result<Response, ApiError> {
    let secrets = match flag(&Parameters::of(request.uri()), "secrets")? {
        true => Secrets::Shown,
        false => Secrets::Hidden,
    };
    if secrets == Secrets::Shown {
        if !caller.has(Scope::SettingsWrite) {
            return Err(missing_scope(Scope::SettingsWrite));
        }
        let configuration = Target {
            kind: "configuration".to_owned(),
            id: "configuration".to_owned(),
            name: "with its secrets".to_owned(),
        };
        let audit = Entry::of(caller.actor(), "exported", configuration);
        app.store.log_change(&audit).await?;
    }
    let existing = Existing::read(&app.store).await?;
    let now = Timestamp::now();
    let integrations = existing.integrations.iter();
    let webhooks = existing.webhooks.iter();
    let document = Document {
        version: document::VERSION,
        secrets: secrets == Secrets::Shown,
        not_included: document::NOT_INCLUDED,
        services: existing
            .services
            .iter()
            .map(|one| document::service(one, now))
            .collect(),
        integrations: integrations
            .map(|one| document::integration(one, secrets))
            .collect(),
        webhooks: webhooks
            .map(|one| document::webhook(one, secrets))
            .collect(),
    };
    let mut text = serde_json::to_string_pretty(&document).map_err(|error| {
        ApiError::internal(&format!("the document does not serialise: {error}"))
    })?;
    text.push('\n');
    let mut response = Response::new(Body::from(text));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}

/// A yes-or-no parameter, no where absent.
pub(super) fn flag(query: &Parameters, name: &str) -> Result<bool, ApiError> {
    let given = query.parsed(name, "true or false", |text| text.parse().ok())?;
    Ok(given.unwrap_or(false))
}
