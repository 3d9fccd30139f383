//! The one HTTP client for user-given addresses: guarded resolver, no
//! redirects, no proxies, bounded in time and size.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, StatusCode};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Url;

use super::guard::{Guard, Refused};
use crate::limits;

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The guard does not let it out.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Not answered in time.
    #[error("no complete answer within {} s", limits::DELIVERY_TIMEOUT.as_secs())]
    TimedOut,
    /// No connection, or one that broke.
    #[error("{0}")]
    Failed(String),
}

/// Reads documents of others. A trait, so that only the functions that do so
/// link an HTTP client, and tests answer in its place.
pub trait Fetch: Send + Sync + fmt::Debug {
    /// GETs an address and reads the first [`limits::RESPONSE_READ_BYTES`] of
    /// the answer, all within [`limits::FETCH_TIMEOUT`].
    fn fetch<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Answer, OutboundError>>;
}

/// A request to a user-given address.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The address.
    pub url: String,
    /// POST for deliveries.
    pub method: Method,
    /// All headers but Host and Content-Length.
    pub headers: HeaderMap,
    /// The body's bytes.
    pub body: Vec<u8>,
}

/// What a receiver answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status code.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// The start of its body, at most [`limits::RESPONSE_KEPT_BYTES`], or
    /// [`limits::RESPONSE_READ_BYTES`] of a fetched document.
    pub body: Vec<u8>,
}

/// The client. Clones share one connection pool.
#[derive(Debug, Clone)]
pub struct Outbound {
    client: reqwest::Client,
    guard: Guard,
}

impl Outbound {
    /// A client behind this guard.
    ///
    /// # Errors
    /// Where the TLS set-up fails (no root certificates).
    pub fn new(guard: Guard) -> Result<Self, OutboundError> {
        crate::aws::install_tls_provider();
        let client = reqwest::Client::builder()
            .dns_resolver(Arc::new(VettedResolver { guard }))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(limits::DELIVERY_CONNECT_TIMEOUT)
            .timeout(limits::DELIVERY_TIMEOUT)
            .pool_idle_timeout(limits::DELIVERY_POOL_IDLE)
            .http1_only()
            .build()
            .map_err(|error| OutboundError::Failed(describe(&error)))?;
        Ok(Self { client, guard })
    }

    /// The guard, for checking addresses when they are saved.
    pub fn guard(&self) -> Guard {
        self.guard
    }

    /// Sends a request and reads the start of the answer, all within
    /// [`limits::DELIVERY_TIMEOUT`].
    ///
    /// # Errors
    /// See [`OutboundError`]; an answer of any status is no error.
    pub async fn send(&self, outgoing: Outgoing) -> Result<Answer, OutboundError> {
        self.exchange(
            outgoing,
            limits::RESPONSE_KEPT_BYTES,
            limits::DELIVERY_TIMEOUT,
        )
        .await
    }

    async fn exchange(
        &self,
        outgoing: Outgoing,
        kept: usize,
        timeout: Duration,
    ) -> Result<Answer, OutboundError> {
        let url: Url = self.guard.check_url(&outgoing.url)?;
        let exchange = async {
            let mut response = self
                .client
                .request(outgoing.method, url)
                .headers(outgoing.headers)
                .body(outgoing.body)
                .send()
                .await
                .map_err(into_error)?;
            let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
            let mut body = Vec::new();
            let mut read = 0;
            while read < limits::RESPONSE_READ_BYTES {
                let Some(chunk) = response.chunk().await.map_err(into_error)? else {
                    break;
                };
                read += chunk.len();
                let room = kept.saturating_sub(body.len());
                body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            }
            Ok(Answer {
                status,
                headers,
                body,
            })
        };
        tokio::time::timeout(timeout, exchange)
            .await
            .unwrap_or(Err(OutboundError::TimedOut))
    }
}

impl Fetch for Outbound {
    fn fetch<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Answer, OutboundError>> {
        let outgoing = Outgoing {
            url: url.to_owned(),
            method: Method::GET,
            headers: HeaderMap::new(),
            body: Vec::new(),
        };
        Box::pin(self.exchange(outgoing, limits::RESPONSE_READ_BYTES, limits::FETCH_TIMEOUT))
    }
}

fn into_error(error: reqwest::Error) -> OutboundError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(current) = cause {
        if let Some(refused) = current.downcast_ref::<Refused>() {
            return refused.clone().into();
        }
        cause = current.source();
    }
    if error.is_timeout() {
        OutboundError::TimedOut
    } else {
        OutboundError::Failed(describe(&error))
    }
}

/// The innermost cause says what happened; the outer ones repeat the URL,
/// which may carry a secret.
fn describe(error: &reqwest::Error) -> String {
    let mut cause: &(dyn std::error::Error + 'static) = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let what = if error.is_connect() {
        "connection failed"
    } else {
        "request failed"
    };
    let why = cause.to_string();
    if std::ptr::addr_eq(cause, error) {
        what.to_owned()
    } else {
        format!("{what}: {why}")
    }
}

/// Resolves with the system's resolver and lets only vetted hosts through:
/// what was checked is what is connected to.
struct VettedResolver {
    guard: Guard,
}

impl Resolve for VettedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.guard;
        Box::pin(async move {
            let host = name.as_str();
            let answers: Vec<SocketAddr> = tokio::net::lookup_host((host, 0))
                .await
                .map_err(|_| Refused::Unresolved(host.to_owned()))?
                .collect();
            guard.check_answers(host, &answers)?;
            Ok(Box::new(answers.into_iter()) as Addrs)
        })
    }
}
