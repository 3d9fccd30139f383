//! Escalation-policy webhooks: a form whose values are JSON texts with their
//! quotes, signed over the address and the fields.

use common::{
    alert::{Action, Alert},
    intake::{
        Context, Parsed, Received, Unreadable,
        credentials::is_hmac_sha1_base64,
        value::{first_text, text_at},
    },
};
use serde_json::{Map, Value};

use super::{entity_id, outbound::severity};

/// Reads an escalation: an incident that somebody is paged for.
pub(super) fn parse(received: &Received, context: &Context<'_>) -> Result<Parsed, Unreadable> {
    let fields: Map<String, Value> = received
        .form_fields()
        .into_iter()
        .map(|(name, value)| (name, Value::String(unquoted(value))))
        .collect();
    let is_escalation = fields.contains_key("entity_id") || fields.contains_key("incident");
    if !is_escalation && (!received.is_form() || fields.is_empty()) {
        return Err(Unreadable::new("the body is neither JSON nor a form"));
    }
    let identity = ["entity_id", "incident"]
        .into_iter()
        .find_map(|name| fields.get(name).and_then(entity_id));
    let details = Value::Object(fields);
    Ok(match identity {
        Some(identity) => alert(identity, details, context).into(),
        None => Parsed::unrecognised("form: neither an entity id nor an incident"),
    })
}

fn alert(identity: String, details: Value, context: &Context<'_>) -> Alert {
    Alert {
        action: Action::Trigger,
        title: text_at(&details, "entity_display_name").unwrap_or_else(|| identity.clone()),
        description: first_text(&details, &["state_message", "message", "summary"]),
        source: first_text(&details, &["monitoring_tool", "host_name", "hostname"])
            .unwrap_or_else(|| context.integration.name.clone()),
        severity: severity(text_at(&details, "entity_state").as_deref()),
        occurred_at: None,
        link: None,
        identity,
        details,
    }
}

/// `"checkout \"eu\""` → `checkout "eu"`. What is no JSON text loses one pair of
/// quotes, or nothing.
fn unquoted(value: String) -> String {
    serde_json::from_str::<String>(&value).unwrap_or_else(|_| {
        value
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .map(str::to_owned)
            .unwrap_or(value)
    })
}

/// Whether `X-VictorOps-Signature` is over the address as it was typed into
/// VictorOps and every field, sorted by name, its value decoded.
pub(super) fn is_signed(received: &Received, secret: &str, context: &Context<'_>) -> bool {
    let address = context
        .settings()
        .text("publicUrl")
        .or(received.url.as_deref());
    let (Some(address), Some(signature)) = (address, received.header("x-victorops-signature"))
    else {
        return false;
    };
    let mut fields = received.form_fields();
    fields.sort_by(|(left, _), (right, _)| left.cmp(right));
    let signed = fields
        .into_iter()
        .fold(address.to_owned(), |signed, (name, value)| {
            signed + &name + &value
        });
    is_hmac_sha1_base64(signature, secret, signed.as_bytes())
}

#[cfg(test)]
mod tests {
    use common::intake::testing::{integration, request};
    use serde_json::json;

    use super::*;

    #[test]
    fn without_the_setting_the_deployments_address_is_signed() {
        let integration = integration("splunk-oncall", &json!({}));
        let context = Context {
            integration: &integration,
            now: integration.created_at,
            address: None,
        };
        // base64(HMAC-SHA1("secret", "https://h/p?q=1" + "a1 2" + "b\"x\""))
        let signature = ("x-victorops-signature", "rUJrxrG5lr9wJXkT17ozZP4ahww=");
        let form = ("content-type", "application/x-www-form-urlencoded");
        let mut request = request(&[form, signature], b"b=%22x%22&a=1+2");
        assert!(!is_signed(&request, "secret", &context), "no address");
        request.url = Some("https://h/p?q=1".to_owned());
        assert!(is_signed(&request, "secret", &context));
        assert!(!is_signed(&request, "other", &context));
        request.url = Some("https://h/p?q=2".to_owned());
        assert!(!is_signed(&request, "secret", &context));
    }

    #[test]
    fn one_pair_of_quotes_goes() {
        for (value, expected) in [
            ("\"checkout\"", "checkout"),
            (r#""say \"no\" \u00e9""#, "say \"no\" \u{e9}"),
            (r#""C:\x""#, r"C:\x"),
            ("482", "482"),
            ("plain", "plain"),
            ("\"", "\""),
            ("", ""),
        ] {
            assert_eq!(unquoted(value.to_owned()), expected, "{value}");
        }
    }
}
