//! The clock, where there is much for it to do.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use clock::Clock;
use common::{incidents::Incidents, time::Timestamp};
use futures_util::{StreamExt as _, stream};
use http::{Method, StatusCode};
use opsknight_tests::{Integration, World};
use serde_json::{Value, json};

use crate::calls;

const HOUR: Duration = Duration::from_secs(3_600);

/// So many incidents that end after an hour without an alert.
async fn opened(world: &World, count: usize) -> (Integration, Vec<String>) {
    let service = world.service("s").await;
    let body = json!({ "type": "webhook", "name": "w", "settings": { "autoResolveAfter": 3_600 } });
    let integration = world.integration_of(&service, body).await;
    let alerts = (0..count).map(|id| world.accepted(&integration, json!({ "id": id })));
    let opened: Vec<Value> = stream::iter(alerts).buffered(8).collect().await;
    let ids = opened
        .iter()
        .map(|one| one["incident"]["id"].as_str().expect("an id").to_owned());
    let ids = ids.collect();
    (integration, ids)
}

async fn open(world: &World, integration: &Integration, status: &str) -> usize {
    let path = format!(
        "/api/incidents?serviceId={}&status={status}&limit=100",
        integration.service
    );
    world.get(&path).await["incidents"]
        .as_array()
        .expect("a list")
        .len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn incidents_with_alerts_cost_the_clock_no_call_each() {
    let world = World::start().await;
    let (integration, _) = opened(&world, 60).await;
    let stack = world.stack().expect("a stack of its own");
    let now = Timestamp::now().after(HOUR * 2);
    let table = calls::table(stack);
    for incident in world.incidents(&integration.service).await {
        let key = incident["dedupKey"].as_str().expect("a key");
        // An alert came since.
        table
            .update_item()
            .table_name("opsknight")
            .key(
                "pk",
                AttributeValue::S(format!("OPEN#{}#{key}", integration.service)),
            )
            .key("sk", AttributeValue::S("META".to_owned()))
            .update_expression("SET lastAlertAt = :at")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":at", AttributeValue::S(now.to_string()))
            .send()
            .await
            .expect("an alert");
    }
    let counter = calls::Counter::default();
    let clock = Clock::new(calls::watched_store(stack, counter.clone()));
    clock.tick_at(now).await.expect("a run");
    let calls = counter.take();
    assert!(calls <= 10, "{calls} calls");
    assert_eq!(open(&world, &integration, "OPEN").await, 60);
    clock.tick_at(now.after(HOUR)).await.expect("a run");
    assert_eq!(open(&world, &integration, "RESOLVED").await, 60);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_run_has_no_time_for_the_next_one_does() {
    let world = World::start().await;
    let (integration, ids) = opened(&world, 5).await;
    let store = calls::store(world.stack().expect("a stack of its own")).await;
    let incidents = Incidents::new(store);
    let later = Timestamp::now().after(HOUR * 2);
    let (no_time, time) = (Instant::now(), Instant::now() + HOUR);
    assert_eq!(
        incidents
            .resolve_quiet(later, no_time)
            .await
            .expect("a run"),
        0
    );
    for id in &ids {
        let snooze = json!({ "status": "SNOOZED", "snoozeMinutes": 1 });
        world
            .api(Method::PATCH, &format!("/api/incidents/{id}"), snooze)
            .await
            .expect(StatusCode::OK);
    }
    let soon = Timestamp::now().after(Duration::from_secs(120));
    assert_eq!(
        incidents.end_snoozes(soon, no_time).await.expect("a run"),
        0
    );
    assert_eq!(open(&world, &integration, "SNOOZED").await, 5);
    assert_eq!(incidents.end_snoozes(soon, time).await.expect("a run"), 5);
    assert_eq!(open(&world, &integration, "OPEN").await, 5);
    assert_eq!(
        incidents.resolve_quiet(later, time).await.expect("a run"),
        5
    );
    assert_eq!(open(&world, &integration, "RESOLVED").await, 5);
    world.stop().await;
}
