//! Whatever arrives from an unknown address is told apart without a panic and owned by nobody.
#![no_main]

use libfuzzer_sys::fuzz_target;
use moot_sfu::{classify, local_ufrag};

fuzz_target!(|bytes: &[u8]| {
    let class = classify(bytes);
    assert_eq!(class, classify(bytes));
    if let Some(ufrag) = local_ufrag(bytes) {
        assert!(ufrag.len() <= bytes.len());
    }
});
