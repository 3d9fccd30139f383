//! The audit log: a partition for each month, so that none grows for ever.

use aws_sdk_dynamodb::{operation::query::builders::QueryFluentBuilder, types::TransactWriteItem};
use ulid::Ulid;

use super::{Failed, Item, Page, PutItem, Store, StoreError, keys, number, read, text};
use crate::{audit::Entry, id::AuditId, limits, time::Timestamp};

/// Narrows the audit log down.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Only what this one did, by identifier or name.
    pub actor: Option<String>,
    /// Only what was done to this one, by identifier, or to this kind of thing.
    pub target: Option<String>,
    /// Only this action.
    pub action: Option<String>,
    /// Only from then on.
    pub since: Option<Timestamp>,
    /// Only up to and including then.
    pub until: Option<Timestamp>,
}

impl AuditFilter {
    /// The identifiers that it lets pass, both ends included, of entries that
    /// may still be kept.
    fn ids(&self, before: Option<AuditId>, now: Timestamp) -> (AuditId, AuditId) {
        let kept_since = now.before(limits::AUDIT_RETENTION);
        let since = self.since.unwrap_or(kept_since).max(kept_since);
        // Other functions' clocks may be ahead of ours.
        let latest = now.after(limits::AUDIT_CLOCK_SKEW);
        let until = self.until.unwrap_or(latest).min(latest);
        let first = Ulid::from_parts(since.unix_millis(), 0);
        let last = Ulid::from_parts(until.unix_millis(), u128::MAX);
        let before = before.map_or(u128::MAX, |id| id.ulid().0.saturating_sub(1));
        (
            AuditId::from_ulid(first),
            AuditId::from_ulid(Ulid(last.0.min(before))),
        )
    }

    /// Whether keys alone do not tell what it lets pass.
    fn narrows(&self) -> bool {
        self.actor.is_some() || self.target.is_some() || self.action.is_some()
    }

    /// The condition on what the keys do not tell.
    fn apply(&self, query: QueryFluentBuilder) -> QueryFluentBuilder {
        let (mut query, mut conditions) = (query, Vec::new());
        if let Some(actor) = &self.actor {
            conditions.push("(#actor.#id = :actor OR #actor.#name = :actor)");
            query = query
                .expression_attribute_names("#actor", "actor")
                .expression_attribute_names("#name", "name")
                .expression_attribute_values(":actor", text(actor));
        }
        if let Some(target) = &self.target {
            conditions.push("(#target.#id = :target OR #target.#type = :target)");
            query = query
                .expression_attribute_names("#target", "target")
                .expression_attribute_names("#type", "type")
                .expression_attribute_values(":target", text(target));
        }
        if self.actor.is_some() || self.target.is_some() {
            query = query.expression_attribute_names("#id", "id");
        }
        if let Some(action) = &self.action {
            conditions.push("#action = :action");
            query = query
                .expression_attribute_names("#action", "action")
                .expression_attribute_values(":action", text(action));
        }
        let condition = conditions.join(" AND ");
        query.set_filter_expression((!condition.is_empty()).then_some(condition))
    }
}

impl Store {
    /// Logs a change that is no write of the table.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn log_change(&self, entry: &Entry) -> Result<(), StoreError> {
        self.audit_put(entry)?.send(&self.client).await
    }

    /// Writes a change of settings and its entry in one transaction, so that no
    /// change is unlogged; one that changed nothing has none. Items that
    /// delivery writes to all the time are among them: a writer that is in the
    /// way for a moment is sat out.
    pub(super) async fn change(
        &self,
        mut items: Vec<TransactWriteItem>,
        audit: &Entry,
    ) -> Result<(), StoreError> {
        if !audit.is_empty() {
            items.push(self.audit_put(audit)?.in_transaction()?);
        }
        for attempt in 0..limits::CONFLICT_ATTEMPTS {
            match self.try_transact(items.clone()).await {
                Err(Failed::Met) => crate::aws::conflict_pause(attempt).await,
                other => return other.map_err(StoreError::from),
            }
        }
        Err(Failed::Met.into())
    }

    fn audit_put(&self, entry: &Entry) -> Result<PutItem, StoreError> {
        let expires = entry.at.after(limits::AUDIT_RETENTION).unix_seconds();
        Ok(self
            .put(keys::audit(entry.id), entry)?
            .with("expiresAt", number(expires)))
    }

    /// The audit log, newest first, from before the entry `before`. A page may
    /// be short, even empty, and still have a next one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn audit_log(
        &self,
        filter: &AuditFilter,
        before: Option<AuditId>,
        limit: usize,
    ) -> Result<Page<Entry>, StoreError> {
        let (first, last) = filter.ids(before, Timestamp::now());
        let (mut entries, mut scanned): (Vec<Entry>, usize) = (Vec::new(), 0);
        for month in months(first.created_at(), last.created_at()) {
            let mut start: Option<Item> = None;
            loop {
                // One more than asked for tells whether there is a next page.
                let at_once = if filter.narrows() {
                    limits::LIST_SCAN_BUDGET.saturating_sub(scanned).max(1)
                } else {
                    limit + 1 - entries.len()
                };
                let query = self
                    .client
                    .query()
                    .table_name(&self.table)
                    .consistent_read(true)
                    .scan_index_forward(false)
                    .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
                    .expression_attribute_values(":pk", text(keys::audit_of_month(&month)))
                    .expression_attribute_values(":first", text(first.to_string()))
                    .expression_attribute_values(":last", text(last.to_string()))
                    .set_exclusive_start_key(start)
                    .limit(i32::try_from(at_once).unwrap_or(i32::MAX));
                let output = filter
                    .apply(query)
                    .send()
                    .await
                    .map_err(StoreError::from_sdk)?;
                scanned += usize::try_from(output.scanned_count).unwrap_or_default();
                for item in output.items.unwrap_or_default() {
                    entries.push(read(item)?);
                }
                if entries.len() > limit {
                    entries.truncate(limit);
                    let next = entries.last().map(|entry| entry.id.to_string());
                    return Ok(Page { entries, next });
                }
                start = output.last_evaluated_key;
                let Some(looked_at) = start.as_ref().and_then(|key| key.get("sk")) else {
                    break;
                };
                if scanned >= limits::LIST_SCAN_BUDGET {
                    let next = looked_at.as_s().ok().cloned();
                    return Ok(Page { entries, next });
                }
            }
        }
        Ok(Page {
            entries,
            next: None,
        })
    }
}

/// The months from the one of `first` to the one of `last`, latest first.
fn months(first: Timestamp, last: Timestamp) -> Vec<String> {
    let (mut months, mut at) = (Vec::new(), last);
    while at >= first {
        let month = keys::month(at);
        // The last moment of the month before.
        let begins = Timestamp::parse_rfc3339(&format!("{month}-01T00:00:00Z"));
        months.push(month);
        match begins.filter(|begins| begins.unix_millis() > 0) {
            Some(begins) => at = begins.before(std::time::Duration::from_millis(1)),
            None => break,
        }
    }
    months
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_month_of_a_time_is_looked_at_once() {
        let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap();
        assert_eq!(
            months(at("2026-11-30T23:59:59Z"), at("2027-02-01T00:00:00Z")),
            ["2027-02", "2027-01", "2026-12", "2026-11"]
        );
        assert_eq!(
            months(at("2026-11-01T00:00:00Z"), at("2026-11-01T00:00:00Z")),
            ["2026-11"]
        );
        assert!(months(at("2026-11-02T00:00:00Z"), at("2026-11-01T00:00:00Z")).is_empty());
    }
}
