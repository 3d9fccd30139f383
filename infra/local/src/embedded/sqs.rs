//! Embedded SQS: rustack in memory, served on a loopback port. What is in the
//! queues when the process ends is queued again from the table (`recovery`).

use std::{io, net::SocketAddr, sync::Arc};

use aws_sdk_sqs::{Client, types::QueueAttributeName};
use hyper_util::rt::TokioIo;
use rustack_sqs_core::{config::SqsConfig, provider::RustackSqs};
use rustack_sqs_http::service::{SqsHttpConfig, SqsHttpService};
use tokio::{net::TcpListener, task::JoinHandle};

use super::move_tasks::WithMoveTasks;

/// The queues of `template.yaml`.
const DELIVERIES: &str = "deliveries.fifo";
const DEAD_LETTERS: &str = "deliveries-dead.fifo";
/// Visibility timeout, seconds: six times the delivery function's own.
const VISIBILITY_SECONDS: u32 = 180;
/// High, because breaker pauses raise it too: it only catches poison.
const MAX_RECEIVE_COUNT: u32 = 1_000;
/// Retention, seconds: 14 days, the longest there is.
const RETENTION_SECONDS: u32 = 1_209_600;

/// Why the embedded queues are not there.
#[derive(Debug, thiserror::Error)]
pub enum SqsError {
    /// Its port is not to be had.
    #[error("the embedded SQS cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// A queue cannot be made.
    #[error("the queue {0} cannot be created: {1}")]
    Queue(&'static str, String),
}

/// The embedded service.
#[derive(Debug)]
pub(crate) struct Sqs {
    pub endpoint: String,
    server: JoinHandle<()>,
}

/// The URLs of the queues.
#[derive(Debug, Clone)]
pub(crate) struct QueueUrls {
    pub deliveries: String,
    pub dead_letters: String,
}

impl Sqs {
    /// Serves empty queues.
    pub async fn start(listen: SocketAddr) -> Result<Self, SqsError> {
        Ok(Self::start_with_handler(listen).await?.0)
    }

    /// Serves empty queues, and shows what serves them.
    pub(super) async fn start_with_handler(
        listen: SocketAddr,
    ) -> Result<(Self, Arc<WithMoveTasks>), SqsError> {
        let failed = |error| SqsError::Listen(listen, error);
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let config = SqsConfig {
            host: address.ip().to_string(),
            port: address.port(),
            ..SqsConfig::default()
        };
        let handler = Arc::new(WithMoveTasks::new(Arc::new(RustackSqs::new(config))));
        let service = SqsHttpService::new(handler.clone(), SqsHttpConfig::default());
        let server = tokio::spawn(serve(listener, service));
        let sqs = Self {
            endpoint: format!("http://{address}"),
            server,
        };
        Ok((sqs, handler))
    }

    /// Stops serving.
    pub fn stop(&self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, service: SqsHttpService<WithMoveTasks>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        let service = service.clone();
        tokio::spawn(async move {
            let _: Result<(), _> = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// Makes the queues of `template.yaml`.
pub(crate) async fn create_queues(client: &Client) -> Result<QueueUrls, SqsError> {
    let dead_letters = create_queue(client, DEAD_LETTERS, None).await?;
    let redrive = format!(
        r#"{{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:{DEAD_LETTERS}","maxReceiveCount":{MAX_RECEIVE_COUNT}}}"#
    );
    let deliveries = create_queue(client, DELIVERIES, Some(redrive)).await?;
    Ok(QueueUrls {
        deliveries,
        dead_letters,
    })
}

async fn create_queue(
    client: &Client,
    name: &'static str,
    redrive: Option<String>,
) -> Result<String, SqsError> {
    let mut request = client
        .create_queue()
        .queue_name(name)
        .attributes(QueueAttributeName::FifoQueue, "true")
        .attributes(QueueAttributeName::DeduplicationScope, "messageGroup")
        .attributes(QueueAttributeName::FifoThroughputLimit, "perMessageGroupId")
        .attributes(
            QueueAttributeName::VisibilityTimeout,
            VISIBILITY_SECONDS.to_string(),
        )
        .attributes(
            QueueAttributeName::MessageRetentionPeriod,
            RETENTION_SECONDS.to_string(),
        );
    if let Some(redrive) = redrive {
        request = request.attributes(QueueAttributeName::RedrivePolicy, redrive);
    }
    let created = request.send().await.map_err(|error| {
        SqsError::Queue(
            name,
            aws_sdk_sqs::error::DisplayErrorContext(&error).to_string(),
        )
    })?;
    created
        .queue_url
        .ok_or_else(|| SqsError::Queue(name, "it has no URL".to_owned()))
}
