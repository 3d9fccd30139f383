//! Which addresses may be reached at a user's wish (server-side request
//! forgery). A host is refused as a whole if any of its addresses is not
//! globally routable, and connections go to the vetted addresses only.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use url::{Host, Url};

use super::addresses::is_public;

/// Names that only inner networks resolve. Their answers are vetted as well:
/// this list only says so earlier, when the address is saved.
const INNER_SUFFIXES: &[&str] = &[
    ".localhost",
    ".localdomain",
    ".local",
    ".internal",
    ".intranet",
    ".private",
    ".lan",
    ".home.arpa",
];

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
    /// The host is the deployment itself: its events would come back as alerts.
    #[error("the host {0} is this service itself")]
    OwnHost(String),
    /// The host has no address.
    #[error("the host {0} does not resolve")]
    Unresolved(String),
}

/// A host that is the deployment itself.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OwnHost {
    /// A name in lower case without a trailing dot, or an address.
    host: String,
    /// Every port where it names none.
    port: Option<u16>,
}

impl OwnHost {
    /// Reads `alerts.example.com`, `127.0.0.1:3000`, `[::1]` or a whole URL.
    /// `None` for what names no host.
    fn parse(text: &str) -> Option<Self> {
        let authority = match text.trim().split_once("://") {
            Some((_, rest)) => rest.split(['/', '?', '#']).next().unwrap_or_default(),
            None => text.trim(),
        };
        // No port is the default of this scheme, which no host has as its own.
        let url = Url::parse(&format!("ws://{authority}")).ok()?;
        let explicit = authority.ends_with(":80").then_some(80);
        Some(Self {
            host: bare_host(url.host()?),
            port: url.port().or(explicit),
        })
    }

    fn is(&self, host: &str, port: u16) -> bool {
        self.host == host && self.port.is_none_or(|own| own == port)
    }
}

/// The rules for targets. Clones are cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    allow_private: bool,
    own: Arc<[OwnHost]>,
    /// A path of the own hosts that may be reached all the same.
    own_receiver: Option<&'static str>,
}

impl Guard {
    /// The guard for production, or the one of a development machine, which
    /// also lets http and private addresses pass.
    pub fn new(allow_private: bool) -> Self {
        Self {
            allow_private,
            own: Arc::default(),
            own_receiver: None,
        }
    }

    /// What `ALLOW_PRIVATE_TARGETS` says; private targets are refused where it
    /// says nothing. `PUBLIC_URL` and `OWN_HOSTS` (names or addresses with or
    /// without a port, separated by commas) are the deployment itself.
    ///
    /// # Errors
    /// Where a variable cannot be read.
    pub fn from_env() -> Result<Self, crate::config::ConfigError> {
        crate::config::flag("ALLOW_PRIVATE_TARGETS", false)
            .map(Self::new)?
            .with_own_hosts_of_env()
    }

    /// The same guard, which also refuses what `PUBLIC_URL` and `OWN_HOSTS` name
    /// as the deployment's own.
    ///
    /// # Errors
    /// Where a variable cannot be read.
    pub fn with_own_hosts_of_env(self) -> Result<Self, crate::config::ConfigError> {
        let mut guard = self;
        for name in ["PUBLIC_URL", "OWN_HOSTS"] {
            let text = crate::config::optional(name).unwrap_or_default();
            for own in text.split(',').filter(|own| !own.trim().is_empty()) {
                guard = guard.with_own_host(own).ok_or_else(|| {
                    let reason = format!("{own:?} is no host");
                    crate::config::ConfigError::Invalid { name, reason }
                })?;
            }
        }
        Ok(guard)
    }

    /// The same guard, which also refuses this host as the deployment's own.
    /// `None` where the text names no host.
    #[must_use]
    pub fn with_own_host(&self, host: &str) -> Option<Self> {
        let own = OwnHost::parse(host)?;
        Some(Self {
            own: self.own.iter().cloned().chain([own]).collect(),
            ..self.clone()
        })
    }

    /// The same guard, which lets this path of the own hosts pass: a receiver
    /// that is built in.
    #[must_use]
    pub fn with_own_receiver(self, path: &'static str) -> Self {
        Self {
            own_receiver: Some(path),
            ..self
        }
    }

    /// Checks everything about a URL that can be told without resolving its host.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn check_url(&self, text: &str) -> Result<Url, Refused> {
        // The parser would drop tabs and line breaks: what is saved, shown and
        // signed off is then not what is requested.
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(Refused::Malformed("it has white space".to_owned()));
        }
        let url = Url::parse(text).map_err(|error| Refused::Malformed(error.to_string()))?;
        match url.scheme() {
            "https" => {}
            "http" if self.allow_private => {}
            other => return Err(Refused::Scheme(other.to_owned())),
        }
        if has_credentials(text, &url) {
            return Err(Refused::Credentials);
        }
        let port = url.port_or_known_default().unwrap_or(0);
        if port == 0 || (!self.allow_private && port != 443 && port < 1_024) {
            return Err(Refused::Port(port));
        }
        let host = url
            .host()
            .ok_or_else(|| Refused::Malformed("it has no host".to_owned()))?;
        match host {
            Host::Ipv4(ip) => self.check_address(IpAddr::V4(ip))?,
            Host::Ipv6(ip) => self.check_address(IpAddr::V6(ip))?,
            Host::Domain(name) => self.check_name(name)?,
        }
        self.check_own(&bare_host(host), port, url.path())?;
        Ok(url)
    }

    fn check_own(&self, host: &str, port: u16, path: &str) -> Result<(), Refused> {
        if self.own_receiver != Some(path) && self.own.iter().any(|own| own.is(host, port)) {
            Err(Refused::OwnHost(host.to_owned()))
        } else {
            Ok(())
        }
    }

    fn check_name(&self, name: &str) -> Result<(), Refused> {
        let bare = bare_name(name);
        let internal =
            !bare.contains('.') || INNER_SUFFIXES.iter().any(|suffix| bare.ends_with(suffix));
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
    /// [`Refused::NotPublic`] or [`Refused::OwnHost`], or
    /// [`Refused::Unresolved`] where there is none.
    pub fn check_answers(&self, host: &str, answers: &[SocketAddr]) -> Result<(), Refused> {
        if answers.is_empty() {
            return Err(Refused::Unresolved(host.to_owned()));
        }
        answers.iter().try_for_each(|answer| {
            let ip = answer.ip();
            // An own address without a port is own whatever name leads to it.
            let own = |own: &OwnHost| own.port.is_none() && own.host == ip.to_string();
            if self.own.iter().any(own) {
                return Err(Refused::OwnHost(host.to_owned()));
            }
            self.check_address(ip)
        })
    }

    fn check_address(&self, ip: IpAddr) -> Result<(), Refused> {
        if self.allow_private || is_public(ip) {
            Ok(())
        } else {
            Err(Refused::NotPublic(ip.to_string()))
        }
    }
}

/// Whether there is an `@` before the host, even one with nothing before it,
/// which the parser drops.
fn has_credentials(text: &str, url: &Url) -> bool {
    let after_scheme = text.split_once(':').map_or("", |(_, rest)| rest);
    let authority = after_scheme
        .trim_start_matches(['/', '\\'])
        .split(['/', '\\', '?', '#'])
        .next()
        .unwrap_or_default();
    authority.contains('@') || !url.username().is_empty() || url.password().is_some()
}

fn bare_host(host: Host<&str>) -> String {
    match host {
        Host::Domain(name) => bare_name(name),
        Host::Ipv4(ip) => ip.to_string(),
        Host::Ipv6(ip) => ip.to_string(),
    }
}

/// A name as it is compared.
fn bare_name(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
