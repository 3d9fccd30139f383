//! Every metric that there is. Each name costs $0.30 a month for every value of
//! its dimension, in the hours in which it is written: dimensions are bounded
//! (providers, functions, status codes, reason codes), and no metric has one of
//! incidents, webhooks or users.

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things; those of one line are added up.
    Count,
    /// A time; every one of a line is kept.
    Milliseconds,
    /// Things each of which is a value of its own, such as attempts.
    Counts,
}

impl Unit {
    /// The unit as CloudWatch knows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count | Self::Counts => "Count",
            Self::Milliseconds => "Milliseconds",
        }
    }
}

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident: $unit:ident,)*) => {
        /// A metric of `docs/observability.md`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Metric {
            $($(#[$doc])* $name,)*
        }

        impl Metric {
            /// Every metric.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// What it counts.
            pub fn unit(self) -> Unit {
                match self {
                    $(Self::$name => Unit::$unit,)*
                }
            }
        }
    };
}

metrics! {
    /// Alerts received, by `Provider`.
    Alerts: Count,
    /// Alerts that opened an incident.
    AlertsTriggered: Count,
    /// Alerts counted on an open incident.
    AlertsDeduplicated: Count,
    /// Alerts that acknowledged an incident.
    AlertsAcknowledged: Count,
    /// Alerts that resolved an incident.
    AlertsResolved: Count,
    /// Alerts that changed nothing, in all and by `Reason`.
    AlertsIgnored: Count,
    /// A request with alerts, from its arrival to its answer.
    IntakeDuration: Milliseconds,
    /// Answers 4xx, by `Function` and by `Status`.
    RequestsRejected: Count,
    /// Answers 5xx, in all and by `Function`.
    RequestsFailed: Count,
    /// Incidents opened, by whatever.
    IncidentsOpened: Count,
    /// Incidents resolved, by whatever.
    IncidentsResolved: Count,
    /// Events that receivers may be told of.
    Events: Count,
    /// Deliveries written and queued.
    DeliveriesQueued: Count,
    /// From an event to its deliveries in the queue.
    FanoutAge: Milliseconds,
    /// Batches of the stream that come again from a record on.
    FanoutFailures: Count,
    /// Events of the stream that nobody can read: no receiver is told of them.
    EventsUnreadable: Count,
    /// Deliveries that their receiver accepted.
    DeliveriesDelivered: Count,
    /// Attempts that failed and will be repeated.
    DeliveriesRetried: Count,
    /// Deliveries given up.
    DeliveriesFailed: Count,
    /// Deliveries not sent because their webhook is disabled or deleted.
    DeliveriesSkipped: Count,
    /// Messages put back without an attempt.
    DeliveriesPostponed: Count,
    /// One attempt.
    DeliveryDuration: Milliseconds,
    /// Attempts that a delivered one took.
    DeliveryAttempts: Counts,
    /// From an event to its receiver's acceptance.
    DeliveryAge: Milliseconds,
    /// From an event to the start of the first attempt, where nothing but our
    /// own work lies between: no earlier event, no breaker, no other attempt.
    FirstAttemptAge: Milliseconds,
    /// Webhooks that are probed from now on.
    BreakersOpened: Count,
    /// Webhooks that are served again.
    BreakersClosed: Count,
    /// Webhooks whose users were warned.
    WebhooksFailing: Count,
    /// Webhooks that the system disabled.
    WebhooksDisabled: Count,
    /// Given-up deliveries that the dead-letter queue did not take.
    DeadLetterFailures: Count,
    /// Snoozes that ended.
    SnoozesEnded: Count,
    /// Incidents resolved because their tool was quiet.
    IncidentsQuieted: Count,
    /// Deliveries that nothing moved, queued again.
    DeliveriesStranded: Count,
    /// One run of the clock.
    ClockDuration: Milliseconds,
    /// Deliveries queued anew by users.
    DeliveriesRequeued: Count,
}
