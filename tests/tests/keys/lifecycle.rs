//! The life of a key: made, used, expired, deleted.

use std::time::Duration;

use common::{api_key::Scope, time::Timestamp};
use http::{Method, StatusCode};
use opsknight_tests::{World, wait};
use serde_json::{Value, json};

use super::{Key, call};

use Scope::{IncidentsRead, SettingsRead, SettingsWrite};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_made_shown_without_its_token_and_void_once_deleted() {
    let world = World::start().await;
    let body = json!({ "name": "CI\u{7}", "scopes": ["incidents:read", "incidents:read"] });
    let answer = world.api(Method::POST, "/api/api-keys", body).await;
    let created = answer.expect(StatusCode::CREATED);
    let token = created["token"].as_str().expect("a token").to_owned();
    assert!(token.starts_with("ok_") && token.len() == 67, "{token}");
    let shown = created["apiKey"].clone();
    let id = shown["id"].as_str().expect("an id").to_owned();
    assert!(id.starts_with("key_"));
    assert_eq!(
        (
            &shown["name"],
            &shown["scopes"],
            &shown["expiresAt"],
            &shown["lastUsedAt"]
        ),
        (
            &json!("CI"),
            &json!(["incidents:read"]),
            &Value::Null,
            &Value::Null
        )
    );
    assert_eq!(
        shown["createdBy"],
        json!({ "type": "api", "name": "admin" })
    );

    let path = format!("/api/api-keys/{id}");
    let read = async |path: &str| {
        let answer = world.api(Method::GET, path, Value::Null).await;
        let digest = common::crypto::sha256_hex(token.as_bytes());
        let text = String::from_utf8_lossy(&answer.bytes).into_owned();
        assert!(
            !text.contains(&token[3..]) && !text.contains(&digest),
            "{text}"
        );
        answer.expect(StatusCode::OK)
    };
    assert_eq!(read(&path).await["apiKey"], shown);
    assert_eq!(read("/api/api-keys").await["apiKeys"], json!([shown]));

    let use_it = async || {
        call(
            &world,
            Some(&token),
            Method::GET,
            "/api/incidents",
            &Value::Null,
        )
        .await
    };
    use_it().await.expect(StatusCode::OK);
    let used = read(&path).await["apiKey"]["lastUsedAt"].clone();
    assert!(used.is_string(), "{used}");
    // A minute is not over: no second write.
    use_it().await.expect(StatusCode::OK);
    assert_eq!(read(&path).await["apiKey"]["lastUsedAt"], used);

    world
        .api(Method::DELETE, &path, Value::Null)
        .await
        .expect(StatusCode::NO_CONTENT);
    let refused = use_it().await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(refused["code"], "invalid_credential");
    for method in [Method::GET, Method::DELETE] {
        let gone = world.api(method, &path, Value::Null).await;
        gone.expect(StatusCode::NOT_FOUND);
    }
    assert_eq!(read("/api/api-keys").await["apiKeys"], json!([]));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_ends_when_it_said() {
    let world = World::start().await;
    let end = Timestamp::now().after(Duration::from_secs(2));
    let body = json!({ "name": "short", "scopes": ["incidents:read"], "expiresAt": end });
    let key = Key::of(&world, body).await;
    let refused = wait::until("the end of the key", || async {
        let answer = key
            .call(&world, Method::GET, "/api/incidents", Value::Null)
            .await;
        let is_over = Timestamp::now() >= end;
        match answer.status {
            StatusCode::OK => None,
            _ if !is_over => panic!("refused before its end: {answer:?}"),
            _ => Some(answer),
        }
    })
    .await;
    let body = refused.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(body["code"], "invalid_credential");
    // It is still there to be seen and deleted.
    assert_eq!(
        world.get(&key.path()).await["apiKey"]["expiresAt"],
        json!(end)
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_gives_nothing_that_its_maker_has_not() {
    let world = World::start().await;
    let end = Timestamp::now().after(Duration::from_secs(3_600));
    let later = end.after(Duration::from_secs(1));
    let maker = json!({
        "name": "maker", "scopes": [SettingsRead, SettingsWrite], "expiresAt": end,
    });
    let maker = Key::of(&world, maker).await;
    let make = async |scopes: Value, expires_at: Value| {
        let body = json!({ "name": "made", "scopes": scopes, "expiresAt": expires_at });
        maker
            .call(&world, Method::POST, "/api/api-keys", body)
            .await
    };
    for scope in Scope::ALL {
        let answer = make(json!([SettingsWrite, scope]), json!(end)).await;
        if [SettingsRead, SettingsWrite].contains(&scope) {
            let made = answer.expect(StatusCode::CREATED);
            assert_eq!(made["apiKey"]["createdBy"]["id"], maker.id.as_str());
            assert!(made["apiKey"]["createdBy"].get("address").is_none());
        } else {
            let refused = answer.expect(StatusCode::FORBIDDEN);
            assert_eq!(refused["code"], "missing_scope");
            assert!(
                refused["error"]
                    .as_str()
                    .unwrap_or_default()
                    .ends_with(scope.as_str())
            );
        }
    }
    for expires_at in [json!(later), Value::Null] {
        let refused = make(json!([SettingsRead]), expires_at).await;
        let refused = refused.expect(StatusCode::BAD_REQUEST);
        assert_eq!(refused["details"][0]["path"], "expiresAt");
    }
    // Neither is there more after a refusal.
    let list = world.get("/api/api-keys").await;
    assert_eq!(list["apiKeys"].as_array().map(Vec::len), Some(3));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_body_makes_no_key() {
    let world = World::start().await;
    let past = "2020-01-01T00:00:00Z";
    for (body, paths) in [
        (json!({}), vec!["name", "scopes"]),
        (json!({ "name": "", "scopes": [] }), vec!["name", "scopes"]),
        (
            json!({ "name": "k", "scopes": "incidents:read" }),
            vec!["scopes"],
        ),
        (
            json!({ "name": "k", "scopes": ["incidents"] }),
            vec!["scopes[0]"],
        ),
        (
            json!({ "name": "k", "scopes": ["incidents:*"] }),
            vec!["scopes[0]"],
        ),
        (
            json!({ "name": "k", "scopes": ["settings:read"], "expiresAt": past }),
            vec!["expiresAt"],
        ),
        (
            json!({ "name": "k", "scopes": ["settings:read"], "expiresAt": 5 }),
            vec!["expiresAt"],
        ),
        (
            json!({ "name": "k", "scopes": ["settings:read"], "token": "ok_1" }),
            vec!["token"],
        ),
    ] {
        let answer = world.api(Method::POST, "/api/api-keys", body.clone()).await;
        let refused = answer.expect(StatusCode::BAD_REQUEST);
        let told: Vec<&str> = refused["details"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|detail| detail["path"].as_str())
            .collect();
        assert_eq!(told, paths, "{body}");
    }
    assert_eq!(world.get("/api/api-keys").await["apiKeys"], json!([]));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_kind_of_key_is_taken_for_the_other() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let key = Key::with(&world, &Scope::ALL).await;
    for path in ["/api/incidents", "/api/services", "/api/api-keys"] {
        let answer = call(
            &world,
            Some(&integration.key),
            Method::GET,
            path,
            &Value::Null,
        )
        .await;
        answer.expect(StatusCode::UNAUTHORIZED);
    }
    let event = json!({ "event_action": "resolve", "dedup_key": "k" }).to_string();
    for authorization in [
        format!("Token token={}", key.token),
        format!("Bearer {}", integration.key),
    ] {
        let headers = [("authorization", authorization.as_str())];
        world
            .send(Method::POST, "/api/events", &headers, event.clone())
            .await
            .expect(StatusCode::UNAUTHORIZED);
    }
    let path = format!(
        "/api/services/{}/integrations/{}",
        integration.service, integration.id
    );
    world
        .api(Method::PATCH, &path, json!({ "requireKey": true }))
        .await
        .expect(StatusCode::OK);
    let bearer = format!("Bearer {}", key.token);
    for header in [
        ("authorization", bearer.as_str()),
        ("x-api-key", &key.token),
    ] {
        world
            .send(Method::POST, &integration.url, &[header], "{}")
            .await
            .expect(StatusCode::UNAUTHORIZED);
    }
    let routing = json!({
        "routing_key": key.token, "event_action": "trigger",
        "payload": { "summary": "s", "source": "s", "severity": "info" },
    });
    world
        .send(Method::POST, "/v2/enqueue", &[], routing.to_string())
        .await
        .expect(StatusCode::BAD_REQUEST);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_of_keys_comes_in_pages() {
    let world = World::start().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(Key::with(&world, &[IncidentsRead]).await.id);
    }
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.get(&format!("/api/api-keys?limit=2{cursor}")).await;
        let keys = page["apiKeys"].as_array().expect("a list").clone();
        assert!(keys.len() <= 2);
        found.extend(
            keys.iter()
                .map(|key| key["id"].as_str().unwrap_or_default().to_owned()),
        );
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    found.sort();
    made.sort();
    assert_eq!(found, made);
    world.stop().await;
}
