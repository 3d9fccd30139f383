//! Which deployment to talk to, and as whom.

use std::path::Path;

use clap::Args;
use common::config;
use url::Url;

use super::failure::Failure;
use crate::{admin_key, data_dir, options};

/// A credential; no debug output shows it.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.trim().to_owned())
    }
}

/// Options of every command that talks to a deployment.
#[derive(Debug, Args)]
pub(crate) struct Connection {
    #[arg(
        long,
        env = "OPSKNIGHT_URL",
        global = true,
        value_name = "URL",
        help = format!("The deployment [default: {}]", default_url())
    )]
    url: Option<String>,
    /// An API key or the admin key; the variable is better, other users see
    /// command lines. The local default server needs none: its key is read from
    /// .opsknight
    #[arg(
        long,
        env = "OPSKNIGHT_TOKEN",
        global = true,
        value_name = "TOKEN",
        hide_env_values = true
    )]
    token: Option<Secret>,
    /// Print the API's JSON as it is
    #[arg(long, global = true)]
    pub json: bool,
}

impl Connection {
    /// Where the API is, without a slash at its end.
    pub(crate) fn base(&self) -> Result<String, Failure> {
        let given = self.url.as_deref().map(str::trim).unwrap_or_default();
        if given.is_empty() {
            return Ok(default_url());
        }
        let url = Url::parse(given)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = url.ok_or_else(|| Failure::usage("--url is not an http or https address"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Failure::usage(
                "--url must not hold a credential; use OPSKNIGHT_TOKEN",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(Failure::usage("--url must end with its host or a path"));
        }
        Ok(url.as_str().trim_end_matches('/').to_owned())
    }

    /// The token: the given one, or the key of the local default server. No
    /// other address gets to see that one.
    pub(crate) fn token(&self) -> Option<Secret> {
        self.token_with(Path::new(data_dir::DEFAULT), || {
            config::optional("OPSKNIGHT_ADMIN_KEY")
        })
    }

    fn token_with(&self, data: &Path, admin_key: impl Fn() -> Option<String>) -> Option<Secret> {
        let given = self.token.clone().filter(|token| !token.0.is_empty());
        given.or_else(|| {
            let is_local_default = self.base().is_ok_and(|base| base == default_url());
            let key = is_local_default.then(|| admin_key().or_else(|| admin_key::stored(data)));
            key.flatten().map(|key| Secret::from(key.as_str()))
        })
    }
}

fn default_url() -> String {
    format!("http://{}", options::DEFAULT_LISTEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(url: Option<&str>, token: Option<&str>) -> Connection {
        Connection {
            url: url.map(str::to_owned),
            token: token.map(Secret::from),
            json: false,
        }
    }

    #[test]
    fn the_folders_key_goes_to_the_local_default_server_only() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("admin-key"), "ok_of-the-folder\n").unwrap();
        let token = |url, given| {
            let found = connection(url, given).token_with(folder.path(), || None);
            found.map(|secret| secret.expose().to_owned())
        };
        let stored = Some("ok_of-the-folder".to_owned());
        assert_eq!(token(None, None), stored);
        assert_eq!(token(Some(""), Some("")), stored);
        assert_eq!(token(Some("http://127.0.0.1:3000/"), None), stored);
        assert_eq!(token(None, Some(" ok_given ")), Some("ok_given".to_owned()));
        for other in [
            "http://127.0.0.1:3001",
            "https://127.0.0.1:3000",
            "https://example.com",
        ] {
            assert_eq!(token(Some(other), None), None, "{other}");
        }
        let from_env =
            connection(None, None).token_with(folder.path(), || Some("ok_env".to_owned()));
        assert_eq!(from_env.unwrap().expose(), "ok_env");
    }

    #[test]
    fn an_address_is_scheme_host_and_path() {
        let base = |url| connection(Some(url), None).base().ok();
        assert_eq!(
            base("https://a.example/x/"),
            Some("https://a.example/x".to_owned())
        );
        for wrong in [
            "a.example",
            "ftp://a.example",
            "https://u:p@a.example",
            "https://a.example?x=1",
        ] {
            assert_eq!(base(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn no_debug_output_shows_a_token() {
        let shown = format!("{:?}", connection(None, Some("ok_secret")));
        assert!(!shown.contains("ok_secret"), "{shown}");
    }
}
