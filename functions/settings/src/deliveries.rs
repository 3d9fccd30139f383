//! The log of a webhook's deliveries.

use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use common::{
    api_key::Scope,
    http::{
        ApiError,
        auth::{Caller, SettingsRead},
        json, page,
    },
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
    let deliveries: Vec<Value> = deliveries.collect();
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

/// `GET /api/status-page/webhooks/{id}/deliveries/{delivery}`
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller<SettingsRead>,
    Path((id, delivery)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let webhook = webhooks::find(&app, &id).await?;
    let delivery = find(&app, &webhook, &delivery).await?;
    let mut shown = view(&delivery, Responses::to(&caller));
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

/// A delivery, as API.md lists its fields.
pub(crate) fn view(delivery: &Delivery, responses: Responses) -> Value {
    let mut attempts = delivery.attempts.clone();
    if responses == Responses::Hidden {
        for attempt in &mut attempts {
            attempt.response = None;
        }
    }
    json!({
        "id": delivery.id,
        "webhookId": delivery.webhook_id,
        "eventId": delivery.event_id,
        "event": delivery.event,
        "incidentId": delivery.incident_id,
        "status": delivery.status,
        "attempts": attempts,
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
