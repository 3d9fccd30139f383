//! What time alone changes, once a minute: snoozes end, incidents of tools
//! that never report a recovery are over when they have been quiet for long
//! enough, and deliveries that nothing moves are queued again.

mod stranded;

use std::time::Instant;

use common::{
    aws,
    config::ConfigError,
    id::RequestId,
    incidents::Incidents,
    limits,
    queue::Queue,
    store::{Store, StoreError},
    telemetry::{self, Metric},
    time::Timestamp,
};

/// The function.
#[derive(Debug, Clone)]
pub struct Clock {
    incidents: Incidents,
    store: Store,
    queue: Option<Queue>,
}

impl Clock {
    /// The clock of this store's incidents.
    pub fn new(store: Store) -> Self {
        Self {
            incidents: Incidents::new(store.clone()),
            store,
            queue: None,
        }
    }

    /// Looks after deliveries as well: those that nothing moves go to this
    /// queue again.
    #[must_use]
    pub fn with_queue(self, queue: Queue) -> Self {
        Self {
            queue: Some(queue),
            ..self
        }
    }

    /// The clock of the table and the queue that the environment names.
    ///
    /// # Errors
    /// Names the variable that is missing.
    pub async fn from_env() -> Result<Self, ConfigError> {
        let sdk = aws::sdk_config().await;
        let queue = Queue::from_env(&sdk, "DELIVERIES_QUEUE_URL").await?;
        Ok(Self::new(Store::from_env(&sdk).await?).with_queue(queue))
    }

    /// One run.
    ///
    /// # Errors
    /// Where something could not be read; the next run tries again.
    pub async fn tick(&self) -> Result<(), StoreError> {
        self.tick_at(Timestamp::now()).await
    }

    /// One run, as of this moment.
    ///
    /// # Errors
    /// See [`Self::tick`].
    pub async fn tick_at(&self, now: Timestamp) -> Result<(), StoreError> {
        let id = RequestId::generate().to_string();
        let run = telemetry::work("clock", self.run(now));
        telemetry::correlated(Some(&id), run).await
    }

    async fn run(&self, now: Timestamp) -> Result<(), StoreError> {
        // Neither keeps the other from being done; what may take long comes last.
        let changed = self.change_incidents(now).await;
        let looked = self.look_after_deliveries(now).await;
        if changed.as_ref().is_ok_and(|count| *count > 0)
            || looked.as_ref().is_ok_and(|count| *count > 0)
        {
            telemetry::measure_work(Metric::ClockDuration);
        }
        looked.and(changed).map(|_| ())
    }

    /// Answers how many were changed.
    async fn change_incidents(&self, now: Timestamp) -> Result<usize, StoreError> {
        let until = || Instant::now() + limits::CLOCK_CHANGES_TIME;
        let ended = self.incidents.end_snoozes(now, until()).await;
        telemetry::count(Metric::SnoozesEnded, *ended.as_ref().unwrap_or(&0));
        let resolved = self.incidents.resolve_quiet(now, until()).await;
        telemetry::count(Metric::IncidentsQuieted, *resolved.as_ref().unwrap_or(&0));
        Ok(ended? + resolved?)
    }
}
