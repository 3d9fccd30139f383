//! Killed again and again in the middle of its work, the program loses nothing
//! that it accepted, and keeps the order.

use std::{
    collections::{HashMap, HashSet},
    time::Instant,
};

use futures_util::{StreamExt as _, stream};
use opsknight_tests::{
    World,
    process::Program,
    receiver::{Arrival, Receiver},
};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_opsknight-under-test");
/// Processes that are killed.
const KILLS: usize = 4;
/// Webhooks that want every event.
const WEBHOOKS: usize = 5;
/// Accepted changes that there are in the end; each is a delivery per webhook.
const CHANGES: usize = 1_000;
/// A process is killed when so many requests have arrived from it.
const ARRIVALS: usize = CHANGES * WEBHOOKS / KILLS * 2 / 3;
/// Senders at the same time.
const SENDERS: usize = 16;
/// Says which webhook a request is of.
const WHICH: &str = "x-which";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_kills_in_five_thousand_deliveries_lose_none() {
    let begun = Instant::now();
    let folder = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::start().await;
    common::aws::install_tls_provider();
    let client = reqwest::Client::builder().no_proxy().build();
    let client = client.expect("a client");
    let mut accepted: HashSet<Change> = HashSet::new();
    let mut numbers = 0..;
    let mut integration = None;
    for round in 0..=KILLS {
        let program = Program::start(BINARY, folder.path()).await;
        let id = match &integration {
            Some(id) => id,
            None => integration.insert(integration_with_webhooks(program.world(), &receiver).await),
        };
        let url = format!(
            "{}/api/integrations/webhook?integrationId={id}",
            program.world().url()
        );
        let mut posts = stream::iter(numbers.by_ref())
            .map(|number| open_and_resolve(&client, &url, number))
            .buffer_unordered(SENDERS);
        if round == KILLS {
            // The last one may finish.
            while accepted.len() < CHANGES {
                accepted.extend(posts.next().await.into_iter().flatten());
            }
            report(&accepted, &receiver, begun).await;
            program.kill().await;
            return;
        }
        // It dies in the middle: with requests, deliveries and receives under way.
        let (alerts, arrivals) = ((round + 1) * CHANGES / KILLS, (round + 1) * ARRIVALS);
        while accepted.len() < alerts {
            accepted.extend(posts.next().await.into_iter().flatten());
        }
        arrive(&receiver, arrivals).await;
        let under_way = posts.by_ref().take(SENDERS).collect::<Vec<_>>();
        let (under_way, ()) = tokio::join!(under_way, program.kill());
        accepted.extend(under_way.into_iter().flatten());
    }
}

/// An accepted change: incident and event.
type Change = (String, &'static str);

async fn integration_with_webhooks(world: &World, receiver: &Receiver) -> String {
    let integration = world.integration("webhook").await;
    for which in 0..WEBHOOKS {
        let body = json!({
            "name": format!("receiver {which}"), "url": receiver.url(),
            "events": ["incident.created", "incident.resolved"],
            "headers": { WHICH: which.to_string() },
        });
        world.webhook_of(body).await;
    }
    integration.id
}

/// Waits until every webhook has heard of everything, and says what it took.
async fn report(accepted: &HashSet<Change>, receiver: &Receiver, begun: Instant) {
    let due = accepted.len() * WEBHOOKS;
    assert!(due >= CHANGES * WEBHOOKS, "{due}");
    let drained = Instant::now();
    arrive(receiver, due).await;
    let arrivals = receiver
        .until("every accepted change at every webhook", |arrivals| {
            arrivals.len() >= due && missing(accepted, arrivals) == 0
        })
        .await;
    let mut deliveries: HashSet<(&str, &str)> = HashSet::new();
    let mut latest: HashMap<(&str, &str), u64> = HashMap::new();
    for one in &arrivals {
        let which = one.header(WHICH);
        deliveries.insert((which, one.header("webhook-id")));
        let version = one.body["data"]["version"].as_u64().unwrap_or_default();
        let before = latest.insert((which, one.incident()), version);
        assert!(
            before.is_none_or(|before| before <= version),
            "webhook {which}, incident {}: version {version} after {before:?}",
            one.incident()
        );
    }
    println!(
        "{KILLS} kills: {} changes accepted for {WEBHOOKS} webhooks, {due} deliveries due, 0 lost, \
         all in order; {} deliveries made, {} duplicates; {:?} in all, {:?} from the last alert on",
        accepted.len(),
        deliveries.len(),
        arrivals.len() - deliveries.len(),
        begun.elapsed(),
        drained.elapsed(),
    );
}

/// Waits for so many arrivals, as long as some come.
async fn arrive(receiver: &Receiver, count: usize) {
    loop {
        let next = (receiver.count_now() + 100).min(count);
        receiver.count(next).await;
        if next == count {
            break;
        }
    }
}

/// How many of the deliveries that are due have not arrived.
fn missing(accepted: &HashSet<Change>, arrivals: &[Arrival]) -> usize {
    let told: HashSet<(&str, &str, &str)> = arrivals
        .iter()
        .map(|one| (one.header(WHICH), one.incident(), one.event()))
        .collect();
    let due = (0..WEBHOOKS).map(|which| which.to_string());
    due.map(|which| {
        accepted
            .iter()
            .filter(|(incident, event)| {
                !told.contains(&(which.as_str(), incident.as_str(), *event))
            })
            .count()
    })
    .sum()
}

/// The changes that were accepted.
async fn open_and_resolve(client: &reqwest::Client, url: &str, number: usize) -> Vec<Change> {
    let mut told = Vec::new();
    for (body, event) in [
        (json!({ "id": number }), "incident.created"),
        (json!({ "id": number, "status": "ok" }), "incident.resolved"),
    ] {
        match post(client, url, body).await {
            Some(incident) => told.push((incident, event)),
            None => break,
        }
    }
    told
}

/// The incident of an accepted alert, `None` where no answer came.
async fn post(client: &reqwest::Client, url: &str, body: Value) -> Option<String> {
    let response = client.post(url).body(body.to_string()).send().await.ok()?;
    let answer: Value = response.json().await.ok()?;
    answer["result"]["incident"]["id"]
        .as_str()
        .map(str::to_owned)
}
