//! Many hanging receivers at once: together they may want more places than
//! there are.

use std::time::Instant;

use futures_util::{StreamExt as _, stream};
use opsknight_tests::{World, receiver::Receiver, wait};
use serde_json::json;

use crate::lab::{Lab, Mode};

/// Webhooks that hang …
const HANGING: usize = 8;
/// … and incidents that each of them is to hear of.
const INCIDENTS: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_hanging_webhooks_hold_up_a_good_one_for_one_timeout_at_most() {
    let world = World::start().await;
    let (hanging, good) = (Lab::start(Mode::Hang).await, Receiver::start().await);
    let bad = world.integration("webhook").await;
    let well = world.integration("webhook").await;
    for _ in 0..HANGING {
        world.webhook(hanging.url(), &bad.service).await;
    }
    world.webhook(good.url(), &well.service).await;
    let world = &world;
    let post_all = async |integration, count: usize| {
        stream::iter(0..count)
            .map(|id| world.accepted(integration, json!({ "id": id })))
            .buffer_unordered(8)
            .collect::<Vec<_>>()
            .await
    };
    post_all(&bad, INCIDENTS).await;
    wait::until("all of them hang", || async {
        (hanging.open() >= HANGING).then_some(())
    })
    .await;

    let begun = Instant::now();
    // A hanging request is tried again after its time-out and a pause.
    let retries = || {
        hanging
            .seen()
            .iter()
            .filter(|seen| seen.attempt == "3")
            .count()
    };
    let before = retries();
    post_all(&well, 60).await;
    let posted = Instant::now();
    // Step by step: patience is for what does not move at all.
    for count in [10, 20, 30, 40, 50, 60] {
        good.count(count).await;
    }
    let most = hanging.take_most();
    println!(
        "60 alerts posted in {:?}, the last event arrived {:?} later, beside {HANGING} hanging \
         webhooks with {most} requests at once",
        posted - begun,
        posted.elapsed()
    );
    assert!(most <= HANGING * 10, "{most} requests at once");
    assert_eq!(retries(), before, "the good one waited for two time-outs");
    let delivered = good.arrivals().len();
    assert_eq!(delivered, 60, "each once");
}
