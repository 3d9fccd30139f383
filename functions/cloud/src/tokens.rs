//! Bearer tokens (JWT, RS256) of Entra and Google, verified with the keys that
//! they publish. Asked for by the settings `jwksUrl` and `audience` together;
//! without both, the header is not looked at.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use common::{
    intake::{Admission, Attempt, Received, Rejection, credentials},
    integration::Settings,
    outbound::{OutboundError, Refused},
};
use jsonwebtoken::{
    Algorithm, DecodingKey, DecodingKeyKind, Validation,
    crypto::{CryptoProvider, JwtVerifier, KeyUtils},
    decode, decode_header,
    errors::{Error, ErrorKind},
    signature::{self, Verifier},
};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde::Deserialize;
use serde_json::Value;

/// Keys are read again after this; both publish new ones days ahead.
const KEYS_FRESH: Duration = Duration::from_secs(3_600);
/// A token with an unknown key makes us read them again, but not more often.
const KEYS_PAUSE: Duration = Duration::from_secs(60);
/// Addresses of keys that are kept; one is usual.
const CACHED_ADDRESSES: usize = 64;

static CACHE: Mutex<Option<HashMap<String, Keys>>> = Mutex::new(None);

/// How a vendor's requests prove who sends them.
pub(crate) struct Rules {
    /// Whether the request presents the secret.
    pub(crate) has_secret: fn(&Received, &str) -> bool,
    /// The token's issuer, where there is only one.
    pub(crate) issuer: Option<&'static str>,
    /// Whether the token's other claims are the vendor's.
    pub(crate) are_claims_right: fn(&Value, &Settings) -> bool,
}

/// Secret or token, whatever the integration asks for; either one proves it
/// where it asks for both, since a request has room for one `Authorization`.
pub(crate) async fn authenticate(
    attempt: Attempt<'_>,
    rules: Rules,
) -> Result<Admission, Rejection> {
    let settings = attempt.context.settings();
    let secret = attempt.secret();
    if secret.is_some_and(|secret| (rules.has_secret)(attempt.received, secret)) {
        return Ok(Admission::default());
    }
    let audience: Vec<&str> = settings.list("audience").unwrap_or_default();
    let audience: Vec<&str> = audience
        .into_iter()
        .filter(|a| !a.trim().is_empty())
        .collect();
    match settings.text("jwksUrl") {
        Some(url) if !audience.is_empty() => {
            let claims = verified_claims(&attempt, url, &audience, rules.issuer).await?;
            if (rules.are_claims_right)(&claims, settings) {
                Ok(Admission::default())
            } else {
                Err(Rejection::unproven("the bearer token is somebody else's"))
            }
        }
        _ if secret.is_none() => Ok(Admission::default()),
        _ => Err(Rejection::unproven("the secret is missing or wrong")),
    }
}

async fn verified_claims(
    attempt: &Attempt<'_>,
    url: &str,
    audience: &[&str],
    issuer: Option<&str>,
) -> Result<Value, Rejection> {
    let token = credentials::bearer(attempt.received)
        .ok_or_else(|| Rejection::unproven("the bearer token is missing"))?;
    let refused =
        |error: Error| Rejection::unproven(format!("the bearer token is refused: {error}"));
    let header = decode_header(&token).map_err(refused)?;
    let key = key(attempt, url, header.kid.as_deref()).await?;
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(audience);
    validation.validate_nbf = true;
    let mut required = vec!["exp", "aud"];
    if let Some(issuer) = issuer {
        validation.set_issuer(&[issuer]);
        required.push("iss");
    }
    validation.set_required_spec_claims(&required);
    install_verifier();
    decode::<Value>(&token, &key, &validation)
        .map(|token| token.claims)
        .map_err(refused)
}

/// A document of public keys, as far as it is read here.
#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// Public RSA keys by their id, and when they were read.
#[derive(Clone)]
struct Keys {
    by_id: Arc<HashMap<String, DecodingKey>>,
    read_at: Instant,
}

impl Keys {
    fn read(document: &[u8]) -> Option<Self> {
        let document: Document = serde_json::from_slice(document).ok()?;
        let key = |key: &Value| {
            let text = |name: &str| key.get(name)?.as_str();
            let components = DecodingKey::from_rsa_components(text("n")?, text("e")?);
            Some((text("kid")?.to_owned(), components.ok()?))
        };
        Some(Self {
            by_id: Arc::new(document.keys.iter().filter_map(key).collect()),
            read_at: Instant::now(),
        })
    }
}

/// The key of this id among those at `url`.
async fn key(attempt: &Attempt<'_>, url: &str, id: Option<&str>) -> Result<DecodingKey, Rejection> {
    let find = |keys: &Keys| id.and_then(|id| keys.by_id.get(id)).cloned();
    let unknown = || Rejection::unproven("the bearer token's key is not among those at jwksUrl");
    let cached = cached(url);
    if let Some(keys) = &cached {
        let (age, found) = (keys.read_at.elapsed(), find(keys));
        match found {
            Some(key) if age < KEYS_FRESH => return Ok(key),
            None if age < KEYS_PAUSE => return Err(unknown()),
            _ => {}
        }
    }
    match download(attempt, url).await {
        Ok(keys) => find(&keys).ok_or_else(unknown),
        // Old keys are better than none.
        Err(rejection) => cached.as_ref().and_then(find).ok_or(rejection),
    }
}

async fn download(attempt: &Attempt<'_>, url: &str) -> Result<Keys, Rejection> {
    let answer = attempt.fetch(url).await.map_err(|error| match error {
        OutboundError::Refused(why) if !matches!(why, Refused::Unresolved(_)) => {
            Rejection::unproven(format!("jwksUrl cannot be used: {why}"))
        }
        other => Rejection::Unavailable(format!("jwksUrl was not read: {other}")),
    })?;
    let keys = Keys::read(&answer.body)
        .filter(|_| answer.status.is_success())
        .ok_or_else(|| {
            Rejection::Unavailable(format!("there are no keys at jwksUrl ({})", answer.status))
        })?;
    let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    let cache = cache.get_or_insert_default();
    if cache.len() >= CACHED_ADDRESSES {
        cache.clear();
    }
    cache.insert(url.to_owned(), keys.clone());
    Ok(keys)
}

fn cached(url: &str) -> Option<Keys> {
    let cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    cache.as_ref()?.get(url).cloned()
}

/// Makes ring verify the library's signatures: its own choices are AWS-LC and
/// the `rsa` crate.
fn install_verifier() {
    static PROVIDER: CryptoProvider = CryptoProvider {
        signer_factory: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
        verifier_factory: |algorithm, key| match (algorithm, key.kind()) {
            (Algorithm::RS256, DecodingKeyKind::RsaModulusExponent { .. }) => {
                Ok(Box::new(Rs256(key.clone())))
            }
            _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
        },
        // Not called: keys come as modulus and exponent.
        key_utils: KeyUtils::new_unimplemented(),
    };
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        // An error says that one is installed already.
        let _ = PROVIDER.install_default();
    });
}

struct Rs256(DecodingKey);

impl JwtVerifier for Rs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
}

impl Verifier<Vec<u8>> for Rs256 {
    fn verify(&self, message: &[u8], given: &Vec<u8>) -> Result<(), signature::Error> {
        let DecodingKeyKind::RsaModulusExponent { n, e } = self.0.kind() else {
            return Err(signature::Error::new());
        };
        RsaPublicKeyComponents { n, e }
            .verify(&RSA_PKCS1_2048_8192_SHA256, message, given)
            .map_err(|_| signature::Error::new())
    }
}
