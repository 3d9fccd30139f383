//! An alert: what every vendor's payload is normalised to (domain rule 1).

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{crypto, limits, text, time::Timestamp};

/// What an alert asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = AlertAction)]
pub enum Action {
    /// Something is wrong.
    Trigger,
    /// Somebody has seen it.
    Acknowledge,
    /// It is over.
    Resolve,
}

/// How bad it is, in the words of the alert.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// For the record.
    Info,
    /// Should be looked at.
    Warning,
    /// Something failed.
    Error,
    /// Somebody must act now.
    Critical,
}

impl Severity {
    /// The common severity words of `vendors/README.md`: the whole value,
    /// whatever its case.
    pub fn from_common_word(word: &str) -> Option<Self> {
        Some(match word.trim().to_ascii_lowercase().as_str() {
            "critical" | "high" | "p1" | "sev0" | "sev1" | "fatal" | "emergency" | "disaster" => {
                Self::Critical
            }
            "error" | "p2" | "sev2" | "major" => Self::Error,
            "warning" | "medium" | "p3" | "sev3" | "warn" | "minor" | "moderate" => Self::Warning,
            "info" | "low" | "p4" | "p5" | "sev4" | "sev5" | "informational" | "notice"
            | "debug" => Self::Info,
            _ => return None,
        })
    }

    /// The words that Prometheus rules use (`vendors/prometheus.md`), which
    /// differ from the common ones: the whole value, whatever its case.
    pub fn from_prometheus_word(word: &str) -> Option<Self> {
        Some(match word.trim().to_ascii_lowercase().as_str() {
            "critical" | "page" | "p1" | "disaster" | "fatal" | "emergency" => Self::Critical,
            "error" | "high" | "major" | "p2" => Self::Error,
            "warning" | "warn" | "minor" | "medium" | "p3" => Self::Warning,
            "info" | "informational" | "low" | "debug" | "none" | "p4" | "p5" => Self::Info,
            _ => return None,
        })
    }

    /// The urgency of an incident that an alert of this severity opens.
    pub fn urgency(self) -> Urgency {
        match self {
            Self::Critical => Urgency::High,
            Self::Error | Self::Warning => Urgency::Medium,
            Self::Info => Urgency::Low,
        }
    }
}

/// How fast somebody has to look at an incident.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Urgency {
    /// When there is time.
    Low,
    /// During the day.
    Medium,
    /// Now.
    High,
}

impl Urgency {
    /// The urgency's place in the order, for conditions in the store.
    pub fn rank(self) -> u8 {
        match self {
            Self::Low => 1,
            Self::Medium => 2,
            Self::High => 3,
        }
    }

    /// The urgency as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
        }
    }

    /// Reads the written form.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Low, Self::Medium, Self::High]
            .into_iter()
            .find(|urgency| urgency.as_str() == word)
    }
}

/// What joins the alerts of one problem: at most one open incident exists per
/// service and key. Never empty, at most [`limits::DEDUP_KEY_CHARS`] characters.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct DedupKey(String);

impl DedupKey {
    /// A key of this text. An over-long one keeps its start and gets a digest
    /// of the whole instead of its end, so that different keys stay different.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.chars().nth(limits::DEDUP_KEY_CHARS).is_none() {
            return Self(text);
        }
        let digest = crypto::sha256_hex(text.as_bytes());
        let kept = text::cut(&text, limits::DEDUP_KEY_KEPT_CHARS);
        Self(format!("{kept}_{}", &digest[..32]))
    }

    /// `provider:identity`, the form of every vendor's key.
    pub fn of_vendor(provider: &str, prefix: &str, identity: &str) -> Self {
        Self::new(format!("{provider}:{prefix}{identity}"))
    }

    /// The key's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DedupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DedupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// One alert, whatever tool sent it.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// What it asks for.
    pub action: Action,
    /// The vendor's identity of the problem, without provider and prefix.
    pub identity: String,
    /// One line for a person.
    pub title: String,
    /// More text for a person, where the vendor sends some.
    pub description: Option<String>,
    /// What reported it.
    pub source: String,
    /// How bad it is.
    pub severity: Severity,
    /// Everything sent about this alert.
    pub details: Value,
    /// When it happened, by the sender's clock.
    pub occurred_at: Option<Timestamp>,
    /// Where to look.
    pub link: Option<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn severities_map_to_urgencies() {
        let urgencies = [
            Severity::Critical,
            Severity::Error,
            Severity::Warning,
            Severity::Info,
        ]
        .map(Severity::urgency);
        assert_eq!(
            urgencies,
            [
                Urgency::High,
                Urgency::Medium,
                Urgency::Medium,
                Urgency::Low
            ]
        );
    }

    #[test]
    fn an_over_long_key_keeps_479_characters_and_a_digest() {
        let long = "k".repeat(513);
        let key = DedupKey::new(long.clone());
        assert_eq!(key.as_str().chars().count(), 512);
        assert!(key.as_str().starts_with(&"k".repeat(479)));
        assert_eq!(
            &key.as_str()[479..],
            format!("_{}", &crypto::sha256_hex(long.as_bytes())[..32])
        );
        assert_eq!(DedupKey::new("k".repeat(512)).as_str(), "k".repeat(512));
    }

    proptest! {
        #[test]
        fn different_texts_are_different_keys(left in "\\PC{500,600}", right in "\\PC{500,600}") {
            prop_assert_eq!(left == right, DedupKey::new(left) == DedupKey::new(right));
        }
    }
}
