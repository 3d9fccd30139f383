//! The button that tries a webhook out.

use crate::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_posts_one_sample_and_stores_nothing() {
    let world = World::start().await;
    let receiver = Receiver::answering(|arrival, _| {
        if arrival.event() == "incident.resolved" {
            StatusCode::INTERNAL_SERVER_ERROR
        } else {
            StatusCode::OK
        }
    })
    .await;
    let body = json!({
        "name": "tried", "url": receiver.url(), "events": ["incident.snoozed"], "enabled": false,
    });
    let webhook = world.webhook_of(body).await;
    let test = format!("{}/test", path(&webhook));
    let answer = post(&world, &test, Value::Null)
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        (
            &answer["delivered"],
            &answer["statusCode"],
            &answer["error"]
        ),
        (&json!(true), &json!(200), &Value::Null)
    );
    assert!(answer["durationMs"].is_u64() && answer["response"].is_string());
    let arrival = receiver.arrivals().remove(0);
    assert_eq!(arrival.event(), "incident.snoozed");
    assert_eq!(arrival.header("x-webhook-test"), "true");
    assert_eq!(arrival.header("x-webhook-event"), "incident.snoozed");
    assert_eq!(arrival.header("x-webhook-attempt"), "1");
    assert!(arrival.header("webhook-id").starts_with("evt_"));
    assert!(is_signed_with(&arrival, &secret(&webhook)));
    assert_eq!(
        arrival.header("x-webhook-signature"),
        signing::body_signature(&secret(&webhook), &arrival.bytes)
    );
    let text = String::from_utf8_lossy(&arrival.bytes).into_owned();
    assert!(text.ends_with(r#","test":true}"#), "{text}");
    assert_eq!(arrival.body["data"]["status"], "SNOOZED");

    let body = json!({ "event": "incident.resolved" });
    let answer = post(&world, &test, body).await.expect(StatusCode::OK);
    assert_eq!(
        (
            &answer["delivered"],
            &answer["statusCode"],
            &answer["error"]
        ),
        (&json!(false), &json!(500), &json!("answered 500"))
    );
    assert_ne!(
        receiver.arrivals()[1].header("webhook-id"),
        arrival.header("webhook-id"),
        "an event id of its own"
    );
    let bad = post(&world, &test, json!({ "event": "incident.lost" })).await;
    bad.expect(StatusCode::BAD_REQUEST);

    // Where private targets are not allowed, nothing leaves.
    let (status, answer) = cut_off(&world, &test).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&answer["delivered"], &answer["statusCode"]),
        (&json!(false), &Value::Null)
    );
    assert!(
        answer["error"]
            .as_str()
            .is_some_and(|error| error.contains("not allowed"))
    );
    assert_eq!(receiver.arrivals().len(), 2);
    let log = world.get(&format!("{}/deliveries", path(&webhook))).await;
    assert_eq!(log["deliveries"], json!([]));
    world.stop().await;
}
