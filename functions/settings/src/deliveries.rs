//! Deliveries of a webhook, and the queues that they travel through.

use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use common::{
    http::{ApiError, auth::Caller, json, page},
    id::DeliveryId,
    posting,
    time::Timestamp,
    webhook::{Delivery, DeliveryStatus, Webhook},
};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{App, webhooks};

/// `GET /api/status-page/webhooks/{id}/deliveries`
pub(crate) async fn list(
    State(app): State<App>,
    _: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let webhook = webhooks::find(&app, &id).await?;
    let query = page::Query::of(request.uri());
    let status = query.parsed("status", "a delivery status", DeliveryStatus::from_word)?;
    let page = app
        .store
        .deliveries(webhook.id, status, query.cursor()?, query.limit()?)
        .await?;
    let deliveries: Vec<Value> = page.entries.iter().map(view).collect();
    let next = page.next.as_deref().map(page::cursor);
    Ok(json(
        StatusCode::OK,
        &json!({ "deliveries": deliveries, "nextCursor": next }),
    ))
}

/// `GET /api/status-page/webhooks/{id}/deliveries/{delivery}`
pub(crate) async fn read(
    State(app): State<App>,
    _: Caller,
    Path((id, delivery)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let unknown = || ApiError::not_found("there is no such delivery of this webhook");
    let webhook = webhooks::find(&app, &id).await?;
    let delivery: DeliveryId = delivery.parse().map_err(|_| unknown())?;
    let delivery = app
        .store
        .delivery(webhook.id, delivery)
        .await?
        .ok_or_else(unknown)?;
    let mut shown = view(&delivery);
    shown["request"] = request_of(&webhook, &delivery);
    Ok(json(StatusCode::OK, &json!({ "delivery": shown })))
}

/// `GET /api/delivery-queue`
pub(crate) async fn queue(State(app): State<App>, _: Caller) -> Result<Response, ApiError> {
    let depth = app.queue.depth().await.map_err(unavailable)?;
    let dead = app.dead_letters.depth().await.map_err(unavailable)?;
    let mut oldest: Option<Timestamp> = None;
    for webhook in app.store.webhooks().await? {
        let first = app
            .store
            .oldest_unfinished_delivery(webhook.id, Timestamp::now())
            .await?;
        oldest = [oldest, first].into_iter().flatten().min();
    }
    let answer = json!({
        "ready": depth.ready,
        "inFlight": depth.in_flight,
        "dead": dead.ready + dead.in_flight,
        "oldestSeconds": oldest.map(|at| Timestamp::now().since(at).as_secs()),
    });
    Ok(json(StatusCode::OK, &answer))
}

fn unavailable(error: common::queue::QueueError) -> ApiError {
    tracing::error!(%error, "a queue could not be asked");
    ApiError::overloaded(StatusCode::SERVICE_UNAVAILABLE)
}

/// A delivery, as API.md lists its fields.
fn view(delivery: &Delivery) -> Value {
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
