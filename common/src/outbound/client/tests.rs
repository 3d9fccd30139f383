//! The client against resolvers and servers that change their mind.

use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;

/// Gives one answer after the other, then none.
#[derive(Debug, Default)]
struct Fickle(Mutex<VecDeque<Vec<IpAddr>>>);

impl Fickle {
    fn answering(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |list: &&[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self(Mutex::new(answers.iter().map(parse).collect())))
    }

    fn left(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl Resolver for Fickle {
    fn lookup<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        let answer = self.0.lock().unwrap().pop_front();
        let ips = answer.ok_or_else(|| io::Error::other("no such name"));
        Box::pin(async { Ok(ips?.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect()) })
    }
}

fn client(guard: Guard, resolver: &Arc<Fickle>) -> Outbound {
    let options = Options {
        deadline: Duration::from_secs(5),
        resolver: resolver.clone(),
    };
    Outbound::with(guard, options).unwrap()
}

fn post(url: String) -> Outgoing {
    Outgoing {
        url,
        method: Method::POST,
        headers: HeaderMap::new(),
        body: b"{}".to_vec(),
    }
}

/// A server that counts its connections and answers its name.
async fn serve(listener: TcpListener, name: &'static str) -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 4_096]).await;
            let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(format!("{head}{name}").as_bytes()).await;
        }
    });
    count
}

#[tokio::test]
async fn an_answer_with_one_private_address_is_not_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = serve(listener, "inside").await;
    let answers: &[&[&str]] = &[&["8.8.8.8", "127.0.0.1"], &["127.0.0.1", "8.8.8.8"]];
    let resolver = Fickle::answering(answers);
    let outbound = client(Guard::new(false), &resolver);
    for _ in answers {
        let sent = outbound
            .send(post(format!("https://rebind.example:{port}/")))
            .await;
        let refused = Refused::NotPublic("127.0.0.1".to_owned());
        assert_eq!(sent.unwrap_err(), OutboundError::Refused(refused));
    }
    assert_eq!(
        (resolver.left(), connections.load(Ordering::SeqCst)),
        (0, 0)
    );
}

#[tokio::test]
async fn every_lookup_is_vetted_anew() {
    use tower_service::Service as _;

    let mut vetted = VettedResolver {
        guard: Guard::new(false),
        resolver: Fickle::answering(&[&["8.8.8.8"], &["127.0.0.1"], &[]]),
    };
    let name = || "rebind.example".parse().unwrap();
    let first: Vec<SocketAddr> = vetted.call(name()).await.unwrap().collect();
    assert_eq!(first, ["8.8.8.8:0".parse().unwrap()]);
    let second = vetted.call(name()).await.err();
    assert_eq!(second, Some(Refused::NotPublic("127.0.0.1".to_owned())));
    for _ in 0..2 {
        let none = vetted.call(name()).await.err();
        assert_eq!(none, Some(Refused::Unresolved("rebind.example".to_owned())));
    }
}

#[tokio::test]
async fn what_was_checked_is_what_is_connected_to() {
    let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = first.local_addr().unwrap().port();
    let second = TcpListener::bind(("127.0.0.2", port)).await.unwrap();
    let at_first = serve(first, "first").await;
    let at_second = serve(second, "second").await;
    let resolver = Fickle::answering(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let outbound = client(Guard::new(true), &resolver);
    let url = format!("http://rebind.example:{port}/");

    // One lookup a connection: there is no second answer to fall for.
    let answer = outbound.send(post(url.clone())).await.unwrap();
    assert_eq!(answer.body, b"first");
    assert_eq!((resolver.left(), at_second.load(Ordering::SeqCst)), (1, 0));
    let answer = outbound.send(post(url.clone())).await.unwrap();
    assert_eq!(answer.body, b"second");
    assert_eq!(at_first.load(Ordering::SeqCst), 1);
    let gone = outbound.send(post(url)).await.unwrap_err();
    let unresolved = Refused::Unresolved("rebind.example".to_owned());
    assert_eq!(gone, OutboundError::Refused(unresolved));
}

#[tokio::test]
async fn literals_are_vetted_without_a_lookup() {
    let resolver = Fickle::answering(&[&["8.8.8.8"]]);
    let outbound = client(Guard::new(false), &resolver);
    for url in ["https://127.1/", "https://[::1]/", "https://0xa9fea9fe/"] {
        let error = outbound.send(post(url.to_owned())).await.unwrap_err();
        assert!(
            matches!(error, OutboundError::Refused(Refused::NotPublic(_))),
            "{url}"
        );
        let error = outbound.fetch(url).await.unwrap_err();
        assert!(
            matches!(error, OutboundError::Refused(Refused::NotPublic(_))),
            "{url}"
        );
    }
    assert_eq!(resolver.left(), 1);
}

#[tokio::test]
async fn the_deadline_is_the_options_own() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let options = Options {
        deadline: Duration::from_millis(100),
        ..Options::default()
    };
    assert_eq!(Options::default().deadline, limits::DELIVERY_TIMEOUT);
    let outbound = Outbound::with(Guard::new(true), options).unwrap();
    let error = outbound.send(post(url)).await.unwrap_err();
    assert_eq!(error.to_string(), "no complete answer within 0.1 s");
}

/// Interim answers as fast as they can be written, from a thread of their own.
fn storm() -> String {
    use std::io::{Read as _, Write as _};

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4_096]);
        let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(1_000);
        while stream.write_all(interim.as_bytes()).is_ok() {}
    });
    url
}

#[tokio::test]
async fn a_storm_of_interim_answers_is_cut_off() {
    // Without the limit, this thread parses for many seconds and answers nobody.
    let outbound = Outbound::new(Guard::new(true)).unwrap();
    let error = outbound.send(post(storm())).await.unwrap_err();
    let said = error.to_string();
    assert_eq!(said, "request failed: the answer is longer than 512 KiB");
}
