//! Services, integrations and the queue.

use http::{Method, StatusCode};
use opsknight_tests::World;
use serde_json::json;

use crate::browser::Browser;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_and_its_integration_are_set_up() {
    let world = World::start().await;
    let browser = Browser::logged_in(&world).await;
    let wrong = browser
        .post("/services", &[("name", ""), ("description", "d")])
        .await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let created = browser
        .post(
            "/services",
            &[("name", "Checkout"), ("description", "pays")],
        )
        .await;
    let service = created.location().to_owned();
    let page = browser.follow(&created).await;
    page.says("Checkout")
        .says("pays")
        .says("nothing can report on this service yet");

    let action = format!("{service}/integrations");
    let wrong = browser
        .submit(
            &page,
            &action,
            &[
                ("type", "webhook"),
                ("name", ""),
                ("signatureSecret", "hush-hush"),
            ],
        )
        .await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    wrong.says("type it again").is_silent_on("hush-hush");
    let added = browser
        .submit(
            &page,
            &action,
            &[("type", "prometheus"), ("name", "Alertmanager")],
        )
        .await;
    assert_eq!(
        added.status,
        StatusCode::OK,
        "no redirect: it would have to carry the key"
    );
    let key = added.secret();
    assert_eq!(key.len(), 32);
    let list = world.get(&format!("/api{action}")).await;
    let integration = &list["integrations"][0];
    added.says(integration["url"].as_str().expect("a URL"));
    let id = integration["id"].as_str().expect("an id");
    let page = format!("{service}/integrations/{id}");
    assert!(added.html.contains(&format!("data-here=\"{page}\"")));
    let shown = browser.page(&page).await;
    shown
        .is_silent_on(&key)
        .says("Alertmanager")
        .says(integration["url"].as_str().expect("a URL"));
    browser.page(&service).await.is_silent_on(&key);

    let rotated = browser.post(&format!("{page}/rotate-key"), &[]).await;
    assert_ne!(rotated.secret(), key);
    let fields = [
        ("name", "AM"),
        ("rateLimitPerMinute", "7"),
        ("requireKey", "true"),
        ("settings", "{\"a\":1}"),
    ];
    assert_eq!(
        browser
            .submit(&shown, &format!("{page}/edit"), &fields)
            .await
            .location(),
        page
    );
    let now = world.get(&format!("/api{page}")).await["integration"].clone();
    assert_eq!(
        (
            &now["name"],
            &now["rateLimitPerMinute"],
            &now["requireKey"],
            &now["settings"]
        ),
        (&json!("AM"), &json!(7), &json!(true), &json!({ "a": 1 }))
    );
    let fields = [
        ("name", "typed"),
        ("settings", "{no json"),
        ("rateLimitPerMinute", "7"),
    ];
    let wrong = browser
        .submit(&shown, &format!("{page}/edit"), &fields)
        .await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    wrong.says("this is not JSON").says("{no json");
    browser
        .submit(&shown, &format!("{page}/enabled"), &[("enabled", "false")])
        .await;
    browser.page(&page).await.says("Disabled");

    let gone = browser.submit(&shown, &format!("{page}/delete"), &[]).await;
    assert_eq!(gone.location(), service);
    assert_eq!(browser.get(&page).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        browser
            .post(&format!("{service}/delete"), &[])
            .await
            .location(),
        "/services"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejected_requests_are_in_the_log_with_the_reason() {
    let world = World::start().await;
    let browser = Browser::logged_in(&world).await;
    let integration = world.integration("prometheus").await;
    world
        .send(
            Method::POST,
            &integration.url,
            &[("content-type", "application/json")],
            "{broken",
        )
        .await
        .expect(StatusCode::BAD_REQUEST);
    let page = format!(
        "/services/{}/integrations/{}",
        integration.service, integration.id
    );
    browser
        .page(&page)
        .await
        .says("answered 400")
        .says("{broken");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queue_is_shown_and_moved_back() {
    let world = World::start().await;
    let browser = Browser::logged_in(&world).await;
    let page = browser.page("/queue").await;
    page.says("Waiting").says("Given up");
    let moved = browser.submit(&page, "/queue/redrive", &[]).await;
    browser.follow(&moved).await.says("Latest redrive");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn maintenance_and_the_other_options_of_a_service_are_set() {
    let world = World::start().await;
    let browser = Browser::logged_in(&world).await;
    let service = format!("/services/{}", world.service("Checkout").await);
    let action = format!("{service}/options");
    let page = browser.page(&service).await;
    let window = [
        ("window.from", "2020-01-01T00:00"),
        ("window.until", "2999-01-01T00:00:30"),
        ("window.reason", "moving house"),
    ];
    let wrong = browser
        .submit(
            &page,
            &action,
            &[&window[..], &[("autoResolveAfterHours", "0")]].concat(),
        )
        .await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    wrong.says("expected a number from 1 to");
    assert_eq!(wrong.typed(&action, "window.reason"), "moving house");

    let fields = [
        &window[..],
        &[("autoResolveAfterHours", "24"), ("defaultUrgency", "LOW")],
    ]
    .concat();
    assert_eq!(
        browser.submit(&page, &action, &fields).await.location(),
        service
    );
    let now = world.get(&format!("/api{service}")).await["service"].clone();
    assert_eq!(
        (&now["autoResolveAfterHours"], &now["defaultUrgency"]),
        (&json!(24), &json!("LOW"))
    );
    browser
        .page(&service)
        .await
        .says("2020-01-01 00:00:00 UTC until 2999-01-01 00:00:30 UTC: moving house");

    let id = service.rsplit('/').next().expect("an id");
    let integration = world
        .integration_of(id, json!({ "type": "webhook", "name": "w" }))
        .await;
    let alert = json!({ "id": 1, "summary": "Door open" });
    let incident = world.accepted(&integration, alert).await["incident"]["id"].clone();
    browser
        .page("/")
        .await
        .says("Suppressed (1)")
        .says("maintenance");
    let incident = format!("/incidents/{}", incident.as_str().expect("an id"));
    browser.page(&incident).await.says("moving house");

    // A window that stays ticked stays; one that does not is gone.
    let window = now["maintenanceWindows"][0].to_string();
    browser
        .submit(&page, &action, &[("maintenanceWindows", &window)])
        .await;
    let kept = world.get(&format!("/api{service}")).await["service"].clone();
    assert_eq!(kept["maintenanceWindows"], now["maintenanceWindows"]);
    assert_eq!(kept["autoResolveAfterHours"], json!(null));
    browser.submit(&page, &action, &[]).await;
    let none = world.get(&format!("/api{service}")).await["service"].clone();
    assert_eq!(none["maintenanceWindows"], json!([]));
    world.stop().await;
}
