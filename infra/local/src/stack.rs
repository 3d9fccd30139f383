//! The whole product in one process: embedded services, every function behind
//! one listener, event sources.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use clock::Clock;
use common::{
    breaker::BreakerPolicy,
    config::ConfigError,
    http::{auth::AdminKey, finish},
    intake::Intake,
    outbound::{self, Guard, Outbound, OutboundError},
    queue::Queue,
    retry::RetrySchedule,
    store::Store,
};
use delivery::Deliverer;
use fanout::Fanout;
use settings::Readiness;
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
    task::JoinHandle,
};

use crate::{
    admin_key,
    data_dir::{DataDir, DataDirError},
    demo::{self, DemoError},
    embedded::{
        dynamodb::{self, DynamoDb, DynamoDbError},
        sdk_config,
        sqs::{self, QueueUrls, Sqs, SqsError},
    },
    inbox,
    recovery::{self, RecoveryError},
    sources::{queue::QueueSource, schedule, stream::StreamSource},
    targets,
};

/// Longest wait for what is under way when the stack stops: one delivery
/// attempt and its record.
const DRAIN: Duration = Duration::from_secs(15);

/// Any free port that only this machine reaches.
pub(crate) const FREE_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// How to run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the embedded DynamoDB listens; port 0 takes a free one.
    pub dynamodb: SocketAddr,
    /// Where the embedded SQS listens; port 0 takes a free one.
    pub sqs: SocketAddr,
    /// Where data is kept.
    pub storage: Storage,
    /// Whether a first start creates the demo.
    pub demo: bool,
    /// The admin key; else the environment's, else the folder's.
    pub admin_key: Option<String>,
    /// The pauses between delivery attempts; else the environment's.
    pub retry_schedule: Option<RetrySchedule>,
    /// Whether receivers may be on this machine; else what the environment
    /// says.
    pub allow_private: Option<bool>,
    /// How receivers are reached.
    pub outbound: outbound::Options,
    /// When failing webhooks are spared; else as the environment says.
    pub breaker: Option<BreakerPolicy>,
    /// When the stack is not ready.
    pub readiness: Readiness,
    /// How often the clock runs.
    pub clock_interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: FREE_PORT,
            dynamodb: FREE_PORT,
            sqs: FREE_PORT,
            storage: Storage::Ephemeral,
            demo: false,
            admin_key: None,
            retry_schedule: None,
            allow_private: None,
            outbound: outbound::Options::default(),
            breaker: None,
            readiness: Readiness::default(),
            clock_interval: Duration::from_secs(60),
        }
    }
}

/// Where data is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// In this folder, across restarts.
    Folder(PathBuf),
    /// Nowhere: it goes with the process.
    Ephemeral,
}

/// Why the stack does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The embedded table.
    #[error(transparent)]
    DynamoDb(#[from] DynamoDbError),
    /// The embedded queues.
    #[error(transparent)]
    Sqs(#[from] SqsError),
    /// An environment variable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The HTTP client.
    #[error("the HTTP client could not be built: {0}")]
    Client(#[from] OutboundError),
    /// Unfinished deliveries.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    /// The demo.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// The admin key.
    #[error("the admin key cannot be kept: {0}")]
    AdminKey(io::Error),
    /// The listener.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
}

/// A running stack.
pub struct Stack {
    address: SocketAddr,
    admin_key: String,
    demo_intake_url: Option<String>,
    storage: Storage,
    stop: watch::Sender<bool>,
    paused: Paused,
    tasks: Vec<JoinHandle<()>>,
    dynamodb: Arc<DynamoDb>,
    sqs: Sqs,
    queues: QueueUrls,
    _folder: DataDir,
}

/// An event source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The table's stream, for fan-out.
    Stream,
    /// The delivery queue, for delivery.
    Queue,
}

/// Which event sources stand still.
#[derive(Debug, Default)]
struct Paused {
    stream: watch::Sender<bool>,
    queue: watch::Sender<bool>,
}

/// What the functions are built from.
struct Parts {
    store: Store,
    queue: Queue,
    dead_letters: Queue,
    guard: Guard,
    outbound: Outbound,
    admin: AdminKey,
    readiness: Readiness,
}

impl Stack {
    /// Starts everything; when this returns, the listener answers.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let folder = match &settings.storage {
            Storage::Folder(path) => DataDir::open(path)?,
            Storage::Ephemeral => DataDir::temporary()?,
        };
        let admin_key = match settings.admin_key {
            Some(key) => key,
            None => admin_key::load_or_create(&folder).map_err(StartError::AdminKey)?,
        };
        let listener = listen(settings.listen).await?;
        let address = listener
            .local_addr()
            .map_err(|error| StartError::Listen(settings.listen, error))?;

        let durable = settings.storage != Storage::Ephemeral;
        let database = folder.file("opsknight.db");
        let dynamodb = Arc::new(DynamoDb::start(&database, durable, settings.dynamodb).await?);
        let table = aws_sdk_dynamodb::Client::new(&sdk_config(&dynamodb.endpoint).await);
        dynamodb::ensure_table(&table).await?;
        let sqs = Sqs::start(settings.sqs).await?;
        let queues = aws_sdk_sqs::Client::new(&sdk_config(&sqs.endpoint).await);
        let urls = sqs::create_queues(&queues).await?;

        let guard = targets::guard(settings.allow_private, address)?;
        let parts = Parts {
            store: Store::new(table, dynamodb::TABLE),
            queue: Queue::new(queues.clone(), &urls.deliveries),
            dead_letters: Queue::new(queues.clone(), &urls.dead_letters),
            outbound: Outbound::with(guard.clone(), settings.outbound)?,
            guard,
            admin: AdminKey::new(&admin_key),
            readiness: settings.readiness,
        };
        let requeued = recovery::requeue_unfinished(&parts.store, &parts.queue).await?;
        if requeued > 0 {
            tracing::info!(requeued, "unfinished deliveries were queued again");
        }
        let schedule = match settings.retry_schedule {
            Some(schedule) => schedule,
            None => RetrySchedule::from_env()?,
        };
        let breaker = match settings.breaker {
            Some(breaker) => breaker,
            None => BreakerPolicy::from_env()?,
        };
        let written = Arc::new(Notify::new());
        let router = router(&parts, written.clone());
        let (stop, stopped) = watch::channel(false);
        let paused = Paused::default();
        let mut tasks = vec![tokio::spawn(serve(
            listener,
            router.clone(),
            stopped.clone(),
        ))];
        tasks.extend(event_sources(
            &parts,
            &dynamodb,
            queues,
            urls.clone(),
            schedule,
            breaker,
            written,
            &folder,
            &stopped,
            &paused,
            settings.clock_interval,
        )?);
        let demo = if settings.demo {
            demo::find_or_create(&router, &admin_key, &address.to_string()).await?
        } else {
            None
        };
        Ok(Self {
            address,
            admin_key,
            demo_intake_url: demo.map(|demo| demo.intake_url),
            storage: settings.storage,
            stop,
            paused,
            tasks,
            dynamodb,
            sqs,
            queues: urls,
            _folder: folder,
        })
    }

    /// `http://127.0.0.1:3000`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The admin key.
    pub fn admin_key(&self) -> &str {
        &self.admin_key
    }

    /// Where the demo takes alerts.
    pub fn demo_intake_url(&self) -> Option<&str> {
        self.demo_intake_url.as_deref()
    }

    /// Where the embedded DynamoDB is reached.
    pub fn dynamodb_endpoint(&self) -> &str {
        &self.dynamodb.endpoint
    }

    /// Where the embedded SQS is reached.
    pub fn sqs_endpoint(&self) -> &str {
        &self.sqs.endpoint
    }

    /// The variables with which a function works on this stack's table and
    /// queues, as `template.yaml` sets them in AWS.
    pub fn function_variables(&self) -> BTreeMap<String, String> {
        [
            ("TABLE_NAME", dynamodb::TABLE),
            ("DELIVERIES_QUEUE_URL", &self.queues.deliveries),
            ("DEAD_LETTER_QUEUE_URL", &self.queues.dead_letters),
            ("DYNAMODB_ENDPOINT_URL", &self.dynamodb.endpoint),
            ("SQS_ENDPOINT_URL", &self.sqs.endpoint),
            ("OPSKNIGHT_ADMIN_KEY", &self.admin_key),
            ("ALLOW_PRIVATE_TARGETS", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// Where data is kept, for a person.
    pub fn data_description(&self) -> String {
        match &self.storage {
            Storage::Folder(path) => absolute(path),
            Storage::Ephemeral => "none (--ephemeral)".to_owned(),
        }
    }

    /// Lets an event source stand still, as an outage of its function would, or
    /// go on.
    pub fn pause(&self, source: Source, paused: bool) {
        let switch = match source {
            Source::Stream => &self.paused.stream,
            Source::Queue => &self.paused.queue,
        };
        switch.send_replace(paused);
    }

    /// Stops taking requests, finishes what is under way (for at most
    /// 15 s; the rest is queued again at the next start), and ends.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let finish = async {
            for task in self.tasks {
                let _ = task.await;
            }
        };
        if tokio::time::timeout(DRAIN, finish).await.is_err() {
            tracing::warn!("stopped with work under way; it goes on at the next start");
        }
        self.sqs.stop();
        self.dynamodb.stop();
    }
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path)
        .unwrap_or_else(|_| path.to_owned())
        .display()
        .to_string()
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|error| StartError::Listen(address, error))
}

async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let stopped = async move {
        let _ = stop.wait_for(|stop| *stop).await;
    };
    // Timelines and the audit log say where a caller was.
    let router = router.into_make_service_with_connect_info::<SocketAddr>();
    if let Err(error) = axum::serve(listener, router)
        .with_graceful_shutdown(stopped)
        .await
    {
        tracing::error!(%error, "the listener failed");
    }
}

/// Every function's routes behind one listener. After each request the stream
/// is looked at: something may have been written.
fn router(parts: &Parts, written: Arc<Notify>) -> Router {
    let intake = Intake::new(parts.store.clone());
    let incidents = incidents::App::new(parts.store.clone(), parts.admin.clone());
    let settings = settings::App {
        store: parts.store.clone(),
        queue: parts.queue.clone(),
        dead_letters: parts.dead_letters.clone(),
        guard: parts.guard.clone(),
        outbound: parts.outbound.clone(),
        admin: parts.admin.clone(),
        readiness: parts.readiness.clone(),
        public_url: None,
    };
    let routes = Router::new()
        .merge(apm::routes(intake.clone()))
        .merge(cicd::routes(intake.clone()))
        .merge(cloud::routes(
            intake.clone().with_outbound(parts.outbound.clone()),
        ))
        .merge(custom::routes(intake.clone()))
        .merge(logs::routes(intake.clone()))
        .merge(metrics::routes(intake.clone()))
        .merge(uptime::routes(intake))
        .merge(incidents::routes(incidents.clone()))
        .merge(settings::routes(settings.clone()))
        .merge(console::routes(console::App::new(
            incidents,
            settings,
            &parts.admin,
        )))
        .merge(inbox::routes(parts.store.clone()));
    finish(routes).layer(axum::middleware::map_response(
        move |response: axum::response::Response| {
            written.notify_one();
            std::future::ready(response)
        },
    ))
}

#[expect(
    clippy::too_many_arguments,
    reason = "called once, by the only place that has them all"
)]
fn event_sources(
    parts: &Parts,
    dynamodb: &Arc<DynamoDb>,
    queues: aws_sdk_sqs::Client,
    urls: QueueUrls,
    schedule: RetrySchedule,
    breaker: BreakerPolicy,
    written: Arc<Notify>,
    folder: &DataDir,
    stop: &watch::Receiver<bool>,
    paused: &Paused,
    clock_interval: Duration,
) -> Result<[JoinHandle<()>; 3], StartError> {
    let stream = StreamSource {
        database: dynamodb.database.clone(),
        fanout: Fanout::new(parts.store.clone(), parts.queue.clone()),
        position_file: folder.file("stream-position"),
        written: written.clone(),
        paused: paused.stream.subscribe(),
    };
    let deliverer = Deliverer::new(
        parts.store.clone(),
        parts.queue.clone(),
        parts.dead_letters.clone(),
        parts.outbound.clone(),
        schedule,
        breaker,
    );
    let queue = QueueSource {
        client: queues,
        url: urls.deliveries,
        deliverer,
        paused: paused.queue.subscribe(),
    };
    let clock = Clock::new(parts.store.clone()).with_queue(parts.queue.clone());
    Ok([
        tokio::spawn(stream.run(stop.clone())),
        tokio::spawn(queue.run(stop.clone())),
        tokio::spawn(schedule::run(
            clock,
            clock_interval,
            dynamodb.clone(),
            written,
            stop.clone(),
        )),
    ])
}
