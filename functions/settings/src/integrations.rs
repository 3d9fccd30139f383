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
        fields::{Field, Fields},
        json,
    },
    id::IntegrationId,
    integration::{Integration, Settings},
    limits, provider,
    store::StoreError,
    time::Timestamp,
};
use http::{HeaderMap, StatusCode, header::HOST};
use serde_json::{Value, json};

use crate::{App, services};

/// Requests taken in one minute where nothing else is said.
const DEFAULT_RATE_LIMIT: u32 = 1_000;
/// Highest rate limit that can be set, requests a minute.
const MAX_RATE_LIMIT: u64 = 100_000;
/// Length of a signature secret, characters.
const SECRET_CHARS: std::ops::RangeInclusive<usize> = 1..=256;

/// What a body may say of an integration.
struct Given {
    provider: Field<String>,
    name: Field<String>,
    enabled: Field<bool>,
    signature_secret: Field<String>,
    require_key: Field<bool>,
    settings: Field<Settings>,
    rate_limit: Field<u64>,
}

/// `GET /api/services/{id}/integrations`
pub(crate) async fn list(
    State(app): State<App>,
    _: Caller<SettingsRead>,
    Path(service): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let service = services::find(&app, &service).await?;
    let integrations = app.store.integrations(service.id).await?;
    let integrations: Vec<Value> = integrations
        .iter()
        .map(|one| view(&app, &headers, one))
        .collect();
    Ok(json(
        StatusCode::OK,
        &json!({ "integrations": integrations }),
    ))
}

/// `POST /api/services/{id}/integrations`
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
    let provider = fields.required("type", given.provider);
    let name = fields.required("name", given.name);
    fields.finish()?;
    let now = Timestamp::now();
    let key = crypto::new_integration_key();
    let integration = Integration {
        id: IntegrationId::at(now),
        service: found.reference(),
        service_options: found.options,
        service_revision: found.revision,
        provider: provider.unwrap_or_default(),
        name: name.unwrap_or_default(),
        enabled: given.enabled.value().unwrap_or(true),
        signature_secret: given.signature_secret.value(),
        require_key: given.require_key.value().unwrap_or(false),
        settings: given.settings.value().unwrap_or_default(),
        rate_limit_per_minute: rate_limit(given.rate_limit.value()),
        key_hash: crypto::sha256_hex(key.as_bytes()),
        pinned_topic_arn: None,
        created_at: now,
        updated_at: now,
    };
    let integration = add(&app, &service, integration, caller.actor()).await?;
    let shown = with_key(view(&app, &parts.headers, &integration), &key);
    Ok(json(StatusCode::CREATED, &json!({ "integration": shown })))
}

/// Adds an integration to the service as it is then, again where the service
/// changed in between.
async fn add(
    app: &App,
    service: &str,
    mut integration: Integration,
    actor: &Actor,
) -> Result<Integration, ApiError> {
    for attempt in 0..limits::CONFLICT_ATTEMPTS {
        let service = services::find(app, service).await?;
        let others = app.store.integrations(service.id).await?;
        if others.len() >= limits::INTEGRATIONS_PER_SERVICE {
            return Err(ApiError::conflict(
                "too_many_integrations",
                format!(
                    "a service has at most {} integrations",
                    limits::INTEGRATIONS_PER_SERVICE
                ),
            ));
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

/// `GET /api/services/{id}/integrations/{integration}`
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

/// `PATCH /api/services/{id}/integrations/{integration}`
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller<SettingsWrite>,
    Path((service, id)): Path<(String, String)>,
    request: Request,
) -> Result<Response, ApiError> {
    let before = find(&app, &service, &id).await?;
    let mut integration = before.clone();
    let (parts, payload) = request.into_parts();
    let mut fields = Fields::of(body::read_json(&parts.headers, payload).await?)?;
    let given = read_fields(&mut fields);
    if given
        .provider
        .value()
        .is_some_and(|provider| provider != integration.provider)
    {
        fields.problem("type", "cannot be changed; create another integration");
    }
    fields.finish()?;
    if let Some(name) = given.name.value() {
        integration.name = name;
    }
    if let Some(enabled) = given.enabled.value() {
        integration.enabled = enabled;
    }
    if let Some(secret) = given.signature_secret.change() {
        integration.signature_secret = secret;
    }
    if let Some(require_key) = given.require_key.value() {
        integration.require_key = require_key;
    }
    if let Some(settings) = given.settings.change() {
        integration.settings = settings.unwrap_or_default();
    }
    if let Some(limit) = given.rate_limit.change() {
        integration.rate_limit_per_minute = rate_limit(limit);
    }
    integration.updated_at = Timestamp::now();
    let audit = Entry::updated(caller.actor(), &before, &integration);
    app.store
        .update_integration(&integration, &integration.key_hash, &audit)
        .await?;
    Ok(json(
        StatusCode::OK,
        &json!({ "integration": view(&app, &parts.headers, &integration) }),
    ))
}

/// `DELETE /api/services/{id}/integrations/{integration}`
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller<SettingsWrite>,
    Path((service, id)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let integration = find(&app, &service, &id).await?;
    let audit = Entry::deleted(caller.actor(), &integration);
    app.store.delete_integration(&integration, &audit).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /api/services/{id}/integrations/{integration}/rotate-key`: the old key
/// ends at once.
pub(crate) async fn rotate_key(
    State(app): State<App>,
    caller: Caller<SettingsWrite>,
    Path((service, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let before = find(&app, &service, &id).await?;
    let mut integration = before.clone();
    let key = crypto::new_integration_key();
    integration.key_hash = crypto::sha256_hex(key.as_bytes());
    integration.updated_at = Timestamp::now();
    let audit = Entry::updated(caller.actor(), &before, &integration).called("key_rotated");
    app.store
        .update_integration(&integration, &before.key_hash, &audit)
        .await?;
    let shown = with_key(view(&app, &headers, &integration), &key);
    Ok(json(StatusCode::OK, &json!({ "integration": shown })))
}

/// `GET /api/services/{id}/integrations/{integration}/requests`
pub(crate) async fn requests(
    State(app): State<App>,
    _: Caller<SettingsRead>,
    Path((service, id)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let integration = find(&app, &service, &id).await?;
    let requests = app.store.requests(integration.id).await?;
    Ok(json(StatusCode::OK, &json!({ "requests": requests })))
}

fn read_fields(fields: &mut Fields) -> Given {
    Given {
        provider: fields.word("type", "the name of a provider", |name| {
            provider::is_provider(name).then(|| name.to_owned())
        }),
        name: fields.line("name", limits::NAME_CHARS),
        enabled: fields.flag("enabled"),
        signature_secret: fields.read("signatureSecret", |value| {
            let secret = value
                .as_str()
                .filter(|text| SECRET_CHARS.contains(&text.chars().count()));
            secret
                .map(str::to_owned)
                .ok_or_else(|| "expected text of 1 to 256 characters".to_owned())
        }),
        require_key: fields.flag("requireKey"),
        settings: fields.read("settings", |value| match value {
            Value::Object(options) if value_size(&options) <= limits::SETTINGS_BYTES => {
                Ok(Settings::new(options))
            }
            Value::Object(_) => Err(format!("expected at most {} bytes", limits::SETTINGS_BYTES)),
            _ => Err("expected an object".to_owned()),
        }),
        rate_limit: fields.number("rateLimitPerMinute", 1..=MAX_RATE_LIMIT),
    }
}

fn value_size(options: &serde_json::Map<String, Value>) -> usize {
    serde_json::to_string(options).map_or(usize::MAX, |text| text.len())
}

fn rate_limit(given: Option<u64>) -> u32 {
    given
        .and_then(|limit| u32::try_from(limit).ok())
        .unwrap_or(DEFAULT_RATE_LIMIT)
}

/// The integration of this id, if it is the service's.
async fn find(app: &App, service: &str, id: &str) -> Result<Integration, ApiError> {
    let unknown = || ApiError::not_found("there is no such integration of this service");
    let id: IntegrationId = id.parse().map_err(|_| unknown())?;
    let found = app.store.integration(id).await?;
    found
        .filter(|integration| integration.service.id.to_string() == service)
        .ok_or_else(unknown)
}

/// An integration without its secrets.
fn view(app: &App, headers: &HeaderMap, integration: &Integration) -> Value {
    let host = app
        .public_url
        .clone()
        .unwrap_or_else(|| request_host(headers));
    json!({
        "id": integration.id,
        "serviceId": integration.service.id,
        "type": integration.provider,
        "name": integration.name,
        "enabled": integration.enabled,
        "hasSignatureSecret": integration.signature_secret.is_some(),
        "requireKey": integration.require_key,
        "settings": integration.settings.as_map(),
        "rateLimitPerMinute": integration.rate_limit_per_minute,
        "url": format!(
            "{}/api/integrations/{}?integrationId={}",
            host.trim_end_matches('/'),
            integration.provider,
            integration.id
        ),
        "createdAt": integration.created_at,
        "updatedAt": integration.updated_at,
    })
}

fn with_key(mut view: Value, key: &str) -> Value {
    view["key"] = Value::from(key);
    view
}

/// Where the caller reached us.
fn request_host(headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = text("x-forwarded-proto").unwrap_or("http");
    format!("{scheme}://{}", text(HOST.as_str()).unwrap_or("localhost"))
}
