//! What cannot be done is refused in words, changes nothing, and breaks nothing.

// The engine takes its time as an argument; a test has to begin somewhere.
#![allow(clippy::disallowed_methods)]

use std::time::Instant;

use moot_sfu::{
    Code, Command, DataKind, Event, Kind, Mode, RequestId, Sfu, SfuConfig, Source, Sources,
    TrackSpec, TransportName, Wish,
};

fn opened(now: Instant) -> Sfu {
    let mut sfu = Sfu::new(SfuConfig {
        max_connections: 3,
        max_tracks_per_connection: 2,
        max_subscriptions_per_connection: 1,
        ..SfuConfig::new(Vec::new())
    });
    sfu.handle_command(
        now,
        Command::OpenMeeting {
            meeting: "meeting".into(),
            request: 0,
        },
    );
    for (connection, mode) in [("single", Mode::Single), ("dual", Mode::Dual)] {
        sfu.handle_command(now, connect(connection, mode, 0));
    }
    assert!(sfu.poll_event().is_none());
    sfu
}

fn connect(connection: &str, mode: Mode, request: RequestId) -> Command {
    Command::OpenConnection {
        meeting: "meeting".into(),
        connection: connection.into(),
        mode,
        sources: Sources::ALL,
        may_subscribe: true,
        request,
    }
}

fn offer(connection: &str, transport: TransportName, sdp: &str) -> Command {
    Command::AcceptOffer {
        connection: connection.into(),
        transport,
        sdp: sdp.to_owned(),
        request: 7,
    }
}

fn add_track(connection: &str, track: &str) -> Command {
    Command::AddTrack {
        connection: connection.into(),
        track: TrackSpec {
            track: track.into(),
            cid: track.to_owned(),
            kind: Kind::Audio,
            source: Source::Microphone,
            muted: false,
            codec: String::new(),
            layers: Vec::new(),
            stereo: false,
            encrypted: false,
        },
        request: 7,
    }
}

fn add_codec(track: &str, cid: String) -> Command {
    Command::AddCodec {
        track: track.into(),
        cid,
        codec: "vp8".to_owned(),
        layers: Vec::new(),
        request: 7,
    }
}

/// The code of the refusal that is the only event.
fn refusal(sfu: &mut Sfu, now: Instant, command: Command) -> Code {
    sfu.handle_command(now, command);
    sfu.handle_timeout(now);
    match sfu.poll_event() {
        Some(Event::RequestFailed { refusal, .. }) => {
            assert!(!refusal.reason.is_empty());
            refusal.code
        }
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn commands_that_name_nothing_are_refused() {
    let now = Instant::now();
    let mut sfu = opened(now);
    let publisher = TransportName::Publisher;
    let cases = [
        (
            Command::CloseMeeting {
                meeting: "other".into(),
                request: 7,
            },
            Code::UnknownMeeting,
        ),
        (
            Command::CloseConnection {
                connection: "other".into(),
                request: 7,
            },
            Code::UnknownConnection,
        ),
        (offer("other", publisher, ""), Code::UnknownConnection),
        (
            Command::AddCandidate {
                connection: "single".into(),
                transport: TransportName::Subscriber,
                candidate: String::new(),
            },
            Code::UnknownConnection,
        ),
        (add_codec("other", "again".to_owned()), Code::UnknownTrack),
        (
            Command::SetMuted {
                track: "other".into(),
                muted: true,
                request: 7,
            },
            Code::UnknownTrack,
        ),
        (
            Command::Subscribe {
                connection: "single".into(),
                tracks: vec!["other".into()],
                request: 7,
            },
            Code::UnknownTrack,
        ),
        (
            Command::SendData {
                meeting: "other".into(),
                kind: DataKind::Lossy,
                payload: [].into(),
                to: None,
                sender: None,
            },
            Code::UnknownMeeting,
        ),
    ];
    for (command, code) in cases {
        let shown = format!("{command:?}");
        assert_eq!(refusal(&mut sfu, now, command), code, "{shown}");
    }
}

#[test]
fn unusable_descriptions_are_refused_and_the_transport_lives_on() {
    let now = Instant::now();
    let mut sfu = opened(now);
    let publisher = TransportName::Publisher;
    let twins = "m=audio 9 X 0\r\na=mid:0\r\n".repeat(2);
    for sdp in [
        "",
        "v=0",
        "\u{0}\u{feff}",
        "m=audio",
        &twins,
        &"a".repeat(300_000),
    ] {
        assert_eq!(
            refusal(&mut sfu, now, offer("single", publisher, sdp)),
            Code::BadSdp,
            "{:.40}",
            sdp
        );
    }
    let many = "m=audio 9 X 0\r\n".repeat(500);
    assert_eq!(
        refusal(&mut sfu, now, offer("single", publisher, &many)),
        Code::BadSdp
    );
    // The core offers that one.
    let subscriber = TransportName::Subscriber;
    assert_eq!(
        refusal(&mut sfu, now, offer("dual", subscriber, "v=0")),
        Code::BadState
    );
    let answer = Command::AcceptAnswer {
        connection: "dual".into(),
        transport: subscriber,
        sdp: "v=0\r\n".into(),
        request: 1,
    };
    assert_eq!(refusal(&mut sfu, now, answer), Code::BadState);
    assert_eq!(sfu.totals().transport_panics, 0);
    sfu.handle_command(
        now,
        Command::Negotiate {
            connection: "dual".into(),
        },
    );
    sfu.handle_timeout(now);
    assert!(matches!(
        sfu.poll_event(),
        Some(Event::Offer { request: 1, .. })
    ));
}

#[test]
fn limits_hold() {
    let now = Instant::now();
    let mut sfu = opened(now);
    assert_eq!(
        refusal(&mut sfu, now, connect("dual", Mode::Dual, 7)),
        Code::AlreadyOpen
    );
    assert_eq!(
        refusal(&mut sfu, now, connect("", Mode::Dual, 7)),
        Code::BadValue
    );
    let long = "x".repeat(200);
    assert_eq!(
        refusal(&mut sfu, now, connect(&long, Mode::Dual, 7)),
        Code::BadValue
    );
    sfu.handle_command(now, connect("third", Mode::Single, 0));
    assert_eq!(
        refusal(&mut sfu, now, connect("fourth", Mode::Single, 7)),
        Code::TooMany
    );
    sfu.handle_command(now, add_track("single", "one"));
    sfu.handle_command(now, add_track("single", "two"));
    for _ in 0..2 {
        assert!(matches!(
            sfu.poll_event(),
            Some(Event::RequestDone { request: 7 })
        ));
    }
    assert_eq!(
        refusal(&mut sfu, now, add_track("dual", "one")),
        Code::AlreadyOpen
    );
    assert_eq!(
        refusal(&mut sfu, now, add_track("single", "three")),
        Code::TooMany
    );
    let long = "x".repeat(300);
    for (cid, code) in [
        (long, Code::BadValue),
        (String::new(), Code::BadValue),
        ("again".to_owned(), Code::BadState),
    ] {
        assert_eq!(refusal(&mut sfu, now, add_codec("one", cid)), code);
    }
    let wish = Command::SetSubscription {
        connection: "dual".into(),
        track: "one".into(),
        wish: Wish::default(),
        request: 7,
    };
    assert_eq!(refusal(&mut sfu, now, wish), Code::BadState);
    let own = Command::Subscribe {
        connection: "single".into(),
        tracks: vec!["one".into()],
        request: 7,
    };
    assert_eq!(refusal(&mut sfu, now, own), Code::BadValue);
    let message = Command::SendData {
        meeting: "meeting".into(),
        kind: DataKind::Reliable,
        payload: vec![0; 70_000].into(),
        to: None,
        sender: None,
    };
    assert_eq!(refusal(&mut sfu, now, message), Code::BadValue);
}

#[test]
fn closing_leaves_nothing_behind() {
    let now = Instant::now();
    let mut sfu = opened(now);
    sfu.handle_command(now, add_track("single", "one"));
    sfu.handle_command(
        now,
        Command::Subscribe {
            connection: "dual".into(),
            tracks: vec!["one".into()],
            request: 0,
        },
    );
    // Who only watches has no transport to publish on, until the client has something to say of it.
    assert_eq!(sfu.totals().transports, 2);
    for _ in 0..2 {
        sfu.handle_command(
            now,
            Command::AddCandidate {
                connection: "dual".into(),
                transport: TransportName::Publisher,
                candidate: String::new(),
            },
        );
        assert_eq!(sfu.totals().transports, 3);
    }
    sfu.handle_command(
        now,
        Command::CloseMeeting {
            meeting: "meeting".into(),
            request: 9,
        },
    );
    sfu.handle_timeout(now);
    let totals = sfu.totals();
    let left = [
        totals.meetings,
        totals.connections,
        totals.transports,
        totals.tracks,
        totals.subscriptions,
    ];
    assert_eq!(left, [0; 5]);
    let told: Vec<Event> = std::iter::from_fn(|| sfu.poll_event()).collect();
    let closed = |event: &&Event| matches!(event, Event::TransportStateChanged { .. });
    assert_eq!(told.iter().filter(closed).count(), 3, "{told:?}");
    assert!(matches!(
        told.last(),
        Some(Event::RequestDone { request: 9 })
    ));
}

#[test]
fn as_many_subscriptions_are_made_as_fit() {
    let now = Instant::now();
    let mut sfu = opened(now);
    for track in ["one", "two"] {
        sfu.handle_command(now, add_track("single", track));
        assert!(matches!(
            sfu.poll_event(),
            Some(Event::RequestDone { request: 7 })
        ));
    }
    let wish = |track: &str| Command::SetSubscription {
        connection: "dual".into(),
        track: track.into(),
        wish: Wish::default(),
        request: 7,
    };
    let all = Command::Subscribe {
        connection: "dual".into(),
        tracks: ["gone", "one", "two"].map(Into::into).to_vec(),
        request: 7,
    };
    assert_eq!(refusal(&mut sfu, now, all), Code::TooMany);
    while sfu.poll_event().is_some() {}
    sfu.handle_command(now, wish("one"));
    assert!(matches!(
        sfu.poll_event(),
        Some(Event::RequestDone { request: 7 })
    ));
    assert_eq!(refusal(&mut sfu, now, wish("two")), Code::BadState);
}
