//! What the clock makes of deliveries that nothing moves.

use crate::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_queues_what_was_never_queued_and_nothing_arrives_twice() {
    let world = crate::unsparing_world().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    let id = id_of(&webhook);
    world.accepted(&integration, json!({ "id": 1 })).await;
    with_status(&world, &webhook, "DELIVERED", 1).await;
    let lost = Delivery {
        status: DeliveryStatus::Pending,
        round_started_at: None,
        round_attempts: 0,
        ..failed_delivery(id, 7)
    };
    let store = store(&world);
    store.create_delivery(&lost).await.expect("written");

    let queue = queue(&world, "deliveries.fifo").await;
    let clock = Clock::new(store).with_queue(queue);
    clock.tick().await.expect("the clock runs");
    idle_queue(&world).await;
    assert_eq!(receiver.arrivals().len(), 1, "it may still be on its way");
    let later = Timestamp::now().after(HOUR);
    for _ in 0..3 {
        clock.tick_at(later).await.expect("the clock runs");
    }
    let arrivals = receiver.count(2).await;
    assert_eq!(arrivals[1].body["number"], 7);
    with_status(&world, &webhook, "DELIVERED", 2).await;
    for hours in 2..=30 {
        let later = Timestamp::now().after(HOUR * hours);
        clock.tick_at(later).await.expect("the clock runs");
    }
    idle_queue(&world).await;
    assert_eq!(receiver.arrivals().len(), 2);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_that_nobody_can_read_does_not_keep_the_clock_from_the_others() {
    let world = crate::unsparing_world().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    let lost = Delivery {
        status: DeliveryStatus::Pending,
        round_started_at: None,
        round_attempts: 0,
        ..failed_delivery(id_of(&webhook), 7)
    };
    let store = store(&world);
    store.create_delivery(&lost).await.expect("written");
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let other = common::id::DeliveryId::generate();
    table(&world)
        .put_item()
        .table_name("opsknight")
        .item("pk", text(&format!("WEBHOOK#{}", id_of(&webhook))))
        .item("sk", text(&format!("DELIVERY#{other}")))
        .item("status", text("PENDING"))
        .send()
        .await
        .expect("one of another version");

    let clock = Clock::new(store).with_queue(queue(&world, "deliveries.fifo").await);
    let later = Timestamp::now().after(HOUR);
    for _ in 0..3 {
        clock.tick_at(later).await.expect("the clock runs");
    }
    assert_eq!(receiver.count(1).await[0].body["number"], 7);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_leaves_alone_what_waits_for_its_turn() {
    let schedule = "1h,1h".parse().expect("a schedule");
    let world = World::with(Settings {
        retry_schedule: Some(schedule),
        ..Settings::default()
    })
    .await;
    let (receiver, _) = sick_receiver().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    outage(&world, &integration, 1).await;
    with_status(&world, &webhook, "RETRYING", 1).await;
    with_status(&world, &webhook, "PENDING", 1).await;

    // A queue that nobody reads shows what the clock sends.
    let (client, name) = (sqs(&world), "aside.fifo");
    let fifo = aws_sdk_sqs::types::QueueAttributeName::FifoQueue;
    let created = client
        .create_queue()
        .queue_name(name)
        .attributes(fifo, "true");
    created.send().await.expect("a queue");
    let aside = queue(&world, name).await;
    let clock = Clock::new(store(&world)).with_queue(aside.clone());
    let sent_at = |hours: f64| {
        let (clock, aside) = (&clock, &aside);
        async move {
            let now = Timestamp::now().after(HOUR.mul_f64(hours));
            clock.tick_at(now).await.expect("the clock runs");
            aside.depth().await.expect("its depth").ready
        }
    };
    assert_eq!(sent_at(0.0).await, 0);
    assert_eq!(
        sent_at(0.5).await,
        0,
        "the first is due in an hour; the second waits for it"
    );
    assert_eq!(sent_at(0.6).await, 0);
    assert_eq!(
        sent_at(4.0).await,
        2,
        "nobody made the attempt: both are queued again"
    );
    assert_eq!(sent_at(4.1).await, 2, "not again at every tick");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_leaves_alone_what_waits_for_a_probe() {
    let world = World::with(Settings {
        retry_schedule: Some("4h".parse().expect("a schedule")),
        breaker: Some("failures=1,pauses=4h".parse().expect("a policy")),
        ..Settings::default()
    })
    .await;
    let (receiver, _) = sick_receiver().await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    world.accepted(&integration, json!({ "id": 1 })).await;
    with_status(&world, &webhook, "RETRYING", 1).await;
    for id in 2..5 {
        world.accepted(&integration, json!({ "id": id })).await;
    }
    with_status(&world, &webhook, "PENDING", 3).await;

    let (client, name) = (sqs(&world), "aside.fifo");
    let fifo = aws_sdk_sqs::types::QueueAttributeName::FifoQueue;
    let created = client
        .create_queue()
        .queue_name(name)
        .attributes(fifo, "true");
    created.send().await.expect("a queue");
    let aside = queue(&world, name).await;
    let clock = Clock::new(store(&world)).with_queue(aside.clone());
    let mut sent = Vec::new();
    for minutes in [20, 60, 180, 240, 300, 600] {
        let now = Timestamp::now().after(HOUR / 60 * minutes);
        clock.tick_at(now).await.expect("the clock runs");
        sent.push(aside.depth().await.expect("its depth").ready);
    }
    // A quarter of an hour after the probe was due, nobody is left to make it.
    assert_eq!(sent[..4], [0, 0, 0, 0], "they wait for a probe");
    assert!(
        sent.last() >= Some(&4),
        "the probe was never made: {sent:?}"
    );
    assert_eq!(receiver.arrivals().len(), 1);
    world.stop().await;
}
