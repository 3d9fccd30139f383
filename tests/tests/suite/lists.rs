//! Lists of incidents while others work on them.

use std::collections::HashSet;

use http::{Method, StatusCode};
use opsknight_tests::World;
use serde_json::{Value, json};

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }
}

async fn open(world: &World, service: &str) -> String {
    let body = json!({ "title": "t", "serviceId": service, "urgency": "LOW" });
    let created = world.api(Method::POST, "/api/incidents", body).await;
    let created = created.expect(StatusCode::CREATED);
    created["incident"]["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

async fn set(world: &World, incident: &str, status: &str) {
    let body = match status {
        "SNOOZED" => json!({ "status": status, "snoozeMinutes": 60 }),
        _ => json!({ "status": status }),
    };
    // A resolved one may be told to be acknowledged: refused, and no matter.
    world
        .api(Method::PATCH, &format!("/api/incidents/{incident}"), body)
        .await;
}

/// Nothing appears twice, and nothing that was there all the time is missing,
/// whatever is opened, closed and reopened between two pages.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_stay_whole_while_incidents_come_and_change() {
    let world = World::start().await;
    let statuses = ["ACKNOWLEDGED", "RESOLVED", "OPEN", "SUPPRESSED", "SNOOZED"];
    for seed in 1..=4 {
        let mut numbers = Numbers(seed);
        let service = world.service(&format!("service {seed}")).await;
        let mut there = Vec::new();
        for _ in 0..25 {
            let incident = open(&world, &service).await;
            if numbers.below(3) == 0 {
                set(&world, &incident, "RESOLVED").await;
            }
            there.push(incident);
        }
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let limit = 1 + numbers.below(7);
            let path = format!("/api/incidents?serviceId={service}&limit={limit}{cursor}");
            let page = world.get(&path).await;
            let entries = page["incidents"].as_array().cloned().unwrap_or_default();
            assert!(entries.len() <= limit);
            seen.extend(
                entries
                    .iter()
                    .map(|one| one["id"].as_str().map(str::to_owned)),
            );
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
            for _ in 0..numbers.below(4) {
                open(&world, &service).await;
            }
            for _ in 0..numbers.below(6) {
                let incident = &there[numbers.below(there.len())];
                set(&world, incident, statuses[numbers.below(statuses.len())]).await;
            }
        }
        let seen: Vec<String> = seen.into_iter().flatten().collect();
        let distinct: HashSet<&String> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len(), "seed {seed}: twice");
        let kept: Vec<&String> = seen.iter().filter(|id| there.contains(id)).collect();
        let newest_first: Vec<&String> = there.iter().rev().collect();
        assert_eq!(kept, newest_first, "seed {seed}");
        let mut sorted = seen.clone();
        sorted.sort_unstable_by(|one, other| other.cmp(one));
        assert_eq!(seen, sorted, "seed {seed}: newest first");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_shows_the_statuses_that_are_asked_for() {
    let world = World::start().await;
    let service = world.service("s").await;
    for status in ["OPEN", "ACKNOWLEDGED", "SNOOZED", "SUPPRESSED", "RESOLVED"] {
        let incident = open(&world, &service).await;
        set(&world, &incident, status).await;
    }
    for (asked, expected) in [
        ("OPEN", vec!["OPEN"]),
        ("ACKNOWLEDGED,OPEN", vec!["ACKNOWLEDGED", "OPEN"]),
        ("RESOLVED,SNOOZED,RESOLVED", vec!["RESOLVED", "SNOOZED"]),
        (
            "unresolved",
            vec!["SUPPRESSED", "SNOOZED", "ACKNOWLEDGED", "OPEN"],
        ),
    ] {
        let path = format!("/api/incidents?serviceId={service}&status={asked}");
        let list = world.get(&path).await["incidents"].clone();
        let found: Vec<Value> = list
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| one["status"].clone())
            .collect();
        assert_eq!(json!(found), json!(expected), "{asked}");
    }
    world.stop().await;
}

/// An incident that closes while a list is read is in it once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_whole_while_its_incidents_close() {
    let world = World::start().await;
    let service = world.service("s").await;
    let mut there = Vec::new();
    for _ in 0..40 {
        there.push(open(&world, &service).await);
    }
    there.reverse();
    let close = async {
        for incident in &there {
            set(&world, incident, "RESOLVED").await;
        }
    };
    let read = async {
        let mut lists = 0;
        loop {
            let list = world.incidents(&service).await;
            let found: Vec<&str> = list.iter().filter_map(|one| one["id"].as_str()).collect();
            assert_eq!(found, there, "list {lists}");
            lists += 1;
            if list.iter().all(|one| one["status"] == "RESOLVED") {
                return lists;
            }
        }
    };
    let ((), lists) = tokio::join!(close, read);
    assert!(lists > 1, "nothing closed meanwhile");
    world.stop().await;
}
