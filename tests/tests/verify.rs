//! The programs of `docs/verify`, run against real deliveries.

use std::{io::Write as _, path::Path};

use opsknight_tests::{
    World,
    receiver::{Arrival, Receiver},
};
use serde_json::{Value, json};
use tokio::process::Command;

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/verify");

/// A program, and how it is called.
struct Program {
    name: &'static str,
    command: Vec<String>,
}

/// Those whose language is on this machine.
async fn programs(folder: &Path) -> Vec<Program> {
    let rust = env!("CARGO_BIN_EXE_verify").to_owned();
    let mut programs = vec![Program {
        name: "Rust",
        command: vec![rust],
    }];
    for (name, tool, version, file) in [
        ("Python", "python3", "--version", "verify.py"),
        ("Node", "node", "--version", "verify.mjs"),
        ("Go", "go", "version", "verify.go"),
    ] {
        let found = Command::new(tool).arg(version).output().await;
        if !found.is_ok_and(|output| output.status.success()) {
            // Past the test harness, which keeps a passing test's output.
            let line = format!("SKIPPED: {file} is not run, {tool} is not installed\n");
            std::io::stderr()
                .write_all(line.as_bytes())
                .expect("stderr");
            continue;
        }
        let file = format!("{DOCS}/{file}");
        let mut command = vec![tool.to_owned(), file.clone()];
        if tool == "go" {
            // Compiled once: `go run` would link it for every case.
            let binary = folder.join("verify-go").display().to_string();
            let built = Command::new(tool)
                .args(["build", "-o", &binary, &file])
                .status()
                .await;
            assert!(
                built.expect("go runs").success(),
                "verify.go does not build"
            );
            command = vec![binary];
        }
        programs.push(Program { name, command });
    }
    programs
}

/// Whether the program finds this delivery valid.
async fn verdict(
    program: &Program,
    folder: &Path,
    secret: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> bool {
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect();
    let (headers_file, body_file) = (folder.join("headers"), folder.join("body"));
    std::fs::write(&headers_file, lines).expect("a file");
    std::fs::write(&body_file, body).expect("a file");
    let output = Command::new(&program.command[0])
        .args(&program.command[1..])
        .arg(secret)
        .args([&headers_file, &body_file])
        .output()
        .await
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    match (output.status.code(), said.as_str()) {
        (Some(0), "valid") => true,
        (Some(1), "invalid") => false,
        _ => panic!("{}: {output:?}", program.name),
    }
}

fn headers_of(arrival: &Arrival) -> Vec<(String, String)> {
    let pairs = arrival.headers.iter();
    pairs
        .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
        .collect()
}

/// The same headers with another value of one.
fn with(headers: &[(String, String)], name: &str, value: &str) -> Vec<(String, String)> {
    let changed = headers.iter().cloned();
    changed
        .map(|(key, old)| {
            let new = if key == name { value.to_owned() } else { old };
            (key, new)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_programs_verify_real_deliveries() {
    let world = World::start().await;
    let receiver = Receiver::start().await;
    let integration = world.integration("webhook").await;
    let folder = tempfile::tempdir().expect("a folder");
    let programs = programs(folder.path()).await;
    let given = "é😀 a secret of its own, 16+";
    for secret in [Value::Null, json!(given), json!("whsec_no base64 at all")] {
        let mut body = json!({
            "name": "verified",
            "url": receiver.url(),
            "events": ["incident.created"],
            "filter": { "serviceIds": [integration.service] },
        });
        if !secret.is_null() {
            body["secret"] = secret;
        }
        let webhook = world.webhook_of(body).await;
        let secret = webhook["secret"].as_str().expect("a secret").to_owned();
        let before = receiver.arrivals().len();
        let alert = json!({ "id": before, "title": "é😀 \u{feff}\"<&>", "details": {"a": "\n"} });
        world.accepted(&integration, alert).await;
        // Earlier webhooks hear of it as well.
        let mine = |one: &&Arrival| !one.header("webhook-signature").is_empty();
        let signature = |one: &Arrival| {
            common::signing::body_signature(&secret, &one.bytes)
                == one.header("x-webhook-signature")
        };
        let arrivals = receiver
            .until("this webhook's delivery", |all| all.iter().any(signature))
            .await;
        let arrival = arrivals.iter().filter(mine).find(|one| signature(one));
        let arrival = arrival.expect("the delivery");
        for program in &programs {
            assert_verifies(program, folder.path(), &secret, arrival).await;
        }
    }
    world.stop().await;
}

async fn assert_verifies(program: &Program, folder: &Path, secret: &str, arrival: &Arrival) {
    let (name, headers, body) = (program.name, headers_of(arrival), arrival.bytes.as_ref());
    let check = async |secret: &str, headers: &[(String, String)], body: &[u8]| {
        verdict(program, folder, secret, headers, body).await
    };
    assert!(check(secret, &headers, body).await, "{name}: as it came");

    let right = arrival.header("webhook-signature");
    let both = format!("v1,{} {right} v2,other", "A".repeat(43) + "=");
    let rotated = with(&headers, "webhook-signature", &both);
    assert!(
        check(secret, &rotated, body).await,
        "{name}: two signatures"
    );

    let mut tampered = body.to_vec();
    tampered[10] ^= 1;
    assert!(
        !check(secret, &headers, &tampered).await,
        "{name}: another body"
    );
    assert!(!check(secret, &headers, b"").await, "{name}: no body");
    let other = format!("{secret}x");
    assert!(
        !check(&other, &headers, body).await,
        "{name}: another secret"
    );
    for (header, value) in [
        ("webhook-id", "evt_other"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-timestamp", "soon"),
        ("webhook-timestamp", ""),
        ("webhook-signature", ""),
        ("webhook-signature", "v1,"),
        ("webhook-signature", "v1,é"),
        ("webhook-signature", &right[3..]),
    ] {
        let changed = with(&headers, header, value);
        let valid = check(secret, &changed, body).await;
        assert!(!valid, "{name}: {header} is {value:?}");
    }
    assert!(!check(secret, &[], body).await, "{name}: no headers");
}

#[test]
fn the_readme_shows_the_program_that_is_run() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let read = |path: &str| std::fs::read_to_string(format!("{root}/{path}")).expect(path);
    let readme = read("README.md");
    for (file, start, end) in [
        ("verify.mjs", "/** headers:", "\n\nfunction main"),
        ("verify.py", "def verify(", "\n\n\ndef main"),
        ("verify.go", "// Verify takes", "\n\nfunc main"),
        ("verify.rs", "/// `headers`:", "\n\nfn main"),
    ] {
        let program = read(&format!("docs/verify/{file}"));
        let start = program.find(start).expect("the function");
        let end = program.find(end).expect("its end");
        assert!(readme.contains(&program[start..end]), "{file}");
        assert!(readme.contains(&format!("(docs/verify/{file})")), "{file}");
    }
}
