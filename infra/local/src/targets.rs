//! Which receivers a stack on this machine may reach.

use std::net::SocketAddr;

use common::{
    config::{self, ConfigError},
    outbound::Guard,
};

use crate::inbox;

/// The guard of a stack that listens here. A development machine's receivers
/// are on the machine itself; on the stack itself it is the built-in one alone,
/// since events posted to an intake would come back as alerts, for ever.
pub(crate) fn guard(
    allow_private: Option<bool>,
    address: SocketAddr,
) -> Result<Guard, ConfigError> {
    let allow_private = match allow_private {
        Some(allow) => allow,
        None => config::flag("ALLOW_PRIVATE_TARGETS", true)?,
    };
    let port = address.port();
    let names = ["localhost", "127.0.0.1", "[::1]"].map(|name| format!("{name}:{port}"));
    let own = names.into_iter().chain([address.to_string()]);
    // What the variables name is a proxy in front of this machine.
    let guard = Guard::new(allow_private).with_own_hosts_of_env()?;
    let guard = own.fold(guard, |guard, host| {
        guard.with_own_host(&host).unwrap_or(guard)
    });
    Ok(guard.with_own_receiver(inbox::PATH))
}
