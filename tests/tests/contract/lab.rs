//! One thing of each kind, to call operations with.

use bytes::Bytes;
use common::api_key::Scope;
use http::{Method, StatusCode};
use opsknight_tests::{Answer, Integration, World, receiver::Receiver, wait};
use serde_json::{Value, json};

/// A request of an operation.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    /// With the admin key.
    pub(crate) is_admin: bool,
}

impl Call {
    /// A call by the admin, without a body; `path` may be a whole URL.
    pub(crate) fn to(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            headers: Vec::new(),
            body: Bytes::new(),
            is_admin: true,
        }
    }

    /// The same by nobody in particular.
    pub(crate) fn anonymous(self) -> Self {
        Self {
            is_admin: false,
            ..self
        }
    }

    /// The same with this JSON.
    pub(crate) fn json(self, body: &Value) -> Self {
        self.text("application/json", body.to_string())
    }

    /// The same with this body.
    pub(crate) fn text(mut self, kind: &str, body: impl Into<Bytes>) -> Self {
        self.headers.retain(|(name, _)| name != "content-type");
        self.body = body.into();
        self.with("content-type", kind)
    }

    /// The same with a header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A world, and what there is in it.
pub(crate) struct Lab {
    pub(crate) world: World,
    admin_key: String,
    pub(crate) receiver: Receiver,
    pub(crate) integration: Integration,
    pub(crate) service: String,
    pub(crate) webhook: String,
    pub(crate) delivery: String,
    pub(crate) incident: String,
}

impl Lab {
    pub(crate) async fn start() -> Self {
        let world = World::start().await;
        let stack = world.stack().expect("a stack of its own");
        let admin_key = stack.admin_key().to_owned();
        let receiver = Receiver::start().await;
        let integration = world.integration("webhook").await;
        let service = integration.service.clone();
        let webhook = world.webhook(receiver.url(), &service).await;
        let opened = world
            .accepted(&integration, json!({ "id": "lab", "title": "lab" }))
            .await;
        let delivery = world
            .delivery(&webhook, |one| one["status"] == "DELIVERED")
            .await;
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        Self {
            admin_key,
            receiver,
            service,
            webhook: text(&webhook["id"]),
            delivery: text(&delivery["id"]),
            incident: text(&opened["incident"]["id"]),
            integration,
            world,
        }
    }

    pub(crate) async fn send(&self, method: Method, call: Call) -> Answer {
        let bearer = format!("Bearer {}", self.admin_key);
        let mut headers: Vec<(&str, &str)> = call
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        if call.is_admin {
            headers.push(("authorization", &bearer));
        }
        self.world
            .send(method, &call.path, &headers, call.body)
            .await
    }

    /// An API key with these scopes: its header.
    pub(crate) async fn api_key(&self, scopes: &[Scope]) -> String {
        let body = json!({ "name": "contract", "scopes": scopes });
        let answer = self.world.api(Method::POST, "/api/api-keys", body).await;
        let created = answer.expect(StatusCode::CREATED);
        format!("Bearer {}", created["token"].as_str().expect("a token"))
    }

    /// An integration of the lab's service.
    pub(crate) async fn integration(&self, provider: &str, options: Value) -> Integration {
        let mut body = json!({ "type": provider, "name": provider });
        let options = options.as_object().cloned().unwrap_or_default();
        body.as_object_mut().expect("an object").extend(options);
        self.world.integration_of(&self.service, body).await
    }

    /// A webhook of its own.
    pub(crate) async fn webhook(&self, options: Value) -> String {
        let mut body = json!({
            "name": "another", "url": self.receiver.url(), "events": ["incident.updated"],
        });
        let options = options.as_object().cloned().unwrap_or_default();
        body.as_object_mut().expect("an object").extend(options);
        let webhook = self.world.webhook_of(body).await;
        webhook["id"].as_str().expect("an id").to_owned()
    }

    /// An incident of its own.
    pub(crate) async fn incident(&self) -> String {
        let body = json!({ "title": "lab", "serviceId": self.service, "urgency": "LOW" });
        let answer = self.world.api(Method::POST, "/api/incidents", body).await;
        let created = answer.expect(StatusCode::CREATED);
        created["incident"]["id"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    /// A failed delivery and its webhook.
    pub(crate) async fn failed(&self) -> (String, String) {
        let refusing = Receiver::answering(|_, _| StatusCode::BAD_REQUEST).await;
        let service = self.world.service("failing").await;
        let webhook = self.world.webhook(refusing.url(), &service).await;
        let integration = self
            .world
            .integration_of(&service, json!({ "type": "webhook", "name": "w" }))
            .await;
        self.world.accepted(&integration, json!({ "id": 1 })).await;
        let failed = self
            .world
            .delivery(&webhook, |one| one["status"] == "FAILED")
            .await;
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        (text(&webhook["id"]), text(&failed["id"]))
    }

    /// The incident of an alert with this id.
    pub(crate) async fn incident_of(&self, id: &str, status: &str) -> Value {
        let body = json!({ "id": id, "status": status });
        self.world.accepted(&self.integration, body).await["incident"].clone()
    }

    /// Waits until the integration has received something that it logged.
    pub(crate) async fn logged(&self, path: &str) {
        wait::until("a logged request", || async {
            let list = self.world.get(path).await;
            list["requests"]
                .as_array()
                .is_some_and(|list| !list.is_empty())
                .then_some(())
        })
        .await;
    }
}
