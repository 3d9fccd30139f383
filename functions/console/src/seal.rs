//! What the session cookie holds: the key of the person who is logged in and
//! the session's end, encrypted and authenticated.
//!
//! Not the key itself: a cookie that gets out of the browser (a backup of the
//! profile, a debugging proxy) opens the console until the session ends, and
//! never the API. Its own key is derived from the deployment's admin key, so
//! nothing is kept anywhere, and a new admin key ends every session.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use common::{crypto, time::Timestamp};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// Longest key that is sealed, bytes: the cookie must stay under the 4 KB that
/// browsers keep.
pub(crate) const TOKEN_BYTES: usize = 512;
/// Length of the session's end at the start of what is sealed.
const END_BYTES: usize = size_of::<u64>();

/// Seals sessions and opens them.
#[derive(Clone)]
pub(crate) struct Seal([u8; 32]);

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// A seal with this key.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(*key)
    }

    /// The cookie's value for this key until then; `None` where the key is too
    /// long to be one.
    pub(crate) fn close(&self, token: &str, ends_at: Timestamp) -> Option<String> {
        if token.len() > TOKEN_BYTES {
            return None;
        }
        // 96 random bits: 2^32 sessions of one admin key stay safe.
        let nonce: [u8; NONCE_LEN] = *crypto::random_u128().to_be_bytes().first_chunk()?;
        let mut sealed = ends_at.unix_seconds().to_be_bytes().to_vec();
        sealed.extend_from_slice(token.as_bytes());
        self.key()?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::empty(),
                &mut sealed,
            )
            .ok()?;
        let mut value = nonce.to_vec();
        value.append(&mut sealed);
        Some(URL_SAFE_NO_PAD.encode(value))
    }

    /// The key in a cookie's value; `None` where it is not ours or has ended.
    pub(crate) fn open(&self, value: &str, now: Timestamp) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(value).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self
            .key()?
            .open_in_place(nonce, Aad::empty(), &mut sealed)
            .ok()?;
        let (ends_at, token) = opened.split_first_chunk::<END_BYTES>()?;
        if u64::from_be_bytes(*ends_at) <= now.unix_seconds() {
            return None;
        }
        std::str::from_utf8(token).ok().map(str::to_owned)
    }

    fn key(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &self.0)
            .ok()
            .map(LessSafeKey::new)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn a_sealed_key_opens_until_its_end() {
        let (seal, now) = (Seal::new(&[7; 32]), Timestamp::now());
        let value = seal.close("ok_key", now.after(HOUR)).unwrap();
        assert!(!value.contains("ok_key"));
        assert_eq!(seal.open(&value, now).as_deref(), Some("ok_key"));
        assert_eq!(seal.open(&value, now.after(HOUR)), None);
        assert_ne!(seal.close("ok_key", now.after(HOUR)), Some(value));
    }

    #[test]
    fn what_is_not_ours_does_not_open() {
        let (seal, now) = (Seal::new(&[7; 32]), Timestamp::now());
        let value = seal.close("ok_key", now.after(HOUR)).unwrap();
        assert_eq!(Seal::new(&[8; 32]).open(&value, now), None);
        let bytes = URL_SAFE_NO_PAD.decode(&value).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(seal.open(&URL_SAFE_NO_PAD.encode(changed), now), None);
        }
        for other in ["", "ok_key", "%%%", &value[..20]] {
            assert_eq!(seal.open(other, now), None, "{other}");
        }
        assert_eq!(seal.close(&"x".repeat(513), now), None);
    }
}
