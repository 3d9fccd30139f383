//! Fan-out and delivery.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::StatusCode as Answered;
use http::{Method, StatusCode};
use opsknight_tests::{World, receiver::Receiver, wait};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_event_holds_up_its_own_incident_only() {
    let world = World::start().await;
    // The first two tries of the first incident's creation fail.
    let failures = AtomicUsize::new(0);
    let receiver = Receiver::answering(move |arrival, _| {
        let fails =
            arrival.body["data"]["title"] == "first" && arrival.event() == "incident.created";
        if fails && failures.fetch_add(1, Ordering::SeqCst) < 2 {
            Answered::SERVICE_UNAVAILABLE
        } else {
            Answered::OK
        }
    })
    .await;
    let integration = world.integration("webhook").await;
    world.webhook(receiver.url(), &integration.service).await;

    let first = world
        .accepted(&integration, json!({ "id": 1, "title": "first" }))
        .await["incident"]["id"]
        .clone();
    world
        .accepted(&integration, json!({ "id": 1, "status": "ok" }))
        .await;
    let other = world
        .accepted(&integration, json!({ "id": 2, "title": "other" }))
        .await["incident"]["id"]
        .clone();
    world
        .accepted(&integration, json!({ "id": 2, "status": "ok" }))
        .await;

    let arrivals = receiver.count(6).await;
    let of = |incident: &Value| {
        let mine = arrivals
            .iter()
            .enumerate()
            .filter(|(_, arrival)| json!(arrival.incident()) == *incident);
        mine.map(|(at, arrival)| {
            (
                at,
                arrival.event().to_owned(),
                arrival.header("x-webhook-attempt").to_owned(),
            )
        })
        .collect::<Vec<_>>()
    };
    let told: Vec<(String, String)> = of(&first)
        .into_iter()
        .map(|(_, event, attempt)| (event, attempt))
        .collect();
    let expected = [
        ("incident.created", "1"),
        ("incident.created", "2"),
        ("incident.created", "3"),
        ("incident.resolved", "1"),
    ];
    assert_eq!(
        told,
        expected.map(|(event, attempt)| (event.to_owned(), attempt.to_owned()))
    );
    let last_of_other = of(&other).last().expect("told of").0;
    let success_of_first = of(&first)[2].0;
    assert!(
        last_of_other < success_of_first,
        "the other incident waited"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_hears_only_what_it_subscribed_to() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let wanted = world.integration("webhook").await;
    let other = world.integration("webhook").await;
    let filters = [
        (
            "resolved only",
            json!({ "events": ["incident.resolved"], "filter": { "serviceIds": [wanted.service] } }),
        ),
        (
            "high only",
            json!({ "events": ["incident.created"], "filter": { "urgencies": ["HIGH"], "serviceIds": [wanted.service] } }),
        ),
        (
            "disabled",
            json!({ "events": ["incident.created"], "enabled": false }),
        ),
    ];
    let mut names = std::collections::HashMap::new();
    for (name, mut body) in filters {
        body["name"] = json!(name);
        body["url"] = json!(receiver.url());
        body["headers"] = json!({ "X-Name": name });
        names.insert(name, world.webhook_of(body).await);
    }
    world
        .accepted(&wanted, json!({ "id": "low", "severity": "info" }))
        .await;
    world
        .accepted(&wanted, json!({ "id": "high", "severity": "critical" }))
        .await;
    world
        .accepted(&other, json!({ "id": "high", "severity": "critical" }))
        .await;
    world
        .accepted(&wanted, json!({ "id": "low", "status": "ok" }))
        .await;
    let arrivals = receiver.count(2).await;
    let mut heard: Vec<(&str, &str, &Value)> = arrivals
        .iter()
        .map(|one| {
            (
                one.header("x-name"),
                one.event(),
                &one.body["data"]["urgency"],
            )
        })
        .collect();
    heard.sort_by_key(|one| one.0);
    assert_eq!(
        heard,
        [
            ("high only", "incident.created", &json!("HIGH")),
            ("resolved only", "incident.resolved", &json!("LOW"))
        ]
    );

    let shown = world
        .get(&format!(
            "/api/status-page/webhooks/{}",
            names["high only"]["id"].as_str().expect("an id")
        ))
        .await;
    assert!(
        !shown.to_string().contains("whsec_"),
        "a secret is shown once"
    );
    assert_ne!(
        shown["webhook"]["headers"]["X-Name"], "high only",
        "values of headers are write-only"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gone_disables_the_webhook_and_the_rest_is_skipped() {
    let world = World::start().await;
    let receiver = Receiver::answering(|_, _| Answered::GONE).await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    world.accepted(&integration, json!({ "id": 1 })).await;
    let failed = world
        .delivery(&webhook, |one| one["status"] == "FAILED")
        .await;
    assert_eq!(failed["attempts"].as_array().map(Vec::len), Some(1));
    let path = format!(
        "/api/status-page/webhooks/{}",
        webhook["id"].as_str().expect("an id")
    );
    let shown = world.get(&path).await["webhook"].clone();
    assert_eq!(shown["enabled"], false);
    assert!(
        shown["disabledReason"]
            .as_str()
            .is_some_and(|reason| reason.contains("410"))
    );
    let enabled = world
        .api(Method::PATCH, &path, json!({ "enabled": true }))
        .await
        .expect(StatusCode::OK);
    assert_eq!(enabled["webhook"]["disabledReason"], Value::Null);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_deleted_or_disabled_webhook_is_not_sent() {
    let world = World::start().await;
    let receiver = Receiver::answering(|_, _| Answered::BAD_GATEWAY).await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    world.accepted(&integration, json!({ "id": 1 })).await;
    receiver.count(1).await;
    let path = format!(
        "/api/status-page/webhooks/{}",
        webhook["id"].as_str().expect("an id")
    );
    world
        .api(Method::PATCH, &path, json!({ "enabled": false }))
        .await
        .expect(StatusCode::OK);
    world
        .delivery(&webhook, |one| one["status"] == "SKIPPED")
        .await;
    world
        .api(Method::DELETE, &path, Value::Null)
        .await
        .expect(StatusCode::NO_CONTENT);
    world
        .api(Method::GET, &path, Value::Null)
        .await
        .expect(StatusCode::NOT_FOUND);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attempt_is_in_the_log() {
    let world = World::start().await;
    let receiver = Receiver::answering(|_, before| {
        if before.is_empty() {
            Answered::FOUND
        } else {
            Answered::CREATED
        }
    })
    .await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    world
        .accepted(&integration, json!({ "id": 1, "title": "logged" }))
        .await;
    let delivery = world
        .delivery(&webhook, |one| one["status"] == "DELIVERED")
        .await;
    let attempts = delivery["attempts"].as_array().expect("attempts");
    assert_eq!(
        (&attempts[0]["statusCode"], &attempts[1]["statusCode"]),
        (&json!(302), &json!(201))
    );
    assert!(
        attempts[0]["error"]
            .as_str()
            .is_some_and(|error| error.contains("redirects are not followed"))
    );
    assert_eq!(attempts[1]["error"], Value::Null);

    let base = format!(
        "/api/status-page/webhooks/{}/deliveries",
        webhook["id"].as_str().expect("an id")
    );
    let one = world
        .get(&format!(
            "{base}/{}",
            delivery["id"].as_str().expect("an id")
        ))
        .await["delivery"]
        .clone();
    let arrival = receiver.count(2).await.remove(1);
    assert_eq!(
        one["request"]["body"].as_str().map(str::as_bytes),
        Some(arrival.bytes.as_ref())
    );
    for header in [
        "x-webhook-signature",
        "webhook-signature",
        "x-webhook-attempt",
        "webhook-id",
        "user-agent",
    ] {
        assert_eq!(
            one["request"]["headers"][header],
            arrival.header(header),
            "{header}"
        );
    }
    let empty = world.get(&format!("{base}?status=FAILED")).await;
    assert_eq!(empty["deliveries"], json!([]));
    world
        .api(Method::GET, &format!("{base}?status=nope"), Value::Null)
        .await
        .expect(StatusCode::BAD_REQUEST);
    world
        .api(Method::GET, &format!("{base}/dlv_x"), Value::Null)
        .await
        .expect(StatusCode::NOT_FOUND);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_not_there_is_tried_until_the_schedule_ends() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    // Port 9 of loopback: nobody listens.
    let webhook = world
        .webhook("http://127.0.0.1:9/hook", &integration.service)
        .await;
    world.accepted(&integration, json!({ "id": 1 })).await;
    let failed = world
        .delivery(&webhook, |one| one["status"] == "FAILED")
        .await;
    assert_eq!(failed["attempts"].as_array().map(Vec::len), Some(4));
    assert!(
        failed["attempts"][0]["error"]
            .as_str()
            .is_some_and(|error| error.contains("connection failed"))
    );
    let queue = wait::until("an empty queue", || async {
        let queue = world.get("/api/delivery-queue").await;
        (queue["ready"] == 0 && queue["inFlight"] == 0).then_some(queue)
    })
    .await;
    assert_eq!(
        (&queue["dead"], &queue["oldestSeconds"]),
        (&json!(1), &Value::Null)
    );
    world.stop().await;
}
