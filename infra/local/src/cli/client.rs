//! The HTTP client: one request, its answer, and a few more tries where the
//! server asks for patience.

use std::time::Duration;

use bytes::BytesMut;
use common::aws;
use http::{
    HeaderValue, Method,
    header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::{Host, Url};

use super::{
    answer::Answer,
    connection::{Connection, Secret},
    failure::{Failure, Kind},
    progress::Progress,
};

/// Connecting, the TLS handshake included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// One request in all: API Gateway gives up after 30 s.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// Tries after a 429 or 503 that says when to come back.
const BUSY_RETRIES: u32 = 3;
/// Longest such pause that is waited for.
const BUSY_PAUSE_MAX: Duration = Duration::from_secs(30);
/// Largest answer that is read, bytes; Lambda's are 6 MB at most.
const ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// What stays as it is in one segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A client of one deployment.
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<Secret>,
    progress: Progress,
}

/// Who asks.
enum Credential {
    /// Nobody in particular.
    None,
    /// The token.
    Token,
    /// An integration, by its key.
    Key(Secret),
}

/// A request in the making.
pub(crate) struct Request {
    method: Method,
    path: String,
    body: Option<Vec<u8>>,
    credential: Credential,
}

impl Request {
    /// A request; every part of the path is one segment.
    pub(crate) fn new(method: Method, path: &[&str]) -> Self {
        let segments = path.iter().map(|part| utf8_percent_encode(part, SEGMENT));
        Self {
            method,
            path: segments.map(|part| format!("/{part}")).collect(),
            body: None,
            credential: Credential::Token,
        }
    }

    pub(crate) fn get(path: &[&str]) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn post(path: &[&str], body: &Value) -> Self {
        Self::new(Method::POST, path).json(body)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.bytes(body.to_string().into_bytes())
    }

    pub(crate) fn bytes(self, body: Vec<u8>) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }

    /// With these parameters, of those that have a value.
    pub(crate) fn query(mut self, parameters: &[(&str, Option<String>)]) -> Self {
        let mut written = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in parameters {
            if let Some(value) = value {
                written.append_pair(name, value);
            }
        }
        let written = written.finish();
        if !written.is_empty() {
            self.path = format!("{}?{written}", self.path);
        }
        self
    }

    /// Without a credential.
    pub(crate) fn anonymous(self) -> Self {
        Self {
            credential: Credential::None,
            ..self
        }
    }

    /// With an integration key.
    pub(crate) fn with_key(self, key: Secret) -> Self {
        Self {
            credential: Credential::Key(key),
            ..self
        }
    }
}

impl Client {
    /// A client of the deployment that the options name.
    pub(crate) fn new(connection: &Connection) -> Result<Self, Failure> {
        aws::install_tls_provider();
        let base = connection.base()?;
        let mut builder = reqwest::Client::builder();
        if is_this_machine(&base) {
            // No proxy of the environment reaches it, or should see its key.
            builder = builder.no_proxy();
        }
        let http = builder
            .user_agent(concat!("opsknight/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            // A redirected POST would become a GET, and elsewhere is not who
            // the token is for.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Failure::failed(format!("no HTTP client: {}", reason(&error))))?;
        Ok(Self {
            http,
            base,
            token: connection.token(),
            progress: Progress::new(),
        })
    }

    /// Sends a request that has to succeed.
    pub(crate) async fn call(&self, request: Request) -> Result<Answer, Failure> {
        let answer = self.exchange(&request).await?;
        match answer.failure() {
            None => Ok(answer),
            Some(failure) => Err(failure),
        }
    }

    /// Sends a request, again where the server is busy and says until when.
    /// Answers whatever came of it.
    pub(crate) async fn exchange(&self, request: &Request) -> Result<Answer, Failure> {
        let mut tries = 0;
        loop {
            let answer = self.once(request).await?;
            let pause = busy_pause(&answer).filter(|pause| *pause <= BUSY_PAUSE_MAX);
            match pause {
                Some(pause) if tries < BUSY_RETRIES => {
                    tries += 1;
                    let seconds = pause.as_secs();
                    self.progress
                        .show(&format!("the server is busy; again in {seconds} s"));
                    tokio::time::sleep(pause).await;
                    self.progress.clear();
                }
                _ => return Ok(answer),
            }
        }
    }

    async fn once(&self, request: &Request) -> Result<Answer, Failure> {
        let url = format!("{}{}", self.base, request.path);
        let mut sent = self.http.request(request.method.clone(), url);
        if let Some(credential) = self.authorization(&request.credential)? {
            sent = sent.header(AUTHORIZATION, credential);
        }
        if let Some(body) = &request.body {
            sent = sent
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone());
        }
        let unreachable = |error: reqwest::Error| {
            let message = format!("{} cannot be reached: {}", self.base, reason(&error));
            Failure::new(Kind::Unreachable, message)
        };
        let mut response = sent.send().await.map_err(unreachable)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut bytes = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if bytes.len() + chunk.len() > ANSWER_BYTES {
                return Err(Failure::failed("the answer is too large"));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Answer::new(status, headers, bytes.freeze()))
    }

    fn authorization(&self, credential: &Credential) -> Result<Option<HeaderValue>, Failure> {
        let text = match (credential, &self.token) {
            (Credential::None, _) => return Ok(None),
            (Credential::Key(key), _) => format!("Token token={}", key.expose()),
            (Credential::Token, Some(token)) => format!("Bearer {}", token.expose()),
            (Credential::Token, None) => {
                let message = "no token: set OPSKNIGHT_TOKEN (or give --token) to an API key or \
                    the admin key";
                return Err(Failure::new(Kind::Unauthorised, message));
            }
        };
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| Failure::usage("the token or key holds characters that none can have"))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

fn is_this_machine(base: &str) -> bool {
    let url = Url::parse(base).ok();
    match url.as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// How long a busy server asks to wait. An import that broke off in the middle
/// is no reason: its answer holds secrets that are told only once.
fn busy_pause(answer: &Answer) -> Option<Duration> {
    let is_busy = matches!(answer.status.as_u16(), 429 | 503);
    let wanted = answer.headers.get(RETRY_AFTER)?.to_str().ok()?;
    let seconds = wanted.trim().parse().ok().map(Duration::from_secs);
    seconds.filter(|_| is_busy && answer.body.get("items").is_none())
}

/// What the innermost cause says; the outer ones repeat the address.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_path_is_one_segment() {
        let request = Request::get(&["api", "../x?y#z", "é"])
            .query(&[("a", Some("1&2".to_owned())), ("b", None)]);
        assert_eq!(request.path, "/api/..%2Fx%3Fy%23z/%C3%A9?a=1%262");
    }

    #[test]
    fn this_machine_is_known_by_its_loopback_addresses() {
        for here in [
            "http://localhost:1",
            "http://127.0.0.9",
            "http://[::1]:3000/x",
        ] {
            assert!(is_this_machine(here), "{here}");
        }
        for elsewhere in [
            "https://example.com",
            "http://10.0.0.1",
            "http://localhost.example.com",
        ] {
            assert!(!is_this_machine(elsewhere), "{elsewhere}");
        }
    }
}
