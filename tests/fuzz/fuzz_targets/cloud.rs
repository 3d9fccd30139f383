//! No request makes a normaliser of the group `cloud` panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opsknight_fuzz::run(cloud::VENDORS, data));
