//! No request makes a normaliser of the group `logs` panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opsknight_fuzz::run(logs::VENDORS, data));
