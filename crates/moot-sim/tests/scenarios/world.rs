//! The whole SFU and everyone who uses it in one thread, under virtual time, on a network made of
//! a seed.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use crate::chance::leave_nothing;
use crate::hostile::Attacker;
use moot_sfu::{
    Command, ConnectionId, Datagram, Event, Kind, LayerSpec, LocalAddress, MeetingId, Mode, Path,
    Quality, Sfu, SfuConfig, Source, Sources, TrackId, TrackSpec, TransportName, TransportState,
    Urgency, Wish, repeatable_browser_crypto, repeatable_crypto,
};
use moot_sim::{CameraShape, Depth, Endpoint, Flow, Link, Network, Outgoing, Report, Rng};

const SFU_ADDRESS: (Ipv4Addr, u16) = (Ipv4Addr::new(10, 0, 0, 1), 7882);
const MICROPHONE_BPS: u64 = 32_000;
/// How long the SFU may gather packets before it forwards them, as its driver does.
const GATHER: Duration = Duration::from_millis(2);

/// What a person brings along.
#[derive(Clone, Debug, Default)]
pub struct Devices {
    /// The camera's encodings, none for no camera.
    pub camera: Vec<CameraShape>,
    /// Whether there is a microphone.
    pub has_microphone: bool,
}

impl Devices {
    /// Only receives.
    pub fn none() -> Self {
        Self::default()
    }

    /// A 720p camera with three encodings and two temporal layers, and a microphone.
    pub fn all() -> Self {
        let mut camera = CameraShape::simulcast_720p().to_vec();
        camera
            .iter_mut()
            .for_each(|shape| shape.temporal_layers = 2);
        Self {
            camera,
            has_microphone: true,
        }
    }
}

/// Steps in which no time may pass.
const MAX_STALLED: u32 = 10_000;

/// The way between a person and the SFU.
#[derive(Clone, Copy, Debug, Default)]
pub struct Access {
    /// From the person.
    pub up: Link,
    /// To the person.
    pub down: Link,
}

impl Access {
    /// The same both ways.
    pub fn both(link: Link) -> Self {
        Self {
            up: link,
            down: link,
        }
    }
}

struct Person {
    connection: ConnectionId,
    /// The publisher's transport, which in single mode carries both directions, and the
    /// subscriber's.
    endpoints: [Option<Endpoint>; 2],
    up: usize,
    down: usize,
    devices: Devices,
    has_published: bool,
    is_here: bool,
    refusals: Vec<String>,
    /// The track on each section of each endpoint, as the last description had it.
    sections: HashMap<(usize, String), TrackId>,
    /// Sections that the SFU asked for while an offer was pending.
    owed: Option<(u32, u32)>,
    /// How many qualities of the camera anyone wants, once the SFU has told.
    wanted: Option<usize>,
}

#[derive(Clone, Debug)]
struct Parcel {
    source: SocketAddr,
    destination: SocketAddr,
    contents: Vec<u8>,
}

/// Everything at once.
pub struct World {
    pub now: Instant,
    pub sfu: Sfu,
    pub rng: Rng,
    network: Network<Parcel>,
    people: Vec<Person>,
    owners: HashMap<SocketAddr, (usize, usize)>,
    tracks: Vec<(TrackId, ConnectionId, Kind)>,
    requests: u32,
    began: Instant,
    course: DefaultHasher,
    gathering_until: Option<Instant>,
    /// How often the SFU had to be woken though no packet had come.
    pub timer_wakes: u64,
    /// Stream states that the SFU told, by subscriber and track.
    pub paused: HashMap<(String, String), bool>,
    /// Events that no scenario expects.
    pub surprises: Vec<String>,
    /// One who sends what it likes, if there is one.
    pub attacker: Option<Attacker>,
}

impl World {
    pub fn new(seed: u64) -> Self {
        leave_nothing(seed);
        let start = Instant::now();
        let (ip, port) = SFU_ADDRESS;
        let mut sfu = Sfu::new(SfuConfig {
            crypto: repeatable_crypto(),
            ..SfuConfig::new(vec![LocalAddress {
                path: Path::Udp,
                local: SocketAddr::from((ip, port)),
                public: None,
            }])
        });
        sfu.handle_command(
            start,
            Command::OpenMeeting {
                meeting: meeting(),
                request: 0,
            },
        );
        let mut rng = Rng::new(seed);
        Self {
            now: start,
            sfu,
            network: Network::new(rng.bits()),
            rng,
            people: Vec::new(),
            owners: HashMap::new(),
            tracks: Vec::new(),
            requests: 0,
            began: start,
            course: DefaultHasher::new(),
            gathering_until: None,
            timer_wakes: 0,
            paused: HashMap::new(),
            surprises: Vec::new(),
            attacker: None,
        }
    }

    fn request(&mut self) -> u32 {
        self.requests += 1;
        self.requests
    }

    /// Brings a person in and returns its number.
    pub fn join(&mut self, mode: Mode, devices: Devices, access: Access) -> usize {
        let number = self.people.len();
        let connection = ConnectionId::from(format!("PA_{number}"));
        let request = self.request();
        self.command(Command::OpenConnection {
            meeting: meeting(),
            connection: connection.clone(),
            mode,
            sources: Sources::ALL,
            may_subscribe: true,
            request,
        });
        let up = self.network.add(access.up);
        let down = self.network.add(access.down);
        let sends = !devices.camera.is_empty() || devices.has_microphone;
        let has_first = mode == Mode::Single || sends;
        let mut endpoints = [None, None];
        for (place, endpoint) in endpoints.iter_mut().enumerate() {
            let is_needed = if place == 0 {
                has_first
            } else {
                mode == Mode::Dual
            };
            if is_needed {
                let ip = Ipv4Addr::from(0x0a01_0000 + number as u32 + 1);
                let address = SocketAddr::from((ip, 5000 + place as u16));
                self.owners.insert(address, (number, place));
                let crypto = repeatable_browser_crypto();
                let made = Endpoint::like_browser(address, Depth::Judge, crypto, self.now);
                *endpoint = Some(made.expect("an address of the private range is a candidate"));
            }
        }
        self.people.push(Person {
            connection: connection.clone(),
            endpoints,
            up,
            down,
            devices,
            has_published: false,
            is_here: true,
            refusals: Vec::new(),
            sections: HashMap::new(),
            owed: None,
            wanted: None,
        });
        self.subscribe_to_all(number);
        if sends {
            self.announce(number);
        }
        match mode {
            Mode::Dual => self.command(Command::Negotiate { connection }),
            Mode::Single if !sends => self.offer(number),
            Mode::Single => {}
        }
        if sends {
            self.offer(number);
        }
        number
    }

    fn announce(&mut self, number: usize) {
        let person = &self.people[number];
        let connection = person.connection.clone();
        let devices = person.devices.clone();
        let mut specs = Vec::new();
        let largest = devices.camera.len();
        if largest > 0 {
            let qualities = [Quality::Low, Quality::Medium, Quality::High];
            let layers = devices.camera.iter().enumerate().map(|(place, shape)| {
                let quality = qualities[place + 3 - largest];
                LayerSpec {
                    quality,
                    width: shape.width.into(),
                    height: shape.height.into(),
                    bitrate_bps: shape.bitrate_bps,
                    rid: String::new(),
                    ssrc: 0,
                }
            });
            specs.push((
                camera(number),
                Kind::Video,
                Source::Camera,
                layers.collect(),
            ));
        }
        if devices.has_microphone {
            specs.push((
                microphone(number),
                Kind::Audio,
                Source::Microphone,
                Vec::new(),
            ));
        }
        for (track, kind, source, layers) in specs {
            let request = self.request();
            let codec = if kind == Kind::Video { "vp8" } else { "opus" };
            self.command(Command::AddTrack {
                connection: connection.clone(),
                track: TrackSpec {
                    cid: format!("cid-{track}"),
                    track,
                    kind,
                    source,
                    muted: false,
                    codec: codec.to_owned(),
                    layers,
                    stereo: false,
                    encrypted: false,
                },
                request,
            });
        }
    }

    fn offer(&mut self, number: usize) {
        let now = self.now;
        let person = &mut self.people[number];
        let cameras: Vec<_> = (!person.devices.camera.is_empty() && !person.has_published)
            .then(|| {
                (
                    format!("cid-{}", camera(number)),
                    person.devices.camera.clone(),
                )
            })
            .into_iter()
            .collect();
        let microphones: Vec<_> = (person.devices.has_microphone && !person.has_published)
            .then(|| (format!("cid-{}", microphone(number)), MICROPHONE_BPS))
            .into_iter()
            .collect();
        person.has_published = true;
        let Some(endpoint) = &mut person.endpoints[0] else {
            return;
        };
        match endpoint.offer(&cameras, &microphones, now) {
            Ok(sdp) => self.send_offer(number, sdp),
            Err(error) => self.surprises.push(format!("offer of {number}: {error}")),
        }
    }

    fn send_offer(&mut self, number: usize, sdp: String) {
        let request = self.request();
        self.command(Command::AcceptOffer {
            connection: self.people[number].connection.clone(),
            transport: TransportName::Publisher,
            sdp,
            request,
        });
    }

    fn offer_sections(&mut self, number: usize, audio: u32, video: u32) {
        let now = self.now;
        let person = &mut self.people[number];
        let Some(endpoint) = &mut person.endpoints[0] else {
            return;
        };
        if endpoint.is_offering() {
            person.owed = Some((audio, video));
            return;
        }
        match endpoint.offer_sections(audio, video, now) {
            Ok(sdp) => self.send_offer(number, sdp),
            Err(error) => self
                .surprises
                .push(format!("sections of {number}: {error}")),
        }
    }

    /// Restarts ICE on what a person sends on.
    pub fn restart_ice(&mut self, number: usize) {
        let now = self.now;
        let endpoint = self.people[number].endpoints[0].as_mut();
        let endpoint = endpoint.expect("a person who sends has a transport to send on");
        let sdp = endpoint.offer_ice_restart(now);
        self.send_offer(number, sdp.expect("no offer is pending"));
    }

    fn subscribe_to_all(&mut self, number: usize) {
        let connection = self.people[number].connection.clone();
        let tracks: Vec<_> = self
            .tracks
            .iter()
            .filter(|(_, publisher, _)| *publisher != connection)
            .map(|(track, _, _)| track.clone())
            .collect();
        if tracks.is_empty() {
            return;
        }
        let request = self.request();
        self.command(Command::Subscribe {
            connection,
            tracks,
            request,
        });
    }

    /// Says how a person wants to see another's camera.
    pub fn wish(&mut self, viewer: usize, publisher: usize, wish: Wish) {
        let request = self.request();
        self.command(Command::SetSubscription {
            connection: self.people[viewer].connection.clone(),
            track: camera(publisher),
            wish,
            request,
        });
    }

    /// Mutes or unmutes a camera or microphone in the SFU.
    pub fn set_muted(&mut self, track: TrackId, muted: bool) {
        let request = self.request();
        self.command(Command::SetMuted {
            track,
            muted,
            request,
        });
    }

    /// Takes a person out.
    pub fn leave(&mut self, number: usize) {
        let request = self.request();
        let connection = self.people[number].connection.clone();
        self.people[number].is_here = false;
        self.people[number].endpoints = [None, None];
        self.owners.retain(|_, (owner, _)| *owner != number);
        self.tracks
            .retain(|(_, publisher, _)| *publisher != connection);
        self.command(Command::CloseConnection {
            connection,
            request,
        });
    }

    /// When a person's last transport connected.
    pub fn connected_at(&self, number: usize) -> Option<Instant> {
        let endpoints = self.people[number].endpoints.iter().flatten();
        endpoints.map(Endpoint::connected_at).max().flatten()
    }

    /// How many keyframes a person's cameras were asked for.
    pub fn keyframe_requests(&self, number: usize) -> u64 {
        let endpoints = self.people[number].endpoints.iter().flatten();
        endpoints.map(Endpoint::keyframe_requests).sum()
    }

    /// Changes a person's access.
    pub fn set_access(&mut self, number: usize, access: Access) {
        self.network.set(self.people[number].up, access.up);
        self.network.set(self.people[number].down, access.down);
    }

    /// Lets a person's camera send only its `count` smallest encodings.
    pub fn set_encodings(&mut self, number: usize, count: usize) {
        for endpoint in self.people[number].endpoints.iter_mut().flatten() {
            endpoint.set_encodings(count);
        }
    }

    /// How many qualities of a person's camera the SFU has said that anyone wants.
    pub fn wanted(&self, number: usize) -> Option<usize> {
        self.people[number].wanted
    }

    pub fn command(&mut self, command: Command) {
        self.sfu.handle_command(self.now, command);
        self.flush();
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        let until = self.now + time;
        let mut stalled = 0;
        while self.now < until {
            let before = self.now;
            self.step(until);
            stalled = if self.now > before { 0 } else { stalled + 1 };
            assert!(stalled < MAX_STALLED, "somebody is due without end");
        }
    }

    fn step(&mut self, until: Instant) {
        let mut next = until;
        for at in self
            .network
            .deadline()
            .into_iter()
            .chain(self.sfu_deadline())
        {
            next = next.min(at);
        }
        for person in &self.people {
            for endpoint in person.endpoints.iter().flatten() {
                next = next.min(endpoint.deadline());
            }
        }
        self.now = self.now.max(next);
        while let Some((_, parcel)) = self.network.poll(self.now) {
            self.deliver(&parcel);
        }
        if self.sfu_deadline().is_some_and(|at| at <= self.now) {
            self.timer_wakes += u64::from(matches!(self.sfu.urgency(), Urgency::At(_)));
            self.gathering_until = None;
            self.sfu.handle_timeout(self.now);
        }
        let mut broken = Vec::new();
        for (number, person) in self.people.iter_mut().enumerate() {
            for endpoint in person.endpoints.iter_mut().flatten() {
                if endpoint.deadline() <= self.now
                    && let Err(error) = endpoint.handle_timeout(self.now)
                {
                    broken.push(format!("endpoint of {number}: {error}"));
                }
            }
        }
        self.surprises.extend(broken);
        self.flush();
    }

    fn sfu_deadline(&self) -> Option<Instant> {
        match self.sfu.urgency() {
            Urgency::Now => Some(self.now),
            Urgency::Soon => Some(self.gathering_until.unwrap_or(self.now)),
            Urgency::At(at) => at,
        }
    }

    /// A digest of who was sent something and when, from the beginning to now.
    pub fn course(&self) -> u64 {
        self.course.finish()
    }

    fn deliver(&mut self, parcel: &Parcel) {
        let at = self.now - self.began;
        (at, parcel.source, parcel.destination).hash(&mut self.course);
        let (ip, port) = SFU_ADDRESS;
        if parcel.destination == SocketAddr::from((ip, port)) {
            self.sfu.handle_input(
                self.now,
                &Datagram {
                    path: Path::Udp,
                    source: parcel.source,
                    destination: parcel.destination,
                    contents: &parcel.contents,
                },
            );
            if self.sfu.urgency() == Urgency::Soon && self.gathering_until.is_none() {
                self.gathering_until = Some(self.now + GATHER);
            }
            return;
        }
        let Some(&(number, place)) = self.owners.get(&parcel.destination) else {
            return;
        };
        let Some(endpoint) = &mut self.people[number].endpoints[place] else {
            return;
        };
        let handled = endpoint.handle_datagram(parcel.source, &parcel.contents, self.now);
        if let Err(error) = handled {
            self.surprises
                .push(format!("endpoint of {number}: {error}"));
        }
    }

    /// Moves what everyone has to say onto its way, until nobody has anything.
    fn flush(&mut self) {
        loop {
            while let Some(transmit) = self.sfu.poll_transmit() {
                let Some(&(number, _)) = self.owners.get(&transmit.destination) else {
                    continue;
                };
                let down = self.people[number].down;
                for datagram in transmit.datagrams() {
                    let parcel = Parcel {
                        source: transmit.source,
                        destination: transmit.destination,
                        contents: datagram.to_vec(),
                    };
                    self.network.send(down, parcel, datagram.len(), self.now);
                }
            }
            let mut thrown = Vec::new();
            for person in &mut self.people {
                for endpoint in person.endpoints.iter_mut().flatten() {
                    while let Some(outgoing) = endpoint.poll_outgoing() {
                        if let Some(attacker) = &mut self.attacker {
                            thrown.extend(attacker.see(&outgoing));
                        }
                        let Outgoing {
                            source,
                            destination,
                            contents,
                        } = outgoing;
                        let size = contents.len();
                        let parcel = Parcel {
                            source,
                            destination,
                            contents,
                        };
                        self.network.send(person.up, parcel, size, self.now);
                    }
                }
            }
            for (source, contents) in thrown {
                let destination = SocketAddr::from(SFU_ADDRESS);
                self.deliver(&Parcel {
                    source,
                    destination,
                    contents,
                });
            }
            let Some(event) = self.sfu.poll_event() else {
                return;
            };
            self.handle_event(event);
        }
    }

    fn number(&self, connection: &ConnectionId) -> Option<usize> {
        self.people
            .iter()
            .position(|person| person.connection == *connection && person.is_here)
    }

    fn handle_event(&mut self, event: Event) {
        let now = self.now;
        match event {
            Event::Answer {
                connection,
                description,
                ..
            } => {
                let Some(number) = self.number(&connection) else {
                    return;
                };
                let person = &mut self.people[number];
                for (mid, track) in description.tracks {
                    person.sections.insert((0, mid), track);
                }
                if let Some(endpoint) = &mut person.endpoints[0]
                    && let Err(error) = endpoint.accept_answer(&description.sdp, now)
                {
                    self.surprises.push(format!("answer to {number}: {error}"));
                }
                if let Some((audio, video)) = self.people[number].owed.take() {
                    self.offer_sections(number, audio, video);
                }
            }
            Event::Offer {
                connection,
                transport,
                request,
                description,
            } => {
                let Some(number) = self.number(&connection) else {
                    return;
                };
                let person = &mut self.people[number];
                for (mid, track) in description.tracks {
                    person.sections.insert((1, mid), track);
                }
                let Some(endpoint) = &mut person.endpoints[1] else {
                    return;
                };
                match endpoint.accept_offer(&description.sdp, now) {
                    Ok(sdp) => self.command(Command::AcceptAnswer {
                        connection,
                        transport,
                        sdp,
                        request,
                    }),
                    Err(error) => self.surprises.push(format!("offer to {number}: {error}")),
                }
            }
            Event::TrackPublished {
                connection,
                track,
                codec,
                ..
            } => {
                let kind = if codec.starts_with("video") {
                    Kind::Video
                } else {
                    Kind::Audio
                };
                self.tracks.push((track, connection.clone(), kind));
                for number in 0..self.people.len() {
                    if self.people[number].is_here && self.people[number].connection != connection {
                        self.subscribe_to_all(number);
                    }
                }
            }
            Event::SectionsNeeded {
                connection,
                audio,
                video,
            } => {
                let Some(number) = self.number(&connection) else {
                    return;
                };
                self.offer_sections(number, audio, video);
            }
            Event::StreamStateChanged {
                connection,
                track,
                paused,
            } => {
                self.paused.insert(
                    (connection.as_str().to_owned(), track.as_str().to_owned()),
                    paused,
                );
            }
            Event::SubscribedQualityChanged {
                connection,
                qualities,
                ..
            } => {
                let Some(number) = self.number(&connection) else {
                    return;
                };
                let person = &mut self.people[number];
                let wanted = qualities.iter().filter(|(_, is_wanted)| *is_wanted).count();
                person.wanted = Some(wanted);
                for endpoint in person.endpoints.iter_mut().flatten() {
                    endpoint.set_wanted(wanted);
                }
            }
            Event::RequestFailed {
                connection,
                refusal,
                ..
            } => {
                let text = format!("{refusal:?}");
                match connection.and_then(|connection| self.number(&connection)) {
                    Some(number) => self.people[number].refusals.push(text),
                    None => self.surprises.push(text),
                }
            }
            Event::ConnectionFailed { reason, .. } => self.surprises.push(reason),
            Event::TransportStateChanged {
                state: TransportState::Failed,
                connection,
                ..
            } => self.surprises.push(format!("{connection} failed")),
            _ => {}
        }
    }

    /// Returns the flows of a track at a person's.
    fn flows(&self, viewer: usize, track: &TrackId) -> impl Iterator<Item = &Flow> {
        let person = &self.people[viewer];
        let endpoints = person.endpoints.iter().enumerate();
        endpoints.flat_map(move |(place, endpoint)| {
            endpoint
                .iter()
                .flat_map(Endpoint::flows)
                .filter(move |flow| person.sections.get(&(place, flow.mid.clone())) == Some(track))
        })
    }

    /// Returns how many packets of a track a person has received so far.
    pub fn packets(&self, viewer: usize, track: &TrackId) -> u64 {
        self.flows(viewer, track)
            .map(|flow| flow.tally.packets)
            .sum()
    }

    /// Returns how many packets of padding alone a person has received of a track so far.
    pub fn blank(&self, viewer: usize, track: &TrackId) -> u64 {
        self.flows(viewer, track).map(|flow| flow.tally.blank).sum()
    }

    /// Returns how many packets of a track never came to a person.
    pub fn lost(&self, viewer: usize, track: &TrackId) -> u64 {
        self.flows(viewer, track)
            .map(|flow| flow.tally.lost())
            .sum()
    }

    /// Returns what the SFU thinks that the way to a person carries.
    pub fn estimate_bps(&self, viewer: usize) -> Option<u64> {
        let connection = &self.people[viewer].connection;
        let transports = self.sfu.transport_stats();
        transports
            .iter()
            .filter(|stats| stats.connection == *connection)
            .find_map(|stats| stats.estimate_bps)
    }

    /// Takes the messages that a person got on data channels since the last time.
    pub fn take_messages(&mut self, viewer: usize) -> Vec<Vec<u8>> {
        let endpoints = self.people[viewer].endpoints.iter_mut().flatten();
        endpoints
            .flat_map(|endpoint| std::iter::from_fn(|| endpoint.poll_message()))
            .map(|(_, message)| message)
            .collect()
    }

    /// Takes what a person has seen of another's camera since the last time.
    pub fn take_report(&mut self, viewer: usize, publisher: usize) -> Report {
        let track = camera(publisher);
        let person = &mut self.people[viewer];
        let sections = &person.sections;
        let mut taken = Report::default();
        for (place, endpoint) in person.endpoints.iter_mut().enumerate() {
            for flow in endpoint.iter_mut().flat_map(Endpoint::flows_mut) {
                if sections.get(&(place, flow.mid.clone())) == Some(&track) {
                    let report = flow.receiver.take_report();
                    let errors = report.errors.iter();
                    self.surprises
                        .extend(errors.map(|error| format!("{viewer} seeing {track}: {error}")));
                    if report.packets >= taken.packets {
                        taken = report;
                    }
                }
            }
        }
        taken
    }

    /// Returns everything that must not have happened.
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = self.surprises.clone();
        for (number, person) in self.people.iter().enumerate() {
            complaints.extend(
                person
                    .refusals
                    .iter()
                    .map(|text| format!("{number}: {text}")),
            );
            for flow in person.endpoints.iter().flatten().flat_map(Endpoint::flows) {
                let errors = &flow.receiver.report().errors;
                complaints.extend(
                    errors
                        .iter()
                        .map(|error| format!("{number} seeing section {}: {error}", flow.mid)),
                );
            }
        }
        complaints
    }
}

pub fn meeting() -> MeetingId {
    MeetingId::from("SIM.1")
}

pub fn camera(publisher: usize) -> TrackId {
    TrackId::from(format!("TR_camera_{publisher}"))
}

pub fn microphone(publisher: usize) -> TrackId {
    TrackId::from(format!("TR_microphone_{publisher}"))
}
