//! The way of a packet: from its publisher into the meeting's arrivals, and from there, subscriber
//! by subscriber, to the streams it leaves on.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use moot_forward::{
    AudioLevel, Codec, Header, Layering, Packet, RtpTime, SenderClock, SeqNo, SpatialLayer, Ssrc,
    Verdict,
};
use moot_send::Packet as Outgoing;
use str0m::rtp::{RedDecoder, RtpPacket};

use crate::arena::{Arena, Key};
use crate::connection::Connection;
use crate::descriptor::Descriptor;
use crate::event::TransportState;
use crate::recent::Recent;
use crate::sfu::Sfu;
use crate::subscription::{Sender, Subscription};
use crate::track::{TakenCodec, Track};
use crate::transport::{Route, Transport};

/// Bytes that headers add to a payload on the wire: IP, UDP, RTP with extensions, authentication.
const OVERHEAD: usize = 28 + 24 + 16;

/// Most packets that wait in one meeting; what comes on top is dropped. Far more than a tick's
/// worth: reached only if the shard cannot keep up.
const MAX_ARRIVALS: usize = 8_192;

/// How many times as fast as it was made, what was kept is shown to who begins to watch: about as
/// fast as it leaves. Less keeps a player behind for seconds; frames stay apart at 60 a second.
const HURRY: u32 = 8;

/// A packet that waits to be forwarded, with all that deciding about it and sending it takes.
pub(crate) struct Arrival {
    pub(crate) track: Key<Track>,
    pub(crate) place: usize,
    pub(crate) packet: Packet,
    pub(crate) taken: TakenCodec,
    pub(crate) payload: Arc<[u8]>,
    descriptor: Option<Arc<[u8]>>,
    is_red: bool,
    /// What is inside RED, unwrapped for the first subscriber that needs it so.
    primary: OnceCell<Option<Arc<[u8]>>>,
    /// As the extension has it (RFC 6464 §3).
    audio_level: Option<u8>,
    orientation: Option<u8>,
    pub(crate) at: Instant,
}

impl Arrival {
    /// A video packet without anything beside it.
    #[cfg(test)]
    pub(crate) fn plain(
        track: Key<Track>,
        packet: Packet,
        taken: TakenCodec,
        payload: Vec<u8>,
        at: Instant,
    ) -> Self {
        Self {
            track,
            place: 0,
            packet,
            taken,
            payload: payload.into(),
            descriptor: None,
            is_red: false,
            primary: OnceCell::new(),
            audio_level: None,
            orientation: None,
            at,
        }
    }

    fn primary(&self) -> Option<&Arc<[u8]>> {
        let unwrapped = self.primary.get_or_init(|| {
            let blocks = RedDecoder::decode(&self.payload).ok()?;
            blocks.last().map(|primary| primary.payload.into())
        });
        unwrapped.as_ref()
    }
}

impl Sfu {
    /// Reads a packet of a publisher and keeps it for the next forwarding.
    pub(crate) fn handle_rtp(&mut self, key: Key<Transport>, packet: RtpPacket, now: Instant) {
        let Some(route) = self.route(key, &packet) else {
            return;
        };
        let (Some(transport), Some(track)) =
            (self.transports.get(key), self.tracks.get_mut(route.track))
        else {
            return;
        };
        let payload_type = *packet.header.payload_type;
        let Some(params) = transport.params_of(payload_type) else {
            return;
        };
        let is_red = params.red().is_some_and(|red| *red == payload_type);
        let Some(taken) = track.take_codec(params) else {
            return;
        };
        let Some(encoding) = track.encodings.get_mut(route.encoding) else {
            return;
        };
        encoding.packets += 1;
        encoding.bytes += packet.payload.len() as u64;
        let Some(connection) = self.connections.get(track.connection) else {
            return;
        };
        let is_withheld = track.is_muted || !connection.sources.contains(track.source);
        if is_withheld {
            self.totals.packets_withheld += 1;
            return;
        }
        let values = &packet.header.ext_vals;
        let descriptor = values
            .user_values
            .get::<Descriptor>()
            .map(|Descriptor(bytes)| bytes.clone());
        let dependency = descriptor
            .as_deref()
            .filter(|_| taken.codec == Codec::Av1)
            .and_then(|bytes| encoding.dependency.read(bytes).ok());
        let header = Header {
            ssrc: Ssrc(*packet.header.ssrc),
            encoding: match taken.layering {
                Layering::Simulcast => SpatialLayer(route.encoding as u8),
                Layering::Svc => SpatialLayer(0),
            },
            seq_no: SeqNo(*packet.seq_no),
            time: RtpTime(packet.header.timestamp),
            is_marked: packet.header.marker,
            clock: sender_clock(&packet),
        };
        let codec = if is_red { Codec::Red } else { taken.codec };
        let Ok(read) = Packet::read(
            codec,
            taken.layering,
            header,
            &packet.payload,
            dependency.as_ref(),
        ) else {
            return;
        };
        let size_bytes = packet.payload.len() + OVERHEAD;
        track
            .meter
            .record(read.layer, size_bytes, read.is_frame_end, now);
        if read.is_keyframe {
            let encoding = SpatialLayer(route.encoding as u8);
            track.keyframes.handle_keyframe(encoding, now);
        }
        if let Some(level) = values.audio_level {
            // The extension's -127 to 0 dBov; RFC 6464 §3 counts downwards.
            track
                .loudness
                .record(AudioLevel(level.unsigned_abs().min(127)), now);
        }
        let arrival = Arrival {
            track: route.track,
            place: track.place,
            packet: read,
            taken,
            payload: packet.payload,
            // Chrome describes VP8 frames too; after a change of encoding that would be wrong.
            descriptor: descriptor.filter(|_| matches!(taken.codec, Codec::Av1 | Codec::Vp9)),
            is_red,
            primary: OnceCell::new(),
            audio_level: values.audio_level.map(|level| {
                let is_voice = values.voice_activity.unwrap_or(false);
                u8::from(is_voice) << 7 | level.unsigned_abs().min(127)
            }),
            orientation: values.video_orientation.map(|turned| turned as u8),
            at: now,
        };
        if let Some(meeting) = self.meetings.get_mut(track.meeting)
            && meeting.arrivals.len() < MAX_ARRIVALS
        {
            if meeting.arrivals.is_empty() {
                self.arrived.push(track.meeting);
            }
            meeting.arrivals.push(arrival);
        }
    }

    /// Finds which track and encoding a packet is of.
    fn route(&mut self, key: Key<Transport>, packet: &RtpPacket) -> Option<Route> {
        let ssrc = packet.header.ssrc;
        let transport = self.transports.get_mut(key)?;
        if let Some(route) = transport.routes.iter().find(|route| route.ssrc == ssrc) {
            return Some(*route);
        }
        let (mid, rid) = transport.incoming(ssrc)?;
        let connection = self.connections.get(transport.connection)?;
        let inlet = connection.inlets.iter().find(|inlet| inlet.mid == mid)?;
        let key = inlet.track?;
        let track = self.tracks.get_mut(key)?;
        let has_switched = track.switch_codec(mid);
        if track.mid != Some(mid) {
            // It is taken from another section by now.
            return None;
        }
        let encoding = track.encoding_named(rid)?;
        track.encodings[encoding].ssrc = Some(*ssrc);
        let route = Route {
            ssrc,
            track: key,
            encoding,
        };
        // A publisher that changes SSRCs all the time must not grow the table.
        const MAX_ROUTES: usize = 256;
        if transport.routes.len() == MAX_ROUTES || has_switched {
            transport.routes.clear();
        }
        transport.routes.push(route);
        if has_switched {
            self.announce_track(key);
        }
        Some(route)
    }

    /// Forwards what arrived: all packets of a meeting to one subscriber, then to the next, so that
    /// each subscriber's state is touched once.
    pub(crate) fn forward_arrivals(&mut self, now: Instant) {
        let mut wanted = Vec::new();
        for meeting_key in std::mem::take(&mut self.arrived) {
            let Some(meeting) = self.meetings.get_mut(meeting_key) else {
                continue;
            };
            let mut arrivals = std::mem::take(&mut meeting.arrivals);
            let mut written = Vec::new();
            for &key in &meeting.connections {
                let Some(connection) = self.connections.get_mut(key) else {
                    continue;
                };
                let Some(transport) = self.transports.get_mut(connection.subscriber) else {
                    continue;
                };
                let packets = forward(connection, transport, &self.tracks, &arrivals, &mut wanted);
                if packets > 0 {
                    self.totals.packets_forwarded += packets;
                    written.push(connection.subscriber);
                }
            }
            for arrival in arrivals.drain(..) {
                if !arrival.taken.codec.is_audio()
                    && let Some(track) = self.tracks.get_mut(arrival.track)
                {
                    track.keep(arrival, now);
                }
            }
            // The allocation is kept for the next arrivals.
            if let Some(meeting) = self.meetings.get_mut(meeting_key) {
                meeting.arrivals = arrivals;
            }
            for key in written {
                self.queue_visit(key);
            }
        }
        for (track, encoding) in wanted {
            self.want_keyframe(track, encoding, false, now);
        }
    }

    /// A subscriber lost its picture.
    pub(crate) fn handle_lost_picture(&mut self, key: Key<Transport>, ssrc: u32, now: Instant) {
        let found = self.transports.get(key).and_then(|transport| {
            let connection = self.connections.get_mut(transport.connection)?;
            let outlet = connection
                .outlets
                .iter()
                .find(|outlet| outlet.ssrc.is_some_and(|of| *of == ssrc))?;
            let track = outlet.track?;
            let place = self.tracks.get(track)?.place;
            let subscription = connection.subscription_mut(place)?;
            subscription.keyframe_requests += 1;
            let current = subscription.sender.as_ref()?.forwarder.current()?;
            Some((track, current.spatial))
        });
        if let Some((track, spatial)) = found {
            self.want_keyframe(track, spatial, true, now);
        }
    }

    /// Notes that a keyframe of an encoding is wanted, and asks its publisher if it is time.
    pub(crate) fn want_keyframe(
        &mut self,
        key: Key<Track>,
        encoding: SpatialLayer,
        is_lost: bool,
        now: Instant,
    ) {
        if let Some(track) = self.tracks.get_mut(key) {
            let is_svc = track
                .taken
                .is_some_and(|taken| taken.layering == Layering::Svc);
            let encoding = if is_svc { SpatialLayer(0) } else { encoding };
            track.keyframes.want(encoding, is_lost, now);
            self.ask_for_keyframes(key, now);
        }
    }

    /// Asks a publisher for the keyframes that are due.
    pub(crate) fn ask_for_keyframes(&mut self, key: Key<Track>, now: Instant) {
        let Some(track) = self.tracks.get_mut(key) else {
            return;
        };
        let (Some(mid), Some(connection)) = (track.mid, self.connections.get(track.connection))
        else {
            return;
        };
        if track.is_muted {
            return;
        }
        let Some(publisher) = connection.publisher else {
            return;
        };
        let mut has_asked = false;
        while let Some(encoding) = track.keyframes.poll(now) {
            let rid = track
                .encodings
                .get(usize::from(encoding.0))
                .and_then(|encoding| encoding.rid);
            if let Some(transport) = self.transports.get_mut(publisher) {
                transport.request_keyframe(mid, rid);
                track.keyframes_asked += 1;
                has_asked = true;
            }
        }
        if has_asked {
            self.queue_visit(publisher);
        }
    }
}

/// Forwards a meeting's arrivals to one subscriber; returns how many packets left.
fn forward(
    connection: &mut Connection,
    transport: &mut Transport,
    tracks: &Arena<Track>,
    arrivals: &[Arrival],
    wanted: &mut Vec<(Key<Track>, SpatialLayer)>,
) -> u64 {
    let can_receive = matches!(
        transport.state,
        TransportState::Connected | TransportState::Disconnected
    );
    if !can_receive || connection.subscriptions.is_empty() {
        return 0;
    }
    let mut packets = 0;
    for arrival in arrivals {
        let is_stale = match connection.subscription(arrival.place) {
            None => continue,
            Some(subscription) => subscription.is_stale(&arrival.taken),
        };
        if is_stale {
            renew_sender(connection, transport, arrival.place, &arrival.taken);
        }
        let Some(subscription) = connection.subscription_mut(arrival.place) else {
            continue;
        };
        packets += catch_up(subscription, transport, tracks, arrival, wanted);
        if let Some(packet) = forward_one(subscription, arrival, wanted)
            && let Some(ssrc) = subscription.ssrc
        {
            transport.write(ssrc, packet, arrival.at);
            packets += 1;
        }
    }
    packets
}

/// Gives a subscription that begins to watch what came since the last keyframe, before the first
/// packet that it meets: of the best layer within its aim that was kept and that its path carries
/// soon. Returns how many packets left.
fn catch_up(
    subscription: &mut Subscription,
    transport: &mut Transport,
    tracks: &Arena<Track>,
    first: &Arrival,
    wanted: &mut Vec<(Key<Track>, SpatialLayer)>,
) -> u64 {
    let begins = |sender: &Sender| {
        sender
            .forwarder
            .begins()
            .filter(|_| sender.epoch == first.taken.epoch)
    };
    let (Some(ssrc), Some(aim)) = (
        subscription.ssrc,
        subscription.sender.as_ref().and_then(begins),
    ) else {
        return 0;
    };
    let Some(track) = tracks.get(first.track) else {
        return 0;
    };
    let within = &track.recent[..=usize::from(aim.spatial.0)];
    let fits = |recent: &&Recent| {
        let is_same = |kept: &Arrival| kept.taken.epoch == first.taken.epoch;
        recent.arrivals().first().is_some_and(is_same) && transport.has_room_for(recent.bytes())
    };
    let Some(recent) = within.iter().rev().find(fits) else {
        return 0;
    };
    let given: Vec<_> = recent
        .arrivals()
        .iter()
        .filter_map(|kept| Some((forward_one(subscription, kept, wanted)?, kept.at)))
        .collect();
    let Some((newest, newest_at)) = given.last().map(|(packet, at)| (packet.time, *at)) else {
        return 0;
    };
    let packets = given.len() as u64;
    for (mut packet, came_at) in given {
        // A player that starts with the first frame must not be behind by all that was kept.
        let behind = (newest.wrapping_sub(packet.time) as i32).max(0) as u32;
        packet.time = newest.wrapping_sub(behind / HURRY);
        let came_at = newest_at - newest_at.saturating_duration_since(came_at) / HURRY;
        transport.write(ssrc, packet, came_at);
    }
    packets
}

/// Makes the sender of a subscription for the codec that its track is taken in.
pub(crate) fn renew_sender(
    connection: &mut Connection,
    transport: &Transport,
    place: usize,
    taken: &TakenCodec,
) {
    let Some(track) = connection.subscription(place).map(|known| known.track) else {
        return;
    };
    let Some(outlet) = connection.outlet_of(track) else {
        return;
    };
    let params = transport.params_like(outlet.mid, &taken.params);
    if let Some(subscription) = connection.subscription_mut(place) {
        subscription.renew(taken, params);
    }
}

/// Decides about one packet for one subscription.
fn forward_one(
    subscription: &mut Subscription,
    arrival: &Arrival,
    wanted: &mut Vec<(Key<Track>, SpatialLayer)>,
) -> Option<Outgoing> {
    let sender = subscription.sender.as_mut()?;
    let types = sender.payload_types?;
    let verdict = sender.forwarder.handle_packet(&arrival.packet, arrival.at);
    let is_frame_end = arrival.packet.header.is_marked;
    if is_frame_end && let Some(encoding) = sender.forwarder.wanted_keyframe() {
        wanted.push((arrival.track, encoding));
    }
    let Verdict::Forward(forwarded) = verdict else {
        return None;
    };
    let (payload_type, resent, payload) = match (arrival.is_red, types.red) {
        (false, _) => (types.plain, types.resent, &arrival.payload),
        // A repetition would name the codec inside, not RED; RED has repetitions of its own.
        (true, Some(red)) => (red, None, &arrival.payload),
        (true, None) => (types.plain, None, arrival.primary()?),
    };
    let number = sender.number(forwarded.seq_no.0);
    subscription.packets += 1;
    subscription.bytes += payload.len() as u64;
    Some(Outgoing {
        payload_type: *payload_type,
        resend_type: resent.map(|pt| *pt),
        number,
        time: forwarded.time.0,
        is_marked: forwarded.is_marked,
        is_begin: arrival.packet.is_keyframe,
        payload: payload.clone(),
        vp8: forwarded.vp8,
        descriptor: arrival.descriptor.clone(),
        frame_number: forwarded.frame_number,
        audio_level: arrival.audio_level,
        orientation: arrival.orientation,
        is_padding: false,
    })
}

/// What the encoding's latest sender report ties together (RFC 3550 §6.4.1).
fn sender_clock(packet: &RtpPacket) -> Option<SenderClock> {
    let info = packet.last_sender_info.as_ref()?;
    let wallclock = info.ntp_time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(SenderClock {
        wallclock_us: wallclock.as_micros() as u64,
        time: RtpTime(info.rtp_time.numer() as u32),
    })
}
