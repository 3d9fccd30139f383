//! Rotation of a webhook's secret: for a while both sign.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{limits, time::Timestamp, webhook::Webhook};

/// A secret that was rotated away and still signs until its receivers have
/// learnt the new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PreviousSecret {
    /// The secret.
    pub secret: String,
    /// Until when it signs.
    pub valid_until: Timestamp,
}

/// As many secrets overlap as may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many secrets of this webhook overlap already")]
pub struct TooManySecrets;

impl Webhook {
    /// The secrets that sign at this moment, the current one first.
    pub fn secrets_at(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        let previous = self.previous_secrets.iter();
        let valid = previous.filter(move |previous| previous.valid_until > now);
        std::iter::once(self.secret.as_str()).chain(valid.map(|previous| previous.secret.as_str()))
    }

    /// Puts `secret` in the place of the current one, which goes on signing
    /// beside it for `overlap`; without an overlap every older one is void at
    /// once, as after a leak.
    ///
    /// # Errors
    /// Where so many secrets overlap already: dropping one of them would break
    /// a receiver that still relies on it.
    pub fn rotate_secret(
        &mut self,
        secret: String,
        overlap: Duration,
        now: Timestamp,
    ) -> Result<(), TooManySecrets> {
        if overlap.is_zero() {
            self.previous_secrets.clear();
            self.secret = secret;
            return Ok(());
        }
        self.previous_secrets
            .retain(|previous| previous.valid_until > now);
        if self.previous_secrets.len() >= limits::OVERLAPPING_SECRETS {
            return Err(TooManySecrets);
        }
        let replaced = PreviousSecret {
            secret: std::mem::replace(&mut self.secret, secret),
            valid_until: now.after(overlap),
        };
        self.previous_secrets.insert(0, replaced);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::id::WebhookId;

    fn webhook() -> Webhook {
        let now = Timestamp::now();
        serde_json::from_value(json!({
            "id": WebhookId::generate(), "name": "receiver", "url": "https://example.com",
            "events": [], "enabled": true, "secret": "first", "format": "opsknight",
            "ordering": "incident", "createdAt": now, "updatedAt": now,
        }))
        .unwrap()
    }

    fn secrets(webhook: &Webhook, now: Timestamp) -> Vec<&str> {
        webhook.secrets_at(now).collect()
    }

    #[test]
    fn rotated_secrets_sign_until_their_overlap_ends() {
        let (mut webhook, now) = (webhook(), Timestamp::now());
        let hour = Duration::from_secs(3_600);
        assert_eq!(
            webhook.rotate_secret("second".to_owned(), hour, now),
            Ok(())
        );
        assert_eq!(secrets(&webhook, now), ["second", "first"]);
        // Rotating twice by mistake must not break who still knows the first.
        assert_eq!(
            webhook.rotate_secret("third".to_owned(), 2 * hour, now),
            Ok(())
        );
        assert_eq!(secrets(&webhook, now), ["third", "second", "first"]);
        assert_eq!(secrets(&webhook, now.after(hour)), ["third", "second"]);
        assert_eq!(secrets(&webhook, now.after(2 * hour)), ["third"]);
    }

    #[test]
    fn a_rotation_without_overlap_voids_every_older_secret() {
        let (mut webhook, now) = (webhook(), Timestamp::now());
        let hour = Duration::from_secs(3_600);
        assert_eq!(
            webhook.rotate_secret("leaked".to_owned(), hour, now),
            Ok(())
        );
        let zero = Duration::ZERO;
        assert_eq!(webhook.rotate_secret("fresh".to_owned(), zero, now), Ok(()));
        assert_eq!(secrets(&webhook, now), ["fresh"]);
    }

    #[test]
    fn no_overlap_is_cut_short_by_too_many_rotations() {
        let (mut webhook, now) = (webhook(), Timestamp::now());
        let hour = Duration::from_secs(3_600);
        for number in 0..limits::OVERLAPPING_SECRETS {
            let secret = format!("secret {number}");
            assert_eq!(webhook.rotate_secret(secret, hour, now), Ok(()));
        }
        let before = webhook.clone();
        let refused = webhook.rotate_secret("one more".to_owned(), hour, now);
        assert_eq!((refused, &webhook), (Err(TooManySecrets), &before));
        let later = now.after(hour);
        let secret = "one more".to_owned();
        assert_eq!(webhook.rotate_secret(secret, hour, later), Ok(()));
        assert_eq!(secrets(&webhook, later).len(), 2);
    }
}
