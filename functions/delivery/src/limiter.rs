//! At most so many deliveries at once per webhook, in this process. Those of a
//! webhook that answers wait here for their turn; those of one that does not
//! are turned away, so that they hold up nobody else's.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use common::{id::WebhookId, limits};
use tokio::sync::Notify;

/// The places of every webhook. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Limiter {
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
    /// A place of this webhook, where it has so many: at once, or as soon as
    /// there is one, unless all are taken by slow deliveries or there is none
    /// before `until`.
    pub async fn place(&self, webhook: WebhookId, at_once: usize, until: Instant) -> Option<Place> {
        let places = self.places(webhook);
        let mut waited = false;
        loop {
            let freed = places.freed.notified();
            let oldest = match places.take(at_once) {
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

    /// Whether so many places of this webhook are all taken by slow deliveries.
    pub fn is_stuck(&self, webhook: WebhookId, at_once: usize) -> bool {
        let taken = self.places(webhook).taken(at_once);
        taken.is_err_and(|oldest| oldest.elapsed() >= limits::SLOW_AFTER)
    }

    fn places(&self, webhook: WebhookId) -> Arc<Places> {
        let mut webhooks = self.webhooks.lock().unwrap_or_else(PoisonError::into_inner);
        webhooks.entry(webhook).or_default().clone()
    }
}

impl Places {
    /// Takes a place, or says since when the longest delivery is under way.
    fn take(&self, at_once: usize) -> Result<Instant, Instant> {
        let mut taken = self.lock();
        check(&taken, at_once)?;
        let now = Instant::now();
        taken.push(now);
        Ok(now)
    }

    fn taken(&self, at_once: usize) -> Result<(), Instant> {
        check(&self.lock(), at_once)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Instant>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether there is a place, else since when the longest delivery is under way.
fn check(taken: &[Instant], at_once: usize) -> Result<(), Instant> {
    if taken.len() < at_once {
        return Ok(());
    }
    Err(taken.iter().min().copied().unwrap_or_else(Instant::now))
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
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
        let (limiter, webhook) = (Limiter::default(), WebhookId::generate());
        let until = Instant::now() + Duration::from_secs(60);
        let first = limiter.place(webhook, 2, until).await.expect("a place");
        let _second = limiter.place(webhook, 2, until).await.expect("a place");
        assert!(
            limiter
                .place(WebhookId::generate(), 2, until)
                .await
                .is_some()
        );
        let (third, ()) = tokio::join!(limiter.place(webhook, 2, until), async {
            tokio::task::yield_now().await;
            drop(first);
        });
        assert!(third.is_some());
    }

    #[tokio::test]
    async fn nobody_waits_for_places_taken_by_slow_deliveries() {
        let (limiter, webhook) = (Limiter::default(), WebhookId::generate());
        let until = Instant::now() + Duration::from_secs(60);
        let long_ago = Instant::now().checked_sub(limits::SLOW_AFTER);
        let places = limiter.places(webhook);
        places.taken.lock().unwrap().extend(long_ago);
        assert!(limiter.place(webhook, 1, until).await.is_none());
        assert!(limiter.is_stuck(webhook, 1) && !limiter.is_stuck(webhook, 2));
        *places.taken.lock().unwrap() = vec![Instant::now()];
        assert!(limiter.place(webhook, 1, Instant::now()).await.is_none());
    }
}
