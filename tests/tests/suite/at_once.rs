//! What several people do to one thing at the same moment.

use futures_util::future::join_all;
use http::{Method, StatusCode};
use opsknight_tests::World;
use serde_json::{Value, json};

/// Races that have to come out right.
const ROUNDS: u32 = 15;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_change_of_an_integration_undoes_another_one() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let path = format!(
        "/api/services/{}/integrations/{}",
        integration.service, integration.id
    );
    let rotation = format!("{path}/rotate-key");
    for round in 1..=ROUNDS {
        let name = json!(format!("name {round}"));
        let (renamed, limited, rotated) = tokio::join!(
            world.api(Method::PATCH, &path, json!({ "name": name })),
            world.api(Method::PATCH, &path, json!({ "rateLimitPerMinute": round })),
            world.api(Method::POST, &rotation, Value::Null),
        );
        renamed.expect(StatusCode::OK);
        limited.expect(StatusCode::OK);
        let key = rotated.expect(StatusCode::OK)["integration"]["key"].clone();
        let now = world.get(&path).await["integration"].clone();
        assert_eq!(
            (&now["name"], &now["rateLimitPerMinute"]),
            (&name, &json!(round))
        );
        let token = format!("Token token={}", key.as_str().expect("a key"));
        let event = json!({ "event_action": "resolve", "dedup_key": "none" });
        let headers = [("authorization", token.as_str())];
        let answer = world
            .send(Method::POST, "/api/events", &headers, event.to_string())
            .await;
        assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "round {round}");
    }
    // Each of them is logged, with what it changed and nothing else.
    let log = world
        .get("/api/audit?action=integration.updated&limit=100")
        .await;
    let entries = log["entries"].as_array().expect("entries");
    assert_eq!(entries.len(), 2 * ROUNDS as usize);
    for entry in entries {
        assert_eq!(
            entry["changes"].as_array().map(Vec::len),
            Some(1),
            "{entry}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_integration_is_deleted_once() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let path = format!(
        "/api/services/{}/integrations/{}",
        integration.service, integration.id
    );
    let deletions = (0..4).map(|_| world.api(Method::DELETE, &path, Value::Null));
    let mut answers: Vec<u16> = join_all(deletions)
        .await
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    answers.sort_unstable();
    assert_eq!(answers, [204, 404, 404, 404]);
    let log = world.get("/api/audit?action=integration.deleted").await;
    assert_eq!(log["entries"].as_array().map(Vec::len), Some(1), "{log}");
}
