//! Hosts and services with plugin states: what Nagios and Icinga have in common.

use common::{
    alert::{Action, Severity},
    intake::{
        Parsed,
        value::{identity, is_word},
    },
};

/// What a notification is about.
#[derive(Debug)]
pub(crate) struct Checked {
    /// The host.
    pub(crate) host: String,
    /// The service on it; none where the notification is about the host.
    pub(crate) service: Option<String>,
    /// The state of the one or the other.
    pub(crate) state: Option<String>,
}

impl Checked {
    /// A host and a service never make the same list: host `web` with service
    /// `01-x` is not host `web-01` with service `x`.
    pub(crate) fn identity(&self) -> String {
        match &self.service {
            Some(service) => identity(&[&self.host, service]),
            None => identity(&[&self.host]),
        }
    }

    /// One line, with these names for people.
    pub(crate) fn title(&self, host: &str, service: Option<&str>) -> String {
        let what = match service {
            Some(service) => format!("{service} on {host}"),
            None => host.to_owned(),
        };
        match &self.state {
            Some(state) => format!("{what} is {state}"),
            None => what,
        }
    }

    /// How bad its state is.
    pub(crate) fn severity(&self) -> Severity {
        let state = self.state.as_deref().unwrap_or_default();
        if is_word(state, &["CRITICAL", "DOWN"]) {
            Severity::Critical
        } else if is_word(state, &["WARNING"]) {
            Severity::Warning
        } else {
            Severity::Error
        }
    }
}

/// The words of one of the tools.
#[derive(Debug)]
pub(crate) struct Words {
    /// Notification types that say something about notifications, not about
    /// the problem.
    pub(crate) notices: &'static [&'static str],
    /// States that are a problem.
    pub(crate) problems: &'static [&'static str],
}

impl Words {
    /// What a notification asks for: by its type, and by the state only where
    /// it has none. Otherwise what became of it.
    pub(crate) fn action(&self, kind: Option<&str>, state: Option<&str>) -> Result<Action, Parsed> {
        let Some(kind) = kind else {
            return self.action_of_state(state);
        };
        if is_word(kind, &["PROBLEM"]) {
            Ok(Action::Trigger)
        } else if is_word(kind, &["RECOVERY"]) {
            Ok(Action::Resolve)
        } else if is_word(kind, &["ACKNOWLEDGEMENT"]) {
            Ok(Action::Acknowledge)
        } else if is_word(kind, self.notices) {
            Err(Parsed::ignored(format!("{kind} changes no incident")))
        } else {
            Err(Parsed::unrecognised("notification type"))
        }
    }

    fn action_of_state(&self, state: Option<&str>) -> Result<Action, Parsed> {
        match state {
            Some(state) if is_word(state, &["OK", "UP"]) => Ok(Action::Resolve),
            Some(state) if is_word(state, self.problems) => Ok(Action::Trigger),
            _ => Err(Parsed::unrecognised(
                "notification: it has neither a type nor a known state",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(host: &str, service: Option<&str>) -> Checked {
        Checked {
            host: host.to_owned(),
            service: service.map(str::to_owned),
            state: None,
        }
    }

    #[test]
    fn hosts_and_services_never_share_an_identity() {
        let identities = [
            checked("web", Some("01-x")),
            checked("web-01", Some("x")),
            checked("web-01", None),
            checked("web-01,x", None),
            checked("web\",\"01-x", None),
        ]
        .map(|checked| checked.identity());
        assert_eq!(identities[0], r#"["web","01-x"]"#);
        for (at, identity) in identities.iter().enumerate() {
            assert!(!identities[at + 1..].contains(identity), "{identity}");
        }
    }
}
