//! What an alert or a person changes: the domain rules over the store. Every
//! change is one conditional transaction, tried again where somebody else was
//! faster.

mod alerts;
mod changes;
mod time;

pub(crate) use alerts::NOTHING_OPEN;
pub use alerts::{AlertOutcome, IncidentSummary, Reporter};
pub use changes::{ChangeError, NewIncident, Precondition};

use crate::store::Store;

/// The incidents of a deployment.
#[derive(Debug, Clone)]
pub struct Incidents {
    store: Store,
}

impl Incidents {
    /// The incidents in this store.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }
}
