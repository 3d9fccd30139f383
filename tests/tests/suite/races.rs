//! Two writers at one incident, one of them held up at the worst moment.

use std::sync::{
    Arc, Mutex,
    mpsc::{Receiver, SyncSender, sync_channel},
};

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeTransmitInterceptorContextRef,
    },
    error::BoxError,
};
use axum::{Router, body::Bytes, http::HeaderMap, response::IntoResponse as _};
use common::{id::WebhookId, intake::Intake, store::Store, time::Timestamp};
use http::StatusCode;
use opsknight_tests::World;
use serde_json::json;

use crate::calls;

/// Says that it is reached, and waits until it may go on.
type Ends = (SyncSender<()>, Receiver<()>);

/// Holds up the first request whose body has this text: says so, and waits.
#[derive(Debug, Clone)]
struct Barrier {
    text: &'static str,
    ends: Arc<Mutex<Option<Ends>>>,
}

impl Intercept for Barrier {
    fn name(&self) -> &'static str {
        "barrier"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.request().body().bytes().unwrap_or_default();
        if !String::from_utf8_lossy(body).contains(self.text) {
            return Ok(());
        }
        if let Some((reached, go_on)) = self.ends.lock().expect("a lock").take() {
            reached.send(())?;
            go_on.recv()?;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worse_alert_is_not_counted_on_an_incident_that_was_resolved_in_between() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let alert =
        |severity: &str, status: &str| json!({ "id": "k", "severity": severity, "status": status });
    let first = world
        .accepted(&integration, alert("warning", "firing"))
        .await;

    let (reached, is_reached) = sync_channel(1);
    let (go_on, may_go_on) = sync_channel(1);
    let stack = world.stack().expect("a stack of its own");
    let barrier = Barrier {
        text: "INCIDENT#",
        ends: Arc::new(Mutex::new(Some((reached, may_go_on)))),
    };
    let router = custom::router(Intake::new(calls::watched_store(stack, barrier)));
    let sender = integration.clone();
    let body = alert("critical", "firing");
    let worse = tokio::spawn(async move { calls::alert(&router, &sender, body).await });
    // It has found an open incident of a lower urgency, and goes to raise it.
    tokio::task::spawn_blocking(move || is_reached.recv())
        .await
        .expect("it waits")
        .expect("the incident is read");
    let resolved = world.accepted(&integration, alert("warning", "ok")).await;
    assert_eq!(resolved["action"], "resolved");
    go_on.send(()).expect("it goes on");

    assert_eq!(worse.await.expect("an answer"), "triggered");
    let incidents = world.incidents(&integration.service).await;
    assert_eq!(incidents.len(), 2, "{incidents:?}");
    let old = incidents
        .iter()
        .find(|one| one["id"] == first["incident"]["id"]);
    let old = old.expect("the first one");
    assert_eq!(
        (&old["alertCount"], &old["version"]),
        (&json!(1), &json!(2))
    );
    world.stop().await;
}

/// A table with a webhook that failed: the first update of it meets another
/// writer, and a later one is taken.
async fn busy_table(id: WebhookId, updates: Arc<Mutex<usize>>) -> String {
    let now = Timestamp::now().to_string();
    let webhook = json!({
        "id": { "S": id.to_string() }, "name": { "S": "w" }, "url": { "S": "https://example.com" },
        "events": { "L": [] }, "enabled": { "BOOL": true }, "secret": { "S": "s" },
        "format": { "S": "opsknight" }, "ordering": { "S": "none" },
        "createdAt": { "S": &now }, "updatedAt": { "S": &now },
        "health": { "M": { "consecutiveFailures": { "N": "5" }, "failingSince": { "S": &now },
            "failedProbes": { "N": "0" }, "revision": { "N": "5" } } },
    });
    let answer = move |headers: HeaderMap, _: Bytes| async move {
        let target = headers["x-amz-target"].to_str().expect("text").to_owned();
        if target.ends_with(".GetItem") {
            return json!({ "Item": webhook }).to_string().into_response();
        }
        let mut updates = updates.lock().expect("a lock");
        *updates += 1;
        if *updates > 1 {
            return "{}".into_response();
        }
        let conflict = "com.amazonaws.dynamodb.v20120810#TransactionConflictException";
        let body = json!({ "__type": conflict, "message": "ongoing" });
        (StatusCode::BAD_REQUEST, body.to_string()).into_response()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_success_closes_the_breaker_though_somebody_else_writes_the_webhook() {
    let (id, updates) = (WebhookId::generate(), Arc::new(Mutex::new(0)));
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("embedded", "embedded", None, None, "test"))
        .http_client(common::aws::http_client())
        .endpoint_url(busy_table(id, updates.clone()).await)
        .build();
    let store = Store::new(aws_sdk_dynamodb::Client::from_conf(config), "opsknight");
    store
        .forget_failures(id, None)
        .await
        .expect("it is forgotten");
    assert_eq!(*updates.lock().expect("a lock"), 2);
}
