//! Addresses that must not be reached, through the API and end to end.

use std::{io, net::SocketAddr, sync::Arc};

use common::outbound::{Options, Resolver};
use futures_util::future::BoxFuture;
use http::{Method, StatusCode};
use opsknight::stack::Settings;
use opsknight_tests::{World, hostile::Hostile, process::Program, wait};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_opsknight-under-test");

/// A stack that lets nothing private pass, as on AWS.
async fn strict_world(options: Options) -> World {
    World::with(Settings {
        retry_schedule: Some("1h".parse().expect("a schedule")),
        allow_private: Some(false),
        outbound: options,
        ..Settings::default()
    })
    .await
}

fn webhook(url: &Value) -> Value {
    json!({ "name": "target", "url": url, "events": ["incident.created"] })
}

fn table() -> Value {
    serde_json::from_str(include_str!("../../fixtures/targets.json")).expect("the table")
}

async fn post(world: &World, headers: Value) -> StatusCode {
    let mut body = webhook(&json!("https://example.com/hook"));
    body["headers"] = headers;
    let path = "/api/status-page/webhooks";
    world.api(Method::POST, path, body).await.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_webhook_is_saved_with_a_refused_address() {
    let world = strict_world(Options::default()).await;
    let saved = world
        .webhook_of(webhook(&json!("https://example.com/")))
        .await;
    let path = format!(
        "/api/status-page/webhooks/{}",
        saved["id"].as_str().expect("an id")
    );
    let table = table();
    let refused = table["refused"].as_object().expect("reasons").iter();
    // The stack's own hosts are others than the table's. White space around an
    // address is taken off before it is checked.
    let urls = refused
        .filter(|(reason, _)| *reason != "ownHost")
        .flat_map(|(_, urls)| urls.as_array().expect("addresses"))
        .filter(|url| url.as_str().is_some_and(|text| text == text.trim()));
    let mut count = 0;
    for url in urls {
        count += 1;
        let created = world
            .api(Method::POST, "/api/status-page/webhooks", webhook(url))
            .await;
        let problems = created.expect(StatusCode::BAD_REQUEST);
        assert!(problems.to_string().contains("url"), "{problems}");
        let changed = world.api(Method::PATCH, &path, json!({ "url": url })).await;
        changed.expect(StatusCode::BAD_REQUEST);
    }
    assert!(count >= 120, "{count}");
    for url in table["allowed"].as_array().expect("addresses") {
        world.webhook_of(webhook(url)).await;
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_does_not_post_to_itself() {
    let world = World::start().await;
    let port = world
        .url()
        .rsplit(':')
        .next()
        .unwrap_or_default()
        .to_owned();
    let api = "/api/status-page/webhooks";
    for host in ["127.0.0.1", "localhost", "0x7f.1", "[::1]"] {
        let url = json!(format!(
            "http://{host}:{port}/api/integrations/webhook?integrationId=i"
        ));
        let answer = world.api(Method::POST, api, webhook(&url)).await;
        let problems = answer.expect(StatusCode::BAD_REQUEST);
        assert!(
            problems.to_string().contains("this service itself"),
            "{problems}"
        );
    }
    let inbox = json!(format!("{}/dev/inbox", world.url()));
    world.webhook_of(webhook(&inbox)).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_became_our_own_is_not_posted_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let receiver = Hostile::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let program = Program::start(BINARY, folder.path()).await;
    let integration = program.world().integration("webhook").await;
    let saved = program.world();
    let saved = saved.webhook(receiver.url(), &integration.service).await;
    program.interrupt().await;

    let own = format!("alerts.example.com, 127.0.0.1:{}", receiver.port());
    let public = "https://hooks.example.com";
    let variables = [("OWN_HOSTS", own.as_str()), ("PUBLIC_URL", public)];
    let program = Program::start_with(BINARY, folder.path(), &variables).await;
    let world = program.world();
    let api = "/api/status-page/webhooks";
    let path = format!("{api}/{}", saved["id"].as_str().expect("an id"));
    for url in [
        receiver.url(),
        "https://alerts.example.com/hook",
        "https://Hooks.Example.com.:8443/api/events",
    ] {
        let created = world.api(Method::POST, api, webhook(&json!(url))).await;
        let changed = world.api(Method::PATCH, &path, json!({ "url": url })).await;
        for answer in [created, changed] {
            let problems = answer.expect(StatusCode::BAD_REQUEST).to_string();
            assert!(problems.contains("this service itself"), "{problems}");
        }
    }
    let trial = world
        .api(Method::POST, &format!("{path}/test"), json!({}))
        .await;
    assert_eq!(trial.expect(StatusCode::OK)["delivered"], false);
    let url = integration.url.split_once("/api/").expect("a path").1;
    let url = format!("{}/api/{url}", world.url());
    let integration = opsknight_tests::Integration { url, ..integration };
    world.accepted(&integration, json!({ "id": 1 })).await;
    let tried = world
        .delivery(&saved, |one| one["status"] == "RETRYING")
        .await;
    let error = tried["attempts"][0]["error"].as_str().unwrap_or_default();
    assert!(error.contains("this service itself"), "{error}");
    assert_eq!(receiver.connections(), 0);
    program.interrupt().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn custom_headers_leave_the_connection_and_our_own_alone() {
    let world = World::start().await;
    for name in [
        "Host",
        "host",
        "Content-Length",
        "Content-Type",
        "Transfer-Encoding",
        "Connection",
        "Upgrade",
        "TE",
        "Trailer",
        "Expect",
        "Proxy-Authorization",
        "User-Agent",
        "Accept-Encoding",
        "X-Webhook-Signature",
        "x-webhook-new",
        "webhook-signature",
        "Webhook-Id",
        "",
        "a b",
        "a:b",
        "a\r\nHost: b",
        "\u{fc}",
    ] {
        let status = post(&world, json!({ name: "v" })).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{name:?}");
    }
    for value in ["a\r\nHost: b", "a\nb", "a\rb", "a\u{0}b", "\u{7f}"] {
        let status = post(&world, json!({ "X-Token": value })).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{value:?}");
    }
    let status = post(
        &world,
        json!({ "Authorization": "Bearer t", "X-Empty": "" }),
    )
    .await;
    assert_eq!(status, StatusCode::CREATED);
    world.stop().await;
}

/// Knows one name, which has a public and a private address.
#[derive(Debug)]
struct TwoFaced;

impl Resolver for TwoFaced {
    fn lookup<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        let known = name == "rebind.example.com";
        let answers = ["8.8.8.8:0", "127.0.0.1:0"].map(|text| text.parse().expect("an address"));
        let found = known.then(|| answers.to_vec());
        Box::pin(async { found.ok_or_else(|| io::Error::other("no such name")) })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_also_leads_inside_is_not_posted_to() {
    let inside = Hostile::answering("HTTP/1.1 200 OK\r\n\r\n").await;
    let world = strict_world(Options {
        resolver: Arc::new(TwoFaced),
        ..Options::default()
    })
    .await;
    let integration = world.integration("webhook").await;
    for (host, error) in [
        (
            "rebind.example.com",
            "the host 127.0.0.1 is not a public address",
        ),
        (
            "nowhere.example.com",
            "the host nowhere.example.com does not resolve",
        ),
    ] {
        let url = format!("https://{host}:{}/hook", inside.port());
        let webhook = world.webhook(&url, &integration.service).await;
        world.accepted(&integration, json!({ "id": host })).await;
        let tried = world
            .delivery(&webhook, |one| one["status"] == "RETRYING")
            .await;
        assert_eq!(tried["attempts"][0]["error"], error);
        assert_eq!(tried["attempts"][0]["statusCode"], Value::Null);
    }
    assert_eq!(inside.connections(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proxy_variables_are_ignored() {
    let proxy = Hostile::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let receiver = Hostile::answering("HTTP/1.1 204 No Content\r\n\r\n").await;
    let address = format!("http://127.0.0.1:{}", proxy.port());
    let names = [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ];
    let mut variables: Vec<_> = names.iter().map(|name| (*name, address.as_str())).collect();
    variables.extend([("NO_PROXY", ""), ("no_proxy", "")]);
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start_with(BINARY, folder.path(), &variables).await;
    let world = program.world();
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    world.accepted(&integration, json!({ "id": 1 })).await;
    wait::until("the delivery", || async {
        (receiver.connections() > 0).then_some(())
    })
    .await;
    let delivered = world
        .delivery(&webhook, |one| one["status"] == "DELIVERED")
        .await;
    assert_eq!(delivered["attempts"][0]["statusCode"], 204);
    assert_eq!(proxy.connections(), 0);
    program.interrupt().await;
}
