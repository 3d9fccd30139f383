//! Receivers that mean harm: what they cost is theirs alone.

mod answers;
mod encrypted;
mod pauses;
mod targets;

use std::time::Duration;

use common::outbound::Options;
use opsknight::stack::Settings;
use opsknight_tests::World;

/// A stack that waits three seconds for a receiver, and tries again after so long
/// that a test sees the first attempt only.
async fn impatient_world() -> World {
    World::with(Settings {
        retry_schedule: Some("1h".parse().expect("a schedule")),
        outbound: Options {
            deadline: Duration::from_secs(3),
            ..Options::default()
        },
        ..Settings::default()
    })
    .await
}
