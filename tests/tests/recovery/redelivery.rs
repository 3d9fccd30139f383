//! One delivery sent again.

use crate::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redelivery_is_the_same_event_and_its_attempts_count_on() {
    let world = crate::unsparing_world().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    world.accepted(&integration, json!({ "id": 1 })).await;
    let delivered = with_status(&world, &webhook, "DELIVERED", 1)
        .await
        .remove(0);
    for round in 2..=3 {
        let answer = post(&world, &redeliver_path(&delivered), Value::Null).await;
        let answer = answer.expect(StatusCode::ACCEPTED);
        assert_eq!(answer["queued"], true);
        assert_eq!(answer["delivery"]["status"], "PENDING");
        receiver.count(round).await;
        let again = world
            .delivery(&webhook, |one| one["status"] == "DELIVERED")
            .await;
        assert_eq!(again["attempts"].as_array().map(Vec::len), Some(round));
    }
    let arrivals = receiver.arrivals();
    let heads: Vec<(&str, &str)> = arrivals
        .iter()
        .map(|one| (one.header("webhook-id"), one.header("x-webhook-attempt")))
        .collect();
    let id = delivered["eventId"].as_str().expect("an id");
    assert_eq!(heads, [(id, "1"), (id, "2"), (id, "3")]);
    assert!(arrivals.iter().all(|one| one.bytes == arrivals[0].bytes));

    let unknown = format!("{}/deliveries/dlv_x/redeliver", path(&webhook));
    let answer = post(&world, &unknown, Value::Null).await;
    answer.expect(StatusCode::NOT_FOUND);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redeliveries_at_the_same_moment_are_one() {
    let world = World::with(Settings {
        retry_schedule: Some("1h".parse().expect("a schedule")),
        ..Settings::default()
    })
    .await;
    // What fails stays queued for an hour.
    let (receiver, _) = sick_receiver().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    let id = id_of(&webhook);
    let failed = failed_delivery(id, 1);
    store(&world)
        .create_delivery(&failed)
        .await
        .expect("written");
    let redeliver = redeliver_path(&json!({ "id": failed.id, "webhookId": id }));
    let calls = (0..8).map(|_| post(&world, &redeliver, Value::Null));
    let answers = futures_util::future::join_all(calls).await;
    let bodies = answers
        .into_iter()
        .map(|one| one.expect(StatusCode::ACCEPTED));
    assert_eq!(bodies.filter(|one| one["queued"] == true).count(), 1);
    with_status(&world, &webhook, "RETRYING", 1).await;
    let queue = world.get("/api/delivery-queue").await;
    assert_eq!(
        (&queue["ready"], &queue["inFlight"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(receiver.arrivals().len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_queued_anew_survives_a_restart_whatever_its_age() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = || Settings {
        storage: opsknight::stack::Storage::Folder(folder.path().to_owned()),
        retry_schedule: Some("1h,1h".parse().expect("a schedule")),
        ..Settings::default()
    };
    let world = World::with(settings()).await;
    let (receiver, _) = sick_receiver().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    let id = id_of(&webhook);
    let event_id = EventId::at(Timestamp::now().before(HOUR * 24 * 20));
    let old = Delivery {
        id: DeliveryId::derive(event_id, id),
        event_id,
        ..failed_delivery(id, 1)
    };
    store(&world).create_delivery(&old).await.expect("written");
    let shown = json!({ "id": old.id, "webhookId": id });
    let answer = post(&world, &redeliver_path(&shown), Value::Null).await;
    answer.expect(StatusCode::ACCEPTED);
    with_status(&world, &webhook, "RETRYING", 1).await;
    world.stop().await;

    let world = World::with(settings()).await;
    wait::until("the message in the queue again", || async {
        let queue = world.get("/api/delivery-queue").await;
        (queue["inFlight"] == 1).then_some(())
    })
    .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_queued_is_not_queued_twice_and_what_was_skipped_can_be_sent() {
    let world = crate::unsparing_world().await;
    let (receiver, healthy) = sick_receiver().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    world.accepted(&integration, json!({ "id": 1 })).await;
    let waiting = world
        .delivery(&webhook, |one| one["status"] == "RETRYING")
        .await;
    let redeliver = redeliver_path(&waiting);
    let answer = post(&world, &redeliver, Value::Null).await;
    assert_eq!(answer.expect(StatusCode::ACCEPTED)["queued"], false);

    let switch = |on: bool| {
        let (world, path) = (&world, path(&webhook));
        async move {
            let body = json!({ "enabled": on });
            let answer = world.api(Method::PATCH, &path, body).await;
            answer.expect(StatusCode::OK);
        }
    };
    switch(false).await;
    let skipped = with_status(&world, &webhook, "SKIPPED", 1).await.remove(0);
    let refused = post(&world, &redeliver, Value::Null).await;
    assert_eq!(
        refused.expect(StatusCode::CONFLICT)["code"],
        "webhook_disabled"
    );
    switch(true).await;
    healthy.store(true, Ordering::SeqCst);
    let before = receiver.arrivals().len();
    assert_eq!(skipped["attempts"].as_array().map(Vec::len), Some(before));
    let answer = post(&world, &redeliver, Value::Null).await;
    assert_eq!(answer.expect(StatusCode::ACCEPTED)["queued"], true);
    with_status(&world, &webhook, "DELIVERED", 1).await;
    idle_queue(&world).await;
    assert_eq!(receiver.arrivals().len(), before + 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redelivery_that_the_queue_did_not_take_is_not_lost() {
    let world = crate::unsparing_world().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    world.accepted(&integration, json!({ "id": 1 })).await;
    let delivered = with_status(&world, &webhook, "DELIVERED", 1)
        .await
        .remove(0);
    let redeliver = redeliver_path(&delivered);

    // Repeated by the caller …
    let (status, _) = cut_off(&world, &redeliver).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    with_status(&world, &webhook, "PENDING", 1).await;
    let repeated = post(&world, &redeliver, Value::Null).await;
    assert_eq!(repeated.expect(StatusCode::ACCEPTED)["queued"], true);
    receiver.count(2).await;
    with_status(&world, &webhook, "DELIVERED", 1).await;

    // … or found by the clock.
    let (status, _) = cut_off(&world, &redeliver).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let queue = queue(&world, "deliveries.fifo").await;
    let clock = Clock::new(store(&world)).with_queue(queue);
    clock.tick().await.expect("the clock runs");
    receiver.count(3).await;
    let delivery = with_status(&world, &webhook, "DELIVERED", 1)
        .await
        .remove(0);
    idle_queue(&world).await;
    assert_eq!(delivery["attempts"].as_array().map(Vec::len), Some(3));
    assert_eq!(receiver.arrivals().len(), 3);
    world.stop().await;
}
