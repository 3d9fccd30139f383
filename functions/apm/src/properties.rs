//! What holds for every vendor of the group: whatever comes in, a normaliser
//! answers. Also the requests and integrations that its tests are made of.

use std::{fs, path::PathBuf};

use common::{
    id::{IntegrationId, ServiceId},
    incident::ServiceRef,
    intake::{Authentication, Context, Parsed, Received, Vendor},
    integration::{Integration, Settings},
    time::Timestamp,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header::CONTENT_TYPE};
use proptest::{prelude::*, sample::Index};
use serde_json::{Map, Value, json};

use crate::VENDORS;

/// A request with this body and these headers.
pub(crate) fn request(body: &[u8], headers: &[(&'static str, &str)]) -> Received {
    let headers: HeaderMap = headers
        .iter()
        .filter_map(|(name, value)| {
            let value = HeaderValue::from_str(value).ok()?;
            Some((HeaderName::from_static(name), value))
        })
        .collect();
    Received {
        method: Method::POST,
        headers,
        query: Vec::new(),
        body: body.to_vec().into(),
        url: None,
    }
}

/// An integration of this provider.
pub(crate) fn integration(provider: &str, settings: Value) -> Integration {
    let settings = settings.as_object().cloned().unwrap_or_default();
    let now = Timestamp::now();
    Integration {
        id: IntegrationId::generate(),
        service: ServiceRef {
            id: ServiceId::generate(),
            name: "Checkout".to_owned(),
        },
        provider: provider.to_owned(),
        name: provider.to_owned(),
        enabled: true,
        signature_secret: None,
        require_key: false,
        settings: Settings::new(settings),
        rate_limit_per_minute: 1_000,
        key_hash: String::new(),
        pinned_topic_arn: None,
        created_at: now,
        updated_at: now,
    }
}

/// What a vendor reads in a JSON body.
pub(crate) fn alerts(vendor: &Vendor, body: &Value, settings: Value) -> Vec<Parsed> {
    normalise(vendor, &request(body.to_string().as_bytes(), &[]), settings).unwrap()
}

fn normalise(vendor: &Vendor, received: &Received, settings: Value) -> Option<Vec<Parsed>> {
    let integration = integration(vendor.name, settings);
    let context = Context {
        integration: &integration,
        now: Timestamp::now(),
    };
    if let Authentication::Native(verify) = vendor.authentication {
        assert!(!verify(received, "secret", &context), "nobody signed this");
    }
    let parsed = (vendor.normalise)(received, &context).ok()?;
    assert!(!parsed.is_empty(), "a body without any entry");
    for entry in &parsed {
        if let Parsed::Alert(alert) = entry {
            assert!(!alert.identity.is_empty(), "an alert without an identity");
            assert!(!alert.title.is_empty(), "an alert without a title");
        }
    }
    Some(parsed)
}

/// The given bodies of a vendor, by file name.
fn fixtures(vendor: &Vendor) -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/vendors/payloads")
        .join(vendor.name);
    fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let body: Value = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
            let name = path.file_name()?.to_str()?.to_owned();
            (body.is_object() || body.is_array()).then_some((name, body))
        })
        .collect()
}

fn any_vendor() -> impl Strategy<Value = &'static Vendor> {
    prop::sample::select(VENDORS.iter().collect::<Vec<_>>())
}

/// Words that normalisers look for, and values that they should survive.
fn any_scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "0",
            "$X",
            "{{ x }}",
            "[P1] [Triggered on {é",
            "[",
            "[]",
            "open",
            "resolved",
            "firing",
            "é-0123456789abcdef-1",
            "ACTIVATED",
            "TRIGGERED",
            "success",
            "_",
        ])
        .prop_map(Value::from),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "alerts",
        "labels",
        "status",
        "state",
        "ruleId",
        "ruleName",
        "tags",
        "id",
        "data",
        "issue",
        "event",
        "metric_alert",
        "action",
        "title",
        "alert",
        "monitor",
        "alert_type",
        "incident",
        "severity",
        "name",
        "groupKey",
        "text",
    ])
    .prop_map(str::to_owned);
    any_scalar().prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.clone(), inner, 0..6)
                .prop_map(|fields| Value::from(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// The paths of all values inside this one.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, child)| (name.replace('~', "~0").replace('/', "~1"), child))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, child)| (index.to_string(), child))
            .collect(),
        _ => Vec::new(),
    };
    for (step, child) in children {
        let path = format!("{at}/{step}");
        pointers(child, &path, found);
        found.push(path);
    }
}

/// Drops a value, or puts another one in its place.
fn mutate(body: &mut Value, place: Index, instead: Option<Value>) {
    let mut paths = Vec::new();
    pointers(body, "", &mut paths);
    if paths.is_empty() {
        return;
    }
    let path = place.get(&paths);
    match instead {
        Some(value) => {
            if let Some(target) = body.pointer_mut(path) {
                *target = value;
            }
        }
        None => {
            let Some((parent, step)) = path.rsplit_once('/') else {
                return;
            };
            match body.pointer_mut(parent) {
                Some(Value::Object(fields)) => drop(fields.remove(step)),
                Some(Value::Array(items)) => drop(items.pop()),
                _ => {}
            }
        }
    }
}

#[test]
fn a_fixture_that_is_to_be_ignored_is() {
    for vendor in VENDORS {
        let fixtures = fixtures(vendor);
        assert!(!fixtures.is_empty(), "{} has no fixtures", vendor.name);
        for (name, body) in fixtures {
            let parsed = alerts(vendor, &body, json!({}));
            if name.contains(".ignore.") {
                let is_alert = |entry: &Parsed| matches!(entry, Parsed::Alert(_));
                assert!(!parsed.iter().any(is_alert), "{}/{name}", vendor.name);
            }
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_normaliser_panic(
        vendor in any_vendor(),
        body in prop::collection::vec(any::<u8>(), 0..200),
        kind in prop::sample::select(vec!["application/json", "application/x-www-form-urlencoded"]),
    ) {
        let mut received = request(&body, &[]);
        received.headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        let _ = normalise(vendor, &received, json!({}));
    }

    #[test]
    fn no_json_makes_a_normaliser_panic(vendor in any_vendor(), body in any_json()) {
        let received = request(body.to_string().as_bytes(), &[]);
        let _ = normalise(vendor, &received, json!({}));
    }

    #[test]
    fn no_change_of_a_known_body_makes_a_normaliser_panic(
        vendor in any_vendor(),
        fixture in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), prop::option::of(any_scalar())), 1..6),
        settings in any_json(),
    ) {
        let (_, mut body) = fixture.get(&fixtures(vendor)).clone();
        for (place, instead) in changes {
            mutate(&mut body, place, instead);
        }
        let received = request(body.to_string().as_bytes(), &[]);
        let _ = normalise(vendor, &received, settings);
    }
}
