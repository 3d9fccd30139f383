//! Integrations of a service.

use axum::{
    extract::{Path, Request, State},
    response::{IntoResponse as _, Response},
};
use common::{
    audit::Entry,
    aws, crypto,
    event::Actor,
    http::{
        ApiError,
        auth::{Caller, SettingsRead, SettingsWrite},
        body,
        fields::Fields,
        json,
    },
    id::{IntegrationId, ServiceId},
    integration::Integration,
    limits,
    openapi::{
        Errors,
        errors::{Body, Concurrent, ManyIntegrations, Unknown, Works},
    },
    store::StoreError,
    time::Timestamp,
};
use http::{HeaderMap, StatusCode, header::HOST};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    App, bodies,
    integration_fields::{
        apply, blank, must_be_change_of, new_key, provider_name, read_fields, set_key,
    },
    services,
};

/// List a service's integrations
#[utoipa::path(
    get,
    path = "/api/services/{id}/integrations",
    operation_id = "listIntegrations",
    tag = "Services and integrations",
    params(bodies::ServicePath),
    security(("apiKey" = ["settings:read"])),
    responses(
        (status = 200, description = "Its integrations, without their secrets.", body = bodies::IntegrationList),
        Errors::<(Caller<SettingsRead>, Unknown, Works)>,
    )
)]
pub(crate) async fn list(
    State(app): State<App>,
    _: Caller<SettingsRead>,
    Path(service): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let service = services::find(&app, &service).await?;
    let integrations = app.store.integrations(service.id).await?;
    let integrations: Vec<IntegrationView> = integrations
        .iter()
        .map(|one| view(&app, &headers, one))
        .collect();
    Ok(json(
        StatusCode::OK,
        &json!({ "integrations": integrations }),
    ))
}

/// Make an integration
///
/// The answer has its `url`, which the tool posts its alerts to, and its `key`.
#[utoipa::path(
    post,
    path = "/api/services/{id}/integrations",
    operation_id = "createIntegration",
    tag = "Services and integrations",
    params(bodies::ServicePath),
    request_body = bodies::NewIntegration,
    security(("apiKey" = ["settings:write"])),
    responses(
        (status = 201, description = "The integration; its key is shown here and on rotation only.", body = bodies::IntegrationAnswer),
        Errors::<(Caller<SettingsWrite>, Unknown, Body, ManyIntegrations, Concurrent, Works)>,
    )
)]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller<SettingsWrite>,
    Path(service): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let found = services::find(&app, &service).await?;
    let (parts, payload) = request.into_parts();
    let mut fields = Fields::of(body::read_json(&parts.headers, payload).await?)?;
    let given = read_fields(&mut fields);
    fields.must_have("type", &given.provider);
    fields.must_have("name", &given.name);
    fields.finish()?;
    let now = Timestamp::now();
    let mut integration = blank(IntegrationId::at(now), found.reference(), now);
    integration.provider = given.provider.clone().value().unwrap_or_default();
    apply(&mut integration, given);
    let key = new_key(&mut integration);
    let integration = add(&app, found.id, integration, caller.actor()).await?;
    let shown = with_key(view(&app, &parts.headers, &integration), &key);
    Ok(json(StatusCode::CREATED, &json!({ "integration": shown })))
}

/// Why an integration was not added.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AddError {
    /// Its service is gone.
    #[error("there is no such service")]
    NoService,
    /// The service has as many as it may have.
    #[error(
        "a service has at most {} integrations",
        limits::INTEGRATIONS_PER_SERVICE
    )]
    TooMany,
    /// It could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<AddError> for ApiError {
    fn from(error: AddError) -> Self {
        match error {
            AddError::NoService => Self::not_found(error.to_string()),
            AddError::TooMany => Self::conflict("too_many_integrations", error.to_string()),
            AddError::Store(error) => error.into(),
        }
    }
}

/// Adds an integration to the service as it is then, again where the service
/// changed in between.
pub(crate) async fn add(
    app: &App,
    service: ServiceId,
    mut integration: Integration,
    actor: &Actor,
) -> Result<Integration, AddError> {
    for attempt in 0..limits::CONFLICT_ATTEMPTS {
        let service = app.store.service(service).await?;
        let service = service.ok_or(AddError::NoService)?;
        let others = app.store.integrations(service.id).await?;
        if others.len() >= limits::INTEGRATIONS_PER_SERVICE {
            return Err(AddError::TooMany);
        }
        integration.service = service.reference();
        integration.service_options = service.options.clone();
        integration.service_revision = service.revision;
        let audit = Entry::created(actor, &integration);
        let created = app.store.create_integration(&integration, &service, &audit);
        match created.await {
            Err(StoreError::Conflict) => aws::conflict_pause(attempt).await,
            Err(error) => return Err(error.into()),
            Ok(()) => return Ok(integration),
        }
    }
    Err(StoreError::Conflict.into())
}

/// Read an integration
#[utoipa::path(
    get,
    path = "/api/services/{id}/integrations/{integration}",
    operation_id = "readIntegration",
    tag = "Services and integrations",
    params(bodies::IntegrationPath),
    security(("apiKey" = ["settings:read"])),
    responses(
        (status = 200, description = "The integration, without its secrets.", body = bodies::IntegrationAnswer),
        Errors::<(Caller<SettingsRead>, Unknown, Works)>,
    )
)]
pub(crate) async fn read(
    State(app): State<App>,
    _: Caller<SettingsRead>,
    Path((service, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let integration = find(&app, &service, &id).await?;
    Ok(json(
        StatusCode::OK,
        &json!({ "integration": view(&app, &headers, &integration) }),
    ))
}

/// Change an integration
#[utoipa::path(
    patch,
    path = "/api/services/{id}/integrations/{integration}",
    operation_id = "changeIntegration",
    tag = "Services and integrations",
    params(bodies::IntegrationPath),
    request_body = bodies::IntegrationChange,
    security(("apiKey" = ["settings:write"])),
    responses(
        (status = 200, description = "The integration as it is now.", body = bodies::IntegrationAnswer),
        Errors::<(Caller<SettingsWrite>, Unknown, Body, Concurrent, Works)>,
    )
)]
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller<SettingsWrite>,
    Path((service, id)): Path<(String, String)>,
    request: Request,
) -> Result<Response, ApiError> {
    let found = find(&app, &service, &id).await?;
    let (parts, payload) = request.into_parts();
    let mut fields = Fields::of(body::read_json(&parts.headers, payload).await?)?;
    let given = read_fields(&mut fields);
    must_be_change_of(&mut fields, &given, &found);
    fields.finish()?;
    let change = |integration: &mut Integration| apply(integration, given.clone());
    let integration = update(&app, found, caller.actor(), None, change).await?;
    Ok(json(
        StatusCode::OK,
        &json!({ "integration": view(&app, &parts.headers, &integration) }),
    ))
}

/// Changes an integration, again where somebody else was faster; logged under
/// `verb`, where it is no plain change.
async fn update(
    app: &App,
    mut before: Integration,
    actor: &Actor,
    verb: Option<&str>,
    change: impl Fn(&mut Integration),
) -> Result<Integration, ApiError> {
    for attempt in 0..limits::CONFLICT_ATTEMPTS {
        let mut after = before.clone();
        change(&mut after);
        after.updated_at = Timestamp::now_after(before.updated_at);
        let audit = Entry::updated(actor, &before, &after);
        let audit = verb.into_iter().fold(audit, Entry::called);
        match app.store.update_integration(&after, &before, &audit).await {
            Err(StoreError::Conflict) => aws::conflict_pause(attempt).await,
            other => return Ok(other.map(|()| after)?),
        }
        before = app
            .store
            .integration(before.id)
            .await?
            .ok_or_else(unknown)?;
    }
    Err(StoreError::Conflict.into())
}

/// Delete an integration
///
/// Alerts that come in by it are refused from then on.
#[utoipa::path(
    delete,
    path = "/api/services/{id}/integrations/{integration}",
    operation_id = "deleteIntegration",
    tag = "Services and integrations",
    params(bodies::IntegrationPath),
    security(("apiKey" = ["settings:write"])),
    responses(
        (status = 204, description = "It is gone."),
        Errors::<(Caller<SettingsWrite>, Unknown, Concurrent, Works)>,
    )
)]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller<SettingsWrite>,
    Path((service, id)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let integration = find(&app, &service, &id).await?;
    let audit = Entry::deleted(caller.actor(), &integration);
    if app.store.delete_integration(&integration, &audit).await? {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(unknown())
    }
}

/// Rotate an integration's key
///
/// The old key ends at once.
#[utoipa::path(
    post,
    path = "/api/services/{id}/integrations/{integration}/rotate-key",
    operation_id = "rotateIntegrationKey",
    tag = "Services and integrations",
    params(bodies::IntegrationPath),
    security(("apiKey" = ["settings:write"])),
    responses(
        (status = 200, description = "The integration with its new key.", body = bodies::IntegrationAnswer),
        Errors::<(Caller<SettingsWrite>, Unknown, Concurrent, Works)>,
    )
)]
pub(crate) async fn rotate_key(
    State(app): State<App>,
    caller: Caller<SettingsWrite>,
    Path((service, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let found = find(&app, &service, &id).await?;
    let key = crypto::new_integration_key();
    let change = |integration: &mut Integration| set_key(integration, &key);
    let integration = update(&app, found, caller.actor(), Some("key_rotated"), change).await?;
    let shown = with_key(view(&app, &headers, &integration), &key);
    Ok(json(StatusCode::OK, &json!({ "integration": shown })))
}

/// List an integration's latest requests
///
/// Those that were ignored or rejected, always; of those that were accepted, one of a hundred.
#[utoipa::path(
    get,
    path = "/api/services/{id}/integrations/{integration}/requests",
    operation_id = "listReceivedRequests",
    tag = "Services and integrations",
    params(bodies::IntegrationPath),
    security(("apiKey" = ["settings:read"])),
    responses(
        (status = 200, description = "Newest first, at most 100.", body = bodies::ReceivedRequests),
        Errors::<(Caller<SettingsRead>, Unknown, Works)>,
    )
)]
pub(crate) async fn requests(
    State(app): State<App>,
    _: Caller<SettingsRead>,
    Path((service, id)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let integration = find(&app, &service, &id).await?;
    let requests = app.store.requests(integration.id).await?;
    Ok(json(StatusCode::OK, &json!({ "requests": requests })))
}

/// The integration of this id, if it is the service's.
async fn find(app: &App, service: &str, id: &str) -> Result<Integration, ApiError> {
    let id: IntegrationId = id.parse().map_err(|_| unknown())?;
    let found = app.store.integration(id).await?;
    found
        .filter(|integration| integration.service.id.to_string() == service)
        .ok_or_else(unknown)
}

fn unknown() -> ApiError {
    ApiError::not_found("there is no such integration of this service")
}

/// Where an integration takes alerts.
pub(crate) fn intake_url(app: &App, headers: &HeaderMap, integration: &Integration) -> String {
    let host = app
        .public_url
        .clone()
        .unwrap_or_else(|| request_host(headers));
    format!(
        "{}/api/integrations/{}?integrationId={}",
        host.trim_end_matches('/'),
        integration.provider,
        integration.id
    )
}

/// An integration, without its secrets.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Integration, example = json!({
    "id": "int_01KA2V5T8ZQ4N6W3Y7X9B1C2D3", "serviceId": "svc_01KA2V5T8ZQ4N6W3Y7X9B1C2D3",
    "type": "prometheus", "name": "Alertmanager", "enabled": true, "hasSignatureSecret": false,
    "requireKey": false, "settings": {}, "rateLimitPerMinute": 1000,
    "url": "https://alerts.example.com/api/integrations/prometheus?integrationId=int_01KA2V5T8ZQ4N6W3Y7X9B1C2D3",
    "createdAt": "2026-01-15T10:30:00.000Z", "updatedAt": "2026-01-15T10:30:00.000Z"
}))]
pub(crate) struct IntegrationView {
    id: IntegrationId,
    service_id: ServiceId,
    #[serde(rename = "type")]
    #[schema(schema_with = provider_name)]
    provider: String,
    name: String,
    enabled: bool,
    has_signature_secret: bool,
    require_key: bool,
    #[schema(value_type = Object)]
    settings: serde_json::Map<String, Value>,
    rate_limit_per_minute: u32,
    /// Where the tool posts its alerts: it carries the credential.
    url: String,
    /// The integration key; where it is new only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = "^[0-9a-f]{32}$")]
    key: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

fn view(app: &App, headers: &HeaderMap, integration: &Integration) -> IntegrationView {
    IntegrationView {
        id: integration.id,
        service_id: integration.service.id,
        provider: integration.provider.clone(),
        name: integration.name.clone(),
        enabled: integration.enabled,
        has_signature_secret: integration.signature_secret.is_some(),
        require_key: integration.require_key,
        settings: integration.settings.as_map().clone(),
        rate_limit_per_minute: integration.rate_limit_per_minute,
        url: intake_url(app, headers, integration),
        key: None,
        created_at: integration.created_at,
        updated_at: integration.updated_at,
    }
}

fn with_key(mut view: IntegrationView, key: &str) -> IntegrationView {
    view.key = Some(key.to_owned());
    view
}

/// Where the caller reached us.
fn request_host(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = text("x-forwarded-proto").unwrap_or("http");
    format!("{scheme}://{}", text(HOST.as_str()).unwrap_or("localhost"))
}
