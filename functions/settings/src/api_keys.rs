//! API keys of the management API.

use axum::{
    extract::{Path, Request, State},
    response::{IntoResponse as _, Response},
};
use common::{
    api_key::{ApiKey, Scope},
    audit::Entry,
    crypto,
    event::Actor,
    http::{
        ApiError,
        auth::{Caller, SettingsRead, SettingsWrite, missing_scope},
        body,
        fields::Fields,
        json, page,
    },
    id::ApiKeyId,
    limits,
    openapi::{
        Errors,
        errors::{Body, Concurrent, Paged, Query, Unknown, Works},
    },
    time::Timestamp,
};
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{App, bodies};

/// List API keys
///
/// Oldest first, without their tokens.
#[utoipa::path(
    get,
    path = "/api/api-keys",
    operation_id = "listApiKeys",
    tag = "API keys and audit",
    params(bodies::PageQuery),
    security(("apiKey" = ["settings:read"])),
    responses(
        (status = 200, description = "A page of keys.", body = bodies::ApiKeyList),
        Errors::<(Caller<SettingsRead>, Query, Paged, Works)>,
    )
)]
pub(crate) async fn list(
    State(app): State<App>,
    _: Caller<SettingsRead>,
    request: Request,
) -> Result<Response, ApiError> {
    let (query, cursors) = (page::Query::of(request.uri()), app.admin.cursor_key());
    let after = query.cursor(&cursors)?;
    let page = app.store.api_keys(after, query.limit()?).await?;
    let keys: Vec<ApiKeyView> = page.entries.iter().map(view).collect();
    let next = query.next_cursor(&cursors, page.next.as_deref());
    let answer = json!({ "apiKeys": keys, "nextCursor": next });
    Ok(json(StatusCode::OK, &answer))
}

/// Make an API key
///
/// A key may do no more, and no longer, than the one that makes it. Its token is
/// in this answer and nowhere else.
#[utoipa::path(
    post,
    path = "/api/api-keys",
    operation_id = "createApiKey",
    tag = "API keys and audit",
    request_body = bodies::NewApiKey,
    security(("apiKey" = ["settings:write"])),
    responses(
        (status = 201, description = "The key and its token.", body = bodies::ApiKeyCreated),
        Errors::<(Caller<SettingsWrite>, Body, Works)>,
    )
)]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller<SettingsWrite>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, payload) = request.into_parts();
    let fields = Fields::of(body::read_json(&parts.headers, payload).await?)?;
    let now = Timestamp::now();
    let key = read_key(fields, &caller, now)?;
    let token = crypto::new_api_token();
    let hash = crypto::sha256_hex(token.as_bytes());
    let audit = Entry::created(caller.actor(), &key);
    app.store.create_api_key(&key, &hash, &audit).await?;
    let answer = json!({ "apiKey": view(&key), "token": token });
    Ok(json(StatusCode::CREATED, &answer))
}

/// Reads a new key. It may do no more, and no longer, than who makes it.
fn read_key(
    mut fields: Fields,
    caller: &Caller<SettingsWrite>,
    now: Timestamp,
) -> Result<ApiKey, ApiError> {
    let name = fields.line("name", limits::NAME_CHARS);
    let name = fields.required("name", name);
    let known = Scope::ALL.map(Scope::as_str).join(", ");
    let expected = format!("one of {known}");
    let scopes = fields.words("scopes", Scope::ALL.len(), &expected, Scope::from_word);
    let scopes = fields.required("scopes", scopes).unwrap_or_default();
    if scopes.is_empty() && !fields.has_problem("scopes") {
        fields.problem("scopes", "expected at least one scope");
    }
    let expected = "an RFC 3339 timestamp in the future";
    let expires_at = fields.word("expiresAt", expected, |text| {
        Timestamp::parse_rfc3339(text).filter(|end| *end > now)
    });
    let expires_at = expires_at.value();
    if let Some(end) = caller.expires_at()
        && expires_at.is_none_or(|asked| asked > end)
        && !fields.has_problem("expiresAt")
    {
        let message = format!("must not be later than that of the key that creates it: {end}");
        fields.problem("expiresAt", message);
    }
    fields.finish()?;
    if let Some(scope) = scopes.iter().find(|scope| !caller.has(**scope)) {
        return Err(missing_scope(*scope));
    }
    Ok(ApiKey {
        id: ApiKeyId::at(now),
        name: name.unwrap_or_default(),
        scopes,
        created_at: now,
        expires_at,
        created_by: Actor {
            address: None,
            ..caller.actor().clone()
        },
        last_used_at: None,
    })
}

/// Read an API key
#[utoipa::path(
    get,
    path = "/api/api-keys/{id}",
    operation_id = "readApiKey",
    tag = "API keys and audit",
    params(bodies::ApiKeyPath),
    security(("apiKey" = ["settings:read"])),
    responses(
        (status = 200, description = "The key, without its token.", body = bodies::ApiKeyAnswer),
        Errors::<(Caller<SettingsRead>, Unknown, Works)>,
    )
)]
pub(crate) async fn read(
    State(app): State<App>,
    _: Caller<SettingsRead>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let key = find(&app, &id).await?;
    Ok(json(StatusCode::OK, &json!({ "apiKey": view(&key) })))
}

/// Delete an API key
///
/// Its token is void at once.
#[utoipa::path(
    delete,
    path = "/api/api-keys/{id}",
    operation_id = "deleteApiKey",
    tag = "API keys and audit",
    params(bodies::ApiKeyPath),
    security(("apiKey" = ["settings:write"])),
    responses(
        (status = 204, description = "It is gone."),
        Errors::<(Caller<SettingsWrite>, Unknown, Concurrent, Works)>,
    )
)]
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller<SettingsWrite>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let key = find(&app, &id).await?;
    let audit = Entry::deleted(caller.actor(), &key);
    if app.store.delete_api_key(key.id, &audit).await? {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(unknown())
    }
}

async fn find(app: &App, id: &str) -> Result<ApiKey, ApiError> {
    let id: ApiKeyId = id.parse().map_err(|_| unknown())?;
    app.store.api_key(id).await?.ok_or_else(unknown)
}

/// An API key, without its token.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKey, example = json!({
    "id": "key_01KA2V5T8ZQ4N6W3Y7X9B1C2D3", "name": "deploy pipeline", "scopes": ["events:write"],
    "createdAt": "2026-01-15T10:30:00.000Z", "lastUsedAt": null, "expiresAt": "2026-07-15T00:00:00.000Z",
    "createdBy": {"type": "api", "name": "admin"}
}))]
pub(crate) struct ApiKeyView {
    id: ApiKeyId,
    name: String,
    scopes: Vec<Scope>,
    created_at: Timestamp,
    /// At most a minute behind.
    #[schema(required)]
    last_used_at: Option<Timestamp>,
    /// From when on it is not valid any more.
    #[schema(required)]
    expires_at: Option<Timestamp>,
    created_by: Actor,
}

fn view(key: &ApiKey) -> ApiKeyView {
    ApiKeyView {
        id: key.id,
        name: key.name.clone(),
        scopes: key.scopes.clone(),
        created_at: key.created_at,
        last_used_at: key.last_used_at,
        expires_at: key.expires_at,
        created_by: key.created_by.clone(),
    }
}

fn unknown() -> ApiError {
    ApiError::not_found("there is no such API key")
}
