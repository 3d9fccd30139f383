//! What the fuzz targets share.

use common::intake::{Vendor, testing};
use serde_json::json;

/// Content types that vendors send, or fail to.
const TYPES: [&str; 4] = [
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
];

/// Lets every vendor of a group read a request: the first byte chooses its
/// type, the rest is its body.
pub fn run(vendors: &[Vendor], data: &[u8]) {
    let Some((first, body)) = data.split_first() else {
        return;
    };
    let kind = TYPES[usize::from(*first) % TYPES.len()];
    let received = testing::request(&[("content-type", kind)], body);
    for vendor in vendors {
        if let Ok(parsed) = testing::normalise(vendor, &json!({}), &received) {
            assert!(!parsed.is_empty(), "{} answered nothing", vendor.name);
        }
    }
}
