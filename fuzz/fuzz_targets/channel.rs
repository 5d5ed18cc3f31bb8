//! Messages of an authenticated client on a data channel come up whole or not at all.
#![no_main]

use std::cell::RefCell;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use moot_fuzz::Stage;

thread_local! {
    static STAGE: RefCell<Stage> = RefCell::new(Stage::connected());
}

fuzz_target!(|bytes: &[u8]| {
    STAGE.with_borrow_mut(|stage| {
        let now = stage.now;
        stage.endpoint.send_message("_reliable", bytes, now);
        for _ in 0..4 {
            stage.pass(Duration::from_millis(5));
        }
        assert_eq!(stage.sfu.totals().transport_panics, 0);
        if !stage.endpoint.is_alive() || stage.sfu.totals().transports == 0 {
            *stage = Stage::connected();
        }
    });
});
