//! Incidents, their counters, events and raw alerts.
//!
//! The counter item (`OPEN#service#key`) stays after its incident is resolved:
//! it holds the exact alert count until the next incident of the key opens,
//! and the memory of domain rule 4.

use std::cmp::Reverse;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::update_item::UpdateItemError,
    types::{
        AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
    },
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};

use super::{Item, Page, PutItem, Store, StoreError, keys, number, read, text};
use crate::{
    alert::{DedupKey, Urgency},
    event::Event,
    id::{AlertId, IncidentId, ServiceId},
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

/// A new incident of a dedup key, ready to be written.
#[derive(Debug)]
pub struct Opening<'a> {
    /// The incident.
    pub incident: &'a Incident,
    /// Its `incident.created`.
    pub event: &'a Event,
    /// The alert that opens it.
    pub alert: Option<&'a RawAlert>,
    /// The closed incident that the key's counter belongs to; its count is
    /// settled ([`Store::settle_count`]).
    pub before: Option<IncidentId>,
}

/// A raw alert kept with its incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RawAlert {
    /// Identifier.
    pub id: AlertId,
    /// When it was received.
    pub received_at: Timestamp,
    /// When it happened, by the sender's clock.
    pub occurred_at: Option<Timestamp>,
    /// What it asked for.
    pub action: crate::alert::Action,
    /// How bad it was.
    pub severity: crate::alert::Severity,
    /// Its title.
    pub title: String,
    /// What reported it.
    pub source: String,
    /// Where to look.
    pub link: Option<String>,
    /// Everything sent about it, as JSON text.
    pub details: String,
    /// Whether the details were cut.
    pub truncated: bool,
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

/// Which incidents a list shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IncidentFilter {
    /// Only of this status.
    pub status: Option<Status>,
    /// Only of this service.
    pub service: Option<ServiceId>,
    /// Only of this urgency.
    pub urgency: Option<Urgency>,
    /// Only those that are over when no alert comes for a while.
    pub auto_resolving: bool,
}

/// An entry of the incident index.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IndexEntry {
    gsi1sk: IncidentId,
}

/// One index partition's share of a list.
struct ShardPage {
    ids: Vec<IncidentId>,
    /// The last entry looked at, where there are more behind it.
    looked_at: Option<IncidentId>,
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

    /// Opens an incident in one transaction: the incident, its event, its
    /// first alert, and the counter, if the key has no open incident.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the key got an open incident in the meantime.
    pub async fn open_incident(&self, opening: Opening<'_>) -> Result<(), StoreError> {
        let Opening {
            incident,
            event,
            alert,
            before,
        } = opening;
        let mut items = vec![
            self.incident_put(incident)?
                .only_if("attribute_not_exists(pk)")
                .in_transaction()?,
            self.event_put(event)?.in_transaction()?,
        ];
        if incident.dedup_key.is_some() {
            items.push(self.counter_takeover(incident, before)?);
        }
        if let Some(alert) = alert {
            items.push(self.raw_alert_put(incident.id, alert)?.in_transaction()?);
        }
        self.transact(items).await
    }

    /// The counter of a new (or reopened) incident replaces that of the closed
    /// incident `before`, and of no other: the count of one that was opened and
    /// closed in between is not settled yet.
    fn counter_takeover(
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

    /// Writes a change in one transaction: the incident if nobody changed it
    /// since, its event, notes, and the counter.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where somebody changed the incident or took its counter.
    pub async fn change_incident(
        &self,
        incident: &Incident,
        events: &[Event],
        counter: CounterChange,
    ) -> Result<(), StoreError> {
        let mut items = self.incident_and_events(incident, events)?;
        if incident.dedup_key.is_some() {
            items.push(match counter {
                CounterChange::Reopen(before) => self.counter_takeover(incident, before)?,
                _ => self.counter_update(incident, counter)?,
            });
        }
        self.transact(items).await
    }

    /// Writes a change of an incident that stays closed: its counter may have
    /// gone to another incident and is left alone.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where somebody changed the incident.
    pub async fn change_closed_incident(
        &self,
        incident: &Incident,
        events: &[Event],
    ) -> Result<(), StoreError> {
        self.transact(self.incident_and_events(incident, events)?)
            .await
    }

    fn incident_and_events(
        &self,
        incident: &Incident,
        events: &[Event],
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let mut items = vec![
            self.incident_put(incident)?
                .only_if("version = :before")
                .value(":before", number(incident.version - 1))
                .in_transaction()?,
        ];
        for event in events {
            items.push(self.event_put(event)?.in_transaction()?);
        }
        Ok(items)
    }

    fn counter_update(
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

    fn incident_put(&self, incident: &Incident) -> Result<PutItem, StoreError> {
        let mut put = self
            .put(keys::incident(incident.id), incident)?
            .with("serviceId", text(incident.service.id.to_string()))
            .with(
                "gsi1pk",
                text(keys::index_partition(incident.id, incident.is_open())),
            )
            .with("gsi1sk", text(incident.id.to_string()));
        if !incident.is_open() {
            put = put.with("expiresAt", number(closed_expiry(incident)));
        }
        Ok(put)
    }

    fn event_put(&self, event: &Event) -> Result<PutItem, StoreError> {
        // The stream's filter takes only what has an outgoing event.
        let kind = if event.body.is_some() {
            "EVENT"
        } else {
            "NOTE"
        };
        Ok(self
            .put(keys::event(event.incident_id, event.id), event)?
            .with("kind", text(kind))
            .with("expiresAt", open_history_expiry(event.at)))
    }

    fn raw_alert_put(&self, incident: IncidentId, alert: &RawAlert) -> Result<PutItem, StoreError> {
        Ok(self
            .put(keys::raw_alert(incident, alert.id), alert)?
            .with("expiresAt", open_history_expiry(alert.received_at)))
    }

    /// Adds a note to an incident's timeline; the incident itself stays as it is.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn add_note(&self, note: &Event) -> Result<(), StoreError> {
        self.event_put(note)?.send(&self.client).await
    }

    /// Keeps a raw alert with its incident.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn keep_alert(
        &self,
        incident: IncidentId,
        alert: &RawAlert,
    ) -> Result<(), StoreError> {
        self.raw_alert_put(incident, alert)?
            .send(&self.client)
            .await
    }

    /// An incident as it was last changed; its alert count may be behind, see
    /// [`Self::incident_with_count`].
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError> {
        self.get(keys::incident(id)).await
    }

    /// An incident with its exact alert count.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn incident_with_count(
        &self,
        id: IncidentId,
    ) -> Result<Option<Incident>, StoreError> {
        let Some(mut incident) = self.incident(id).await? else {
            return Ok(None);
        };
        if let Some(key) = &incident.dedup_key {
            let counter = self.counter(incident.service.id, key).await?;
            take_count(&mut incident, counter.as_ref());
        }
        Ok(Some(incident))
    }

    /// The timeline of an incident, oldest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn timeline(&self, id: IncidentId) -> Result<Vec<Event>, StoreError> {
        self.query_all(&keys::incident_partition(id), keys::EVENT_PREFIX)
            .await
    }

    /// The raw alerts kept of an incident, oldest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn raw_alerts(&self, id: IncidentId) -> Result<Vec<RawAlert>, StoreError> {
        self.query_all(&keys::incident_partition(id), keys::ALERT_PREFIX)
            .await
    }

    /// Incidents, newest first, from before the incident `before`. A page may
    /// be short, even empty, and still have a next one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn incidents(
        &self,
        filter: IncidentFilter,
        before: Option<IncidentId>,
        limit: usize,
    ) -> Result<Page<Incident>, StoreError> {
        let sides: &[bool] = match filter.status {
            None if filter.auto_resolving => &[true],
            None => &[true, false],
            Some(Status::Resolved) => &[false],
            Some(_) => &[true],
        };
        let mut shards = Vec::new();
        for open in sides {
            shards.extend(
                (0..limits::INCIDENT_INDEX_SHARDS).map(|shard| keys::index_shard(*open, shard)),
            );
        }
        let pages: Vec<ShardPage> = stream::iter(shards)
            .map(|shard| self.index_page(shard, filter, before, limit))
            .buffered(8)
            .try_collect()
            .await?;

        // What lies behind the least far reader may be incomplete: it is left
        // for the next page.
        let horizon = pages.iter().filter_map(|page| page.looked_at).max();
        let mut ids: Vec<IncidentId> = pages.into_iter().flat_map(|page| page.ids).collect();
        ids.sort_unstable_by_key(|id| Reverse(*id));
        ids.retain(|id| horizon.is_none_or(|horizon| *id >= horizon));
        let more = ids.len() > limit;
        ids.truncate(limit);
        let next = if more { ids.last().copied() } else { horizon };
        let entries = self.incidents_with_counts(&ids).await?;
        Ok(Page {
            entries,
            next: next.map(|id| id.to_string()),
        })
    }

    /// One partition's newest matches.
    async fn index_page(
        &self,
        partition: String,
        filter: IncidentFilter,
        before: Option<IncidentId>,
        limit: usize,
    ) -> Result<ShardPage, StoreError> {
        let (mut ids, mut looked_through, mut start) = (Vec::new(), 0, None);
        loop {
            let mut query = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(keys::INDEX)
                .scan_index_forward(false)
                .set_exclusive_start_key(start)
                .limit(i32::try_from(limits::LIST_SCAN_BUDGET).unwrap_or(i32::MAX))
                .expression_attribute_values(":pk", text(partition.clone()));
            query = match before {
                Some(before) => query
                    .key_condition_expression("gsi1pk = :pk AND gsi1sk < :before")
                    .expression_attribute_values(":before", text(before.to_string())),
                None => query.key_condition_expression("gsi1pk = :pk"),
            };
            let mut conditions = Vec::new();
            if let Some(status) = filter.status {
                conditions.push("#status = :status");
                query = query
                    .expression_attribute_names("#status", "status")
                    .expression_attribute_values(":status", text(status.as_str()));
            }
            if let Some(service) = filter.service {
                conditions.push("serviceId = :service");
                query = query.expression_attribute_values(":service", text(service.to_string()));
            }
            if let Some(urgency) = filter.urgency {
                conditions.push("urgency = :urgency");
                query = query.expression_attribute_values(":urgency", text(urgency.as_str()));
            }
            if filter.auto_resolving {
                conditions.push("attribute_exists(autoResolveAfter)");
            }
            if conditions.is_empty() {
                query = query.limit(i32::try_from(limit + 1).unwrap_or(i32::MAX));
            } else {
                query = query.filter_expression(conditions.join(" AND "));
            }
            let output = query.send().await.map_err(StoreError::from_sdk)?;
            looked_through += usize::try_from(output.scanned_count).unwrap_or_default();
            for item in output.items.unwrap_or_default() {
                ids.push(read::<IndexEntry>(item)?.gsi1sk);
            }
            start = output.last_evaluated_key;
            let last = start
                .as_ref()
                .and_then(|key| key.get("gsi1sk"))
                .and_then(|value| value.as_s().ok());
            let last = last.and_then(|id| id.parse().ok());
            if last.is_none() || ids.len() > limit || looked_through >= limits::LIST_SCAN_BUDGET {
                return Ok(ShardPage {
                    ids,
                    looked_at: last,
                });
            }
        }
    }

    /// The incidents of these identifiers, in their order, with exact counts.
    async fn incidents_with_counts(&self, ids: &[IncidentId]) -> Result<Vec<Incident>, StoreError> {
        let items = self
            .get_all(ids.iter().copied().map(keys::incident).collect())
            .await?;
        let mut incidents: Vec<Incident> = items.into_iter().map(read).collect::<Result<_, _>>()?;
        incidents.sort_unstable_by_key(|incident| Reverse(incident.id));
        let mut wanted: Vec<keys::Key> = incidents
            .iter()
            .filter_map(|incident| {
                Some(keys::counter(
                    incident.service.id,
                    incident.dedup_key.as_ref()?,
                ))
            })
            .collect();
        // Several incidents of one key share a counter, and a batch may name it once.
        wanted.sort_unstable_by(|a, b| a.pk.cmp(&b.pk));
        wanted.dedup();
        let counters: Vec<Counter> = self
            .get_all(wanted)
            .await?
            .into_iter()
            .map(read)
            .collect::<Result<_, _>>()?;
        for incident in &mut incidents {
            take_count(
                incident,
                counters
                    .iter()
                    .find(|counter| counter.incident_id == Some(incident.id)),
            );
        }
        Ok(incidents)
    }

    /// Snoozed incidents, for the clock.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn snoozed_incidents(&self) -> Result<Vec<Incident>, StoreError> {
        self.all_incidents(IncidentFilter {
            status: Some(Status::Snoozed),
            ..IncidentFilter::default()
        })
        .await
    }

    /// Open incidents that are over when no alert comes for a while, for the
    /// clock.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn auto_resolving_incidents(&self) -> Result<Vec<Incident>, StoreError> {
        self.all_incidents(IncidentFilter {
            auto_resolving: true,
            ..IncidentFilter::default()
        })
        .await
    }

    async fn all_incidents(&self, filter: IncidentFilter) -> Result<Vec<Incident>, StoreError> {
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let page = self.incidents(filter, before, limits::PAGE_MAX).await?;
            found.extend(page.entries);
            before = page.next.and_then(|id| id.parse().ok());
            if before.is_none() {
                return Ok(found);
            }
        }
    }
}

/// The counter is exact as long as it belongs to the incident.
fn take_count(incident: &mut Incident, counter: Option<&Counter>) {
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

/// `fanout` shortens it when the incident closes.
fn open_history_expiry(written_at: Timestamp) -> AttributeValue {
    number(
        written_at
            .after(limits::OPEN_HISTORY_RETENTION)
            .unix_seconds(),
    )
}

fn closed_expiry(incident: &Incident) -> u64 {
    incident
        .resolved_at
        .unwrap_or(incident.updated_at)
        .after(limits::CLOSED_INCIDENT_RETENTION)
        .unix_seconds()
}
