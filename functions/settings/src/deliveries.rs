//! The log of a webhook's deliveries.

use std::collections::BTreeMap;

use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use common::{
    api_key::Scope,
    event::EventName,
    http::{
        ApiError,
        auth::{Caller, SettingsRead},
        json, page,
    },
    id::{DeliveryId, EventId, IncidentId, WebhookId},
    openapi::{
        Errors,
        errors::{Paged, Query, Unknown, Works},
    },
    posting,
    store::DeliveryFilter,
    time::Timestamp,
    webhook::{Attempt, Delivery, DeliveryStatus, Webhook},
};
use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{App, bodies, webhooks};

/// List a webhook's deliveries
///
/// Newest first. `since` and `until` are times of the events, both included. A
/// page may hold fewer than `limit` and still have a `nextCursor`: the work of a
/// page is bounded.
#[utoipa::path(
    get,
    path = "/api/status-page/webhooks/{id}/deliveries",
    operation_id = "listDeliveries",
    tag = "Deliveries",
    params(bodies::WebhookPath, bodies::DeliveryQuery),
    security(("apiKey" = ["settings:read"])),
    responses(
        (status = 200, description = "A page of deliveries.", body = bodies::DeliveryList),
        Errors::<(Caller<SettingsRead>, Unknown, Query, Paged, Works)>,
    )
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller<SettingsRead>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let webhook = webhooks::find(&app, &id).await?;
    let (query, cursors) = (page::Query::of(request.uri()), app.admin.cursor_key());
    let filter = filter(&query)?;
    let page = app
        .store
        .deliveries(webhook.id, &filter, query.cursor(&cursors)?, query.limit()?)
        .await?;
    let shows = Responses::to(&caller);
    let deliveries = page.entries.iter().map(|one| view(one, shows));
    let deliveries: Vec<DeliveryView> = deliveries.collect();
    let next = query.next_cursor(&cursors, page.next.as_deref());
    Ok(json(
        StatusCode::OK,
        &json!({ "deliveries": deliveries, "nextCursor": next }),
    ))
}

fn filter(query: &page::Query) -> Result<DeliveryFilter, ApiError> {
    let status = query.parsed("status", "a delivery status", DeliveryStatus::from_word)?;
    let time = |name| query.parsed(name, "a time in RFC 3339", Timestamp::parse_rfc3339);
    Ok(DeliveryFilter {
        statuses: status.into_iter().collect(),
        incident: query.parsed("incidentId", "an incident id", |id| id.parse().ok())?,
        since: time("since")?,
        until: time("until")?,
    })
}

/// Read a delivery
///
/// With what the latest attempt sent, or the first one will.
#[utoipa::path(
    get,
    path = "/api/status-page/webhooks/{id}/deliveries/{delivery}",
    operation_id = "readDelivery",
    tag = "Deliveries",
    params(bodies::DeliveryPath),
    security(("apiKey" = ["settings:read"])),
    responses(
        (status = 200, description = "The delivery.", body = bodies::DeliveryAnswer),
        Errors::<(Caller<SettingsRead>, Unknown, Works)>,
    )
)]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<SettingsRead>,
    Path((id, delivery)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let webhook = webhooks::find(&app, &id).await?;
    let delivery = find(&app, &webhook, &delivery).await?;
    let mut shown = view(&delivery, Responses::to(&caller));
    shown.request = Some(request_of(&webhook, &delivery));
    Ok(json(StatusCode::OK, &json!({ "delivery": shown })))
}

/// The delivery of this id of this webhook.
pub(crate) async fn find(app: &App, webhook: &Webhook, id: &str) -> Result<Delivery, ApiError> {
    let unknown = || ApiError::not_found("there is no such delivery of this webhook");
    let id: DeliveryId = id.parse().map_err(|_| unknown())?;
    let found = app.store.delivery(webhook.id, id).await?;
    found.ok_or_else(unknown)
}

/// Whether what receivers answered is shown. Only to who may change webhooks:
/// to anyone else one would be a way to read what its host can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Responses {
    Shown,
    Hidden,
}

impl Responses {
    fn to<S>(caller: &Caller<S>) -> Self {
        if caller.has(Scope::SettingsWrite) {
            Self::Shown
        } else {
            Self::Hidden
        }
    }
}

/// One event on its way to one webhook.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Delivery, example = json!({
    "id": "dlv_01KA2V5T8ZQ4N6W3Y7X9B1C2D3", "webhookId": "whk_01KA2V5T8ZQ4N6W3Y7X9B1C2D3",
    "eventId": "evt_01KA2V5T8ZQ4N6W3Y7X9B1C2D3", "event": "incident.created",
    "incidentId": "inc_01KA2V5T8ZQ4N6W3Y7X9B1C2D3", "status": "RETRYING",
    "attempts": [{"number": 1, "at": "2026-01-15T10:30:00.120Z", "statusCode": 503, "durationMs": 41, "error": "the receiver answered 503", "response": "busy"}],
    "nextAttemptAt": "2026-01-15T10:30:05.000Z", "renderError": null, "createdAt": "2026-01-15T10:30:00.000Z", "correlationId": "req_01KA2V5T8ZQ4N6W3Y7X9B1C2D3"
}))]
pub(crate) struct DeliveryView {
    id: DeliveryId,
    webhook_id: WebhookId,
    event_id: EventId,
    event: EventName,
    /// `null` for an event of a webhook.
    #[schema(required)]
    incident_id: Option<IncidentId>,
    status: DeliveryStatus,
    /// Every attempt, oldest first.
    attempts: Vec<Attempt>,
    #[schema(required)]
    next_attempt_at: Option<Timestamp>,
    /// Why the body is the plain one instead of what the webhook's format
    /// makes of the event.
    #[schema(required)]
    render_error: Option<String>,
    created_at: Timestamp,
    /// The `X-Request-Id` of the request that its event came of.
    #[schema(required)]
    correlation_id: Option<String>,
    /// Where one delivery is read only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    request: Option<RequestView>,
}

/// What an attempt sends.
#[derive(Serialize, ToSchema)]
#[schema(as = DeliveryRequest)]
struct RequestView {
    url: String,
    /// Ours, and the names of the webhook's own.
    headers: BTreeMap<String, String>,
    body: String,
}

/// A delivery, without what it sends.
pub(crate) fn view(delivery: &Delivery, responses: Responses) -> DeliveryView {
    let mut attempts = delivery.attempts.clone();
    if responses == Responses::Hidden {
        for attempt in &mut attempts {
            attempt.response = None;
        }
    }
    DeliveryView {
        id: delivery.id,
        webhook_id: delivery.webhook_id,
        event_id: delivery.event_id,
        event: delivery.event,
        incident_id: delivery.incident_id,
        status: delivery.status,
        attempts,
        next_attempt_at: delivery.next_attempt_at,
        render_error: delivery.render_error.clone(),
        created_at: delivery.created_at,
        correlation_id: delivery.correlation_id.clone(),
        request: None,
    }
}

/// What the latest attempt sent (or the first one will): our headers, the
/// names of the webhook's own, and the body.
fn request_of(webhook: &Webhook, delivery: &Delivery) -> RequestView {
    let (number, at) = delivery
        .attempts
        .last()
        .map_or((1, delivery.created_at), |last| (last.number, last.at));
    let message = delivery.message();
    let headers = posting::headers(webhook, &message, number, at)
        .iter()
        .map(|(name, value)| {
            let own = webhook
                .headers
                .keys()
                .any(|key| key.eq_ignore_ascii_case(name.as_str()));
            let text = if own {
                webhooks::HIDDEN
            } else {
                value.to_str().unwrap_or_default()
            };
            (name.as_str().to_owned(), text.to_owned())
        })
        .collect();
    RequestView {
        url: webhook.url.clone(),
        headers,
        body: delivery.body.clone(),
    }
}
