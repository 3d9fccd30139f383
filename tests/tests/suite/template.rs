//! What template.yaml must say, beyond what a linter knows.

use std::{collections::BTreeSet, fs, path::Path};

use common::provider::{DROP_IN_PATHS, Group, PROVIDERS};

fn template() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml"))
        .expect("the template")
}

/// The lines of a resource, from its name to the next one.
fn resource<'a>(template: &'a str, name: &str) -> &'a str {
    let start = template
        .find(&format!("\n  {name}:\n"))
        .unwrap_or_else(|| panic!("no resource {name}"));
    let rest = &template[start + 1..];
    let next = rest[1..]
        .match_indices("\n  ")
        .find(|(at, _)| !rest[1..][at + 3..].starts_with([' ', '#']));
    next.map_or(rest, |(at, _)| &rest[..at + 1])
}

fn routes(resource: &str) -> BTreeSet<String> {
    let path = |line: &str| {
        Some(
            line.split_once("Path: ")?
                .1
                .trim_end_matches(" }")
                .trim_matches('"')
                .to_owned(),
        )
    };
    resource.lines().filter_map(path).collect()
}

#[test]
fn every_provider_has_a_route_to_its_groups_function() {
    let template = template();
    for (group, function) in [
        (Group::Cloud, "CloudFunction"),
        (Group::Custom, "CustomFunction"),
        (Group::Metrics, "MetricsFunction"),
        (Group::Uptime, "UptimeFunction"),
        (Group::Apm, "ApmFunction"),
        (Group::Cicd, "CicdFunction"),
        (Group::Logs, "LogsFunction"),
    ] {
        let found = routes(resource(&template, function));
        let providers = PROVIDERS
            .iter()
            .map(|(name, of)| (format!("/api/integrations/{name}"), of));
        let expected: BTreeSet<String> = providers
            .chain(
                DROP_IN_PATHS
                    .iter()
                    .map(|(path, of)| ((*path).to_owned(), of)),
            )
            .filter_map(|(path, of)| (*of == group).then_some(path))
            .collect();
        assert_eq!(found, expected, "{function}");
    }
}

#[test]
fn export_and_import_are_routed_to_settings() {
    let template = template();
    let found = routes(resource(&template, "SettingsFunction"));
    for path in ["/api/export", "/api/import"] {
        assert!(found.contains(path), "{path}");
    }
}

#[test]
fn the_consoles_routes_are_its_pages_and_nothing_wider() {
    let template = template();
    let expected: BTreeSet<String> = console::PATHS
        .iter()
        .flat_map(|(path, below)| {
            let below = below.then(|| format!("{path}/{{proxy+}}"));
            [Some((*path).to_owned()), below]
        })
        .flatten()
        // The folder itself is no page.
        .filter(|path| path != "/assets")
        .collect();
    assert_eq!(routes(resource(&template, "ConsoleFunction")), expected);
}

/// What a role allows, as `action` of `resource`.
fn allowed(role: &str) -> BTreeSet<String> {
    let mut allowed = BTreeSet::new();
    for statement in role.split("- Effect: Allow").skip(2) {
        let (actions, resources) = statement.split_once("Resource:").expect("a resource");
        let actions = actions
            .split([',', '[', ']', '\n', ' '])
            .filter(|word| word.contains(':'));
        let resources = resources
            .lines()
            .next()
            .unwrap_or_default()
            .replace(['[', ']'], "");
        for action in actions.filter(|word| !word.ends_with(':')) {
            for resource in resources.split(", ") {
                allowed.insert(format!("{action} of {}", resource.trim()));
            }
        }
    }
    allowed
}

#[test]
fn the_console_may_do_what_the_apis_that_it_runs_may() {
    let template = template();
    let of = |name| allowed(resource(&template, name));
    let apis: BTreeSet<String> = of("IncidentsRole")
        .union(&of("SettingsRole"))
        .cloned()
        .collect();
    assert!(apis.len() > 10, "{apis:?}");
    assert_eq!(of("ConsoleRole"), apis);
}

#[test]
fn every_route_of_the_management_api_reaches_its_function() {
    let template = template();
    for (function, served) in [
        ("SettingsFunction", settings::ROUTES),
        ("IncidentsFunction", incidents::ROUTES),
    ] {
        let found = routes(resource(&template, function));
        for (_, path) in served {
            let reaches = |route: &String| match route.strip_suffix("{proxy+}") {
                Some(prefix) => path.starts_with(prefix),
                None => route == path,
            };
            assert!(found.iter().any(reaches), "{function}: {path}");
        }
    }
}

#[test]
fn event_sources_report_partial_failures() {
    let template = template();
    for function in ["FanoutFunction", "DeliveryFunction"] {
        let resource = resource(&template, function);
        // Without it a failed message is deleted, and a failed record repeats its whole batch.
        assert!(
            resource.contains("FunctionResponseTypes: [ReportBatchItemFailures]"),
            "{function}"
        );
    }
    let fanout = resource(&template, "FanoutFunction");
    assert!(
        fanout.contains(
            r#"{"eventName":["INSERT"],"dynamodb":{"NewImage":{"kind":{"S":["EVENT"]}}}}"#
        )
    );
    assert!(fanout.contains("StartingPosition: TRIM_HORIZON"));
}

#[test]
fn a_message_stays_hidden_for_six_function_timeouts() {
    let template = template();
    let number = |resource: &str, name: &str| -> u32 {
        let line = resource
            .lines()
            .find_map(|line| line.trim().strip_prefix(name))
            .unwrap_or_else(|| panic!("no {name}"));
        line.trim().parse().expect("a number")
    };
    let visibility = number(resource(&template, "DeliveriesQueue"), "VisibilityTimeout:");
    assert!(visibility >= 6 * number(resource(&template, "DeliveryFunction"), "Timeout:"));
}

#[test]
fn a_webhooks_test_and_an_import_end_before_their_function() {
    let template = template();
    let settings = resource(&template, "SettingsFunction");
    let timeout = settings
        .lines()
        .find_map(|line| line.trim().strip_prefix("Timeout: "))
        .and_then(|seconds| seconds.parse::<u64>().ok());
    let longest = common::limits::DELIVERY_TIMEOUT.max(common::limits::IMPORT_TIME);
    let wanted = longest + common::limits::AWS_OPERATION_TIMEOUT;
    assert!(timeout.is_some_and(|seconds| seconds > wanted.as_secs()));
}

/// Every list is a query of one partition, or of the index: nobody may scan,
/// and nobody tries to.
#[test]
fn nothing_scans_the_table() {
    assert!(!template().contains("dynamodb:Scan"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut sources = Vec::new();
    for folder in ["common/src", "functions"] {
        collect_sources(&root.join(folder), &mut sources);
    }
    assert!(sources.len() > 100, "{} files", sources.len());
    for path in sources {
        let source = fs::read_to_string(&path).expect("a source file");
        assert!(!source.contains(".scan("), "{}", path.display());
    }
}

fn collect_sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect_sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_intake_route_has_the_limits_of_intake() {
    let template = template();
    let listed: BTreeSet<String> = resource(&template, "Api")
        .lines()
        .filter(|line| line.contains("!Ref IntakeRateLimit"))
        .filter_map(|line| {
            Some(
                line.trim()
                    .strip_prefix("\"ANY ")?
                    .split_once('"')?
                    .0
                    .to_owned(),
            )
        })
        .collect();
    let intake: BTreeSet<String> = PROVIDERS
        .iter()
        .map(|(name, _)| format!("/api/integrations/{name}"))
        .chain(DROP_IN_PATHS.iter().map(|(path, _)| (*path).to_owned()))
        .collect();
    // Any other would have those of the management API.
    assert_eq!(listed, intake);
}

#[test]
fn no_role_allows_more_than_named_resources() {
    let template = template();
    let names = template
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'))
        .filter(|name| name.starts_with(char::is_uppercase));
    // A prohibition, and two services whose actions have no resources.
    let excused = ["QueuesByTls", "TracingPolicy", "DeploymentRole"];
    let mut looked_at = 0;
    for name in names.filter(|name| !excused.contains(name)) {
        looked_at += 1;
        for line in resource(&template, name).lines().map(str::trim) {
            assert!(
                line.starts_with('#')
                    || !line.contains("Resource: \"*\"")
                        && !line.contains("dynamodb:*")
                        && !line.contains("sqs:*"),
                "{name}: {line}"
            );
        }
    }
    assert!(looked_at > 40, "{looked_at}");
}
