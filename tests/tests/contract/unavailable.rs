//! Every function without its table and queues: whatever needs them says so.

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use axum::{Router, body::Body};
use common::{
    http::{auth::AdminKey, finish},
    intake::Intake,
    outbound::{Guard, Outbound},
    queue::Queue,
    store::Store,
};
use futures_util::future::join_all;
use http::Request;
use opsknight_tests::Answer;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{
    document::{Document, Operation, Outcome},
    lab::{Call, Lab},
};

/// Where nothing listens.
const NOWHERE: &str = "http://127.0.0.1:9";

/// What these calls are answered where nothing answers us.
pub(crate) async fn outcomes(
    document: &Document,
    lab: &Lab,
    mut calls: Vec<(Operation, Call)>,
) -> Vec<(String, Outcome)> {
    let router = router();
    // Whether a provider comes back after a 429 or after a 503 is its own affair.
    for (id, provider) in [
        ("sendAlerts", "prometheus"),
        ("putAlerts", "splunk-observability"),
    ] {
        let other = lab.integration(provider, json!({})).await;
        let operation = calls.iter().find(|(one, _)| one.id == id);
        let (operation, _) = operation.expect("an operation of intake").clone();
        calls.push((operation, Call::to(&other.url).json(&json!({})).anonymous()));
    }
    // These ask the table about API keys only, of which the admin key is none.
    for id in ["previewFormat", "sendEvent"] {
        let found = calls.iter().find(|(one, _)| one.id == id);
        let (operation, mut call) = found.expect("an operation").clone();
        call.headers.retain(|(name, _)| name != "authorization");
        let call = call.anonymous().with("authorization", "Bearer ok_unknown");
        calls.push((operation, call));
    }
    let answers = calls.into_iter().map(|(operation, call)| {
        let router = router.clone();
        async move {
            let answer = send(router, &operation, call).await;
            (operation, answer)
        }
    });
    let answers = join_all(answers).await.into_iter();
    answers
        .map(|(operation, answer)| {
            let outcome = document.check(&operation, &answer);
            (operation.id, outcome)
        })
        .collect()
}

fn router() -> Router {
    let table = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("x", "x", None, None, "test"))
        .http_client(common::aws::http_client())
        .retry_config(RetryConfig::disabled())
        .endpoint_url(NOWHERE)
        .build();
    let store = Store::new(aws_sdk_dynamodb::Client::from_conf(table), "opsknight");
    let queues = aws_sdk_sqs::Config::builder()
        .behavior_version(aws_sdk_sqs::config::BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("x", "x", None, None, "test"))
        .http_client(common::aws::http_client())
        .retry_config(RetryConfig::disabled())
        .endpoint_url(NOWHERE)
        .build();
    let client = aws_sdk_sqs::Client::from_conf(queues);
    let queue = Queue::new(client, format!("{NOWHERE}/none"));
    let intake = Intake::new(store.clone());
    let guard = Guard::new(true);
    let routes = apm::routes(intake.clone())
        .merge(custom::routes(intake.clone()))
        .merge(logs::routes(intake.clone()))
        .merge(metrics::routes(intake.clone()))
        .merge(uptime::routes(intake))
        .merge(incidents::routes(incidents::App::new(
            store.clone(),
            AdminKey::new("key"),
        )))
        .merge(settings::routes(settings::App {
            store,
            queue: queue.clone(),
            dead_letters: queue,
            outbound: Outbound::new(guard.clone()).expect("a client"),
            guard,
            admin: AdminKey::new("key"),
            readiness: settings::Readiness::default(),
            public_url: None,
        }));
    finish(routes)
}

async fn send(router: Router, operation: &Operation, call: Call) -> Answer {
    let path = match call.path.strip_prefix("http://") {
        Some(rest) => &rest[rest.find('/').expect("a path")..],
        None => &call.path,
    };
    let mut request = Request::builder()
        .method(operation.method.clone())
        .uri(path);
    for (name, value) in &call.headers {
        request = request.header(name, value);
    }
    if call.is_admin {
        request = request.header("authorization", "Bearer key");
    }
    let request = request.body(Body::from(call.body)).expect("a request");
    let response = router.oneshot(request).await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await;
    let bytes = bytes.expect("a body");
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Answer {
        status,
        headers,
        body,
        bytes,
    }
}
