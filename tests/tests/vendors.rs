//! Every vendor case, through HTTP.

use std::{collections::BTreeMap, io::Write as _};

use futures_util::{StreamExt as _, stream};
use opsknight_tests::{World, cases};

/// Cases that run at the same time on one stack; each has a service of its own.
const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_vendor_case_comes_out_as_documented() {
    let world = World::start().await;
    // Cases that a deployed stack cannot run (tests/deploy/suites).
    let skipped = std::env::var("OPSKNIGHT_TEST_SKIPPED_CASES").unwrap_or_default();
    let skipped: Vec<&str> = skipped.split_whitespace().collect();
    let mut cases = cases::all();
    for name in &skipped {
        assert!(
            cases.iter().any(|case| case.name == *name),
            "no case {name}"
        );
    }
    cases.retain(|case| !skipped.contains(&case.name.as_str()));
    let outcomes: Vec<(String, Result<(), String>)> = stream::iter(&cases)
        .filter(|case| std::future::ready(common::provider::is_provider(&case.provider)))
        .map(|case| {
            let world = &world;
            async move { (case.provider.clone(), cases::run(world, case).await) }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    world.stop().await;

    let mut passed: BTreeMap<&str, usize> = BTreeMap::new();
    let mut failures = Vec::new();
    for (provider, outcome) in &outcomes {
        match outcome {
            Ok(()) => *passed.entry(provider).or_default() += 1,
            Err(what) => failures.push(what.as_str()),
        }
    }
    // Written past the test harness, which keeps a passing test's output.
    let mut report = String::new();
    for (provider, count) in &passed {
        report += &format!("  {provider}: {count}\n");
    }
    report += &format!(
        "{} vendor cases of {} providers passed\n",
        outcomes.len() - failures.len(),
        passed.len()
    );
    std::io::stderr()
        .write_all(report.as_bytes())
        .expect("standard error");
    assert!(
        failures.is_empty(),
        "{} cases failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
