//! An SFU with one connected publisher, to which hostile bytes are added.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use moot_sfu::{
    Command, ConnectionId, Datagram, Event, LocalAddress, MeetingId, Mode, Path, Sfu, SfuConfig,
    Sources, TransportName, Urgency, repeatable_crypto,
};
use moot_sim::{Depth, Endpoint};

/// Where the SFU is.
pub const SFU: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 7882);
/// Where the connected client is.
pub const CLIENT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 5000);
/// Where nobody has shown a password.
pub const STRANGER: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(10, 0, 0, 3)), 5000);

/// An SFU and the client it is connected to.
pub struct Stage {
    /// The SFU.
    pub sfu: Sfu,
    /// The client.
    pub endpoint: Endpoint,
    /// The present.
    pub now: Instant,
}

/// The only connection's id.
pub fn connection() -> ConnectionId {
    ConnectionId::from("PA_0")
}

/// Makes an SFU with one connection that has no transport yet.
pub fn open_sfu(now: Instant) -> Sfu {
    let mut sfu = Sfu::new(SfuConfig {
        crypto: repeatable_crypto(),
        ..SfuConfig::new(vec![LocalAddress {
            path: Path::Udp,
            local: SFU,
            public: None,
        }])
    });
    let meeting = MeetingId::from("FUZZ.1");
    sfu.handle_command(
        now,
        Command::OpenMeeting {
            meeting: meeting.clone(),
            request: 0,
        },
    );
    sfu.handle_command(
        now,
        Command::OpenConnection {
            meeting,
            connection: connection(),
            mode: Mode::Dual,
            sources: Sources::ALL,
            may_subscribe: true,
            request: 0,
        },
    );
    sfu
}

impl Stage {
    /// Makes a stage and lets ICE and DTLS come up.
    pub fn connected() -> Self {
        let now = Instant::now();
        let endpoint = Endpoint::like_browser(CLIENT, Depth::Count, repeatable_crypto(), now)
            .expect("a host candidate");
        let mut stage = Stage {
            sfu: open_sfu(now),
            endpoint,
            now,
        };
        let offer = stage.endpoint.offer(&[], &[], now).expect("a first offer");
        stage.sfu.handle_command(
            now,
            Command::AcceptOffer {
                connection: connection(),
                transport: TransportName::Publisher,
                sdp: offer,
                request: 1,
            },
        );
        for _ in 0..400 {
            stage.pass(Duration::from_millis(10));
            if stage.endpoint.connected_at().is_some() {
                stage.pass(Duration::from_millis(500));
                return stage;
            }
        }
        panic!("the stage does not connect");
    }

    /// Lets time pass in one step and carries everything over.
    pub fn pass(&mut self, time: Duration) {
        self.now += time;
        for _ in 0..20 {
            let is_due = match self.sfu.urgency() {
                Urgency::Now | Urgency::Soon => true,
                Urgency::At(at) => at.is_some_and(|at| at <= self.now),
            };
            if is_due {
                self.sfu.handle_timeout(self.now);
            }
            if self.endpoint.deadline() <= self.now {
                let _broken = self.endpoint.handle_timeout(self.now);
            }
            if !self.carry() {
                return;
            }
        }
    }

    fn carry(&mut self) -> bool {
        let mut has_carried = false;
        while let Some(outgoing) = self.endpoint.poll_outgoing() {
            has_carried = true;
            self.inject(CLIENT, &outgoing.contents);
        }
        while let Some(transmit) = self.sfu.poll_transmit() {
            has_carried = true;
            if transmit.destination == CLIENT {
                for datagram in transmit.datagrams() {
                    let _broken = self.endpoint.handle_datagram(SFU, datagram, self.now);
                }
            }
        }
        while let Some(event) = self.sfu.poll_event() {
            if let Event::Answer { description, .. } = event {
                let _refused = self.endpoint.accept_answer(&description.sdp, self.now);
            }
        }
        has_carried
    }

    /// Gives the SFU a datagram.
    pub fn inject(&mut self, source: SocketAddr, contents: &[u8]) {
        let datagram = Datagram {
            path: Path::Udp,
            source,
            destination: SFU,
            contents,
        };
        self.sfu.handle_input(self.now, &datagram);
    }
}
