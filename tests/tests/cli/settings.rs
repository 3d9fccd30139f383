//! Services and integrations.

use opsknight_tests::World;

use crate::program::{Cli, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_and_integrations_are_created_and_listed() {
    let world = World::start().await;
    let cli = Cli::of(&world);
    let created = cli
        .prints(&["services", "create", "checkout", "--description", "pays"])
        .await;
    assert!(
        created.starts_with("id  ") && created.contains(" svc_"),
        "{created}"
    );
    assert!(
        created.contains("\nname  ") && created.contains(" checkout\n"),
        "{created}"
    );
    let second = cli.json(&["services", "create", "search"]).await;
    let search = text(&second["service"]["id"]);

    let create = [
        "integrations",
        "create",
        "checkout",
        "--type",
        "prometheus",
        "--require-key",
    ];
    let integration = cli.json(&create).await["integration"].clone();
    assert_eq!(text(&integration["key"]).len(), 32);
    assert_eq!(
        (&integration["name"], &integration["requireKey"]),
        (&"prometheus".into(), &true.into())
    );
    let secret = [("OPSKNIGHT_SIGNATURE_SECRET", "of-the-tool")];
    let line = [
        "integrations",
        "create",
        search,
        "--type",
        "github",
        "--name",
        "builds",
        "--rate-limit",
        "5",
    ];
    let created = cli.run_in(&line, &secret).await.ok(&line);
    assert!(
        created.contains("hasSignatureSecret  true") && !created.contains("of-the-tool"),
        "{created}"
    );

    let listed = cli.prints(&["services", "list"]).await;
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(
        lines[0].starts_with("ID ") && lines[1].contains("  checkout  pays "),
        "{listed}"
    );
    // The JSON is the API's, to the byte.
    let printed = cli.prints(&["services", "list", "--json"]).await;
    let bearer = format!("Bearer {}", world.admin_key());
    let answer = world
        .send(
            http::Method::GET,
            "/api/services",
            &[("authorization", &bearer)],
            "",
        )
        .await;
    assert_eq!(printed.trim_end().as_bytes(), &answer.bytes[..]);

    let of_one = cli.json(&["integrations", "list", "checkout"]).await;
    assert_eq!(of_one["integrations"].as_array().map(Vec::len), Some(1));
    let of_all = cli.json(&["integrations", "list"]).await;
    assert_eq!(of_all["integrations"].as_array().map(Vec::len), Some(2));
    let listed = cli.prints(&["integrations", "list"]).await;
    assert!(
        listed.contains("prometheus") && listed.contains("github"),
        "{listed}"
    );

    cli.prints(&["services", "create", "search"]).await;
    let run = cli.run(&["integrations", "list", "search"]).await;
    run.failed(1, "several services are named search");
    world.stop().await;
}
