//! The guard against the table of `tests/fixtures/targets.json`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;

/// Addresses and what is to become of them.
#[derive(Deserialize)]
struct Targets {
    own: Vec<String>,
    /// By the reason, as [`reason`] names it.
    refused: BTreeMap<String, Vec<String>>,
    allowed: Vec<String>,
}

fn targets() -> (Guard, Targets) {
    let table = include_str!("../../../../tests/fixtures/targets.json");
    let targets: Targets = serde_json::from_str(table).unwrap();
    let guard = targets.own.iter().fold(Guard::new(false), |guard, own| {
        guard.with_own_host(own).unwrap()
    });
    (guard, targets)
}

fn reason(refused: &Refused) -> &'static str {
    match refused {
        Refused::Malformed(_) => "malformed",
        Refused::Scheme(_) => "scheme",
        Refused::Credentials => "credentials",
        Refused::Port(_) => "port",
        Refused::NotPublic(_) => "notPublic",
        Refused::OwnHost(_) => "ownHost",
        Refused::Unresolved(_) => "unresolved",
    }
}

#[test]
fn internal_targets_are_refused_in_every_notation() {
    let (guard, targets) = targets();
    let cases = targets
        .refused
        .iter()
        .flat_map(|(reason, urls)| urls.iter().map(move |url| (reason, url)));
    let wrong: Vec<_> = cases
        .map(|(expected, url)| (expected, url, guard.check_url(url)))
        .filter(|(expected, _, checked)| checked.as_ref().err().map(reason) != Some(expected))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(targets.refused.values().map(Vec::len).sum::<usize>() >= 120);
}

#[test]
fn public_targets_pass() {
    let (guard, targets) = targets();
    for url in &targets.allowed {
        assert_eq!(guard.check_url(url).err(), None, "{url}");
    }
}

fn answers(addresses: &[&str]) -> Vec<SocketAddr> {
    let ips = addresses.iter().map(|text| text.parse::<IpAddr>().unwrap());
    ips.map(|ip| SocketAddr::new(ip, 0)).collect()
}

#[test]
fn one_bad_answer_spoils_the_host() {
    let (guard, _) = targets();
    assert_eq!(
        guard.check_answers("h", &answers(&["8.8.8.8", "2a00::1"])),
        Ok(())
    );
    for (bad, refused) in [
        ("10.0.0.1", Refused::NotPublic("10.0.0.1".to_owned())),
        (
            "::ffff:8.8.8.8",
            Refused::NotPublic("::ffff:8.8.8.8".to_owned()),
        ),
        (
            "fd00:ec2::254",
            Refused::NotPublic("fd00:ec2::254".to_owned()),
        ),
        ("93.184.215.14", Refused::OwnHost("h".to_owned())),
    ] {
        for list in [["8.8.8.8", bad], [bad, "8.8.8.8"]] {
            assert_eq!(
                guard.check_answers("h", &answers(&list)),
                Err(refused.clone())
            );
        }
    }
    let none = Err(Refused::Unresolved("h".to_owned()));
    assert_eq!(guard.check_answers("h", &[]), none);
}

#[test]
fn a_development_machine_reaches_itself_and_its_own_receiver() {
    let guard = Guard::new(true)
        .with_own_host("127.0.0.1:3000")
        .unwrap()
        .with_own_receiver("/dev/inbox");
    for url in [
        "http://127.0.0.1:3000/dev/inbox",
        "http://127.0.0.1:3001/",
        "http://nas.lan/",
        "http://[::1]:80/",
    ] {
        assert_eq!(guard.check_url(url).err(), None, "{url}");
    }
    for url in [
        "http://127.0.0.1:3000/api/events",
        "http://127.0.0.1:3000/dev/inbox/../../api/events",
        "http://0x7f.1:3000/dev/inbox2",
        "ftp://127.0.0.1/",
        "http://a@127.0.0.1/",
        "http://127.0.0.1:0/",
    ] {
        assert!(guard.check_url(url).is_err(), "{url}");
    }
}

#[test]
fn own_hosts_are_read_with_and_without_a_port() {
    let own = |text: &str| OwnHost::parse(text).map(|own| (own.host, own.port));
    let is = |host: &str, port| Some((host.to_owned(), port));
    assert_eq!(
        own("https://Alerts.Example.com/"),
        is("alerts.example.com", None)
    );
    assert_eq!(own(" alerts.example.com. "), is("alerts.example.com", None));
    assert_eq!(own("localhost:80"), is("localhost", Some(80)));
    assert_eq!(own("[::1]:3000"), is("::1", Some(3_000)));
    assert_eq!(own("[::1]"), is("::1", None));
    for bad in ["", "https://", "a b", "[::1"] {
        assert_eq!(own(bad), None, "{bad:?}");
    }
}
