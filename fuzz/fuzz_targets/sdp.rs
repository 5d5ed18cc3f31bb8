//! Descriptions and candidates of a client are answered or refused, never a panic.
#![no_main]

use std::time::Instant;

use libfuzzer_sys::fuzz_target;
use moot_fuzz::{connection, open_sfu};
use moot_sfu::{Command, TransportName, sdp};

fuzz_target!(|text: &str| {
    let _refused = sdp::sections(text);
    let announced = sdp::announce(text, |_| None);
    assert!(announced.len() <= text.len() + 4096 || text.len() > sdp::MAX_DESCRIPTION);
    let preferred = sdp::prefer(text, |_| Some("vp9"));
    assert_eq!(preferred.len(), text.len());
    let now = Instant::now();
    let mut sfu = open_sfu(now);
    for transport in [TransportName::Publisher, TransportName::Subscriber] {
        sfu.handle_command(
            now,
            Command::AcceptOffer {
                connection: connection(),
                transport,
                sdp: text.to_owned(),
                request: 1,
            },
        );
        sfu.handle_command(
            now,
            Command::AcceptAnswer {
                connection: connection(),
                transport,
                sdp: text.to_owned(),
                request: 2,
            },
        );
        sfu.handle_command(
            now,
            Command::AddCandidate {
                connection: connection(),
                transport,
                candidate: text.to_owned(),
            },
        );
    }
    sfu.handle_timeout(now);
    assert_eq!(sfu.totals().transport_panics, 0);
    while sfu.poll_event().is_some() {}
    while sfu.poll_transmit().is_some() {}
});
