//! A browser's `RTCPeerConnection` in small: a str0m endpoint that sends synthetic media, answers
//! keyframe requests and judges what it receives. Sans-IO: time and datagrams are arguments.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::ChannelId;
use str0m::crypto::{CryptoProvider, from_feature_flags};
use str0m::format::Codec;
use str0m::media::{
    Direction, KeyframeRequestKind, MediaKind, Mid, Pt, Rid, Simulcast, SimulcastLayer,
};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite, SeqNo, Ssrc};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig, RtcError};

use crate::receiver::Vp8Receiver;
use crate::source::{CameraShape, Frame, OpusSource, Vp8Source};

/// How closely received video is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Packets are counted.
    Count,
    /// Frames are put together and judged by a [`Vp8Receiver`].
    Judge,
}

/// What an endpoint could not do.
#[derive(Debug)]
pub enum EndpointError {
    /// The engine refused, or the transport broke.
    Rtc(RtcError),
    /// A description, a candidate or an answer without an offer.
    Signal(String),
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EndpointError::Rtc(error) => write!(f, "engine: {error}"),
            EndpointError::Signal(text) => write!(f, "signalling: {text}"),
        }
    }
}

impl std::error::Error for EndpointError {}

impl From<RtcError> for EndpointError {
    fn from(error: RtcError) -> Self {
        EndpointError::Rtc(error)
    }
}

fn signal(error: impl fmt::Display) -> EndpointError {
    EndpointError::Signal(error.to_string())
}

/// A datagram to send.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The endpoint's own address.
    pub source: SocketAddr,
    /// Where it goes.
    pub destination: SocketAddr,
    /// Its contents.
    pub contents: Vec<u8>,
}

/// What has been counted of one received RTP flow.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Packets received, repeated ones and those of padding alone not counted.
    pub packets: u64,
    /// Packets received that are padding alone.
    pub blank: u64,
    /// Their payload bytes.
    pub bytes: u64,
    /// First extended sequence number.
    pub first: u64,
    /// Highest extended sequence number.
    pub highest: u64,
    /// When the first packet that is more than padding came.
    pub first_at: Option<Instant>,
    /// When the last packet came.
    pub last_at: Option<Instant>,
}

impl Tally {
    /// Returns the packets that never came, between the first and the highest.
    pub fn lost(&self) -> u64 {
        match self.packets {
            0 => 0,
            packets => (self.highest - self.first + 1).saturating_sub(packets + self.blank),
        }
    }
}

/// One received RTP flow.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Its media section's name.
    pub mid: String,
    /// Whether it is video.
    pub is_video: bool,
    /// Counters.
    pub tally: Tally,
    /// The judge, for video under [`Depth::Judge`].
    pub receiver: Vp8Receiver,
}

/// An RTP packet that waits for its moment.
#[derive(Clone, Debug)]
struct Paced {
    mid: Mid,
    rid: Option<Rid>,
    time: u32,
    is_marked: bool,
    payload: Arc<[u8]>,
    is_audio: bool,
}

#[derive(Debug)]
enum Device {
    Camera(Vec<(Option<Rid>, Vp8Source)>),
    Microphone(OpusSource),
}

/// What is sent on one media section.
#[derive(Debug)]
struct Sender {
    mid: Mid,
    device: Device,
    interval: Duration,
    next_at: Instant,
    is_off: bool,
    /// How many encodings of a camera there is bandwidth for, from the smallest.
    encodings: usize,
    /// How many of them anyone wants, as the SFU has told.
    wanted: usize,
    next_seq_nos: HashMap<Option<Rid>, u64>,
    pt: Option<Pt>,
}

/// The rids that LiveKit's clients give three encodings, from the smallest.
const RIDS: [&str; 3] = ["q", "h", "f"];

/// Packets that can be sent again, and for how long.
const RESENDABLE_PACKETS: usize = 1024;
const RESENDABLE_AGE: Duration = Duration::from_secs(3);

/// An endpoint with one transport.
#[derive(Debug)]
pub struct Endpoint {
    rtc: Rtc,
    address: SocketAddr,
    began_at: Instant,
    deadline: Instant,
    depth: Depth,
    spread: Duration,
    pending: Option<SdpPendingOffer>,
    senders: Vec<Sender>,
    paced: BTreeMap<(Instant, u64), Paced>,
    paced_count: u64,
    outgoing: VecDeque<Outgoing>,
    flows: HashMap<Ssrc, Flow>,
    channels: Vec<(ChannelId, String)>,
    messages: VecDeque<(String, Vec<u8>)>,
    connected_at: Option<Instant>,
    keyframe_requests: u64,
    sent: u64,
}

/// How often libwebrtc tries a path that has not answered yet, and one that has
/// (`p2p/base/p2p_constants.h`).
const BROWSERS_CHECKS: (Duration, Duration) =
    (Duration::from_millis(48), Duration::from_millis(480));
/// Checks without an answer before a path counts as gone: some 15 s.
const BROWSERS_PATIENCE: usize = 30;

impl Endpoint {
    /// Makes an endpoint with one host candidate.
    ///
    /// # Errors
    ///
    /// [`EndpointError::Signal`] where the address cannot be a candidate.
    pub fn new(address: SocketAddr, depth: Depth, now: Instant) -> Result<Self, EndpointError> {
        let config = Rtc::builder().set_crypto_provider(Arc::new(from_feature_flags()));
        Self::from_config(config, address, depth, now)
    }

    /// Makes an endpoint whose cryptography is given, as a repeatable simulation needs, and that
    /// tries its path as often as a browser does while it has no answer.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn like_browser(
        address: SocketAddr,
        depth: Depth,
        crypto: Arc<CryptoProvider>,
        now: Instant,
    ) -> Result<Self, EndpointError> {
        let mut config = Rtc::builder().set_crypto_provider(crypto);
        let (weak, stable) = BROWSERS_CHECKS;
        config.set_initial_stun_rto(weak);
        config.set_max_stun_rto(stable);
        config.set_max_stun_retransmits(BROWSERS_PATIENCE);
        Self::from_config(config, address, depth, now)
    }

    fn from_config(
        config: RtcConfig,
        address: SocketAddr,
        depth: Depth,
        now: Instant,
    ) -> Result<Self, EndpointError> {
        let mut rtc = config
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .set_rtp_mode(true)
            .build(now);
        let candidate = Candidate::host(address, "udp").map_err(signal)?;
        rtc.add_local_candidate(candidate);
        Ok(Self {
            rtc,
            address,
            began_at: now,
            deadline: now,
            depth,
            spread: Duration::ZERO,
            pending: None,
            senders: Vec::new(),
            paced: BTreeMap::new(),
            paced_count: 0,
            outgoing: VecDeque::new(),
            flows: HashMap::new(),
            channels: Vec::new(),
            messages: VecDeque::new(),
            connected_at: None,
            keyframe_requests: 0,
            sent: 0,
        })
    }

    /// Returns the endpoint's own address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends the packets of each video frame evenly over `spread` instead of at once.
    pub fn set_spread(&mut self, spread: Duration) {
        self.spread = spread;
    }

    /// Makes an offer with a data channel and, for each pair of an id and its encodings, a camera,
    /// and for each id and bitrate a microphone, all of which begin to send once they may.
    ///
    /// # Errors
    ///
    /// [`EndpointError`] where an offer is already pending.
    pub fn offer(
        &mut self,
        cameras: &[(String, Vec<CameraShape>)],
        microphones: &[(String, u64)],
        now: Instant,
    ) -> Result<String, EndpointError> {
        if self.pending.is_some() {
            return Err(signal("an offer is pending"));
        }
        let mut salt = u32::from(self.address.port());
        let mut changes = self.rtc.sdp_api();
        if self.channels.is_empty() && self.senders.is_empty() {
            changes.add_channel("_reliable".to_owned());
        }
        for (cid, shapes) in cameras {
            let simulcast = (shapes.len() > 1).then(|| {
                let mut simulcast = Simulcast::new();
                for rid in RIDS.iter().take(shapes.len()) {
                    simulcast.add_send_layer(SimulcastLayer::new(rid));
                }
                simulcast
            });
            let mid = changes.add_media(
                MediaKind::Video,
                Direction::SendOnly,
                Some(cid.clone()),
                Some(cid.clone()),
                simulcast,
            );
            let sources: Vec<_> = shapes
                .iter()
                .enumerate()
                .map(|(place, shape)| {
                    salt = salt.wrapping_add(101);
                    let rid = (shapes.len() > 1).then(|| Rid::from(RIDS[place.min(2)]));
                    (rid, Vp8Source::new(place as u8, *shape, salt))
                })
                .collect();
            let interval = sources[0].1.interval();
            self.senders
                .push(Sender::new(mid, Device::Camera(sources), interval, now));
        }
        for (cid, bitrate_bps) in microphones {
            let mid = changes.add_media(
                MediaKind::Audio,
                Direction::SendOnly,
                Some(cid.clone()),
                Some(cid.clone()),
                None,
            );
            salt = salt.wrapping_add(101);
            let source = OpusSource::new(*bitrate_bps, salt);
            let interval = source.interval();
            self.senders
                .push(Sender::new(mid, Device::Microphone(source), interval, now));
        }
        let (offer, pending) = changes.apply().ok_or_else(|| signal("nothing to offer"))?;
        self.pending = Some(pending);
        self.settle(now)?;
        Ok(offer.to_sdp_string())
    }

    /// Offers new ICE credentials on the same candidates.
    ///
    /// # Errors
    ///
    /// [`EndpointError`] where an offer is already pending.
    pub fn offer_ice_restart(&mut self, now: Instant) -> Result<String, EndpointError> {
        if self.pending.is_some() {
            return Err(signal("an offer is pending"));
        }
        let mut changes = self.rtc.sdp_api();
        changes.ice_restart(true);
        let (offer, pending) = changes.apply().ok_or_else(|| signal("nothing to offer"))?;
        self.pending = Some(pending);
        self.settle(now)?;
        Ok(offer.to_sdp_string())
    }

    /// Makes an offer with more sections to receive on; where none are asked for, with one more of
    /// audio, since an offer that changes nothing cannot be made.
    ///
    /// # Errors
    ///
    /// [`EndpointError`] where an offer is already pending.
    pub fn offer_sections(
        &mut self,
        audio: u32,
        video: u32,
        now: Instant,
    ) -> Result<String, EndpointError> {
        if self.pending.is_some() {
            return Err(signal("an offer is pending"));
        }
        let audio = if audio + video == 0 { 1 } else { audio };
        let mut changes = self.rtc.sdp_api();
        for (kind, count) in [(MediaKind::Audio, audio), (MediaKind::Video, video)] {
            for _ in 0..count {
                changes.add_media(kind, Direction::RecvOnly, None, None, None);
            }
        }
        let (offer, pending) = changes.apply().ok_or_else(|| signal("nothing to offer"))?;
        self.pending = Some(pending);
        self.settle(now)?;
        Ok(offer.to_sdp_string())
    }

    /// Returns whether an offer waits for its answer.
    pub fn is_offering(&self) -> bool {
        self.pending.is_some()
    }

    /// Takes the answer to the last offer.
    ///
    /// # Errors
    ///
    /// [`EndpointError`] where it cannot be read or nothing was offered.
    pub fn accept_answer(&mut self, sdp: &str, now: Instant) -> Result<(), EndpointError> {
        let answer = SdpAnswer::from_sdp_string(sdp).map_err(signal)?;
        let pending = self
            .pending
            .take()
            .ok_or_else(|| signal("answer without an offer"))?;
        self.rtc.sdp_api().accept_answer(pending, answer)?;
        self.settle(now)
    }

    /// Answers an offer.
    ///
    /// # Errors
    ///
    /// [`EndpointError`] where it cannot be read or accepted.
    pub fn accept_offer(&mut self, sdp: &str, now: Instant) -> Result<String, EndpointError> {
        let offer = SdpOffer::from_sdp_string(sdp).map_err(signal)?;
        let answer = self.rtc.sdp_api().accept_offer(offer)?;
        self.settle(now)?;
        Ok(answer.to_sdp_string())
    }

    /// Adds a remote candidate (RFC 8839 §5.1); one that is not for UDP is left out.
    ///
    /// # Errors
    ///
    /// [`EndpointError::Signal`] where it cannot be read.
    pub fn add_candidate(&mut self, candidate: &str, now: Instant) -> Result<(), EndpointError> {
        let parsed = Candidate::from_sdp_string(candidate).map_err(signal)?;
        if parsed.proto() == Protocol::Udp {
            self.rtc.add_remote_candidate(parsed);
        }
        self.settle(now)
    }

    /// Stops or resumes sending what is captured, on all devices.
    pub fn set_off(&mut self, is_off: bool) {
        for sender in &mut self.senders {
            sender.is_off = is_off;
            if let Device::Camera(sources) = &mut sender.device {
                sources
                    .iter_mut()
                    .for_each(|(_, source)| source.request_keyframe());
            }
        }
    }

    /// Sends only the `count` smallest encodings of each camera, as a browser short of bandwidth does.
    pub fn set_encodings(&mut self, count: usize) {
        for sender in &mut self.senders {
            sender.encodings = count;
            sender.begin_paused_with_keyframes();
        }
    }

    /// Sends only the `count` smallest encodings of each camera, as a client does that is told that
    /// nobody wants the others.
    pub fn set_wanted(&mut self, count: usize) {
        for sender in &mut self.senders {
            sender.wanted = count;
            sender.begin_paused_with_keyframes();
        }
    }

    /// Sends a message on the channel named `label`; false where it is not open.
    pub fn send_message(&mut self, label: &str, message: &[u8], now: Instant) -> bool {
        let Some((id, _)) = self.channels.iter().find(|(_, name)| name == label) else {
            return false;
        };
        let is_sent = self
            .rtc
            .channel(*id)
            .is_some_and(|mut channel| channel.write(true, message).unwrap_or(false));
        is_sent && self.settle(now).is_ok()
    }

    /// Takes the next message that came, with its channel's label.
    pub fn poll_message(&mut self) -> Option<(String, Vec<u8>)> {
        self.messages.pop_front()
    }

    /// Takes a datagram from the network; one that is not WebRTC's is ignored.
    ///
    /// # Errors
    ///
    /// [`EndpointError::Rtc`] where the transport broke.
    pub fn handle_datagram(
        &mut self,
        source: SocketAddr,
        contents: &[u8],
        now: Instant,
    ) -> Result<(), EndpointError> {
        let Ok(receive) = Receive::new(Protocol::Udp, source, self.address, contents) else {
            return Ok(());
        };
        let input = Input::Receive(now, receive);
        if self.rtc.accepts(&input) {
            self.rtc.handle_input(input)?;
            self.drain(now)?;
        }
        Ok(())
    }

    /// Does what is due: captures, sends, retransmits, asks for keyframes.
    ///
    /// # Errors
    ///
    /// [`EndpointError::Rtc`] where the transport broke.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), EndpointError> {
        if self.connected_at.is_some() {
            self.capture(now);
            self.write_paced(now);
            self.ask_for_keyframes(now);
        }
        self.settle(now)
    }

    fn settle(&mut self, now: Instant) -> Result<(), EndpointError> {
        self.rtc.handle_input(Input::Timeout(now))?;
        self.drain(now)
    }

    /// Returns when [`handle_timeout`](Self::handle_timeout) is due next.
    pub fn deadline(&self) -> Instant {
        let mut deadline = self.deadline;
        if self.connected_at.is_some() {
            let captures = self
                .senders
                .iter()
                .filter(|sender| sender.pt.is_some())
                .map(|sender| sender.next_at);
            let paced = self.paced.keys().next().map(|(at, _)| *at);
            for at in captures.chain(paced) {
                deadline = deadline.min(at);
            }
        }
        deadline
    }

    /// Takes the next datagram to send.
    pub fn poll_outgoing(&mut self) -> Option<Outgoing> {
        self.outgoing.pop_front()
    }

    /// Returns the flows received.
    pub fn flows(&self) -> impl Iterator<Item = &Flow> {
        self.flows.values()
    }

    /// Returns the flows received, to take their reports.
    pub fn flows_mut(&mut self) -> impl Iterator<Item = &mut Flow> {
        self.flows.values_mut()
    }

    /// Returns when ICE and DTLS were up for the first time.
    pub fn connected_at(&self) -> Option<Instant> {
        self.connected_at
    }

    /// Returns whether the transport still lives.
    pub fn is_alive(&self) -> bool {
        self.rtc.is_alive()
    }

    /// Returns the keyframe requests that were answered.
    pub fn keyframe_requests(&self) -> u64 {
        self.keyframe_requests
    }

    /// Returns the RTP packets sent, retransmissions not counted.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    fn capture(&mut self, now: Instant) {
        let began_at = self.began_at;
        for sender in &mut self.senders {
            if sender.pt.is_none() {
                sender.pt = negotiated(&self.rtc, sender.mid);
                sender.next_at = now;
            }
            while sender.pt.is_some() && sender.next_at <= now {
                let at = sender.next_at;
                sender.next_at += sender.interval;
                let frames = sender.frames(at - began_at);
                if sender.is_off {
                    continue;
                }
                for (rid, frame) in frames {
                    let is_audio = matches!(sender.device, Device::Microphone(_));
                    let count = frame.payloads.len() as u32;
                    for (place, payload) in frame.payloads.into_iter().enumerate() {
                        let due = at + self.spread * place as u32 / count;
                        self.paced_count += 1;
                        self.paced.insert(
                            (due, self.paced_count),
                            Paced {
                                mid: sender.mid,
                                rid,
                                time: frame.time,
                                is_marked: !is_audio && place as u32 + 1 == count,
                                payload,
                                is_audio,
                            },
                        );
                    }
                }
            }
        }
    }

    fn write_paced(&mut self, now: Instant) {
        while let Some(entry) = self.paced.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let paced = entry.remove();
            let sender = self
                .senders
                .iter_mut()
                .find(|sender| sender.mid == paced.mid);
            let Some(sender) = sender else { continue };
            let Some(pt) = sender.pt else { continue };
            let mut direct = self.rtc.direct_api();
            let Some(stream) = direct.stream_tx_by_mid(paced.mid, paced.rid) else {
                continue;
            };
            let next = sender.next_seq_nos.entry(paced.rid).or_insert_with(|| {
                // Browsers send again whatever is asked for; str0m would stop at 15 %.
                stream.set_rtx_cache(RESENDABLE_PACKETS, RESENDABLE_AGE, None);
                1
            });
            let seq_no: SeqNo = (*next).into();
            *next += 1;
            let levels = ExtensionValues {
                audio_level: paced.is_audio.then_some(-20),
                voice_activity: paced.is_audio.then_some(true),
                ..ExtensionValues::default()
            };
            let packet = RtpWrite::new(pt, seq_no, paced.time, now, paced.payload)
                .marker(paced.is_marked)
                .ext_vals(levels)
                .nackable(!paced.is_audio);
            stream.write_rtp(packet);
            self.sent += 1;
        }
    }

    fn ask_for_keyframes(&mut self, now: Instant) {
        if self.depth == Depth::Count {
            return;
        }
        for (ssrc, flow) in &mut self.flows {
            if flow.is_video
                && flow.receiver.wants_keyframe(now)
                && let Some(stream) = self.rtc.direct_api().stream_rx(ssrc)
            {
                stream.request_keyframe(KeyframeRequestKind::Pli);
            }
        }
    }

    fn drain(&mut self, now: Instant) -> Result<(), EndpointError> {
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(at) => {
                    self.deadline = at;
                    return Ok(());
                }
                Output::Transmit(transmit) => self.outgoing.push_back(Outgoing {
                    source: transmit.source,
                    destination: transmit.destination,
                    contents: transmit.contents.into(),
                }),
                Output::Event(event) => self.handle_event(event, now),
            }
        }
    }

    fn handle_event(&mut self, event: Event, now: Instant) {
        match event {
            Event::Connected => {
                self.connected_at.get_or_insert(now);
            }
            Event::RtpPacket(packet) => self.handle_rtp(&packet, now),
            Event::KeyframeRequest(request) => {
                self.keyframe_requests += 1;
                for sender in &mut self.senders {
                    if let Device::Camera(sources) = &mut sender.device
                        && sender.mid == request.mid
                    {
                        sources
                            .iter_mut()
                            .filter(|(rid, _)| request.rid.is_none() || *rid == request.rid)
                            .for_each(|(_, source)| source.request_keyframe());
                    }
                }
            }
            Event::ChannelOpen(id, label) => self.channels.push((id, label)),
            Event::ChannelData(message) => {
                let label = self
                    .channels
                    .iter()
                    .find(|(id, _)| *id == message.id)
                    .map(|(_, label)| label.clone());
                self.messages
                    .push_back((label.unwrap_or_default(), message.data));
            }
            _ => {}
        }
    }

    fn handle_rtp(&mut self, packet: &RtpPacket, now: Instant) {
        let ssrc = packet.header.ssrc;
        if !self.flows.contains_key(&ssrc) {
            let mut direct = self.rtc.direct_api();
            let Some(mid) = direct.stream_rx(&ssrc).map(|stream| stream.mid()) else {
                return;
            };
            let media = self.rtc.media(mid);
            let flow = Flow {
                mid: mid.to_string(),
                is_video: media.is_some_and(|media| media.kind() == MediaKind::Video),
                tally: Tally {
                    first: *packet.seq_no,
                    ..Tally::default()
                },
                receiver: Vp8Receiver::new(),
            };
            self.flows.insert(ssrc, flow);
        }
        let Some(flow) = self.flows.get_mut(&ssrc) else {
            return;
        };
        flow.tally.first = flow.tally.first.min(*packet.seq_no);
        flow.tally.highest = flow.tally.highest.max(*packet.seq_no);
        if packet.payload.is_empty() {
            flow.tally.blank += 1;
            return;
        }
        flow.tally.packets += 1;
        flow.tally.bytes += packet.payload.len() as u64;
        flow.tally.first_at.get_or_insert(now);
        flow.tally.last_at = Some(now);
        if flow.is_video && self.depth == Depth::Judge {
            flow.receiver.handle_packet(
                *packet.seq_no,
                packet.header.timestamp,
                packet.header.marker,
                &packet.payload,
                now,
            );
        }
    }
}

/// Returns the payload type that was negotiated for a section's media.
fn negotiated(rtc: &Rtc, mid: Mid) -> Option<Pt> {
    let media = rtc.media(mid)?;
    let codec = match media.kind() {
        MediaKind::Video => Codec::Vp8,
        MediaKind::Audio => Codec::Opus,
    };
    media.remote_pts().iter().copied().find(|pt| {
        rtc.codec_config()
            .iter()
            .any(|params| params.pt() == *pt && params.spec().codec == codec)
    })
}

impl Sender {
    fn new(mid: Mid, device: Device, interval: Duration, now: Instant) -> Self {
        Self {
            mid,
            device,
            interval,
            next_at: now,
            is_off: false,
            encodings: RIDS.len(),
            wanted: RIDS.len(),
            next_seq_nos: HashMap::new(),
            pt: None,
        }
    }

    fn begin_paused_with_keyframes(&mut self) {
        if let Device::Camera(sources) = &mut self.device {
            let paused = sources.iter_mut().skip(self.encodings.min(self.wanted));
            paused.for_each(|(_, source)| source.request_keyframe());
        }
    }

    fn frames(&mut self, elapsed: Duration) -> Vec<(Option<Rid>, Frame)> {
        match &mut self.device {
            Device::Camera(sources) => sources
                .iter_mut()
                .take(self.encodings.min(self.wanted))
                .map(|(rid, source)| (*rid, source.capture(elapsed)))
                .collect(),
            Device::Microphone(source) => vec![(None, source.capture(elapsed))],
        }
    }
}
