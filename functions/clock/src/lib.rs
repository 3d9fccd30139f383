//! What time alone changes, once a minute: snoozes end, and incidents of tools
//! that never report a recovery are over when they have been quiet for long
//! enough.

use common::{
    aws,
    config::ConfigError,
    incidents::Incidents,
    store::{Store, StoreError},
    time::Timestamp,
};

/// The function.
#[derive(Debug, Clone)]
pub struct Clock {
    incidents: Incidents,
}

impl Clock {
    /// The clock of this store's incidents.
    pub fn new(store: Store) -> Self {
        Self {
            incidents: Incidents::new(store),
        }
    }

    /// The clock of the table that the environment names.
    ///
    /// # Errors
    /// Names the variable that is missing.
    pub async fn from_env() -> Result<Self, ConfigError> {
        let sdk = aws::sdk_config().await;
        Ok(Self::new(Store::from_env(&sdk).await?))
    }

    /// One run.
    ///
    /// # Errors
    /// Where the incidents could not be read; the next run tries again.
    pub async fn tick(&self) -> Result<(), StoreError> {
        let now = Timestamp::now();
        let ended = self.incidents.end_snoozes(now).await?;
        let resolved = self.incidents.resolve_quiet(now).await?;
        if ended + resolved > 0 {
            tracing::info!(ended, resolved, "snoozes ended, quiet incidents resolved");
        }
        Ok(())
    }
}
