//! Export and import.

use opsknight_tests::World;
use serde_json::{Value, json};

use crate::program::{Cli, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_is_exported_planned_and_imported() {
    let (here, there) = (World::start().await, World::start().await);
    let integration = here.integration("prometheus").await;
    here.webhook("https://example.com/hook", &integration.service)
        .await;
    let (from, to) = (Cli::of(&here), Cli::of(&there));
    let printed = from.prints(&["export"]).await;
    assert_eq!(from.prints(&["export", "-o", "config.json"]).await, "");
    let file = from.folder().join("config.json");
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), printed);
    assert!(!printed.contains("whsec_"));

    let file = file.to_str().expect("a path");
    let plan = to.prints(&["import", file, "--dry-run"]).await;
    assert!(
        plan.contains("3 created (dry run: nothing was changed)"),
        "{plan}"
    );
    assert!(!plan.contains("Shown this once"), "{plan}");
    let done = to.prints(&["import", file]).await;
    for said in [
        "created  service",
        "created  integration",
        "\n    key  ",
        "\n    secret  whsec_",
        "3 created\n",
    ] {
        assert!(done.contains(said), "{said} {done}");
    }
    assert_eq!(to.prints(&["export"]).await, printed);
    let again = to
        .run_with(&["import", "-", "--prune"], &printed)
        .await
        .ok(&["import"]);
    assert_eq!(again, "3 unchanged\n");

    // Without the webhook: left alone unless pruned.
    let mut less: Value = serde_json::from_str(&printed).expect("JSON");
    less["webhooks"] = json!([]);
    let less = less.to_string();
    let left = to.run_with(&["import", "-"], &less).await.ok(&["import"]);
    assert!(
        left.contains("skipped  webhook") && left.contains("2 unchanged"),
        "{left}"
    );
    let line = ["import", "-", "--prune", "--json"];
    let answer: Value =
        serde_json::from_str(&to.run_with(&line, &less).await.ok(&line)).expect("JSON");
    assert_eq!(answer["counts"]["deleted"], 1);
    assert_eq!(to.json(&["webhooks", "list"]).await["webhooks"], json!([]));
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_exported_when_asked_for_to_a_file_of_its_owner() {
    let world = World::start().await;
    let cli = Cli::of(&world);
    let integration = world.integration("webhook").await;
    let webhook = world
        .webhook("https://example.com/hook", &integration.service)
        .await;
    cli.prints(&["export", "--secrets", "--output", "all.json"])
        .await;
    let file = cli.folder().join("all.json");
    let written = std::fs::read_to_string(&file).expect("the file");
    assert!(written.contains(text(&webhook["secret"])));
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &file.metadata().expect("a file").permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
    }
    let run = cli.run(&["export", "-o", "no/such/folder/x.json"]).await;
    run.failed(1, "cannot be written");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_document_is_told_field_by_field() {
    let world = World::start().await;
    let cli = Cli::of(&world);
    let document = json!({ "version": 1, "services": [{ "name": "a" }], "webhooks": [{ "name": "w", "url": "nowhere" }] });
    let run = cli.run_with(&["import", "-"], &document.to_string()).await;
    run.failed(1, "webhooks[0].url");
    assert!(
        run.err.contains("\n  webhooks[0].events: is required"),
        "{run:?}"
    );
    cli.run_with(&["import", "-"], "no JSON")
        .await
        .failed(1, "not valid JSON");
    cli.run(&["import", "absent.json"])
        .await
        .failed(1, "absent.json cannot be read");
    assert_eq!(cli.json(&["services", "list"]).await["services"], json!([]));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_of_many_is_imported_whole() {
    let world = World::start().await;
    let cli = Cli::of(&world);
    let services: Vec<Value> = (0..300)
        .map(|number| json!({ "name": format!("s{number}") }))
        .collect();
    let document = json!({ "version": 1, "services": services }).to_string();
    let line = ["import", "-"];
    let done = cli.run_with(&line, &document).await.ok(&line);
    assert_eq!(done.matches("created  service").count(), 300, "{done}");
    let list = cli.json(&["services", "list"]).await;
    assert_eq!(list["services"].as_array().map(Vec::len), Some(300));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generated_secrets_can_be_kept_out_of_a_log() {
    let world = World::start().await;
    let cli = Cli::of(&world);
    let document = json!({ "version": 1, "webhooks": [
        { "name": "w", "url": "https://example.com/", "events": ["incident.created"] },
    ] })
    .to_string();
    let line = ["import", "-", "--secrets-to", "new.jsonl"];
    let printed = cli.run_with(&line, &document).await.ok(&line);
    assert!(
        printed.contains("1 created") && !printed.contains("whsec_"),
        "{printed}"
    );
    let file = cli.folder().join("new.jsonl");
    let kept = std::fs::read_to_string(&file).expect("the file");
    let kept: Value = serde_json::from_str(kept.trim_end()).expect("one line of JSON");
    assert_eq!(
        (&kept["kind"], &kept["name"]),
        (&json!("webhook"), &json!("w"))
    );
    assert!(text(&kept["secret"]).starts_with("whsec_"));
    // What is there is never written over, and an import without a place for
    // its secrets does not begin.
    let run = cli.run_with(&line, &document).await;
    run.failed(1, "new.jsonl cannot be written");
    let line = ["import", "-", "--secrets-to", "none.jsonl"];
    assert_eq!(
        cli.run_with(&line, &document).await.ok(&line),
        "1 unchanged\n"
    );
    assert!(!cli.folder().join("none.jsonl").exists());
    let line = ["import", "-", "--secrets-to", "x", "--json"];
    cli.run_with(&line, &document)
        .await
        .failed(2, "--secrets-to");
    world.stop().await;
}
