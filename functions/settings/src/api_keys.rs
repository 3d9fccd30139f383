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
    time::Timestamp,
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::App;

/// `GET /api/api-keys`, oldest first.
pub(crate) async fn list(
    State(app): State<App>,
    _: Caller<SettingsRead>,
    request: Request,
) -> Result<Response, ApiError> {
    let (query, cursors) = (page::Query::of(request.uri()), app.admin.cursor_key());
    let after = query.cursor(&cursors)?;
    let page = app.store.api_keys(after, query.limit()?).await?;
    let keys: Vec<Value> = page.entries.iter().map(view).collect();
    let next = query.next_cursor(&cursors, page.next.as_deref());
    let answer = json!({ "apiKeys": keys, "nextCursor": next });
    Ok(json(StatusCode::OK, &answer))
}

/// `POST /api/api-keys` `{name, scopes, expiresAt?}`: the token is in this
/// answer and nowhere else.
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

/// `GET /api/api-keys/{id}`
pub(crate) async fn read(
    State(app): State<App>,
    _: Caller<SettingsRead>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let key = find(&app, &id).await?;
    Ok(json(StatusCode::OK, &json!({ "apiKey": view(&key) })))
}

/// `DELETE /api/api-keys/{id}`: its token is void at once.
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

fn view(key: &ApiKey) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "scopes": key.scopes,
        "createdAt": key.created_at,
        "lastUsedAt": key.last_used_at,
        "expiresAt": key.expires_at,
        "createdBy": key.created_by,
    })
}

fn unknown() -> ApiError {
    ApiError::not_found("there is no such API key")
}
