//! Whether what is accepted is delivered: the table and the queues answer,
//! fan-out keeps up with the events, somebody attempts what is due. A receiver
//! that fails or is slow is no reason not to be ready.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use common::{
    limits,
    overdue::{is_served, overdue_since},
    queue::{Queue, QueueDepth},
    store::{DeliveryFilter, Store, StoreError},
    time::Timestamp,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use crate::App;

/// Webhooks looked at at the same time.
const READS_AT_ONCE: usize = 8;

/// When the system is not ready, and what it said last.
#[derive(Debug, Clone)]
pub struct Readiness {
    /// Where fan-out has left an event alone for longer.
    pub unhandled_after: Duration,
    /// Where nobody attempted a delivery that has been due for longer.
    pub undelivered_after: Duration,
    /// For how long an answer is given again.
    kept_for: Duration,
    latest: Arc<Mutex<Option<(Instant, Report)>>>,
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new(limits::UNHANDLED_AFTER, limits::UNDELIVERED_AFTER)
    }
}

/// The outcome of all checks.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    /// Whether every check passed.
    pub(crate) is_ready: bool,
    /// Each check, as it is shown.
    pub(crate) checks: Value,
}

/// One check: what it found, or why it failed.
struct Check {
    found: Map<String, Value>,
    failure: Option<String>,
}

impl Check {
    fn passed(found: &[(&str, Value)]) -> Self {
        let found = found.iter().cloned();
        Self {
            found: found
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            failure: None,
        }
    }

    fn failed(reason: impl Into<String>) -> Self {
        Self {
            found: Map::new(),
            failure: Some(reason.into()),
        }
    }

    fn view(mut self) -> Value {
        let status = if self.failure.is_none() {
            "ok"
        } else {
            "failing"
        };
        self.found.insert("status".to_owned(), status.into());
        if let Some(reason) = self.failure {
            self.found.insert("reason".to_owned(), reason.into());
        }
        Value::Object(self.found)
    }
}

impl Readiness {
    /// Not ready after these times.
    pub fn new(unhandled_after: Duration, undelivered_after: Duration) -> Self {
        Self {
            unhandled_after,
            undelivered_after,
            kept_for: limits::READINESS_CACHE.min(unhandled_after),
            latest: Arc::default(),
        }
    }

    /// All checks; for a moment the same answer is given to everybody.
    pub(crate) async fn report(&self, app: &App) -> Report {
        let mut latest = self.latest.lock().await;
        if let Some((at, report)) = latest.as_ref()
            && at.elapsed() < self.kept_for
        {
            return report.clone();
        }
        let report = self.check(app).await;
        *latest = Some((Instant::now(), report.clone()));
        report
    }

    async fn check(&self, app: &App) -> Report {
        let now = Timestamp::now();
        let (table, queue, dead_letters, fan_out, delivery) = tokio::join!(
            in_time(check_table(&app.store)),
            in_time(check_queue(&app.queue)),
            in_time(check_dead_letters(&app.dead_letters)),
            in_time(self.check_fan_out(&app.store, now)),
            in_time(self.check_delivery(&app.store, now)),
        );
        let checks = [
            ("table", table),
            ("queue", queue),
            ("deadLetters", dead_letters),
            ("fanOut", fan_out),
            ("delivery", delivery),
        ];
        let is_ready = checks.iter().all(|(_, check)| check.failure.is_none());
        let checks = checks.map(|(name, check)| (name.to_owned(), check.view()));
        Report {
            is_ready,
            checks: Value::Object(checks.into_iter().collect()),
        }
    }

    async fn check_fan_out(&self, store: &Store, now: Timestamp) -> Check {
        match store.oldest_unhandled_event(now).await {
            Err(error) => unavailable("the table", &error),
            Ok(oldest) => waiting(
                oldest,
                self.unhandled_after,
                now,
                "accepted events wait for fan-out",
            ),
        }
    }

    async fn check_delivery(&self, store: &Store, now: Timestamp) -> Check {
        match oldest_overdue(store, self.undelivered_after, now).await {
            Err(error) => unavailable("the table", &error),
            Ok(oldest) => waiting(
                oldest,
                self.undelivered_after,
                now,
                "deliveries are due and nobody attempts them",
            ),
        }
    }
}

async fn in_time(check: impl Future<Output = Check>) -> Check {
    let checked = tokio::time::timeout(limits::READINESS_TIMEOUT, check).await;
    checked.unwrap_or_else(|_| Check::failed("no answer in time"))
}

/// The reason names no cause: anybody may read it. The log has it.
fn unavailable(what: &str, error: &dyn std::error::Error) -> Check {
    tracing::error!(what, error = %error, "not ready");
    Check::failed(format!("{what} is not available"))
}

fn waiting(oldest: Option<Timestamp>, after: Duration, now: Timestamp, reason: &str) -> Check {
    let waited = oldest.map(|oldest| now.since(oldest));
    let check = Check::passed(&[("oldestSeconds", waited.map(|age| age.as_secs()).into())]);
    match waited {
        Some(age) if age > after => Check {
            failure: Some(reason.to_owned()),
            ..check
        },
        _ => check,
    }
}

async fn check_table(store: &Store) -> Check {
    match store.ping().await {
        Ok(()) => Check::passed(&[]),
        Err(error) => unavailable("the table", &error),
    }
}

async fn check_queue(queue: &Queue) -> Check {
    match queue.depth().await {
        Ok(QueueDepth { ready, in_flight }) => {
            Check::passed(&[("ready", ready.into()), ("inFlight", in_flight.into())])
        }
        Err(error) => unavailable("the delivery queue", &error),
    }
}

/// Dead letters are receivers' failures: their number is told, and only a queue
/// that does not answer fails.
async fn check_dead_letters(queue: &Queue) -> Check {
    match queue.depth().await {
        Ok(QueueDepth { ready, in_flight }) => {
            Check::passed(&[("depth", json!(ready + in_flight))])
        }
        Err(error) => unavailable("the dead-letter queue", &error),
    }
}

/// Since when the longest overdue delivery is due, of the webhooks whose
/// receivers do not explain a wait.
async fn oldest_overdue(
    store: &Store,
    after: Duration,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let webhooks = store.webhooks().await?;
    let served = webhooks.iter().filter(|webhook| is_served(webhook, now));
    let filter = &DeliveryFilter {
        until: Some(now.before(after)),
        ..DeliveryFilter::default()
    };
    let looks: Vec<_> = served
        .take(limits::READINESS_WEBHOOKS)
        .map(|webhook| async move {
            let page = store.deliveries(webhook.id, filter, None, limits::READINESS_DELIVERIES);
            Ok::<_, StoreError>(overdue_since(&page.await?.entries, after, now))
        })
        .collect();
    let found: Vec<Option<Timestamp>> = stream::iter(looks)
        .buffer_unordered(READS_AT_ONCE)
        .try_collect()
        .await?;
    Ok(found.into_iter().flatten().min())
}
