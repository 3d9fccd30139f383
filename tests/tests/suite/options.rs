//! What a service decides for the incidents that alerts open.

use std::time::Duration;

use common::time::Timestamp;
use futures_util::future::join_all;
use http::{Method, StatusCode};
use opsknight_tests::{Integration, World, receiver::Receiver, wait};
use serde_json::{Value, json};

const HOUR: Duration = Duration::from_secs(3_600);

async fn set(world: &World, service: &str, body: Value) -> Value {
    let path = format!("/api/services/{service}");
    let answer = world.api(Method::PATCH, &path, body).await;
    answer.expect(StatusCode::OK)["service"].clone()
}

async fn fire(world: &World, integration: &Integration, key: &str, severity: &str) -> Value {
    let alert = json!({ "id": key, "title": key, "severity": severity });
    world.accepted(integration, alert).await
}

async fn incident(world: &World, result: &Value) -> Value {
    let id = result["incident"]["id"].as_str().expect("an id");
    world.get(&format!("/api/incidents/{id}")).await["incident"].clone()
}

/// A window around now, so many seconds to both sides.
fn around(seconds: u64, reason: &str) -> Value {
    let (now, half) = (Timestamp::now(), Duration::from_secs(seconds));
    json!({ "from": now.before(half), "until": now.after(half), "reason": reason })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn maintenance_suppresses_what_opens_and_nothing_else() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    let service = integration.service.clone();
    world.webhook(receiver.url(), &service).await;
    let before = fire(&world, &integration, "before", "warning").await;

    let window = around(3_600, "database upgrade");
    let shown = set(&world, &service, json!({ "maintenanceWindows": [window] })).await;
    assert_eq!(shown["maintenanceWindows"], json!([window]));
    let during = fire(&world, &integration, "during", "critical").await;
    assert_eq!(
        (&during["action"], &during["incident"]["status"]),
        (&json!("triggered"), &json!("SUPPRESSED"))
    );
    let opened = incident(&world, &during).await;
    assert_eq!(
        (&opened["maintenance"], &opened["urgency"]),
        (&window, &json!("HIGH"))
    );
    let id = opened["id"].as_str().expect("an id");
    let timeline = world.get(&format!("/api/incidents/{id}/timeline")).await;
    let entry = &timeline["timeline"][0];
    assert_eq!(entry["event"], "incident.created");
    let text = entry["note"].as_str().expect("a text");
    assert!(
        text.contains("database upgrade")
            && text.contains(window["until"].as_str().expect("a time")),
        "{text}"
    );
    // What is open already goes on as before.
    let again = fire(&world, &integration, "before", "critical").await;
    assert_eq!(
        (&again["action"], &again["incident"]["status"]),
        (&json!("deduplicated"), &json!("OPEN"))
    );
    assert_eq!(incident(&world, &before).await["urgency"], "HIGH");
    assert_eq!(
        fire(&world, &integration, "during", "info").await["action"],
        "deduplicated"
    );

    set(&world, &service, json!({ "maintenanceWindows": [] })).await;
    let after = fire(&world, &integration, "after", "warning").await;
    assert_eq!(after["incident"]["status"], "OPEN");
    assert_eq!(incident(&world, &during).await["status"], "SUPPRESSED");
    let arrivals = receiver.count(4).await;
    let mut told: Vec<(&str, &str, &str)> = arrivals
        .iter()
        .map(|arrival| {
            let of = |field: &str| arrival.body["data"][field].as_str().unwrap_or_default();
            (of("title"), arrival.event(), of("status"))
        })
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("after", "incident.created", "OPEN"),
            ("before", "incident.created", "OPEN"),
            ("before", "incident.updated", "OPEN"),
            ("during", "incident.created", "SUPPRESSED"),
        ]
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_begins_ends_and_is_forgotten() {
    let world = World::start().await;
    let integration = world.integration("webhook").await;
    let service = integration.service.clone();
    let now = Timestamp::now();
    let soon = now.after(Duration::from_millis(1_500));
    let future = json!({ "from": now.after(HOUR), "until": now.after(HOUR * 2), "reason": null });
    let short = json!({ "from": now, "until": soon });
    set(
        &world,
        &service,
        json!({ "maintenanceWindows": [short, future] }),
    )
    .await;
    let path = format!("/api/services/{service}");
    wait::until("the end of the short one", || async {
        let shown = world.get(&path).await["service"]["maintenanceWindows"].clone();
        (shown == json!([future])).then_some(())
    })
    .await;
    assert!(Timestamp::now() >= soon);
    let opened = fire(&world, &integration, "k", "error").await;
    assert_eq!(opened["incident"]["status"], "OPEN");

    set(&world, &service, json!({ "name": "renamed" })).await;
    let store = crate::calls::store(world.stack().expect("a stack of its own")).await;
    let stored = store.service(service.parse().expect("an id")).await;
    let stored = stored.expect("the table").expect("the service");
    assert_eq!(stored.options.maintenance_windows.len(), 1, "pruned");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_services_urgency_wins_over_severity() {
    let world = World::start().await;
    let service = world.service("s").await;
    let body = json!({ "type": "webhook", "name": "w" });
    let integration = world.integration_of(&service, body).await;
    set(&world, &service, json!({ "defaultUrgency": "LOW" })).await;
    let opened = fire(&world, &integration, "low", "critical").await;
    assert_eq!(opened["incident"]["urgency"], "LOW");
    let again = fire(&world, &integration, "low", "critical").await;
    assert_eq!(
        (&again["action"], &again["incident"]["urgency"]),
        (&json!("deduplicated"), &json!("LOW"))
    );
    assert_eq!(incident(&world, &opened).await["version"], 1);

    set(&world, &service, json!({ "defaultUrgency": "HIGH" })).await;
    let opened = fire(&world, &integration, "high", "info").await;
    assert_eq!(opened["incident"]["urgency"], "HIGH");
    assert_eq!(incident(&world, &again).await["urgency"], "LOW");

    // Nobody is woken by a change of format.
    let body = json!({ "type": "prometheus", "name": "p" });
    let prometheus = world.integration_of(&service, body).await;
    let junk = world
        .accepted(&prometheus, json!({ "nothing": "known" }))
        .await;
    assert_eq!(junk["action"], "ignored");
    let unrecognised = world.incidents(&service).await[0].clone();
    assert!(
        unrecognised["title"]
            .as_str()
            .is_some_and(|title| title.starts_with("Unrecognised")),
        "{unrecognised}"
    );
    assert_eq!(unrecognised["urgency"], "LOW");

    set(&world, &service, json!({ "defaultUrgency": null })).await;
    let opened = fire(&world, &integration, "own", "info").await;
    assert_eq!(opened["incident"]["urgency"], "LOW");
    let raised = fire(&world, &integration, "own", "critical").await;
    assert_eq!(raised["incident"]["urgency"], "HIGH");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quiet_incidents_end_after_the_services_hours_or_the_integrations_seconds() {
    let world = World::start().await;
    let service = world.service("s").await;
    let of = |settings: Value| {
        let body = json!({ "type": "webhook", "name": "w", "settings": settings });
        world.integration_of(&service, body)
    };
    let plain = of(json!({})).await;
    let patient = of(json!({ "autoResolveAfter": 7_200 })).await;
    let never = of(json!({ "autoResolveAfter": 0 })).await;
    let unaffected = fire(&world, &plain, "before", "error").await;
    set(&world, &service, json!({ "autoResolveAfterHours": 1 })).await;
    let ends = fire(&world, &plain, "plain", "error").await;
    let waits = fire(&world, &patient, "patient", "error").await;
    let stays = fire(&world, &never, "never", "error").await;

    let store = crate::calls::store(world.stack().expect("a stack of its own")).await;
    let clock = clock::Clock::new(store);
    let tick = |after: Duration| clock.tick_at(Timestamp::now().after(after));
    let statuses = || async {
        let mut statuses = Vec::new();
        for result in [&unaffected, &ends, &waits, &stays] {
            statuses.push(incident(&world, result).await["status"].clone());
        }
        json!(statuses)
    };
    tick(HOUR - Duration::from_secs(60))
        .await
        .expect("the clock runs");
    assert_eq!(statuses().await, json!(["OPEN", "OPEN", "OPEN", "OPEN"]));
    tick(HOUR + Duration::from_secs(1))
        .await
        .expect("the clock runs");
    assert_eq!(
        statuses().await,
        json!(["OPEN", "RESOLVED", "OPEN", "OPEN"])
    );
    tick(HOUR * 3).await.expect("the clock runs");
    assert_eq!(
        statuses().await,
        json!(["OPEN", "RESOLVED", "RESOLVED", "OPEN"])
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answered_change_holds_for_every_integration_whatever_happens_beside_it() {
    let world = World::start().await;
    let service = world.service("s").await;
    let body = |name: usize| json!({ "type": "webhook", "name": format!("w{name}") });
    let first = world.integration_of(&service, body(0)).await;
    let path = format!("/api/services/{service}/integrations/{}", first.id);
    for round in 0..12 {
        let (urgency, severity) = if round % 2 == 0 {
            ("LOW", "critical")
        } else {
            ("HIGH", "info")
        };
        // A change of the service, of an integration, and a new integration at once.
        let (_, renamed, second) = tokio::join!(
            set(&world, &service, json!({ "defaultUrgency": urgency })),
            world.api(Method::PATCH, &path, json!({ "name": format!("n{round}") })),
            world.integration_of(&service, body(round)),
        );
        renamed.expect(StatusCode::OK);
        for (number, integration) in [&first, &second].into_iter().enumerate() {
            let key = format!("{round}.{number}");
            let opened = fire(&world, integration, &key, severity).await;
            assert_eq!(opened["incident"]["urgency"], urgency, "round {round}");
        }
        let read = world.get(&path).await;
        assert_eq!(read["integration"]["name"], format!("n{round}"));
    }
    // Of many changes at once none is lost.
    let changes = [
        json!({ "name": "new" }),
        json!({ "description": "d" }),
        json!({ "autoResolveAfterHours": 5 }),
        json!({ "defaultUrgency": "MEDIUM" }),
    ];
    let shown = join_all(changes.map(|change| set(&world, &service, change))).await;
    assert_eq!(shown.len(), 4);
    let read = world.get(&format!("/api/services/{service}")).await["service"].clone();
    assert_eq!(
        json!([
            read["name"],
            read["description"],
            read["autoResolveAfterHours"],
            read["defaultUrgency"]
        ]),
        json!(["new", "d", 5, "MEDIUM"])
    );
    let opened = fire(&world, &first, "last", "critical").await;
    let opened = incident(&world, &opened).await;
    assert_eq!(
        (&opened["urgency"], &opened["service"]["name"]),
        (&json!("MEDIUM"), &json!("new"))
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn options_are_checked_and_shown() {
    let world = World::start().await;
    let now = Timestamp::now();
    let window = around(60, "planned");
    let body = json!({ "name": "s", "maintenanceWindows": [window],
                       "autoResolveAfterHours": 720, "defaultUrgency": "HIGH" });
    let created = world.api(Method::POST, "/api/services", body).await;
    let created = created.expect(StatusCode::CREATED)["service"].clone();
    let service = created["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/services/{service}");
    assert_eq!(world.get(&path).await["service"], created);
    assert_eq!(world.get("/api/services").await["services"][0], created);
    assert_eq!(
        (
            &created["maintenanceWindows"],
            &created["autoResolveAfterHours"]
        ),
        (&json!([window]), &json!(720))
    );
    // An integration that is made later is of the service as it is.
    let body = json!({ "type": "webhook", "name": "w" });
    let integration = world.integration_of(&service, body).await;
    let opened = fire(&world, &integration, "k", "info").await;
    assert_eq!(
        (
            &opened["incident"]["status"],
            &opened["incident"]["urgency"]
        ),
        (&json!("SUPPRESSED"), &json!("HIGH"))
    );

    let (start, end) = (now.after(HOUR), now.after(HOUR * 2));
    let many = vec![json!({ "from": start, "until": end }); 27];
    for (body, at) in [
        (json!({ "maintenanceWindows": {} }), "maintenanceWindows"),
        (json!({ "maintenanceWindows": [7] }), "maintenanceWindows"),
        (json!({ "maintenanceWindows": many }), "maintenanceWindows"),
        (
            json!({ "maintenanceWindows": [{ "from": start, "until": end }, { "until": end }] }),
            "maintenanceWindows[1].from",
        ),
        (
            json!({ "maintenanceWindows": [{ "from": start, "until": "tomorrow" }] }),
            "maintenanceWindows[0].until",
        ),
        (
            json!({ "maintenanceWindows": [{ "from": end, "until": start }] }),
            "maintenanceWindows[0].until",
        ),
        (
            json!({ "maintenanceWindows": [{ "from": now.before(HOUR), "until": now }] }),
            "maintenanceWindows[0].until",
        ),
        (
            json!({ "maintenanceWindows": [{ "from": start, "until": end, "reason": "x".repeat(201) }] }),
            "maintenanceWindows[0].reason",
        ),
        (
            json!({ "maintenanceWindows": [{ "from": start, "until": end, "why": "x" }] }),
            "maintenanceWindows[0].why",
        ),
        (
            json!({ "autoResolveAfterHours": 0 }),
            "autoResolveAfterHours",
        ),
        (
            json!({ "autoResolveAfterHours": 721 }),
            "autoResolveAfterHours",
        ),
        (json!({ "defaultUrgency": "URGENT" }), "defaultUrgency"),
        (json!({ "name": null }), "name"),
        (json!({ "revision": 7 }), "revision"),
    ] {
        let answer = world.api(Method::PATCH, &path, body.clone()).await;
        let problem = answer.expect(StatusCode::BAD_REQUEST);
        assert_eq!(problem["details"][0]["path"], at, "{body}: {problem}");
    }
    assert_eq!(world.get(&path).await["service"], created);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_has_no_more_integrations_than_one_change_can_reach() {
    let world = World::start().await;
    let service = world.service("s").await;
    let path = format!("/api/services/{service}/integrations");
    let body = json!({ "type": "webhook", "name": "w" });
    let mut last = None;
    for _ in 0..common::limits::INTEGRATIONS_PER_SERVICE {
        last = Some(world.integration_of(&service, body.clone()).await);
    }
    let refused = world.api(Method::POST, &path, body).await;
    assert_eq!(
        refused.expect(StatusCode::CONFLICT)["code"],
        "too_many_integrations"
    );
    set(&world, &service, json!({ "defaultUrgency": "HIGH" })).await;
    let last = last.expect("an integration");
    let opened = fire(&world, &last, "k", "info").await;
    assert_eq!(opened["incident"]["urgency"], "HIGH");
    world.stop().await;
}
