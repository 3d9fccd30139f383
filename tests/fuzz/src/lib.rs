//! What the fuzz targets share.

use common::intake::{
    Vendor,
    testing::{TYPES, normalise, request},
};
use serde_json::json;

/// Lets every vendor of a group read a request: the first byte chooses its
/// type, the rest is its body.
pub fn run(vendors: &[Vendor], data: &[u8]) {
    let Some((first, body)) = data.split_first() else {
        return;
    };
    let kind = TYPES[usize::from(*first) % TYPES.len()];
    let received = request(&[("content-type", kind)], body);
    for vendor in vendors {
        // Unreadable is an answer; the kit checks every other one.
        let _ = normalise(vendor, &json!({}), &received);
    }
}
