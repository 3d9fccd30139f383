//! The delivery queue and its dead-letter queue.

use axum::{extract::State, response::Response};
use common::{
    audit::{Entry, Target},
    http::{
        ApiError,
        auth::{Caller, SettingsRead, SettingsWrite},
        json,
    },
    queue::{Move, MoveError, QueueError},
    time::Timestamp,
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::App;

/// `GET /api/delivery-queue`: how full the queues are, and how the latest
/// redrive went.
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
    let answer = json!({
        "ready": depth.ready,
        "inFlight": depth.in_flight,
        "dead": dead.ready + dead.in_flight,
        "oldestSeconds": oldest.map(|at| Timestamp::now().since(at).as_secs()),
        "redrive": redrive.as_ref().map(view),
    });
    Ok(json(StatusCode::OK, &answer))
}

pub(crate) fn unavailable(error: QueueError) -> ApiError {
    tracing::error!(%error, "a queue did not answer");
    ApiError::overloaded(StatusCode::SERVICE_UNAVAILABLE)
}

/// `POST /api/delivery-queue/redrive`: moves the dead-letter queue back. What
/// was delivered or queued anew in the meantime is not delivered again.
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
    let answer = json!({ "task": task, "approximateMessages": dead.ready + dead.in_flight });
    Ok(json(StatusCode::ACCEPTED, &answer))
}

fn view(latest: &Move) -> Value {
    json!({
        "status": latest.status,
        "moved": latest.moved,
        "toMove": latest.to_move,
        "startedAt": latest.started_at,
        "error": latest.failure,
    })
}
