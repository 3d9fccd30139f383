//! An incident's timeline and raw alerts expire with it: 30 days after it
//! closes, and not while it is open again.

use common::{
    event::{Event, EventName},
    limits,
    store::Store,
    time::Timestamp,
};

use futures_util::{StreamExt as _, stream};

use crate::{Record, Told};

/// Incidents followed at the same time.
const FOLLOWED_AT_ONCE: usize = 16;

/// Follows closes and reopenings, for at most [`limits::FOLLOW_TIME`]. What
/// fails or takes longer is left to the expiry that every item was written
/// with: no reason to hold up the stream.
pub(crate) async fn follow_all(store: &Store, records: &[Record]) {
    let following =
        stream::iter(records).for_each_concurrent(FOLLOWED_AT_ONCE, |record| follow(store, record));
    if tokio::time::timeout(limits::FOLLOW_TIME, following)
        .await
        .is_err()
    {
        tracing::warn!("some timelines keep their old expiry: they are too long");
    }
}

async fn follow(store: &Store, record: &Record) {
    // A webhook's timeline has its final expiry from the start.
    let Told::Incident(event) = &record.event else {
        return;
    };
    let keep_until = match record.name {
        EventName::Resolved => event.at.after(limits::CLOSED_INCIDENT_RETENTION),
        EventName::Updated if reopens(event) => {
            Timestamp::now().after(limits::OPEN_HISTORY_RETENTION)
        }
        _ => return,
    };
    if let Err(error) = store.expire_history(event.incident_id, keep_until).await {
        tracing::warn!(incident.id = %event.incident_id, %error, "a timeline keeps its old expiry");
    }
}

fn reopens(event: &Event) -> bool {
    let from_resolved = |change: &common::incident::FieldChange| {
        change.field == "status" && change.from.as_deref() == Some("RESOLVED")
    };
    event.changes.iter().any(from_resolved)
}
