//! AWS CloudWatch: alarms over SNS, in its envelope or raw, and over
//! EventBridge (`vendors/cloudwatch.md`).

mod authentication;
mod certificate;
mod envelope;
mod severity;

use common::{
    alert::{Action, Alert},
    intake::{
        Authentication, Context, Methods, Parsed, Received, Unreadable, Vendor,
        value::{is_word, text_at, time_at},
    },
    time::Timestamp,
};
use http::StatusCode;
use serde_json::Value;

use envelope::Envelope;

pub(crate) const VENDOR: Vendor = Vendor {
    name: "cloudwatch",
    methods: Methods::Post,
    authentication: Authentication::Interactive(|attempt| {
        Box::pin(authentication::authenticate(attempt))
    }),
    // SNS counts everything below 500 as delivered: a 429 loses the alarm.
    overload: StatusCode::SERVICE_UNAVAILABLE,
    normalise,
};

fn normalise(received: &Received, context: &Context<'_>) -> Result<Vec<Parsed>, Unreadable> {
    let body = received.json()?;
    let Some(envelope) = Envelope::of(&body) else {
        let topic = received.header("x-amz-sns-topic-arn");
        return Ok(vec![read(&body, topic, context)]);
    };
    // A text, or the JSON of another service, is no alarm either.
    let message = envelope.message().unwrap_or_default();
    Ok(vec![read(&message, Some(envelope.topic()), context)])
}

/// What a message says, whichever way it came.
fn read(message: &Value, topic: Option<&str>, context: &Context<'_>) -> Parsed {
    let alarm = match text_at(message, "detail-type") {
        Some(kind) if text_at(message, "source").as_deref() == Some("aws.cloudwatch") => {
            if is_word(&kind, &["CloudWatch Alarm Configuration Change"]) {
                // A deleted alarm proves nothing about the problem.
                return Parsed::ignored("the alarm's configuration changed, not its state");
            }
            of_event(message, &kind)
        }
        _ => of_alarm(message, topic),
    };
    match alarm {
        Ok(alarm) => alarm.parse(message, context),
        Err(what) => Parsed::unrecognised(what),
    }
}

/// What both shapes say.
struct Alarm {
    identity: String,
    name: String,
    state: String,
    description: Option<String>,
    reason: Option<String>,
    origin: Option<String>,
    changed_at: Option<Timestamp>,
}

/// The message of an alarm action.
fn of_alarm(message: &Value, topic: Option<&str>) -> Result<Alarm, &'static str> {
    let (Some(name), Some(state)) = (
        text_at(message, "AlarmName"),
        text_at(message, "NewStateValue"),
    ) else {
        return Err("message: it is no CloudWatch alarm");
    };
    let account = text_at(message, "AWSAccountId").or_else(|| topic.and_then(account_of_topic));
    let region = text_at(message, "Region");
    Ok(Alarm {
        identity: text_at(message, "AlarmArn").unwrap_or_else(|| {
            let account = account.as_deref().unwrap_or_default();
            format!("{account}:{}:{name}", region.as_deref().unwrap_or_default())
        }),
        name,
        state,
        description: text_at(message, "AlarmDescription"),
        reason: text_at(message, "NewStateReason"),
        origin: origin(account, region),
        changed_at: time_at(message, "StateChangeTime"),
    })
}

/// The event that EventBridge sends at a change of state.
fn of_event(event: &Value, kind: &str) -> Result<Alarm, &'static str> {
    const CONTRIBUTOR: &str = "CloudWatch Alarm Contributor State Change";
    if !is_word(kind, &["CloudWatch Alarm State Change", CONTRIBUTOR]) {
        return Err("event of CloudWatch");
    }
    let (arn, name) = (
        text_at(event, "resources.0"),
        text_at(event, "detail.alarmName"),
    );
    let state = text_at(event, "detail.state.value").ok_or("event: it has no state")?;
    let (account, region) = (text_at(event, "account"), text_at(event, "region"));
    let alarm = match (&arn, &name) {
        (Some(arn), _) => arn.clone(),
        (None, Some(name)) => format!(
            "{}:{}:{name}",
            account.as_deref().unwrap_or_default(),
            region.as_deref().unwrap_or_default()
        ),
        (None, None) => return Err("event: it names no alarm"),
    };
    let contributor = text_at(event, "detail.alarmContributor.id");
    let identity = match contributor {
        Some(contributor) => format!("{alarm}#{contributor}"),
        None if is_word(kind, &[CONTRIBUTOR]) => return Err("event: it names no contributor"),
        None => alarm.clone(),
    };
    let name = name.or_else(|| Some(alarm.rsplit_once(":alarm:")?.1.to_owned()));
    Ok(Alarm {
        identity,
        name: name.unwrap_or(alarm),
        state,
        description: text_at(event, "detail.configuration.description"),
        reason: text_at(event, "detail.state.reason"),
        origin: origin(account, region),
        changed_at: time_at(event, "detail.state.timestamp"),
    })
}

impl Alarm {
    fn parse(self, message: &Value, context: &Context<'_>) -> Parsed {
        let settings = context.settings();
        let action = match self.state.to_ascii_uppercase().as_str() {
            "ALARM" => Action::Trigger,
            "OK" => Action::Resolve,
            "INSUFFICIENT_DATA" if settings.chooses("insufficientData", "trigger") => {
                Action::Trigger
            }
            "INSUFFICIENT_DATA" if settings.chooses("insufficientData", "resolve") => {
                Action::Resolve
            }
            "INSUFFICIENT_DATA" => return Parsed::ignored("the alarm has insufficient data"),
            _ => return Parsed::unrecognised("alarm state"),
        };
        let description = self.description.as_deref().unwrap_or_default();
        Alert {
            action,
            severity: severity::of(&self.name, description, settings),
            identity: self.identity,
            title: self.name,
            description: match (self.description, self.reason) {
                (Some(description), Some(reason)) => Some(format!("{description}\n\n{reason}")),
                (description, reason) => description.or(reason),
            },
            source: self
                .origin
                .unwrap_or_else(|| context.integration.name.clone()),
            occurred_at: self.changed_at,
            link: None,
            details: message.clone(),
        }
        .into()
    }
}

/// Where the alarm is: `481516234200 eu-west-1`.
fn origin(account: Option<String>, region: Option<String>) -> Option<String> {
    match (account, region) {
        (Some(account), Some(region)) => Some(format!("{account} {region}")),
        (account, region) => account.or(region),
    }
}

/// The account in `arn:aws:sns:<region>:<account>:<name>`.
fn account_of_topic(topic: &str) -> Option<String> {
    let account = topic.split(':').nth(4)?;
    (!account.is_empty()).then(|| account.to_owned())
}
