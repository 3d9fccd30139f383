//! Many writers at once.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, stream};
use http::StatusCode;
use opsknight_tests::{World, receiver::Receiver};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_alerts_of_five_keys_are_five_incidents() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let service = world.service("storm").await;
    let body = json!({ "type": "webhook", "name": "storm", "rateLimitPerMinute": 5_000 });
    let integration = world.integration_of(&service, body).await;
    world.webhook(receiver.url(), &integration.service).await;

    let (world_ref, integration_ref) = (&world, &integration);
    let actions: Vec<String> = stream::iter(0..1_000)
        .map(|number| async move {
            let alert = json!({ "id": number % 5, "title": "storm", "severity": "critical" });
            let answer = world_ref
                .alert(integration_ref, alert)
                .await
                .expect(StatusCode::OK);
            answer["result"]["action"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .buffer_unordered(32)
        .collect()
        .await;
    let count = |action: &str| actions.iter().filter(|one| *one == action).count();
    assert_eq!((count("triggered"), count("deduplicated")), (5, 995));

    let incidents = world.incidents(&integration.service).await;
    let counts: Vec<u64> = incidents
        .iter()
        .filter_map(|one| one["alertCount"].as_u64())
        .collect();
    assert_eq!(counts, [200; 5]);

    // A resolve of each is the last event: nothing may stand between.
    for key in 0..5 {
        world
            .accepted(&integration, json!({ "id": key, "status": "ok" }))
            .await;
    }
    let arrivals = receiver.count(10).await;
    let mut told: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for arrival in &arrivals {
        told.entry(arrival.incident())
            .or_default()
            .push(arrival.event());
    }
    assert_eq!(told.len(), 5);
    assert!(
        told.values()
            .all(|events| *events == ["incident.created", "incident.resolved"]),
        "{told:?}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opening_and_closing_one_key_at_once_never_leaves_two_open() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let (world_ref, integration_ref) = (&world, &integration);
    stream::iter(0..300)
        .for_each_concurrent(24, |number| async move {
            let alert = match number % 3 {
                0 => json!({ "id": "k", "status": "ok" }),
                1 => json!({ "id": "k", "status": "ack" }),
                _ => json!({ "id": "k", "severity": "critical" }),
            };
            world_ref
                .alert(integration_ref, alert)
                .await
                .expect(StatusCode::OK);
        })
        .await;
    let incidents = world.incidents(&integration.service).await;
    let open = incidents
        .iter()
        .filter(|one| one["status"] != "RESOLVED")
        .count();
    assert!(open <= 1, "{open} open incidents of one key");
    let counted: u64 = incidents
        .iter()
        .filter_map(|one| one["alertCount"].as_u64())
        .sum();
    assert_eq!(
        counted, 100,
        "every trigger is counted on exactly one incident"
    );
    world.stop().await;
}
