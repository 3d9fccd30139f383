//! The one HTTP client for user-given addresses: guarded resolver, no
//! redirects, no proxies, bounded in time and size.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::{
    connection::Connector,
    guard::{Guard, Refused},
    headers::without_connection_headers,
    resolver::{Resolver, SystemResolver, VettedResolver},
};
use crate::limits;

/// Why a request got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The guard does not let it out.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Not answered in this time.
    #[error("no complete answer within {} s", .0.as_secs_f64())]
    TimedOut(Duration),
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
    /// Why the body did not come to its end; `None` also where no more of it
    /// was wanted.
    pub cut_short: Option<OutboundError>,
}

/// What of the client can be chosen.
#[derive(Debug, Clone)]
pub struct Options {
    /// One request in all, the answer's body included.
    pub deadline: Duration,
    /// Who looks names up.
    pub resolver: Arc<dyn Resolver>,
}

impl Default for Options {
    /// [`limits::DELIVERY_TIMEOUT`] and the operating system's resolver.
    fn default() -> Self {
        Self {
            deadline: limits::DELIVERY_TIMEOUT,
            resolver: Arc::new(SystemResolver),
        }
    }
}

/// The client. Clones share one connection pool.
#[derive(Debug, Clone)]
pub struct Outbound {
    client: Client<Connector, Full<Bytes>>,
    guard: Guard,
    deadline: Duration,
}

impl Outbound {
    /// A client behind this guard.
    ///
    /// # Errors
    /// Where the TLS set-up fails (no root certificates).
    pub fn new(guard: Guard) -> Result<Self, OutboundError> {
        Self::with(guard, Options::default())
    }

    /// A client behind this guard that is not like all others.
    ///
    /// # Errors
    /// As [`Outbound::new`].
    pub fn with(guard: Guard, options: Options) -> Result<Self, OutboundError> {
        let connector = Connector::new(VettedResolver {
            guard: guard.clone(),
            resolver: options.resolver,
        })
        .map_err(|error| OutboundError::Failed(error.to_string()))?;
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(limits::DELIVERY_POOL_IDLE)
            .http1_max_buf_size(limits::RESPONSE_HEAD_BYTES)
            .http1_max_headers(limits::RESPONSE_HEADERS)
            // The status says whether a delivery arrived, however broken the
            // rest of the answer is.
            .http1_ignore_invalid_headers_in_responses(true)
            .build(connector);
        Ok(Self {
            client,
            guard,
            deadline: options.deadline,
        })
    }

    /// The guard, for checking addresses when they are saved.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Sends a request and reads the start of the answer, all within the
    /// deadline.
    ///
    /// # Errors
    /// See [`OutboundError`]; an answer of any status is no error.
    pub async fn send(&self, outgoing: Outgoing) -> Result<Answer, OutboundError> {
        self.exchange(outgoing, limits::RESPONSE_KEPT_BYTES, self.deadline)
            .await
    }

    async fn exchange(
        &self,
        outgoing: Outgoing,
        kept: usize,
        timeout: Duration,
    ) -> Result<Answer, OutboundError> {
        let url: Url = self.guard.check_url(&outgoing.url)?;
        let deadline = Instant::now() + timeout;
        let late = || OutboundError::TimedOut(timeout);
        let request = into_request(outgoing, &url)?;
        let response = timeout_at(deadline, self.client.request(request))
            .await
            .map_err(|_| late())?
            .map_err(|error| into_error(&error))?;
        let (head, mut payload) = response.into_parts();
        let mut body = Vec::new();
        let read = timeout_at(deadline, read_start(&mut payload, kept, &mut body)).await;
        let cut_short = match read {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(into_error(&error)),
            Err(_) => Some(late()),
        };
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
            cut_short,
        })
    }
}

fn into_request(outgoing: Outgoing, url: &Url) -> Result<Request<Full<Bytes>>, OutboundError> {
    let mut request = Request::new(Full::from(outgoing.body));
    *request.method_mut() = outgoing.method;
    *request.uri_mut() =
        Uri::try_from(url.as_str()).map_err(|error| Refused::Malformed(error.to_string()))?;
    *request.headers_mut() = without_connection_headers(outgoing.headers);
    Ok(request)
}

/// Reads to the end or to [`limits::RESPONSE_READ_BYTES`], whichever comes
/// first, and keeps the first `kept` bytes.
async fn read_start(
    payload: &mut Incoming,
    kept: usize,
    body: &mut Vec<u8>,
) -> Result<(), hyper::Error> {
    let mut read = 0;
    while read < limits::RESPONSE_READ_BYTES {
        let Some(frame) = payload.frame().await else {
            break;
        };
        let chunk = frame?.into_data().unwrap_or_default();
        read += chunk.len();
        let room = kept.saturating_sub(body.len());
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    Ok(())
}

impl Fetch for Outbound {
    fn fetch<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Answer, OutboundError>> {
        let outgoing = Outgoing {
            url: url.to_owned(),
            method: Method::GET,
            headers: HeaderMap::new(),
            body: Vec::new(),
        };
        Box::pin(async move {
            let answer = self
                .exchange(outgoing, limits::RESPONSE_READ_BYTES, limits::FETCH_TIMEOUT)
                .await?;
            // Half a document is none.
            answer.cut_short.clone().map_or(Ok(answer), Err)
        })
    }
}

/// What the chain of causes says. The guard's word is passed on as it is; of
/// the others the innermost says what happened.
fn into_error(error: &(dyn std::error::Error + 'static)) -> OutboundError {
    let mut cause = error;
    loop {
        if let Some(refused) = cause.downcast_ref::<Refused>() {
            return refused.clone().into();
        }
        match cause.source() {
            Some(inner) => cause = inner,
            None => break,
        }
    }
    let connecting = error
        .downcast_ref::<hyper_util::client::legacy::Error>()
        .is_some_and(hyper_util::client::legacy::Error::is_connect);
    let what = if connecting {
        "connection failed"
    } else {
        "request failed"
    };
    OutboundError::Failed(format!("{what}: {cause}"))
}

#[cfg(test)]
mod tests;
