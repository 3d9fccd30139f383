//! The schedule → `clock`, every minute unless said, and the housekeeping that AWS does by
//! itself.

use std::{sync::Arc, time::Duration};

use clock::Clock;
use tokio::sync::{Notify, watch};

use crate::embedded::dynamodb::DynamoDb;

/// Ticks until told to stop.
pub(crate) async fn run(
    clock: Clock,
    every: Duration,
    database: Arc<DynamoDb>,
    written: Arc<Notify>,
    mut stop: watch::Receiver<bool>,
) {
    let mut minutes = tokio::time::interval(every);
    minutes.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = minutes.tick() => {}
            _ = stop.changed() => return,
        }
        if let Err(error) = clock.tick().await {
            tracing::error!(%error, "the clock's run failed; the next one tries again");
        }
        written.notify_one();
        let database = database.clone();
        let _ = tokio::task::spawn_blocking(move || database.housekeeping()).await;
    }
}
