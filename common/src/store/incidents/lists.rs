//! Lists of incidents, from the index.

use std::cmp::Reverse;

use serde::{Deserialize, de::DeserializeOwned};

use super::{
    super::{Page, Store, StoreError, keys, read, text},
    Counter,
    counters::take_count,
};
use crate::{
    alert::{DedupKey, Urgency},
    id::{IncidentId, ServiceId},
    incident::{Incident, Status},
    limits,
};

/// Which incidents a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IncidentFilter {
    /// Only of these statuses; none lets all pass.
    pub statuses: Vec<Status>,
    /// Only of this service.
    pub service: Option<ServiceId>,
    /// Only of this urgency.
    pub urgency: Option<Urgency>,
}

impl IncidentFilter {
    /// Whether an incident that is open (or is not) can match.
    fn may_be(&self, open: bool) -> bool {
        let statuses = self.statuses.iter();
        let is_of_side = |status: &Status| (*status != Status::Resolved) == open;
        self.statuses.is_empty() || statuses.into_iter().any(is_of_side)
    }
}

/// An entry of the incident index.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IndexEntry {
    gsi1sk: IncidentId,
}

/// What the index tells of an open incident that is over when no alert comes
/// for a while.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AutoResolving {
    /// The incident.
    #[serde(rename = "gsi1sk")]
    pub id: IncidentId,
    /// Its service.
    pub service_id: ServiceId,
    /// Its dedup key.
    #[serde(default)]
    pub dedup_key: Option<DedupKey>,
    /// For how long, seconds.
    pub auto_resolve_after: u64,
}

/// One index partition's share of a list.
struct ShardPage {
    ids: Vec<IncidentId>,
    /// The last entry looked at, where there are more behind it.
    looked_at: Option<IncidentId>,
}

impl Store {
    /// Incidents, newest first, from before the incident `before`. A page may
    /// be short, even empty, and still have a next one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn incidents(
        &self,
        filter: &IncidentFilter,
        before: Option<IncidentId>,
        limit: usize,
    ) -> Result<Page<Incident>, StoreError> {
        // The open ones first: one that is closed in between is then in one of
        // both, or in both.
        let mut pages = Vec::new();
        for open in [true, false] {
            if filter.may_be(open) {
                pages.extend(self.index_pages(open, filter, before, limit).await?);
            }
        }

        // What lies behind the least far reader may be incomplete: it is left
        // for the next page.
        let horizon = pages.iter().filter_map(|page| page.looked_at).max();
        let mut ids: Vec<IncidentId> = pages.into_iter().flat_map(|page| page.ids).collect();
        ids.sort_unstable_by_key(|id| Reverse(*id));
        ids.dedup();
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

    /// The newest matches of each partition of one side.
    async fn index_pages(
        &self,
        open: bool,
        filter: &IncidentFilter,
        before: Option<IncidentId>,
        limit: usize,
    ) -> Result<Vec<ShardPage>, StoreError> {
        let shards = 0..limits::INCIDENT_INDEX_SHARDS;
        let pages = shards.map(|shard| {
            let partition = keys::index_shard(open, shard);
            self.index_page(partition, filter, before, limit)
        });
        futures_util::future::try_join_all(pages).await
    }

    /// One partition's newest matches.
    async fn index_page(
        &self,
        partition: String,
        filter: &IncidentFilter,
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
            if !filter.statuses.is_empty() {
                let names: Vec<String> = (0..filter.statuses.len())
                    .map(|n| format!(":s{n}"))
                    .collect();
                conditions.push(format!("#status IN ({})", names.join(", ")));
                query = query.expression_attribute_names("#status", "status");
                for (name, status) in names.into_iter().zip(&filter.statuses) {
                    query = query.expression_attribute_values(name, text(status.as_str()));
                }
            }
            if let Some(service) = filter.service {
                conditions.push("serviceId = :service".to_owned());
                query = query.expression_attribute_values(":service", text(service.to_string()));
            }
            if let Some(urgency) = filter.urgency {
                conditions.push("urgency = :urgency".to_owned());
                query = query.expression_attribute_values(":urgency", text(urgency.as_str()));
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

    /// The incidents of these identifiers that are there, in no order; their
    /// alert counts may be behind.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn incidents_by_id(&self, ids: &[IncidentId]) -> Result<Vec<Incident>, StoreError> {
        let wanted = ids.iter().copied().map(keys::incident);
        let items = self.get_all(wanted.collect()).await?;
        items.into_iter().map(read).collect()
    }

    /// The counters of these keys that are there, in no order.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn counters<'a>(
        &self,
        wanted: impl Iterator<Item = (ServiceId, &'a DedupKey)>,
    ) -> Result<Vec<Counter>, StoreError> {
        let mut wanted: Vec<keys::Key> = wanted
            .map(|(service, key)| keys::counter(service, key))
            .collect();
        // Several incidents of one key share a counter, and a batch may name it once.
        wanted.sort_unstable_by(|a, b| a.pk.cmp(&b.pk));
        wanted.dedup();
        let items = self.get_all(wanted).await?;
        items.into_iter().map(read).collect()
    }

    /// The incidents of these identifiers, newest first, with exact counts.
    async fn incidents_with_counts(&self, ids: &[IncidentId]) -> Result<Vec<Incident>, StoreError> {
        let mut incidents = self.incidents_by_id(ids).await?;
        incidents.sort_unstable_by_key(|incident| Reverse(incident.id));
        let keys = incidents
            .iter()
            .filter_map(|incident| Some((incident.service.id, incident.dedup_key.as_ref()?)));
        let counters = self.counters(keys).await?;
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

    /// Snoozed incidents, those that were opened first first, for the clock.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn snoozed_incidents(&self) -> Result<Vec<IncidentId>, StoreError> {
        let snoozed = ("#status = :status", Status::Snoozed);
        let entries: Vec<IndexEntry> = self.open_entries(snoozed).await?;
        let mut ids: Vec<IncidentId> = entries.iter().map(|entry| entry.gsi1sk).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Open incidents that are over when no alert comes for a while, those that
    /// were opened first first, for the clock.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn auto_resolving_incidents(&self) -> Result<Vec<AutoResolving>, StoreError> {
        let condition = "attribute_exists(autoResolveAfter) AND #status <> :status";
        let resolving = (condition, Status::Resolved);
        let mut entries: Vec<AutoResolving> = self.open_entries(resolving).await?;
        entries.sort_unstable_by_key(|entry| entry.id);
        Ok(entries)
    }

    /// The index entries of open incidents that match. Reading all of them at
    /// once is what the clock can do every minute; paging would read what lies
    /// behind a page again for the next one.
    async fn open_entries<T: DeserializeOwned>(
        &self,
        condition: (&'static str, Status),
    ) -> Result<Vec<T>, StoreError> {
        let shards = (0..limits::INCIDENT_INDEX_SHARDS)
            .map(|shard| self.open_entries_of(keys::index_shard(true, shard), condition));
        let shards = futures_util::future::try_join_all(shards).await?;
        Ok(shards.into_iter().flatten().collect())
    }

    async fn open_entries_of<T: DeserializeOwned>(
        &self,
        partition: String,
        (condition, status): (&'static str, Status),
    ) -> Result<Vec<T>, StoreError> {
        let (mut found, mut start) = (Vec::new(), None);
        loop {
            let output = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(keys::INDEX)
                .key_condition_expression("gsi1pk = :pk")
                .filter_expression(condition)
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":pk", text(partition.clone()))
                .expression_attribute_values(":status", text(status.as_str()))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(StoreError::from_sdk)?;
            for item in output.items.unwrap_or_default() {
                found.push(read(item)?);
            }
            start = output.last_evaluated_key;
            if start.is_none() {
                return Ok(found);
            }
        }
    }
}
