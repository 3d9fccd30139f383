//! Services and the integrations that report on them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    alert::Severity,
    id::{IntegrationId, ServiceId},
    incident::ServiceRef,
    service_options::ServiceOptions,
    time::Timestamp,
};

/// Something that a team runs and is woken for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// Identifier.
    pub id: ServiceId,
    /// Name.
    pub name: String,
    /// More text.
    pub description: Option<String>,
    /// What it decides for the incidents that alerts open.
    #[serde(default)]
    pub options: ServiceOptions,
    /// Counts its changes and its new integrations: a change is made only of
    /// what was read.
    #[serde(default)]
    pub revision: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

impl Service {
    /// The service as incidents and integrations name it.
    pub fn reference(&self) -> ServiceRef {
        ServiceRef {
            id: self.id,
            name: self.name.clone(),
        }
    }
}

/// One monitoring tool that reports on one service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Integration {
    /// Identifier; unguessable, and the credential where no other is required.
    pub id: IntegrationId,
    /// The service that its alerts are about.
    pub service: ServiceRef,
    /// The service's options, as of `service_revision`.
    #[serde(default)]
    pub service_options: ServiceOptions,
    /// The service's revision that `service` and `service_options` are of.
    #[serde(default)]
    pub service_revision: u64,
    /// The provider's name (`prometheus`).
    #[serde(rename = "type")]
    pub provider: String,
    /// Name.
    pub name: String,
    /// Whether it takes alerts.
    pub enabled: bool,
    /// Makes the provider's signature or token mandatory.
    pub signature_secret: Option<String>,
    /// Makes the integration key mandatory.
    pub require_key: bool,
    /// Options of the provider's normaliser.
    pub settings: Settings,
    /// Requests taken in one minute.
    pub rate_limit_per_minute: u32,
    /// SHA-256 of the integration key, hex.
    pub key_hash: String,
    /// The SNS topic of the first verified subscription; others are refused.
    /// Absent, not null, where there is none: the write's condition asks so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned_topic_arn: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// Options of a provider's normaliser: a JSON object, kept as text in the
/// table because `DynamoDB` nests only 32 levels.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings(Map<String, Value>);

impl Settings {
    /// Settings of these options.
    pub fn new(options: Map<String, Value>) -> Self {
        Self(options)
    }

    /// All options.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// An option's value; `null` counts as absent.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text option; blank text counts as absent.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?
            .as_str()
            .filter(|text| !text.trim().is_empty())
    }

    /// A yes-or-no option, `default` where absent.
    pub fn flag(&self, name: &str, default: bool) -> bool {
        match self.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => true,
                "false" | "no" | "0" => false,
                _ => default,
            },
            _ => default,
        }
    }

    /// A whole number, also one written as text.
    pub fn number(&self, name: &str) -> Option<u64> {
        match self.get(name)? {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// A severity option, in a common severity word; another word counts as
    /// absent.
    pub fn severity(&self, name: &str) -> Option<Severity> {
        Severity::from_common_word(self.text(name)?)
    }

    /// Whether an option has this value, whatever its case.
    pub fn chooses(&self, name: &str, value: &str) -> bool {
        self.text(name)
            .is_some_and(|chosen| chosen.trim().eq_ignore_ascii_case(value))
    }

    /// A list of texts; a single text is a list of one. `None` where absent.
    pub fn list(&self, name: &str) -> Option<Vec<&str>> {
        match self.get(name)? {
            Value::String(text) => Some(vec![text.as_str()]),
            Value::Array(items) => Some(items.iter().filter_map(Value::as_str).collect()),
            _ => None,
        }
    }
}

impl Serialize for Settings {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = serde_json::to_string(&self.0).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        serde_json::from_str(&text)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}
