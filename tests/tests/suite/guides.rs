//! What the set-up pages of the integrations promise.

use std::{collections::BTreeSet, path::Path};

use common::provider::{GUIDES, PROVIDERS};
use opsknight_tests::{World, cases};
use serde_json::{Value, json};
use tokio::process::Command;

fn guides() -> Vec<Value> {
    serde_json::from_str(GUIDES).expect("a list of guides")
}

fn text<'a>(guide: &'a Value, field: &str) -> &'a str {
    guide[field]
        .as_str()
        .unwrap_or_else(|| panic!("no {field} in {guide}"))
}

#[test]
fn every_provider_has_a_page_an_entry_and_cases() {
    let providers: BTreeSet<&str> = PROVIDERS.iter().map(|(name, _)| *name).collect();
    let guides = guides();
    let described: BTreeSet<&str> = guides.iter().map(|guide| text(guide, "provider")).collect();
    assert_eq!(described, providers);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for guide in &guides {
        let page = std::fs::read_to_string(root.join(text(guide, "docs"))).expect("the page");
        assert!(
            page.contains("integrationId=<id>"),
            "{} does not say its URL",
            guide["docs"]
        );
        let group = PROVIDERS
            .iter()
            .find(|(name, _)| *name == text(guide, "provider"))
            .expect("listed")
            .1;
        assert_eq!(
            text(guide, "group"),
            group.function(),
            "{}",
            guide["provider"]
        );
        assert!(
            guide["steps"]
                .as_array()
                .is_some_and(|steps| !steps.is_empty())
        );
    }
    let cases = cases::all();
    for provider in providers {
        let count = cases
            .iter()
            .filter(|case| case.provider == provider)
            .count();
        assert!(count >= 10, "{provider} has {count} cases");
    }
    assert!(
        cases
            .iter()
            .all(|case| common::provider::is_provider(&case.provider))
    );
}

/// The command that a page tells people to try, run as it stands there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_published_test_commands_open_an_incident() {
    if Command::new("curl")
        .arg("--version")
        .output()
        .await
        .is_err()
    {
        eprintln!("SKIPPED: curl is not installed; .ci/run installs it");
        return;
    }
    let world = World::start().await;
    for guide in guides() {
        let provider = text(&guide, "provider");
        let service = world.service(provider).await;
        let integration = world
            .integration_of(&service, json!({ "type": provider, "name": provider }))
            .await;
        let command = text(&guide, "test")
            .replace("https://<your-host>", world.url())
            .replace("<id>", &integration.id)
            .replace("<integration key>", &integration.key)
            .replace("<integration-key>", &integration.key);
        assert!(!command.contains('<'), "{provider}: {command}");
        let output = Command::new("sh")
            .arg("-c")
            .arg(&command)
            .output()
            .await
            .expect("a shell");
        let incidents = world.incidents(&service).await;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(incidents.len(), 1, "{provider}: {printed}");
        let title = incidents[0]["title"].as_str().unwrap_or_default();
        assert!(!title.starts_with("Unrecognised"), "{provider}: {printed}");
    }
    world.stop().await;
}
