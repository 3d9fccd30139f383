//! The counter item of a dedup key: the hot path's one write.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::update_item::UpdateItemError,
    types::{ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update},
};
use serde::{Deserialize, Serialize};

use super::{
    super::{Item, Store, StoreError, keys, number, read, text},
    closed_expiry,
};
use crate::{
    alert::{DedupKey, Urgency},
    id::{IncidentId, ServiceId},
    incident::{Incident, Status},
    limits, text as texts,
    time::Timestamp,
};

/// The counter item of a dedup key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counter {
    /// The latest incident of the key; absent where only a resolve is remembered.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub incident_id: Option<IncidentId>,
    /// That incident's status.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<Status>,
    /// That incident's urgency, by rank.
    #[serde(default)]
    pub urgency_rank: u8,
    /// That incident's title, cut so that the item stays small.
    #[serde(default)]
    pub title: String,
    /// That incident's alerts so far.
    #[serde(default)]
    pub alert_count: u64,
    /// When the latest of them came.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_alert_at: Option<Timestamp>,
    /// The count that was written into the incident when it was resolved.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub resolved_count: Option<u64>,
    /// When the resolving alert happened, by the sender's clock.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub resolved_occurred_at: Option<Timestamp>,
    /// When a resolve that found nothing happened, by the sender's clock.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub orphan_resolved_at: Option<Timestamp>,
    /// Until when that is remembered.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub orphan_until: Option<Timestamp>,
}

impl Counter {
    /// The open incident of the key.
    pub fn open_incident(&self) -> Option<IncidentId> {
        self.incident_id
            .filter(|_| self.status.is_some_and(|status| status != Status::Resolved))
    }

    /// The urgency of the incident.
    pub fn urgency(&self) -> Urgency {
        [Urgency::High, Urgency::Medium]
            .into_iter()
            .find(|urgency| urgency.rank() == self.urgency_rank)
            .unwrap_or(Urgency::Low)
    }

    /// The resolve that a trigger of `occurred_at` comes too late for.
    pub fn resolved_already(
        &self,
        occurred_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let resolved = self
            .orphan_resolved_at
            .filter(|_| self.orphan_until.is_some_and(|until| until > now))?;
        occurred_at
            .filter(|occurred| *occurred <= resolved)
            .map(|_| resolved)
    }
}

/// What counting an alert found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counted {
    /// An open incident of at least this urgency: counted.
    Deduplicated(Counter),
    /// An open incident of a lower urgency: not counted yet.
    Lower(IncidentId),
    /// No open incident.
    None(Option<Counter>),
}

/// What a change does to the counter of its incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterChange {
    /// Follows the incident's status, urgency and title.
    Follow,
    /// The same, and counts the alert that made the change.
    FollowAndCount,
    /// The incident was resolved by an alert of this moment.
    Resolve(Option<Timestamp>),
    /// The incident was resolved because no alert came since this one.
    ResolveQuiet(Timestamp),
    /// The incident is open again: it takes the counter back from the closed
    /// incident that has it (itself, or a later one).
    Reopen(Option<IncidentId>),
}

impl Store {
    /// Counts an alert on the open incident of its key: the hot path's one
    /// write. Its conditional failure tells what is there instead.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn count_alert(
        &self,
        service: ServiceId,
        key: &DedupKey,
        urgency: Urgency,
        now: Timestamp,
    ) -> Result<Counted, StoreError> {
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::counter(service, key).into_item()))
            .update_expression("SET lastAlertAt = :now ADD alertCount :one")
            .condition_expression(
                "attribute_exists(incidentId) AND #status <> :resolved AND urgencyRank >= :rank",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":now", text(now.to_string()))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":resolved", text(Status::Resolved.as_str()))
            .expression_attribute_values(":rank", number(urgency.rank()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(output) => Ok(Counted::Deduplicated(read(
                output.attributes.unwrap_or_default(),
            )?)),
            Err(SdkError::ServiceError(failure))
                if failure.err().is_conditional_check_failed_exception() =>
            {
                let UpdateItemError::ConditionalCheckFailedException(failed) = failure.into_err()
                else {
                    return Err(StoreError::Conflict);
                };
                let counter: Option<Counter> = failed
                    .item
                    .filter(|item| !item.is_empty())
                    .map(read)
                    .transpose()?;
                Ok(match counter.as_ref().and_then(Counter::open_incident) {
                    Some(incident) => Counted::Lower(incident),
                    None => Counted::None(counter),
                })
            }
            Err(error) => Err(StoreError::from_sdk(error)),
        }
    }

    /// The counter of a key.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn counter(
        &self,
        service: ServiceId,
        key: &DedupKey,
    ) -> Result<Option<Counter>, StoreError> {
        self.get(keys::counter(service, key)).await
    }

    /// Remembers a resolve that found nothing, for [`limits::ORPHAN_RESOLVE_MEMORY`].
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where an incident was opened in the meantime.
    pub async fn remember_resolve(
        &self,
        service: ServiceId,
        key: &DedupKey,
        resolved_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let until = now.after(limits::ORPHAN_RESOLVE_MEMORY);
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::counter(service, key).into_item()))
            .update_expression(
                "SET orphanResolvedAt = :at, orphanUntil = :until, expiresAt = if_not_exists(expiresAt, :expires)",
            )
            .condition_expression("attribute_not_exists(incidentId) OR #status = :resolved")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":at", text(resolved_at.to_string()))
            .expression_attribute_values(":until", text(until.to_string()))
            .expression_attribute_values(":expires", number(until.unix_seconds() + 1))
            .expression_attribute_values(":resolved", text(Status::Resolved.as_str()))
            .send()
            .await
            .map(|_| ())
            .map_err(StoreError::from_sdk)
    }

    /// Notes on a resolved incident's counter when the resolve happened that
    /// belongs to it, where no alert had resolved it so far.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the counter changed in the meantime.
    pub async fn adopt_resolve(
        &self,
        service: ServiceId,
        key: &DedupKey,
        incident: IncidentId,
        resolved_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::counter(service, key).into_item()))
            .update_expression("SET resolvedOccurredAt = :at")
            .condition_expression(
                "incidentId = :incident AND #status = :resolved AND attribute_not_exists(resolvedOccurredAt)",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":at", text(resolved_at.to_string()))
            .expression_attribute_values(":incident", text(incident.to_string()))
            .expression_attribute_values(":resolved", text(Status::Resolved.as_str()))
            .send()
            .await
            .map(|_| ())
            .map_err(StoreError::from_sdk)
    }

    /// The counter of a new (or reopened) incident replaces that of the closed
    /// incident `before`, and of no other: the count of one that was opened and
    /// closed in between is not settled yet.
    pub(super) fn counter_takeover(
        &self,
        incident: &Incident,
        before: Option<IncidentId>,
    ) -> Result<TransactWriteItem, StoreError> {
        let Some(key) = &incident.dedup_key else {
            return Err(StoreError::Refused("no dedup key".to_owned()));
        };
        let key = keys::counter(incident.service.id, key);
        let counter = Counter {
            incident_id: Some(incident.id),
            status: Some(incident.status),
            urgency_rank: incident.urgency.rank(),
            title: counter_title(&incident.title, &key.pk),
            alert_count: incident.alert_count,
            last_alert_at: Some(incident.updated_at),
            ..Counter::default()
        };
        let put = self.put(key, &counter)?;
        let put = match before {
            None => put.only_if("attribute_not_exists(incidentId)"),
            Some(before) => put
                .only_if("incidentId = :before AND #status = :resolved")
                .name("#status", "status")
                .value(":before", text(before.to_string()))
                .value(":resolved", text(Status::Resolved.as_str())),
        };
        put.in_transaction()
    }

    /// Writes the final alert count of a closed incident where alerts were
    /// counted while it was being resolved; the counter is taken over next.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn settle_count(&self, counter: &Counter) -> Result<(), StoreError> {
        let Some(incident) = counter
            .incident_id
            .filter(|_| counter.resolved_count != Some(counter.alert_count))
        else {
            return Ok(());
        };
        let settled = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::incident(incident).into_item()))
            .update_expression("SET alertCount = :count")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":count", number(counter.alert_count))
            .send()
            .await
            .map(|_| ())
            .map_err(StoreError::from_sdk);
        match settled {
            // Expired in the meantime.
            Err(StoreError::Conflict) => Ok(()),
            other => other,
        }
    }

    pub(super) fn counter_update(
        &self,
        incident: &Incident,
        change: CounterChange,
    ) -> Result<TransactWriteItem, StoreError> {
        let Some(key) = &incident.dedup_key else {
            return Err(StoreError::Refused("no dedup key".to_owned()));
        };
        let key = keys::counter(incident.service.id, key);
        let mut set = vec!["#status = :status", "urgencyRank = :rank", "title = :title"];
        let mut values = Item::from([
            (":status".to_owned(), text(incident.status.as_str())),
            (":rank".to_owned(), number(incident.urgency.rank())),
            (
                ":title".to_owned(),
                text(counter_title(&incident.title, &key.pk)),
            ),
            (":incident".to_owned(), text(incident.id.to_string())),
        ]);
        let (mut add, mut condition) = ("", "incidentId = :incident");
        match change {
            CounterChange::Resolve(Some(at)) => {
                set.push("resolvedOccurredAt = :occurred");
                values.insert(":occurred".to_owned(), text(at.to_string()));
            }
            CounterChange::ResolveQuiet(last_alert) => {
                condition = "incidentId = :incident AND lastAlertAt = :last";
                values.insert(":last".to_owned(), text(last_alert.to_string()));
            }
            _ => {}
        }
        match change {
            CounterChange::FollowAndCount => {
                set.push("lastAlertAt = :now");
                values.insert(":now".to_owned(), text(incident.updated_at.to_string()));
                values.insert(":one".to_owned(), number(1));
                add = " ADD alertCount :one";
            }
            CounterChange::Resolve(_) | CounterChange::ResolveQuiet(_) => {
                set.extend(["resolvedCount = :count", "expiresAt = :expires"]);
                values.insert(":count".to_owned(), number(incident.alert_count));
                values.insert(":expires".to_owned(), number(closed_expiry(incident)));
            }
            CounterChange::Follow | CounterChange::Reopen(_) => {}
        }
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key.into_item()))
            .update_expression(format!("SET {}{add}", set.join(", ")))
            .condition_expression(condition)
            .expression_attribute_names("#status", "status")
            .set_expression_attribute_values(Some(values))
            .build()?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}

/// The counter is exact as long as it belongs to the incident.
pub(super) fn take_count(incident: &mut Incident, counter: Option<&Counter>) {
    if let Some(counter) = counter.filter(|counter| counter.incident_id == Some(incident.id)) {
        incident.alert_count = counter.alert_count;
    }
}

/// As much of the title as the counter item has room for within one write unit.
fn counter_title(title: &str, pk: &str) -> String {
    // Attribute names, identifiers and timestamps of a full counter.
    const OTHER_ATTRIBUTES: usize = 340;
    let room = limits::COUNTER_ITEM_BYTES.saturating_sub(OTHER_ATTRIBUTES + pk.len());
    texts::cut_bytes(title, room).to_owned()
}
