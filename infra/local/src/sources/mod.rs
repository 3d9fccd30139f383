//! Event sources that behave like Lambda's: the table's stream, the delivery
//! queue, the schedule.

pub(crate) mod queue;
pub(crate) mod schedule;
pub(crate) mod stream;

use tokio::sync::watch;

/// Waits while a source stands still. `false` where it is to stop.
async fn goes_on(paused: &mut watch::Receiver<bool>, stop: &mut watch::Receiver<bool>) -> bool {
    if *paused.borrow_and_update() {
        tokio::select! {
            // Nobody can pause it any more where the switch is gone.
            _ = paused.wait_for(|paused| !*paused) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
    !*stop.borrow()
}
