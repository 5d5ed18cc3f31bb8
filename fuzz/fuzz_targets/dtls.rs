//! DTLS records from a verified address, good or bad, do not break the connection's host.
#![no_main]

use std::cell::RefCell;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use moot_fuzz::{CLIENT, Stage};

thread_local! {
    static STAGE: RefCell<Stage> = RefCell::new(Stage::connected());
}

fuzz_target!(|bytes: &[u8]| {
    STAGE.with_borrow_mut(|stage| {
        let mut record = bytes.to_vec();
        if let Some(first) = record.first_mut() {
            *first = 20 + *first % 44;
        }
        stage.inject(CLIENT, &record);
        stage.pass(Duration::from_millis(1));
        assert_eq!(stage.sfu.totals().transport_panics, 0);
        if !stage.endpoint.is_alive() || stage.sfu.totals().transports == 0 {
            *stage = Stage::connected();
        }
    });
});
