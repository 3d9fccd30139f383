//! Secrets that overlap while they are rotated.

use crate::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_secrets_sign_while_a_rotation_overlaps() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    let rotate = format!("{}/rotate-secret", path(&webhook));
    let old = secret(&webhook);

    let rotated = post(&world, &rotate, Value::Null)
        .await
        .expect(StatusCode::OK);
    let new = secret(&rotated["webhook"]);
    assert!(new.starts_with("whsec_") && new != old, "{new}");
    assert!(rotated["webhook"]["previousSecretValidUntil"].is_string());
    world.accepted(&integration, json!({ "id": 1 })).await;
    let arrival = receiver.count(1).await.remove(0);
    assert!(is_signed_with(&arrival, &old) && is_signed_with(&arrival, &new));
    let list = arrival.header("webhook-signature").to_owned();
    let seconds = arrival.header("webhook-timestamp").parse().expect("a time");
    let of_new = signing::standard_signature(
        [&*new],
        arrival.header("webhook-id"),
        seconds,
        &arrival.bytes,
    );
    assert!(list.starts_with(&of_new), "the new one first: {list}");
    assert_eq!(
        arrival.header("x-webhook-signature"),
        signing::body_signature(&new, &arrival.bytes)
    );

    // A given secret; the overlap of a second ends while tests are sent.
    let given = "a-secret-of-my-own";
    let body = json!({ "secret": given, "overlapSeconds": 0 });
    let rotated = post(&world, &rotate, body).await.expect(StatusCode::OK);
    assert_eq!(secret(&rotated["webhook"]), given);
    let arrival = tried(&world, &receiver, &webhook).await;
    assert_eq!(signatures(&arrival), 1);
    assert!(is_signed_with(&arrival, given));
    let body = json!({ "overlapSeconds": 1 });
    let rotated = post(&world, &rotate, body).await.expect(StatusCode::OK);
    let last = secret(&rotated["webhook"]);
    let arrival = wait::until("the end of the overlap", || async {
        let arrival = tried(&world, &receiver, &webhook).await;
        (signatures(&arrival) == 1).then_some(arrival)
    })
    .await;
    assert!(is_signed_with(&arrival, &last) && !is_signed_with(&arrival, given));
    let shown = world.get(&path(&webhook)).await.to_string();
    assert!(
        !shown.contains(given) && !shown.contains("whsec_"),
        "{shown}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotations_that_would_break_a_receiver_are_refused() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let webhook = world
        .webhook("http://127.0.0.1:9/hook", &integration.service)
        .await;
    let rotate = format!("{}/rotate-secret", path(&webhook));
    for body in [
        json!({ "overlapSeconds": -1 }),
        json!({ "overlapSeconds": 604_801 }),
        json!({ "secret": "short" }),
        json!({ "secret": secret(&webhook) }),
        json!({ "overlap": 1 }),
    ] {
        let answer = post(&world, &rotate, body).await;
        answer.expect(StatusCode::BAD_REQUEST);
    }
    for _ in 0..limits::OVERLAPPING_SECRETS {
        post(&world, &rotate, json!({}))
            .await
            .expect(StatusCode::OK);
    }
    let refused = post(&world, &rotate, json!({})).await;
    assert_eq!(
        refused.expect(StatusCode::CONFLICT)["code"],
        "too_many_secrets"
    );
    let leaked = post(&world, &rotate, json!({ "overlapSeconds": 0 })).await;
    let shown = leaked.expect(StatusCode::OK);
    assert_eq!(shown["webhook"]["previousSecretValidUntil"], Value::Null);
    world.stop().await;
}
