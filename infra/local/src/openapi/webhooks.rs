//! What receivers get: each event is a webhook of the document.

use common::{event::EventName, format, openapi::Deliveries};
use serde_json::{Map, Value, json};

/// Adds the webhooks that `receiving` describes.
pub(super) fn add(document: &mut Value, receiving: &Value) {
    let webhooks: Map<String, Value> = EventName::ALL
        .into_iter()
        .map(|event| {
            let mut item = receiving["paths"][Deliveries::path_of(event)].clone();
            describe(&mut item["post"], event);
            (event.as_str().to_owned(), item)
        })
        .collect();
    document["webhooks"] = Value::Object(webhooks);
    let schemas = receiving["components"]["schemas"].as_object();
    for (name, schema) in schemas.into_iter().flatten() {
        document["components"]["schemas"][name] = schema.clone();
    }
}

/// One event's name, and the body that a test of it sends.
fn describe(operation: &mut Value, event: EventName) {
    operation["operationId"] = json!(event.as_str());
    operation["summary"] = json!(event.as_str());
    operation["requestBody"]["content"]["application/json"]["example"] = example(event);
    let parameters = operation["parameters"].as_array_mut();
    for parameter in parameters.into_iter().flatten() {
        if parameter["name"] == "X-Webhook-Event" {
            parameter["schema"] = json!({ "type": "string", "const": event.as_str() });
        }
    }
}

/// A sample event, with ids that are the same in every document.
fn example(event: EventName) -> Value {
    let sample = format::samples(event).into_iter().next();
    let body = sample.map(|sample| sample.body).unwrap_or_default();
    let mut example: Value = serde_json::from_str(&body).unwrap_or_default();
    for place in ["/data/id", "/data/service/id"] {
        if let Some(Value::String(id)) = example.pointer_mut(place)
            && let Some((prefix, _)) = id.split_once('_')
        {
            *id = format!("{prefix}_01KA2V5T8ZQ4N6W3Y7X9B1C2D3");
        }
    }
    example
}
