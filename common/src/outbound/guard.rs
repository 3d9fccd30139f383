//! Which addresses may be reached at a user's wish (server-side request
//! forgery). A host is refused as a whole if any of its addresses is not
//! globally routable, and connections go to the vetted addresses only.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Url};

/// Why an address is not reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not an absolute http(s) URL.
    #[error("not a valid URL: {0}")]
    Malformed(String),
    /// Another scheme than https (or http where private targets are allowed).
    #[error("the scheme {0} is not allowed; use https")]
    Scheme(String),
    /// User name or password in the URL.
    #[error("user name and password are not allowed in the URL")]
    Credentials,
    /// A port below 1024 other than 443.
    #[error("the port {0} is not allowed; use 443, 8443 or one from 1024 on")]
    Port(u16),
    /// The host is, or resolves to, an address that is not public.
    #[error("the host {0} is not a public address")]
    NotPublic(String),
    /// The host has no address.
    #[error("the host {0} does not resolve")]
    Unresolved(String),
}

/// The rules for targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    allow_private: bool,
}

impl Guard {
    /// The guard for production, or the one of a development machine, which
    /// also lets http and private addresses pass.
    pub const fn new(allow_private: bool) -> Self {
        Self { allow_private }
    }

    /// What `ALLOW_PRIVATE_TARGETS` says; private targets are refused where it
    /// says nothing.
    ///
    /// # Errors
    /// Where the variable is neither true nor false.
    pub fn from_env() -> Result<Self, crate::config::ConfigError> {
        crate::config::flag("ALLOW_PRIVATE_TARGETS", false).map(Self::new)
    }

    /// Checks everything about a URL that can be told without resolving its host.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn check_url(self, text: &str) -> Result<Url, Refused> {
        let url = Url::parse(text).map_err(|error| Refused::Malformed(error.to_string()))?;
        match url.scheme() {
            "https" => {}
            "http" if self.allow_private => {}
            other => return Err(Refused::Scheme(other.to_owned())),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Credentials);
        }
        let port = url.port_or_known_default().unwrap_or(0);
        if !self.allow_private && port != 443 && port < 1_024 {
            return Err(Refused::Port(port));
        }
        match url.host() {
            None => Err(Refused::Malformed("it has no host".to_owned())),
            Some(Host::Ipv4(ip)) => self.check_address(IpAddr::V4(ip)).map(|()| url),
            Some(Host::Ipv6(ip)) => self.check_address(IpAddr::V6(ip)).map(|()| url),
            Some(Host::Domain(name)) => self.check_name(name).map(|()| url),
        }
    }

    fn check_name(self, name: &str) -> Result<(), Refused> {
        let bare = name.trim_end_matches('.').to_ascii_lowercase();
        let internal = bare == "localhost"
            || [".localhost", ".local", ".internal", ".home.arpa"]
                .iter()
                .any(|suffix| bare.ends_with(suffix))
            || !bare.contains('.');
        if internal && !self.allow_private {
            Err(Refused::NotPublic(name.to_owned()))
        } else {
            Ok(())
        }
    }

    /// Checks every address that a host resolves to: one bad address spoils
    /// the host.
    ///
    /// # Errors
    /// [`Refused::NotPublic`], or [`Refused::Unresolved`] where there is none.
    pub fn check_answers(self, host: &str, answers: &[SocketAddr]) -> Result<(), Refused> {
        if answers.is_empty() {
            return Err(Refused::Unresolved(host.to_owned()));
        }
        answers
            .iter()
            .try_for_each(|answer| self.check_address(answer.ip()))
    }

    fn check_address(self, ip: IpAddr) -> Result<(), Refused> {
        if self.allow_private || is_public(ip) {
            Ok(())
        } else {
            Err(Refused::NotPublic(ip.to_string()))
        }
    }
}

/// Whether an address is globally routable unicast (IANA special-purpose
/// registries) and not an internal address of a cloud provider.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    const SPECIAL: &[(Ipv4Addr, u32)] = &[
        (Ipv4Addr::new(0, 0, 0, 0), 8),
        (Ipv4Addr::new(10, 0, 0, 0), 8),
        (Ipv4Addr::new(100, 64, 0, 0), 10),
        (Ipv4Addr::new(127, 0, 0, 0), 8),
        (Ipv4Addr::new(169, 254, 0, 0), 16),
        (Ipv4Addr::new(172, 16, 0, 0), 12),
        (Ipv4Addr::new(192, 0, 0, 0), 24),
        (Ipv4Addr::new(192, 0, 2, 0), 24),
        (Ipv4Addr::new(192, 31, 196, 0), 24),
        (Ipv4Addr::new(192, 52, 193, 0), 24),
        (Ipv4Addr::new(192, 88, 99, 0), 24),
        (Ipv4Addr::new(192, 168, 0, 0), 16),
        (Ipv4Addr::new(192, 175, 48, 0), 24),
        (Ipv4Addr::new(198, 18, 0, 0), 15),
        (Ipv4Addr::new(198, 51, 100, 0), 24),
        (Ipv4Addr::new(203, 0, 113, 0), 24),
        (Ipv4Addr::new(224, 0, 0, 0), 3),
        // Azure's internal services answer here, though the address is public.
        (Ipv4Addr::new(168, 63, 129, 16), 32),
        // Alibaba Cloud's metadata service lies in 100.64.0.0/10 already.
    ];
    let bits = u32::from(ip);
    !SPECIAL.iter().any(|(network, length)| {
        let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
        bits & mask == u32::from(*network) & mask
    })
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    const SPECIAL: &[(Ipv6Addr, u32)] = &[
        // IETF protocol assignments, Teredo, ORCHID and documentation in it.
        (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
        (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
        // 6to4 carries an IPv4 address that would have to be vetted as well.
        (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
        (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48),
        (Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16),
        (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    ];
    let bits = u128::from(ip);
    // Only 2000::/3 is allocated for global unicast: that leaves out loopback,
    // mapped, compatible, translated (64:ff9b::), unique local, link-local,
    // site-local and multicast addresses.
    if bits >> 125 != 0b001 {
        return false;
    }
    // ISATAP hides an IPv4 address behind ::0:5efe or ::200:5efe.
    let isatap = matches!(ip.segments()[4..6], [0 | 0x200, 0x5efe]);
    !isatap
        && !SPECIAL.iter().any(|(network, length)| {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            bits & mask == u128::from(*network) & mask
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_targets_pass() {
        for url in [
            "https://example.com/hook",
            "https://example.com:8443/hook",
            "https://example.com:1024/",
            "https://8.8.8.8/",
            "https://[2606:4700::1111]/",
            "https://bücher.example/",
        ] {
            assert!(Guard::new(false).check_url(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn internal_targets_are_refused_in_every_notation() {
        for url in [
            "http://example.com/",
            "ftp://example.com/",
            "file:///etc/passwd",
            "https://user@example.com/",
            "https://user:pass@example.com/",
            "https://example.com:22/",
            "https://example.com:80/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://foo.localhost/",
            "https://metadata.google.internal/",
            "https://intranet/",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://127.0.0.1./",
            "https://①②⑦.0.0.1/",
            "https://0.0.0.0/",
            "https://10.1.2.3/",
            "https://172.31.0.1/",
            "https://192.168.0.1/",
            "https://169.254.169.254/latest/meta-data/",
            "https://100.100.100.200/",
            "https://168.63.129.16/",
            "https://192.0.0.192/",
            "https://224.0.0.1/",
            "https://255.255.255.255/",
            "https://[::]/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::127.0.0.1]/",
            "https://[::ffff:0:127.0.0.1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://[2001:0:7f00:1::]/",
            "https://[2001:db8::1]/",
            "https://[2606:4700::5efe:7f00:1]/",
            "https://[fd00:ec2::254]/",
            "https://[fe80::1]/",
            "https://[fec0::1]/",
            "https://[4000::1]/",
            "not a url",
            "https://",
            "",
        ] {
            assert!(Guard::new(false).check_url(url).is_err(), "{url}");
        }
    }

    #[test]
    fn one_private_answer_spoils_the_host() {
        let answers: Vec<SocketAddr> = ["8.8.8.8:443", "10.0.0.1:443"]
            .iter()
            .map(|a| a.parse().unwrap())
            .collect();
        let guard = Guard::new(false);
        assert_eq!(guard.check_answers("h", &answers[..1]), Ok(()));
        assert_eq!(
            guard.check_answers("h", &answers),
            Err(Refused::NotPublic("10.0.0.1".to_owned()))
        );
        assert_eq!(
            guard.check_answers("h", &[]),
            Err(Refused::Unresolved("h".to_owned()))
        );
    }

    #[test]
    fn a_development_machine_reaches_itself() {
        assert!(
            Guard::new(true)
                .check_url("http://127.0.0.1:3000/dev/inbox")
                .is_ok()
        );
        assert!(Guard::new(true).check_url("ftp://127.0.0.1/").is_err());
    }
}
