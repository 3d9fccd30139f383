//! The table's stream → `fanout`: batches in order, filtered, each tried again
//! from its first failed record until it succeeds.

use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

use dynoxide::{
    Database,
    actions::{
        describe_stream::DescribeStreamRequest,
        get_records::{GetRecordsRequest, Record},
        get_shard_iterator::GetShardIteratorRequest,
        list_streams::ListStreamsRequest,
    },
};
use fanout::Fanout;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

/// Records of one batch, as the template says.
const BATCH: usize = 100;
/// How often the stream is looked at when nobody says that there is something.
const IDLE: Duration = Duration::from_millis(100);
/// The first pause after a failed batch; doubled up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Why the stream cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    /// dynoxide.
    #[error("the stream cannot be read: {0}")]
    Database(String),
    /// The table has no stream.
    #[error("the table has no stream")]
    None,
    /// The position file.
    #[error("the position in the stream cannot be kept: {0}")]
    Position(#[from] io::Error),
}

/// The reader of the stream.
pub(crate) struct StreamSource {
    pub database: Database,
    pub fanout: Fanout,
    /// Where the position is kept across restarts.
    pub position_file: PathBuf,
    /// Told whenever something may have been written.
    pub written: Arc<Notify>,
    /// Whether it stands still.
    pub paused: watch::Receiver<bool>,
}

/// What one look at the stream found.
enum Found {
    Nothing,
    Handled,
    Failed,
}

impl StreamSource {
    /// Reads until told to stop, which takes effect between two batches.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut iterator = None;
        let mut pause = PAUSE;
        while super::goes_on(&mut self.paused, &mut stop).await {
            match self.step(&mut iterator).await {
                Ok(Found::Handled) => pause = PAUSE,
                Ok(Found::Nothing) => {
                    pause = PAUSE;
                    let _ = tokio::time::timeout(IDLE, self.written.notified()).await;
                }
                outcome @ (Ok(Found::Failed) | Err(_)) => {
                    if let Err(error) = outcome {
                        tracing::error!(%error, "the stream is tried again");
                        iterator = None;
                    }
                    let _ = tokio::time::timeout(pause, stop.changed()).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }

    async fn step(&self, iterator: &mut Option<String>) -> Result<Found, StreamError> {
        let current = match iterator.take() {
            Some(current) => current,
            None => self.resume()?,
        };
        let request = GetRecordsRequest {
            shard_iterator: current.clone(),
            limit: Some(BATCH),
        };
        let read = self
            .database
            .get_records(request)
            .map_err(|error| StreamError::Database(error.to_string()))?;
        if read.records.is_empty() {
            *iterator = Some(current);
            return Ok(Found::Nothing);
        }
        let matching: Vec<&Record> = read
            .records
            .iter()
            .filter(|record| matches_filter(record))
            .collect();
        let failed = if matching.is_empty() {
            None
        } else {
            self.invoke(&matching).await
        };
        let (next, found) = match failed {
            None => (read.next_shard_iterator.unwrap_or(current), Found::Handled),
            Some(sequence_number) => (
                self.iterator_at("AT_SEQUENCE_NUMBER", Some(sequence_number))?,
                Found::Failed,
            ),
        };
        // A position that is behind only repeats what is idempotent.
        write_atomically(&self.position_file, &next)?;
        *iterator = Some(next);
        Ok(found)
    }

    /// Hands a batch to the function as Lambda would; answers the sequence
    /// number of the first failed record.
    async fn invoke(&self, records: &[&Record]) -> Option<String> {
        let first = || {
            records
                .first()
                .map(|record| record.dynamodb.sequence_number.clone())
        };
        let event = match serde_json::from_value(lambda_event(records)) {
            Ok(event) => event,
            Err(error) => {
                tracing::error!(%error, "a batch of the stream cannot be handed over");
                return first();
            }
        };
        let fanout = self.fanout.clone();
        // A panic of the handler is a failed invocation: the whole batch again.
        match tokio::spawn(async move { fanout.handle(event).await }).await {
            Ok(response) => response
                .batch_item_failures
                .into_iter()
                .next()
                .and_then(|failure| failure.item_identifier),
            Err(_) => first(),
        }
    }

    /// From where the last process stopped, else from the beginning.
    fn resume(&self) -> Result<String, StreamError> {
        match fs::read_to_string(&self.position_file) {
            Ok(position) if !position.is_empty() => Ok(position),
            _ => self.iterator_at("TRIM_HORIZON", None),
        }
    }

    fn iterator_at(
        &self,
        kind: &str,
        sequence_number: Option<String>,
    ) -> Result<String, StreamError> {
        let failed = |error: dynoxide::DynoxideError| StreamError::Database(error.to_string());
        let streams = self
            .database
            .list_streams(ListStreamsRequest::default())
            .map_err(failed)?
            .streams;
        let stream_arn = streams
            .into_iter()
            .next()
            .ok_or(StreamError::None)?
            .stream_arn;
        let request = DescribeStreamRequest {
            stream_arn: stream_arn.clone(),
            ..DescribeStreamRequest::default()
        };
        let shards = self
            .database
            .describe_stream(request)
            .map_err(failed)?
            .stream_description
            .shards;
        let shard_id = shards.into_iter().next().ok_or(StreamError::None)?.shard_id;
        let request = GetShardIteratorRequest {
            stream_arn,
            shard_id,
            shard_iterator_type: kind.to_owned(),
            sequence_number,
        };
        self.database
            .get_shard_iterator(request)
            .map_err(failed)?
            .shard_iterator
            .ok_or(StreamError::None)
    }
}

/// The filter of `template.yaml`: inserted events that receivers are told of.
fn matches_filter(record: &Record) -> bool {
    let kind = record
        .dynamodb
        .new_image
        .as_ref()
        .and_then(|image| image.get("kind"));
    record.event_name == "INSERT"
        && matches!(kind, Some(dynoxide::AttributeValue::S(kind)) if kind == "EVENT")
}

/// The event that Lambda hands to a function.
fn lambda_event(records: &[&Record]) -> Value {
    let records: Vec<Value> = records
        .iter()
        .map(|record| {
            json!({
                "eventID": record.event_id,
                "eventName": record.event_name,
                "eventVersion": record.event_version,
                "eventSource": record.event_source,
                "awsRegion": record.aws_region,
                "dynamodb": record.dynamodb,
            })
        })
        .collect();
    json!({ "Records": records })
}

/// The file holds the old or the new text, never a part of one.
fn write_atomically(path: &PathBuf, text: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    fs::write(&beside, text)?;
    fs::rename(beside, path)
}
