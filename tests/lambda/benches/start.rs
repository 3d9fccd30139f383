//! `cargo bench -p opsknight-lambda-tests`: how long the functions take to
//! start, to answer their first event and a warm one, and how large they are.
//!
//! The machine is whatever it is: only the ratios to the empty function of the
//! same run mean something. Table and queues are the embedded ones, so that an
//! answer's time is ours and not a network's. Starts include the warming calls
//! that a function makes before its first event.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use http::{Method, StatusCode};
use opsknight_lambda_tests::Function;
use opsknight_tests::{World, receiver::Receiver};
use serde_json::{Value, json};

const STARTS: usize = 15;
const WARM_EACH: usize = 4;

/// The event file, and the binary.
const FUNCTIONS: [(&str, &str); 8] = [
    ("empty", env!("CARGO_BIN_EXE_lambda-empty")),
    ("apm", env!("CARGO_BIN_EXE_lambda-apm")),
    ("cicd", env!("CARGO_BIN_EXE_lambda-cicd")),
    ("cloud", env!("CARGO_BIN_EXE_lambda-cloud")),
    ("custom", env!("CARGO_BIN_EXE_lambda-custom")),
    ("logs", env!("CARGO_BIN_EXE_lambda-logs")),
    ("metrics", env!("CARGO_BIN_EXE_lambda-metrics")),
    ("uptime", env!("CARGO_BIN_EXE_lambda-uptime")),
];

struct Measured {
    start: Duration,
    first: Duration,
    warm: Duration,
    bytes: u64,
}

fn file(name: &str) -> Value {
    let name = if name == "empty" { "custom" } else { name };
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../events/{name}.json"));
    let text = fs::read_to_string(path).expect("an event file");
    serde_json::from_str(&text).expect("JSON")
}

fn median(mut of: Vec<Duration>) -> Duration {
    of.sort_unstable();
    of[of.len() / 2]
}

async fn measure(name: &str, binary: &str, variables: &BTreeMap<String, String>) -> Measured {
    let event = file(name);
    let (mut starts, mut firsts, mut warm) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let begin = Instant::now();
        let mut function = Function::start(name, binary, variables).await;
        starts.push(begin.elapsed());
        let begin = Instant::now();
        function.invoke(&event).await.response();
        firsts.push(begin.elapsed());
        for _ in 0..WARM_EACH {
            let begin = Instant::now();
            function.invoke(&event).await.response();
            warm.push(begin.elapsed());
        }
    }
    Measured {
        start: median(starts),
        first: median(firsts),
        warm: median(warm),
        bytes: fs::metadata(binary).expect("the binary").len(),
    }
}

#[tokio::main]
async fn main() {
    let receiver = Receiver::start().await;
    let world = World::start().await;
    let mut configuration = file("configuration");
    configuration["webhooks"][0]["url"] = json!(receiver.url());
    world
        .api(Method::POST, "/api/import", configuration)
        .await
        .expect(StatusCode::OK);
    let variables = world
        .stack()
        .expect("a stack of its own")
        .function_variables();

    println!("medians of {STARTS} starts\n");
    println!(
        "| function | start → first /next | × empty | first event | × its warm median | warm | binary |"
    );
    println!("|---|---|---|---|---|---|---|");
    let mut empty = None;
    for (name, binary) in FUNCTIONS {
        let one = measure(name, binary, &variables).await;
        let base = *empty.get_or_insert(one.start);
        println!(
            "| {name} | {:.1} ms | {:.2} | {:.2} ms | {:.2} | {:.2} ms | {:.1} MB |",
            one.start.as_secs_f64() * 1e3,
            one.start.as_secs_f64() / base.as_secs_f64(),
            one.first.as_secs_f64() * 1e3,
            one.first.as_secs_f64() / one.warm.as_secs_f64(),
            one.warm.as_secs_f64() * 1e3,
            one.bytes as f64 / 1e6,
        );
    }
    world.stop().await;
}
