//! The single table (DESIGN.md, "Table"): reads and conditional writes by
//! meaning. Nothing outside this module knows `DynamoDB`.

mod api_keys;
mod audit;
mod deliveries;
mod delivery_log;
mod health;
mod history;
mod incidents;
mod integrations;
mod keys;
mod messages;
mod outbox;
mod requests;
mod services;
mod watches;
mod webhooks;

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, KeysAndAttributes, TransactWriteItem},
};
use serde::{Serialize, de::DeserializeOwned};

pub use audit::AuditFilter;
pub use deliveries::{AttemptRecord, NewDelivery};
pub use delivery_log::DeliveryFilter;
pub use incidents::{
    AutoResolving, Counted, Counter, CounterChange, IncidentFilter, Opening, RawAlert,
};
pub use integrations::IntegrationKey;
pub use requests::RequestRecord;
pub use watches::Window;
pub use webhooks::KeptHealth;

use keys::Key;

/// An item as `DynamoDB` writes it.
type Item = HashMap<String, AttributeValue>;

/// What can go wrong with the table.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else changed the item in between: read again.
    #[error("the item was changed by somebody else")]
    Conflict,
    /// The table did not answer, or asked to slow down; nothing was changed
    /// as far as is known.
    #[error("the table is not available: {0}")]
    Unavailable(String),
    /// The table refused the request, or holds what cannot be read.
    #[error("the table refused: {0}")]
    Refused(String),
}

impl StoreError {
    fn from_sdk<E: ProvideErrorMetadata + std::fmt::Debug, R: std::fmt::Debug>(
        error: SdkError<E, R>,
    ) -> Self {
        match error
            .as_service_error()
            .and_then(ProvideErrorMetadata::code)
        {
            Some("ConditionalCheckFailedException" | "TransactionConflictException") => {
                Self::Conflict
            }
            Some(
                code @ ("ValidationException"
                | "AccessDeniedException"
                | "ResourceNotFoundException"),
            ) => {
                let message = error
                    .as_service_error()
                    .and_then(ProvideErrorMetadata::message)
                    .unwrap_or_default();
                Self::Refused(format!("{code}: {message}"))
            }
            Some(code) => Self::Unavailable(code.to_owned()),
            None => Self::Unavailable(describe_failure(&error)),
        }
    }
}

/// What went wrong below the service: time-out, connection, response.
fn describe_failure<E, R>(error: &SdkError<E, R>) -> String {
    match error {
        SdkError::TimeoutError(_) => "timed out".to_owned(),
        SdkError::DispatchFailure(failure) => format!("no connection: {failure:?}"),
        SdkError::ConstructionFailure(_) => "the request could not be built".to_owned(),
        _ => "the response could not be read".to_owned(),
    }
}

impl From<serde_dynamo::Error> for StoreError {
    fn from(error: serde_dynamo::Error) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<aws_sdk_dynamodb::error::BuildError> for StoreError {
    fn from(error: aws_sdk_dynamodb::error::BuildError) -> Self {
        Self::Refused(error.to_string())
    }
}

/// Why a transaction was not written.
enum Failed {
    /// Another writer was at one of its items at that moment, or too many were:
    /// its conditions may well hold.
    Met,
    /// Anything else.
    For(StoreError),
}

impl From<Failed> for StoreError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Met => Self::Conflict,
            Failed::For(error) => error,
        }
    }
}

/// A page of a list, and where the next one starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries.
    pub entries: Vec<T>,
    /// The last entry looked at, where there may be more behind it.
    pub next: Option<String>,
}

/// The table.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    table: String,
}

impl Store {
    /// The table of this name.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }

    /// The table that `TABLE_NAME` names, with a client of `config`; its
    /// connection is opened at once.
    ///
    /// # Errors
    /// Where `TABLE_NAME` is not set.
    pub async fn from_env(sdk: &aws_config::SdkConfig) -> Result<Self, crate::config::ConfigError> {
        let client = Client::new(&crate::aws::reached_at(sdk, "DYNAMODB_ENDPOINT_URL"));
        let store = Self::new(client, crate::config::required("TABLE_NAME")?);
        crate::aws::warm_up(async {
            let _ = store.ping().await;
        })
        .await;
        Ok(store)
    }

    /// Asks the table for an item that is not there: proof that it answers.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.get_item(keys::warm_up(), false).await.map(|_| ())
    }

    async fn get_item(&self, key: Key, consistent: bool) -> Result<Option<Item>, StoreError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key.into_item()))
            .consistent_read(consistent)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        Ok(output.item)
    }

    /// The item, read strongly consistent.
    async fn get<T: DeserializeOwned>(&self, key: Key) -> Result<Option<T>, StoreError> {
        self.get_item(key, true).await?.map(read).transpose()
    }

    /// The items that exist, in no order; strongly consistent.
    async fn get_all(&self, keys: Vec<Key>) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(100) {
            let mut wanted: Vec<Item> = chunk.iter().cloned().map(Key::into_item).collect();
            for attempt in 0..crate::limits::CONFLICT_ATTEMPTS {
                let request = KeysAndAttributes::builder()
                    .set_keys(Some(wanted))
                    .consistent_read(true)
                    .build()?;
                let output = self
                    .client
                    .batch_get_item()
                    .request_items(&self.table, request)
                    .send()
                    .await
                    .map_err(StoreError::from_sdk)?;
                found.extend(output.responses.unwrap_or_default().into_values().flatten());
                wanted = output
                    .unprocessed_keys
                    .unwrap_or_default()
                    .into_values()
                    .flat_map(|rest| rest.keys)
                    .collect();
                if wanted.is_empty() {
                    break;
                }
                crate::aws::conflict_pause(attempt).await;
            }
            if !wanted.is_empty() {
                return Err(StoreError::Unavailable(
                    "a batch of reads was not completed".to_owned(),
                ));
            }
        }
        Ok(found)
    }

    /// All items of a partition whose sort key starts with `prefix`, oldest
    /// first; strongly consistent.
    async fn query_all<T: DeserializeOwned>(
        &self,
        partition: &str,
        prefix: &str,
    ) -> Result<Vec<T>, StoreError> {
        let (mut entries, mut start) = (Vec::new(), None);
        loop {
            let output = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":pk", AttributeValue::S(partition.to_owned()))
                .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(StoreError::from_sdk)?;
            for item in output.items.unwrap_or_default() {
                entries.push(read(item)?);
            }
            start = output.last_evaluated_key;
            if start.is_none() {
                return Ok(entries);
            }
        }
    }

    /// Items of a partition whose sort key starts with `prefix`, oldest first,
    /// from after the item `after`, and whether there are more: at most `limit`
    /// and at most 1 MB, in one strongly consistent call.
    async fn query_page<T: DeserializeOwned>(
        &self,
        partition: &str,
        prefix: &str,
        after: Option<Key>,
        limit: usize,
    ) -> Result<(Vec<T>, bool), StoreError> {
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", text(partition))
            .expression_attribute_values(":prefix", text(prefix))
            .set_exclusive_start_key(after.map(Key::into_item))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        let more = output.last_evaluated_key.is_some();
        let items = output.items.unwrap_or_default().into_iter();
        Ok((items.map(read).collect::<Result<_, _>>()?, more))
    }

    async fn transact(&self, items: Vec<TransactWriteItem>) -> Result<(), StoreError> {
        self.try_transact(items).await.map_err(StoreError::from)
    }

    async fn try_transact(&self, items: Vec<TransactWriteItem>) -> Result<(), Failed> {
        let sent = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .send()
            .await;
        sent.map(|_| ())
            .map_err(|error| match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    // Throttling inside a transaction and two transactions that meet are
                    // tried again like a lost race; anything else is a fault of ours.
                    let codes: Vec<&str> = cancelled
                        .cancellation_reasons()
                        .iter()
                        .filter_map(aws_sdk_dynamodb::types::CancellationReason::code)
                        .filter(|code| *code != "None")
                        .collect();
                    let met =
                        |code: &&str| matches!(*code, "TransactionConflict" | "ThrottlingError");
                    let lost = |code: &&str| met(code) || *code == "ConditionalCheckFailed";
                    if codes.iter().all(met) {
                        Failed::Met
                    } else if codes.iter().all(lost) {
                        Failed::For(StoreError::Conflict)
                    } else {
                        Failed::For(StoreError::Refused(codes.join(", ")))
                    }
                }
                _ => Failed::For(StoreError::from_sdk(error)),
            })
    }

    fn put(&self, key: Key, value: &impl Serialize) -> Result<PutItem, StoreError> {
        let mut item: Item = serde_dynamo::aws_sdk_dynamodb_1::to_item(value)?;
        item.extend(key.into_item());
        Ok(PutItem {
            table: self.table.clone(),
            item,
            condition: None,
            names: HashMap::new(),
            values: HashMap::new(),
        })
    }
}

fn read<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    serde_dynamo::aws_sdk_dynamodb_1::from_item(item).map_err(StoreError::from)
}

/// `:name` for a text.
fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// `:name` for a number.
fn number(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A put in the making, sent alone or as part of a transaction.
struct PutItem {
    table: String,
    item: Item,
    condition: Option<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl PutItem {
    fn with(mut self, attribute: &str, value: AttributeValue) -> Self {
        self.item.insert(attribute.to_owned(), value);
        self
    }

    fn only_if(mut self, condition: &str) -> Self {
        self.condition = Some(condition.to_owned());
        self
    }

    fn value(mut self, name: &str, value: AttributeValue) -> Self {
        self.values.insert(name.to_owned(), value);
        self
    }

    fn name(mut self, name: &str, attribute: &str) -> Self {
        self.names.insert(name.to_owned(), attribute.to_owned());
        self
    }

    fn in_transaction(self) -> Result<TransactWriteItem, StoreError> {
        let put = aws_sdk_dynamodb::types::Put::builder()
            .table_name(self.table)
            .set_item(Some(self.item))
            .set_condition_expression(self.condition)
            .set_expression_attribute_names(non_empty(self.names))
            .set_expression_attribute_values(non_empty(self.values))
            .build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    async fn send(self, client: &Client) -> Result<(), StoreError> {
        client
            .put_item()
            .table_name(self.table)
            .set_item(Some(self.item))
            .set_condition_expression(self.condition)
            .set_expression_attribute_names(non_empty(self.names))
            .set_expression_attribute_values(non_empty(self.values))
            .send()
            .await
            .map(|_| ())
            .map_err(StoreError::from_sdk)
    }
}

/// `DynamoDB` refuses empty maps of names and values.
fn non_empty<V>(map: HashMap<String, V>) -> Option<HashMap<String, V>> {
    (!map.is_empty()).then_some(map)
}
