//! Every number with a meaning: limits, timeouts, retention and schedules,
//! each with its unit and the reason for its value.

use std::time::Duration;

/// Largest intake body, bytes. Larger ones get 413; Lambda itself takes 6 MB.
pub const INTAKE_BODY_BYTES: usize = 5 * 1024 * 1024;
/// Largest management API body, bytes.
pub const API_BODY_BYTES: usize = 1024 * 1024;
/// How much of an over-long body is read and thrown away so that the sender
/// gets to see the 413 instead of a broken connection.
pub const DISCARDED_BODY_BYTES: usize = 64 * 1024 * 1024;

/// Longest incident title, characters.
pub const TITLE_CHARS: usize = 500;
/// Longest incident description, characters.
pub const DESCRIPTION_CHARS: usize = 10_000;
/// Longest alert source, characters.
pub const SOURCE_CHARS: usize = 200;
/// Longest link of an incident, bytes: browsers take no longer ones everywhere.
pub const LINK_BYTES: usize = 2_048;
/// Longest note on an incident, characters.
pub const NOTE_CHARS: usize = 10_000;
/// Longest name of a service, integration or webhook, characters.
pub const NAME_CHARS: usize = 100;
/// Longest dedup key, characters; longer ones are cut and hashed.
pub const DEDUP_KEY_CHARS: usize = 512;
/// Characters kept of an over-long dedup key, before `_` and 32 hex digits.
pub const DEDUP_KEY_KEPT_CHARS: usize = 479;
/// Longest dedup key, bytes, that is written into a partition key as it is
/// (`DynamoDB` allows 2,048 bytes in all; a counter item must stay under 1 KB).
pub const DEDUP_KEY_PLAIN_BYTES: usize = 512;
/// Longest dedup key of the Events API, characters.
pub const EVENT_DEDUP_KEY_CHARS: usize = 200;
/// Target size of the counter item, bytes: one write unit covers 1 KB.
pub const COUNTER_ITEM_BYTES: usize = 1_000;

/// Raw alerts of an incident that are all kept.
pub const RAW_ALERTS_KEPT: u64 = 50;
/// After those, every n-th raw alert is kept.
pub const RAW_ALERTS_SAMPLE: u64 = 100;
/// Largest details of a raw alert that are kept whole, bytes.
pub const RAW_ALERT_DETAILS_BYTES: usize = 100 * 1024;
/// Excerpt of a received body in the request log, characters.
pub const REQUEST_EXCERPT_CHARS: usize = 2_000;
/// One of so many accepted requests is written to the request log.
pub const REQUEST_LOG_SAMPLE: u64 = 100;
/// Longest reason why an alert was ignored, characters: it has to hold the
/// address that confirms an SNS subscription, about 500.
pub const REASON_CHARS: usize = 1_000;
/// Entries of the request log answered at once.
pub const REQUEST_LOG_PAGE: i32 = 100;
/// Largest `settings` of an integration, bytes of JSON.
pub const SETTINGS_BYTES: usize = 16 * 1024;

/// How long a resolve without an incident is remembered (domain rule 4).
pub const ORPHAN_RESOLVE_MEMORY: Duration = Duration::from_secs(5 * 60);
/// Incidents, their events and raw alerts are deleted so long after they close.
pub const CLOSED_INCIDENT_RETENTION: Duration = Duration::from_secs(30 * 86_400);
/// Timeline entries and raw alerts of an incident that stays open are kept so long.
pub const OPEN_HISTORY_RETENTION: Duration = Duration::from_secs(400 * 86_400);
/// Deliveries are kept so long.
pub const DELIVERY_RETENTION: Duration = Duration::from_secs(30 * 86_400);
/// Entries of the request log are kept so long.
pub const REQUEST_LOG_RETENTION: Duration = Duration::from_secs(7 * 86_400);

/// Attempts of one conditional change before the caller is told to try again.
/// With 32 writers on one key the worst case seen was 4.
pub const CONFLICT_ATTEMPTS: u32 = 12;
/// First pause between those attempts; doubled each time, with full jitter.
pub const CONFLICT_PAUSE: Duration = Duration::from_millis(10);
/// Longest of those pauses.
pub const CONFLICT_PAUSE_MAX: Duration = Duration::from_millis(250);

/// Connecting to an AWS endpoint.
pub const AWS_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// One attempt of an AWS call.
pub const AWS_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// One AWS call with its retries; under the 10 s of an HTTP function.
pub const AWS_OPERATION_TIMEOUT: Duration = Duration::from_secs(8);
/// Attempts of one AWS call.
pub const AWS_ATTEMPTS: u32 = 3;
/// The call that warms an endpoint while the function starts.
pub const WARM_UP_TIMEOUT: Duration = Duration::from_secs(1);

/// A vendor's message id is remembered so long: SNS stops retrying after 1 h.
pub const MESSAGE_MEMORY: Duration = Duration::from_secs(2 * 3_600);

/// Default and largest page of a list.
pub const PAGE_DEFAULT: usize = 50;
/// Largest page of a list: 100 incidents and their counters are two
/// `BatchGetItem` calls.
pub const PAGE_MAX: usize = 100;
/// Partitions of the incident index: the index takes four times one
/// partition's 1,000 writes a second.
pub const INCIDENT_INDEX_SHARDS: u8 = 4;
/// Index entries read for one page of a filtered list, per partition, before a
/// short page and a cursor are answered.
pub const LIST_SCAN_BUDGET: usize = 2_000;

/// Connecting to a receiver.
pub const DELIVERY_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// One delivery attempt in all, the response body included.
pub const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);
/// Time that a delivery attempt and its record need before the function's
/// deadline; nothing is started later.
pub const DELIVERY_DEADLINE_RESERVE: Duration = Duration::from_secs(12);
/// Headers of a receiver's response; more of them make it unreadable.
pub const RESPONSE_HEADERS: usize = 100;
/// Bytes of the status line and all headers of a receiver's response.
pub const RESPONSE_HEAD_BYTES: usize = 64 * 1024;
/// Bytes that a receiver may send for one answer, interim answers and chunk
/// sizes included: [`RESPONSE_READ_BYTES`] in chunks of one byte need 384 KiB.
pub const RESPONSE_WIRE_BYTES: usize = 512 * 1024;
/// Bytes of a receiver's response that are read.
pub const RESPONSE_READ_BYTES: usize = 64 * 1024;
/// Bytes of a receiver's response that are kept in the attempt log.
pub const RESPONSE_KEPT_BYTES: usize = 2 * 1024;
/// Reading a public document (certificate, keys) or confirming a subscription
/// while a sender waits: SNS gives up after 15 s, and the write comes after it.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(3);
/// Idle connections to receivers are closed after this; receivers commonly
/// close theirs after 60–75 s.
pub const DELIVERY_POOL_IDLE: Duration = Duration::from_secs(45);

/// Pauses between the first attempts of a delivery.
pub const RETRY_SCHEDULE: [Duration; 8] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(600),
    Duration::from_secs(1_800),
    Duration::from_secs(3_600),
    Duration::from_secs(10_800),
    Duration::from_secs(21_600),
];
/// Pause between all later attempts.
pub const RETRY_TAIL: Duration = Duration::from_secs(12 * 3_600);
/// A delivery is given up so long after its first attempt.
pub const RETRY_TOTAL: Duration = Duration::from_secs(3 * 86_400);
/// No delivery stays unfinished for longer: [`RETRY_TOTAL`], one last pause, and
/// a day for queues that stood still.
pub const UNFINISHED_AT_MOST: Duration = Duration::from_secs(5 * 86_400);
/// Retry pauses vary by so much, up and down.
pub const RETRY_JITTER: f64 = 0.2;
/// A receiver's `Retry-After` is honoured up to this.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(12 * 3_600);
/// Longest visibility timeout that is set: SQS allows 12 h from the receive,
/// and the event source received the message before us.
pub const VISIBILITY_MAX: Duration = Duration::from_secs(12 * 3_600 - 300);
/// A message comes back after this when a store call failed while handling it.
pub const STORE_FAILURE_PAUSE: Duration = Duration::from_secs(5);
/// Messages of one SQS batch call.
pub const SQS_BATCH: usize = 10;

/// Clock skew that a signed timestamp may have (Standard Webhooks: 5 minutes).
pub const SIGNED_TIMESTAMP_TOLERANCE: Duration = Duration::from_secs(300);
