//! Services.

use axum::{
    extract::{Path, Request, State},
    response::{IntoResponse as _, Response},
};
use common::{
    http::{
        ApiError,
        auth::Caller,
        body,
        fields::{Field, Fields},
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

/// What a body may say of a service.
pub(crate) struct Given {
    pub name: Field<String>,
    pub description: Field<String>,
}

/// `GET /api/services`
pub(crate) async fn list(State(app): State<App>, _: Caller) -> Result<Response, ApiError> {
    let services = app.store.services().await?;
    Ok(json(StatusCode::OK, &json!({ "services": services })))
}

/// `POST /api/services`
pub(crate) async fn create(
    State(app): State<App>,
    _: Caller,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, payload) = request.into_parts();
    let mut fields = Fields::of(body::read_json(&parts.headers, payload).await?)?;
    let given = read_fields(&mut fields);
    fields.must_have("name", &given.name);
    fields.finish()?;
    let now = Timestamp::now();
    let mut service = blank(ServiceId::at(now), now);
    apply(&mut service, given);
    app.store.create_service(&service).await?;
    Ok(json(StatusCode::CREATED, &json!({ "service": service })))
}

/// `GET /api/services/{id}`
pub(crate) async fn read(
    State(app): State<App>,
    _: Caller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let service = find(&app, &id).await?;
    Ok(json(StatusCode::OK, &json!({ "service": service })))
}

/// `PATCH /api/services/{id}`
pub(crate) async fn change(
    State(app): State<App>,
    _: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let mut service = find(&app, &id).await?;
    let (parts, payload) = request.into_parts();
    let mut fields = Fields::of(body::read_json(&parts.headers, payload).await?)?;
    let given = read_fields(&mut fields);
    fields.finish()?;
    apply(&mut service, given);
    service.updated_at = Timestamp::now();
    app.store.update_service(&service).await?;
    Ok(json(StatusCode::OK, &json!({ "service": service })))
}

/// `DELETE /api/services/{id}`: its integrations go with it, its incidents stay.
pub(crate) async fn delete(
    State(app): State<App>,
    _: Caller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let id: ServiceId = id.parse().map_err(|_| unknown())?;
    if app.store.delete_service(id).await? {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(unknown())
    }
}

/// Reads every field of a service.
pub(crate) fn read_fields(fields: &mut Fields) -> Given {
    Given {
        name: fields.line("name", limits::NAME_CHARS),
        description: fields.block("description", limits::DESCRIPTION_CHARS),
    }
}

/// A service of which nothing is said yet.
pub(crate) fn blank(id: ServiceId, now: Timestamp) -> Service {
    Service {
        id,
        name: String::new(),
        description: None,
        created_at: now,
        updated_at: now,
    }
}

/// Puts what a body says into a service.
pub(crate) fn apply(service: &mut Service, given: Given) {
    if let Some(name) = given.name.value() {
        service.name = name;
    }
    if let Some(description) = given.description.change() {
        service.description = description;
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
