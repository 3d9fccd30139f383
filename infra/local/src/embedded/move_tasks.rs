//! `StartMessageMoveTask` and `ListMessageMoveTasks`, which the embedded SQS
//! knows by name only: a layer in front of its handler moves the messages as
//! SQS does, one by one, each under its group and a deduplication id of its own.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use common::{crypto, time::Timestamp};
use rustack_sqs_core::{handler::RustackSqsHandler, provider::RustackSqs};
use rustack_sqs_http::{body::SqsResponseBody, dispatch::SqsHandler, response::json_response};
use rustack_sqs_model::{
    error::SqsError,
    input::{
        DeleteMessageInput, GetQueueAttributesInput, ListMessageMoveTasksInput,
        ReceiveMessageInput, SendMessageInput, StartMessageMoveTaskInput,
    },
    operations::SqsOperation,
    output::{ListMessageMoveTasksOutput, StartMessageMoveTaskOutput},
    types::{ListMessageMoveTasksResultEntry, Message},
};
use serde::{Serialize, de::DeserializeOwned};

/// Tasks that are remembered, as SQS does.
const REMEMBERED: usize = 10;
/// Messages of one receive.
const BATCH: i32 = 10;

/// The embedded SQS with move tasks.
#[derive(Clone)]
pub(super) struct WithMoveTasks {
    provider: Arc<RustackSqs>,
    inner: Arc<RustackSqsHandler>,
    tasks: Arc<Mutex<VecDeque<ListMessageMoveTasksResultEntry>>>,
}

type Answered = Result<http::Response<SqsResponseBody>, SqsError>;

impl SqsHandler for WithMoveTasks {
    fn handle_operation(
        &self,
        operation: SqsOperation,
        body: Bytes,
    ) -> Pin<Box<dyn Future<Output = Answered> + Send>> {
        let this = self.clone();
        match operation {
            SqsOperation::StartMessageMoveTask => {
                Box::pin(async move { written(&this.start(read(&body)?).await?) })
            }
            SqsOperation::ListMessageMoveTasks => {
                Box::pin(async move { written(&this.list(&read(&body)?)) })
            }
            other => self.inner.handle_operation(other, body),
        }
    }
}

impl WithMoveTasks {
    /// Move tasks in front of this service.
    pub fn new(provider: Arc<RustackSqs>) -> Self {
        Self {
            inner: Arc::new(RustackSqsHandler::new(provider.clone())),
            provider,
            tasks: Arc::default(),
        }
    }

    fn tasks(&self) -> MutexGuard<'_, VecDeque<ListMessageMoveTasksResultEntry>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn start(
        &self,
        input: StartMessageMoveTaskInput,
    ) -> Result<StartMessageMoveTaskOutput, SqsError> {
        let destination_arn = input
            .destination_arn
            .ok_or_else(|| SqsError::missing_parameter("DestinationArn is needed here"))?;
        let source = self.provider.queue_url_for_arn(&input.source_arn)?;
        let destination = self.provider.queue_url_for_arn(&destination_arn)?;
        let to_move = self.waiting(&source).await?;
        let handle = crypto::sha256_hex(&crypto::random_u128().to_be_bytes());
        let task = ListMessageMoveTasksResultEntry {
            task_handle: Some(handle.clone()),
            source_arn: Some(input.source_arn.clone()),
            destination_arn: Some(destination_arn),
            approximate_number_of_messages_moved: Some(0),
            approximate_number_of_messages_to_move: Some(to_move),
            status: Some("RUNNING".to_owned()),
            started_timestamp: i64::try_from(Timestamp::now().unix_millis()).ok(),
            ..ListMessageMoveTasksResultEntry::default()
        };
        let mut tasks = self.tasks();
        let same = |task: &&ListMessageMoveTasksResultEntry| {
            task.source_arn.as_ref() == Some(&input.source_arn)
        };
        if tasks
            .iter()
            .filter(same)
            .any(|task| task.status.as_deref() == Some("RUNNING"))
        {
            return Err(SqsError::invalid_parameter_value(
                "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
            ));
        }
        tasks.push_front(task);
        tasks.truncate(REMEMBERED);
        drop(tasks);
        tokio::spawn(
            self.clone()
                .run(handle.clone(), source, destination, to_move),
        );
        Ok(StartMessageMoveTaskOutput {
            task_handle: Some(handle),
        })
    }

    fn list(&self, input: &ListMessageMoveTasksInput) -> ListMessageMoveTasksOutput {
        let wanted = usize::try_from(input.max_results.unwrap_or(1)).unwrap_or(1);
        let tasks = self.tasks();
        let of_source = tasks
            .iter()
            .filter(|task| task.source_arn.as_ref() == Some(&input.source_arn));
        let results = of_source.take(wanted).map(shown).collect();
        ListMessageMoveTasksOutput { results }
    }

    async fn waiting(&self, queue_url: &str) -> Result<i64, SqsError> {
        let name = "ApproximateNumberOfMessages";
        let input = GetQueueAttributesInput {
            queue_url: queue_url.to_owned(),
            attribute_names: vec![name.to_owned()],
        };
        let output = self.provider.get_queue_attributes(input).await?;
        let count = output.attributes.get(name);
        Ok(count.and_then(|count| count.parse().ok()).unwrap_or(0))
    }

    async fn run(self, handle: String, source: String, destination: String, to_move: i64) {
        let mut moved = 0;
        let failure = loop {
            if moved >= to_move {
                break None;
            }
            match self.move_some(&source, &destination).await {
                Ok(0) => break None,
                Ok(more) => moved += more,
                Err(error) => break Some(error.to_string()),
            }
            self.change(&handle, |task| {
                task.approximate_number_of_messages_moved = Some(moved);
            });
        };
        self.change(&handle, |task| {
            task.status = Some(
                if failure.is_none() {
                    "COMPLETED"
                } else {
                    "FAILED"
                }
                .to_owned(),
            );
            task.failure_reason = failure;
        });
    }

    fn change(&self, handle: &str, change: impl FnOnce(&mut ListMessageMoveTasksResultEntry)) {
        let mut tasks = self.tasks();
        let found = tasks
            .iter_mut()
            .find(|task| task.task_handle.as_deref() == Some(handle));
        if let Some(task) = found {
            change(task);
        }
    }

    /// Moves up to ten messages in their order; answers how many.
    async fn move_some(&self, source: &str, destination: &str) -> Result<i64, SqsError> {
        let input = ReceiveMessageInput {
            queue_url: source.to_owned(),
            max_number_of_messages: Some(BATCH),
            message_system_attribute_names: vec!["All".to_owned()],
            ..ReceiveMessageInput::default()
        };
        let mut moved = 0;
        for message in self.provider.receive_message(input).await?.messages {
            self.move_one(source, destination, message).await?;
            moved += 1;
        }
        Ok(moved)
    }

    async fn move_one(
        &self,
        source: &str,
        destination: &str,
        message: Message,
    ) -> Result<(), SqsError> {
        let group = message.attributes.get("MessageGroupId").cloned();
        let sent = SendMessageInput {
            queue_url: destination.to_owned(),
            message_body: message.body.unwrap_or_default(),
            message_deduplication_id: message.message_id,
            message_group_id: group,
            message_attributes: message.message_attributes,
            ..SendMessageInput::default()
        };
        self.provider.send_message(sent).await?;
        let deleted = DeleteMessageInput {
            queue_url: source.to_owned(),
            receipt_handle: message.receipt_handle.unwrap_or_default(),
        };
        self.provider.delete_message(deleted).await.map(|_| ())
    }
}

/// A task as SQS lists it: only a running one has a handle.
fn shown(task: &ListMessageMoveTasksResultEntry) -> ListMessageMoveTasksResultEntry {
    let mut shown = task.clone();
    shown.task_handle = shown
        .task_handle
        .filter(|_| task.status.as_deref() == Some("RUNNING"));
    shown
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, SqsError> {
    serde_json::from_slice(body)
        .map_err(|error| SqsError::invalid_parameter_value(error.to_string()))
}

fn written(output: &impl Serialize) -> Answered {
    let json =
        serde_json::to_vec(output).map_err(|error| SqsError::internal_error(error.to_string()))?;
    Ok(json_response(json, "embedded"))
}

#[cfg(test)]
mod tests {
    use common::queue::{MoveError, Queue};

    use super::*;
    use crate::embedded::{
        sdk_config,
        sqs::{Sqs, create_queues},
    };

    /// Holds the place of a task that takes its time.
    fn running(source_arn: &str) -> ListMessageMoveTasksResultEntry {
        ListMessageMoveTasksResultEntry {
            source_arn: Some(source_arn.to_owned()),
            status: Some("RUNNING".to_owned()),
            started_timestamp: Some(1),
            ..ListMessageMoveTasksResultEntry::default()
        }
    }

    #[tokio::test]
    async fn a_queue_is_moved_once_at_a_time() {
        let dead_arn = "arn:aws:sqs:us-east-1:000000000000:deliveries-dead.fifo";
        let (sqs, handler) = Sqs::start_with_handler(crate::stack::FREE_PORT)
            .await
            .expect("it starts");
        let client = aws_sdk_sqs::Client::new(&sdk_config(&sqs.endpoint).await);
        let urls = create_queues(&client).await.expect("queues");
        let dead = Queue::new(client.clone(), &urls.dead_letters);
        let deliveries = Queue::new(client, &urls.deliveries);
        assert_eq!(dead.latest_move().await.expect("an answer"), None);

        handler.tasks().push_front(running(dead_arn));
        let refused = dead.start_move(&deliveries).await;
        assert!(
            matches!(refused, Err(MoveError::AlreadyRunning)),
            "{refused:?}"
        );
        // What SQS itself says to who does not ask first.
        let refused = handler
            .start(StartMessageMoveTaskInput {
                source_arn: dead_arn.to_owned(),
                destination_arn: Some(dead_arn.replace("-dead", "")),
                max_number_of_messages_per_second: None,
            })
            .await;
        let message = refused.expect_err("it runs already").message;
        assert!(message.contains("already a task running"), "{message}");

        handler.tasks().clear();
        dead.send_raw("one", "1").await.expect("sent");
        dead.start_move(&deliveries).await.expect("started");
        let moved = async {
            while dead
                .latest_move()
                .await
                .expect("an answer")
                .is_none_or(|latest| latest.is_running())
            {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), moved)
            .await
            .expect("it ends");
        assert_eq!(deliveries.depth().await.expect("a depth").ready, 1);
        sqs.stop();
    }
}
