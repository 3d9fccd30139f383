//! Every scope opens exactly its routes.

use std::collections::BTreeSet;

use common::api_key::Scope;
use http::{Method, StatusCode};
use opsknight_tests::{World, receiver::Receiver};
use serde_json::{Value, json};

use super::{Key, call};

use Scope::{
    EventsWrite as EW, IncidentsRead as IR, IncidentsWrite as IW, SettingsRead as SR,
    SettingsWrite as SW,
};

/// Every route of the management API and the scope that it needs.
const ROUTES: &[(&str, &str, Scope)] = &[
    ("GET", "/api/incidents", IR),
    ("POST", "/api/incidents", IW),
    ("GET", "/api/incidents/{id}", IR),
    ("PATCH", "/api/incidents/{id}", IW),
    ("GET", "/api/incidents/{id}/timeline", IR),
    ("GET", "/api/incidents/{id}/alerts", IR),
    ("GET", "/api/services", SR),
    ("POST", "/api/services", SW),
    ("GET", "/api/services/{id}", SR),
    ("PATCH", "/api/services/{id}", SW),
    ("DELETE", "/api/services/{id}", SW),
    ("GET", "/api/services/{id}/integrations", SR),
    ("POST", "/api/services/{id}/integrations", SW),
    ("GET", "/api/services/{id}/integrations/{integration}", SR),
    ("PATCH", "/api/services/{id}/integrations/{integration}", SW),
    (
        "DELETE",
        "/api/services/{id}/integrations/{integration}",
        SW,
    ),
    (
        "POST",
        "/api/services/{id}/integrations/{integration}/rotate-key",
        SW,
    ),
    (
        "GET",
        "/api/services/{id}/integrations/{integration}/requests",
        SR,
    ),
    ("GET", "/api/status-page/webhooks", SR),
    ("POST", "/api/status-page/webhooks", SW),
    ("POST", "/api/status-page/webhooks/preview", SR),
    ("GET", "/api/status-page/webhooks/{id}", SR),
    ("PATCH", "/api/status-page/webhooks/{id}", SW),
    ("DELETE", "/api/status-page/webhooks/{id}", SW),
    ("GET", "/api/status-page/webhooks/{id}/timeline", SR),
    ("POST", "/api/status-page/webhooks/{id}/rotate-secret", SW),
    ("GET", "/api/status-page/webhooks/{id}/deliveries", SR),
    (
        "GET",
        "/api/status-page/webhooks/{id}/deliveries/{delivery}",
        SR,
    ),
    (
        "POST",
        "/api/status-page/webhooks/{id}/deliveries/{delivery}/redeliver",
        SW,
    ),
    ("POST", "/api/status-page/webhooks/{id}/recover", SW),
    ("POST", "/api/status-page/webhooks/{id}/test", SW),
    ("GET", "/api/api-keys", SR),
    ("POST", "/api/api-keys", SW),
    ("GET", "/api/api-keys/{id}", SR),
    ("DELETE", "/api/api-keys/{id}", SW),
    ("GET", "/api/audit", SR),
    ("GET", "/api/export", SR),
    ("POST", "/api/import", SW),
    ("GET", "/api/delivery-queue", SR),
    ("POST", "/api/delivery-queue/redrive", SW),
];

/// Routes that anybody may call.
const OPEN: &[(&str, &str)] = &[("GET", "/api/health"), ("GET", "/api/openapi.json")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scope_opens_exactly_its_routes() {
    let world = World::start().await;
    let mut keys = Vec::new();
    for scope in Scope::ALL {
        keys.push((scope, Key::with(&world, &[scope]).await));
    }
    // The way in of alerts is a route like the others here.
    let all = ROUTES.iter().chain(&[("POST", "/api/events", EW)]);
    for (method, path, needed) in all {
        let route = format!("{method} {path}");
        let method: Method = method.parse().expect("a method");
        let send = async |token: Option<&str>| {
            let body = if method == Method::GET {
                Value::Null
            } else {
                json!({})
            };
            call(&world, token, method.clone(), path, &body).await
        };
        for (scope, key) in &keys {
            let answer = send(Some(&key.token)).await;
            if scope == needed {
                let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
                assert!(!refused.contains(&answer.status), "{route}: {answer:?}");
                assert!(!answer.status.is_server_error(), "{route}: {answer:?}");
            } else {
                assert_eq!(
                    answer.status,
                    StatusCode::FORBIDDEN,
                    "{route} with {scope:?}"
                );
                assert_eq!(answer.body["code"], "missing_scope", "{route}");
                let told = answer.body["error"].as_str().unwrap_or_default();
                assert!(told.ends_with(needed.as_str()), "{route}: {told}");
            }
        }
        for (token, code) in [
            (None, "missing_credential"),
            (Some(""), "missing_credential"),
            (Some("ok_"), "invalid_credential"),
            (Some("nonsense"), "invalid_credential"),
            (Some(&"ok_0".repeat(50)), "invalid_credential"),
            (Some(&keys[0].1.id), "invalid_credential"),
        ] {
            let answer = send(token).await;
            assert_eq!(
                answer.status,
                StatusCode::UNAUTHORIZED,
                "{route} with {token:?}"
            );
            assert_eq!(answer.body["code"], code, "{route} with {token:?}");
            assert!(answer.headers.contains_key("www-authenticate"), "{route}");
        }
    }
    for (method, path) in OPEN {
        let method = method.parse().expect("a method");
        let answer = call(&world, None, method, path, &Value::Null).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
    }
    world.stop().await;
}

/// A new route cannot be forgotten above.
#[test]
fn the_table_holds_every_route_of_the_routers() {
    let served = incidents::ROUTES.iter().chain(settings::ROUTES);
    let found: BTreeSet<_> = served
        .map(|(method, path)| (method.to_uppercase(), (*path).to_owned()))
        .collect();
    let own = |(method, path): (&str, &str)| (method.to_owned(), path.to_owned());
    let table: BTreeSet<_> = ROUTES
        .iter()
        .map(|(method, path, _)| own((method, path)))
        .chain(OPEN.iter().copied().map(own))
        .collect();
    assert_eq!(found, table);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_receiver_answered_is_for_who_may_change_webhooks() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    world.accepted(&integration, json!({ "id": 1 })).await;
    let delivery = world
        .delivery(&webhook, |one| one["status"] == "DELIVERED")
        .await;
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let list = format!(
        "/api/status-page/webhooks/{}/deliveries",
        text(&webhook["id"])
    );
    let one = format!("{list}/{}", text(&delivery["id"]));
    for (scopes, shown) in [(&[SR][..], false), (&[SR, SW][..], true)] {
        let key = Key::with(&world, scopes).await;
        let read = async |path: &str| {
            key.call(&world, Method::GET, path, Value::Null)
                .await
                .expect(StatusCode::OK)
        };
        for delivery in [
            &read(&list).await["deliveries"][0],
            &read(&one).await["delivery"],
        ] {
            let attempt = &delivery["attempts"][0];
            assert_eq!(attempt["statusCode"], 200);
            assert_eq!(attempt["response"].is_string(), shown, "{scopes:?}");
        }
    }
    world.stop().await;
}
