//! The Runtime API of one function: it asks for the next event, and posts what
//! came of it.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{Mutex as AsyncMutex, mpsc, oneshot, watch},
    task::JoinHandle,
};

/// The delivery function's timeout in `template.yaml`.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What came of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The function answered.
    Response(Value),
    /// The function failed.
    Error(Value),
}

impl Outcome {
    /// The answer.
    ///
    /// # Panics
    /// Where it failed.
    pub fn response(self) -> Value {
        match self {
            Self::Response(value) => value,
            Self::Error(error) => panic!("the function failed: {error}"),
        }
    }
}

struct Shared {
    waiting: AsyncMutex<mpsc::UnboundedReceiver<(String, Value)>>,
    answers: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
    asked: watch::Sender<bool>,
}

/// A served Runtime API.
pub(crate) struct RuntimeApi {
    address: SocketAddr,
    events: mpsc::UnboundedSender<(String, Value)>,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
    count: u64,
}

impl RuntimeApi {
    pub(crate) async fn start() -> Self {
        let (events, waiting) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            waiting: AsyncMutex::new(waiting),
            answers: Mutex::default(),
            asked: watch::Sender::new(false),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(response),
            )
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .with_state(shared.clone());
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a loopback port");
        let address = listener.local_addr().expect("its address");
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves");
        });
        Self {
            address,
            events,
            shared,
            server,
            count: 0,
        }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Returns when the function has asked for an event.
    pub(crate) async fn ready(&self) {
        let mut asked = self.shared.asked.subscribe();
        asked.wait_for(|asked| *asked).await.expect("it is served");
    }

    pub(crate) async fn invoke(&mut self, event: &Value) -> Outcome {
        self.count += 1;
        let id = format!("00000000-0000-4000-8000-{:012}", self.count);
        let (answer, answered) = oneshot::channel();
        lock(&self.shared.answers).insert(id.clone(), answer);
        self.events.send((id, event.clone())).expect("it is served");
        answered.await.expect("an answer")
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    shared.asked.send_replace(true);
    // A second asker waits its turn, as in Lambda.
    let Some((id, event)) = shared.waiting.lock().await.recv().await else {
        // Nobody will send one any more: the function waits until it is ended.
        return std::future::pending().await;
    };
    let deadline = (SystemTime::now() + TIMEOUT)
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis();
    let headers = [
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:opsknight".to_owned(),
        ),
        (
            "lambda-runtime-trace-id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0".to_owned(),
        ),
    ];
    (headers, Json(event)).into_response()
}

async fn response(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> StatusCode {
    settle(&shared, &id, &body, Outcome::Response)
}

async fn error(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> StatusCode {
    settle(&shared, &id, &body, Outcome::Error)
}

// Not `Json`, which asks for a Content-Type: the runtime sends none.
fn settle(
    shared: &Shared,
    id: &str,
    body: &[u8],
    outcome: impl FnOnce(Value) -> Outcome,
) -> StatusCode {
    let Ok(value) = serde_json::from_slice(body) else {
        return StatusCode::BAD_REQUEST;
    };
    let Some(answer) = lock(&shared.answers).remove(id) else {
        return StatusCode::BAD_REQUEST;
    };
    // The test may have given up.
    let _ = answer.send(outcome(value));
    StatusCode::ACCEPTED
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
