//! A server that answers as it is told, for what a healthy stack never does
//! and what it cannot do yet.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, http::HeaderMap, http::Uri, response::Response};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::program::{Cli, text};

/// A request that arrived.
#[derive(Debug, Clone)]
pub struct Asked {
    pub line: String,
    pub authorization: String,
    pub body: Value,
}

pub struct Scripted {
    pub cli: Cli,
    asked: Arc<Mutex<Vec<Asked>>>,
    server: JoinHandle<()>,
}

impl Scripted {
    /// Answers what `answer` makes of how many requests came before.
    pub async fn start(answer: impl Fn(usize) -> Response + Clone + Send + Sync + 'static) -> Self {
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let kept = asked.clone();
        let handler = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let mut kept = kept.lock().expect("the list");
            let authorization = headers.get("authorization");
            kept.push(Asked {
                line: format!("{method} {uri}"),
                authorization: authorization
                    .and_then(|value| value.to_str().ok())
                    .unwrap_or_default()
                    .to_owned(),
                body: serde_json::from_slice(&body).unwrap_or_default(),
            });
            std::future::ready(answer(kept.len() - 1))
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(handler);
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves");
        });
        Self {
            cli: Cli::at(&url, "ok_the-token-of-this-test"),
            asked,
            server,
        }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("the list").clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// An answer with a JSON body.
pub fn answer(status: u16, headers: &[(&str, &str)], body: &Value) -> Response {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.to_string().into()).expect("an answer")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_server_is_asked_again_a_few_times() {
    let busy = |status| answer(status, &[("retry-after", "0")], &json!({ "error": "busy" }));
    let server = Scripted::start(move |before| match before {
        0 => busy(429),
        1 => busy(503),
        _ => answer(200, &[], &json!({ "services": [] })),
    })
    .await;
    server.cli.prints(&["services", "list"]).await;
    assert_eq!(server.asked().len(), 3);

    let server = Scripted::start(move |_| busy(429)).await;
    server
        .cli
        .run(&["services", "list"])
        .await
        .failed(6, "busy");
    assert_eq!(server.asked().len(), 4);

    // Without a time, or with one too long, it is not waited for.
    for headers in [&[][..], &[("retry-after", "3600")]] {
        let server =
            Scripted::start(move |_| answer(503, headers, &json!({ "message": "down" }))).await;
        server
            .cli
            .run(&["services", "list"])
            .await
            .failed(6, "down");
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_is_told_and_not_followed() {
    let headers = &[("location", "https://elsewhere.example/")];
    let server = Scripted::start(|_| answer(301, headers, &Value::Null)).await;
    let run = server.cli.run(&["services", "list"]).await;
    run.failed(1, "redirects to https://elsewhere.example/");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_answer_of_the_api_is_told() {
    let page = || Response::new("<html>".into());
    let server = Scripted::start(move |_| page()).await;
    for line in [
        &["services", "list"][..],
        &["export"],
        &["health"],
        &["incidents", "show", "inc_1"],
    ] {
        server.cli.run(line).await.failed(1, "not one of this API");
    }
    let server = Scripted::start(|_| answer(502, &[], &Value::Null)).await;
    let run = server.cli.run(&["services", "list"]).await;
    run.failed(1, "502 Bad Gateway");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_goes_with_the_integration_key_or_with_the_token_and_a_service() {
    let server = Scripted::start(|before| match before {
        1 => answer(
            200,
            &[],
            &json!({ "services": [{ "id": "svc_1", "name": "checkout" }] }),
        ),
        _ => answer(
            202,
            &[],
            &json!({ "status": "success", "result": { "action": "triggered" } }),
        ),
    })
    .await;
    let line = [
        "send",
        "--summary",
        "s",
        "--severity",
        "info",
        "--details",
        "a=b=c",
        "--source",
        "here",
    ];
    let key = [("OPSKNIGHT_INTEGRATION_KEY", "0123456789abcdef")];
    let run = server.cli.run_in(&line, &key).await;
    let printed = run.ok(&line);
    let with_service = [&line[..], &["--service", "checkout"]].concat();
    server.cli.prints(&with_service).await;
    let asked = server.asked();
    assert_eq!(asked[0].line, "POST /api/events");
    assert_eq!(asked[0].authorization, "Token token=0123456789abcdef");
    assert_eq!(
        asked[0].body["payload"],
        json!({ "summary": "s", "severity": "info", "source": "here", "custom_details": { "a": "b=c" } })
    );
    let dedup_key = text(&asked[0].body["dedup_key"]);
    assert!(dedup_key.starts_with("cli-") && printed.contains(dedup_key));
    assert_eq!(asked[2].authorization, "Bearer ok_the-token-of-this-test");
    assert_eq!(asked[2].body["service_id"], "svc_1");
    assert_ne!(asked[2].body["dedup_key"], asked[0].body["dedup_key"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_created_listed_and_revoked() {
    let key = json!({ "id": "key_1", "name": "ci", "scopes": ["settings:read"], "createdAt": "2026-01-15T10:30:00.000Z" });
    let shown = key.clone();
    let server = Scripted::start(move |before| match before {
        0 => answer(201, &[], &json!({ "apiKey": shown, "token": "ok_new" })),
        1 => answer(200, &[], &json!({ "apiKeys": [shown] })),
        _ => Response::builder()
            .status(204)
            .body("".into())
            .expect("an answer"),
    })
    .await;
    let created = server
        .cli
        .prints(&[
            "keys",
            "create",
            "--name",
            "ci",
            "--scope",
            "settings:read,settings:write",
            "--expires",
            "2999-01-01T00:00:00Z",
        ])
        .await;
    assert!(created.contains("token  ok_new"), "{created}");
    let listed = server.cli.prints(&["keys", "list"]).await;
    assert!(listed.contains("key_1  ci    settings:read"), "{listed}");
    let revoked = server.cli.prints(&["keys", "revoke", "key/1"]).await;
    assert_eq!(revoked, "revoked key/1\n");
    assert_eq!(
        server
            .cli
            .prints(&["keys", "revoke", "key_1", "--json"])
            .await,
        ""
    );
    let asked = server.asked();
    assert_eq!(
        asked[0].body,
        json!({ "name": "ci", "scopes": ["settings:read", "settings:write"], "expiresAt": "2999-01-01T00:00:00Z" })
    );
    let lines: Vec<&str> = asked.iter().map(|one| one.line.as_str()).collect();
    let expected = [
        "POST /api/api-keys",
        "GET /api/api-keys",
        "DELETE /api/api-keys/key%2F1",
        "DELETE /api/api-keys/key_1",
    ];
    assert_eq!(lines, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_does_not_end_is_given_up() {
    let server =
        Scripted::start(|_| answer(200, &[], &json!({ "incidents": [], "nextCursor": "same" })))
            .await;
    let run = server.cli.run(&["incidents", "list", "--all"]).await;
    run.failed(1, "does not get further");
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_breaks_off_tells_what_was_done_and_is_not_repeated() {
    let broken = json!({
        "error": "the request could not be stored; try again", "code": "overloaded", "dryRun": false, "complete": false,
        "counts": { "created": 1, "failed": 1 },
        "items": [
            { "kind": "webhook", "name": "pager", "action": "created", "id": "whk_1", "secret": "whsec_once" },
            { "kind": "webhook", "name": "chat", "action": "failed", "reason": "it is not known" },
        ],
    });
    let server = Scripted::start(move |_| answer(503, &[("retry-after", "0")], &broken)).await;
    let run = server.cli.run_with(&["import", "-"], "{}").await;
    assert_eq!(run.code, 6, "{run:?}");
    assert!(
        run.out.contains("whsec_once") && run.err.contains("try again"),
        "{run:?}"
    );
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unhealthy_deployment_is_told() {
    let body = json!({ "status": "unhealthy", "checks": { "table": "unavailable" } });
    let server = Scripted::start(move |_| answer(503, &[], &body)).await;
    let run = server.cli.run(&["health", "--ready"]).await;
    run.failed(6, "not healthy");
    assert!(run.out.contains("checks.table  unavailable"), "{run:?}");
    let asked = &server.asked()[0];
    assert_eq!(asked.line, "GET /api/health?mode=readiness");
    assert_eq!(asked.authorization, "", "health needs no credential");
    assert_eq!(StatusCode::SERVICE_UNAVAILABLE, 503);
}
