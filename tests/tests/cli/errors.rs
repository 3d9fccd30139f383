//! Exit codes, and what is said with them.

use std::process::Stdio;

use opsknight_tests::World;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::program::{BINARY, Cli};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_failure_has_its_code() {
    let world = World::start().await;
    let cli = Cli::of(&world);
    cli.run(&["incidents", "frobnicate"])
        .await
        .failed(2, "frobnicate");
    cli.run(&["--listen", "127.0.0.1:1", "incidents", "list"])
        .await
        .failed(2, "--listen");
    cli.run(&["send", "--severity", "info", "--key", "x"])
        .await
        .failed(2, "--summary");
    cli.run(&["send", "--summary", "s", "--severity", "info"])
        .await
        .failed(2, "--service");
    cli.run(&["send", "--action", "resolve", "--key", "x"])
        .await
        .failed(2, "--dedup-key");
    cli.run(&["services", "list", "--url", "gopher://x"])
        .await
        .failed(2, "--url");
    let missing = "inc_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    cli.run(&["incidents", "show", missing])
        .await
        .failed(4, "no such incident");
    cli.run(&["webhooks", "test", "nobody"])
        .await
        .failed(4, "no webhook nobody");
    cli.run(&["integrations", "list", "../services"])
        .await
        .failed(4, "no service");
    let run = cli.run(&["incidents", "list", "--cursor", "x"]).await;
    run.failed(1, "cursor");
    let run = cli.run(&["services", "create", &"x".repeat(101)]).await;
    run.failed(1, "name: expected text of 1 to 100 characters");
    assert!(run.err.contains("\n  name: "), "{run:?}");

    let line = ["services", "list"];
    Cli::at(world.url(), "ok_wrong-token")
        .run(&line)
        .await
        .failed(5, "not valid");
    cli.run_in(&line, &[("OPSKNIGHT_TOKEN", "")])
        .await
        .failed(5, "OPSKNIGHT_TOKEN");
    cli.run_in(&line, &[("OPSKNIGHT_TOKEN", "new\nline")])
        .await
        .failed(2, "characters");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_reached_is_told() {
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let closed = free.local_addr().expect("an address");
    drop(free);
    let line = ["services", "list"];
    let cli = Cli::at(&format!("http://{closed}"), "ok_token");
    cli.run(&line).await.failed(3, "cannot be reached");
    // TLS is there, and does not take anything for it.
    let world = World::start().await;
    let cli = Cli::at(&world.url().replace("http:", "https:"), "ok_token");
    cli.run(&line).await.failed(3, "cannot be reached");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn completion_and_help_need_no_server() {
    let cli = Cli::at("http://127.0.0.1:1", "ok_token-of-the-environment");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = cli.prints(&["completion", shell]).await;
        assert!(
            script.contains("redeliver") && script.contains("opsknight"),
            "{shell}"
        );
    }
    let help = cli.prints(&["--help"]).await;
    assert!(
        help.contains("Exit codes:") && help.contains("OPSKNIGHT_TOKEN"),
        "{help}"
    );
    let key = [("OPSKNIGHT_INTEGRATION_KEY", "the-integration-key")];
    let help = cli.run_in(&["send", "--help"], &key).await;
    assert!(!help.out.contains("the-integration-key"), "{help:?}");
    cli.run(&["completion", "abacus"]).await.failed(2, "abacus");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_goes_away_is_no_error() {
    let cli = Cli::at("http://127.0.0.1:1", "ok_token");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = cli.command(&["completion", "bash"]);
    command.stdout(writer).stderr(Stdio::piped());
    let output = command
        .spawn()
        .expect("it starts")
        .wait_with_output()
        .await
        .expect("it ends");
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_is_the_server() {
    let mut child = tokio::process::Command::new(BINARY)
        .args(["serve", "--listen", "127.0.0.1:0", "--ephemeral"])
        .env("OPSKNIGHT_LOG", "error")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let first = lines.next_line().await.expect("a line").expect("a line");
    let url = first
        .strip_prefix("OpsKnight Webhooks on ")
        .expect("where it is");
    let printed = Cli::at(url, "ok_none").prints(&["health", "--ready"]).await;
    assert!(
        printed
            .lines()
            .any(|line| line.starts_with("status ") && line.ends_with(" ready")),
        "{printed}"
    );
    child.kill().await.expect("it was running");
}
