//! Moving the dead-letter queue back.

use aws_sdk_sqs::types::{ListMessageMoveTasksResultEntry, QueueAttributeName};

use super::{Queue, QueueError};
use crate::time::Timestamp;

/// Why messages are not moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// They are being moved already: SQS runs one such task a queue.
    #[error("a move of this queue is running already")]
    AlreadyRunning,
    /// A queue did not answer.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// A move of a queue's messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// `RUNNING`, `COMPLETED`, `CANCELLING`, `CANCELLED` or `FAILED`.
    pub status: String,
    /// Messages moved so far, about.
    pub moved: u64,
    /// Messages that there were to move, about.
    pub to_move: Option<u64>,
    /// When it was started.
    pub started_at: Timestamp,
    /// Why it failed.
    pub failure: Option<String>,
}

impl Move {
    /// Whether messages are still being moved.
    pub fn is_running(&self) -> bool {
        matches!(self.status.as_str(), "RUNNING" | "CANCELLING")
    }
}

impl From<&ListMessageMoveTasksResultEntry> for Move {
    fn from(task: &ListMessageMoveTasksResultEntry) -> Self {
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        Self {
            status: task.status().unwrap_or_default().to_owned(),
            moved: count(task.approximate_number_of_messages_moved()),
            to_move: task.approximate_number_of_messages_to_move().map(count),
            started_at: Timestamp::from_unix_millis(count(task.started_timestamp())),
            failure: task.failure_reason().map(str::to_owned),
        }
    }
}

impl Queue {
    async fn arn(&self) -> Result<String, QueueError> {
        let output = self
            .client
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(QueueAttributeName::QueueArn)
            .send()
            .await
            .map_err(QueueError::from_sdk)?;
        let arn = output
            .attributes
            .and_then(|mut attributes| attributes.remove(&QueueAttributeName::QueueArn));
        arn.ok_or_else(|| QueueError::Unavailable("a queue without an ARN".to_owned()))
    }

    /// Starts to move the messages of this dead-letter queue to `destination`;
    /// answers the task's handle. The destination is always named: messages
    /// that we sent here ourselves have no queue that they came from.
    ///
    /// # Errors
    /// See [`MoveError`].
    pub async fn start_move(&self, destination: &Self) -> Result<String, MoveError> {
        let (from, to) = (self.arn().await?, destination.arn().await?);
        if self
            .latest_move_of(&from)
            .await?
            .is_some_and(|latest| latest.is_running())
        {
            return Err(MoveError::AlreadyRunning);
        }
        let started = self
            .client
            .start_message_move_task()
            .source_arn(from)
            .destination_arn(to)
            .send()
            .await
            .map_err(QueueError::from_sdk);
        match started {
            Ok(output) => Ok(output.task_handle.unwrap_or_default()),
            // SQS has no code of its own for it.
            Err(error) if error.to_string().contains("already a task running") => {
                Err(MoveError::AlreadyRunning)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The latest move of this dead-letter queue's messages.
    ///
    /// # Errors
    /// See [`QueueError`].
    pub async fn latest_move(&self) -> Result<Option<Move>, QueueError> {
        let arn = self.arn().await?;
        self.latest_move_of(&arn).await
    }

    async fn latest_move_of(&self, arn: &str) -> Result<Option<Move>, QueueError> {
        let output = self
            .client
            .list_message_move_tasks()
            .source_arn(arn)
            .max_results(1)
            .send()
            .await
            .map_err(QueueError::from_sdk)?;
        Ok(output.results().first().map(Move::from))
    }
}
