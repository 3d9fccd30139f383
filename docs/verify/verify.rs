//! Verifies a delivery of OpsKnight Webhooks. Needs the crates base64 0.22,
//! hmac 0.13 and sha2 0.11.
//!
//!     verify SECRET HEADERS_FILE BODY_FILE
//!
//! The headers file has a line "name: value" for each header, the body file the
//! body's bytes as they arrived. Prints "valid", or "invalid" and exits with 1.

use std::{
    collections::HashMap,
    env, fs,
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// `headers`: names in lower case; `body`: the raw bytes, not parsed JSON.
fn verify(
    secret: &str,
    headers: &HashMap<String, String>,
    body: &[u8],
    tolerance: Duration,
) -> bool {
    let header = |name: &str| headers.get(name).map_or("", String::as_str);
    // Not a generated secret: its text is the key.
    let key = secret
        .strip_prefix("whsec_")
        .and_then(|encoded| STANDARD.decode(encoded).ok())
        .unwrap_or_else(|| secret.as_bytes().to_vec());
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let Ok(seconds) = timestamp.parse::<u64>() else {
        return false;
    };
    // An old delivery may be sent again by somebody else.
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    if now.is_ok_and(|now| now.as_secs().abs_diff(seconds) > tolerance.as_secs()) {
        return false;
    }
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else {
        return false;
    };
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    // While a secret is being rotated there is one signature for each.
    header("webhook-signature")
        .split(' ')
        .filter_map(|given| STANDARD.decode(given.strip_prefix("v1,")?).ok())
        .any(|given| mac.clone().verify_slice(&given).is_ok())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [secret, headers_file, body_file] = arguments.as_slice() else {
        eprintln!("usage: verify SECRET HEADERS_FILE BODY_FILE");
        return ExitCode::from(2);
    };
    let (Ok(lines), Ok(body)) = (fs::read_to_string(headers_file), fs::read(body_file)) else {
        eprintln!("{headers_file} or {body_file} cannot be read");
        return ExitCode::from(2);
    };
    let headers = lines
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_lowercase(), value.trim().to_owned()))
        .collect();
    if verify(secret, &headers, &body, Duration::from_secs(300)) {
        println!("valid");
        ExitCode::SUCCESS
    } else {
        println!("invalid");
        ExitCode::FAILURE
    }
}
