//! Nothing answers a stranger: without a transport's password no datagram causes another, or any
//! event, and none takes an address from its owner.

// The engine takes its time as an argument; a test has to begin somewhere.
#![allow(clippy::disallowed_methods)]

use std::net::SocketAddr;
use std::time::Instant;

use moot_sfu::{
    Command, Datagram, Event, LocalAddress, Mode, Path, Reachability, Sfu, SfuConfig, Sources,
};

fn address(port: u16) -> SocketAddr {
    SocketAddr::new([192, 0, 2, 7].into(), port)
}

/// An SFU with one connection, and the name its transport is found by.
fn sfu_with_a_transport(now: Instant) -> (Sfu, String) {
    let mut sfu = Sfu::new(SfuConfig::new(vec![LocalAddress {
        path: Path::Udp,
        local: address(7_882),
        public: None,
    }]));
    let meeting = "meeting".into();
    sfu.handle_command(
        now,
        Command::OpenMeeting {
            meeting,
            request: 0,
        },
    );
    sfu.handle_command(
        now,
        Command::OpenConnection {
            meeting: "meeting".into(),
            connection: "connection".into(),
            mode: Mode::Single,
            sources: Sources::ALL,
            may_subscribe: true,
            request: 0,
        },
    );
    sfu.handle_timeout(now);
    let appeared = sfu.poll_reachability().pop();
    let Some(Reachability::Appeared(ufrag)) = appeared else {
        panic!("the transport has no name: {appeared:?}");
    };
    (sfu, ufrag)
}

/// A binding request (RFC 8489 §5) whose integrity is made up.
fn binding_request(username: &str) -> Vec<u8> {
    let mut attributes = Vec::new();
    let mut attribute = |kind: u16, value: &[u8]| {
        attributes.extend(kind.to_be_bytes());
        attributes.extend((value.len() as u16).to_be_bytes());
        attributes.extend(value);
        attributes.resize(attributes.len().next_multiple_of(4), 0);
    };
    attribute(0x0006, username.as_bytes());
    attribute(0x0024, &[0, 0, 0, 1]);
    attribute(0x802a, &[7; 8]);
    attribute(0x0008, &[9; 20]);
    let mut message = vec![0x00, 0x01];
    message.extend((attributes.len() as u16).to_be_bytes());
    message.extend([0x21, 0x12, 0xa4, 0x42]);
    message.extend([5; 12]);
    message.extend(attributes);
    message
}

fn strange(ufrag: &str) -> Vec<Vec<u8>> {
    let mut response = binding_request(&format!("{ufrag}:theirs"));
    response[0] = 0x01;
    // A DTLS handshake record, then SRTP, SRTCP and transport-wide feedback.
    let mut dtls = vec![22, 254, 253];
    dtls.resize(200, 1);
    let mut rtp = vec![0x80, 96];
    rtp.resize(1_200, 3);
    let mut rtcp = vec![0x81, 201, 0, 7];
    rtcp.resize(60, 4);
    let mut feedback = vec![0x8f, 205, 0, 7];
    feedback.resize(60, 4);
    vec![
        binding_request("nobody:theirs"),
        binding_request(&format!("{ufrag}:theirs")),
        binding_request(""),
        response,
        dtls,
        rtp,
        rtcp,
        feedback,
        vec![],
        vec![0],
        vec![255; 1_500],
        vec![0x80; 3_000],
    ]
}

#[test]
fn a_stranger_gets_no_answer_and_moves_nothing() {
    let now = Instant::now();
    let (mut sfu, ufrag) = sfu_with_a_transport(now);
    let datagrams = strange(&ufrag);
    for contents in &datagrams {
        for path in [Path::Udp, Path::Tcp] {
            sfu.handle_input(
                now,
                &Datagram {
                    path,
                    source: address(9),
                    destination: address(7_882),
                    contents,
                },
            );
            sfu.handle_timeout(now);
        }
    }
    assert!(sfu.poll_transmit().is_none(), "a stranger was answered");
    let told: Vec<Event> = std::iter::from_fn(|| sfu.poll_event()).collect();
    assert!(told.is_empty(), "{told:?}");
    assert_eq!(sfu.totals().datagrams_unknown, datagrams.len() as u64 * 2);
    assert!(!sfu.is_wanted(Path::Udp, address(9)));
}

#[test]
fn a_truncated_message_is_nobodys() {
    let now = Instant::now();
    let (mut sfu, ufrag) = sfu_with_a_transport(now);
    for contents in strange(&ufrag) {
        for length in 0..contents.len().min(120) {
            let contents = &contents[..length];
            sfu.handle_input(
                now,
                &Datagram {
                    path: Path::Udp,
                    source: address(9),
                    destination: address(7_882),
                    contents,
                },
            );
        }
    }
    sfu.handle_timeout(now);
    assert!(sfu.poll_transmit().is_none());
    assert_eq!(sfu.totals().transport_panics, 0);
}
