//! Cursors: where the next page of a list starts. Opaque to callers, and
//! nobody else can make one: a cursor is its position and a MAC over it, the
//! list and the list's filters. Edited, of another list or used with other
//! filters it is refused. A position is an identifier, so that entries may come
//! and go between two pages.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::ApiError;
use crate::crypto;

/// Bytes of the MAC: 128 bits are as good as forging a key.
const MAC_BYTES: usize = 16;

/// What makes cursors and knows its own.
#[derive(Clone)]
pub struct CursorKey([u8; 32]);

impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorKey")
    }
}

impl CursorKey {
    /// A key derived from a secret of the deployment.
    pub fn derived_from(secret: &[u8]) -> Self {
        Self(crypto::hmac_sha256(secret, b"opsknight cursors 1"))
    }

    /// The cursor of the page after `last` of this list. The list is named with
    /// everything that decides what is in it.
    pub fn seal(&self, list: &str, last: &str) -> String {
        let mut bytes = self.mac(list, last).to_vec();
        bytes.extend_from_slice(last.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The position that a cursor of this list stands for.
    ///
    /// # Errors
    /// 400 `invalid_cursor` for one that was not made for this list.
    pub fn open<T: FromStr>(&self, list: &str, cursor: &str) -> Result<T, ApiError> {
        self.read(list, cursor).ok_or_else(|| {
            ApiError::bad_request(
                "invalid_cursor",
                "the cursor is not the nextCursor of an earlier answer to the same request",
            )
        })
    }

    fn read<T: FromStr>(&self, list: &str, cursor: &str) -> Option<T> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (mac, last) = bytes.split_at_checked(MAC_BYTES)?;
        let last = std::str::from_utf8(last).ok()?;
        crypto::same_secret(mac, &self.mac(list, last))
            .then(|| last.parse().ok())
            .flatten()
    }

    fn mac(&self, list: &str, last: &str) -> [u8; MAC_BYTES] {
        // The length keeps one from running into the other.
        let length = (list.len() as u64).to_be_bytes();
        let parts: [&[u8]; 3] = [&length, list.as_bytes(), last.as_bytes()];
        let mac = crypto::hmac_sha256_parts(&self.0, &parts);
        let mut cut = [0; MAC_BYTES];
        cut.copy_from_slice(&mac[..MAC_BYTES]);
        cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_its_own_list_only() {
        let key = CursorKey::derived_from(b"secret");
        let cursor = key.seal("/list?a=1", "last");
        let open = |key: &CursorKey, list: &str, cursor: &str| key.read::<String>(list, cursor);
        assert_eq!(open(&key, "/list?a=1", &cursor), Some("last".to_owned()));
        assert_eq!(open(&key, "/list?a=2", &cursor), None);
        assert_eq!(
            open(&key, "/list?a=1l", &key.seal("/list?a=1", "last")),
            None
        );
        let other = CursorKey::derived_from(b"another");
        assert_eq!(open(&other, "/list?a=1", &cursor), None);
        for broken in ["", "!", "AAAA", &cursor[1..], &cursor[..cursor.len() - 1]] {
            assert_eq!(open(&key, "/list?a=1", broken), None, "{broken}");
        }
    }

    #[test]
    fn not_one_bit_of_a_cursor_can_be_changed() {
        let key = CursorKey::derived_from(b"secret");
        let bytes = URL_SAFE_NO_PAD.decode(key.seal("/list", "inc_1")).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let changed = URL_SAFE_NO_PAD.encode(changed);
            assert_eq!(key.read::<String>("/list", &changed), None, "bit {bit}");
        }
    }
}
