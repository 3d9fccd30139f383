//! The delivery queue and its dead-letter queue.

use axum::{extract::State, response::Response};
use common::{
    audit::{Entry, Target},
    http::{
        ApiError,
        auth::{Caller, SettingsRead, SettingsWrite},
        json,
    },
    openapi::{
        Errors,
        errors::{Redrive, Works},
    },
    queue::{Move, MoveError, QueueError},
    time::Timestamp,
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;

/// How full the queues are
///
/// And how the latest redrive went.
#[utoipa::path(
    get,
    path = "/api/delivery-queue",
    operation_id = "readDeliveryQueue",
    tag = "Deliveries",
    security(("apiKey" = ["settings:read"])),
    responses(
        (status = 200, description = "The queues.", body = QueueView),
        Errors::<(Caller<SettingsRead>, Works)>,
    )
)]
pub(crate) async fn queue(
    State(app): State<App>,
    _: Caller<SettingsRead>,
) -> Result<Response, ApiError> {
    let depth = app.queue.depth().await.map_err(unavailable)?;
    let dead = app.dead_letters.depth().await.map_err(unavailable)?;
    // Not worth failing for, where the queue service cannot tell.
    let redrive = app
        .dead_letters
        .latest_move()
        .await
        .unwrap_or_else(|error| {
            tracing::debug!(%error, "the latest redrive is not known");
            None
        });
    let mut oldest: Option<Timestamp> = None;
    for webhook in app.store.webhooks().await? {
        let first = app
            .store
            .oldest_unfinished_delivery(webhook.id, Timestamp::now())
            .await?;
        oldest = [oldest, first].into_iter().flatten().min();
    }
    let answer = QueueView {
        ready: depth.ready,
        in_flight: depth.in_flight,
        dead: dead.ready + dead.in_flight,
        oldest_seconds: oldest.map(|at| Timestamp::now().since(at).as_secs()),
        redrive: redrive.map(RedriveView::from),
    };
    Ok(json(StatusCode::OK, &answer))
}

pub(crate) fn unavailable(error: QueueError) -> ApiError {
    tracing::error!(%error, "a queue did not answer");
    ApiError::overloaded(StatusCode::SERVICE_UNAVAILABLE)
}

/// Move the dead-letter queue back
///
/// What was delivered or queued anew in the meantime is not delivered again.
#[utoipa::path(
    post,
    path = "/api/delivery-queue/redrive",
    operation_id = "redriveDeadLetters",
    tag = "Deliveries",
    security(("apiKey" = ["settings:write"])),
    responses(
        (status = 202, description = "It is being moved.", body = RedriveStarted),
        Errors::<(Caller<SettingsWrite>, Redrive, Works)>,
    )
)]
pub(crate) async fn redrive(
    State(app): State<App>,
    caller: Caller<SettingsWrite>,
) -> Result<Response, ApiError> {
    let dead = app.dead_letters.depth().await.map_err(unavailable)?;
    // Before it starts: a redrive that was refused is logged, too, but none is
    // unlogged.
    let dead_letters = Target {
        kind: "delivery_queue".to_owned(),
        id: "delivery_queue".to_owned(),
        name: "dead-letter queue".to_owned(),
    };
    let audit = Entry::of(caller.actor(), "redriven", dead_letters)
        .with("approximateMessages", dead.ready + dead.in_flight);
    app.store.log_change(&audit).await?;
    let task = match app.dead_letters.start_move(&app.queue).await {
        Ok(task) => task,
        Err(MoveError::AlreadyRunning) => {
            return Err(ApiError::conflict(
                "redrive_running",
                "the dead-letter queue is being moved back already",
            ));
        }
        Err(MoveError::Queue(error)) => return Err(unavailable(error)),
    };
    let answer = RedriveStarted {
        task,
        approximate_messages: dead.ready + dead.in_flight,
    };
    Ok(json(StatusCode::ACCEPTED, &answer))
}

/// How full the queues are.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliveryQueue)]
struct QueueView {
    /// Deliveries that wait.
    ready: u64,
    /// Deliveries that are being tried, or wait for their next attempt.
    in_flight: u64,
    /// Deliveries that were given up.
    dead: u64,
    /// How long the oldest unfinished delivery has waited.
    #[schema(required)]
    oldest_seconds: Option<u64>,
    /// The latest redrive; `null` where there was none.
    #[schema(required)]
    redrive: Option<RedriveView>,
}

/// A redrive of the dead-letter queue.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Redrive)]
struct RedriveView {
    /// RUNNING, COMPLETED, CANCELLING, CANCELLED or FAILED.
    status: String,
    /// Deliveries moved so far, about.
    moved: u64,
    /// Deliveries that there were to move, about.
    #[schema(required)]
    to_move: Option<u64>,
    started_at: Timestamp,
    #[schema(required)]
    error: Option<String>,
}

impl From<Move> for RedriveView {
    fn from(latest: Move) -> Self {
        Self {
            status: latest.status,
            moved: latest.moved,
            to_move: latest.to_move,
            started_at: latest.started_at,
            error: latest.failure,
        }
    }
}

/// A redrive that was started.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RedriveStarted {
    /// What the queue calls it.
    task: String,
    approximate_messages: u64,
}
