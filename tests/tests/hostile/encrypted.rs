//! Receivers whose TLS is not to be trusted: they get nothing, and it is said
//! why.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use opsknight::stack::Settings;
use opsknight_tests::{World, hostile::Hostile};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt as _, net::TcpListener};
use tokio_rustls::TlsAcceptor;

/// A self-signed certificate for `localhost` and `127.0.0.1`, good for a
/// century.
const CERTIFICATE: &[u8] = include_bytes!("../../fixtures/tls/certificate.der");
const KEY: &[u8] = include_bytes!("../../fixtures/tls/key.der");

/// A TLS server that nobody vouches for.
struct SelfSigned {
    port: u16,
    connections: Arc<AtomicUsize>,
    /// Bytes that it was sent inside of TLS.
    bytes: Arc<AtomicUsize>,
}

impl SelfSigned {
    async fn start() -> Self {
        let key = PrivatePkcs8KeyDer::from(KEY.to_vec());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![CERTIFICATE.to_vec().into()], key.into())
            .expect("a certificate and its key");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (connections, bytes) = (Arc::<AtomicUsize>::default(), Arc::default());
        let (counted, read) = (connections.clone(), Arc::<AtomicUsize>::clone(&bytes));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let (acceptor, read) = (acceptor.clone(), read.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let mut space = [0; 1_024];
                    while let Ok(count @ 1..) = stream.read(&mut space).await {
                        read.fetch_add(count, Ordering::SeqCst);
                    }
                });
            }
        });
        Self {
            port,
            connections,
            bytes,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_untrusted_receiver_gets_nothing_and_is_tried_again() {
    let world = World::with(Settings {
        retry_schedule: Some("1s,1h".parse().expect("a schedule")),
        ..Settings::default()
    })
    .await;
    let integration = world.integration("webhook").await;
    let self_signed = SelfSigned::start().await;
    // It answers the handshake in the clear.
    let plain = Hostile::answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let mut cases = Vec::new();
    for (host, port, error) in [
        ("localhost", self_signed.port, "invalid peer certificate"),
        ("127.0.0.1", self_signed.port, "invalid peer certificate"),
        ("127.0.0.1", plain.port(), "connection failed"),
    ] {
        let url = format!("https://{host}:{port}/hook");
        let webhook = world.webhook(&url, &integration.service).await;
        cases.push((webhook, error));
    }
    world
        .accepted(&integration, json!({ "id": "secret" }))
        .await;
    for (webhook, error) in cases {
        let tried = world
            .delivery(&webhook, |one| {
                one["attempts"].as_array().map(Vec::len) == Some(2)
            })
            .await;
        assert_eq!(tried["status"], "RETRYING");
        for attempt in tried["attempts"].as_array().expect("attempts") {
            assert_eq!(attempt["statusCode"], Value::Null);
            let said = attempt["error"].as_str().unwrap_or_default();
            assert!(said.contains(error), "{said:?}");
        }
    }
    assert!(self_signed.connections.load(Ordering::SeqCst) >= 4);
    let sent = self_signed.bytes.load(Ordering::SeqCst);
    assert_eq!(sent, 0, "bytes for a receiver that nobody vouches for");
    assert!(plain.heads().is_empty());
    world.stop().await;
}
