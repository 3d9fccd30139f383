//! Lists of incidents, from the index.

use std::cmp::Reverse;

use serde::Deserialize;

use super::{
    super::{Page, Store, StoreError, keys, read, text},
    Counter,
    counters::take_count,
};
use crate::{
    alert::Urgency,
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
    /// Only those that are over when no alert comes for a while.
    pub auto_resolving: bool,
}

impl IncidentFilter {
    /// Whether an incident that is open (or is not) can match.
    fn may_be(&self, open: bool) -> bool {
        let statuses = self.statuses.iter();
        let is_of_side = |status: &Status| (*status != Status::Resolved) == open;
        let by_status = self.statuses.is_empty() || statuses.into_iter().any(is_of_side);
        by_status && (open || !self.auto_resolving)
    }
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
            if filter.auto_resolving {
                conditions.push("attribute_exists(autoResolveAfter)".to_owned());
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
            statuses: vec![Status::Snoozed],
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
            let page = self.incidents(&filter, before, limits::PAGE_MAX).await?;
            found.extend(page.entries);
            before = page.next.and_then(|id| id.parse().ok());
            if before.is_none() {
                return Ok(found);
            }
        }
    }
}
