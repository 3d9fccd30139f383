//! API keys: what each scope opens, how long a key is valid, what the audit log
//! says, and cursors that nobody else can make.

mod audit;
mod cursors;
mod events;
mod lifecycle;
mod scopes;

use common::api_key::Scope;
use http::{Method, StatusCode};
use opsknight_tests::{Answer, World};
use serde_json::{Value, json};

/// An API key as its creation answered it.
struct Key {
    id: String,
    token: String,
}

impl Key {
    /// A new key, made with the admin key.
    async fn with(world: &World, scopes: &[Scope]) -> Self {
        Self::of(world, json!({ "name": "key", "scopes": scopes })).await
    }

    /// A new key of this body.
    async fn of(world: &World, body: Value) -> Self {
        let answer = world.api(Method::POST, "/api/api-keys", body).await;
        let created = answer.expect(StatusCode::CREATED);
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        Self {
            id: text(&created["apiKey"]["id"]),
            token: text(&created["token"]),
        }
    }

    /// A request with this key.
    async fn call(&self, world: &World, method: Method, path: &str, body: Value) -> Answer {
        call(world, Some(&self.token), method, path, &body).await
    }

    fn path(&self) -> String {
        format!("/api/api-keys/{}", self.id)
    }
}

/// A request with this token as bearer, or none.
async fn call(
    world: &World,
    token: Option<&str>,
    method: Method,
    path: &str,
    body: &Value,
) -> Answer {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    world.send(method, path, &headers, body).await
}
