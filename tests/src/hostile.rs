//! A receiver that speaks TCP, and answers whatever bytes it likes.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A receiver that does to each connection what it was told.
pub struct Hostile {
    url: String,
    port: u16,
    connections: Arc<AtomicUsize>,
    heads: Arc<Mutex<Vec<String>>>,
    server: JoinHandle<()>,
}

impl Hostile {
    /// A receiver that reads each request to its end and then lets `act` have
    /// the connection.
    pub async fn start<F, Fut>(act: F) -> Self
    where
        F: Fn(TcpStream) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (connections, heads) = (Arc::<AtomicUsize>::default(), Arc::default());
        let (counted, kept) = (connections.clone(), Arc::clone(&heads));
        let act = Arc::new(act);
        let server = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let (kept, act) = (Arc::<Mutex<Vec<String>>>::clone(&kept), act.clone());
                tokio::spawn(async move {
                    if let Some(head) = read_request(&mut stream).await {
                        kept.lock().expect("the list").push(head);
                        act(stream).await;
                    }
                });
            }
        });
        Self {
            url: format!("http://{address}/hook"),
            port: address.port(),
            connections,
            heads,
            server,
        }
    }

    /// A receiver that answers these bytes and closes the connection.
    pub async fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = Arc::new(bytes.into());
        Self::start(move |mut stream| {
            let bytes = bytes.clone();
            async move {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                // Closing with unread bytes would reset the connection.
                let _ = stream.read(&mut [0; 64]).await;
            }
        })
        .await
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Connections that were made to it.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The request lines and headers that it got.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("the list").clone()
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Reads a request with `Content-Length`; answers its head.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |text| text.trim().parse().unwrap_or(0));
            if bytes.len() >= end + 4 + length {
                return Some(head);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
