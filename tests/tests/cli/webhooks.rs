//! Webhooks and their deliveries.

use axum::http::StatusCode;
use opsknight_tests::{World, receiver::Receiver};
use serde_json::json;

use crate::program::{Cli, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_created_tested_and_looked_after() {
    let world = World::start().await;
    let (cli, receiver) = (Cli::of(&world), Receiver::start().await);
    let integration = world.integration("webhook").await;
    let create = [
        "webhooks",
        "create",
        "--name",
        "pager",
        "--to",
        receiver.url(),
        "--event",
        "incident.created,incident.resolved",
        "--service",
        "service of webhook",
        "--urgency",
        "high",
        "--header",
        "X-Team: blue",
        "--ordering",
        "none",
    ];
    let secret = [("OPSKNIGHT_WEBHOOK_SECRET", "sixteen-characters-of-secret")];
    let created = cli.run_in(&create, &secret).await.ok(&create);
    let shown = created.lines().find(|line| line.starts_with("secret "));
    assert!(
        shown.is_some_and(|line| line.ends_with(" sixteen-characters-of-secret")),
        "{created}"
    );
    let webhook = cli.json(&["webhooks", "show", "pager"]).await["webhook"].clone();
    let id = text(&webhook["id"]);
    assert_eq!(
        webhook["filter"],
        json!({ "serviceIds": [integration.service], "urgencies": ["HIGH"] })
    );
    assert_eq!(
        webhook["events"],
        json!(["incident.created", "incident.resolved"])
    );
    let listed = cli.prints(&["webhooks", "list"]).await;
    assert!(
        listed.contains(id) && listed.contains(receiver.url()),
        "{listed}"
    );

    let tested = cli
        .prints(&["webhooks", "test", "pager", "--event", "incident.resolved"])
        .await;
    assert!(tested.starts_with("delivered: 200 in "), "{tested}");
    assert_eq!(receiver.arrivals()[0].header("x-team"), "blue");

    let trigger = json!({ "title": "t", "severity": "critical", "id": 1 });
    world.accepted(&integration, trigger).await;
    let delivery = world
        .delivery(&webhook, |one| one["status"] == "DELIVERED")
        .await;
    let delivery = text(&delivery["id"]);
    let listed = cli
        .prints(&["webhooks", "deliveries", "pager", "--status", "delivered"])
        .await;
    assert!(
        listed.contains(&format!("{delivery}  DELIVERED  incident.created")),
        "{listed}"
    );
    let all = cli
        .json(&[
            "webhooks",
            "deliveries",
            id,
            "--all",
            "--since",
            "2020-01-01T00:00:00Z",
        ])
        .await;
    assert_eq!(all["deliveries"].as_array().map(Vec::len), Some(1));
    let shown = cli
        .prints(&["webhooks", "deliveries", "pager", delivery])
        .await;
    assert!(
        shown.contains("request.body") && shown.contains("x-webhook-signature"),
        "{shown}"
    );
    let queued = cli
        .prints(&["webhooks", "redeliver", "pager", delivery])
        .await;
    assert_eq!(queued, format!("queued {delivery}\n"));
    receiver.count(3).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_that_does_not_arrive_has_a_code_of_its_own() {
    let world = World::start().await;
    let cli = Cli::of(&world);
    let receiver = Receiver::answering(|_, _| StatusCode::IM_A_TEAPOT).await;
    let create = [
        "webhooks",
        "create",
        "--name",
        "w",
        "--to",
        receiver.url(),
        "--event",
        "incident.created",
        "--disabled",
    ];
    assert_eq!(cli.json(&create).await["webhook"]["enabled"], false);
    let run = cli.run(&["webhooks", "test", "w"]).await;
    run.failed(7, "not delivered");
    assert!(run.out.contains("418"), "{run:?}");
    let run = cli.run(&["webhooks", "test", "w", "--json"]).await;
    assert_eq!(run.code, 7);
    let answer: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(answer["delivered"], false);

    let template = cli.folder().join("t.json");
    std::fs::write(&template, "{\"text\": {{ data.title | tojson }}}").expect("a file");
    let mut create = vec![
        "webhooks",
        "create",
        "--name",
        "t",
        "--to",
        receiver.url(),
        "--event",
        "incident.created",
    ];
    create.extend(["--format", "template", "--template", "t.json"]);
    assert_eq!(cli.json(&create).await["webhook"]["format"], "template");
    create.pop();
    create.push("nowhere.json");
    cli.run(&create)
        .await
        .failed(1, "nowhere.json cannot be read");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_is_recovered() {
    let world = World::start().await;
    let cli = Cli::of(&world);
    let healthy = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let asked = healthy.clone();
    let receiver = Receiver::answering(move |_, _| {
        if asked.load(std::sync::atomic::Ordering::SeqCst) {
            StatusCode::OK
        } else {
            StatusCode::BAD_GATEWAY
        }
    })
    .await;
    let integration = world.integration("webhook").await;
    let webhook = world.webhook(receiver.url(), &integration.service).await;
    world.accepted(&integration, json!({ "id": 1 })).await;
    world
        .delivery(&webhook, |one| one["status"] == "FAILED")
        .await;
    healthy.store(true, std::sync::atomic::Ordering::SeqCst);
    let recover = [
        "webhooks",
        "recover",
        "receiver",
        "--since",
        "2020-01-01T00:00:00Z",
        "--status",
        "failed,skipped",
    ];
    let counted = cli.prints(&[&recover[..], &["--dry-run"]].concat()).await;
    assert_eq!(counted, "1 would be sent again\n");
    let done = cli.json(&recover).await;
    assert_eq!(
        done,
        json!({ "dryRun": false, "queued": 1, "skipped": 0, "nextCursor": null })
    );
    world
        .delivery(&webhook, |one| one["status"] == "DELIVERED")
        .await;
    assert_eq!(cli.prints(&recover).await, "0 queued, 0 skipped\n");
    world.stop().await;
}
