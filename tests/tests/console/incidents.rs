//! Incidents: what is open, and what people do about it.

use http::{Method, StatusCode};
use opsknight_tests::{Integration, World, receiver::Receiver};
use serde_json::{Value, json};

use crate::browser::Browser;

async fn opened(world: &World) -> (Integration, String) {
    let integration = world.integration("webhook").await;
    let alert = json!({ "summary": "Disk full", "severity": "critical", "dedup_key": "disk", "host": "db-1" });
    let id = world.accepted(&integration, alert).await["incident"]["id"].clone();
    (integration, id.as_str().expect("an id").to_owned())
}

async fn read(world: &World, id: &str) -> Value {
    world.get(&format!("/api/incidents/{id}")).await["incident"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_open_is_on_the_first_page_the_urgent_first() {
    let world = World::start().await;
    let browser = Browser::logged_in(&world).await;
    browser
        .page("/")
        .await
        .says("Nobody is needed: no incident is open.");
    let integration = world.integration("webhook").await;
    for (key, severity) in [
        ("quiet", "info"),
        ("loud", "critical"),
        ("middle", "warning"),
        ("over", "error"),
    ] {
        let alert =
            json!({ "summary": format!("It is {key}"), "severity": severity, "dedup_key": key });
        world.accepted(&integration, alert).await;
    }
    world
        .accepted(&integration, json!({ "dedup_key": "over", "status": "ok" }))
        .await;
    let page = browser.page("/").await;
    page.says("3 open").is_silent_on("It is over");
    let text = page.text();
    let at = |what: &str| text.find(what).expect("it is there");
    assert!(at("It is loud") < at("It is middle") && at("It is middle") < at("It is quiet"));

    let all = browser.page("/incidents").await;
    all.says("It is over");
    browser
        .page("/incidents?urgency=HIGH")
        .await
        .says("It is loud")
        .is_silent_on("It is middle");
    let wrong = browser.get("/incidents?status=NONSENSE").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    wrong.says("expected");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_says_why_it_was_opened() {
    let world = World::start().await;
    let browser = Browser::logged_in(&world).await;
    let (_, id) = opened(&world).await;
    let page = browser.page(&format!("/incidents/{id}")).await;
    page.says("Disk full")
        .says("High")
        .says("incident.created")
        .says("\"host\": \"db-1\"")
        .says("service of webhook");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_bring_about_the_same_events_as_the_api() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let browser = Browser::logged_in(&world).await;
    let integration = world.integration("webhook").await;
    world.webhook(receiver.url(), &integration.service).await;
    let alert = json!({ "summary": "Disk full", "severity": "critical", "dedup_key": "disk" });
    let id = world.accepted(&integration, alert).await["incident"]["id"].clone();
    let id = id.as_str().expect("an id");
    let (page, action) = (
        format!("/incidents/{id}"),
        format!("/incidents/{id}/status"),
    );
    let home = browser.page("/").await;
    let answer = browser
        .submit(&home, &action, &[("status", "ACKNOWLEDGED")])
        .await;
    assert_eq!(answer.location(), "/");
    browser
        .page("/")
        .await
        .says("0 open")
        .says("Acknowledged (1)");

    for (fields, shown) in [
        (
            &[("status", "SNOOZED"), ("snoozeMinutes", "60")][..],
            "Snoozed until",
        ),
        (&[("status", "SUPPRESSED")], "Suppressed"),
        (&[("status", "OPEN")], "Open"),
        (&[("status", "RESOLVED")], "Resolved"),
    ] {
        let before = browser.page(&page).await;
        let answer = browser.submit(&before, &action, fields).await;
        assert_eq!(answer.location(), page);
        browser.page(&page).await.says(shown);
    }
    let before = browser.page(&page).await;
    browser
        .submit(&before, &action, &[("status", "OPEN")])
        .await;
    let edit = browser.page(&format!("{page}/edit")).await;
    let fields = [
        ("title", "Disk very full"),
        ("urgency", "HIGH"),
        ("assignee.name", "Ada"),
        ("description", ""),
        ("priority", "P1"),
    ];
    browser
        .submit(&edit, &format!("{page}/edit"), &fields)
        .await;
    browser
        .page(&page)
        .await
        .says("Disk very full")
        .says("Ada")
        .says("P1");

    let arrivals = receiver.count(8).await;
    let events: Vec<&str> = arrivals.iter().map(|arrival| arrival.event()).collect();
    assert_eq!(
        events,
        [
            "incident.created",
            "incident.acknowledged",
            "incident.snoozed",
            "incident.suppressed",
            "incident.updated",
            "incident.resolved",
            "incident.updated",
            "incident.updated",
        ]
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_late_sees_the_incident_as_it_is_and_changes_nothing() {
    let world = World::start().await;
    let browser = Browser::logged_in(&world).await;
    let (_, id) = opened(&world).await;
    let (page, action) = (
        format!("/incidents/{id}"),
        format!("/incidents/{id}/status"),
    );
    let (seen, edit) = (
        browser.page(&page).await,
        browser.page(&format!("{page}/edit")).await,
    );
    world
        .api(
            Method::PATCH,
            &format!("/api{page}"),
            json!({ "status": "ACKNOWLEDGED" }),
        )
        .await
        .expect(StatusCode::OK);
    let late = browser
        .submit(&seen, &action, &[("status", "RESOLVED")])
        .await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
    late.says("Somebody was faster")
        .says("incident.acknowledged by")
        .says("Acknowledged");
    assert_eq!(read(&world, &id).await["status"], "ACKNOWLEDGED");
    // The page that answers bears the new version.
    let again = browser
        .submit(&late, &action, &[("status", "RESOLVED")])
        .await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    // The same form a second time: it is late now.
    let twice = browser
        .submit(&late, &action, &[("status", "RESOLVED")])
        .await;
    assert_eq!(twice.status, StatusCode::PRECONDITION_FAILED);

    let fields = [("title", "Mine"), ("urgency", "LOW")];
    let late = browser
        .submit(&edit, &format!("{page}/edit"), &fields)
        .await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
    late.says("Somebody was faster");
    assert_eq!(late.typed(&format!("{page}/edit"), "title"), "Mine");
    let now = read(&world, &id).await;
    assert_eq!(
        (&now["title"], &now["status"]),
        (&json!("Disk full"), &json!("RESOLVED"))
    );
    // A form without a version changes nothing.
    let without = browser.post(&action, &[("status", "OPEN")]).await;
    assert_eq!(without.status, StatusCode::BAD_REQUEST);
    assert_eq!(read(&world, &id).await["status"], "RESOLVED");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn problems_are_shown_beside_what_was_typed() {
    let world = World::start().await;
    let browser = Browser::logged_in(&world).await;
    let (integration, id) = opened(&world).await;
    let form = browser.page("/incidents/new").await;
    let long = "x".repeat(501);
    let fields = [
        ("title", long.as_str()),
        ("serviceId", &integration.service),
        ("urgency", "HIGH"),
        ("priority", "P1"),
    ];
    let wrong = browser.submit(&form, "/incidents", &fields).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    wrong.says("expected text of 1 to 500 characters");
    assert_eq!(wrong.typed("/incidents", "title"), long);
    assert_eq!(wrong.typed("/incidents", "priority"), "P1");
    let fields = [
        ("title", "By hand"),
        ("serviceId", &integration.service),
        ("urgency", "HIGH"),
    ];
    let right = browser.submit(&form, "/incidents", &fields).await;
    browser
        .follow(&right)
        .await
        .says("By hand")
        .says("by admin");

    let (page, note) = (format!("/incidents/{id}"), format!("/incidents/{id}/note"));
    let empty = browser.post(&note, &[("note", " ")]).await;
    assert_eq!(empty.status, StatusCode::BAD_REQUEST);
    let added = browser
        .post(&note, &[("note", "called the vendor\r\nthey look")])
        .await;
    assert_eq!(added.location(), page);
    browser
        .page(&page)
        .await
        .says("called the vendor they look");
    world.stop().await;
}
