//! Whatever a stranger sends as STUN, the SFU answers nothing it cannot attribute, and never more
//! than one and a half times what it got.
#![no_main]

use std::cell::RefCell;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use moot_fuzz::{STRANGER, Stage};

thread_local! {
    static STAGE: RefCell<Stage> = RefCell::new(Stage::connected());
}

fuzz_target!(|bytes: &[u8]| {
    str0m::_internal_test_exports::fuzz::stun(bytes);
    STAGE.with_borrow_mut(|stage| {
        stage.now += Duration::from_micros(100);
        stage.inject(STRANGER, bytes);
        let now = stage.now;
        stage.sfu.handle_timeout(now);
        let mut answered = 0;
        while let Some(transmit) = stage.sfu.poll_transmit() {
            if transmit.destination == STRANGER {
                answered += transmit.contents.len();
            }
        }
        assert!(
            answered * 2 <= bytes.len() * 3,
            "{answered} bytes for {}",
            bytes.len()
        );
        while stage.sfu.poll_event().is_some() {}
    });
});
