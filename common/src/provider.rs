//! The providers that can be integrated: the one list from which the intake
//! routes of the template and of the local runner are checked, and against
//! which an integration's `type` is.

/// The function that takes a provider's alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// `functions/apm`
    Apm,
    /// `functions/cicd`
    Cicd,
    /// `functions/cloud`
    Cloud,
    /// `functions/metrics`
    Metrics,
    /// `functions/logs`
    Logs,
    /// `functions/uptime`
    Uptime,
    /// `functions/custom`
    Custom,
}

impl Group {
    /// The function's name.
    pub fn function(self) -> &'static str {
        match self {
            Self::Apm => "apm",
            Self::Cicd => "cicd",
            Self::Cloud => "cloud",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
            Self::Uptime => "uptime",
            Self::Custom => "custom",
        }
    }
}

/// Every provider and the group that takes its alerts.
pub const PROVIDERS: &[(&str, Group)] = &[
    ("prometheus", Group::Metrics),
    ("icinga", Group::Metrics),
    ("nagios", Group::Metrics),
    ("zabbix", Group::Metrics),
    ("elastic", Group::Logs),
    ("splunk-oncall", Group::Logs),
    ("grafana", Group::Apm),
    ("datadog", Group::Apm),
    ("newrelic", Group::Apm),
    ("sentry", Group::Apm),
    ("honeycomb", Group::Apm),
    ("github", Group::Cicd),
    ("gitlab", Group::Cicd),
    ("bitbucket", Group::Cicd),
    ("vercel", Group::Cicd),
    ("dynatrace", Group::Apm),
    ("appdynamics", Group::Apm),
    ("splunk-observability", Group::Apm),
    ("azure", Group::Cloud),
    ("cloudwatch", Group::Cloud),
    ("google-cloud-monitoring", Group::Cloud),
    ("better-uptime", Group::Uptime),
    ("pingdom", Group::Uptime),
    ("uptime-kuma", Group::Uptime),
    ("uptimerobot", Group::Uptime),
    ("webhook", Group::Custom),
    ("pagerduty", Group::Custom),
];

/// Paths besides `/api/integrations/<provider>` that take alerts, and the group
/// that serves them: the product's own Events API, and the addresses of
/// vendors whose clients let people change the host only.
pub const DROP_IN_PATHS: &[(&str, Group)] = &[
    ("/integrations/generic/20131114/alert/{key}", Group::Logs),
    (
        "/integrations/generic/20131114/alert/{key}/{routing}",
        Group::Logs,
    ),
    ("/api/events", Group::Custom),
    ("/api/integrations/pagerduty/v2/enqueue", Group::Custom),
    ("/v2/enqueue", Group::Custom),
    ("/v2/change/enqueue", Group::Custom),
    ("/generic/2010-04-15/create_event.json", Group::Custom),
];

/// How each provider is set up: a JSON list with one object per provider, the
/// same facts as its page under `docs/integrations`.
pub const GUIDES: &str = include_str!("../../docs/integrations/providers.json");

/// Whether there is a provider of this name.
pub fn is_provider(name: &str) -> bool {
    PROVIDERS.iter().any(|(provider, _)| *provider == name)
}

/// The providers of one group.
pub fn of_group(group: Group) -> impl Iterator<Item = &'static str> {
    PROVIDERS
        .iter()
        .filter(move |(_, of)| *of == group)
        .map(|(provider, _)| *provider)
}
