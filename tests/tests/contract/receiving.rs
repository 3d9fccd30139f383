//! What receivers get is what the document's webhooks say.

use common::event::EventName;
use http::{Method, StatusCode};
use opsknight_tests::receiver::Arrival;
use serde_json::{Value, json};

use crate::{document::Document, lab::Lab};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_is_posted_as_its_webhook_is_described() {
    let lab = Lab::start().await;
    let document = Document::new(lab.world.get("/api/openapi.json").await);
    let path = format!("/api/status-page/webhooks/{}/test", lab.webhook);
    // A real one first, then a test of each.
    let real = lab.receiver.count(1).await.remove(0);
    check(&document, "incident.created", &real);
    for event in EventName::ALL {
        let body = json!({ "event": event });
        let answer = lab.world.api(Method::POST, &path, body).await;
        assert_eq!(answer.expect(StatusCode::OK)["delivered"], true);
        let arrival = lab.receiver.arrivals().pop().expect("an arrival");
        check(&document, event.as_str(), &arrival);
    }
    lab.world.stop().await;
}

fn check(document: &Document, event: &str, arrival: &Arrival) {
    let described = &document.root()["webhooks"][event]["post"];
    assert!(described.is_object(), "no webhook {event}");
    let schema = &described["requestBody"]["content"]["application/json"]["schema"];
    assert_fits(document, schema, &arrival.body, event);
    assert_eq!(arrival.body["event"], event);
    for parameter in described["parameters"].as_array().expect("headers") {
        let name = parameter["name"].as_str().expect("a name");
        let given = arrival
            .headers
            .get(name)
            .map(|value| value.to_str().expect("text"));
        let Some(given) = given else {
            assert_eq!(parameter["required"], false, "{event}: no {name}");
            continue;
        };
        // Headers are text; a number is one that is written as such.
        let value = if parameter["schema"]["type"] == "integer" {
            given.parse().expect("a number")
        } else {
            Value::from(given)
        };
        assert_fits(
            document,
            &parameter["schema"],
            &value,
            &format!("{event}: {name}"),
        );
    }
}

fn assert_fits(document: &Document, schema: &Value, value: &Value, what: &str) {
    let validator = document.validator(schema);
    let problems: Vec<String> = validator
        .iter_errors(value)
        .map(|problem| format!("{}: {problem}", problem.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{what}: {value}\n{problems:#?}");
}
