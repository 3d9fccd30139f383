//! A webhook receiver that keeps what it gets and answers as it is told.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::Value;
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};

use crate::wait::PATIENCE;

/// A request that arrived.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body's bytes.
    pub bytes: Bytes,
    /// Its body.
    pub body: Value,
}

impl Arrival {
    /// A header's text.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The event that it tells of.
    pub fn event(&self) -> &str {
        self.body["event"].as_str().unwrap_or_default()
    }

    /// The incident that it tells of.
    pub fn incident(&self) -> &str {
        self.body["data"]["id"].as_str().unwrap_or_default()
    }
}

type Answering = dyn Fn(&Arrival, &[Arrival]) -> StatusCode + Send + Sync;

struct Shared {
    arrivals: Mutex<Vec<Arrival>>,
    changed: Notify,
    answer: Box<Answering>,
}

/// The receiver.
pub struct Receiver {
    shared: Arc<Shared>,
    url: String,
    server: JoinHandle<()>,
}

impl Receiver {
    /// A receiver that accepts everything.
    pub async fn start() -> Self {
        Self::answering(|_, _| StatusCode::OK).await
    }

    /// A receiver that answers as `answer` says, which is given the request
    /// and all those before it.
    pub async fn answering(
        answer: impl Fn(&Arrival, &[Arrival]) -> StatusCode + Send + Sync + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            arrivals: Mutex::default(),
            changed: Notify::new(),
            answer: Box::new(answer),
        });
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let router = Router::new()
            .route("/hook", post(receive))
            .with_state(shared.clone());
        let server = tokio::spawn(async move {
            axum::serve(listener, router)
                .await
                .expect("the receiver serves");
        });
        Self {
            shared,
            url,
            server,
        }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Everything that has arrived.
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.shared.arrivals.lock().expect("the list").clone()
    }

    /// How much has arrived.
    pub fn count_now(&self) -> usize {
        self.shared.arrivals.lock().expect("the list").len()
    }

    /// Waits until what has arrived satisfies `condition`.
    ///
    /// # Panics
    /// After [`PATIENCE`].
    pub async fn until(&self, what: &str, condition: impl Fn(&[Arrival]) -> bool) -> Vec<Arrival> {
        let wait = async {
            loop {
                let changed = self.shared.changed.notified();
                {
                    let arrivals = self.shared.arrivals.lock().expect("the list");
                    if condition(&arrivals) {
                        return arrivals.clone();
                    }
                }
                changed.await;
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(arrivals) => arrivals,
            Err(_) => panic!(
                "waited in vain for {what}; arrived: {:?}",
                self.arrivals()
                    .iter()
                    .map(Arrival::event)
                    .collect::<Vec<_>>()
            ),
        }
    }

    /// Waits for so many arrivals.
    pub async fn count(&self, count: usize) -> Vec<Arrival> {
        self.until(&format!("{count} arrivals"), |arrivals| {
            arrivals.len() >= count
        })
        .await
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn receive(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> StatusCode {
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let arrival = Arrival {
        headers,
        bytes,
        body,
    };
    let mut arrivals = shared.arrivals.lock().expect("the list");
    let status = (shared.answer)(&arrival, &arrivals);
    arrivals.push(arrival);
    drop(arrivals);
    shared.changed.notify_waiters();
    status
}
