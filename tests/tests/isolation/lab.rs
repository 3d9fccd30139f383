//! A receiver that can hang, be slow and change its mind, and knows how many
//! requests it had at once.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use http::StatusCode;
use opsknight_tests::wait;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

/// How it answers.
#[derive(Debug, Clone, Copy)]
pub enum Mode {
    /// Not at all.
    Hang,
    /// So, after this.
    Answer(StatusCode, Duration),
}

/// A request that arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub event: String,
    pub incident: String,
    pub attempt: String,
    pub delivered: bool,
}

#[derive(Debug)]
struct Inner {
    mode: Mode,
    open: usize,
    most: usize,
    seen: Vec<Seen>,
}

/// The receiver.
pub struct Lab {
    inner: Arc<Mutex<Inner>>,
    url: String,
    server: JoinHandle<()>,
}

impl Lab {
    pub async fn start(mode: Mode) -> Self {
        let inner = Arc::new(Mutex::new(Inner {
            mode,
            open: 0,
            most: 0,
            seen: Vec::new(),
        }));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let router = Router::new()
            .route("/hook", post(receive))
            .with_state(inner.clone());
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves");
        });
        Self { inner, url, server }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn set(&self, mode: Mode) {
        lock(&self.inner).mode = mode;
    }

    /// Requests that are not answered yet.
    pub fn open(&self) -> usize {
        lock(&self.inner).open
    }

    /// The most requests at once since it was asked last.
    pub fn take_most(&self) -> usize {
        let mut inner = lock(&self.inner);
        let open = inner.open;
        std::mem::replace(&mut inner.most, open)
    }

    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.inner).seen.clone()
    }

    /// Waits until what was seen satisfies the condition.
    pub async fn until(&self, what: &str, condition: impl Fn(&[Seen]) -> bool) -> Vec<Seen> {
        wait::until(what, || async {
            let seen = self.seen();
            condition(&seen).then_some(seen)
        })
        .await
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().expect("the state")
}

/// A request under way, also when its sender gives up.
struct Open(Arc<Mutex<Inner>>);

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.0).open -= 1;
    }
}

async fn receive(
    State(inner): State<Arc<Mutex<Inner>>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> StatusCode {
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let attempt = headers
        .get("x-webhook-attempt")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let (mode, _open) = {
        let mut state = lock(&inner);
        state.open += 1;
        state.most = state.most.max(state.open);
        let mode = state.mode;
        state.seen.push(Seen {
            event: text(&body["event"]),
            incident: text(&body["data"]["id"]),
            attempt,
            delivered: matches!(mode, Mode::Answer(status, _) if status.is_success()),
        });
        (mode, Open(inner.clone()))
    };
    match mode {
        Mode::Hang => std::future::pending().await,
        Mode::Answer(status, after) => {
            tokio::time::sleep(after).await;
            status
        }
    }
}
