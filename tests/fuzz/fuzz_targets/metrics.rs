//! No request makes a normaliser of the group `metrics` panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opsknight_fuzz::run(metrics::VENDORS, data));
