//! At most so many deliveries at once per webhook, in this process. Those of a
//! webhook that answers wait here for their turn; those of one that does not
//! are turned away, so that they hold up nobody else's.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use common::{id::WebhookId, limits};
use tokio::sync::Notify;

/// The places of every webhook. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Limiter {
    at_once: usize,
    webhooks: Arc<Mutex<HashMap<WebhookId, Arc<Places>>>>,
}

/// The places of one webhook.
#[derive(Debug, Default)]
struct Places {
    /// When the deliveries under way were started.
    taken: Mutex<Vec<Instant>>,
    freed: Notify,
}

/// A place, free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    since: Instant,
    /// Whether it was waited for.
    pub waited: bool,
}

impl Limiter {
    pub fn new(at_once: usize) -> Self {
        Self {
            at_once,
            webhooks: Arc::default(),
        }
    }

    /// A place of this webhook: at once, or as soon as there is one, unless
    /// all are taken by slow deliveries or there is none before `until`.
    pub async fn place(&self, webhook: WebhookId, until: Instant) -> Option<Place> {
        let places = self.places(webhook);
        let mut waited = false;
        loop {
            let freed = places.freed.notified();
            let oldest = match places.take(self.at_once) {
                Ok(since) => {
                    return Some(Place {
                        places: places.clone(),
                        since,
                        waited,
                    });
                }
                Err(oldest) => oldest,
            };
            waited = true;
            let patience = until.min(oldest + limits::SLOW_AFTER);
            tokio::time::timeout_at(patience.into(), freed).await.ok()?;
        }
    }

    fn places(&self, webhook: WebhookId) -> Arc<Places> {
        let mut webhooks = self.webhooks.lock().unwrap_or_else(PoisonError::into_inner);
        webhooks.entry(webhook).or_default().clone()
    }
}

impl Places {
    /// Takes a place, or says since when the longest delivery is under way.
    fn take(&self, at_once: usize) -> Result<Instant, Instant> {
        let now = Instant::now();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.len() < at_once {
            taken.push(now);
            return Ok(now);
        }
        Err(taken.iter().min().copied().unwrap_or(now))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self
            .places
            .taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = taken.iter().position(|since| *since == self.since) {
            taken.swap_remove(at);
        }
        drop(taken);
        self.places.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_place_that_becomes_free_is_taken_by_the_next() {
        let (limiter, webhook) = (Limiter::new(2), WebhookId::generate());
        let until = Instant::now() + Duration::from_secs(60);
        let first = limiter.place(webhook, until).await.expect("a place");
        let _second = limiter.place(webhook, until).await.expect("a place");
        assert!(limiter.place(WebhookId::generate(), until).await.is_some());
        let (third, ()) = tokio::join!(limiter.place(webhook, until), async {
            tokio::task::yield_now().await;
            drop(first);
        });
        assert!(third.is_some());
    }

    #[tokio::test]
    async fn nobody_waits_for_places_taken_by_slow_deliveries() {
        let (limiter, webhook) = (Limiter::new(1), WebhookId::generate());
        let until = Instant::now() + Duration::from_secs(60);
        let long_ago = Instant::now().checked_sub(limits::SLOW_AFTER);
        let places = limiter.places(webhook);
        places.taken.lock().unwrap().extend(long_ago);
        assert!(limiter.place(webhook, until).await.is_none());
        *places.taken.lock().unwrap() = vec![Instant::now()];
        assert!(limiter.place(webhook, Instant::now()).await.is_none());
    }
}
