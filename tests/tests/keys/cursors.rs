//! Cursors belong to one list with its filters, and nobody else can make one.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use common::api_key::Scope;
use http::{Method, StatusCode};
use opsknight_tests::{World, receiver::Receiver};
use serde_json::{Value, json};

use super::Key;

async fn cursor_of(world: &World, list: &str) -> String {
    let next = world.get(list).await["nextCursor"].clone();
    next.as_str()
        .unwrap_or_else(|| panic!("{list} has one page"))
        .to_owned()
}

async fn is_refused(world: &World, path: &str) {
    let answer = world.api(Method::GET, path, Value::Null).await;
    let body = answer.expect(StatusCode::BAD_REQUEST);
    assert_eq!(body["code"], "invalid_cursor", "{path}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_is_good_for_its_own_list_and_filters_only() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    let (one, two) = (
        world.webhook(receiver.url(), &integration.service).await,
        world.webhook(receiver.url(), &integration.service).await,
    );
    for id in 0..3 {
        world.accepted(&integration, json!({ "id": id })).await;
        Key::with(&world, &[Scope::EventsWrite]).await;
    }
    let deliveries = |webhook: &Value| {
        let id = webhook["id"].as_str().unwrap_or_default();
        format!("/api/status-page/webhooks/{id}/deliveries?limit=1")
    };
    for webhook in [&one, &two] {
        let path = deliveries(webhook).replace("limit=1", "limit=100");
        opsknight_tests::wait::until("three deliveries", || async {
            let list = world.get(&path).await;
            (list["deliveries"].as_array().map(Vec::len) == Some(3)).then_some(())
        })
        .await;
    }
    let of_service = format!("/api/incidents?limit=1&serviceId={}", integration.service);
    let lists = [
        "/api/incidents?limit=1".to_owned(),
        of_service.clone(),
        format!("{of_service}&status=OPEN"),
        deliveries(&one),
        deliveries(&two),
        "/api/api-keys?limit=1".to_owned(),
    ];
    for (index, list) in lists.iter().enumerate() {
        let cursor = cursor_of(&world, list).await;
        for (other, path) in lists.iter().enumerate() {
            let path = format!("{path}&cursor={cursor}");
            if index == other {
                world.get(&path).await;
            } else {
                is_refused(&world, &path).await;
            }
        }
        // The size of the next page and the order of the filters are free.
        let (path, query) = list.split_once('?').expect("a query");
        let mut turned: Vec<&str> = query.split('&').rev().collect();
        turned.retain(|pair| !pair.starts_with("limit"));
        let turned = turned.join("&");
        world
            .get(&format!("{path}?cursor={cursor}&limit=2&{turned}"))
            .await;
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edited_cursor_is_refused() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    for id in 0..2 {
        world.accepted(&integration, json!({ "id": id })).await;
    }
    let list = "/api/incidents?limit=1";
    let cursor = cursor_of(&world, list).await;
    let bytes = URL_SAFE_NO_PAD.decode(&cursor).expect("base64");
    let flipped = |at: usize| {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        URL_SAFE_NO_PAD.encode(changed)
    };
    let first = world.get(list).await["incidents"][0]["id"].clone();
    let forged = URL_SAFE_NO_PAD.encode(first.as_str().expect("an id"));
    for bad in [
        flipped(0),
        flipped(15),
        flipped(bytes.len() - 1),
        URL_SAFE_NO_PAD.encode(&bytes[1..]),
        URL_SAFE_NO_PAD.encode(&bytes[..16]),
        format!("{cursor}A"),
        forged,
        "null".to_owned(),
    ] {
        is_refused(&world, &format!("{list}&cursor={bad}")).await;
    }
    world.get(&format!("{list}&cursor={cursor}")).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_survives_what_is_opened_in_between() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let mut opened = Vec::new();
    for id in 0..4 {
        let result = world.accepted(&integration, json!({ "id": id })).await;
        opened.push(result["incident"]["id"].clone());
    }
    let list = "/api/incidents?limit=2";
    let cursor = cursor_of(&world, list).await;
    world.accepted(&integration, json!({ "id": "new" })).await;
    let rest = world.get(&format!("{list}&cursor={cursor}")).await;
    let ids: Vec<&Value> = rest["incidents"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| &one["id"])
        .collect();
    opened.sort_by_key(|id| std::cmp::Reverse(id.to_string()));
    assert_eq!(ids, [&opened[2], &opened[3]]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cursor_of_a_recovery_is_not_taken_from_elsewhere() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    for id in 0..2 {
        world.accepted(&integration, json!({ "id": id })).await;
    }
    let path = format!(
        "/api/status-page/webhooks/{}",
        webhook["id"].as_str().unwrap_or_default()
    );
    opsknight_tests::wait::until("two deliveries", || async {
        let list = world.get(&format!("{path}/deliveries")).await;
        (list["deliveries"].as_array().map(Vec::len) == Some(2)).then_some(())
    })
    .await;
    let cursor = cursor_of(&world, &format!("{path}/deliveries?limit=1")).await;
    let body = json!({ "since": "2020-01-01T00:00:00Z", "cursor": cursor });
    let answer = world
        .api(Method::POST, &format!("{path}/recover"), body)
        .await;
    assert_eq!(
        answer.expect(StatusCode::BAD_REQUEST)["code"],
        "invalid_cursor"
    );
    world.stop().await;
}
