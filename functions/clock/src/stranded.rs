//! Deliveries that nothing moves: the message of one may get lost (a purged
//! queue, a crash between table and queue), the delivery must not.
//!
//! Every delivery is looked at once it should be finished (and once more when
//! the last replay of its event is past); the few that are not are watched
//! until they are. A repeat changes nothing: what is queued twice is posted
//! once, because its messages are of one group and its record decides.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use common::{
    id::{DeliveryId, WebhookId},
    limits,
    queue::{Outgoing, Queue},
    store::{Store, StoreError, Window},
    telemetry::{self, Metric},
    time::Timestamp,
    watch::{Finding, Watch},
    webhook::{Delivery, Webhook},
};
use futures_util::{TryStreamExt as _, stream};

use crate::Clock;

/// Watches written at the same time.
const WRITES_AT_ONCE: usize = 16;

impl Clock {
    /// One look at deliveries, for at most [`limits::SWEEP_TIME`]; the next run
    /// goes on where this one stops. Answers how many were queued again.
    pub(crate) async fn look_after_deliveries(&self, now: Timestamp) -> Result<usize, StoreError> {
        let Some(queue) = &self.queue else {
            return Ok(0);
        };
        let until = Instant::now() + limits::SWEEP_TIME;
        for age in limits::SWEEP_AGES {
            sweep(&self.store, age, now, until).await?;
        }
        let mut run = Run {
            store: &self.store,
            queue,
            now,
            held: HashSet::new(),
            probed: None,
            requeued: 0,
        };
        let looked = run.look_at_watched(until).await;
        telemetry::count(Metric::DeliveriesStranded, run.requeued);
        if run.requeued > 0 {
            let requeued = run.requeued;
            tracing::warn!(requeued, "deliveries that nothing moved were queued again");
        }
        looked.map(|()| run.requeued)
    }
}

/// Watches what is unfinished at this age, step by step.
async fn sweep(
    store: &Store,
    age: Duration,
    now: Timestamp,
    until: Instant,
) -> Result<(), StoreError> {
    let name = format!("{}s", age.as_secs());
    let horizon = now.before(age);
    let position = store.sweep_position(&name).await?;
    let mut from = position.unwrap_or(horizon.before(limits::SWEEP_STEP));
    let is_step_left = |from| horizon.since(from) >= limits::SWEEP_STEP;
    if !is_step_left(from) {
        return Ok(());
    }
    let webhooks = store.webhooks().await?;
    while is_step_left(from) && Instant::now() < until {
        let to = from.after(limits::SWEEP_STEP);
        watch_window(store, &webhooks, Window { from, to }, now).await?;
        store.move_sweep(&name, to).await?;
        from = to;
    }
    Ok(())
}

async fn watch_window(
    store: &Store,
    webhooks: &[Webhook],
    window: Window,
    now: Timestamp,
) -> Result<(), StoreError> {
    for webhook in webhooks {
        let unfinished = store.unfinished_of_window(webhook.id, window).await?;
        let writes = unfinished.iter().map(|watch| store.watch(watch, now));
        stream::iter(writes.map(Ok).collect::<Vec<_>>())
            .try_buffer_unordered(WRITES_AT_ONCE)
            .try_collect::<()>()
            .await?;
    }
    Ok(())
}

/// One walk along the watched deliveries.
struct Run<'a> {
    store: &'a Store,
    queue: &'a Queue,
    now: Timestamp,
    /// The groups in which an earlier delivery still moves: what is behind it
    /// waits, and is not lost.
    held: HashSet<String>,
    /// The webhooks whose deliveries wait for a probe, once they are asked for.
    probed: Option<HashSet<WebhookId>>,
    requeued: usize,
}

impl Run<'_> {
    async fn look_at_watched(&mut self, until: Instant) -> Result<(), StoreError> {
        let mut after: Option<String> = None;
        while Instant::now() < until {
            let page = self.store.watches(after.as_deref()).await?;
            let deliveries = self.due_deliveries(&page.entries).await?;
            for watch in page.entries {
                if watch.is_due(self.now) {
                    let delivery = deliveries.get(&watch.delivery_id);
                    self.look_at(watch, delivery).await?;
                } else {
                    self.held.insert(watch.group);
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(())
    }

    async fn due_deliveries(
        &self,
        watches: &[Watch],
    ) -> Result<HashMap<DeliveryId, Delivery>, StoreError> {
        let due = watches.iter().filter(|watch| watch.is_due(self.now));
        let due: Vec<Watch> = due.cloned().collect();
        let deliveries = self.store.watched_deliveries(&due).await?;
        let by_id = deliveries
            .into_iter()
            .map(|delivery| (delivery.id, delivery));
        Ok(by_id.collect())
    }

    async fn look_at(
        &mut self,
        mut watch: Watch,
        delivery: Option<&Delivery>,
    ) -> Result<(), StoreError> {
        match (watch.judge(delivery, self.now), delivery) {
            (Finding::Finished, _) | (_, None) => return self.store.end_watch(&watch).await,
            (Finding::Alive { check_at }, _) => {
                self.held.insert(watch.group.clone());
                watch.check_at = check_at;
            }
            (Finding::Stranded { .. }, _) if self.held.contains(&watch.group) => {
                watch.check_at = watch.after_waiting(self.now);
            }
            (Finding::Stranded { .. }, _) if self.waits_for_probe(watch.webhook_id).await? => {
                self.held.insert(watch.group.clone());
                watch.check_at = watch.after_waiting(self.now);
            }
            (Finding::Stranded { check_at }, Some(delivery)) => {
                if !self.requeue(delivery, watch.resent + 1).await {
                    // Due again at the next run; what is behind it waits.
                    self.held.insert(watch.group);
                    return Ok(());
                }
                (watch.resent, watch.check_at) = (watch.resent + 1, check_at);
            }
        }
        self.store.look_again(&watch).await
    }

    /// Whether the deliveries of this webhook wait for the next probe: they are
    /// in the queue, and come by in its time. Where no probe was made for long
    /// after it was due, there is no message left to make it.
    async fn waits_for_probe(&mut self, webhook: WebhookId) -> Result<bool, StoreError> {
        if let Some(probed) = &self.probed {
            return Ok(probed.contains(&webhook));
        }
        let webhooks = self.store.webhooks().await?;
        let probed = webhooks.iter().filter(|webhook| {
            let health = webhook.health.as_ref();
            let due = health.and_then(|health| health.next_probe_at);
            webhook.enabled && due.is_some_and(|due| due.after(limits::STRANDED_AFTER) > self.now)
        });
        let probed: HashSet<WebhookId> = probed.map(|webhook| webhook.id).collect();
        let waits = probed.contains(&webhook);
        self.probed = Some(probed);
        Ok(waits)
    }

    async fn requeue(&mut self, delivery: &Delivery, time: u32) -> bool {
        let outgoing = Outgoing {
            group: delivery.group.clone(),
            message: delivery.message(),
        };
        match self.queue.send_again(&outgoing, time).await {
            Ok(()) => {
                self.requeued += 1;
                true
            }
            Err(error) => {
                tracing::error!(delivery.id = %delivery.id, %error, "a stranded delivery could not be queued");
                false
            }
        }
    }
}
