//! What the first start creates: a service, an integration and a webhook to the
//! built-in receiver, through the management API like everybody else.

use axum::{Router, body::Body};
use http::{
    Method, Request, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST},
};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::inbox;

/// Why the demo could not be made or found.
#[derive(Debug, thiserror::Error)]
#[error("the demo could not be set up: {0}")]
pub struct DemoError(String);

/// Where to send a first alert.
#[derive(Debug, Clone)]
pub(crate) struct Demo {
    pub intake_url: String,
}

/// The management API, called in this process.
struct Api<'a> {
    router: &'a Router,
    admin_key: &'a str,
    /// `127.0.0.1:3000`
    host: &'a str,
}

/// Finds the demo, or creates it where there is no service at all. `None`
/// where the user has services of their own and no demo.
pub(crate) async fn find_or_create(
    router: &Router,
    admin_key: &str,
    host: &str,
) -> Result<Option<Demo>, DemoError> {
    let api = Api {
        router,
        admin_key,
        host,
    };
    let services = api.call(Method::GET, "/api/services", None).await?;
    let services = services["services"].as_array().cloned().unwrap_or_default();
    if services.is_empty() {
        return api.create().await.map(Some);
    }
    for service in services {
        let path = format!(
            "/api/services/{}/integrations",
            service["id"].as_str().unwrap_or_default()
        );
        let integrations = api.call(Method::GET, &path, None).await?;
        let generic = integrations["integrations"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|one| one["type"] == "webhook");
        if let Some(url) = generic.and_then(|one| one["url"].as_str()) {
            return Ok(Some(Demo {
                intake_url: url.to_owned(),
            }));
        }
    }
    Ok(None)
}

impl Api<'_> {
    async fn create(&self) -> Result<Demo, DemoError> {
        let service = json!({ "name": "Demo service", "description": "Created on the first start. Delete it any time." });
        let service = self
            .call(Method::POST, "/api/services", Some(service))
            .await?;
        let path = format!(
            "/api/services/{}/integrations",
            service["service"]["id"].as_str().unwrap_or_default()
        );
        let integration = json!({ "type": "webhook", "name": "Demo integration" });
        let integration = self.call(Method::POST, &path, Some(integration)).await?;
        let webhook = json!({
            "name": "Built-in receiver",
            "url": format!("http://{}{}", self.host, inbox::PATH),
            "events": common::event::EventName::INCIDENT,
        });
        self.call(Method::POST, "/api/status-page/webhooks", Some(webhook))
            .await?;
        let intake_url = integration["integration"]["url"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        Ok(Demo { intake_url })
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, DemoError> {
        let failed = |what: String| DemoError(format!("{method} {path}: {what}"));
        let request = Request::builder()
            .method(method.clone())
            .uri(path)
            .header(HOST, self.host)
            .header(AUTHORIZATION, format!("Bearer {}", self.admin_key))
            .header(CONTENT_TYPE, "application/json")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
            .map_err(|error| failed(error.to_string()))?;
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        let bytes = response
            .into_body()
            .collect()
            .await
            .map_err(|error| failed(error.to_string()))?
            .to_bytes();
        let answer = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if matches!(status, StatusCode::OK | StatusCode::CREATED) {
            Ok(answer)
        } else {
            Err(failed(format!("{status} {answer}")))
        }
    }
}
