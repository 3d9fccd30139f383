//! What a service decides for the incidents that alerts open: maintenance, an
//! end for tools that never report one, an urgency of its own. Pure.
//!
//! Every integration of the service carries a copy, written in the transaction
//! that changes the service: an alert reads its integration and nothing else.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{alert::Urgency, time::Timestamp};

/// A time during which new incidents are expected and wake nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MaintenanceWindow {
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
    /// Why.
    #[serde(default)]
    #[schema(required)]
    pub reason: Option<String>,
}

impl MaintenanceWindow {
    /// Whether it is under way at `now`.
    pub fn contains(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

impl fmt::Display for MaintenanceWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "maintenance from {} until {}", self.from, self.until)?;
        match &self.reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}

/// The options of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceOptions {
    /// Incidents that alerts open meanwhile are suppressed from the start.
    pub maintenance_windows: Vec<MaintenanceWindow>,
    /// Hours without an alert after which an incident is over, where its
    /// integration says nothing else.
    pub auto_resolve_after_hours: Option<u64>,
    /// The urgency of every incident that an alert opens, whatever its severity.
    pub default_urgency: Option<Urgency>,
}

impl ServiceOptions {
    /// Seconds without an alert after which an incident is over.
    pub fn auto_resolve_after(&self) -> Option<u64> {
        self.auto_resolve_after_hours.map(|hours| hours * 3_600)
    }

    /// The options without the windows that are over at `now`.
    #[must_use]
    pub fn pruned(mut self, now: Timestamp) -> Self {
        self.maintenance_windows.retain(|window| window.until > now);
        self
    }
}

/// The window that is under way at `now`; of several, the one that ends last.
pub fn maintenance_at(windows: &[MaintenanceWindow], now: Timestamp) -> Option<&MaintenanceWindow> {
    windows
        .iter()
        .filter(|window| window.contains(now))
        .max_by_key(|window| window.until)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_millis(1_786_000_000_000 + seconds * 1_000)
    }

    fn window(from: u64, until: u64) -> MaintenanceWindow {
        MaintenanceWindow {
            from: at(from),
            until: at(until),
            reason: None,
        }
    }

    #[test]
    fn a_window_has_its_start_and_not_its_end() {
        let windows = [window(10, 20), window(15, 30)];
        let until = |seconds| maintenance_at(&windows, at(seconds)).map(|one| one.until);
        assert_eq!(until(9), None);
        assert_eq!(until(10), Some(at(20)));
        assert_eq!(until(15), Some(at(30)), "the one that ends last");
        assert_eq!(until(29), Some(at(30)));
        assert_eq!(until(30), None);
    }

    #[test]
    fn what_is_over_is_pruned() {
        let options = ServiceOptions {
            maintenance_windows: vec![window(10, 20), window(15, 30)],
            ..ServiceOptions::default()
        };
        assert_eq!(options.pruned(at(20)).maintenance_windows, [window(15, 30)]);
    }
}
