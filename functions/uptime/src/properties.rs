//! No body of any kind, by any transport, makes a normaliser of this group
//! panic; and a resolve carries the key of its trigger.

use std::{fs, path::Path, sync::LazyLock};

use bytes::Bytes;
use common::{
    alert::Action,
    id::{IntegrationId, ServiceId},
    incident::ServiceRef,
    intake::{Context, Parsed, Received, Vendor},
    integration::{Integration, Settings},
    time::Timestamp,
};
use http::{HeaderMap, HeaderValue, Method, header::CONTENT_TYPE};
use proptest::{collection::vec, prelude::*, sample};
use serde_json::{Value, json};

use crate::VENDORS;

const TYPES: [&str; 4] = [
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=----------------------------518212345678901234567890",
    "text/plain",
];

/// The sample bodies of this group, byte for byte.
static SAMPLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let payloads =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/vendors/payloads");
    VENDORS
        .iter()
        .flat_map(|vendor| fs::read_dir(payloads.join(vendor.name)).unwrap())
        .map(|file| file.unwrap().path())
        .filter(|path| !path.to_string_lossy().ends_with(".headers.txt"))
        .map(|path| fs::read(path).unwrap())
        .collect()
});

/// The samples that are JSON, each with the vendor that sends it.
static JSON_SAMPLES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    SAMPLES
        .iter()
        .filter_map(|sample| serde_json::from_slice(sample).ok())
        .collect()
});

fn any_json() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        sample::select(vec![
            "",
            " ",
            "*monitorID*",
            "{{x}}",
            "1",
            "Down",
            "will expire in 9 days"
        ])
        .prop_map(Value::from),
    ];
    scalar.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((".{0,6}", inner), 0..4).prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

/// A sample with a few of its values dropped or replaced.
fn mutated() -> impl Strategy<Value = Value> {
    let change = (any::<sample::Index>(), prop::option::of(any_json()));
    (sample::select(JSON_SAMPLES.clone()), vec(change, 1..5)).prop_map(|(mut body, changes)| {
        for (place, change) in changes {
            let mut pointers = Vec::new();
            collect(&body, String::new(), &mut pointers);
            change_at(&mut body, &pointers[place.index(pointers.len())], change);
        }
        body
    })
}

fn collect(value: &Value, pointer: String, pointers: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect(inner, format!("{pointer}/{name}"), pointers);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                collect(inner, format!("{pointer}/{index}"), pointers);
            }
        }
        _ => {}
    }
    pointers.push(pointer);
}

fn change_at(body: &mut Value, pointer: &str, change: Option<Value>) {
    if let Some(value) = change {
        *body.pointer_mut(pointer).unwrap() = value;
    } else if let Some((parent, name)) = pointer.rsplit_once('/')
        && let Some(Value::Object(fields)) = body.pointer_mut(parent)
    {
        fields.remove(&name.replace("~1", "/").replace("~0", "~"));
    }
}

fn integration() -> Integration {
    let now = Timestamp::now();
    Integration {
        id: IntegrationId::generate(),
        service: ServiceRef {
            id: ServiceId::generate(),
            name: "Shop".to_owned(),
        },
        provider: "any".to_owned(),
        name: "Any".to_owned(),
        enabled: true,
        signature_secret: None,
        require_key: false,
        settings: Settings::default(),
        rate_limit_per_minute: 1_000,
        key_hash: String::new(),
        pinned_topic_arn: None,
        created_at: now,
        updated_at: now,
    }
}

/// What every vendor makes of a request; each answers something, or nothing at
/// all because it cannot be read.
fn read(received: &Received) -> Vec<(&'static Vendor, Vec<Parsed>)> {
    let integration = integration();
    let context = Context {
        integration: &integration,
        now: Timestamp::now(),
    };
    let mut all = Vec::new();
    for vendor in VENDORS {
        if let Ok(parsed) = (vendor.normalise)(received, &context) {
            assert!(!parsed.is_empty(), "{} answered nothing", vendor.name);
            all.push((vendor, parsed));
        }
    }
    all
}

fn received(kind: &str, query: Vec<(String, String)>, body: impl Into<Bytes>) -> Received {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
    Received {
        method: Method::POST,
        headers,
        query,
        body: body.into(),
        url: None,
    }
}

fn posted(body: &Value) -> Received {
    received(TYPES[0], Vec::new(), body.to_string())
}

proptest! {
    #[test]
    fn random_bytes_are_survived(kind in sample::select(&TYPES[..]), body in vec(any::<u8>(), 0..300)) {
        read(&received(kind, Vec::new(), body));
    }

    #[test]
    fn random_json_is_survived(body in any_json()) {
        read(&posted(&body));
    }

    #[test]
    fn random_fields_are_survived(query in vec((
        sample::select(vec!["monitorID", "alertType", "msg", "heartbeat", "monitor", "sslExpiryDaysLeft", "x"]),
        prop_oneof![any_json().prop_map(|value| value.to_string()), ".{0,20}"],
    ), 0..6)) {
        let query = query.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        read(&received(TYPES[0], query, ""));
    }

    #[test]
    fn broken_samples_are_survived(
        kind in sample::select(&TYPES[..]),
        sample in sample::select(SAMPLES.clone()),
        cut in any::<sample::Index>(),
        noise in prop::option::of((any::<sample::Index>(), any::<u8>())),
    ) {
        let mut body = sample[..cut.index(sample.len())].to_vec();
        if let Some((at, byte)) = noise.filter(|_| !body.is_empty()) {
            let at = at.index(body.len());
            body[at] = byte;
        }
        read(&received(kind, Vec::new(), body));
    }

    #[test]
    fn mutated_samples_are_survived(body in mutated()) {
        read(&posted(&body));
    }

    /// Whatever else a body says: going up carries the key of going down.
    #[test]
    fn a_resolve_carries_the_key_of_its_trigger(
        body in mutated(),
        (vendor, path, down, up) in sample::select(vec![
            ("better-uptime", "event", json!("started"), json!("resolved")),
            ("pingdom", "current_state", json!("DOWN"), json!("UP")),
            ("pingdom", "current_state", json!("FAILING"), json!("SUCCESS")),
            ("uptime-kuma", "heartbeat.status", json!(0), json!(1)),
            ("uptimerobot", "alertType", json!("1"), json!("2")),
        ]),
    ) {
        let say = |state: Value| {
            let mut body = body.clone();
            let pointer = format!("/{}", path.replace('.', "/"));
            if let Some(place) = body.pointer_mut(&pointer) {
                *place = state;
            } else if let Value::Object(fields) = &mut body && !path.contains('.') {
                fields.insert(path.to_owned(), state);
            } else {
                return None;
            }
            read(&posted(&body)).into_iter().find(|(of, _)| of.name == vendor)?.1.pop()
        };
        match (say(down), say(up)) {
            (Some(Parsed::Alert(trigger)), Some(Parsed::Alert(resolve))) => {
                prop_assert_eq!((trigger.action, resolve.action), (Action::Trigger, Action::Resolve));
                prop_assert_eq!(trigger.identity, resolve.identity);
            }
            (left, right) => prop_assert_eq!(left, right),
        }
    }
}
