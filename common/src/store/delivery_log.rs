//! Reading the deliveries of a webhook by status, incident and time.

use aws_sdk_dynamodb::{operation::query::builders::QueryFluentBuilder, types::AttributeValue};

use super::{Item, Page, Store, StoreError, Window, keys, read, text};
use crate::{
    id::{DeliveryId, IncidentId, WebhookId},
    limits,
    time::Timestamp,
    webhook::{Delivery, DeliveryStatus},
};

/// Narrows the deliveries of a webhook down.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Only these statuses; none lets all pass.
    pub statuses: Vec<DeliveryStatus>,
    /// Only deliveries of this incident.
    pub incident: Option<IncidentId>,
    /// Only events from then on.
    pub since: Option<Timestamp>,
    /// Only events up to and including then.
    pub until: Option<Timestamp>,
}

/// Which end of a list comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    NewestFirst,
    OldestFirst,
}

/// What was found of a list, and how much work it was.
struct Looked {
    entries: Vec<Item>,
    scanned: usize,
    /// The last delivery looked at, where there are more.
    next: Option<String>,
}

impl DeliveryFilter {
    /// The events of the filter's time.
    fn window(&self) -> Window {
        Window {
            from: self.since.unwrap_or(Timestamp::from_unix_millis(0)),
            to: self
                .until
                .unwrap_or(Timestamp::from_unix_millis(u64::MAX))
                .after(std::time::Duration::from_millis(1)),
        }
    }

    fn narrows(&self) -> bool {
        !self.statuses.is_empty() || self.incident.is_some()
    }

    /// The condition on what the keys do not tell.
    fn apply(&self, query: QueryFluentBuilder) -> QueryFluentBuilder {
        let (mut query, mut conditions) = (query, Vec::new());
        if !self.statuses.is_empty() {
            let names: Vec<String> = (0..self.statuses.len()).map(|n| format!(":s{n}")).collect();
            conditions.push(format!("#status IN ({})", names.join(", ")));
            query = query.expression_attribute_names("#status", "status");
            for (name, status) in names.into_iter().zip(&self.statuses) {
                query = query.expression_attribute_values(name, text(status.as_str()));
            }
        }
        if let Some(incident) = self.incident {
            conditions.push("incidentId = :incident".to_owned());
            query = query.expression_attribute_values(":incident", text(incident.to_string()));
        }
        let condition = conditions.join(" AND ");
        query.set_filter_expression((!condition.is_empty()).then_some(condition))
    }
}

impl Store {
    /// Deliveries of a webhook, newest first, from before the delivery
    /// `before`. A page may be short, even empty, and still have a next one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn deliveries(
        &self,
        webhook: WebhookId,
        filter: &DeliveryFilter,
        before: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Page<Delivery>, StoreError> {
        let budget = limits::LIST_SCAN_BUDGET;
        let newest = Direction::NewestFirst;
        self.delivery_page(webhook, filter, (newest, before), limit, budget)
            .await
    }

    /// Deliveries of a webhook, oldest first, from after the delivery `after`,
    /// for working through them: [`limits::RECOVER_SCAN`] are looked at.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn deliveries_in_order(
        &self,
        webhook: WebhookId,
        filter: &DeliveryFilter,
        after: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Page<Delivery>, StoreError> {
        let budget = limits::RECOVER_SCAN;
        let oldest = Direction::OldestFirst;
        self.delivery_page(webhook, filter, (oldest, after), limit, budget)
            .await
    }

    /// How many of the deliveries after `after` match, of the next
    /// [`limits::RECOVER_SCAN`], and where to go on.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn count_deliveries(
        &self,
        webhook: WebhookId,
        filter: &DeliveryFilter,
        after: Option<DeliveryId>,
    ) -> Result<(usize, Option<String>), StoreError> {
        let (mut matching, mut scanned) = (0, 0);
        let mut from = (Direction::OldestFirst, after);
        loop {
            let looked = self
                .look(webhook, filter, from, limits::RECOVER_SCAN)
                .await?;
            matching += looked.entries.len();
            scanned += looked.scanned;
            let Some(next) = looked.next else {
                return Ok((matching, None));
            };
            if scanned >= limits::RECOVER_SCAN {
                return Ok((matching, Some(next)));
            }
            from.1 = next.parse().ok();
        }
    }

    async fn delivery_page(
        &self,
        webhook: WebhookId,
        filter: &DeliveryFilter,
        mut from: (Direction, Option<DeliveryId>),
        limit: usize,
        budget: usize,
    ) -> Result<Page<Delivery>, StoreError> {
        let (mut entries, mut scanned) = (Vec::new(), 0);
        loop {
            // One more than asked for tells whether there is a next page.
            let at_once = if filter.narrows() { budget } else { limit + 1 };
            let looked = self.look(webhook, filter, from, at_once).await?;
            scanned += looked.scanned;
            for item in looked.entries {
                entries.push(read::<Delivery>(item)?);
            }
            if entries.len() > limit {
                entries.truncate(limit);
                let next = entries.last().map(|delivery| delivery.id.to_string());
                return Ok(Page { entries, next });
            }
            let (next, is_spent) = (looked.next, scanned >= budget);
            if next.is_none() || is_spent {
                return Ok(Page { entries, next });
            }
            from.1 = next.and_then(|id| id.parse().ok());
        }
    }

    /// One query. A start inside the window becomes an end of the window: a
    /// start key outside the asked-for keys would be refused.
    async fn look(
        &self,
        webhook: WebhookId,
        filter: &DeliveryFilter,
        (direction, start): (Direction, Option<DeliveryId>),
        limit: usize,
    ) -> Result<Looked, StoreError> {
        let (mut first, mut last) = filter.window().ids();
        match (direction, start) {
            (Direction::NewestFirst, Some(before)) => last = last.min(previous(before)),
            (Direction::OldestFirst, Some(after)) => first = first.max(next(after)),
            (_, None) => {}
        }
        if first > last {
            return Ok(Looked {
                entries: Vec::new(),
                scanned: 0,
                next: None,
            });
        }
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .scan_index_forward(direction == Direction::OldestFirst)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":pk", text(keys::deliveries_of_webhook(webhook)))
            .expression_attribute_values(":first", sort_key(first))
            .expression_attribute_values(":last", sort_key(last))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let output = filter
            .apply(query)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        let next = output.last_evaluated_key.and_then(|key| {
            let sk = key.get("sk")?.as_s().ok()?;
            sk.strip_prefix(keys::DELIVERY_PREFIX).map(str::to_owned)
        });
        Ok(Looked {
            entries: output.items.unwrap_or_default(),
            scanned: usize::try_from(output.scanned_count).unwrap_or_default(),
            next,
        })
    }
}

fn sort_key(id: DeliveryId) -> AttributeValue {
    text(format!("{}{id}", keys::DELIVERY_PREFIX))
}

fn previous(id: DeliveryId) -> DeliveryId {
    DeliveryId::from_ulid(ulid::Ulid(id.ulid().0.saturating_sub(1)))
}

fn next(id: DeliveryId) -> DeliveryId {
    DeliveryId::from_ulid(ulid::Ulid(id.ulid().0.saturating_add(1)))
}
