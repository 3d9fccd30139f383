//! Services.

use axum::{
    extract::{Path, Request, State},
    response::{IntoResponse as _, Response},
};
use common::{
    http::{ApiError, auth::Caller, body, fields::Fields, json},
    id::ServiceId,
    integration::Service,
    limits,
    openapi::{
        Errors,
        errors::{ApiKey, Body, Concurrent, Unknown, Works},
    },
    time::Timestamp,
};
use http::StatusCode;
use serde_json::json;

use crate::{App, bodies};

/// List services
#[utoipa::path(
    get,
    path = "/api/services",
    operation_id = "listServices",
    tag = "Services and integrations",
    responses(
        (status = 200, description = "Every service.", body = bodies::ServiceList),
        Errors::<(ApiKey, Works)>,
    )
)]
pub(crate) async fn list(State(app): State<App>, _: Caller) -> Result<Response, ApiError> {
    let services = app.store.services().await?;
    Ok(json(StatusCode::OK, &json!({ "services": services })))
}

/// Make a service
#[utoipa::path(
    post,
    path = "/api/services",
    operation_id = "createService",
    tag = "Services and integrations",
    request_body = bodies::NewService,
    responses(
        (status = 201, description = "The service.", body = bodies::ServiceAnswer),
        Errors::<(ApiKey, Body, Works)>,
    )
)]
pub(crate) async fn create(
    State(app): State<App>,
    _: Caller,
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
    app.store.create_service(&service).await?;
    Ok(json(StatusCode::CREATED, &json!({ "service": service })))
}

/// Read a service
#[utoipa::path(
    get,
    path = "/api/services/{id}",
    operation_id = "readService",
    tag = "Services and integrations",
    params(bodies::ServicePath),
    responses(
        (status = 200, description = "The service.", body = bodies::ServiceAnswer),
        Errors::<(ApiKey, Unknown, Works)>,
    )
)]
pub(crate) async fn read(
    State(app): State<App>,
    _: Caller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let service = find(&app, &id).await?;
    Ok(json(StatusCode::OK, &json!({ "service": service })))
}

/// Change a service
#[utoipa::path(
    patch,
    path = "/api/services/{id}",
    operation_id = "changeService",
    tag = "Services and integrations",
    params(bodies::ServicePath),
    request_body = bodies::ServiceChange,
    responses(
        (status = 200, description = "The service as it is now.", body = bodies::ServiceAnswer),
        Errors::<(ApiKey, Unknown, Body, Concurrent, Works)>,
    )
)]
pub(crate) async fn change(
    State(app): State<App>,
    _: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let mut service = find(&app, &id).await?;
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
    app.store.update_service(&service).await?;
    Ok(json(StatusCode::OK, &json!({ "service": service })))
}

/// Delete a service
///
/// Its integrations go with it, its incidents stay.
#[utoipa::path(
    delete,
    path = "/api/services/{id}",
    operation_id = "deleteService",
    tag = "Services and integrations",
    params(bodies::ServicePath),
    responses(
        (status = 204, description = "It is gone."),
        Errors::<(ApiKey, Unknown, Works)>,
    )
)]
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

/// The service of this id.
pub(crate) async fn find(app: &App, id: &str) -> Result<Service, ApiError> {
    let id: ServiceId = id.parse().map_err(|_| unknown())?;
    app.store.service(id).await?.ok_or_else(unknown)
}

fn unknown() -> ApiError {
    ApiError::not_found("there is no such service")
}
