//! The log of deliveries and its filters.

use crate::*;

async fn log(world: &World, webhook: &Value, query: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let list = format!("{}/deliveries?{query}{cursor}", path(webhook));
        let page = world.get(&list).await;
        let ids = page["deliveries"].as_array().expect("a list").iter();
        found.extend(ids.map(|one| one["eventId"].as_str().expect("an id").to_owned()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_filtered_by_status_incident_and_time() {
    let world = crate::unsparing_world().await;
    let receiver = Receiver::answering(|arrival, _| {
        if arrival.event() == "incident.resolved" {
            StatusCode::GATEWAY_TIMEOUT
        } else {
            StatusCode::OK
        }
    })
    .await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    let mut incidents = Vec::new();
    for id in 1..=3 {
        incidents.push(outage(&world, &integration, id).await);
    }
    with_status(&world, &webhook, "FAILED", 3).await;
    let all = log(&world, &webhook, "limit=4").await;
    assert_eq!(all.len(), 6);
    assert!(all.is_sorted_by(|newer, older| newer > older), "{all:?}");
    let of = |index: usize| -> Timestamp {
        let id: EventId = all[index].parse().expect("an id");
        id.created_at()
    };
    let second = format!("incidentId={}", incidents[1]);
    for (query, expected) in [
        (format!("{second}&limit=1"), &all[2..4]),
        (format!("{second}&status=FAILED"), &all[2..3]),
        (format!("since={}&limit=1", of(3)), &all[..4]),
        (format!("until={}&limit=2", of(2)), &all[2..]),
        (
            format!("since={}&until={}&limit=1", of(4), of(1)),
            &all[1..5],
        ),
        (
            format!("since={}&status=DELIVERED&{second}", of(2)),
            &all[..0],
        ),
    ] {
        assert_eq!(log(&world, &webhook, &query).await, expected, "{query}");
    }
    let delivered = log(&world, &webhook, "status=DELIVERED&limit=1").await;
    assert_eq!(delivered.len(), 3);
    for bad in ["since=yesterday", "until=x", "incidentId=inc_1", "cursor=x"] {
        let list = format!("{}/deliveries?{bad}", path(&webhook));
        let answer = world.api(Method::GET, &list, Value::Null).await;
        answer.expect(StatusCode::BAD_REQUEST);
    }
    world.stop().await;
}
