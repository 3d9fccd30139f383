//! Every file of tests/events through the built binary of its function, as
//! `sam local invoke` would send it, on an embedded table and embedded queues.

use std::{collections::BTreeSet, fs, path::PathBuf};

use http::{Method, StatusCode};
use opsknight_lambda_tests::Function;
use opsknight_tests::{World, receiver::Receiver, wait};
use serde_json::{Value, json};

/// Name of an event file, and the binary that takes it.
const FUNCTIONS: [(&str, &str); 13] = [
    ("apm", env!("CARGO_BIN_EXE_lambda-apm")),
    ("cicd", env!("CARGO_BIN_EXE_lambda-cicd")),
    ("clock", env!("CARGO_BIN_EXE_lambda-clock")),
    ("cloud", env!("CARGO_BIN_EXE_lambda-cloud")),
    ("console", env!("CARGO_BIN_EXE_lambda-console")),
    ("custom", env!("CARGO_BIN_EXE_lambda-custom")),
    ("delivery", env!("CARGO_BIN_EXE_lambda-delivery")),
    ("fanout", env!("CARGO_BIN_EXE_lambda-fanout")),
    ("incidents", env!("CARGO_BIN_EXE_lambda-incidents")),
    ("logs", env!("CARGO_BIN_EXE_lambda-logs")),
    ("metrics", env!("CARGO_BIN_EXE_lambda-metrics")),
    ("settings", env!("CARGO_BIN_EXE_lambda-settings")),
    ("uptime", env!("CARGO_BIN_EXE_lambda-uptime")),
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../events")
}

fn file(name: &str) -> Value {
    let text = fs::read_to_string(folder().join(name).with_extension("json")).expect(name);
    serde_json::from_str(&text).expect(name)
}

/// A stack that knows what the event files name; its webhook goes to `receiver`.
async fn configured(receiver: &Receiver) -> World {
    let world = World::start().await;
    let mut configuration = file("configuration");
    configuration["webhooks"][0]["url"] = json!(receiver.url());
    world
        .api(Method::POST, "/api/import", configuration)
        .await
        .expect(StatusCode::OK);
    world
}

async fn function(world: &World, name: &str) -> Function {
    let (_, binary) = FUNCTIONS
        .iter()
        .find(|(known, _)| *known == name)
        .unwrap_or_else(|| panic!("no function {name}"));
    let variables = world
        .stack()
        .expect("a stack of its own")
        .function_variables();
    Function::start(name, binary, &variables).await
}

/// The status and the body of a function's HTTP answer.
fn http_answer(answer: &Value) -> (u64, Value) {
    let body = answer["body"].as_str().unwrap_or_default();
    (
        answer["statusCode"].as_u64().expect("a status"),
        serde_json::from_str(body).unwrap_or(Value::Null),
    )
}

#[test]
fn every_event_file_has_its_function() {
    let files: BTreeSet<String> = fs::read_dir(folder())
        .expect("tests/events")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .filter(|name| name != "env" && name != "configuration")
        .collect();
    let functions: BTreeSet<String> = FUNCTIONS.map(|(name, _)| name.to_owned()).into();
    assert_eq!(files, functions);
    let template = fs::read_to_string(folder().join("../../template.yaml")).expect("the template");
    let binaries: BTreeSet<String> = template
        .lines()
        .filter_map(|line| line.trim().strip_prefix("BuildProperties: { Binary: "))
        .map(|rest| rest.trim_end_matches(" }").to_owned())
        .collect();
    assert_eq!(binaries, functions);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn env_json_names_what_a_function_needs_on_one_machine() {
    let world = World::start().await;
    let needed = world
        .stack()
        .expect("a stack of its own")
        .function_variables();
    let given = &file("env")["Parameters"];
    let without_host = |text: &str| match text.strip_prefix("http://127.0.0.1:") {
        Some(rest) => rest
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .to_owned(),
        None => text.to_owned(),
    };
    for (name, value) in &needed {
        let given = given[name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name} in env.json"));
        if name != "OPSKNIGHT_ADMIN_KEY" {
            assert_eq!(without_host(given), without_host(value), "{name}");
        }
    }
    let template = fs::read_to_string(folder().join("../../template.yaml")).expect("the template");
    for name in needed.keys() {
        // `sam local` passes over what the template does not name.
        assert!(template.contains(&format!(" {name}: ")), "{name}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_of_each_group_opens_its_incidents() {
    let receiver = Receiver::start().await;
    let world = configured(&receiver).await;
    let service = file("configuration")["services"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let mut opened = 0;
    for group in [
        "apm", "cicd", "cloud", "custom", "logs", "metrics", "uptime",
    ] {
        let mut function = function(&world, group).await;
        let (status, body) = http_answer(&function.invoke(&file(group)).await.response());
        assert_eq!(status, 200, "{group}: {body}");
        let results = body["results"].as_array().expect("results");
        assert_eq!(results[0]["action"], "triggered", "{group}: {body}");
        opened += results
            .iter()
            .filter(|result| result["action"] == "triggered")
            .count();
        // The same event again, warm: it is the same alert.
        let (_, body) = http_answer(&function.invoke(&file(group)).await.response());
        assert_eq!(body["result"]["action"], "deduplicated", "{group}: {body}");
        assert_eq!(world.incidents(&service).await.len(), opened, "{group}");
    }
    receiver.count(opened).await;
    world.stop().await;
}

/// docs/cost.md counts with it: a kilobyte of log for each alert costs as much
/// as 150 ms of the function.
const LOG_OF_AN_ALERT: usize = 650;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_is_one_short_line_of_log() {
    let receiver = Receiver::start().await;
    let world = configured(&receiver).await;
    let mut function = function(&world, "custom").await;
    for _ in 0..4 {
        let (status, _) = http_answer(&function.invoke(&file("custom")).await.response());
        assert_eq!(status, 200);
    }
    let lines = wait::until("the log", || async {
        Some(function.log()).filter(|lines| lines.len() >= 4)
    })
    .await;
    assert_eq!(lines.len(), 4, "{lines:#?}");
    for line in lines {
        assert!(line.len() <= LOG_OF_AN_ALERT, "{}: {line}", line.len());
        assert!(serde_json::from_str::<Value>(&line).is_ok(), "{line}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_management_functions_answer_the_admin_key() {
    let receiver = Receiver::start().await;
    let world = configured(&receiver).await;
    for (name, list) in [("incidents", "incidents"), ("settings", "services")] {
        let mut function = function(&world, name).await;
        let mut event = file(name);
        let (status, _) = http_answer(&function.invoke(&event).await.response());
        assert_eq!(status, 401, "{name}: the file's key is not this stack's");
        event["headers"]["authorization"] = json!(format!("Bearer {}", world.admin_key()));
        let (status, body) = http_answer(&function.invoke(&event).await.response());
        assert_eq!(status, 200, "{name}: {body}");
        assert!(body[list].is_array(), "{name}: {body}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_console_asks_who_is_there() {
    let world = World::start().await;
    let mut console = function(&world, "console").await;
    let answer = console.invoke(&file("console")).await.response();
    assert_eq!(answer["statusCode"], 200, "{answer}");
    let page = answer["body"].as_str().expect("a page");
    assert!(
        page.contains("<form") && page.contains("password"),
        "{page}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_fanned_out_and_delivered() {
    let receiver = Receiver::start().await;
    let world = configured(&receiver).await;
    let mut fanout = function(&world, "fanout").await;
    let event = file("fanout");
    let image = &event["Records"][0]["dynamodb"]["NewImage"];
    for _ in 0..2 {
        // The stream repeats batches; a repeat makes no second delivery.
        let answer = fanout.invoke(&event).await.response();
        assert_eq!(answer["batchItemFailures"], json!([]));
    }
    let arrived = receiver.count(1).await;
    assert_eq!(arrived[0].header("x-webhook-id"), image["id"]["S"]);
    let webhook = &file("configuration")["webhooks"][0];
    let delivered = world
        .delivery(webhook, |one| one["status"] == "DELIVERED")
        .await;

    // The message of that delivery, as the event file has it, comes again.
    let event = file("delivery");
    let body = event["Records"][0]["body"].as_str().expect("a body");
    let message: Value = serde_json::from_str(body).expect("a message");
    assert_eq!(message["deliveryId"], delivered["id"]);
    let mut delivery = function(&world, "delivery").await;
    let answer = delivery.invoke(&event).await.response();
    assert_eq!(answer["batchItemFailures"], json!([]));
    assert_eq!(
        receiver.arrivals().len(),
        1,
        "what is delivered is not sent again"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_ticks() {
    let world = World::start().await;
    let mut clock = function(&world, "clock").await;
    assert_eq!(clock.invoke(&file("clock")).await.response(), Value::Null);
    world.stop().await;
}
