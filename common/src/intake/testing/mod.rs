//! What the tests of several groups of vendors share: requests, an integration,
//! bodies that are almost right, and what holds for every vendor.

mod changes;
mod fixtures;
mod requests;
mod samples;

use proptest::{prelude::*, strategy::Union};
use serde_json::{Value, json};

use super::{Authentication, Context, Parsed, Received, Unreadable, Vendor};
use crate::{alert::Action, time::Timestamp};

pub use changes::{Change, Changes, changes, mutated, retypings, with_values};
pub use fixtures::{Fixture, Headers, bodies, fixtures};
/// For [`vendor_properties`](crate::vendor_properties).
pub use proptest;
pub use requests::{TYPES, integration, json_request, request};
pub use samples::{Samples, any_text};

/// A secret that no test signs with.
const NOBODYS_SECRET: &str = "a secret that nobody signs with";

/// Whose connection test cannot be signed; it may say nothing else.
const PINGS_UNSIGNED: &str = "bitbucket";

/// What the vendor reads from this request, on an integration with these
/// settings.
///
/// # Errors
/// Those of the normaliser.
///
/// # Panics
/// Where the vendor does not keep what all promise: a request is not signed
/// with a secret that its sender cannot know, a body that can be read says at
/// least one thing, and an alert has an identity and a title.
pub fn normalise(
    vendor: &Vendor,
    settings: &Value,
    received: &Received,
) -> Result<Vec<Parsed>, Unreadable> {
    let name = vendor.name;
    let integration = integration(name, settings);
    let context = Context {
        integration: &integration,
        now: Timestamp::now(),
        address: None,
    };
    let is_accepted = match vendor.authentication {
        Authentication::Native(verify) => verify(received, NOBODYS_SECRET, &context),
        Authentication::SharedSecret | Authentication::Interactive(_) => false,
    };
    assert!(
        !is_accepted || name == PINGS_UNSIGNED,
        "{name} takes what nobody signed"
    );
    let parsed = (vendor.normalise)(received, &context);
    let is_harmless = matches!(parsed.as_deref(), Ok([Parsed::Ignored(_)]));
    assert!(
        !is_accepted || is_harmless,
        "{name} reads what nobody signed"
    );
    let parsed = parsed?;
    assert!(!parsed.is_empty(), "{name} answered nothing");
    for entry in &parsed {
        if let Parsed::Alert(alert) = entry {
            assert!(!alert.identity.is_empty(), "{name}: no identity");
            assert!(!alert.title.is_empty(), "{name}: no title");
        }
    }
    Ok(parsed)
}

/// What each alert of a request asks for, and for which problem.
///
/// # Errors
/// Those of the normaliser.
pub fn actions(vendor: &Vendor, received: &Received) -> Result<Vec<(Action, String)>, Unreadable> {
    let parsed = normalise(vendor, &json!({}), received)?;
    let alerts = parsed.into_iter().filter_map(|entry| match entry {
        Parsed::Alert(alert) => Some((alert.action, alert.identity)),
        _ => None,
    });
    Ok(alerts.collect())
}

/// What the only entry of a JSON body asks for, and for which problem.
#[must_use]
pub fn only_action(vendor: &Vendor, body: &Value) -> Option<(Action, String)> {
    match normalise(vendor, &json!({}), &json_request(body))
        .ok()?
        .as_slice()
    {
        [Parsed::Alert(alert)] => Some((alert.action, alert.identity.clone())),
        _ => None,
    }
}

/// A group of vendors, as [`vendor_properties`](crate::vendor_properties) tests
/// it.
#[derive(Debug)]
pub struct Group {
    /// Its vendors.
    pub vendors: &'static [Vendor],
    /// Their settings, as JSON, with values that change what they read.
    pub settings: &'static str,
    /// Headers that they read and that not every value of has a fixture.
    pub headers: &'static [(&'static str, &'static str)],
}

impl Group {
    /// A vendor of the group.
    #[must_use]
    pub fn vendor(&self, name: &str) -> Option<&'static Vendor> {
        self.vendors.iter().find(|vendor| vendor.name == name)
    }

    /// What one of its vendors might send.
    pub fn any_request(&self) -> impl Strategy<Value = Received> + use<> {
        let vendors = self.vendors.iter();
        Union::new(vendors.map(|vendor| Samples::of(vendor.name).any_request(self.headers)))
    }

    /// Its settings, or some that are almost right.
    ///
    /// # Panics
    /// Where they are no JSON object.
    pub fn any_settings(&self) -> impl Strategy<Value = Value> + use<> {
        let settings: Value = serde_json::from_str(self.settings).unwrap_or_default();
        assert!(settings.is_object(), "the settings are no object");
        retypings(0..3).prop_map(move |changes| mutated(&settings, &changes))
    }

    /// Lets each of its vendors read a request, without settings and with these.
    ///
    /// # Panics
    /// Where one does not keep what [`normalise`] asks.
    pub fn read(&self, settings: &Value, received: &Received) {
        for vendor in self.vendors {
            for settings in [&json!({}), settings] {
                // Unreadable is an answer too.
                let _ = normalise(vendor, settings, received);
            }
        }
    }

    /// Lets each vendor read its fixtures.
    ///
    /// # Panics
    /// Where one cannot read what is JSON, or finds an alert in what is to be
    /// ignored.
    pub fn read_fixtures(&self) {
        for vendor in self.vendors {
            for fixture in fixtures(vendor.name) {
                let name = format!("{}/{}", vendor.name, fixture.name);
                let alerts = actions(vendor, &fixture.request());
                let is_bad = fixture.json().is_none() || fixture.name.starts_with("bad.");
                let is_read = alerts.is_ok() || is_bad;
                assert!(is_read, "{name} cannot be read");
                let is_quiet = alerts.unwrap_or_default().is_empty();
                assert!(is_quiet || !name.contains(".ignore."), "{name} alerts");
            }
        }
    }
}

/// The tests of what holds for every vendor of a [`Group`].
#[macro_export]
macro_rules! vendor_properties {
    ($group:expr) => {
        #[test]
        fn a_fixture_that_is_to_be_ignored_is() {
            $group.read_fixtures();
        }

        $crate::intake::testing::proptest::proptest! {
            #![proptest_config($crate::intake::testing::proptest::test_runner::Config::with_cases(4_000))]

            #[test]
            fn no_request_makes_a_normaliser_panic(
                received in $group.any_request(),
                settings in $group.any_settings(),
            ) {
                $group.read(&settings, &received);
            }
        }
    };
}
