//! Deliveries queued anew: one of them, or all that failed in a time.
//!
//! A delivery that is queued already is never queued a second time, so that
//! both may be repeated. The table goes first: a delivery whose message is not
//! taken by the queue is watched, and the clock queues it within a minute.

use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use common::{
    audit::{Entry, Target},
    aws,
    event::Actor,
    http::{
        ApiError,
        auth::{Caller, SettingsWrite},
        body,
        fields::Fields,
        json,
    },
    id::WebhookId,
    limits,
    openapi::{
        Errors,
        errors::{Body, Concurrent, Enabled, Paged, Redelivery as TooOften, Unknown, Works},
    },
    queue::Outgoing,
    store::{DeliveryFilter, StoreError},
    telemetry::{self, Metric},
    time::Timestamp,
    watch::Watch,
    webhook::{Delivery, DeliveryStatus, Webhook},
};
use futures_util::{StreamExt as _, stream};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    App, bodies,
    deliveries::{self, DeliveryView, Responses},
    delivery_queue::unavailable,
    webhooks,
};

/// Send a delivery again
///
/// One that waits in the queue already is not queued twice: `queued` is `false` then.
#[utoipa::path(
    post,
    path = "/api/status-page/webhooks/{id}/deliveries/{delivery}/redeliver",
    operation_id = "redeliver",
    tag = "Deliveries",
    params(bodies::DeliveryPath),
    security(("apiKey" = ["settings:write"])),
    responses(
        (status = 202, description = "It is in the queue.", body = Redelivery),
        Errors::<(Caller<SettingsWrite>, Unknown, Enabled, TooOften, Concurrent, Works)>,
    )
)]
pub(crate) async fn redeliver(
    State(app): State<App>,
    caller: Caller<SettingsWrite>,
    Path((id, delivery)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let webhook = enabled(&app, &id).await?;
    for attempt in 0..limits::CONFLICT_ATTEMPTS {
        let found = deliveries::find(&app, &webhook, &delivery).await?;
        let audit = Entry::of(caller.actor(), "redelivered", Target::from(&webhook))
            .with("delivery", found.id.to_string());
        if let Some((delivery, queued)) = app.queue_one(found, &audit).await? {
            let delivery = deliveries::view(&delivery, Responses::Shown);
            let answer = Redelivery { queued, delivery };
            return Ok(json(StatusCode::ACCEPTED, &answer));
        }
        // Somebody else did the same at the same moment: look what it is now.
        aws::conflict_pause(attempt).await;
    }
    Err(StoreError::Conflict.into())
}

/// A delivery that was to be sent again.
#[derive(Serialize, ToSchema)]
struct Redelivery {
    /// Whether this call queued it.
    queued: bool,
    delivery: DeliveryView,
}

/// What a recovery would queue.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RecoveryCounted)]
struct Counted {
    dry_run: bool,
    /// Deliveries of this call's part of the window.
    matching: usize,
    /// The `cursor` of the next call; `null` at the end.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// What a recovery queued.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Recovery)]
struct Recovered {
    dry_run: bool,
    queued: usize,
    /// Those that somebody else queued at the same moment, or that were tried
    /// too often.
    skipped: usize,
    /// The `cursor` of the next call; `null` at the end.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// What a recovery is asked for.
struct Wanted {
    filter: DeliveryFilter,
    is_dry: bool,
    cursor: Option<String>,
}

impl Wanted {
    /// What the audit log says of it.
    fn logged(&self, actor: &Actor, webhook: &Webhook) -> Entry {
        let filter = &self.filter;
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let statuses: Vec<&str> = filter.statuses.iter().map(|one| one.as_str()).collect();
        Entry::of(actor, "recovered", Target::from(webhook))
            .with("since", time(filter.since))
            .with("until", time(filter.until))
            .with("statuses", statuses)
    }

    /// What a cursor of it is bound to.
    fn list(&self, webhook: WebhookId) -> String {
        let DeliveryFilter {
            statuses,
            since,
            until,
            ..
        } = &self.filter;
        format!(
            "recover {webhook} {since:?} {until:?} {statuses:?} {}",
            self.is_dry
        )
    }
}

/// Recover the deliveries of a time
///
/// Queues every failed delivery of the events of a time anew, oldest first. A
/// window of many is worked through in calls: while `nextCursor` is not `null`,
/// the next call takes it as `cursor`.
#[utoipa::path(
    post,
    path = "/api/status-page/webhooks/{id}/recover",
    operation_id = "recoverDeliveries",
    tag = "Deliveries",
    params(bodies::WebhookPath),
    request_body = bodies::RecoveryWanted,
    security(("apiKey" = ["settings:write"])),
    responses(
        (status = 200, description = "With `dryRun`: how many there are.", body = Counted),
        (status = 202, description = "They are in the queue.", body = Recovered),
        Errors::<(Caller<SettingsWrite>, Unknown, Body, Paged, Enabled, Works)>,
    )
)]
pub(crate) async fn recover(
    State(app): State<App>,
    caller: Caller<SettingsWrite>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let webhook = webhooks::find(&app, &id).await?;
    let (parts, payload) = request.into_parts();
    let wanted = read(Fields::of(body::read_json(&parts.headers, payload).await?)?)?;
    let cursors = app.admin.cursor_key();
    let list = wanted.list(webhook.id);
    let after = match &wanted.cursor {
        Some(cursor) => Some(cursors.open(&list, cursor)?),
        None => None,
    };
    let seal = |next: Option<String>| next.map(|last| cursors.seal(&list, &last));
    if wanted.is_dry {
        let counted = app
            .store
            .count_deliveries(webhook.id, &wanted.filter, after);
        let (matching, next) = counted.await?;
        let answer = Counted {
            dry_run: true,
            matching,
            next_cursor: seal(next),
        };
        return Ok(json(StatusCode::OK, &answer));
    }
    must_be_enabled(&webhook)?;
    let limit = limits::RECOVER_PAGE;
    let page = app
        .store
        .deliveries_in_order(webhook.id, &wanted.filter, after, limit)
        .await?;
    // Before it starts, so that it is logged even where it ends half-way.
    app.store
        .log_change(&wanted.logged(caller.actor(), &webhook))
        .await?;
    let requeued = app.requeue_all(&page.entries).await?;
    app.send(&requeued).await?;
    let answer = Recovered {
        dry_run: false,
        queued: requeued.len(),
        skipped: page.entries.len() - requeued.len(),
        next_cursor: seal(page.next),
    };
    Ok(json(StatusCode::ACCEPTED, &answer))
}

fn read(mut fields: Fields) -> Result<Wanted, ApiError> {
    let mut time = |name| fields.word(name, "a time in RFC 3339", Timestamp::parse_rfc3339);
    let (since, until) = (time("since"), time("until").value());
    let since = fields.required("since", since);
    let finished = |word: &str| {
        DeliveryStatus::from_word(word)
            .filter(|status| matches!(status, DeliveryStatus::Failed | DeliveryStatus::Skipped))
    };
    let statuses = fields
        .words("statuses", 2, "FAILED or SKIPPED", finished)
        .value();
    let is_dry = fields.flag("dryRun").value().unwrap_or(false);
    let expected = "the nextCursor of an earlier answer";
    let cursor = fields.word("cursor", expected, |text| Some(text.to_owned()));
    if since.zip(until).is_some_and(|(since, until)| until < since) {
        fields.problem("until", "is before since");
    }
    fields.finish()?;
    Ok(Wanted {
        filter: DeliveryFilter {
            statuses: statuses.unwrap_or_else(|| vec![DeliveryStatus::Failed]),
            incident: None,
            since,
            until,
        },
        is_dry,
        cursor: cursor.value(),
    })
}

async fn enabled(app: &App, id: &str) -> Result<Webhook, ApiError> {
    let webhook = webhooks::find(app, id).await?;
    must_be_enabled(&webhook).map(|()| webhook)
}

/// What is queued for a disabled webhook would be skipped at once.
fn must_be_enabled(webhook: &Webhook) -> Result<(), ApiError> {
    if webhook.enabled {
        Ok(())
    } else {
        Err(ApiError::conflict(
            "webhook_disabled",
            "the webhook is disabled; enable it first",
        ))
    }
}

fn is_full(delivery: &Delivery) -> bool {
    delivery.attempts.len() >= limits::DELIVERY_ATTEMPTS_MAX
}

impl App {
    /// Queues a delivery, unless it is queued: the delivery as it is now, and
    /// whether it was queued by this call. `None` where it changed meanwhile.
    async fn queue_one(
        &self,
        found: Delivery,
        audit: &Entry,
    ) -> Result<Option<(Delivery, bool)>, ApiError> {
        let now = Timestamp::now();
        if found.status.is_unfinished() {
            let sent = self.send_unsent(&found, now).await?;
            return Ok(Some((found, sent)));
        }
        if is_full(&found) {
            return Err(ApiError::conflict(
                "too_many_attempts",
                "this delivery was tried too often to be tried again",
            ));
        }
        match self.store.requeue(&found, now, Some(audit)).await {
            Ok(requeued) => {
                self.send(std::slice::from_ref(&requeued)).await?;
                Ok(Some((requeued, true)))
            }
            Err(StoreError::Conflict) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts these into their next round, those that nobody else changed in the
    /// meantime, and answers them in the same order.
    async fn requeue_all(&self, deliveries: &[Delivery]) -> Result<Vec<Delivery>, ApiError> {
        let now = Timestamp::now();
        let recoverable = deliveries.iter().filter(|delivery| !is_full(delivery));
        let writes: Vec<_> = recoverable
            .map(|delivery| self.store.requeue(delivery, now, None))
            .collect();
        let mut written = stream::iter(writes).buffered(limits::RECOVER_WRITES_AT_ONCE);
        let (mut requeued, mut failure) = (Vec::new(), None);
        while let Some(write) = written.next().await {
            match write {
                Ok(delivery) => requeued.push(delivery),
                Err(StoreError::Conflict) => {}
                Err(error) => failure = Some(error),
            }
        }
        drop(written);
        match failure {
            None => Ok(requeued),
            // Those that were written are sent all the same.
            Some(error) => {
                self.send(&requeued).await?;
                Err(error.into())
            }
        }
    }

    /// Queues deliveries in their order. Those that the queue does not take are
    /// due for the clock at once.
    async fn send(&self, deliveries: &[Delivery]) -> Result<(), ApiError> {
        let messages: Vec<Outgoing> = deliveries.iter().map(outgoing).collect();
        let Err((sent, error)) = self.queue.send_in_order(&messages).await else {
            telemetry::count(Metric::DeliveriesRequeued, messages.len());
            return Ok(());
        };
        let unsent = deliveries.get(sent..).unwrap_or_default();
        let due = unsent.iter().map(|delivery| self.mark_unsent(delivery));
        let () = stream::iter(due.collect::<Vec<_>>())
            .buffered(limits::RECOVER_WRITES_AT_ONCE)
            .collect()
            .await;
        Err(unavailable(error))
    }

    async fn mark_unsent(&self, delivery: &Delivery) {
        if let Err(error) = self.store.look_again(&Watch::from(delivery)).await {
            // The clock finds it as well, only later.
            tracing::warn!(delivery.id = %delivery.id, %error, "a delivery waits for the clock");
        }
    }

    /// Sends the message of an unfinished delivery that the queue did not take
    /// when it was queued anew; `false` where it did.
    async fn send_unsent(&self, delivery: &Delivery, now: Timestamp) -> Result<bool, ApiError> {
        let watch = self.store.watch_of(delivery.id).await?;
        let is_unsent = |watch: &Watch| watch.is_due(now) && watch.resent == 0;
        let Some(mut watch) = watch.filter(is_unsent) else {
            return Ok(false);
        };
        self.send(std::slice::from_ref(delivery)).await?;
        watch.check_at = now.after(limits::STRANDED_AFTER);
        self.store.look_again(&watch).await?;
        Ok(true)
    }
}

fn outgoing(delivery: &Delivery) -> Outgoing {
    Outgoing {
        group: delivery.group.clone(),
        message: delivery.message(),
    }
}
