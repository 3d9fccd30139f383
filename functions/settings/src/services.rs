//! Services.

use axum::{
    extract::{Path, Request, State},
    response::{IntoResponse as _, Response},
};
use common::{
    audit::Entry,
    aws,
    event::Actor,
    http::{
        ApiError,
        auth::{Caller, SettingsRead, SettingsWrite},
        body,
        fields::{Field, Fields},
        json,
    },
    id::ServiceId,
    integration::Service,
    limits,
    openapi::{
        Errors,
        errors::{Body, Concurrent, Unknown, Works},
    },
    service_options::ServiceOptions,
    store::StoreError,
    time::Timestamp,
};
use http::StatusCode;
use serde_json::json;

use crate::{
    App, bodies,
    service_fields::{Given, Past, ServiceView, view},
};

/// List services
#[utoipa::path(
    get,
    path = "/api/services",
    operation_id = "listServices",
    tag = "Services and integrations",
    security(("apiKey" = ["settings:read"])),
    responses(
        (status = 200, description = "Every service.", body = bodies::ServiceList),
        Errors::<(Caller<SettingsRead>, Works)>,
    )
)]
pub(crate) async fn list(
    State(app): State<App>,
    _: Caller<SettingsRead>,
) -> Result<Response, ApiError> {
    let services = app.store.services().await?;
    let now = Timestamp::now();
    let services: Vec<ServiceView> = services.iter().map(|one| view(one, now)).collect();
    Ok(json(StatusCode::OK, &json!({ "services": services })))
}

/// Make a service
#[utoipa::path(
    post,
    path = "/api/services",
    operation_id = "createService",
    tag = "Services and integrations",
    request_body = bodies::NewService,
    security(("apiKey" = ["settings:write"])),
    responses(
        (status = 201, description = "The service.", body = bodies::ServiceAnswer),
        Errors::<(Caller<SettingsWrite>, Body, Works)>,
    )
)]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller<SettingsWrite>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, payload) = request.into_parts();
    let mut fields = Fields::of(body::read_json(&parts.headers, payload).await?)?;
    let now = Timestamp::now();
    let given = Given::read(&mut fields, now, Past::Refused);
    fields.must_have("name", &given.name);
    fields.finish()?;
    let service = given.apply(&blank(ServiceId::at(now), now), now);
    let audit = Entry::created(caller.actor(), &service);
    app.store.create_service(&service, &audit).await?;
    Ok(json(
        StatusCode::CREATED,
        &json!({ "service": view(&service, now) }),
    ))
}

/// Read a service
#[utoipa::path(
    get,
    path = "/api/services/{id}",
    operation_id = "readService",
    tag = "Services and integrations",
    params(bodies::ServicePath),
    security(("apiKey" = ["settings:read"])),
    responses(
        (status = 200, description = "The service.", body = bodies::ServiceAnswer),
        Errors::<(Caller<SettingsRead>, Unknown, Works)>,
    )
)]
pub(crate) async fn read(
    State(app): State<App>,
    _: Caller<SettingsRead>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let service = find(&app, &id).await?;
    let service = view(&service, Timestamp::now());
    Ok(json(StatusCode::OK, &json!({ "service": service })))
}

/// Change a service
///
/// When it is answered, new alerts are treated as it says.
#[utoipa::path(
    patch,
    path = "/api/services/{id}",
    operation_id = "changeService",
    tag = "Services and integrations",
    params(bodies::ServicePath),
    request_body = bodies::ServiceChange,
    security(("apiKey" = ["settings:write"])),
    responses(
        (status = 200, description = "The service as it is now.", body = bodies::ServiceAnswer),
        Errors::<(Caller<SettingsWrite>, Unknown, Body, Concurrent, Works)>,
    )
)]
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller<SettingsWrite>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, payload) = request.into_parts();
    let mut fields = Fields::of(body::read_json(&parts.headers, payload).await?)?;
    let now = Timestamp::now();
    let given = Given::read(&mut fields, now, Past::Refused);
    if given.name == Field::Null {
        fields.problem("name", "cannot be null");
    }
    fields.finish()?;
    let service = update(&app, &id, caller.actor(), |service| {
        given.apply(service, now)
    })
    .await?;
    Ok(json(
        StatusCode::OK,
        &json!({ "service": view(&service, now) }),
    ))
}

/// Changes a service, again where somebody else was faster.
async fn update(
    app: &App,
    id: &str,
    actor: &Actor,
    change: impl Fn(&Service) -> Service,
) -> Result<Service, ApiError> {
    for attempt in 0..limits::CONFLICT_ATTEMPTS {
        let service = find(app, id).await?;
        let after = change(&service);
        if after == service {
            return Ok(service);
        }
        let after = Service {
            updated_at: Timestamp::now(),
            ..after
        };
        let audit = Entry::updated(actor, &service, &after);
        match app.store.update_service(&after, &audit).await {
            Err(StoreError::Conflict) => aws::conflict_pause(attempt).await,
            other => return Ok(other?),
        }
    }
    Err(StoreError::Conflict.into())
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
    security(("apiKey" = ["settings:write"])),
    responses(
        (status = 204, description = "It is gone."),
        Errors::<(Caller<SettingsWrite>, Unknown, Works)>,
    )
)]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller<SettingsWrite>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let (id, actor) = (id.parse().map_err(|_| unknown())?, caller.actor());
    let existed = match app.store.service(id).await? {
        Some(service) => app.store.delete_service(&service, actor).await?,
        // Its integrations would take alerts for ever.
        None => app.store.delete_integrations_of(id, actor).await? > 0,
    };
    if existed {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(unknown())
    }
}

/// A service of which nothing is said yet.
pub(crate) fn blank(id: ServiceId, now: Timestamp) -> Service {
    Service {
        id,
        name: String::new(),
        description: None,
        options: ServiceOptions::default(),
        revision: 1,
        created_at: now,
        updated_at: now,
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
