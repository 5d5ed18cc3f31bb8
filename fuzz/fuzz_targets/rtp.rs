//! RTP, plain to the parser and from a verified address to the SFU.
#![no_main]

use std::cell::RefCell;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use moot_fuzz::{CLIENT, Stage};
use str0m::_internal_test_exports::fuzz;

thread_local! {
    static STAGE: RefCell<Stage> = RefCell::new(Stage::connected());
}

fuzz_target!(|bytes: &[u8]| {
    fuzz::rtp_header(bytes);
    fuzz::rtp_packet(bytes);
    STAGE.with_borrow_mut(|stage| {
        let mut packet = bytes.to_vec();
        if let [first, second, ..] = packet.as_mut_slice() {
            *first = 0x80 | (*first & 0x3f);
            *second = 96 + *second % 32;
        }
        stage.inject(CLIENT, &packet);
        stage.pass(Duration::from_micros(500));
        assert_eq!(stage.sfu.totals().transport_panics, 0);
    });
});
