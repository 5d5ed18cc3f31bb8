//! MEDIA-1: where UDP is blocked a client reaches its transport over TCP, on whichever shard it is.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use moot_net::{Engine, EngineConfig, EngineEvent};
use moot_sfu::{Command, DataKind, Event, Mode, Path, Sources, TransportName, TransportState};
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::channel::ChannelId;
use str0m::net::{Protocol, Receive, TcpType};
use str0m::{Candidate, Event as RtcEvent, Input, Output, Rtc};

const PATIENCE: Duration = Duration::from_secs(20);

/// A client that has one TCP connection and nothing else.
struct TcpClient {
    rtc: Rtc,
    stream: TcpStream,
    local: SocketAddr,
    remote: SocketAddr,
    unread: Vec<u8>,
    deadline: Instant,
    channel: Option<ChannelId>,
    received: Vec<Vec<u8>>,
}

impl TcpClient {
    fn connect(remote: SocketAddr) -> Self {
        let stream = TcpStream::connect(remote).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_millis(5)))
            .unwrap();
        let local = stream.local_addr().unwrap();
        let mut rtc = Rtc::new(Instant::now());
        let candidate = Candidate::builder()
            .tcp()
            .host(local)
            .tcptype(TcpType::Active)
            .build()
            .unwrap();
        rtc.add_local_candidate(candidate);
        Self {
            rtc,
            stream,
            local,
            remote,
            unread: Vec::new(),
            deadline: Instant::now(),
            channel: None,
            received: Vec::new(),
        }
    }

    fn offer(&mut self) -> (String, SdpPendingOffer) {
        let mut api = self.rtc.sdp_api();
        api.add_channel("_reliable".to_owned());
        let (offer, pending) = api.apply().unwrap();
        (offer.to_sdp_string(), pending)
    }

    fn accept(&mut self, sdp: &str, pending: SdpPendingOffer) {
        // The network this client is in knows no UDP.
        let sdp: String = sdp
            .split_inclusive("\r\n")
            .filter(|line| !(line.starts_with("a=candidate:") && line.contains(" udp ")))
            .collect();
        assert!(sdp.contains("tcptype passive"), "{sdp}");
        let answer = SdpAnswer::from_sdp_string(&sdp).unwrap();
        self.rtc.sdp_api().accept_answer(pending, answer).unwrap();
    }

    fn turn(&mut self) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(at) => {
                    self.deadline = at;
                    break;
                }
                Output::Transmit(transmit) => {
                    assert_eq!(transmit.destination, self.remote);
                    let length = u16::try_from(transmit.contents.len()).unwrap();
                    self.stream.write_all(&length.to_be_bytes()).unwrap();
                    self.stream.write_all(&transmit.contents).unwrap();
                }
                Output::Event(RtcEvent::ChannelOpen(id, _)) => self.channel = Some(id),
                Output::Event(RtcEvent::ChannelData(data)) => self.received.push(data.data),
                Output::Event(_) => {}
            }
        }
        let mut buffer = [0; 4_096];
        match self.stream.read(&mut buffer) {
            Ok(length) => self.unread.extend_from_slice(&buffer[..length]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => panic!("{error}"),
        }
        while self.unread.len() >= 2 {
            let length = usize::from(u16::from_be_bytes([self.unread[0], self.unread[1]]));
            if self.unread.len() < 2 + length {
                break;
            }
            let frame: Vec<u8> = self.unread.drain(..2 + length).skip(2).collect();
            let received = Receive::new(Protocol::Tcp, self.remote, self.local, &frame).unwrap();
            let input = Input::Receive(Instant::now(), received);
            self.rtc.handle_input(input).unwrap();
        }
        if Instant::now() >= self.deadline {
            self.rtc
                .handle_input(Input::Timeout(Instant::now()))
                .unwrap();
        }
    }
}

fn submit(engine: &Engine, command: Command) {
    engine.submit(command).unwrap();
}

/// Lets the client live until the engine tells what `wanted` picks out.
fn until<T>(
    engine: &Engine,
    client: &mut TcpClient,
    mut wanted: impl FnMut(Event) -> Option<T>,
) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        for event in engine.drain(100) {
            if let EngineEvent::Sfu(event) = event
                && let Some(found) = wanted(event)
            {
                return found;
            }
        }
        assert!(Instant::now() < until, "the engine did not tell in time");
        client.turn();
    }
}

#[test]
fn a_client_without_udp_connects_and_talks_on_every_shard() {
    let engine = Engine::start(&EngineConfig {
        bind: vec![Ipv4Addr::LOCALHOST.into()],
        udp_port: 0,
        tcp_port: Some(0),
        shards: 2,
        ..EngineConfig::default()
    })
    .unwrap();
    let door = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), engine.tcp_port().unwrap());
    // The first meeting is on the shard that listens, the second on the other.
    for meeting in ["here", "there"] {
        submit(
            &engine,
            Command::OpenMeeting {
                meeting: meeting.into(),
                request: 0,
            },
        );
        submit(
            &engine,
            Command::OpenConnection {
                meeting: meeting.into(),
                connection: meeting.into(),
                mode: Mode::Single,
                sources: Sources::ALL,
                may_subscribe: true,
                request: 0,
            },
        );
        let mut client = TcpClient::connect(door);
        let (offer, pending) = client.offer();
        submit(
            &engine,
            Command::AcceptOffer {
                connection: meeting.into(),
                transport: TransportName::Publisher,
                sdp: offer,
                request: 1,
            },
        );
        let answer = until(&engine, &mut client, |event| match event {
            Event::Answer { description, .. } => Some(description.sdp),
            _ => None,
        });
        client.accept(&answer, pending);
        let path = until(&engine, &mut client, |event| match event {
            Event::TransportStateChanged {
                state: TransportState::Connected,
                path,
                ..
            } => path,
            _ => None,
        });
        assert_eq!(path, Path::Tcp);
        submit(
            &engine,
            Command::SendData {
                meeting: meeting.into(),
                kind: DataKind::Reliable,
                payload: b"down"[..].into(),
                to: None,
                sender: None,
            },
        );
        let by = Instant::now() + PATIENCE;
        while client.received.is_empty() {
            assert!(Instant::now() < by, "nothing came down");
            client.turn();
        }
        assert_eq!(client.received, [b"down"]);
        let channel = client.channel.unwrap();
        let mut channel = client.rtc.channel(channel).unwrap();
        assert!(channel.write(true, b"up").unwrap());
        let payload = until(&engine, &mut client, |event| match event {
            Event::DataReceived { payload, .. } => Some(payload),
            _ => None,
        });
        assert_eq!(&payload[..], b"up");
    }
    engine.close();
}
