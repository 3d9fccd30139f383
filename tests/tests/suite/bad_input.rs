//! Bad input gets a clear 4xx and changes nothing.

use http::{Method, StatusCode};
use opsknight_tests::{Answer, World};
use serde_json::{Value, json};

/// API.md's error body, and never a server error.
fn assert_refused(answer: &Answer, what: &str) {
    assert!(answer.status.is_client_error(), "{what}: {}", answer.status);
    for field in ["error", "code"] {
        assert!(
            answer.body[field]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{what}: {}",
            answer.body
        );
    }
}

/// Bodies that no endpoint may take.
fn broken_bodies() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("empty", Vec::new()),
        ("not JSON", b"<xml/>".to_vec()),
        ("cut off", br#"{"title":"x"#.to_vec()),
        ("50,000 brackets", vec![b'['; 50_000]),
        ("50,000 nested objects", br#"{"a":"#.repeat(50_000)),
        ("not UTF-8", b"{\"title\":\"\xff\xfe\"}".to_vec()),
        ("a lone surrogate", br#"{"title":"\ud800"}"#.to_vec()),
        ("NUL bytes", vec![0; 100]),
        ("a number too large", br#"{"title":1e999}"#.to_vec()),
        ("two values", b"{}{}".to_vec()),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_bodies_are_refused_by_intake() {
    let world = World::start().await;
    for provider in ["webhook", "prometheus"] {
        let integration = world.integration(provider).await;
        for (what, bytes) in broken_bodies() {
            for kind in [
                "application/json",
                "text/plain",
                "multipart/form-data",
                "\u{7f}",
            ] {
                let headers = if kind == "\u{7f}" {
                    vec![]
                } else {
                    vec![("content-type", kind)]
                };
                let answer = world
                    .send(Method::POST, &integration.url, &headers, bytes.clone())
                    .await;
                assert_refused(&answer, &format!("{provider}: {what} as {kind}"));
            }
        }
        let large = format!("{{\"title\":\"{}\"}}", "x".repeat(6 * 1024 * 1024));
        let answer = world.send(Method::POST, &integration.url, &[], large).await;
        assert_eq!(
            answer.expect(StatusCode::PAYLOAD_TOO_LARGE)["code"],
            "body_too_large"
        );
        assert_eq!(
            world.incidents(&integration.service).await,
            Vec::<Value>::new(),
            "{provider}"
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_up_to_five_mebibytes_are_taken() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let body = json!({ "id": 1, "filler": "x".repeat(5 * 1024 * 1024 - 30) }).to_string();
    assert!(body.len() > 5 * 1024 * 1024 - 20);
    world
        .send(Method::POST, &integration.url, &[], body)
        .await
        .expect(StatusCode::OK);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_but_readable_alerts_are_taken() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    for body in [
        "{}".to_owned(),
        r#"{"title":null,"id":null,"severity":[],"status":{}}"#.to_owned(),
        format!(
            "{{\"title\":\"x\",\"deep\":{}{}}}",
            "[".repeat(100),
            "]".repeat(100)
        ),
        "\u{feff}{\"title\":\"bom\"}".to_owned(),
        " \n\t{\"title\":\"blank\"} ".to_owned(),
        json!({ "title": "\u{0}\u{1f}", "id": "\u{0}" }).to_string(),
        json!({ "id": "k".repeat(100_000) }).to_string(),
    ] {
        let what: String = body.chars().take(60).collect();
        let answer = world.send(Method::POST, &integration.url, &[], body).await;
        assert_eq!(answer.status, StatusCode::OK, "{what}: {}", answer.body);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_types_are_told_with_their_path() {
    let world = World::start().await;
    let service = world.service("s").await;
    let integrations = format!("/api/services/{service}/integrations");
    let webhooks = "/api/status-page/webhooks";
    let hook = |extra: Value| {
        let mut body =
            json!({ "name": "w", "url": "https://example.com/", "events": ["incident.created"] });
        body.as_object_mut()
            .expect("an object")
            .extend(extra.as_object().expect("an object").clone());
        body
    };
    let cases = [
        ("/api/services", json!({}), "name"),
        ("/api/services", json!({ "name": 1 }), "name"),
        ("/api/services", json!({ "name": " " }), "name"),
        ("/api/services", json!({ "name": "x".repeat(101) }), "name"),
        (
            "/api/services",
            json!({ "name": "x", "description": [] }),
            "description",
        ),
        ("/api/services", json!({ "name": "x", "nmae": "y" }), "nmae"),
        (
            &integrations,
            json!({ "type": "nope", "name": "x" }),
            "type",
        ),
        (&integrations, json!({ "type": "webhook" }), "name"),
        (
            &integrations,
            json!({ "type": "webhook", "name": "x", "enabled": "yes" }),
            "enabled",
        ),
        (
            &integrations,
            json!({ "type": "webhook", "name": "x", "settings": [] }),
            "settings",
        ),
        (
            &integrations,
            json!({ "type": "webhook", "name": "x", "rateLimitPerMinute": 0 }),
            "rateLimitPerMinute",
        ),
        (
            &integrations,
            json!({ "type": "webhook", "name": "x", "signatureSecret": "" }),
            "signatureSecret",
        ),
        (webhooks, json!({}), "name"),
        (webhooks, hook(json!({ "url": "nope" })), "url"),
        (
            webhooks,
            hook(json!({ "url": "ftp://example.com/" })),
            "url",
        ),
        (
            webhooks,
            hook(json!({ "url": "https://u:p@example.com/" })),
            "url",
        ),
        (webhooks, hook(json!({ "events": [] })), "events"),
        (
            webhooks,
            hook(json!({ "events": ["incident.created", "x"] })),
            "events[1]",
        ),
        (webhooks, hook(json!({ "secret": "short" })), "secret"),
        (
            webhooks,
            hook(json!({ "headers": { "Host": "x" } })),
            "headers",
        ),
        (
            webhooks,
            hook(json!({ "headers": { "X-A": "a\r\nb" } })),
            "headers",
        ),
        (
            webhooks,
            hook(json!({ "filter": { "urgencies": ["high"] } })),
            "filter.urgencies[0]",
        ),
        (webhooks, hook(json!({ "ordering": true })), "ordering"),
        (
            "/api/incidents",
            json!({ "title": "x", "urgency": "HIGH" }),
            "serviceId",
        ),
        (
            "/api/incidents",
            json!({ "title": "x", "urgency": "high", "serviceId": service }),
            "urgency",
        ),
        (
            "/api/incidents",
            json!({ "title": "x".repeat(501), "urgency": "HIGH", "serviceId": service }),
            "title",
        ),
        (
            "/api/incidents",
            json!({ "title": "x", "urgency": "HIGH", "serviceId": service, "assignee": "me" }),
            "assignee",
        ),
        (
            "/api/incidents",
            json!({ "title": "x", "urgency": "HIGH", "serviceId": service, "assignee": {} }),
            "assignee.name",
        ),
    ];
    for (path, body, field) in cases {
        let answer = world.api(Method::POST, path, body.clone()).await;
        assert_refused(&answer, &body.to_string());
        assert_eq!(answer.body["code"], "validation_failed", "{body}");
        let paths: Vec<&str> = answer.body["details"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| one["path"].as_str())
            .collect();
        assert!(paths.contains(&field), "{body}: {paths:?}");
    }
    assert_eq!(
        world.get("/api/services").await["services"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert_eq!(world.get(webhooks).await["webhooks"], json!([]));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_bodies_are_refused_by_the_management_api() {
    let world = World::start().await;
    let service = world.service("s").await;
    let bearer = format!("Bearer {}", world.admin_key());
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let patched = format!("/api/services/{service}");
    let targets = [
        (Method::POST, "/api/services"),
        (Method::PATCH, patched.as_str()),
        (Method::POST, "/api/incidents"),
        (Method::POST, "/api/status-page/webhooks"),
    ];
    for (method, path) in targets {
        for (what, bytes) in broken_bodies() {
            // An empty PATCH is one that changes nothing.
            if bytes.is_empty() && method == Method::PATCH {
                continue;
            }
            let answer = world.send(method.clone(), path, &headers, bytes).await;
            assert_refused(&answer, &format!("{method} {path}: {what}"));
        }
        let answer = world
            .send(
                method.clone(),
                path,
                &headers,
                format!("\"{}\"", "x".repeat(1024 * 1024)),
            )
            .await;
        answer.expect(StatusCode::PAYLOAD_TOO_LARGE);
        let form = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let answer = world.send(method.clone(), path, &form, "name=x").await;
        answer.expect(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_countless_problems_the_first_are_told() {
    let world = World::start().await;
    let zeros = vec![0; 400_000];
    let document = json!({ "version": 1, "services": zeros });
    let answer = world.api(Method::POST, "/api/import", document).await;
    assert!(answer.bytes.len() < 20_000, "{}", answer.bytes.len());
    let body = answer.expect(StatusCode::BAD_REQUEST);
    assert_eq!(body["details"].as_array().map(Vec::len), Some(100));
    let said = body["error"].as_str().unwrap_or_default();
    assert!(said.starts_with("400000 fields are not valid"), "{said}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_is_no_text_is_refused_like_any_other() {
    let world = World::start().await;
    for path in [
        "/api/services/%FF",
        "/api/incidents/%C3%28/timeline",
        "/api/status-page/webhooks/%FF/deliveries/x",
    ] {
        let answer = world.api(Method::GET, path, Value::Null).await;
        assert_refused(&answer, path);
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_no_null_is_not_taken_away() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let webhook = world
        .webhook("https://example.com/", &integration.service)
        .await;
    let id = webhook["id"].as_str().expect("an id");
    let service = format!("/api/services/{}", integration.service);
    let targets = [
        (
            format!("/api/status-page/webhooks/{id}"),
            &[
                "name", "url", "events", "enabled", "secret", "format", "ordering",
            ][..],
        ),
        (
            format!("{service}/integrations/{}", integration.id),
            &["type", "name", "enabled", "requireKey"],
        ),
        (service, &["name"]),
    ];
    for (path, fields) in targets {
        for field in fields {
            let answer = world
                .api(Method::PATCH, &path, json!({ *field: null }))
                .await;
            let body = answer.expect(StatusCode::BAD_REQUEST);
            assert_eq!(body["details"][0]["path"], **field, "{body}");
        }
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_ids_and_callers_are_refused() {
    let world = World::start().await;
    let missing = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    for (kind, prefix) in [
        ("services", "svc"),
        ("incidents", "inc"),
        ("status-page/webhooks", "whk"),
    ] {
        for id in [
            format!("{prefix}_{missing}"),
            "x".to_owned(),
            "%00".to_owned(),
            "..%2f".to_owned(),
            "é".to_owned(),
        ] {
            let path = format!("/api/{kind}/{id}");
            for (method, body) in [
                (Method::GET, Value::Null),
                (Method::PATCH, json!({})),
                (Method::DELETE, Value::Null),
            ] {
                let answer = world.api(method.clone(), &path, body).await;
                assert_refused(&answer, &format!("{method} {path}"));
            }
        }
    }
    for authorization in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Basic eDp5",
        "bearer  ",
        "Token token=x",
    ] {
        let answer = world
            .send(
                Method::GET,
                "/api/services",
                &[("authorization", authorization)],
                "",
            )
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{authorization:?}");
        assert_refused(&answer, authorization);
    }
    let body = json!({ "title": "x", "urgency": "HIGH", "serviceId": format!("svc_{missing}") });
    world
        .api(Method::POST, "/api/incidents", body)
        .await
        .expect(StatusCode::NOT_FOUND);
    world.stop().await;
}
