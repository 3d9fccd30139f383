//! Services, integrations and webhooks of the management API.

use http::{Method, StatusCode};
use opsknight_tests::World;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_are_created_listed_changed_and_deleted() {
    let world = World::start().await;
    let id = world.service("Checkout\u{7}  ").await;
    let path = format!("/api/services/{id}");
    assert_eq!(world.get(&path).await["service"]["name"], "Checkout");
    let changed = world
        .api(Method::PATCH, &path, json!({ "description": "pays" }))
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        (
            &changed["service"]["name"],
            &changed["service"]["description"]
        ),
        (&json!("Checkout"), &json!("pays"))
    );
    let list = world.get("/api/services").await;
    assert_eq!(list["services"].as_array().map(Vec::len), Some(1));

    let integration = world
        .integration_of(&id, json!({ "type": "webhook", "name": "w" }))
        .await;
    world
        .api(Method::DELETE, &path, Value::Null)
        .await
        .expect(StatusCode::NO_CONTENT);
    world
        .api(Method::DELETE, &path, Value::Null)
        .await
        .expect(StatusCode::NOT_FOUND);
    world
        .alert(&integration, json!({}))
        .await
        .expect(StatusCode::NOT_FOUND);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renamed_service_names_its_next_incidents() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let path = format!("/api/services/{}", integration.service);
    world
        .api(Method::PATCH, &path, json!({ "name": "new name" }))
        .await
        .expect(StatusCode::OK);
    world.accepted(&integration, json!({ "id": 1 })).await;
    assert_eq!(
        world.incidents(&integration.service).await[0]["service"]["name"],
        "new name"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_integration_can_be_disabled_secured_and_rotated() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let path = format!(
        "/api/services/{}/integrations/{}",
        integration.service, integration.id
    );
    let set = |body: Value| async {
        world
            .api(Method::PATCH, &path, body)
            .await
            .expect(StatusCode::OK)["integration"]
            .clone()
    };
    let post = |headers: Vec<(&'static str, String)>| {
        let (world, url) = (&world, &integration.url);
        async move {
            let headers: Vec<(&str, &str)> = headers
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            world.send(Method::POST, url, &headers, "{\"id\":1}").await
        }
    };
    set(json!({ "enabled": false })).await;
    assert_eq!(
        post(vec![]).await.expect(StatusCode::FORBIDDEN)["code"],
        "integration_disabled"
    );
    let shown = set(json!({ "enabled": true, "requireKey": true })).await;
    assert!(
        shown.get("key").is_none(),
        "the key is shown on creation and rotation only"
    );
    assert_eq!(
        post(vec![]).await.expect(StatusCode::UNAUTHORIZED)["code"],
        "invalid_key"
    );
    post(vec![("x-integration-key", integration.key.clone())])
        .await
        .expect(StatusCode::OK);

    let rotated = world
        .api(Method::POST, &format!("{path}/rotate-key"), Value::Null)
        .await
        .expect(StatusCode::OK);
    let key = rotated["integration"]["key"]
        .as_str()
        .expect("a new key")
        .to_owned();
    assert!(key.len() == 32 && key != integration.key);
    post(vec![("x-integration-key", integration.key.clone())])
        .await
        .expect(StatusCode::UNAUTHORIZED);
    post(vec![("authorization", format!("Token token={key}"))])
        .await
        .expect(StatusCode::OK);

    let shown = set(json!({ "signatureSecret": "s3cret" })).await;
    assert_eq!(
        (
            shown["hasSignatureSecret"].clone(),
            shown.get("signatureSecret")
        ),
        (json!(true), None)
    );
    let answer = post(vec![("x-integration-key", key.clone())])
        .await
        .expect(StatusCode::UNAUTHORIZED);
    assert_eq!(answer["code"], "invalid_signature");
    set(json!({ "signatureSecret": null, "requireKey": false })).await;
    post(vec![]).await.expect(StatusCode::OK);

    let requests = world.get(&format!("{path}/requests")).await["requests"].clone();
    let statuses: Vec<&Value> = requests
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["statusCode"])
        .collect();
    assert!(
        statuses.contains(&&json!(401)),
        "rejected requests are in the log: {statuses:?}"
    );

    world
        .api(Method::PATCH, &path, json!({ "type": "prometheus" }))
        .await
        .expect(StatusCode::BAD_REQUEST);
    world
        .api(Method::DELETE, &path, Value::Null)
        .await
        .expect(StatusCode::NO_CONTENT);
    world
        .api(Method::GET, &path, Value::Null)
        .await
        .expect(StatusCode::NOT_FOUND);
    post(vec![]).await.expect(StatusCode::NOT_FOUND);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_integration_takes_its_own_providers_alerts_only() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let path = format!(
        "/api/integrations/prometheus?integrationId={}",
        integration.id
    );
    let answer = world.send(Method::POST, &path, &[], "{}").await;
    answer.expect(StatusCode::NOT_FOUND);
    let other = world.service("other").await;
    let path = format!("/api/services/{other}/integrations/{}", integration.id);
    world
        .api(Method::GET, &path, Value::Null)
        .await
        .expect(StatusCode::NOT_FOUND);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_move_fields_and_keys() {
    let world = World::start().await;
    let service = world.service("s").await;
    let settings = json!({ "fields": { "title": "alert.name", "status": "alert.state", "dedupKey": "alert.ids.0" }, "keyPrefix": "eu-" });
    let body = json!({ "type": "webhook", "name": "w", "settings": settings });
    let integration = world.integration_of(&service, body).await;
    let result = world
        .accepted(
            &integration,
            json!({ "alert": { "name": "N", "state": "firing", "ids": [7] } }),
        )
        .await;
    assert_eq!(
        (&result["incident"]["title"], &result["dedupKey"]),
        (&json!("N"), &json!("webhook:eu-[\"key\",\"7\"]"))
    );
    let plain = world
        .accepted(
            &integration,
            json!({ "id": 7, "title": "P", "status": "ok" }),
        )
        .await;
    assert_eq!(
        plain["action"], "resolved",
        "the usual names remain as fallback"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unrecognised_body_is_kept_and_told_about_once() {
    let world = World::start().await;
    let integration = world.integration("prometheus").await;
    for body in [
        json!({ "hello": "world" }),
        json!([1, 2]),
        json!({ "alerts": "no" }),
    ] {
        let answer = world.alert(&integration, body).await.expect(StatusCode::OK);
        assert_eq!(answer["result"]["action"], "ignored");
        assert!(
            answer["result"]["reason"]
                .as_str()
                .is_some_and(|reason| reason.starts_with("unrecognised"))
        );
        assert_eq!(answer["results"].as_array().map(Vec::len), Some(1));
    }
    let incidents = world.incidents(&integration.service).await;
    assert_eq!(incidents.len(), 1);
    assert_eq!(
        (&incidents[0]["urgency"], &incidents[0]["alertCount"]),
        (&json!("LOW"), &json!(3))
    );
    assert!(
        incidents[0]["title"]
            .as_str()
            .is_some_and(|title| title.starts_with("Unrecognised payload from prometheus"))
    );
    let path = format!(
        "/api/services/{}/integrations/{}/requests",
        integration.service, integration.id
    );
    let requests = world.get(&path).await["requests"].clone();
    assert_eq!(requests.as_array().map(Vec::len), Some(3));
    assert_eq!(requests[2]["excerpt"], r#"{"hello":"world"}"#);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_are_created_listed_changed_and_deleted() {
    let world = World::start().await;
    let body = json!({ "name": "w", "url": "https://example.com/hook", "events": ["incident.created"], "secret": "a-secret-of-16-chars" });
    let created = world.webhook_of(body).await;
    assert_eq!(created["secret"], "a-secret-of-16-chars");
    assert_eq!(
        (
            &created["ordering"],
            &created["format"],
            &created["enabled"]
        ),
        (&json!("incident"), &json!("opsknight"), &json!(true))
    );
    let path = format!(
        "/api/status-page/webhooks/{}",
        created["id"].as_str().expect("an id")
    );
    let change = json!({ "ordering": "none", "events": ["incident.resolved", "incident.resolved"], "filter": { "urgencies": ["HIGH"] } });
    let changed = world
        .api(Method::PATCH, &path, change)
        .await
        .expect(StatusCode::OK)["webhook"]
        .clone();
    assert_eq!(changed["events"], json!(["incident.resolved"]));
    assert_eq!(
        (&changed["ordering"], changed.get("secret")),
        (&json!("none"), None)
    );
    let list = world.get("/api/status-page/webhooks").await;
    assert_eq!(list["webhooks"][0]["id"], created["id"]);
    world
        .api(Method::DELETE, &path, Value::Null)
        .await
        .expect(StatusCode::NO_CONTENT);
    world
        .api(Method::PATCH, &path, json!({ "name": "x" }))
        .await
        .expect(StatusCode::NOT_FOUND);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_goes_with_its_format() {
    let world = World::start().await;
    let template = json!({ "name": "w", "url": "https://example.com/hook", "events": ["incident.created"], "format": "template", "template": "{}" });
    let created = world.webhook_of(template).await;
    let id = created["id"].as_str().expect("an id");
    let path = format!("/api/status-page/webhooks/{id}");
    let change = |body| world.api(Method::PATCH, &path, body);
    change(json!({ "format": "slack" }))
        .await
        .expect(StatusCode::OK);
    assert_eq!(world.get(&path).await["webhook"]["template"], Value::Null);
    // What is exported can be imported.
    let document = world.get("/api/export?secrets=true").await;
    let answer = world.api(Method::POST, "/api/import", document).await;
    assert_eq!(answer.expect(StatusCode::OK)["counts"]["unchanged"], 1);
    change(json!({ "format": "template" }))
        .await
        .expect(StatusCode::BAD_REQUEST);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_too_long_to_be_kept_or_given_twice_are_refused() {
    let world = World::start().await;
    let long = |length: usize| -> Value {
        let header = |n| {
            (
                format!("x-{n}-{}", "a".repeat(length)),
                json!("v".repeat(4_096)),
            )
        };
        Value::Object((0..20).map(header).collect())
    };
    for (headers, status) in [
        (long(200), StatusCode::CREATED),
        (long(40_000), StatusCode::BAD_REQUEST),
        (
            json!({ "X-Key": "1", "x-key": "2" }),
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let body = json!({ "name": "w", "url": "https://example.com/hook", "events": ["incident.created"], "headers": headers });
        let answer = world
            .api(Method::POST, "/api/status-page/webhooks", body)
            .await
            .expect(status);
        if status.is_client_error() {
            assert_eq!(answer["details"][0]["path"], "headers");
        }
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_limit_answers_with_the_vendors_overload_status() {
    let world = World::start().await;
    for (provider, overload) in [
        ("webhook", 429),
        ("prometheus", 503),
        ("grafana", 503),
        ("github", 429),
    ] {
        let service = world.service(provider).await;
        let body = json!({ "type": provider, "name": provider, "rateLimitPerMinute": 2 });
        let integration = world.integration_of(&service, body).await;
        for left in ["1", "0"] {
            let answer = world.alert(&integration, json!({})).await;
            assert_eq!(answer.status, StatusCode::OK, "{provider}");
            assert_eq!(answer.headers["x-ratelimit-remaining"], left, "{provider}");
        }
        let answer = world.alert(&integration, json!({})).await;
        assert_eq!(answer.status.as_u16(), overload, "{provider}");
        assert_eq!(answer.body["code"], "rate_limited");
        let number = |name: &str| -> u64 {
            answer.headers[name]
                .to_str()
                .expect("text")
                .parse()
                .expect("a number")
        };
        assert!((1..=60).contains(&number("retry-after")), "{provider}");
        assert!(number("x-ratelimit-reset") >= common::time::Timestamp::now().unix_seconds());
        world.alert(&integration, json!({})).await;
        let path = format!(
            "/api/services/{service}/integrations/{}/requests",
            integration.id
        );
        let log = world.get(&path).await;
        let refused = log["requests"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|one| one["statusCode"] == overload);
        assert_eq!(refused.count(), 1, "a flood is logged once a minute");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_tells_each_of_its_checks() {
    let world = World::start().await;
    let answer = world
        .send(Method::GET, "/api/health?mode=readiness", &[], "")
        .await;
    // A stack that other tests work on as well may just be behind.
    assert!(
        [StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE].contains(&answer.status),
        "{}",
        answer.body
    );
    for check in ["table", "queue", "deadLetters", "fanOut", "delivery"] {
        let status = &answer.body["checks"][check]["status"];
        assert!(status.is_string(), "{check}: {}", answer.body);
    }
    let table = &answer.body["checks"]["table"]["status"];
    assert_eq!(table, "ok", "{}", answer.body);
    world.stop().await;
}
