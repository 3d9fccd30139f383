//! The log of a webhook's deliveries.

use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use common::{
    http::{ApiError, auth::Caller, json, page},
    id::DeliveryId,
    posting,
    store::DeliveryFilter,
    time::Timestamp,
    webhook::{Delivery, DeliveryStatus, Webhook},
};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{App, webhooks};

/// `GET /api/status-page/webhooks/{id}/deliveries`, newest first. `since` and
/// `until` are times of the events, both included. A page may hold fewer than
/// `limit` and still have a `nextCursor`: the work of a page is bounded.
pub(crate) async fn list(
    State(app): State<App>,
    _: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let webhook = webhooks::find(&app, &id).await?;
    let query = page::Query::of(request.uri());
    let filter = filter(&query)?;
    let page = app
        .store
        .deliveries(webhook.id, &filter, query.cursor()?, query.limit()?)
        .await?;
    let deliveries: Vec<Value> = page.entries.iter().map(view).collect();
    let next = page.next.as_deref().map(page::cursor);
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

/// `GET /api/status-page/webhooks/{id}/deliveries/{delivery}`
pub(crate) async fn read(
    State(app): State<App>,
    _: Caller,
    Path((id, delivery)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let webhook = webhooks::find(&app, &id).await?;
    let delivery = find(&app, &webhook, &delivery).await?;
    let mut shown = view(&delivery);
    shown["request"] = request_of(&webhook, &delivery);
    Ok(json(StatusCode::OK, &json!({ "delivery": shown })))
}

/// The delivery of this id of this webhook.
pub(crate) async fn find(app: &App, webhook: &Webhook, id: &str) -> Result<Delivery, ApiError> {
    let unknown = || ApiError::not_found("there is no such delivery of this webhook");
    let id: DeliveryId = id.parse().map_err(|_| unknown())?;
    let found = app.store.delivery(webhook.id, id).await?;
    found.ok_or_else(unknown)
}

/// A delivery, as API.md lists its fields.
pub(crate) fn view(delivery: &Delivery) -> Value {
    json!({
        "id": delivery.id,
        "webhookId": delivery.webhook_id,
        "eventId": delivery.event_id,
        "event": delivery.event,
        "incidentId": delivery.incident_id,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "nextAttemptAt": delivery.next_attempt_at,
        "renderError": delivery.render_error,
        "createdAt": delivery.created_at,
        "correlationId": delivery.correlation_id,
    })
}

/// What the latest attempt sent (or the first one will): our headers, the
/// names of the webhook's own, and the body.
fn request_of(webhook: &Webhook, delivery: &Delivery) -> Value {
    let (number, at) = delivery
        .attempts
        .last()
        .map_or((1, delivery.created_at), |last| (last.number, last.at));
    let message = delivery.message();
    let headers: Map<String, Value> = posting::headers(webhook, &message, number, at)
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
            (name.as_str().to_owned(), Value::from(text))
        })
        .collect();
    json!({ "url": webhook.url, "headers": headers, "body": delivery.body })
}
