//! Services.

use axum::{
    extract::{Path, Request, State},
    response::{IntoResponse as _, Response},
};
use common::{
    audit::Entry,
    http::{
        ApiError,
        auth::{Caller, SettingsRead, SettingsWrite},
        body,
        fields::Fields,
        json,
    },
    id::ServiceId,
    integration::Service,
    limits,
    time::Timestamp,
};
use http::StatusCode;
use serde_json::json;

use crate::App;

/// `GET /api/services`
pub(crate) async fn list(
    State(app): State<App>,
    _: Caller<SettingsRead>,
) -> Result<Response, ApiError> {
    let services = app.store.services().await?;
    Ok(json(StatusCode::OK, &json!({ "services": services })))
}

/// `POST /api/services`
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller<SettingsWrite>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, payload) = request.into_parts();
    let mut fields = Fields::of(body::read_json(&parts.headers, payload).await?)?;
    let name = fields.line("name", limits::NAME_CHARS);
    let name = fields.required("name", name);
    let description = fields
        .block("description", limits::DESCRIPTION_CHARS)
        .value();
    fields.finish()?;
    let now = Timestamp::now();
    let name = name.unwrap_or_default();
    let service = Service {
        id: ServiceId::at(now),
        name,
        description,
        created_at: now,
        updated_at: now,
    };
    let audit = Entry::created(caller.actor(), &service);
    app.store.create_service(&service, &audit).await?;
    Ok(json(StatusCode::CREATED, &json!({ "service": service })))
}

/// `GET /api/services/{id}`
pub(crate) async fn read(
    State(app): State<App>,
    _: Caller<SettingsRead>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let service = find(&app, &id).await?;
    Ok(json(StatusCode::OK, &json!({ "service": service })))
}

/// `PATCH /api/services/{id}`
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller<SettingsWrite>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let before = find(&app, &id).await?;
    let mut service = before.clone();
    let (parts, payload) = request.into_parts();
    let mut fields = Fields::of(body::read_json(&parts.headers, payload).await?)?;
    if let Some(name) = fields.line("name", limits::NAME_CHARS).value() {
        service.name = name;
    }
    if let Some(description) = fields
        .block("description", limits::DESCRIPTION_CHARS)
        .change()
    {
        service.description = description;
    }
    fields.finish()?;
    service.updated_at = Timestamp::now();
    let audit = Entry::updated(caller.actor(), &before, &service);
    app.store.update_service(&service, &audit).await?;
    Ok(json(StatusCode::OK, &json!({ "service": service })))
}

/// `DELETE /api/services/{id}`: its integrations go with it, its incidents stay.
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller<SettingsWrite>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let service = find(&app, &id).await?;
    if app.store.delete_service(&service, caller.actor()).await? {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(unknown())
    }
}

/// The service of this id.
pub(crate) async fn find(app: &App, id: &str) -> Result<Service, ApiError> {
    let id: ServiceId = id.parse().map_err(|_| unknown())?;
    app.store.service(id).await?.ok_or_else(unknown)
}

fn unknown() -> ApiError {
    ApiError::not_found("there is no such service")
}
