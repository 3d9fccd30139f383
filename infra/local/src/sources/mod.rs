//! Event sources that behave like Lambda's: the table's stream, the delivery
//! queue, the schedule.

pub(crate) mod queue;
pub(crate) mod schedule;
pub(crate) mod stream;
