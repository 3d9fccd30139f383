//! Every change of a setting is in the audit log, without its secrets.

use std::time::Duration;

use common::{api_key::Scope, limits, time::Timestamp};
use http::{Method, StatusCode};
use opsknight_tests::{World, receiver::Receiver, wait};
use serde_json::{Value, json};

use super::Key;

/// Someone who may do everything, and what they do.
struct Person<'a> {
    world: &'a World,
    key: Key,
}

impl Person<'_> {
    async fn send(&self, method: Method, path: &str, body: Value) -> Value {
        let answer = self.key.call(self.world, method, path, body).await;
        assert!(answer.status.is_success(), "{path}: {answer:?}");
        answer.body
    }

    /// The action, target and changes of what this one did last.
    async fn latest(&self) -> (String, Value, Value) {
        let entry = self.entries("limit=1").await.remove(0);
        let who =
            json!({ "kind": "api", "id": self.key.id, "name": "Ada", "address": "127.0.0.1" });
        assert_eq!(entry["actor"], who);
        assert!(
            entry["id"]
                .as_str()
                .is_some_and(|id| id.starts_with("aud_"))
        );
        let at = entry["at"].as_str().and_then(Timestamp::parse_rfc3339);
        assert!(at.is_some_and(|at| Timestamp::now().since(at) < wait::PATIENCE));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (
            text(&entry["action"]),
            entry["target"].clone(),
            entry["changes"].clone(),
        )
    }

    async fn entries(&self, filter: &str) -> Vec<Value> {
        let path = format!("/api/audit?actor={}&{filter}", self.key.id);
        let log = self.send(Method::GET, &path, Value::Null).await;
        log["entries"].as_array().cloned().unwrap_or_default()
    }
}

async fn ada(world: &World) -> Person<'_> {
    let body = json!({ "name": "Ada", "scopes": Scope::ALL });
    Person {
        world,
        key: Key::of(world, body).await,
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn change(field: &str, from: impl Into<Value>, to: impl Into<Value>) -> Value {
    json!({ "field": field, "from": from.into(), "to": to.into() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_of_a_service_and_its_integrations_is_logged() {
    let world = World::start().await;
    let ada = ada(&world).await;
    let service = ada
        .send(Method::POST, "/api/services", json!({ "name": "checkout" }))
        .await;
    let path = format!("/api/services/{}", text(&service["service"]["id"]));
    let target = json!({ "type": "service", "id": service["service"]["id"], "name": "checkout" });
    let made = json!([change("name", Value::Null, "checkout")]);
    assert_eq!(
        ada.latest().await,
        ("service.created".to_owned(), target.clone(), made)
    );

    let body = json!({ "description": "pays" });
    ada.send(Method::PATCH, &path, body.clone()).await;
    let changed = json!([change("description", Value::Null, "pays")]);
    let expected = ("service.updated".to_owned(), target.clone(), changed);
    assert_eq!(ada.latest().await, expected);
    let before = ada.entries("").await.len();
    ada.send(Method::PATCH, &path, body).await;
    assert_eq!(
        ada.entries("").await.len(),
        before,
        "what changes nothing is not logged"
    );

    let body = json!({
        "type": "webhook", "name": "tool", "signatureSecret": "n0body-knows",
        "settings": { "token": "n0body-sees", "strict": true },
    });
    let integrations = format!("{path}/integrations");
    let made = ada.send(Method::POST, &integrations, body).await["integration"].clone();
    let one = format!("{integrations}/{}", text(&made["id"]));
    let (action, of, changes) = ada.latest().await;
    assert_eq!(action, "integration.created");
    assert_eq!(
        of,
        json!({ "type": "integration", "id": made["id"], "name": "tool" })
    );
    for expected in [
        change("key", Value::Null, "set"),
        change("signatureSecret", Value::Null, "set"),
        change("settings.token", Value::Null, "set"),
        change("settings.strict", Value::Null, "true"),
        change("rateLimitPerMinute", Value::Null, "1000"),
    ] {
        let found = changes.as_array().expect("a list").contains(&expected);
        assert!(found, "{expected} of {changes}");
    }
    let body = json!({ "signatureSecret": "n0body-too", "enabled": false });
    ada.send(Method::PATCH, &one, body).await;
    let changed = json!([
        change("enabled", "true", "false"),
        change("signatureSecret", Value::Null, "changed"),
    ]);
    let expected = ("integration.updated".to_owned(), of.clone(), changed);
    assert_eq!(ada.latest().await, expected);
    let rotated = ada
        .send(Method::POST, &format!("{one}/rotate-key"), Value::Null)
        .await;
    let changed = json!([change("key", Value::Null, "changed")]);
    let expected = ("integration.key_rotated".to_owned(), of.clone(), changed);
    assert_eq!(ada.latest().await, expected);

    // A service takes its integrations with it, and both are logged.
    ada.send(Method::DELETE, &path, Value::Null).await;
    let deleted: Vec<Value> = ada.entries("limit=2").await;
    let actions: Vec<&Value> = deleted.iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["integration.deleted", "service.deleted"]);
    assert_eq!(deleted[0]["target"], of);

    let log = world.get("/api/audit?limit=100").await.to_string();
    for secret in [
        "n0body",
        &text(&made["key"]),
        &text(&rotated["integration"]["key"]),
    ] {
        assert!(!log.contains(secret), "{log}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_of_a_webhook_is_logged_without_its_secrets() {
    let world = World::start().await;
    let ada = ada(&world).await;
    let body = json!({
        "name": "pager", "url": "https://hooks.example.com/T0/s3cret-path?token=s3cret",
        "events": ["incident.created"], "headers": { "X-Token": "s3cret-header" },
        "format": "template", "template": "{\"text\": \"s3cret body\"}",
    });
    let path = "/api/status-page/webhooks";
    let made = ada.send(Method::POST, path, body).await["webhook"].clone();
    let one = format!("{path}/{}", text(&made["id"]));
    let (action, target, changes) = ada.latest().await;
    assert_eq!(action, "webhook.created");
    assert_eq!(
        target,
        json!({ "type": "webhook", "id": made["id"], "name": "pager" })
    );
    for expected in [
        change("url", Value::Null, "https://hooks.example.com/…"),
        change("headers.X-Token", Value::Null, "set"),
        change("secret", Value::Null, "set"),
        change("template", Value::Null, "set"),
        change("events", Value::Null, "[\"incident.created\"]"),
    ] {
        let found = changes.as_array().expect("a list").contains(&expected);
        assert!(found, "{expected} of {changes}");
    }
    for (body, expected) in [
        (
            json!({ "headers": { "X-Token": "s3cret-2", "X-Other": "s3cret-3" } }),
            json!([
                change("headers.X-Other", Value::Null, "set"),
                change("headers.X-Token", Value::Null, "changed"),
            ]),
        ),
        (
            json!({ "template": "{\"text\": \"s3cret two\"}", "headers": null }),
            json!([
                change("headers.X-Other", Value::Null, "removed"),
                change("headers.X-Token", Value::Null, "removed"),
                change("template", Value::Null, "changed"),
            ]),
        ),
        (
            json!({ "url": "https://hooks.example.com/other/s3cret", "enabled": false }),
            json!([
                change("enabled", "true", "false"),
                change(
                    "url",
                    "https://hooks.example.com/…",
                    "https://hooks.example.com/…"
                ),
            ]),
        ),
        (
            json!({ "secret": "s3cret-of-16-chars" }),
            json!([change("secret", Value::Null, "changed")]),
        ),
    ] {
        ada.send(Method::PATCH, &one, body).await;
        let expected = ("webhook.updated".to_owned(), target.clone(), expected);
        assert_eq!(ada.latest().await, expected);
    }
    let rotated = ada
        .send(Method::POST, &format!("{one}/rotate-secret"), json!({}))
        .await;
    let changed = json!([
        change("previousSecrets", Value::Null, "set"),
        change("secret", Value::Null, "changed"),
    ]);
    let expected = ("webhook.secret_rotated".to_owned(), target.clone(), changed);
    assert_eq!(ada.latest().await, expected);
    ada.send(Method::DELETE, &one, Value::Null).await;
    assert_eq!(ada.latest().await.0, "webhook.deleted");

    let log = world.get("/api/audit?limit=100").await.to_string();
    for secret in [
        "s3cret",
        &text(&made["secret"]),
        &text(&rotated["webhook"]["secret"]),
    ] {
        assert!(!log.contains(secret), "{log}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_and_what_is_sent_again_are_logged() {
    let world = World::start().await;
    let ada = ada(&world).await;
    let body = json!({ "name": "CI", "scopes": ["incidents:read"] });
    let made = ada.send(Method::POST, "/api/api-keys", body).await;
    let target = json!({ "type": "api_key", "id": made["apiKey"]["id"], "name": "CI" });
    let changes = json!([
        change("name", Value::Null, "CI"),
        change("scopes", Value::Null, "[\"incidents:read\"]"),
    ]);
    assert_eq!(
        ada.latest().await,
        ("api_key.created".to_owned(), target.clone(), changes)
    );
    let path = format!("/api/api-keys/{}", text(&made["apiKey"]["id"]));
    ada.send(Method::DELETE, &path, Value::Null).await;
    let (action, of, _) = ada.latest().await;
    assert_eq!((action.as_str(), of), ("api_key.deleted", target));

    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    world.accepted(&integration, json!({ "id": 1 })).await;
    let delivery = world
        .delivery(&webhook, |one| one["status"] == "DELIVERED")
        .await;
    let of = json!({ "type": "webhook", "id": webhook["id"], "name": "receiver" });
    let path = format!("/api/status-page/webhooks/{}", text(&webhook["id"]));
    let again = format!("{path}/deliveries/{}/redeliver", text(&delivery["id"]));
    ada.send(Method::POST, &again, Value::Null).await;
    let changes = json!([change("delivery", Value::Null, delivery["id"].clone())]);
    assert_eq!(
        ada.latest().await,
        ("webhook.redelivered".to_owned(), of.clone(), changes)
    );

    let since = "2026-01-01T00:00:00.000Z";
    let recover = format!("{path}/recover");
    let dry = json!({ "since": since, "dryRun": true });
    ada.send(Method::POST, &recover, dry).await;
    assert_eq!(
        ada.latest().await.0,
        "webhook.redelivered",
        "a dry run changes nothing"
    );
    ada.send(Method::POST, &recover, json!({ "since": since }))
        .await;
    let changes = json!([
        change("since", Value::Null, since),
        change("statuses", Value::Null, "[\"FAILED\"]"),
    ]);
    assert_eq!(
        ada.latest().await,
        ("webhook.recovered".to_owned(), of, changes)
    );

    ada.send(Method::POST, "/api/delivery-queue/redrive", Value::Null)
        .await;
    assert_eq!(ada.latest().await.0, "delivery_queue.redriven");
    let log = world.get("/api/audit?limit=100").await.to_string();
    let token = text(&made["token"]);
    let digest = common::crypto::sha256_hex(token.as_bytes());
    assert!(
        !log.contains(&token[3..]) && !log.contains(&digest),
        "{log}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_refused_is_not_logged() {
    let world = World::start().await;
    let service = world.service("db").await;
    let key = Key::with(&world, &[Scope::SettingsRead]).await;
    let count = async || {
        let log = world.get("/api/audit").await;
        log["entries"].as_array().map(Vec::len)
    };
    let before = count().await;
    let path = format!("/api/services/{service}");
    for (method, path, body) in [
        (Method::DELETE, path.as_str(), Value::Null),
        (Method::POST, "/api/services", json!({ "name": "x" })),
    ] {
        key.call(&world, method, path, body)
            .await
            .expect(StatusCode::FORBIDDEN);
    }
    world
        .api(Method::PATCH, &path, json!({ "name": 7 }))
        .await
        .expect(StatusCode::BAD_REQUEST);
    world
        .api(Method::DELETE, &format!("{path}x"), Value::Null)
        .await
        .expect(StatusCode::NOT_FOUND);
    assert_eq!(count().await, before);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_system_is_an_actor_as_well() {
    let world = World::start().await;
    let receiver = Receiver::answering(|_, _| StatusCode::GONE).await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    world.accepted(&integration, json!({ "id": 1 })).await;
    world
        .webhook_when(&webhook, |shown| shown["enabled"] == false)
        .await;
    let path = format!(
        "/api/audit?target={}&action=webhook.updated",
        text(&webhook["id"])
    );
    let entry = world.get(&path).await["entries"][0].clone();
    assert_eq!(
        (&entry["actor"]["kind"], &entry["actor"]["address"]),
        (&json!("delivery"), &Value::Null)
    );
    let changes = json!([
        change(
            "disabledReason",
            Value::Null,
            "the receiver answered 410 Gone"
        ),
        change("enabled", "true", "false"),
    ]);
    assert_eq!(entry["changes"], changes);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_filtered_and_comes_in_pages() {
    let world = World::start().await;
    let ada = ada(&world).await;
    let mut services = Vec::new();
    for name in ["a", "b", "c", "d", "e"] {
        let made = ada
            .send(Method::POST, "/api/services", json!({ "name": name }))
            .await;
        services.push(text(&made["service"]["id"]));
    }
    world
        .api(
            Method::PATCH,
            &format!("/api/services/{}", services[1]),
            json!({ "name": "B" }),
        )
        .await
        .expect(StatusCode::OK);
    let targets = async |filter: &str| -> Vec<String> {
        let log = world.get(&format!("/api/audit?{filter}")).await;
        let entries = log["entries"].as_array().cloned().unwrap_or_default();
        entries
            .iter()
            .map(|entry| text(&entry["target"]["name"]))
            .collect()
    };
    assert_eq!(targets("").await, ["B", "e", "d", "c", "b", "a", "Ada"]);
    assert_eq!(targets("actor=admin").await, ["B", "Ada"]);
    assert_eq!(targets("actor=Ada").await.len(), 5);
    assert_eq!(
        targets(&format!("target={}", services[1])).await,
        ["B", "b"]
    );
    assert_eq!(targets("target=api_key").await, ["Ada"]);
    assert_eq!(targets("action=service.updated&actor=admin").await, ["B"]);
    assert!(targets("action=service.exploded").await.is_empty());
    let at = |name: usize| {
        let id: common::id::ServiceId = services[name].parse().expect("an id");
        id.created_at()
    };
    // An entry is a little younger than what it tells of.
    let between = format!("since={}&until={}", at(1), at(3));
    let found = targets(&between).await;
    assert!(
        found.contains(&"b".to_owned()) && found.contains(&"c".to_owned()),
        "{found:?}"
    );
    assert!(
        !found.contains(&"a".to_owned()) && !found.contains(&"e".to_owned()),
        "{found:?}"
    );
    let future = Timestamp::now().after(Duration::from_secs(60));
    assert!(targets(&format!("since={future}")).await.is_empty());
    assert!(targets("until=2020-01-01T00:00:00Z").await.is_empty());

    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world
            .get(&format!("/api/audit?target=service&limit=2{cursor}"))
            .await;
        let entries = page["entries"].as_array().cloned().unwrap_or_default();
        assert!(entries.len() <= 2);
        found.extend(entries.iter().map(|entry| text(&entry["target"]["name"])));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found, ["B", "e", "d", "c", "b", "a"]);
    for (bad, code) in [
        ("since=yesterday", "validation_failed"),
        ("limit=0", "validation_failed"),
        ("cursor=x", "invalid_cursor"),
        (&cursor.replace("&cursor", "cursor"), "invalid_cursor"),
    ] {
        let answer = world
            .api(Method::GET, &format!("/api/audit?{bad}"), Value::Null)
            .await;
        assert_eq!(
            answer.expect(StatusCode::BAD_REQUEST)["code"],
            code,
            "{bad}"
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_lie_in_the_partition_of_their_month_and_expire() {
    let world = World::start().await;
    let Some(stack) = world.stack() else { return };
    world.service("checkout").await;
    let entry = world.get("/api/audit").await["entries"][0].clone();
    let at = entry["at"]
        .as_str()
        .and_then(Timestamp::parse_rfc3339)
        .expect("a time");
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .region(aws_sdk_dynamodb::config::Region::from_static("us-east-1"))
        .credentials_provider(aws_sdk_dynamodb::config::Credentials::new(
            "embedded", "embedded", None, None, "test",
        ))
        .http_client(common::aws::http_client())
        .endpoint_url(stack.dynamodb_endpoint())
        .build();
    let found = aws_sdk_dynamodb::Client::from_conf(config)
        .get_item()
        .table_name("opsknight")
        .key("pk", attribute(format!("AUDIT#{}", &at.to_string()[..7])))
        .key("sk", attribute(text(&entry["id"])))
        .send()
        .await
        .expect("an answer");
    let item = found.item.expect("the entry");
    let expires = item["expiresAt"].as_n().expect("a number").clone();
    let expected = at.after(limits::AUDIT_RETENTION).unix_seconds();
    assert_eq!(expires, expected.to_string());
    world.stop().await;
}

fn attribute(text: String) -> aws_sdk_dynamodb::types::AttributeValue {
    aws_sdk_dynamodb::types::AttributeValue::S(text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_log_comes_in_pages() {
    let world = World::start().await;
    for name in ["a", "b", "c", "d"] {
        world.service(name).await;
    }
    let whole = world.get("/api/audit?limit=100").await;
    assert_eq!(whole["nextCursor"], Value::Null);
    let whole = whole["entries"].as_array().cloned().unwrap_or_default();
    assert!(whole.len() >= 4, "{whole:?}");
    // A last page that is full has no next one.
    for limit in [1, 3, whole.len()] {
        let (mut entries, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/audit?limit={limit}&cursor={cursor}");
            let page = world.get(&path).await;
            let found = page["entries"].as_array().cloned().unwrap_or_default();
            assert!((1..=limit).contains(&found.len()), "{path}: {page}");
            entries.extend(found);
            match page["nextCursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        assert_eq!(entries, whole, "limit {limit}");
    }
    world.stop().await;
}
