//! Debian's real Alertmanager against our intake. `.ci/run` installs it.

use std::{net::TcpListener, process::Stdio, time::Duration};

use common::time::Timestamp;
use http::{Method, StatusCode};
use opsknight_tests::{World, wait};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

const PROGRAM: &str = "prometheus-alertmanager";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_alertmanager_opens_and_closes_an_incident() {
    let installed = Command::new(PROGRAM)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
    if !installed.is_ok_and(|status| status.success()) {
        eprintln!(
            "SKIPPED: {PROGRAM} is not installed (apt-get install {PROGRAM}); .ci/run installs it"
        );
        return;
    }
    let world = World::start().await;
    let integration = world.integration("prometheus").await;
    let folder = tempfile::tempdir().expect("a folder");
    let config = format!(
        "route:\n  receiver: opsknight\n  group_wait: 0s\n  group_interval: 1s\n  repeat_interval: 1h\n\
         receivers:\n- name: opsknight\n  webhook_configs:\n  - url: '{}'\n    send_resolved: true\n",
        integration.url
    );
    std::fs::write(folder.path().join("alertmanager.yml"), config).expect("a configuration");
    let port = free_port();
    let _alertmanager = start(folder.path(), port);
    let api = format!("http://127.0.0.1:{port}/api/v2/alerts");

    let ends = Timestamp::now().after(Duration::from_secs(4));
    let alert = json!([{ "labels": { "alertname": "DiskFull", "severity": "critical", "instance": "db-1" },
                         "annotations": { "summary": "Disk full on db-1" }, "endsAt": ends }]);
    wait::until("Alertmanager takes the alert", || async {
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client");
        let sent = client.post(&api).json(&alert).send().await.ok()?;
        (sent.status() == StatusCode::OK).then_some(())
    })
    .await;

    let find = |status: &'static str| {
        let (world, service) = (&world, &integration.service);
        async move {
            let incidents = world.incidents(service).await;
            incidents.into_iter().find(|one| one["status"] == status)
        }
    };
    let open = wait::until("the incident", || find("OPEN")).await;
    assert_eq!(
        (&open["title"], &open["urgency"]),
        (&json!("Disk full on db-1"), &json!("HIGH"))
    );
    let resolved = wait::until("its end", || find("RESOLVED")).await;
    assert_eq!(resolved["id"], open["id"]);
    assert_eq!(world.incidents(&integration.service).await.len(), 1);
    let log = format!(
        "/api/services/{}/integrations/{}/requests",
        integration.service, integration.id
    );
    let rejected: Vec<Value> = world.get(&log).await["requests"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|one| one["statusCode"] != 200)
        .cloned()
        .collect();
    assert!(rejected.is_empty(), "{rejected:?}");
    let _ = world.send(Method::GET, "/api/health", &[], "").await;
    world.stop().await;
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn start(folder: &std::path::Path, port: u16) -> Child {
    Command::new(PROGRAM)
        .arg(format!(
            "--config.file={}",
            folder.join("alertmanager.yml").display()
        ))
        .arg(format!("--storage.path={}", folder.join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--cluster.listen-address=")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("Alertmanager starts")
}
