//! The SNS envelope: what is signed, and which of its addresses may be reached.

use serde_json::Value;

/// What an envelope is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A published message.
    Notification,
    /// Somebody wants to send here.
    SubscriptionConfirmation,
    /// Nothing more will be sent.
    UnsubscribeConfirmation,
}

/// A body with `Type` and `TopicArn`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Envelope<'a> {
    body: &'a Value,
    topic: &'a str,
}

impl<'a> Envelope<'a> {
    /// The envelope, where the body is one.
    pub(super) fn of(body: &'a Value) -> Option<Self> {
        let filled = |name| {
            let text = body.get(name)?.as_str()?;
            (!text.trim().is_empty()).then_some(text)
        };
        filled("Type")?;
        let topic = filled("TopicArn")?;
        Some(Self { body, topic })
    }

    /// The ARN of its topic.
    pub(super) fn topic(self) -> &'a str {
        self.topic
    }

    /// What it is about; absent for a type that SNS does not have.
    pub(super) fn kind(self) -> Option<Kind> {
        Some(match self.text("Type")? {
            "Notification" => Kind::Notification,
            "SubscriptionConfirmation" => Kind::SubscriptionConfirmation,
            "UnsubscribeConfirmation" => Kind::UnsubscribeConfirmation,
            _ => return None,
        })
    }

    /// A field's text, unchanged: the signature is over it.
    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.body.get(name)?.as_str()
    }

    /// The JSON in its message.
    pub(super) fn message(self) -> Option<Value> {
        serde_json::from_str(self.text("Message")?).ok()
    }

    /// The text that SNS signs: absent where a part of it is missing.
    pub(super) fn signed_text(self) -> Option<String> {
        let names: &[&str] = match self.kind()? {
            Kind::Notification => &[
                "Message",
                "MessageId",
                "Subject",
                "Timestamp",
                "TopicArn",
                "Type",
            ],
            Kind::SubscriptionConfirmation | Kind::UnsubscribeConfirmation => &[
                "Message",
                "MessageId",
                "SubscribeURL",
                "Timestamp",
                "Token",
                "TopicArn",
                "Type",
            ],
        };
        let mut signed = String::new();
        for name in names {
            // Only the subject may be missing.
            if *name == "Subject" && self.body.get(*name).is_none_or(Value::is_null) {
                continue;
            }
            signed.push_str(name);
            signed.push('\n');
            signed.push_str(self.text(name)?);
            signed.push('\n');
        }
        Some(signed)
    }
}

/// Whether this is an address of SNS itself: https, its host as a whole, no
/// credentials, no port. Compared as text, because a parser forgives too much.
pub(super) fn is_sns_url(url: &str) -> bool {
    split(url).is_some_and(|(host, _)| is_sns_host(host))
}

/// Whether this is an address of a certificate of SNS.
pub(super) fn is_certificate_url(url: &str) -> bool {
    split(url).is_some_and(|(host, path)| is_sns_host(host) && path.ends_with(".pem"))
}

/// Authority and path of an https URL.
fn split(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("https://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    Some((authority, path))
}

/// `^sns\.[a-zA-Z0-9-]{3,}\.amazonaws\.com(\.cn)?$`
fn is_sns_host(host: &str) -> bool {
    let region = host.strip_prefix("sns.").and_then(|rest| {
        rest.strip_suffix(".amazonaws.com")
            .or_else(|| rest.strip_suffix(".amazonaws.com.cn"))
    });
    region.is_some_and(|region| {
        region.len() >= 3
            && region
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_sns_keeps_its_certificates() {
        for url in [
            "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-9c64.pem",
            "https://sns.cn-north-1.amazonaws.com.cn/a.pem",
            "https://sns.us-gov-west-1.amazonaws.com/a/b.pem",
        ] {
            assert!(is_certificate_url(url), "{url}");
        }
        for url in [
            "",
            "a.pem",
            "http://sns.eu-west-1.amazonaws.com/a.pem",
            "HTTPS://sns.eu-west-1.amazonaws.com/a.pem",
            "https://sns.eu-west-1.amazonaws.com",
            "https://sns.eu-west-1.amazonaws.com/a.pem.txt",
            "https://sns.eu-west-1.amazonaws.com/a?b=.pem",
            "https://sns.eu-west-1.amazonaws.com/a#.pem",
            "https://sns.eu-west-1.amazonaws.com:443/a.pem",
            "https://sns.eu-west-1.amazonaws.com:8443/a.pem",
            "https://user@sns.eu-west-1.amazonaws.com/a.pem",
            "https://user:pass@sns.eu-west-1.amazonaws.com/a.pem",
            "https://sns.eu-west-1.amazonaws.com@attacker.test/a.pem",
            "https://sns.eu-west-1.amazonaws.com\\@attacker.test/a.pem",
            "https://attacker.test\\.sns.eu-west-1.amazonaws.com/a.pem",
            "https://sns.eu-west-1.amazonaws.com.attacker.test/a.pem",
            "https://attacker-sns.eu-west-1.amazonaws.com/a.pem",
            "https://sns.eu.west.1.amazonaws.com/a.pem",
            "https://sns.eu.amazonaws.com/a.pem",
            "https://sns.amazonaws.com/a.pem",
            "https://sns.eu-west-1.amazonaws.com./a.pem",
            "https://sns.eu_west.amazonaws.com/a.pem",
            "https://sns.éu-west.amazonaws.com/a.pem",
            "https://s3.eu-west-1.amazonaws.com/a.pem",
            " https://sns.eu-west-1.amazonaws.com/a.pem",
            "https://\tsns.eu-west-1.amazonaws.com/a.pem",
        ] {
            assert!(!is_certificate_url(url), "{url}");
        }
        assert!(is_sns_url("https://sns.eu-west-1.amazonaws.com/?Action=x"));
        assert!(!is_sns_url(
            "https://sns.eu-west-1.amazonaws.com.attacker.test/"
        ));
    }

    #[test]
    fn the_subject_is_signed_only_where_there_is_one() {
        let mut body = json!({"Type": "Notification", "TopicArn": "t", "MessageId": "i",
            "Message": "m\n", "Timestamp": "s", "Subject": null, "Token": "not signed"});
        let signed = |body: &Value| Envelope::of(body).unwrap().signed_text();
        let without = "Message\nm\n\nMessageId\ni\nTimestamp\ns\nTopicArn\nt\nType\nNotification\n";
        assert_eq!(signed(&body).as_deref(), Some(without));
        body["Subject"] = json!("");
        assert!(signed(&body).unwrap().contains("Subject\n\nTimestamp"));
        body["Subject"] = json!(7);
        assert_eq!(signed(&body), None);
        body["Type"] = json!("SubscriptionConfirmation");
        assert_eq!(signed(&body), None);
    }
}
