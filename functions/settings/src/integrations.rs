//! Integrations of a service.

use axum::{
    extract::{Path, Request, State},
    response::{IntoResponse as _, Response},
};
use common::{
    crypto,
    http::{
        ApiError,
        auth::Caller,
        body,
        fields::{Field, Fields},
        json,
    },
    id::IntegrationId,
    incident::ServiceRef,
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
pub(crate) struct Given {
    pub provider: Field<String>,
    pub name: Field<String>,
    pub enabled: Field<bool>,
    pub signature_secret: Field<String>,
    pub require_key: Field<bool>,
    pub settings: Field<Settings>,
    pub rate_limit: Field<u64>,
}

/// `GET /api/services/{id}/integrations`
pub(crate) async fn list(
    State(app): State<App>,
    _: Caller,
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
    _: Caller,
    Path(service): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let service = services::find(&app, &service).await?;
    let (parts, payload) = request.into_parts();
    let mut fields = Fields::of(body::read_json(&parts.headers, payload).await?)?;
    let given = read_fields(&mut fields);
    fields.must_have("type", &given.provider);
    fields.must_have("name", &given.name);
    fields.finish()?;
    let now = Timestamp::now();
    let mut integration = blank(IntegrationId::at(now), service.reference(), now);
    integration.provider = given.provider.clone().value().unwrap_or_default();
    apply(&mut integration, given);
    let key = new_key(&mut integration);
    match app.store.create_integration(&integration).await {
        Err(StoreError::Conflict) => Err(ApiError::not_found("the service was deleted meanwhile")),
        Err(error) => Err(error.into()),
        Ok(()) => {
            let shown = with_key(view(&app, &parts.headers, &integration), &key);
            Ok(json(StatusCode::CREATED, &json!({ "integration": shown })))
        }
    }
}

/// `GET /api/services/{id}/integrations/{integration}`
pub(crate) async fn read(
    State(app): State<App>,
    _: Caller,
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
    _: Caller,
    Path((service, id)): Path<(String, String)>,
    request: Request,
) -> Result<Response, ApiError> {
    let mut integration = find(&app, &service, &id).await?;
    let (parts, payload) = request.into_parts();
    let mut fields = Fields::of(body::read_json(&parts.headers, payload).await?)?;
    let given = read_fields(&mut fields);
    must_be_of_type(&mut fields, &given, &integration);
    fields.finish()?;
    apply(&mut integration, given);
    integration.updated_at = Timestamp::now();
    app.store
        .update_integration(&integration, &integration.key_hash)
        .await?;
    Ok(json(
        StatusCode::OK,
        &json!({ "integration": view(&app, &parts.headers, &integration) }),
    ))
}

/// `DELETE /api/services/{id}/integrations/{integration}`
pub(crate) async fn delete(
    State(app): State<App>,
    _: Caller,
    Path((service, id)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let integration = find(&app, &service, &id).await?;
    app.store.delete_integration(&integration).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /api/services/{id}/integrations/{integration}/rotate-key`: the old key
/// ends at once.
pub(crate) async fn rotate_key(
    State(app): State<App>,
    _: Caller,
    Path((service, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let mut integration = find(&app, &service, &id).await?;
    let old = integration.key_hash.clone();
    let key = new_key(&mut integration);
    integration.updated_at = Timestamp::now();
    app.store.update_integration(&integration, &old).await?;
    let shown = with_key(view(&app, &headers, &integration), &key);
    Ok(json(StatusCode::OK, &json!({ "integration": shown })))
}

/// `GET /api/services/{id}/integrations/{integration}/requests`
pub(crate) async fn requests(
    State(app): State<App>,
    _: Caller,
    Path((service, id)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let integration = find(&app, &service, &id).await?;
    let requests = app.store.requests(integration.id).await?;
    Ok(json(StatusCode::OK, &json!({ "requests": requests })))
}

/// Reads every field of an integration.
pub(crate) fn read_fields(fields: &mut Fields) -> Given {
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

/// An integration of which nothing is said yet, without a key.
pub(crate) fn blank(id: IntegrationId, service: ServiceRef, now: Timestamp) -> Integration {
    Integration {
        id,
        service,
        provider: String::new(),
        name: String::new(),
        enabled: true,
        signature_secret: None,
        require_key: false,
        settings: Settings::default(),
        rate_limit_per_minute: DEFAULT_RATE_LIMIT,
        key_hash: String::new(),
        pinned_topic_arn: None,
        created_at: now,
        updated_at: now,
    }
}

/// Puts what a body says into an integration; its type stays.
pub(crate) fn apply(integration: &mut Integration, given: Given) {
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
}

/// Notes a body that wants to make another type of an integration.
pub(crate) fn must_be_of_type(fields: &mut Fields, given: &Given, integration: &Integration) {
    let wanted = given.provider.clone().value();
    if wanted.is_some_and(|provider| provider != integration.provider) {
        fields.problem("type", "cannot be changed; create another integration");
    }
}

/// Gives an integration a new key, which it only keeps the digest of.
pub(crate) fn new_key(integration: &mut Integration) -> String {
    let key = crypto::new_integration_key();
    integration.key_hash = crypto::sha256_hex(key.as_bytes());
    key
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

/// An integration without its secrets.
fn view(app: &App, headers: &HeaderMap, integration: &Integration) -> Value {
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
        "url": intake_url(app, headers, integration),
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
