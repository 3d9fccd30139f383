//! What was accepted is never lost: the embedded queue lives in memory, so on
//! start every delivery that is not finished is queued again from the table.

use common::{
    queue::{Outgoing, Queue, QueueError},
    store::{Store, StoreError},
    time::Timestamp,
    webhook::Delivery,
};

/// Why deliveries could not be queued again.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// They could not be read.
    #[error("unfinished deliveries could not be read: {0}")]
    Store(#[from] StoreError),
    /// They could not be queued.
    #[error("unfinished deliveries could not be queued: {0}")]
    Queue(#[from] QueueError),
}

/// Queues unfinished deliveries in the order of their events; answers how many.
/// Their attempts count on: a delivery that waits for its next attempt is
/// hidden again by the function itself.
pub(crate) async fn requeue_unfinished(
    store: &Store,
    queue: &Queue,
) -> Result<usize, RecoveryError> {
    let now = Timestamp::now();
    let mut unfinished = Vec::new();
    for webhook in store.webhooks().await? {
        unfinished.extend(
            store
                .unfinished_deliveries(webhook.id, now, usize::MAX)
                .await?,
        );
    }
    unfinished.extend(watched(store).await?);
    unfinished.retain(|delivery| delivery.status.is_unfinished());
    // Event ids of one incident strictly increase, and delivery ids with them.
    unfinished.sort_by_key(|delivery| delivery.id);
    unfinished.dedup_by_key(|delivery| delivery.id);
    let messages: Vec<Outgoing> = unfinished
        .iter()
        .map(|delivery| Outgoing {
            group: delivery.group.clone(),
            message: delivery.message(),
        })
        .collect();
    queue
        .send_in_order(&messages)
        .await
        .map_err(|(_, error)| error)?;
    Ok(messages.len())
}

/// Deliveries that were queued anew are watched, whatever their age.
async fn watched(store: &Store) -> Result<Vec<Delivery>, StoreError> {
    let (mut deliveries, mut after) = (Vec::new(), None);
    loop {
        let page = store.watches(after.as_deref()).await?;
        deliveries.extend(store.watched_deliveries(&page.entries).await?);
        after = page.next;
        if after.is_none() {
            return Ok(deliveries);
        }
    }
}
