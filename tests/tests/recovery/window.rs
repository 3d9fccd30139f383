//! All that failed: in a time, or on the dead-letter queue.

use crate::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_of_failures_is_counted_and_then_recovered_once() {
    let world = crate::unsparing_world().await;
    let (receiver, healthy) = sick_receiver().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    for id in 1..=3 {
        world.accepted(&integration, json!({ "id": id })).await;
    }
    let failed = with_status(&world, &webhook, "FAILED", 3).await;
    // Newest first: the window holds the later two.
    let at = |delivery: &Value| -> Timestamp {
        let id: EventId = delivery["eventId"]
            .as_str()
            .expect("an id")
            .parse()
            .expect("an id");
        id.created_at()
    };
    let (since, later) = (at(&failed[1]), at(&failed[2]).after(HOUR));
    let recover = format!("{}/recover", path(&webhook));
    for body in [
        json!({}),
        json!({ "since": "yesterday" }),
        json!({ "since": later, "until": since }),
        json!({ "since": since, "statuses": ["DELIVERED"] }),
        json!({ "since": since, "cursor": "x" }),
    ] {
        let answer = post(&world, &recover, body).await;
        answer.expect(StatusCode::BAD_REQUEST);
    }
    let dry = json!({ "since": since, "dryRun": true });
    let counted = post(&world, &recover, dry.clone()).await;
    assert_eq!(
        counted.expect(StatusCode::OK),
        json!({ "dryRun": true, "matching": 2, "nextCursor": null })
    );
    healthy.store(true, Ordering::SeqCst);
    assert_eq!(receiver.arrivals().len(), 12, "a dry run sends nothing");
    let real = json!({ "since": since, "until": later });
    let expected = |queued: u32| json!({ "dryRun": false, "queued": queued, "skipped": 0, "nextCursor": null });
    for queued in [2, 0] {
        let answer = post(&world, &recover, real.clone()).await;
        assert_eq!(answer.expect(StatusCode::ACCEPTED), expected(queued));
    }
    with_status(&world, &webhook, "DELIVERED", 2).await;
    with_status(&world, &webhook, "FAILED", 1).await;
    // What was recovered is not delivered a second time by a redrive.
    let redriven = post(&world, "/api/delivery-queue/redrive", Value::Null).await;
    assert_eq!(
        redriven.expect(StatusCode::ACCEPTED)["approximateMessages"],
        3
    );
    with_status(&world, &webhook, "DELIVERED", 3).await;
    idle_queue(&world).await;
    assert_eq!(receiver.arrivals().len(), 12 + 3);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recovery_of_many_names_where_it_goes_on() {
    let world = crate::unsparing_world().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    let id = id_of(&webhook);
    let (store, many) = (store(&world), limits::RECOVER_PAGE + 1);
    let since = Timestamp::now();
    for number in 0..many {
        let delivery = failed_delivery(id, number);
        store.create_delivery(&delivery).await.expect("written");
    }
    let recover = format!("{}/recover", path(&webhook));
    let (mut cursor, mut queued) = (Value::Null, Vec::new());
    loop {
        let body = json!({ "since": since, "cursor": cursor });
        let answer = post(&world, &recover, body)
            .await
            .expect(StatusCode::ACCEPTED);
        queued.push(answer["queued"].as_u64().expect("a count"));
        cursor = answer["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(queued, [limits::RECOVER_PAGE as u64, 1]);
    let arrivals = receiver.count(many).await;
    let numbers: std::collections::BTreeSet<u64> = arrivals
        .iter()
        .filter_map(|one| one.body["number"].as_u64())
        .collect();
    assert_eq!(numbers.len(), many);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redrive_starts_what_failed_anew_and_leaves_out_what_arrived() {
    let world = crate::unsparing_world().await;
    let (receiver, healthy) = sick_receiver().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    for id in 1..=2 {
        world.accepted(&integration, json!({ "id": id })).await;
    }
    let failed = with_status(&world, &webhook, "FAILED", 2).await;
    assert_eq!(idle_queue(&world).await["dead"], 2);
    healthy.store(true, Ordering::SeqCst);
    // One of them is redelivered by hand first.
    let answer = post(&world, &redeliver_path(&failed[0]), Value::Null).await;
    answer.expect(StatusCode::ACCEPTED);
    with_status(&world, &webhook, "DELIVERED", 1).await;
    let redriven = post(&world, "/api/delivery-queue/redrive", Value::Null).await;
    let redriven = redriven.expect(StatusCode::ACCEPTED);
    assert_eq!(redriven["approximateMessages"], 2);
    assert!(
        redriven["task"]
            .as_str()
            .is_some_and(|task| !task.is_empty())
    );
    for delivery in with_status(&world, &webhook, "DELIVERED", 2).await {
        assert_eq!(delivery["attempts"].as_array().map(Vec::len), Some(5));
    }
    let queue = idle_queue(&world).await;
    assert_eq!(queue["dead"], 0);
    assert_eq!(queue["redrive"]["status"], "COMPLETED");
    assert_eq!(queue["redrive"]["moved"], 2);
    let again = post(&world, "/api/delivery-queue/redrive", Value::Null).await;
    assert_eq!(again.expect(StatusCode::ACCEPTED)["approximateMessages"], 0);
    idle_queue(&world).await;
    assert_eq!(receiver.arrivals().len(), 2 * 4 + 2);
    world.stop().await;
}
