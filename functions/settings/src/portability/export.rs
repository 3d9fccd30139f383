//! Taking the document out.

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use common::http::{ApiError, auth::Caller, page::Query};
use http::{HeaderValue, header::CONTENT_TYPE};

use super::{
    document::{self, Document, Secrets},
    existing::Existing,
};
use crate::App;

/// `GET /api/export`: the document, indented, with a line end at its end, as a
/// file in git wants it. With `?secrets=true` also what else would be hidden.
pub(crate) async fn export(
    State(app): State<App>,
    _: Caller,
    request: Request,
) -> Result<Response, ApiError> {
    let secrets = match flag(&Query::of(request.uri()), "secrets")? {
        true => Secrets::Shown,
        false => Secrets::Hidden,
    };
    let existing = Existing::read(&app.store).await?;
    let integrations = existing.integrations.iter();
    let webhooks = existing.webhooks.iter();
    let document = Document {
        version: document::VERSION,
        secrets: secrets == Secrets::Shown,
        not_included: document::NOT_INCLUDED,
        services: existing.services.iter().map(document::service).collect(),
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
pub(super) fn flag(query: &Query, name: &str) -> Result<bool, ApiError> {
    let given = query.parsed(name, "true or false", |text| text.parse().ok())?;
    Ok(given.unwrap_or(false))
}
