//! What operations refer to: security schemes, headers, error answers.

use common::openapi::errors::{Code, codes_of};
use serde_json::{Map, Value, json};

/// How callers prove who they are.
pub(super) fn security_schemes() -> Value {
    let key = |place: &str, name: &str, description: &str| json!({ "type": "apiKey", "in": place, "name": name, "description": description });
    json!({
        "apiKey": { "type": "http", "scheme": "bearer", "bearerFormat": "ok_…", "description": "An API key, or the admin key of the deployment." },
        "integrationId": key("query", "integrationId", "The integration's id: unguessable, and the only credential unless the integration has `requireKey` or a signature secret."),
        "integrationKeyBearer": { "type": "http", "scheme": "bearer", "description": "The integration key (32 hex characters)." },
        "integrationKeyToken": key("header", "Authorization", "`Token token=` and the integration key."),
        "integrationKeyBasic": { "type": "http", "scheme": "basic", "description": "Any user name, and the integration key as the password." },
        "integrationKeyHeader": key("header", "X-Integration-Key", "The integration key."),
        "integrationKeyApiHeader": key("header", "X-API-Key", "The integration key."),
        "integrationKeyQuery": key("query", "key", "The integration key."),
        "routingKeyHeader": key("header", "X-Routing-Key", "The integration key, where the body has no `routing_key`."),
        "routingKeyQuery": key("query", "routing_key", "The same."),
    })
}

/// The headers that many answers have.
pub(super) fn headers() -> Value {
    json!({
        "X-Request-Id": {
            "description": "Names this request, and all that comes of it, in logs, timelines and deliveries.",
            "required": true,
            "schema": { "type": "string", "pattern": "^[0-9A-Za-z._=-]{8,128}$" },
        },
        "Retry-After": {
            "description": "Seconds to wait before the next try.",
            "required": true,
            "schema": { "type": "integer", "minimum": 1 },
        },
        "WWW-Authenticate": {
            "description": "How to authenticate.",
            "required": true,
            "schema": { "type": "string" },
        },
    })
}

/// The parameters that every operation takes.
pub(super) fn parameters() -> Value {
    json!({
        "X-Request-Id": {
            "in": "header",
            "name": "X-Request-Id",
            "required": false,
            "description": "The caller's own name for this request: 8 to 128 characters of `A–Z a–z 0–9 . _ - =`; anything else is passed over.",
            "schema": { "type": "string" },
        },
    })
}

/// Gives every answer the headers that it has whatever it answers, and makes
/// the error answers that operations refer to.
pub(super) fn finish_responses(document: &mut Value) {
    let mut errors = Map::new();
    for response in responses(&mut document["paths"]) {
        match response.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                let name = reference.rsplit('/').next().unwrap_or_default();
                if let Some(codes) = codes_of(name) {
                    errors.insert(name.to_owned(), error(&codes));
                }
            }
            None => {
                response["headers"]["X-Request-Id"] = header("X-Request-Id");
                let description = response["description"].as_str().unwrap_or_default();
                if description.contains("`Retry-After`") {
                    response["headers"]["Retry-After"] = header("Retry-After");
                }
            }
        }
    }
    document["components"]["responses"] = Value::Object(errors);
}

/// What holds of requests whatever a handler says: a body that may be empty is
/// not required, and a parameter that may be left out is never `null`. An empty
/// one is none.
pub(super) fn finish_requests(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    for operation in operations(&mut document["paths"]) {
        let reference = operation.pointer("/requestBody/content/application~1json/schema/$ref");
        let name = reference.and_then(|reference| reference.as_str()?.rsplit('/').next());
        if name.is_some_and(|name| schemas[name].get("required").is_none()) {
            operation["requestBody"]["required"] = json!(false);
        }
        let parameters = operation
            .get_mut("parameters")
            .and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            without_null(&mut parameter["schema"]);
            if parameter["in"] == "query" && parameter["required"] == false {
                parameter["allowEmptyValue"] = json!(true);
            }
        }
        let shared = json!({ "$ref": "#/components/parameters/X-Request-Id" });
        match operation
            .get_mut("parameters")
            .and_then(Value::as_array_mut)
        {
            Some(parameters) => parameters.push(shared),
            None => operation["parameters"] = json!([shared]),
        }
    }
}

fn without_null(schema: &mut Value) {
    if let Some(kinds) = schema.get_mut("type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind != "null");
        if let [kind] = kinds.as_slice() {
            schema["type"] = kind.clone();
        }
    }
    if let Some(choices) = schema.get_mut("oneOf").and_then(Value::as_array_mut) {
        choices.retain(|choice| choice["type"] != "null");
        if let [choice] = choices.as_slice() {
            *schema = choice.clone();
        }
    }
}

fn operations(paths: &mut Value) -> impl Iterator<Item = &mut Value> {
    let items = paths.as_object_mut().into_iter().flatten();
    items
        .flat_map(|(_, item)| item.as_object_mut().into_iter().flatten())
        .map(|(_, operation)| operation)
}

fn responses(paths: &mut Value) -> impl Iterator<Item = &mut Value> {
    operations(paths)
        .flat_map(|operation| operation["responses"].as_object_mut().into_iter().flatten())
        .map(|(_, response)| response)
}

fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

/// The answer that these codes come in; they have one status.
fn error(codes: &[Code]) -> Value {
    let status = codes.first().map_or(500, |code| code.status);
    let lines = codes
        .iter()
        .map(|code| format!("- `{}`: {}", code.code, code.meaning));
    let mut headers = json!({ "X-Request-Id": header("X-Request-Id") });
    if matches!(status, 429 | 503) {
        headers["Retry-After"] = header("Retry-After");
    }
    if status == 401 {
        headers["WWW-Authenticate"] = header("WWW-Authenticate");
    }
    let words: Vec<&str> = codes.iter().map(|code| code.code).collect();
    json!({
        "description": lines.collect::<Vec<_>>().join("\n"),
        "headers": headers,
        "content": { "application/json": {
            "schema": {
                "allOf": [
                    { "$ref": "#/components/schemas/Error" },
                    { "properties": { "code": { "enum": words } } },
                ],
            },
            "examples": codes.iter().map(|code| (code.code.to_owned(), json!({ "value": example(code) }))).collect::<Map<_, _>>(),
        } },
    })
}

fn example(code: &Code) -> Value {
    if code.code == "validation_failed" {
        return json!({
            "error": "name: is required",
            "code": code.code,
            "details": [{ "path": "name", "message": "is required" }],
        });
    }
    json!({ "error": code.meaning, "code": code.code })
}
