//! What time alone changes, once a minute: snoozes end.

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
        let ended = self.incidents.end_snoozes(Timestamp::now()).await?;
        if ended > 0 {
            tracing::info!(ended, "snoozes ended");
        }
        Ok(())
    }
}
