//! `/dev/inbox`: a receiver to watch deliveries with. It checks each signature
//! against the secrets of the webhooks that point to it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{Request, State},
    response::{Html, IntoResponse as _, Response},
    routing::get,
};
use common::{
    crypto,
    http::{body, json},
    limits, signing,
    store::Store,
    time::Timestamp,
};
use http::{HeaderMap, StatusCode, header::ACCEPT};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;

/// The receiver's path.
pub(crate) const PATH: &str = "/dev/inbox";
/// Deliveries that are kept, the latest.
const KEPT: usize = 500;

/// A delivery that arrived.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Arrived {
    at: Timestamp,
    event: Option<String>,
    webhook_id: Option<String>,
    attempt: Option<String>,
    signature: SignatureCheck,
    body: String,
}

/// What the check of a signature found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum SignatureCheck {
    Valid,
    Invalid,
}

#[derive(Clone)]
struct Inbox {
    store: Store,
    arrived: Arc<Mutex<VecDeque<Arrived>>>,
}

/// The inbox's routes.
pub(crate) fn routes(store: Store) -> Router {
    let inbox = Inbox {
        store,
        arrived: Arc::default(),
    };
    Router::new()
        .route(PATH, get(show).post(receive))
        .route("/dev/inbox.json", get(show_json))
        .with_state(inbox)
}

async fn receive(State(inbox): State<Inbox>, request: Request) -> Response {
    let (parts, payload) = request.into_parts();
    let bytes = match body::read(payload, limits::API_BODY_BYTES).await {
        Ok(bytes) => bytes,
        Err(error) => return error.into_response(),
    };
    let signature = check(&inbox.store, &parts.headers, &bytes).await;
    let arrived = Arrived {
        at: Timestamp::now(),
        event: text(&parts.headers, "x-webhook-event"),
        webhook_id: text(&parts.headers, "webhook-id"),
        attempt: text(&parts.headers, "x-webhook-attempt"),
        signature,
        body: String::from_utf8_lossy(&bytes).into_owned(),
    };
    let mut kept = inbox.arrived.lock().unwrap_or_else(PoisonError::into_inner);
    kept.push_front(arrived);
    kept.truncate(KEPT);
    StatusCode::NO_CONTENT.into_response()
}

/// Whether both signatures are right for one webhook that points here.
async fn check(store: &Store, headers: &HeaderMap, bytes: &[u8]) -> SignatureCheck {
    let webhooks = store.webhooks().await.unwrap_or_default();
    let get = |name| text(headers, name).unwrap_or_default();
    let seconds = get("webhook-timestamp").parse().unwrap_or(0);
    let valid = webhooks
        .iter()
        .filter(|webhook| webhook.url.ends_with(PATH))
        .any(|webhook| {
            let standard = signing::standard_signature(
                [webhook.secret.as_str()],
                &get("webhook-id"),
                seconds,
                bytes,
            );
            let plain = signing::body_signature(&webhook.secret, bytes);
            crypto::same_secret(plain.as_bytes(), get("x-webhook-signature").as_bytes())
                && get("webhook-signature")
                    .split(' ')
                    .any(|given| crypto::same_secret(given.as_bytes(), standard.as_bytes()))
        });
    if valid {
        SignatureCheck::Valid
    } else {
        SignatureCheck::Invalid
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// The page, or JSON where JSON is asked for.
async fn show(State(inbox): State<Inbox>, headers: HeaderMap) -> Response {
    let wants_json =
        text(&headers, ACCEPT.as_str()).is_some_and(|accept| accept.contains("application/json"));
    if wants_json {
        show_json(State(inbox)).await
    } else {
        Html(page(&inbox.snapshot()).into_string()).into_response()
    }
}

async fn show_json(State(inbox): State<Inbox>) -> Response {
    json(
        StatusCode::OK,
        &serde_json::json!({ "deliveries": inbox.snapshot() }),
    )
}

impl Inbox {
    fn snapshot(&self) -> Vec<Arrived> {
        self.arrived
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
color:#1c2430;background:#f7f8fa}article{background:#fff;border:1px solid #d9dee6;border-radius:8px;\
padding:.8rem 1rem;margin:.8rem 0}pre{overflow-x:auto;margin:.5rem 0 0;font-size:13px}\
.valid{color:#0a6b3d}.invalid{color:#b3261e}time{color:#5b6675}";

fn page(arrived: &[Arrived]) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="refresh" content="3";
                meta name="viewport" content="width=device-width";
                title { "Inbox · OpsKnight" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Inbox" }
                p { "Deliveries to this machine's built-in receiver, the latest first. " a href="/dev/inbox.json" { "As JSON" } }
                @if arrived.is_empty() { p { "Nothing has arrived yet." } }
                @for one in arrived { (entry(one)) }
            }
        }
    }
}

fn entry(one: &Arrived) -> Markup {
    let pretty = serde_json::from_str::<serde_json::Value>(&one.body)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| one.body.clone());
    html! {
        article {
            strong { (one.event.as_deref().unwrap_or("(no event)")) }
            " · attempt " (one.attempt.as_deref().unwrap_or("?")) " · "
            @match one.signature {
                SignatureCheck::Valid => span.valid { "signature valid" },
                SignatureCheck::Invalid => span.invalid { "signature invalid" },
            }
            " · " time { (one.at) }
            pre { (pretty) }
        }
    }
}
