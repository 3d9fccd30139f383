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

/// Problems of a body that an answer tells: one of a megabyte may have half a
/// million, and Lambda answers 6 MB at most.
pub const PROBLEMS_TOLD: usize = 100;

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
/// Longest snooze: 30 days. What is to be quiet for longer is suppressed.
pub const SNOOZE_MAX: Duration = Duration::from_secs(30 * 86_400);
/// Maintenance windows of a service that are not over: half a year of weekly
/// ones. Each integration carries a copy.
pub const MAINTENANCE_WINDOWS: usize = 26;
/// Longest reason of a maintenance window, characters.
pub const MAINTENANCE_REASON_CHARS: usize = 200;
/// Longest quiet time after which a service's incidents are over, hours: 30 days.
pub const AUTO_RESOLVE_HOURS_MAX: u64 = 720;
/// Integrations of a service: a change of the service, of what they repeat of
/// it, and its audit entry are one transaction, which takes 100 items.
pub const INTEGRATIONS_PER_SERVICE: usize = 98;
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
/// Longest token that is looked up as an API key, bytes; ours have 67.
pub const API_TOKEN_BYTES: usize = 100;
/// When an API key was used last is written at most this often.
pub const KEY_USE_STEP: Duration = Duration::from_secs(60);
/// How long a request waits for that write, which it does not depend on.
pub const KEY_USE_TIMEOUT: Duration = Duration::from_millis(500);
/// Events that an API key may send in one minute: as many as an integration
/// where nothing else is said.
pub const EVENTS_PER_KEY_AND_MINUTE: u32 = 1_000;
/// Largest `settings` of an integration, bytes of JSON.
pub const SETTINGS_BYTES: usize = 16 * 1024;

/// How long a resolve without an incident is remembered (domain rule 4).
pub const ORPHAN_RESOLVE_MEMORY: Duration = Duration::from_secs(5 * 60);
/// Incidents, their events and raw alerts are deleted so long after they close.
pub const CLOSED_INCIDENT_RETENTION: Duration = Duration::from_secs(30 * 86_400);
/// Timeline entries and raw alerts of an incident that stays open are kept so long.
pub const OPEN_HISTORY_RETENTION: Duration = Duration::from_secs(400 * 86_400);
/// Time that fan-out gives to what is not delivery, of its 30 s: the timeline of
/// an incident may have tens of thousands of items to let expire.
pub const FOLLOW_TIME: Duration = Duration::from_secs(5);
/// Deliveries are kept so long.
pub const DELIVERY_RETENTION: Duration = Duration::from_secs(30 * 86_400);
/// Entries of the request log are kept so long.
pub const REQUEST_LOG_RETENTION: Duration = Duration::from_secs(7 * 86_400);

/// Entries of the audit log are kept so long: a year and a month, so that an
/// audit once a year sees all of it.
pub const AUDIT_RETENTION: Duration = Duration::from_secs(400 * 86_400);
/// Longest value of a field in the audit log, characters.
pub const AUDIT_VALUE_CHARS: usize = 500;
/// Changed fields that one entry of the audit log names: an integration's
/// settings may have thousands.
pub const AUDIT_CHANGES: usize = 100;
/// How far the clock of who writes the audit log may be ahead of who reads it.
pub const AUDIT_CLOCK_SKEW: Duration = Duration::from_secs(3_600);

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
/// Partitions of the outbox: an event's entry costs three writes, and one
/// partition takes 1,000 a second.
pub const OUTBOX_SHARDS: u8 = 8;
/// An event that fan-out never handled is told of for so long: the table's
/// stream holds it no longer.
pub const OUTBOX_MEMORY: Duration = Duration::from_secs(24 * 3_600);
/// Not ready where fan-out has left an event alone for longer. In good times it
/// takes less than a second; a batch that fails is tried again for a while.
pub const UNHANDLED_AFTER: Duration = Duration::from_secs(2 * 60);
/// Not ready where a delivery has been due for longer and nobody attempted it:
/// deliveries come back up to 16.5 minutes after a receiver has recovered
/// ([`BREAKER_PAUSES`]), and the clock queues lost ones after
/// [`STRANDED_AFTER`].
pub const UNDELIVERED_AFTER: Duration = Duration::from_secs(20 * 60);
/// Newest due deliveries of a webhook that readiness looks at: where nobody
/// delivers, they are the ones that wait.
pub const READINESS_DELIVERIES: usize = 25;
/// Webhooks that readiness looks at.
pub const READINESS_WEBHOOKS: usize = 50;
/// An answer about readiness is given again for so long: anybody may ask, and
/// each of [`READINESS_WEBHOOKS`] may cost a read of a megabyte. What it tells
/// of takes minutes anyway.
pub const READINESS_CACHE: Duration = Duration::from_secs(15);
/// All checks of readiness together, under the 10 s of an HTTP function.
pub const READINESS_TIMEOUT: Duration = Duration::from_secs(7);
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
/// No delivery stays unfinished for longer: it waits for an open breaker for at
/// most [`FAILING_DISABLE_AFTER`], then for [`RETRY_TOTAL`] and one last pause,
/// and a day for queues that stood still.
pub const UNFINISHED_AT_MOST: Duration = Duration::from_secs(10 * 86_400);
/// Retry pauses vary by so much, up and down.
pub const RETRY_JITTER: f64 = 0.2;
/// A receiver's `Retry-After` is honoured up to this.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(12 * 3_600);
/// Longest visibility timeout that is set: SQS allows 12 h from the receive,
/// and the event source received the message before us.
pub const VISIBILITY_MAX: Duration = Duration::from_secs(12 * 3_600 - 300);
/// A message comes back after this when a store call failed while handling it.
pub const STORE_FAILURE_PAUSE: Duration = Duration::from_secs(5);
/// Deliveries to one webhook that are under way at once.
pub const DELIVERIES_AT_ONCE: usize = 10;
/// An attempt that has no answer after this is counted where all functions see
/// it: what is faster than this cannot pile up.
pub const SLOW_AFTER: Duration = Duration::from_secs(2);
/// A probe or a slow attempt that nobody ended is forgotten after this:
/// [`DELIVERY_TIMEOUT`] and time to write its end down.
pub const ATTEMPT_LEASE: Duration = Duration::from_secs(15);
/// Added to the wait of a delivery that found no place for every time that it
/// was received: places that are not free at once are held by slow attempts.
pub const BUSY_PAUSE: Duration = Duration::from_secs(2);
/// Longest such wait.
pub const BUSY_PAUSE_MAX: Duration = Duration::from_secs(600);
/// What a batch has delivered is deleted before its end when it lasts longer
/// than this: a hanging receiver must not hold up the next event of another.
pub const BATCH_PATIENCE: Duration = Duration::from_secs(1);

/// Failures in a row after which a webhook is probed instead of served.
pub const BREAKER_FAILURES: u32 = 5;
/// Pauses between probes; the last one again and again. Deliveries that wait
/// are received once per pause, and a queue allows a thousand receives: in five
/// days there are 490 pauses.
pub const BREAKER_PAUSES: [Duration; 8] = [
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(120),
    Duration::from_secs(300),
    Duration::from_secs(600),
    Duration::from_secs(900),
];
/// A delivery that waits for a probe asks again after this, however long a
/// receiver's `Retry-After` lets the probe wait: the queue hands nothing out
/// earlier, and a webhook may be repaired or enabled anew meanwhile.
pub const BREAKER_WAIT_MAX: Duration = Duration::from_secs(900);
/// Deliveries that wait for a probe come back spread over this part of its
/// pause, so that few of them meet while it is under way.
pub const BREAKER_SPREAD: f64 = 0.1;
/// A delivery that meets a probe under way asks again after this.
pub const PROBE_RESULT_PAUSE: Duration = Duration::from_secs(3);
/// The users of a webhook are warned after so long of nothing but failures.
pub const FAILING_WARN_AFTER: Duration = Duration::from_secs(86_400);
/// A webhook is disabled after so long of nothing but failures.
pub const FAILING_DISABLE_AFTER: Duration = Duration::from_secs(5 * 86_400);
/// Entries of a webhook's timeline are kept so long.
pub const WEBHOOK_TIMELINE_RETENTION: Duration = Duration::from_secs(90 * 86_400);

/// Messages of one SQS batch call.
pub const SQS_BATCH: usize = 10;
/// Messages of one SQS batch call, bytes in all: what every SQS takes (AWS
/// takes 1 MiB by now). One message alone may be as large.
pub const SQS_BATCH_BYTES: usize = 256 * 1024;

/// Both secrets of a webhook sign for so long after a rotation, unless said.
pub const SECRET_OVERLAP: Duration = Duration::from_secs(86_400);
/// Longest overlap of a rotation, seconds: a week, for receivers of others.
pub const SECRET_OVERLAP_MAX_SECONDS: u64 = 7 * 86_400;
/// Older secrets that sign beside the current one: each makes the signature
/// header about 50 bytes longer.
pub const OVERLAPPING_SECRETS: usize = 4;

/// A delivery that nothing has moved for so long is queued again: five
/// visibility timeouts of the queue, so that a slow queue is not mistaken for a
/// lost message.
pub const STRANDED_AFTER: Duration = Duration::from_secs(15 * 60);
/// The pause between two such queueings of a delivery grows by this factor:
/// five of them in five days, where a delivery waits for another reason.
pub const STRANDED_PAUSE_FACTOR: u32 = 4;
/// Longest pause between two looks at a delivery that waits for another one.
pub const WATCH_PAUSE_MAX: Duration = Duration::from_secs(6 * 3_600);
/// Every delivery is looked at when it is so old, whether it is finished: once
/// when it should be, and once when even the stream would have given it up
/// (23 h), because deliveries bear the time of their event.
pub const SWEEP_AGES: [Duration; 2] = [STRANDED_AFTER, Duration::from_secs(25 * 3_600)];
/// Deliveries of so much time are looked at together.
pub const SWEEP_STEP: Duration = Duration::from_secs(5 * 60);
/// Time that one run of the clock gives to snoozes that end, and again to
/// incidents that are over, of its 60 s.
pub const CLOCK_CHANGES_TIME: Duration = Duration::from_secs(12);
/// Time that one run of the clock gives to the sweep, of its 60 s.
pub const SWEEP_TIME: Duration = Duration::from_secs(20);
/// Watched deliveries read at once.
pub const WATCH_PAGE: i32 = 100;

/// Attempts of a delivery after which it is not queued anew: its item may have
/// 400 KB, and each attempt keeps 2 KiB of an answer.
pub const DELIVERY_ATTEMPTS_MAX: usize = 100;
/// Failed deliveries that one call of a recovery queues: each is a transaction.
pub const RECOVER_PAGE: usize = 500;
/// Deliveries that one call of a recovery looks at: about 20 MB.
pub const RECOVER_SCAN: usize = 10_000;
/// Writes of a recovery that run at the same time.
pub const RECOVER_WRITES_AT_ONCE: usize = 16;

/// Changes that one call of an import makes; a document with more of them is
/// sent again. Each is a write or a transaction of 10 to 20 ms.
pub const IMPORT_CHANGES: usize = 250;
/// An import makes no further change so long after its call began: with one
/// [`AWS_OPERATION_TIMEOUT`] it stays under the 20 s of its function.
pub const IMPORT_TIME: Duration = Duration::from_secs(10);
/// Services whose integrations are read at the same time.
pub const SERVICES_READ_AT_ONCE: usize = 16;
/// Longest request id of a sender that is taken over, bytes.
pub const CORRELATION_ID_BYTES: usize = 128;

/// Clock skew that a signed timestamp may have (Standard Webhooks: 5 minutes).
pub const SIGNED_TIMESTAMP_TOLERANCE: Duration = Duration::from_secs(300);

/// Slack: a header block, characters.
pub const SLACK_HEADER_CHARS: usize = 150;
/// Slack: the text of a block, characters.
pub const SLACK_TEXT_CHARS: usize = 3_000;
/// Slack: the text of notifications; Slack recommends 4,000 characters at most.
pub const SLACK_FALLBACK_CHARS: usize = 1_000;
/// Discord: an embed's title, characters.
pub const DISCORD_TITLE_CHARS: usize = 256;
/// Discord: an embed's description, characters.
pub const DISCORD_DESCRIPTION_CHARS: usize = 4_096;
/// Discord: all texts of a message's embeds together, characters.
pub const DISCORD_TOTAL_CHARS: usize = 6_000;
/// Telegram: a message, characters after its entities are parsed; before that
/// it is held to the same.
pub const TELEGRAM_TEXT_CHARS: usize = 4_096;
/// Teams: a message, bytes.
pub const TEAMS_BODY_BYTES: usize = 28 * 1024;
/// Google Chat: a message, bytes.
pub const GOOGLE_CHAT_BODY_BYTES: usize = 32_000;
/// Description in a Teams or Google Chat card, escaped, UTF-16 units: with
/// three bytes each it leaves room for the rest of the card.
pub const CARD_DESCRIPTION_CHARS: usize = 5_000;
/// Title in a card or a Telegram message, escaped, UTF-16 units: 500
/// characters, some of which need escapes.
pub const CARD_TITLE_CHARS: usize = 800;
/// One fact of a message (service, assignee …), escaped, UTF-16 units.
pub const FACT_CHARS: usize = 120;
/// Facts of a message: Slack takes ten fields a section.
pub const FACTS: usize = 10;

/// Largest template of a webhook, bytes.
pub const TEMPLATE_BYTES: usize = 16 * 1024;
/// Largest body that a template makes, bytes: as text in a queue message it
/// may become twice as long, and has to fit into [`SQS_BATCH_BYTES`].
pub const TEMPLATE_OUTPUT_BYTES: usize = 120 * 1024;
/// Work that a template may do: an instruction costs one, 64 bytes of text
/// cost one. Bounds the memory it takes to 3 MB.
pub const TEMPLATE_FUEL: u64 = 50_000;
