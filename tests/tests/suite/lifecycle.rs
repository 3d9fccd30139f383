//! An incident's life: which changes are possible, what each tells, and that
//! two callers at once make one change.

use std::time::Duration;

use common::time::Timestamp;
use futures_util::future::join_all;
use http::{Method, StatusCode};
use opsknight::stack::Settings;
use opsknight_tests::{Answer, Integration, World, receiver::Receiver, wait};
use serde_json::{Value, json};

/// How long a minute's snooze may take: the minute, a run of the clock, and a
/// machine that has other things to do.
const SNOOZE_PATIENCE: Duration = Duration::from_secs(150);

async fn open(world: &World, integration: &Integration, key: &str) -> String {
    let alert = json!({ "id": key, "title": key, "severity": "error" });
    let result = world.accepted(integration, alert).await;
    result["incident"]["id"].as_str().expect("an id").to_owned()
}

fn path(incident: &str) -> String {
    format!("/api/incidents/{incident}")
}

async fn patch(world: &World, incident: &str, body: Value) -> Answer {
    world.api(Method::PATCH, &path(incident), body).await
}

async fn patch_version(world: &World, incident: &str, version: u64, body: Value) -> Answer {
    let bearer = format!("Bearer {}", world.admin_key());
    let version = format!("\"{version}\"");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("if-match", version.as_str()),
    ];
    world
        .send(Method::PATCH, &path(incident), &headers, body.to_string())
        .await
}

async fn timeline(world: &World, incident: &str) -> Vec<Value> {
    let list = world.get(&format!("{}/timeline", path(incident))).await;
    list["timeline"].as_array().cloned().unwrap_or_default()
}

fn told(arrivals: &[opsknight_tests::receiver::Arrival]) -> Vec<&str> {
    arrivals.iter().map(|arrival| arrival.event()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_acknowledgements_at_once_are_one() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    world.webhook(receiver.url(), &integration.service).await;
    let incident = open(&world, &integration, "k").await;
    let acknowledge = || patch(&world, &incident, json!({ "status": "ACKNOWLEDGED" }));
    for answer in join_all((0..20).map(|_| acknowledge())).await {
        assert_eq!(answer.expect(StatusCode::OK)["incident"]["version"], 2);
    }
    assert_eq!(timeline(&world, &incident).await.len(), 2);
    patch(&world, &incident, json!({ "status": "RESOLVED" }))
        .await
        .expect(StatusCode::OK);
    let arrivals = receiver.count(3).await;
    assert_eq!(
        told(&arrivals),
        [
            "incident.created",
            "incident.acknowledged",
            "incident.resolved"
        ]
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_clients_with_one_version_one_is_told_of_the_other() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    world.webhook(receiver.url(), &integration.service).await;
    let incident = open(&world, &integration, "k").await;
    for version in 1..=10 {
        let (one, other) = tokio::join!(
            patch_version(
                &world,
                &incident,
                version,
                json!({ "description": version.to_string() })
            ),
            patch_version(
                &world,
                &incident,
                version,
                json!({ "title": format!("title {version}") })
            ),
        );
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412], "version {version}");
    }
    let stale = patch_version(&world, &incident, 1, json!({ "status": "RESOLVED" })).await;
    assert_eq!(
        stale.expect(StatusCode::PRECONDITION_FAILED)["code"],
        "version_mismatch"
    );
    assert_eq!(timeline(&world, &incident).await.len(), 11);
    patch_version(&world, &incident, 11, json!({ "status": "RESOLVED" }))
        .await
        .expect(StatusCode::OK);
    let arrivals = receiver.count(12).await;
    let versions: Vec<_> = arrivals
        .iter()
        .map(|arrival| arrival.body["data"]["version"].clone())
        .collect();
    assert_eq!(versions, (1..=12).map(Value::from).collect::<Vec<_>>());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snooze_of_a_minute_ends_by_itself_and_says_so() {
    let world = World::with(Settings {
        clock_interval: Duration::from_secs(1),
        ..Settings::default()
    })
    .await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    world.webhook(receiver.url(), &integration.service).await;
    let incident = open(&world, &integration, "k").await;
    let snooze = json!({ "status": "SNOOZED", "snoozeMinutes": 1 });
    let snoozed = patch(&world, &incident, snooze)
        .await
        .expect(StatusCode::OK)["incident"]
        .clone();
    let until = snoozed["snoozedUntil"].as_str().expect("an end");
    let until = Timestamp::parse_rfc3339(until).expect("a timestamp");
    let ended = async {
        while receiver.arrivals().len() < 3 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(SNOOZE_PATIENCE, ended)
        .await
        .expect("the end is delivered");
    let arrivals = receiver.arrivals();
    assert_eq!(
        told(&arrivals),
        ["incident.created", "incident.snoozed", "incident.updated"]
    );
    let last = &arrivals[2].body;
    assert_eq!(
        (&last["data"]["status"], &last["data"]["snoozedUntil"]),
        (&json!("OPEN"), &Value::Null)
    );
    let at = last["timestamp"]
        .as_str()
        .and_then(Timestamp::parse_rfc3339);
    assert!(at.expect("a timestamp") >= until, "not before its end");
    let entry = timeline(&world, &incident).await[2].clone();
    assert_eq!(entry["actor"]["type"], "schedule");
    assert_eq!(
        entry["changes"][0],
        json!({ "field": "status", "from": "SNOOZED", "to": "OPEN" })
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_combined_changes_nothing() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let incident = open(&world, &integration, "k").await;
    let later = Timestamp::now().after(Duration::from_secs(3_600));
    let too_late = Timestamp::now().after(Duration::from_secs(31 * 86_400));
    for (body, at) in [
        (json!({ "snoozeMinutes": 5 }), "snoozeMinutes"),
        (json!({ "snoozedUntil": later }), "snoozedUntil"),
        (
            json!({ "status": "OPEN", "snoozeMinutes": 5 }),
            "snoozeMinutes",
        ),
        (json!({ "status": "SNOOZED" }), "snoozedUntil"),
        (
            json!({ "status": "SNOOZED", "snoozeMinutes": 5, "snoozedUntil": later }),
            "snoozeMinutes",
        ),
        (
            json!({ "status": "SNOOZED", "snoozedUntil": "2020-01-01T00:00:00Z" }),
            "snoozedUntil",
        ),
        (
            json!({ "status": "SNOOZED", "snoozedUntil": too_late }),
            "snoozedUntil",
        ),
        (
            json!({ "status": "SNOOZED", "snoozeMinutes": 43_201 }),
            "snoozeMinutes",
        ),
        (json!({ "status": "CLOSED", "note": "no" }), "status"),
        (json!({ "status": null }), "status"),
        (json!({ "title": null }), "title"),
        (json!({ "title": "" }), "title"),
        (json!({ "urgency": null }), "urgency"),
        (json!({ "priority": "x".repeat(21) }), "priority"),
        (json!({ "assignee": {} }), "assignee.name"),
        (json!({ "assignee": "Ada" }), "assignee"),
        (json!({ "note": "y".repeat(10_001) }), "note"),
        (json!({ "version": 2 }), "version"),
    ] {
        let answer = patch(&world, &incident, body.clone()).await;
        let problem = answer.expect(StatusCode::BAD_REQUEST);
        assert_eq!(problem["details"][0]["path"], at, "{body}: {problem}");
    }
    assert_eq!(timeline(&world, &incident).await.len(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_changes_at_once_are_one_event_that_the_status_names() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    world.webhook(receiver.url(), &integration.service).await;
    let incident = open(&world, &integration, "k").await;
    let steps = [
        (
            json!({ "status": "ACKNOWLEDGED", "urgency": "HIGH", "assignee": { "name": "Ada" } }),
            Some("incident.acknowledged"),
        ),
        (json!({ "note": "only a note" }), None),
        (
            json!({ "status": "ACKNOWLEDGED", "title": "New" }),
            Some("incident.updated"),
        ),
        (
            json!({ "status": "SNOOZED", "snoozeMinutes": 60, "priority": "P1" }),
            Some("incident.snoozed"),
        ),
        (
            json!({ "status": "SNOOZED", "snoozeMinutes": 120 }),
            Some("incident.snoozed"),
        ),
        (
            json!({ "status": "SUPPRESSED", "note": "planned", "description": "d" }),
            Some("incident.suppressed"),
        ),
        (json!({ "status": "SUPPRESSED", "title": "New" }), None),
        (
            json!({ "title": "Newer", "urgency": "LOW", "assignee": null }),
            Some("incident.updated"),
        ),
        (
            json!({ "status": "RESOLVED", "priority": null }),
            Some("incident.resolved"),
        ),
        (json!({ "status": "RESOLVED" }), None),
        (
            json!({ "status": "OPEN", "title": "Again" }),
            Some("incident.updated"),
        ),
    ];
    let mut expected = vec!["incident.created"];
    for (body, event) in &steps {
        let after = patch(&world, &incident, body.clone()).await;
        expected.extend(event);
        assert_eq!(
            after.expect(StatusCode::OK)["incident"]["version"],
            expected.len(),
            "{body}"
        );
    }
    let arrivals = receiver.count(expected.len()).await;
    assert_eq!(told(&arrivals), expected);

    let entries = timeline(&world, &incident).await;
    let acknowledged = &entries[1]["changes"];
    let fields: Vec<_> = acknowledged
        .as_array()
        .expect("a list")
        .iter()
        .map(|change| change["field"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(fields, ["status", "urgency", "assignee"]);
    assert_eq!(
        acknowledged[1],
        json!({ "field": "urgency", "from": "MEDIUM", "to": "HIGH" })
    );
    assert_eq!(
        (&entries[2]["event"], &entries[2]["note"]),
        (&Value::Null, &json!("only a note"))
    );
    assert!(
        entries.iter().all(|entry| entry["at"].is_string()
            && entry["actor"]["type"].is_string()
            && entry["actor"]["name"].is_string()),
        "every entry says who and when"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timeline_and_alerts_come_in_pages() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let incident = open(&world, &integration, "k").await;
    for number in 2..=7 {
        open(&world, &integration, "k").await;
        patch(
            &world,
            &incident,
            json!({ "note": format!("note {number}") }),
        )
        .await
        .expect(StatusCode::OK);
    }
    for list in ["timeline", "alerts"] {
        let base = format!("{}/{list}", path(&incident));
        let all = world.get(&base).await;
        assert_eq!(all[list].as_array().map(Vec::len), Some(7), "{list}");
        assert_eq!(all["nextCursor"], Value::Null);
        let (mut found, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = world.get(&format!("{base}?limit=3{cursor}")).await;
            let entries = page[list].as_array().cloned().unwrap_or_default();
            assert!(entries.len() <= 3);
            found.extend(entries);
            pages += 1;
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(json!(found), all[list], "{list}");
        assert!(pages >= 3);
        for bad in ["limit=0", "limit=101", "limit=many", "cursor=%21"] {
            let answer = world
                .api(Method::GET, &format!("{base}?{bad}"), Value::Null)
                .await;
            answer.expect(StatusCode::BAD_REQUEST);
        }
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_ended_is_not_ended_again_by_the_clock() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let incident = open(&world, &integration, "k").await;
    let until = Timestamp::now().after(Duration::from_millis(400));
    let snooze = json!({ "status": "SNOOZED", "snoozedUntil": until });
    patch(&world, &incident, snooze)
        .await
        .expect(StatusCode::OK);
    patch(&world, &incident, json!({ "status": "SUPPRESSED" }))
        .await
        .expect(StatusCode::OK);
    let clock =
        clock::Clock::new(crate::calls::store(world.stack().expect("a stack of its own")).await);
    wait::until("the end of the snooze's time", || async {
        (Timestamp::now() > until).then_some(())
    })
    .await;
    clock.tick().await.expect("the clock runs");
    let read = world.get(&path(&incident)).await["incident"].clone();
    assert_eq!(
        (&read["status"], &read["version"], &read["snoozedUntil"]),
        (&json!("SUPPRESSED"), &json!(3), &Value::Null)
    );
    world.stop().await;
}
