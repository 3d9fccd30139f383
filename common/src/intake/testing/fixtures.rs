//! The bodies in `tests/fixtures/vendors/payloads`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::request;
use crate::intake::Received;

/// Headers by name, in order.
pub type Headers = Vec<(String, String)>;

/// A body that a vendor sends.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// Its file name, after that of its folder where it is in one.
    pub name: String,
    /// What its `.headers.txt` says, where it has one.
    pub headers: Headers,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

impl Fixture {
    /// The body as JSON, where it is.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        (body.is_object() || body.is_array()).then_some(body)
    }

    /// The request that it is of.
    #[must_use]
    pub fn request(&self) -> Received {
        request_of(&self.headers, &self.body)
    }
}

/// A request with headers that were read or made.
pub(super) fn request_of(headers: &Headers, body: &[u8]) -> Received {
    let headers = headers.iter();
    let headers: Vec<_> = headers
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    request(&headers, body)
}

/// Every body of a vendor, also those in folders of its own, by name.
///
/// # Panics
/// Where there is none: a property of no body holds always.
#[must_use]
pub fn fixtures(vendor: &str) -> Vec<Fixture> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/fixtures/vendors/payloads")
        .join(vendor);
    let mut found: Vec<Fixture> = files(&root)
        .into_iter()
        .filter_map(|path| read(&root, &path))
        .collect();
    assert!(!found.is_empty(), "{vendor} has no fixtures");
    found.sort_by(|left, right| left.name.cmp(&right.name));
    found
}

/// Every body of a vendor that is JSON, by name.
#[must_use]
pub fn bodies(vendor: &str) -> Vec<(String, Value)> {
    fixtures(vendor)
        .into_iter()
        .filter_map(|fixture| Some((fixture.json()?, fixture.name)))
        .map(|(body, name)| (name, body))
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        })
        .collect()
}

/// The fixture in a file, where it is no certificate and no list of headers.
fn read(root: &Path, path: &Path) -> Option<Fixture> {
    let name = path.strip_prefix(root).ok()?.to_str()?;
    let (stem, extension) = name.rsplit_once('.')?;
    if !matches!(extension, "json" | "txt") || name.ends_with(".headers.txt") {
        return None;
    }
    let headers = fs::read_to_string(root.join(format!("{stem}.headers.txt"))).unwrap_or_default();
    Some(Fixture {
        name: name.to_owned(),
        headers: headers
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect(),
        body: fs::read(path).ok()?,
    })
}
