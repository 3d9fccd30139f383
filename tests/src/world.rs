//! A stack and a client of its API.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use opsknight::stack::{Settings, Stack};
use serde_json::{Value, json};

use crate::wait;

/// The stack under test: one of its own in this process, or the deployed one
/// that `OPSKNIGHT_TEST_URL` and `OPSKNIGHT_TEST_ADMIN_KEY` name.
pub struct World {
    stack: Option<Stack>,
    url: String,
    admin_key: String,
    client: reqwest::Client,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status code.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; `null` where it is no JSON.
    pub body: Value,
    /// Its body's bytes.
    pub bytes: Bytes,
}

/// An integration as its creation answered it.
#[derive(Debug, Clone)]
pub struct Integration {
    /// Its service.
    pub service: String,
    /// Its identifier.
    pub id: String,
    /// Its provider.
    pub provider: String,
    /// Its key.
    pub key: String,
    /// Its intake URL.
    pub url: String,
}

impl World {
    /// A stack for one test.
    pub async fn start() -> Self {
        // 1s,1s,2s keeps tests of retries short without changing their course.
        let schedule = "1s,1s,2s".parse().expect("a valid schedule");
        Self::with(Settings {
            retry_schedule: Some(schedule),
            ..Settings::default()
        })
        .await
    }

    /// A stack with these settings, unless a deployed one is named.
    pub async fn with(settings: Settings) -> Self {
        common::aws::install_tls_provider();
        let client = client();
        if let (Ok(url), Ok(admin_key)) = (
            std::env::var("OPSKNIGHT_TEST_URL"),
            std::env::var("OPSKNIGHT_TEST_ADMIN_KEY"),
        ) {
            let url = url.trim_end_matches('/').to_owned();
            return Self {
                stack: None,
                url,
                admin_key,
                client,
            };
        }
        let stack = Stack::start(settings).await.expect("the stack starts");
        let (url, admin_key) = (stack.url(), stack.admin_key().to_owned());
        Self {
            stack: Some(stack),
            url,
            admin_key,
            client,
        }
    }

    /// A client of a stack that somebody else started.
    pub fn at(url: &str, admin_key: &str) -> Self {
        common::aws::install_tls_provider();
        Self {
            stack: None,
            url: url.to_owned(),
            admin_key: admin_key.to_owned(),
            client: client(),
        }
    }

    /// Where the stack listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The key that opens the management API.
    pub fn admin_key(&self) -> &str {
        &self.admin_key
    }

    /// The stack, where it is of this process.
    pub fn stack(&self) -> Option<&Stack> {
        self.stack.as_ref()
    }

    /// Stops the stack.
    pub async fn stop(self) {
        if let Some(stack) = self.stack {
            stack.stop().await;
        }
    }

    /// Sends any request; `path` may be a whole URL.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.url)
        };
        let mut request = self
            .client
            .request(method, url)
            .body(reqwest::Body::from(body.into()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.expect("a whole answer");
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer {
            status,
            headers,
            body,
            bytes,
        }
    }

    /// A management request with the admin key.
    pub async fn api(&self, method: Method, path: &str, body: Value) -> Answer {
        let bytes = if body.is_null() {
            Bytes::new()
        } else {
            Bytes::from(body.to_string())
        };
        let bearer = format!("Bearer {}", self.admin_key);
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        self.send(method, path, &headers, bytes).await
    }

    /// A management GET that must succeed.
    pub async fn get(&self, path: &str) -> Value {
        self.api(Method::GET, path, Value::Null)
            .await
            .expect(StatusCode::OK)
    }

    /// A new service; answers its identifier.
    pub async fn service(&self, name: &str) -> String {
        let answer = self
            .api(Method::POST, "/api/services", json!({ "name": name }))
            .await;
        text(&answer.expect(StatusCode::CREATED)["service"]["id"])
    }

    /// A new integration of a new service.
    pub async fn integration(&self, provider: &str) -> Integration {
        let service = self.service(&format!("service of {provider}")).await;
        self.integration_of(&service, json!({ "type": provider, "name": provider }))
            .await
    }

    /// A new integration of this service.
    pub async fn integration_of(&self, service: &str, body: Value) -> Integration {
        let provider = text(&body["type"]);
        let answer = self
            .api(
                Method::POST,
                &format!("/api/services/{service}/integrations"),
                body,
            )
            .await;
        let created = answer.expect(StatusCode::CREATED)["integration"].clone();
        Integration {
            service: service.to_owned(),
            id: text(&created["id"]),
            provider,
            key: text(&created["key"]),
            url: text(&created["url"]),
        }
    }

    /// A new webhook to this address for all events of one service.
    pub async fn webhook(&self, url: &str, service: &str) -> Value {
        let body = json!({
            "name": "receiver",
            "url": url,
            "events": common::event::EventName::INCIDENT,
            "filter": { "serviceIds": [service] },
        });
        self.webhook_of(body).await
    }

    /// A new webhook.
    pub async fn webhook_of(&self, body: Value) -> Value {
        let answer = self
            .api(Method::POST, "/api/status-page/webhooks", body)
            .await;
        answer.expect(StatusCode::CREATED)["webhook"].clone()
    }

    /// Posts an alert to an integration.
    pub async fn alert(&self, integration: &Integration, body: Value) -> Answer {
        self.send(
            Method::POST,
            &integration.url,
            &[("content-type", "application/json")],
            body.to_string(),
        )
        .await
    }

    /// Posts an alert that must be accepted; answers its first result.
    pub async fn accepted(&self, integration: &Integration, body: Value) -> Value {
        self.alert(integration, body).await.expect(StatusCode::OK)["result"].clone()
    }

    /// The incidents of a service, newest first.
    pub async fn incidents(&self, service: &str) -> Vec<Value> {
        let list = self
            .get(&format!("/api/incidents?serviceId={service}&limit=100"))
            .await;
        list["incidents"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until this webhook, as it is shown, satisfies the condition.
    pub async fn webhook_when(&self, webhook: &Value, condition: impl Fn(&Value) -> bool) -> Value {
        let path = format!("/api/status-page/webhooks/{}", text(&webhook["id"]));
        wait::until("the webhook's state", || async {
            let shown = self.get(&path).await["webhook"].clone();
            condition(&shown).then_some(shown)
        })
        .await
    }

    /// Waits until a delivery of this webhook satisfies the condition.
    pub async fn delivery(&self, webhook: &Value, condition: impl Fn(&Value) -> bool) -> Value {
        let path = format!(
            "/api/status-page/webhooks/{}/deliveries?limit=100",
            text(&webhook["id"])
        );
        wait::until("a delivery", || async {
            let list = self.get(&path).await;
            list["deliveries"]
                .as_array()
                .into_iter()
                .flatten()
                .find(|one| condition(one))
                .cloned()
        })
        .await
    }
}

impl Answer {
    /// The body of an answer that must have this status.
    ///
    /// # Panics
    /// Where it has another one.
    pub fn expect(self, status: StatusCode) -> Value {
        assert_eq!(
            self.status,
            status,
            "{}",
            String::from_utf8_lossy(&self.bytes)
        );
        self.body
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client")
}

/// A text of an answer.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
