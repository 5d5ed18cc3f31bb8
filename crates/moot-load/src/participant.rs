//! One participant of the load: its signalling socket, its transports and what it waits for.

use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mio::net::UdpSocket;
use moot_sim::{CameraShape, Depth, Endpoint};

use crate::message::{
    AddTrack, Join, Leave, Participant as Other, Ping, Request, Response, SessionDescription,
    Target, TrackType, UpdateSubscription, UpdateTrackSettings, VideoLayer,
};
use crate::options::{Layout, Options};
use crate::socket::SignalSocket;
use crate::token;

/// Bits per second of a microphone.
const MICROPHONE_BPS: u64 = 32_000;
const PING_INTERVAL: Duration = Duration::from_secs(5);
const RECEIVE_BYTES: usize = 2048;

/// What a participant is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sends.
    Publisher,
    /// Receives.
    Subscriber,
}

/// A transport with the socket it owns.
pub struct Transport {
    /// The WebRTC endpoint.
    pub endpoint: Endpoint,
    /// Its socket.
    pub udp: UdpSocket,
}

impl Transport {
    fn open(now: Instant) -> Result<Self, String> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let udp = UdpSocket::bind(any).map_err(|error| format!("UDP socket: {error}"))?;
        let address = udp.local_addr().map_err(|error| error.to_string())?;
        let endpoint =
            Endpoint::new(address, Depth::Count, now).map_err(|error| error.to_string())?;
        Ok(Self { endpoint, udp })
    }

    /// Takes in everything that has come.
    ///
    /// # Errors
    ///
    /// The transport broke.
    pub fn receive(&mut self) -> Result<(), String> {
        let mut buffer = [0; RECEIVE_BYTES];
        loop {
            match self.udp.recv_from(&mut buffer) {
                Ok((length, source)) => self
                    .endpoint
                    .handle_datagram(source, &buffer[..length], Instant::now())
                    .map_err(|error| error.to_string())?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // A server that closed its port answers with ICMP; the next datagram may still do.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(error) => return Err(format!("UDP socket: {error}")),
            }
        }
    }

    /// Sends what waits; what the system does not take is lost, as on any network.
    pub fn send(&mut self) {
        while let Some(outgoing) = self.endpoint.poll_outgoing() {
            let _lost = self.udp.send_to(&outgoing.contents, outgoing.destination);
        }
    }
}

/// The moments of one join.
#[derive(Clone, Copy, Debug)]
pub struct Moments {
    /// The socket began to open.
    pub began_at: Instant,
    /// The server said who is there.
    pub joined_at: Option<Instant>,
}

/// One participant.
pub struct Participant {
    role: Role,
    layout: Layout,
    /// Its signalling.
    pub socket: SignalSocket,
    /// What it sends on; publishers only.
    pub publisher: Option<Transport>,
    /// What it receives on.
    pub subscriber: Transport,
    /// Its moments.
    pub moments: Moments,
    cameras: Vec<(String, Vec<CameraShape>)>,
    microphones: Vec<(String, u64)>,
    unanswered: HashSet<String>,
    wanted: HashSet<String>,
    large_video: usize,
    ping_at: Instant,
    offers: u32,
}

impl Participant {
    /// Opens the signalling of one participant and waits for nothing else.
    ///
    /// # Errors
    ///
    /// A sentence that says what could not be opened.
    pub fn open(options: &Options, role: Role, number: usize) -> Result<Self, String> {
        let now = Instant::now();
        let name = match role {
            Role::Publisher => format!("publisher-{number}"),
            Role::Subscriber => format!("subscriber-{number}"),
        };
        let signed = token::sign(
            &options.key,
            &options.secret,
            &options.room,
            &name,
            SystemTime::now(),
        );
        let socket = SignalSocket::open(&options.url, &signed)?;
        let is_publisher = role == Role::Publisher;
        let mut publisher = None;
        let mut cameras = Vec::new();
        let mut microphones = Vec::new();
        if is_publisher {
            let mut transport = Transport::open(now)?;
            transport.endpoint.set_spread(options.spread);
            publisher = Some(transport);
            if options.has_video {
                let shapes = if options.is_simulcast {
                    CameraShape::simulcast_720p().to_vec()
                } else {
                    vec![CameraShape::single_720p()]
                };
                cameras.push((format!("camera-{number}"), shapes));
            }
            if options.has_audio {
                microphones.push((format!("microphone-{number}"), MICROPHONE_BPS));
            }
        }
        Ok(Self {
            role,
            layout: options.layout,
            socket,
            publisher,
            subscriber: Transport::open(now)?,
            moments: Moments {
                began_at: now,
                joined_at: None,
            },
            cameras,
            microphones,
            unanswered: HashSet::new(),
            wanted: HashSet::new(),
            large_video: 0,
            ping_at: now + PING_INTERVAL,
            offers: 0,
        })
    }

    /// Returns how many tracks it has subscribed to.
    pub fn wanted(&self) -> usize {
        self.wanted.len()
    }

    /// Takes in what signalling has come.
    ///
    /// # Errors
    ///
    /// The server sent something unusable, asked to leave or closed the socket.
    pub fn handle_signalling(&mut self) -> Result<(), String> {
        while let Some(response) = self.socket.poll() {
            let now = Instant::now();
            self.handle_response(response, now)?;
        }
        if self.socket.is_open() {
            Ok(())
        } else {
            Err("the server closed the signalling socket".to_owned())
        }
    }

    fn handle_response(&mut self, response: Response, now: Instant) -> Result<(), String> {
        let told = |error: moot_sim::EndpointError| error.to_string();
        match response {
            Response::Join(join) => self.handle_join(&join, now),
            Response::TrackPublished(published) => {
                self.unanswered.remove(&published.cid);
                if self.unanswered.is_empty() {
                    return self.offer(now);
                }
            }
            Response::Answer(answer) => {
                if let Some(publisher) = &mut self.publisher {
                    let accepted = publisher.endpoint.accept_answer(&answer.sdp, now);
                    accepted.map_err(told)?;
                }
            }
            Response::Offer(offer) => {
                let answered = self.subscriber.endpoint.accept_offer(&offer.sdp, now);
                let answer = SessionDescription {
                    kind: "answer".to_owned(),
                    sdp: answered.map_err(told)?,
                    id: offer.id,
                };
                self.socket.send(Request::Answer(answer));
            }
            Response::Trickle(trickle) => {
                let candidate: serde_json::Value = serde_json::from_str(&trickle.candidate_init)
                    .map_err(|error| format!("candidate: {error}"))?;
                let candidate = candidate["candidate"].as_str().unwrap_or_default();
                let transport = match (
                    &mut self.publisher,
                    trickle.target == Target::Publisher as i32,
                ) {
                    (Some(publisher), true) => publisher,
                    _ => &mut self.subscriber,
                };
                if !candidate.is_empty() {
                    let added = transport.endpoint.add_candidate(candidate, now);
                    added.map_err(told)?;
                }
            }
            Response::Update(update) => self.subscribe(&update.participants),
            Response::Leave(leave) => {
                return Err(format!(
                    "the server asked to leave, reason {}",
                    leave.reason
                ));
            }
            Response::SubscribedQuality(_) => {}
        }
        Ok(())
    }

    fn handle_join(&mut self, join: &Join, now: Instant) {
        self.moments.joined_at = Some(now);
        match self.role {
            Role::Subscriber => self.subscribe(&join.others),
            Role::Publisher => self.announce(),
        }
    }

    fn announce(&mut self) {
        for (cid, shapes) in &self.cameras {
            let last = shapes.len() - 1;
            let layers = shapes.iter().enumerate().map(|(place, shape)| VideoLayer {
                quality: (place + 2 - last) as i32,
                width: shape.width.into(),
                height: shape.height.into(),
                bitrate: shape.bitrate_bps as u32,
                rid: String::new(),
            });
            self.unanswered.insert(cid.clone());
            self.socket.send(Request::AddTrack(AddTrack {
                cid: cid.clone(),
                name: cid.clone(),
                kind: TrackType::Video as i32,
                width: shapes[last].width.into(),
                height: shapes[last].height.into(),
                source: 1,
                layers: layers.collect(),
                disable_red: true,
            }));
        }
        for (cid, _) in &self.microphones {
            self.unanswered.insert(cid.clone());
            self.socket.send(Request::AddTrack(AddTrack {
                cid: cid.clone(),
                name: cid.clone(),
                kind: TrackType::Audio as i32,
                source: 2,
                disable_red: true,
                ..AddTrack::default()
            }));
        }
    }

    fn offer(&mut self, now: Instant) -> Result<(), String> {
        let Some(publisher) = &mut self.publisher else {
            return Ok(());
        };
        let offered = publisher
            .endpoint
            .offer(&self.cameras, &self.microphones, now);
        self.offers += 1;
        self.socket.send(Request::Offer(SessionDescription {
            kind: "offer".to_owned(),
            sdp: offered.map_err(|error| error.to_string())?,
            id: self.offers,
        }));
        Ok(())
    }

    fn subscribe(&mut self, others: &[Other]) {
        if self.role == Role::Publisher {
            return;
        }
        for other in others {
            for track in &other.tracks {
                if !self.wanted.insert(track.sid.clone()) {
                    continue;
                }
                let track_sids = vec![track.sid.clone()];
                self.socket.send(Request::Subscription(UpdateSubscription {
                    track_sids: track_sids.clone(),
                    subscribe: true,
                }));
                if track.kind != TrackType::Video as i32 {
                    continue;
                }
                let is_large = self.layout == Layout::Full || self.large_video == 0;
                self.large_video += usize::from(is_large);
                let (quality, width, height) = if is_large {
                    (2, 1280, 720)
                } else {
                    (0, 320, 180)
                };
                self.socket.send(Request::TrackSetting(UpdateTrackSettings {
                    track_sids,
                    disabled: false,
                    quality,
                    width,
                    height,
                }));
            }
        }
    }

    /// Does what is due and sends what waits.
    ///
    /// # Errors
    ///
    /// A transport broke.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), String> {
        if now >= self.ping_at {
            self.ping_at = now + PING_INTERVAL;
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            self.socket.send(Request::PingReq(Ping {
                timestamp: since.map_or(0, |since| since.as_millis() as i64),
                rtt: 0,
            }));
        }
        for transport in self.publisher.iter_mut().chain([&mut self.subscriber]) {
            if transport.endpoint.deadline() <= now {
                let done = transport.endpoint.handle_timeout(now);
                done.map_err(|error| error.to_string())?;
            }
            transport.send();
        }
        Ok(())
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is due next.
    pub fn deadline(&self) -> Instant {
        let mut deadline = self.ping_at.min(self.subscriber.endpoint.deadline());
        if let Some(publisher) = &self.publisher {
            deadline = deadline.min(publisher.endpoint.deadline());
        }
        deadline
    }

    /// Says good-bye.
    pub fn leave(&mut self) {
        self.socket.send(Request::Leave(Leave { reason: 1 }));
    }
}
