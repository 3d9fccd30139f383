//! Webhooks: set up, in trouble, sent again.

use http::StatusCode;
use opsknight::stack::Settings;
use opsknight_tests::{World, receiver::Receiver, wait};
use serde_json::{Value, json};

use crate::browser::Browser;

fn page_of(webhook: &Value) -> String {
    format!("/webhooks/{}", webhook["id"].as_str().expect("an id"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_created_tested_and_changed() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let browser = Browser::logged_in(&world).await;
    let form = browser.page("/webhooks/new").await;
    let typed = [
        ("name", "Pager"),
        ("url", "no address"),
        ("format", "opsknight"),
        ("ordering", "incident"),
        ("events", "incident.created"),
    ];
    let wrong = browser.submit(&form, "/webhooks", &typed).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert_eq!(wrong.typed("/webhooks", "url"), "no address");
    assert!(wrong.html.contains("value=\"incident.created\" checked"));

    let mut typed = typed;
    typed[1].1 = receiver.url();
    let preview = [&typed[..], &[("do", "preview")]].concat();
    let shown = browser.submit(&form, "/webhooks", &preview).await;
    shown
        .says("Nothing was sent or saved")
        .says("\"event\": \"incident.created\"");
    assert_eq!(
        world.get("/api/status-page/webhooks").await["webhooks"],
        json!([])
    );

    let typed = [
        &typed[..],
        &[
            ("headers", "X-Team: payments\r\nX-Other: a:b"),
            ("events", "incident.resolved"),
        ],
    ]
    .concat();
    let created = browser.submit(&form, "/webhooks", &typed).await;
    assert_eq!(
        created.status,
        StatusCode::OK,
        "no redirect: it would have to carry the secret"
    );
    let secret = created.secret();
    assert!(secret.starts_with("whsec_"));
    let webhook = world.get("/api/status-page/webhooks").await["webhooks"][0].clone();
    assert_eq!(
        webhook["events"],
        json!(["incident.created", "incident.resolved"])
    );
    let page = page_of(&webhook);
    let shown = browser.page(&page).await;
    shown
        .is_silent_on(&secret)
        .says("Works")
        .says("X-Other, X-Team");

    let tested = browser
        .submit(
            &shown,
            &format!("{page}/test"),
            &[("event", "incident.resolved")],
        )
        .await;
    tested.says("The test was accepted").says("answered 200");
    let arrived = receiver.count(1).await;
    assert_eq!(arrived[0].event(), "incident.resolved");
    assert_eq!(arrived[0].header("x-other"), "a:b");

    let rotated = browser
        .submit(
            &shown,
            &format!("{page}/rotate-secret"),
            &[("overlapSeconds", "3600")],
        )
        .await;
    assert_ne!(rotated.secret(), secret);
    browser
        .page(&page)
        .await
        .is_silent_on(&rotated.secret())
        .says("Old secret valid until");

    browser
        .submit(&shown, &format!("{page}/enabled"), &[("enabled", "false")])
        .await;
    let edit = browser.page(&format!("{page}/edit")).await;
    let fields = [
        ("name", "Other"),
        ("url", receiver.url()),
        ("events", "incident.created"),
        ("format", "opsknight"),
        ("ordering", "none"),
        ("filter.urgencies", "HIGH"),
    ];
    assert_eq!(
        browser
            .submit(&edit, &format!("{page}/edit"), &fields)
            .await
            .location(),
        page
    );
    let now = world.get(&format!("/api/status-page{page}")).await["webhook"].clone();
    assert_eq!(
        (
            &now["name"],
            &now["ordering"],
            &now["filter"]["urgencies"],
            &now["enabled"]
        ),
        (
            &json!("Other"),
            &json!("none"),
            &json!(["HIGH"]),
            &json!(false)
        ),
        "saving enables nothing"
    );
    assert_eq!(
        now["headers"].as_object().map(serde_json::Map::len),
        Some(2),
        "what was not typed stays"
    );
    assert_eq!(
        browser
            .submit(&shown, &format!("{page}/delete"), &[])
            .await
            .location(),
        "/webhooks"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_webhook_says_so_since_when_and_why() {
    let world = World::with(Settings {
        retry_schedule: Some(["1s"; 60].join(",").parse().expect("a schedule")),
        breaker: Some(
            "failures=2,pauses=1s,warn=1s,disable=3s"
                .parse()
                .expect("a policy"),
        ),
        ..Settings::default()
    })
    .await;
    let receiver = Receiver::answering(|_, _| StatusCode::BAD_GATEWAY).await;
    let browser = Browser::logged_in(&world).await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    let page = page_of(&webhook);
    world.accepted(&integration, json!({ "id": 1 })).await;
    let failing = wait::until("an open breaker", || async {
        let shown = browser.page(&page).await;
        let text = shown.text();
        (text.contains("Breaker open") && text.contains("Warned")).then_some(shown)
    })
    .await;
    failing
        .says("failures in a row since")
        .says("answered 502")
        .says("Failing since")
        .says("Retrying");
    browser
        .page("/")
        .await
        .says("Webhooks in trouble")
        .says("receiver");
    browser.page("/webhooks").await.says("failures in a row");

    world
        .webhook_when(&webhook, |shown| shown["enabled"] == false)
        .await;
    let disabled = browser.page(&page).await;
    disabled
        .says("Disabled by the system")
        .says("nothing but failures since")
        .says("disabled by delivery");
    browser.page("/").await.says("Disabled by the system");
    let enabled = browser
        .submit(
            &disabled,
            &format!("{page}/enabled"),
            &[("enabled", "true")],
        )
        .await;
    browser
        .follow(&enabled)
        .await
        .says("Works")
        .says("enabled by admin");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_is_sent_again() {
    let world = World::with(Settings {
        retry_schedule: Some("1s".parse().expect("a schedule")),
        breaker: Some("failures=100".parse().expect("a policy")),
        ..Settings::default()
    })
    .await;
    let receiver = Receiver::answering(|_, before| {
        if before.len() < 2 {
            StatusCode::IM_A_TEAPOT
        } else {
            StatusCode::OK
        }
    })
    .await;
    let browser = Browser::logged_in(&world).await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    let page = page_of(&webhook);
    let result = world.accepted(&integration, json!({ "id": 1 })).await;
    let failed = world
        .delivery(&webhook, |one| one["status"] == "FAILED")
        .await;
    let delivery = format!(
        "{page}/deliveries/{}",
        failed["id"].as_str().expect("an id")
    );
    browser
        .page(&page)
        .await
        .says("Failed")
        .says("answered 418");
    browser
        .page(&format!("{page}/deliveries?status=FAILED"))
        .await
        .says("incident.created");
    let shown = browser.page(&delivery).await;
    shown
        .says("Attempt 2")
        .says("answered 418")
        .says("x-webhook-attempt: 2");
    let incident = result["incident"]["id"].as_str().expect("an id");
    browser
        .page(&format!("/incidents/{incident}/deliveries"))
        .await
        .says("Failed");

    let counting = [("since", "2020-01-01T00:00"), ("dryRun", "true")];
    let overview = browser.page(&page).await;
    browser
        .submit(&overview, &format!("{page}/recover"), &counting)
        .await
        .says("1 deliveries would be sent again. Nothing was done.");
    let wrong = browser
        .submit(&overview, &format!("{page}/recover"), &[("since", "")])
        .await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    wrong.says("is required");

    let sent = browser
        .submit(&shown, &format!("{delivery}/redeliver"), &[])
        .await;
    browser
        .follow(&sent)
        .await
        .says("It is queued and will be sent again.");
    world
        .delivery(&webhook, |one| one["status"] == "DELIVERED")
        .await;
    assert_eq!(
        receiver
            .arrivals()
            .last()
            .map(|last| last.header("x-webhook-attempt").to_owned())
            .as_deref(),
        Some("3")
    );
    browser.page(&delivery).await.says("Delivered");
    world.stop().await;
}
