//! A subscriber's reports, as one with the keys may send them, to the side that sends to it.
#![no_main]

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use moot_send::{Batch, Egress, EgressConfig, ExtensionIds, Keys, Packet, Profile, StreamSpec};

const SSRC: u32 = 7;

struct Line {
    egress: Egress,
    now: Instant,
    next: u64,
}

impl Line {
    fn new() -> Self {
        let now = Instant::now();
        let config = EgressConfig {
            initial_bps: 1_000_000,
            max_bps: 20_000_000,
        };
        let mut egress = Egress::new(config, now);
        let keys = Keys::new(Profile::AeadAes128Gcm, &[7; 56], false);
        egress.set_keys(&keys.expect("the length is the profile's"));
        egress.add_stream(StreamSpec {
            ssrc: SSRC,
            resend_ssrc: Some(8),
            mid: "0".to_owned(),
            cname: "moot".to_owned(),
            is_audio: false,
            clock_rate_hz: 90_000,
            extensions: ExtensionIds {
                transport_sequence: Some(3),
                ..ExtensionIds::default()
            },
            padding_type: Some(97),
        });
        egress.set_desired(10_000_000);
        Self {
            egress,
            now,
            next: 0,
        }
    }

    fn send(&mut self) {
        self.now += Duration::from_millis(33);
        for _ in 0..4 {
            let packet = Packet {
                payload_type: 96,
                resend_type: Some(97),
                number: self.next,
                time: self.next as u32,
                is_marked: false,
                is_begin: self.next % 64 == 0,
                payload: Arc::from([1; 900]),
                vp8: None,
                descriptor: None,
                frame_number: None,
                audio_level: None,
                orientation: None,
                is_padding: false,
            };
            self.next += 1;
            self.egress.write(SSRC, packet, self.now);
        }
        let mut batch = Batch::default();
        self.egress.flush(self.now, &mut batch);
        let sent: usize = batch.drain().map(|run| run.contents.len()).sum();
        // What one report may cause is bounded.
        assert!(sent < 1 << 20, "{sent} bytes");
    }
}

thread_local! {
    static LINE: RefCell<Line> = RefCell::new(Line::new());
}

fuzz_target!(|bytes: &[u8]| {
    LINE.with_borrow_mut(|line| {
        line.send();
        let mut pictures = Vec::new();
        let now = line.now + Duration::from_millis(5);
        // Any bytes, and the same as what a report would say of our stream.
        line.egress.take_report(bytes, now, &mut pictures);
        let mut compound = bytes.to_vec();
        compound.truncate(bytes.len() / 4 * 4);
        if let [first, kind, high, low, _, _, _, _, ssrc @ ..] = compound.as_mut_slice() {
            *first = 0x80 | *first & 0x1f;
            *kind = 200 + *kind % 8;
            let words = (ssrc.len() / 4 + 1) as u16;
            [*high, *low] = words.to_be_bytes();
            if let Some(ssrc) = ssrc.get_mut(..4)
                && ssrc[0] & 1 == 0
            {
                ssrc.copy_from_slice(&SSRC.to_be_bytes());
            }
        }
        line.egress.take_report(&compound, now, &mut pictures);
        assert!(pictures.len() <= 1);
        let estimate = line.egress.estimate_bps().unwrap_or(1);
        assert!((1..=20_000_000).contains(&estimate), "{estimate}");
        line.send();
    });
});
