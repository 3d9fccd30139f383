//! Connections to receivers: to vetted addresses only, opened in bounded time,
//! and of bounded talkativeness.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use http::Uri;
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{
    client::legacy::connect::{Connected, Connection, HttpConnector},
    rt::TokioIo,
};
use rustls::{ClientConfig, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::net::TcpStream;
use tower_service::Service;

use super::resolver::VettedResolver;
use crate::limits;

/// Bytes that one read takes at most.
const READ_BYTES: usize = 8 * 1024;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Plain = MaybeHttpsStream<TokioIo<TcpStream>>;

/// The receiver says more than anybody wants to hear.
#[derive(Debug, thiserror::Error)]
#[error("the answer is longer than {} KiB", limits::RESPONSE_WIRE_BYTES / 1024)]
struct TooLong;

/// No connection in time.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {} s", limits::DELIVERY_CONNECT_TIMEOUT.as_secs())]
struct ConnectTimedOut;

/// Opens connections.
#[derive(Clone)]
pub(super) struct Connector(HttpsConnector<HttpConnector<VettedResolver>>);

impl Connector {
    /// Connections to what this resolver answers, TLS with the system's root
    /// certificates.
    pub fn new(resolver: VettedResolver) -> Result<Self, rustls::Error> {
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_platform_verifier()?
            .with_no_client_auth();
        let mut http = HttpConnector::new_with_resolver(resolver);
        http.enforce_http(false);
        http.set_nodelay(true);
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        Ok(Self(https))
    }
}

impl Service<Uri> for Connector {
    type Response = Bounded<Plain>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        // Name lookup and TLS handshake included.
        let opened = tokio::time::timeout(limits::DELIVERY_CONNECT_TIMEOUT, self.0.call(target));
        Box::pin(async move {
            let stream = opened.await.map_err(|_| ConnectTimedOut)??;
            Ok(Bounded { stream, read: 0 })
        })
    }
}

/// A connection that ends when one answer is too long. Without it, a receiver
/// that sends interim (1xx) answers as fast as it can keeps the parser busy and
/// the whole process from everything else: their number has no limit.
pub(super) struct Bounded<S> {
    stream: S,
    /// Bytes read since something was written.
    read: usize,
}

impl<S: Read + Unpin> Read for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read >= limits::RESPONSE_WIRE_BYTES {
            return Poll::Ready(Err(io::Error::other(TooLong)));
        }
        // The cursor does not tell how far it was moved: a buffer of our own does.
        let mut space = [0; READ_BYTES];
        let room = cursor.remaining().min(READ_BYTES);
        let mut buffer = ReadBuf::new(&mut space[..room]);
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer.unfilled());
        self.read += buffer.filled().len();
        cursor.put_slice(buffer.filled());
        polled
    }
}

impl<S: Write + Unpin> Write for Bounded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // Only requests are written: what is read next is a new answer.
        self.read = 0;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.read = 0;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }
}

impl<S: Connection> Connection for Bounded<S> {
    fn connected(&self) -> Connected {
        self.stream.connected()
    }
}
