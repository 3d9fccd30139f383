//! The OpenAPI document, put together from what every function's handlers say
//! of themselves. `functions/settings/openapi.json` is what this makes: the
//! test below fails where it is not, and writes it anew when it is run with
//! `OPSKNIGHT_UPDATE=1`.

mod components;
mod webhooks;

use common::{
    intake::{Methods, Vendor},
    openapi::{Deliveries, IntakeApi, Shared},
};
use serde_json::{Value, json};
use utoipa::OpenApi as _;

const DESCRIPTION: &str = "\
Monitoring tools post their alerts here; each one is verified, normalised and deduplicated into an incident. \
Every change of an incident is signed and posted to the webhooks that subscribed to it.\n\n\
JSON in UTF-8, timestamps in RFC 3339 and UTC with milliseconds, ids of a prefix and a ULID. Every answer carries \
`X-Request-Id`. A method that a path does not have is answered with 405 (`method_not_allowed`), a path that there \
is not with 404 (`not_found`). Lists come in pages: while `nextCursor` is not `null`, the next page is asked for \
with it as `cursor`.";

const TAGS: &[(&str, &str)] = &[
    ("Intake", "Where alerts come in."),
    (
        "PagerDuty drop-in",
        "PagerDuty's own paths and answers: its clients work unmodified.",
    ),
    (
        "VictorOps drop-in",
        "VictorOps' (Splunk On-Call's) own path and answer.",
    ),
    (
        "Incidents",
        "What alerts become, and what people do about it.",
    ),
    (
        "Services and integrations",
        "What alerts are about, and the tools that send them.",
    ),
    ("Webhooks", "Who is told of incidents."),
    (
        "Deliveries",
        "What webhooks were told: every attempt, sending again, the dead-letter queue.",
    ),
    (
        "API keys and audit",
        "Who may call, and who changed which setting.",
    ),
    (
        "Export and import",
        "Services, integrations and webhooks as one document.",
    ),
    ("Service", "This service itself."),
    ("Receiving", "What webhooks get."),
];

/// Every vendor of the common pipeline.
fn vendors() -> impl Iterator<Item = &'static Vendor> {
    [
        apm::VENDORS,
        cicd::VENDORS,
        cloud::VENDORS,
        custom::VENDORS,
        logs::VENDORS,
        metrics::VENDORS,
        uptime::VENDORS,
    ]
    .into_iter()
    .flatten()
}

/// The whole document.
///
/// # Errors
/// Where a part does not serialise.
pub fn document() -> Result<Value, serde_json::Error> {
    let mut parts = Shared::openapi();
    for part in [
        IntakeApi::openapi(),
        custom::CustomApi::openapi(),
        logs::VictorOpsApi::openapi(),
        incidents::openapi(),
        settings::openapi(),
    ] {
        parts.merge(part);
    }
    let receiving = Deliveries::openapi();
    let mut document = serde_json::to_value(&parts)?;
    document["openapi"] = json!("3.1.0");
    document["info"] = json!({
        "title": "OpsKnight Webhooks",
        "version": env!("CARGO_PKG_VERSION"),
        "description": DESCRIPTION,
        "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
    });
    document["servers"] = json!([{ "url": "/", "description": "Where this document comes from." }]);
    document["tags"] = TAGS
        .iter()
        .map(|(name, description)| json!({ "name": name, "description": description }))
        .collect();
    document["security"] = json!([{ "apiKey": [] }]);
    document["components"]["securitySchemes"] = components::security_schemes();
    document["components"]["headers"] = components::headers();
    document["components"]["parameters"] = components::parameters();
    webhooks::add(&mut document, &serde_json::to_value(&receiving)?);
    narrow_providers(&mut document);
    components::finish_requests(&mut document);
    components::finish_responses(&mut document);
    Ok(document)
}

/// Which providers may send with GET and with PUT.
fn narrow_providers(document: &mut Value) {
    for (method, wanted) in [("get", Methods::GetAndPost), ("put", Methods::PostAndPut)] {
        let sending = vendors().filter(|vendor| vendor.methods == wanted);
        let names: Value = sending.map(|vendor| vendor.name).collect();
        let operation = &mut document["paths"]["/api/integrations/{provider}"][method];
        let parameters = operation["parameters"].as_array_mut();
        for parameter in parameters.into_iter().flatten() {
            if parameter["name"] == "provider" {
                parameter["schema"]["enum"] = names.clone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::PathBuf};

    use common::provider::{DROP_IN_PATHS, PROVIDERS};

    use super::*;

    fn operations(paths: &Value) -> BTreeSet<(String, String)> {
        let paths = paths.as_object().into_iter().flatten();
        paths
            .flat_map(|(path, item)| {
                let methods = item.as_object().into_iter().flatten();
                methods.map(|(method, _)| (method.clone(), path.clone()))
            })
            .collect()
    }

    #[test]
    fn the_committed_document_is_what_the_handlers_say() {
        let file =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../functions/settings/openapi.json");
        let made = serde_json::to_string_pretty(&document().unwrap()).unwrap() + "\n";
        if std::env::var_os("OPSKNIGHT_UPDATE").is_some() {
            fs::write(&file, &made).unwrap();
        }
        assert!(
            fs::read_to_string(&file).unwrap() == made,
            "the handlers changed: OPSKNIGHT_UPDATE=1 cargo test -p opsknight openapi"
        );
    }

    #[test]
    fn a_route_is_described_as_it_is_served() {
        for (routes, part) in [
            (incidents::ROUTES, incidents::openapi()),
            (settings::ROUTES, settings::openapi()),
        ] {
            let served: BTreeSet<(String, String)> = routes
                .iter()
                .map(|(method, path)| ((*method).to_owned(), (*path).to_owned()))
                .collect();
            let part = serde_json::to_value(part).unwrap();
            let described = operations(&part["paths"]);
            assert_eq!(served, described);
        }
    }

    #[test]
    fn every_address_of_intake_is_described() {
        let document = document().unwrap();
        for (path, _) in DROP_IN_PATHS {
            assert!(document["paths"][path].is_object(), "{path}");
        }
        let ours: BTreeSet<&str> = vendors().map(|vendor| vendor.name).collect();
        let listed: BTreeSet<&str> = PROVIDERS.iter().map(|(name, _)| *name).collect();
        let own = BTreeSet::from(["pagerduty"]);
        assert_eq!(
            listed.difference(&ours).copied().collect::<BTreeSet<_>>(),
            own
        );
    }
}
