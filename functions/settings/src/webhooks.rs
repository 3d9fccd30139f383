//! Outgoing webhooks.

use std::collections::BTreeMap;

use axum::{
    extract::{Path, Request, State},
    response::{IntoResponse as _, Response},
};
use common::{
    audit::Entry,
    crypto,
    event::{Actor, EventName},
    http::{
        ApiError,
        auth::{Caller, SettingsRead, SettingsWrite},
        body,
        fields::Fields,
        json,
    },
    id::WebhookId,
    openapi::{
        Errors,
        errors::{Body, Concurrent, Unknown, Works},
    },
    outbound::Guard,
    store::{KeptHealth, StoreError},
    time::Timestamp,
    webhook::{Filter, Format, Ordering, Webhook},
};
use http::{HeaderMap, StatusCode, header::HOST};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    App, bodies, formats, webhook_fields,
    webhook_health::{self, HealthView},
};

/// Stands for the value of a custom header: values are write-only.
pub(crate) const HIDDEN: &str = "••••••••";

/// List webhooks
#[utoipa::path(
    get,
    path = "/api/status-page/webhooks",
    operation_id = "listWebhooks",
    tag = "Webhooks",
    security(("apiKey" = ["settings:read"])),
    responses(
        (status = 200, description = "Every webhook, without secrets.", body = bodies::WebhookList),
        Errors::<(Caller<SettingsRead>, Works)>,
    )
)]
pub(crate) async fn list(
    State(app): State<App>,
    _: Caller<SettingsRead>,
) -> Result<Response, ApiError> {
    let webhooks = app.store.webhooks().await?;
    let webhooks: Vec<WebhookView> = webhooks.iter().map(view).collect();
    Ok(json(StatusCode::OK, &json!({ "webhooks": webhooks })))
}

/// Make a webhook
#[utoipa::path(
    post,
    path = "/api/status-page/webhooks",
    operation_id = "createWebhook",
    tag = "Webhooks",
    request_body = bodies::NewWebhook,
    security(("apiKey" = ["settings:write"])),
    responses(
        (status = 201, description = "The webhook; its secret is shown here and on rotation only.", body = bodies::WebhookAnswer),
        Errors::<(Caller<SettingsWrite>, Body, Works)>,
    )
)]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller<SettingsWrite>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, payload) = request.into_parts();
    let guard = own_guard(&app, &parts.headers);
    let mut fields = Fields::of(body::read_json(&parts.headers, payload).await?)?;
    let given = webhook_fields::read(&mut fields, &guard);
    fields.must_have("name", &given.name);
    fields.must_have("url", &given.url);
    fields.must_have("events", &given.events);
    fields.finish()?;
    let now = Timestamp::now();
    let mut webhook = blank(WebhookId::at(now), now);
    apply(&mut webhook, given);
    formats::check(&webhook)?;
    let audit = Entry::created(caller.actor(), &webhook);
    app.store.create_webhook(&webhook, &audit).await?;
    let mut shown = view(&webhook);
    shown.secret = Some(webhook.secret);
    Ok(json(StatusCode::CREATED, &json!({ "webhook": shown })))
}

/// Read a webhook
#[utoipa::path(
    get,
    path = "/api/status-page/webhooks/{id}",
    operation_id = "readWebhook",
    tag = "Webhooks",
    params(bodies::WebhookPath),
    security(("apiKey" = ["settings:read"])),
    responses(
        (status = 200, description = "The webhook, without its secret.", body = bodies::WebhookAnswer),
        Errors::<(Caller<SettingsRead>, Unknown, Works)>,
    )
)]
pub(crate) async fn read(
    State(app): State<App>,
    _: Caller<SettingsRead>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let webhook = find(&app, &id).await?;
    Ok(json(StatusCode::OK, &json!({ "webhook": view(&webhook) })))
}

/// Change a webhook
///
/// A new URL, or enabling it, forgets its failures.
#[utoipa::path(
    patch,
    path = "/api/status-page/webhooks/{id}",
    operation_id = "changeWebhook",
    tag = "Webhooks",
    params(bodies::WebhookPath),
    request_body = bodies::WebhookChange,
    security(("apiKey" = ["settings:write"])),
    responses(
        (status = 200, description = "The webhook as it is now.", body = bodies::WebhookAnswer),
        Errors::<(Caller<SettingsWrite>, Unknown, Body, Concurrent, Works)>,
    )
)]
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller<SettingsWrite>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let before = find(&app, &id).await?;
    let mut webhook = before.clone();
    let (parts, payload) = request.into_parts();
    let guard = own_guard(&app, &parts.headers);
    let mut fields = Fields::of(body::read_json(&parts.headers, payload).await?)?;
    let given = webhook_fields::read(&mut fields, &guard);
    given.refuse_nulls(&mut fields);
    fields.finish()?;
    apply(&mut webhook, given);
    formats::check(&webhook)?;
    replace(&app, &before, &mut webhook, caller.actor()).await?;
    Ok(json(StatusCode::OK, &json!({ "webhook": view(&webhook) })))
}

/// A webhook of which nothing is said yet, with a secret of its own.
pub(crate) fn blank(id: WebhookId, now: Timestamp) -> Webhook {
    Webhook {
        id,
        name: String::new(),
        url: String::new(),
        events: Vec::new(),
        enabled: true,
        disabled_reason: None,
        secret: crypto::new_webhook_secret(),
        previous_secrets: Vec::new(),
        format: Format::Opsknight,
        template: None,
        filter: Filter::default(),
        headers: BTreeMap::new(),
        ordering: Ordering::Incident,
        created_at: now,
        updated_at: now,
        health: None,
        slow_attempts: Vec::new(),
    }
}

/// Puts what a body says into a webhook.
pub(crate) fn apply(webhook: &mut Webhook, given: webhook_fields::Given) {
    if let Some(name) = given.name.value() {
        webhook.name = name;
    }
    if let Some(url) = given.url.value() {
        webhook.url = url;
    }
    if let Some(events) = given.events.value() {
        webhook.events = events;
    }
    if let Some(enabled) = given.enabled.value() {
        webhook.enabled = enabled;
        webhook.disabled_reason = None;
    }
    if let Some(secret) = given.secret.value() {
        webhook.secret = secret;
    }
    if let Some(format) = given.format.value() {
        webhook.format = format;
    }
    match given.template.change() {
        Some(template) => webhook.template = template,
        // Another format has no use for the template that was there.
        None if webhook.format != Format::Template => webhook.template = None,
        None => {}
    }
    if let Some(filter) = given.filter.change() {
        webhook.filter = filter.unwrap_or_default();
    }
    if let Some(headers) = given.headers.change() {
        webhook.headers = headers.unwrap_or_default();
    }
    if let Some(ordering) = given.ordering.value() {
        webhook.ordering = ordering;
    }
}

/// Writes a webhook that was `before` when it was read.
pub(crate) async fn replace(
    app: &App,
    before: &Webhook,
    webhook: &mut Webhook,
    actor: &Actor,
) -> Result<(), StoreError> {
    let read_at = before.updated_at;
    webhook.updated_at = Timestamp::now_after(read_at);
    let health = webhook_health::kept(before, webhook);
    let entry = webhook_health::entry(before, webhook, actor);
    let audit = Entry::updated(actor, before, webhook);
    app.store
        .update_webhook(webhook, read_at, health, entry.as_ref(), &audit)
        .await?;
    if health == KeptHealth::Forgotten {
        webhook.health = None;
    }
    Ok(())
}

/// Delete a webhook
///
/// Deliveries under way are skipped.
#[utoipa::path(
    delete,
    path = "/api/status-page/webhooks/{id}",
    operation_id = "deleteWebhook",
    tag = "Webhooks",
    params(bodies::WebhookPath),
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
    let webhook = find(&app, &id).await?;
    let audit = Entry::deleted(caller.actor(), &webhook);
    if app.store.delete_webhook(webhook.id, &audit).await? {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(unknown())
    }
}

/// The guard, which knows the host of this request as well: the API's own
/// address, which its functions cannot be told (they are created before it).
pub(crate) fn own_guard(app: &App, headers: &HeaderMap) -> Guard {
    let host = headers.get(HOST).and_then(|value| value.to_str().ok());
    host.and_then(|host| app.guard.with_own_host(host))
        .unwrap_or_else(|| app.guard.clone())
}

/// The webhook of this id.
pub(crate) async fn find(app: &App, id: &str) -> Result<Webhook, ApiError> {
    let id: WebhookId = id.parse().map_err(|_| unknown())?;
    app.store.webhook(id).await?.ok_or_else(unknown)
}

fn unknown() -> ApiError {
    ApiError::not_found("there is no such webhook")
}

/// A webhook, without its secrets.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Webhook, example = json!({
    "id": "whk_01KA2V5T8ZQ4N6W3Y7X9B1C2D3", "name": "pager", "url": "https://example.com/hook",
    "events": ["incident.created", "incident.resolved"], "enabled": true, "disabledReason": null,
    "format": "opsknight", "template": null, "filter": {"serviceIds": [], "urgencies": ["HIGH"]},
    "headers": {"X-Team": "••••••••"}, "ordering": "incident",
    "health": {"state": "closed", "consecutiveFailures": 0, "failingSince": null, "nextProbeAt": null, "lastError": null, "warnedAt": null},
    "previousSecretValidUntil": null, "createdAt": "2026-01-15T10:30:00.000Z", "updatedAt": "2026-01-15T10:30:00.000Z"
}))]
pub(crate) struct WebhookView {
    id: WebhookId,
    name: String,
    url: String,
    events: Vec<EventName>,
    enabled: bool,
    /// Why it was disabled, where the system did it.
    #[schema(required)]
    disabled_reason: Option<String>,
    format: Format,
    #[schema(required)]
    template: Option<String>,
    filter: Filter,
    /// The names of the headers that are sent with every delivery; their
    /// values are not shown.
    headers: BTreeMap<String, String>,
    ordering: Ordering,
    health: HealthView,
    /// Until when older secrets sign beside the current one.
    #[schema(required)]
    previous_secret_valid_until: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// What signs the deliveries; where it is new only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub secret: Option<String>,
}

/// A webhook without its secrets.
pub(crate) fn view(webhook: &Webhook) -> WebhookView {
    let now = Timestamp::now();
    let overlaps = webhook.previous_secrets.iter();
    let overlap_until = overlaps
        .map(|previous| previous.valid_until)
        .filter(|until| *until > now)
        .max();
    let names = webhook.headers.keys();
    let headers = names.map(|name| (name.clone(), HIDDEN.to_owned()));
    WebhookView {
        id: webhook.id,
        name: webhook.name.clone(),
        url: webhook.url.clone(),
        events: webhook.events.clone(),
        enabled: webhook.enabled,
        disabled_reason: webhook.disabled_reason.clone(),
        format: webhook.format,
        template: webhook.template.clone(),
        filter: webhook.filter.clone(),
        headers: headers.collect(),
        ordering: webhook.ordering,
        health: webhook_health::view(webhook.health.as_ref()),
        previous_secret_valid_until: overlap_until,
        created_at: webhook.created_at,
        updated_at: webhook.updated_at,
        secret: None,
    }
}
