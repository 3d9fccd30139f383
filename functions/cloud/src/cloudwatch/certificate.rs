//! The certificate that SNS signs with: read, checked, cached by its address.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use common::{
    intake::{Attempt, Rejection},
    time::Timestamp,
};
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters,
    UnparsedPublicKey,
};
use x509_cert::{Certificate, der::DecodePem as _};

/// SNS has about one certificate a region and year. Addresses come from
/// senders, so the cache must not grow with them.
const CACHED_CERTIFICATES: usize = 64;

static CACHE: Mutex<Option<HashMap<String, Arc<SigningCertificate>>>> = Mutex::new(None);

/// The signature version of an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignatureVersion {
    /// SHA-1.
    One,
    /// SHA-256.
    Two,
}

/// What is needed of a certificate.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SigningCertificate {
    /// PKCS#1 `RSAPublicKey`, DER.
    public_key: Vec<u8>,
    not_before: Timestamp,
    not_after: Timestamp,
}

impl SigningCertificate {
    /// Reads a certificate's PEM; absent where it is none.
    pub(super) fn from_pem(pem: &[u8]) -> Option<Self> {
        // Of a chain, the first is the signer's.
        const END: &[u8] = b"-----END CERTIFICATE-----";
        let end = pem.windows(END.len()).position(|window| window == END)?;
        let certificate = Certificate::from_pem(&pem[..end + END.len()]).ok()?;
        let certificate = certificate.tbs_certificate();
        let moment = |time: x509_cert::time::Time| {
            let millis = time.to_unix_duration().as_millis();
            Timestamp::from_unix_millis(u64::try_from(millis).unwrap_or(u64::MAX))
        };
        let key = certificate.subject_public_key_info();
        Some(Self {
            public_key: key.subject_public_key.as_bytes()?.to_vec(),
            not_before: moment(certificate.validity().not_before),
            not_after: moment(certificate.validity().not_after),
        })
    }

    /// Whether the signature over `text` was made with the certificate's key.
    pub(super) fn verify(&self, version: SignatureVersion, text: &str, signature: &[u8]) -> bool {
        let algorithm: &'static RsaParameters = match version {
            SignatureVersion::One => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            SignatureVersion::Two => &RSA_PKCS1_2048_8192_SHA256,
        };
        UnparsedPublicKey::new(algorithm, &self.public_key)
            .verify(text.as_bytes(), signature)
            .is_ok()
    }
}

/// The certificate at `url`, which the caller has found to be of SNS: the one
/// of the setting `snsSigningCertPem` in its place, else downloaded once.
pub(super) async fn certificate(
    attempt: &Attempt<'_>,
    url: &str,
) -> Result<Arc<SigningCertificate>, Rejection> {
    let now = attempt.context.now;
    let expired = || Rejection::unproven("the signing certificate is not valid at this time");
    if let Some(pem) = attempt.context.settings().text("snsSigningCertPem") {
        let own = SigningCertificate::from_pem(pem.as_bytes())
            .ok_or_else(|| Rejection::unproven("snsSigningCertPem is not a certificate"))?;
        // The operator vouches for its start.
        return if now <= own.not_after {
            Ok(Arc::new(own))
        } else {
            Err(expired())
        };
    }
    let found = match cached(url) {
        Some(found) => found,
        None => download(attempt, url).await?,
    };
    if found.not_before <= now && now <= found.not_after {
        Ok(found)
    } else {
        Err(expired())
    }
}

/// Not to get it is not the sender's fault: it is asked to come back, because
/// SNS would count a 401 as delivered.
async fn download(attempt: &Attempt<'_>, url: &str) -> Result<Arc<SigningCertificate>, Rejection> {
    let unavailable = |why: String| {
        Rejection::Unavailable(format!("the signing certificate was not read: {why}"))
    };
    let answer = attempt
        .fetch(url)
        .await
        .map_err(|error| unavailable(error.to_string()))?;
    if answer.status.is_server_error() || answer.status.as_u16() == 429 {
        return Err(unavailable(answer.status.to_string()));
    }
    let certificate = SigningCertificate::from_pem(&answer.body)
        .filter(|_| answer.status.is_success())
        .ok_or_else(|| Rejection::unproven("there is no certificate at SigningCertURL"))?;
    let certificate = Arc::new(certificate);
    let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    let cache = cache.get_or_insert_default();
    if cache.len() >= CACHED_CERTIFICATES {
        cache.clear();
    }
    cache.insert(url.to_owned(), Arc::clone(&certificate));
    Ok(certificate)
}

fn cached(url: &str) -> Option<Arc<SigningCertificate>> {
    let cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    cache.as_ref()?.get(url).cloned()
}
