//! Every function without its table and queues: whatever needs them says so.

use crate::{Seen, document::Document};

/// Calls every operation that documents it.
pub(crate) async fn add(_document: &Document, _seen: &mut Seen) {}
