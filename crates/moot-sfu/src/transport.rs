//! One ICE + DTLS + SRTP association. The only file that mutates or drains an `Rtc`.
//!
//! str0m's rule is one mutation, then a drain. Two deviations are deliberate, because a visit to a
//! transport's cold state costs more than what is done there: several `write_rtp` share one timeout
//! and drain ([`Egress`]), and feedback that only feeds the bandwidth estimate waits for the next
//! visit ([`Transport::defer`]). Received RTP has one slot in str0m and is drained at once.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::bwe::Bitrate;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelId, Reliability};
use str0m::format::{Codec as WireCodec, PayloadParams};
use str0m::media::{Direction, KeyframeRequestKind, Media, MediaKind, Mid, Rid};
use str0m::net::Receive;
use str0m::rtp::{Extension, ExtensionMap, RtpWrite, Ssrc};
use str0m::{Candidate, Event, Input, Output, Reason, Rtc, RtcConfig, RtcError};

use crate::arena::Key;
use crate::command::{DataKind, Kind, TransportName};
use crate::config::{Codecs, SfuConfig};
use crate::connection::Connection;
use crate::datagram::{Class, Datagram, Path, Transmit, classify};
use crate::descriptor::DescriptorExtension;
use crate::error::{Code, Refusal};
use crate::event::TransportState;
use crate::statistics::Measured;
use crate::track::Track;

/// A deadline this near counts as due: the pacer hands out one packet per timeout, a microsecond
/// apart, and packets for one destination are cheapest to send together.
const ALMOST_DUE: Duration = Duration::from_micros(20);

/// How late a deadline that is not about pacing may be met: usually a packet comes by first.
const TIMER_SLACK: Duration = Duration::from_millis(10);

/// Most timeouts served in one visit, so that one transport cannot hold up the others.
const MAX_TIMEOUTS_PER_VISIT: usize = 1_024;

/// How long feedback may wait for a visit.
const MAX_DEFERRAL: Duration = Duration::from_millis(40);

/// Most feedback datagrams that wait; more means something is wrong with the sender.
const MAX_DEFERRED: usize = 16;

/// How long sent packets are kept for retransmission. Longer serves slower paths, at about 1.3 kB
/// a packet.
const RTX_CACHE: Duration = Duration::from_millis(1_000);

/// Most packets kept for retransmission, per stream.
const RTX_CACHE_PACKETS: usize = 1_024;

/// Largest share of resent bytes; a path that loses more is helped by a smaller layer.
const RTX_RATIO_CAP: f32 = 0.5;

/// Most messages that wait for a data channel to open or to drain.
const MAX_BACKLOG_MESSAGES: usize = 256;
/// Most bytes that wait for a data channel.
const MAX_BACKLOG_BYTES: usize = 1 << 20;
/// Beyond this many buffered bytes lossy messages are dropped: they would arrive too late.
const MAX_LOSSY_BUFFERED: usize = 64 * 1024;

/// Largest data message, bytes.
pub const MAX_DATA_MESSAGE: usize = 64 * 1024;

/// Most trickled candidates of one transport.
const MAX_REMOTE_CANDIDATES: usize = 64;

/// What visiting transports yields; handled after the visit, never within it.
#[derive(Default)]
pub(crate) struct Yield {
    /// Datagrams to send.
    pub(crate) transmits: VecDeque<Transmit>,
    /// What str0m reports.
    pub(crate) events: VecDeque<(Key<Transport>, Event)>,
    /// Addresses that STUN requests went to.
    pub(crate) checks: Vec<(Key<Transport>, Path, SocketAddr)>,
}

/// The send side of a transport: a batch is written, then flushed into datagrams. A send path of
/// our own would take its place.
pub(crate) trait Egress {
    /// Queues a packet of the stream `ssrc`.
    fn write(&mut self, ssrc: Ssrc, packet: RtpWrite);

    /// Turns what is queued, and due, into datagrams.
    fn flush(&mut self, now: Instant, into: &mut Yield);
}

struct Deferred {
    arrived_at: Instant,
    path: Path,
    source: SocketAddr,
    destination: SocketAddr,
    contents: Vec<u8>,
}

/// Datagrams and bytes so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) packets_in: u64,
    pub(crate) packets_out: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
}

/// Where the packets of one SSRC go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    pub(crate) ssrc: Ssrc,
    pub(crate) track: Key<Track>,
    pub(crate) encoding: usize,
}

/// One ICE + DTLS + SRTP association.
pub(crate) struct Transport {
    rtc: Rtc,
    key: Key<Transport>,
    pub(crate) connection: Key<Connection>,
    pub(crate) name: TransportName,
    pub(crate) state: TransportState,
    pub(crate) path: Option<Path>,
    /// When the timers come back to it.
    pub(crate) armed: Option<Instant>,
    /// It waits for a visit.
    pub(crate) is_queued: bool,
    pub(crate) traffic: Traffic,
    pub(crate) measured: Measured,
    /// The latest bandwidth estimate, bit/s.
    pub(crate) estimate_bps: Option<u64>,
    /// Which track and encoding an SSRC of the client's is, as far as known.
    pub(crate) routes: Vec<Route>,
    /// When anything authentic last came in.
    pub(crate) heard_at: Instant,
    deadline: Instant,
    is_deadline_exact: bool,
    deferred: Vec<Deferred>,
    channels: [Option<ChannelId>; 2],
    backlog: VecDeque<Arc<[u8]>>,
    backlog_bytes: usize,
    pending: Option<SdpPendingOffer>,
    described_at: Option<Instant>,
    remote_candidates: usize,
    broken: Option<String>,
}

impl Transport {
    /// Makes a transport. One that `sends` media estimates the bandwidth and paces.
    pub(crate) fn new(
        key: Key<Transport>,
        connection: Key<Connection>,
        name: TransportName,
        sends: bool,
        config: &SfuConfig,
        now: Instant,
    ) -> Self {
        let mut rtc_config = RtcConfig::new()
            .set_rtp_mode(true)
            .set_crypto_provider(config.crypto.clone())
            .set_dtls_cert(config.certificate.clone())
            .set_extension_map(extensions())
            .set_stats_interval(Some(config.stats_interval))
            .set_sctp_max_message_size(MAX_DATA_MESSAGE as u32);
        rtc_config = enable_codecs(rtc_config, config.codecs);
        if sends {
            rtc_config = rtc_config.enable_bwe(Some(Bitrate::bps(config.initial_estimate_bps)));
        }
        let mut rtc = rtc_config.build(now);
        for address in &config.addresses {
            for candidate in local_candidates(address) {
                rtc.add_local_candidate(candidate);
            }
        }
        Self {
            rtc,
            key,
            connection,
            name,
            state: TransportState::Connecting,
            path: None,
            armed: None,
            is_queued: false,
            traffic: Traffic::default(),
            measured: Measured::default(),
            estimate_bps: None,
            routes: Vec::new(),
            heard_at: now,
            deadline: now,
            is_deadline_exact: true,
            deferred: Vec::new(),
            channels: [None; 2],
            backlog: VecDeque::new(),
            backlog_bytes: 0,
            pending: None,
            described_at: None,
            remote_candidates: 0,
            broken: None,
        }
    }

    /// Why the transport cannot go on, if it cannot.
    pub(crate) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// When the next visit is due.
    pub(crate) fn due_at(&self) -> Instant {
        let deadline = if self.is_deadline_exact {
            self.deadline
        } else {
            self.deadline + TIMER_SLACK
        };
        match self.deferred.first() {
            Some(first) => deadline.min(first.arrived_at + MAX_DEFERRAL),
            None => deadline,
        }
    }

    /// Runs work on the `Rtc`; a panic or an error in it breaks this transport and nothing else.
    fn guarded<R>(&mut self, work: impl FnOnce(&mut Self) -> Result<R, RtcError>) -> Option<R> {
        if self.broken.is_some() {
            return None;
        }
        match catch_unwind(AssertUnwindSafe(|| work(self))) {
            Ok(Ok(value)) => Some(value),
            Ok(Err(error)) => {
                self.broken = Some(error.to_string());
                None
            }
            Err(_) => {
                self.broken = Some(PANICKED.to_owned());
                None
            }
        }
    }

    /// Returns whether a panic in str0m was caught.
    pub(crate) fn has_panicked(&self) -> bool {
        self.broken.as_deref() == Some(PANICKED)
    }

    /// Returns whether a STUN message is for this transport and authentic.
    pub(crate) fn accepts(&self, datagram: &Datagram<'_>, now: Instant) -> bool {
        if self.broken.is_some() {
            return false;
        }
        let is_accepted = AssertUnwindSafe(|| match receive(datagram) {
            Some(received) => self.rtc.accepts(&Input::Receive(now, received)),
            None => false,
        });
        catch_unwind(is_accepted).unwrap_or(false)
    }

    /// Takes a datagram that the demultiplexer gave to this transport.
    pub(crate) fn receive(&mut self, datagram: &Datagram<'_>, now: Instant, into: &mut Yield) {
        self.count_in(datagram, now);
        self.guarded(|this| {
            if let Some(received) = receive(datagram) {
                this.rtc.handle_input(Input::Receive(now, received))?;
            }
            this.drain(now, into)
        });
    }

    /// Keeps feedback that only feeds the bandwidth estimate for the next visit; returns when that
    /// must be at the latest.
    pub(crate) fn defer(&mut self, datagram: &Datagram<'_>, now: Instant) -> Instant {
        self.count_in(datagram, now);
        if self.deferred.len() < MAX_DEFERRED {
            self.deferred.push(Deferred {
                arrived_at: now,
                path: datagram.path,
                source: datagram.source,
                destination: datagram.destination,
                contents: datagram.contents.to_vec(),
            });
        }
        self.due_at()
    }

    fn count_in(&mut self, datagram: &Datagram<'_>, now: Instant) {
        self.traffic.packets_in += 1;
        self.traffic.bytes_in += datagram.contents.len() as u64;
        self.heard_at = now;
    }

    fn drain(&mut self, now: Instant, into: &mut Yield) -> Result<(), RtcError> {
        let mut timeouts = 0;
        loop {
            match self.rtc.poll_output()? {
                Output::Event(event) => into.events.push_back((self.key, event)),
                Output::Transmit(transmit) => {
                    let path = Path::from(transmit.proto);
                    let contents: Vec<u8> = transmit.contents.into();
                    self.traffic.packets_out += 1;
                    self.traffic.bytes_out += contents.len() as u64;
                    match classify(&contents) {
                        Class::StunRequest => {
                            into.checks.push((self.key, path, transmit.destination));
                        }
                        Class::StunResponse => {}
                        _ => self.path = Some(path),
                    }
                    into.transmits.push_back(Transmit {
                        path,
                        source: transmit.source,
                        destination: transmit.destination,
                        contents,
                    });
                }
                Output::Timeout(at) => {
                    timeouts += 1;
                    if at > now + ALMOST_DUE {
                        self.deadline = at;
                        break;
                    }
                    if timeouts > MAX_TIMEOUTS_PER_VISIT {
                        self.deadline = now;
                        break;
                    }
                    self.rtc.handle_input(Input::Timeout(at.max(now)))?;
                }
            }
        }
        // Before the handshake is over every deadline is part of it; later only the pacer's are
        // worth a wake-up of their own.
        self.is_deadline_exact = self.state != TransportState::Connected
            || matches!(self.rtc.last_timeout_reason(), Reason::Pacer(_));
        Ok(())
    }

    /// Returns whether ICE and DTLS are done.
    pub(crate) fn is_connected(&self) -> bool {
        self.rtc.is_connected()
    }

    /// Returns whether str0m still runs; the other side may have ended it.
    pub(crate) fn is_alive(&self) -> bool {
        self.rtc.is_alive()
    }

    /// The local user name fragment, new after each ICE restart.
    pub(crate) fn local_ufrag(&mut self) -> String {
        self.rtc.direct_api().local_ice_credentials().ufrag
    }

    /// Says goodbye (RTCP BYE, DTLS close_notify) as far as one drain gets.
    pub(crate) fn close(&mut self, now: Instant, into: &mut Yield) {
        self.guarded(|this| {
            this.rtc.close()?;
            this.drain(now, into)
        });
    }

    // Negotiation.

    /// Answers a client's offer.
    pub(crate) fn accept_offer(&mut self, sdp: &str, now: Instant) -> Result<String, Refusal> {
        let offer = SdpOffer::from_sdp_string(sdp).map_err(|_| unreadable("offer"))?;
        self.pending = None;
        let accepted = self.guarded(|this| Ok(this.rtc.sdp_api().accept_offer(offer)));
        match accepted {
            Some(Ok(answer)) => {
                self.described_at.get_or_insert(now);
                Ok(answer.to_sdp_string())
            }
            Some(Err(error)) => Err(Refusal::new(Code::BadSdp, error.to_string())),
            None => Err(Refusal::new(Code::BadState, "the transport has failed")),
        }
    }

    /// Offers to the client what has changed: sections to add, by kind, and sections to silence or
    /// to use again. Returns the description and the names of the sections added, or `None` if
    /// there is nothing to offer.
    pub(crate) fn offer(&mut self, changes: &OfferChanges) -> Option<(String, Vec<Mid>)> {
        let offered = self.guarded(|this| {
            let mut api = this.rtc.sdp_api();
            if changes.with_channels {
                for kind in [DataKind::Reliable, DataKind::Lossy] {
                    let reliability = match kind {
                        DataKind::Reliable => Reliability::Reliable,
                        DataKind::Lossy => Reliability::MaxRetransmits { retransmits: 0 },
                    };
                    api.add_channel_with_config(ChannelConfig {
                        label: channel_label(kind).to_owned(),
                        ordered: kind == DataKind::Reliable,
                        reliability,
                        ..Default::default()
                    });
                }
            }
            for &mid in &changes.silence {
                api.set_direction(mid, Direction::Inactive);
            }
            for &mid in &changes.reuse {
                api.set_direction(mid, Direction::SendOnly);
            }
            let added = changes
                .add
                .iter()
                .map(|&kind| api.add_media(media_kind(kind), Direction::SendOnly, None, None, None))
                .collect();
            if changes.restart_ice {
                api.ice_restart(true);
            }
            Ok(api
                .apply()
                .map(|(offer, pending)| (offer.to_sdp_string(), pending, added)))
        })??;
        let (sdp, pending, added) = offered;
        self.pending = Some(pending);
        Some((sdp, added))
    }

    /// When the client's first description was taken.
    pub(crate) fn described_at(&self) -> Option<Instant> {
        self.described_at
    }

    /// Takes the answer to the last offer.
    pub(crate) fn accept_answer(&mut self, sdp: &str, now: Instant) -> Result<(), Refusal> {
        let answer = SdpAnswer::from_sdp_string(sdp).map_err(|_| unreadable("answer"))?;
        let Some(pending) = self.pending.take() else {
            return Err(Refusal::new(Code::BadState, "no offer is outstanding"));
        };
        match self.guarded(|this| Ok(this.rtc.sdp_api().accept_answer(pending, answer))) {
            Some(Ok(())) => {
                self.described_at.get_or_insert(now);
                Ok(())
            }
            Some(Err(error)) => Err(Refusal::new(Code::BadSdp, error.to_string())),
            None => Err(Refusal::new(Code::BadState, "the transport has failed")),
        }
    }

    /// Adds a trickled candidate (RFC 8839 §5.1). Names (mDNS) and what cannot be reached from here
    /// are passed over: the client's own checks find us.
    pub(crate) fn add_candidate(&mut self, candidate: &str) {
        let candidate = candidate.trim();
        let candidate = candidate.strip_prefix("a=").unwrap_or(candidate);
        if candidate.is_empty() || self.remote_candidates == MAX_REMOTE_CANDIDATES {
            return;
        }
        let Ok(parsed) = Candidate::from_sdp_string(candidate) else {
            return;
        };
        let is_udp = Path::from(parsed.proto()) == Path::Udp;
        if is_udp && crate::demux::is_unicast(parsed.addr().ip()) {
            self.remote_candidates += 1;
            self.guarded(|this| {
                this.rtc.add_remote_candidate(parsed);
                Ok(())
            });
        }
    }

    /// The media section `mid`, as negotiated.
    pub(crate) fn media(&self, mid: Mid) -> Option<&Media> {
        self.rtc.media(mid)
    }

    /// The stream on which we send in a section, prepared for retransmission.
    pub(crate) fn outgoing(&mut self, mid: Mid) -> Option<Ssrc> {
        self.guarded(|this| {
            Ok(this
                .rtc
                .direct_api()
                .stream_tx_by_mid(mid, None)
                .map(|stream| {
                    stream.set_rtx_cache(RTX_CACHE_PACKETS, RTX_CACHE, Some(RTX_RATIO_CAP));
                    stream.ssrc()
                }))
        })?
    }

    /// Forgets what was sent on a stream, so that nothing of it can be sent again.
    pub(crate) fn forget_sent(&mut self, ssrc: Ssrc) {
        self.guarded(|this| {
            if let Some(stream) = this.rtc.direct_api().stream_tx(&ssrc) {
                stream.set_rtx_cache(RTX_CACHE_PACKETS, RTX_CACHE, Some(RTX_RATIO_CAP));
            }
            Ok(())
        });
    }

    /// Replaces the stream of a section by one with new SSRCs for the next track; what waits on the
    /// old one is dropped.
    ///
    /// Not by str0m's `reset_stream_tx`, which leaves the stream filed under its old SSRC, where no
    /// report about the new one finds it.
    pub(crate) fn renew_outgoing(&mut self, mid: Mid) -> Option<Ssrc> {
        self.guarded(|this| {
            let mut api = this.rtc.direct_api();
            let Some(before) = api.stream_tx_by_mid(mid, None) else {
                return Ok(());
            };
            let (old, has_rtx) = (before.ssrc(), before.rtx().is_some());
            api.remove_stream_tx(old);
            let ssrc = api.new_ssrc();
            let resent = has_rtx.then(|| api.new_ssrc()).filter(|rtx| *rtx != ssrc);
            api.declare_stream_tx(ssrc, resent, mid, None);
            Ok(())
        });
        self.outgoing(mid)
    }

    /// Which section and layer the client sends under an SSRC.
    pub(crate) fn incoming(&mut self, ssrc: Ssrc) -> Option<(Mid, Option<Rid>)> {
        let mut api = self.rtc.direct_api();
        let stream = api.stream_rx(&ssrc)?;
        Some((stream.mid(), stream.rid()))
    }

    /// The parameters under which the client sends a payload type.
    pub(crate) fn params_of(&self, payload_type: u8) -> Option<&PayloadParams> {
        self.rtc.codec_config().find(|params| {
            *params.pt() == payload_type || params.red().is_some_and(|red| *red == payload_type)
        })
    }

    /// The parameters under which this client receives, in section `mid`, what another sends under
    /// `params` (payload types are each client's own).
    pub(crate) fn params_like(&self, mid: Mid, params: &PayloadParams) -> Option<PayloadParams> {
        let media = self.rtc.media(mid)?;
        let matched = self.rtc.codec_config().match_params(*params)?;
        media
            .remote_pts()
            .contains(&matched.pt())
            .then_some(*matched)
    }

    /// The codecs both sides can use in a section, the preferred one first.
    pub(crate) fn codecs(&self, mid: Mid) -> impl Iterator<Item = WireCodec> + '_ {
        let media = self.rtc.media(mid);
        let payload_types = media.map_or(&[][..], |media| media.remote_pts());
        payload_types.iter().filter_map(|pt| {
            let params = self.rtc.codec_config().find(|params| params.pt() == *pt)?;
            Some(params.spec().codec)
        })
    }

    /// Writes a batch of packets; a panic in it breaks this transport and nothing else.
    pub(crate) fn batch(&mut self, write: impl FnOnce(&mut Self)) {
        self.guarded(|this| {
            write(this);
            Ok(())
        });
    }

    // Media.

    /// Asks the publisher for a keyframe of one encoding; goes out with the next visit.
    pub(crate) fn request_keyframe(&mut self, mid: Mid, rid: Option<Rid>) {
        self.guarded(|this| {
            if let Some(stream) = this.rtc.direct_api().stream_rx_by_mid(mid, rid) {
                stream.request_keyframe(KeyframeRequestKind::Pli);
            }
            Ok(())
        });
    }

    /// Tells the estimator what is sent and what could be, bit/s.
    pub(crate) fn set_demand(&mut self, minimum_bps: u64, desired_bps: u64) {
        self.guarded(|this| {
            this.rtc
                .bwe()
                .set_bitrate(Bitrate::bps(minimum_bps), Bitrate::bps(desired_bps));
            Ok(())
        });
    }

    /// Begins the estimate anew: what was measured on another path says nothing about this one.
    pub(crate) fn reset_estimate(&mut self, initial_bps: u64) {
        if self.estimate_bps.take().is_some() {
            self.guarded(|this| {
                this.rtc.bwe().reset(Bitrate::bps(initial_bps));
                Ok(())
            });
        }
    }

    // Data.

    /// Notes that a channel opened; returns which it is, if it is one of ours to use.
    pub(crate) fn open_channel(&mut self, id: ChannelId, label: &str) -> Option<DataKind> {
        let kind = [DataKind::Reliable, DataKind::Lossy]
            .into_iter()
            .find(|&kind| label == channel_label(kind))?;
        self.channels[kind as usize] = Some(id);
        self.guarded(|this| {
            if let Some(mut channel) = this.rtc.channel(id) {
                channel.set_buffered_amount_low_threshold(MAX_LOSSY_BUFFERED / 2);
            }
            Ok(())
        });
        if kind == DataKind::Reliable {
            self.send_backlog();
        }
        Some(kind)
    }

    /// Forgets a channel that closed.
    pub(crate) fn close_channel(&mut self, id: ChannelId) {
        for channel in &mut self.channels {
            if *channel == Some(id) {
                *channel = None;
            }
        }
    }

    /// Which of ours a channel is.
    pub(crate) fn channel_kind(&self, id: ChannelId) -> Option<DataKind> {
        [DataKind::Reliable, DataKind::Lossy]
            .into_iter()
            .find(|&kind| self.channels[kind as usize] == Some(id))
    }

    /// Sends a message. A reliable one waits where it must, in a bounded queue; a lossy one is
    /// dropped. Returns whether it was taken.
    pub(crate) fn send(&mut self, kind: DataKind, message: &Arc<[u8]>) -> bool {
        if kind == DataKind::Lossy {
            return self.write_channel(kind, message);
        }
        if self.backlog.is_empty() && self.write_channel(kind, message) {
            return true;
        }
        let fits = self.backlog.len() < MAX_BACKLOG_MESSAGES
            && self.backlog_bytes + message.len() <= MAX_BACKLOG_BYTES;
        if fits {
            self.backlog_bytes += message.len();
            self.backlog.push_back(message.clone());
        }
        fits
    }

    /// Sends what waits, as far as the channel takes it.
    pub(crate) fn send_backlog(&mut self) {
        while let Some(message) = self.backlog.front().cloned() {
            if !self.write_channel(DataKind::Reliable, &message) {
                break;
            }
            self.backlog.pop_front();
            self.backlog_bytes -= message.len();
        }
    }

    fn write_channel(&mut self, kind: DataKind, message: &[u8]) -> bool {
        let Some(id) = self.channels[kind as usize] else {
            return false;
        };
        let written = self.guarded(|this| {
            let Some(mut channel) = this.rtc.channel(id) else {
                return Ok(false);
            };
            if kind == DataKind::Lossy && channel.buffered_amount() > MAX_LOSSY_BUFFERED {
                return Ok(false);
            }
            channel.write(true, message)
        });
        written.unwrap_or(false)
    }
}

const PANICKED: &str = "the transport panicked";

impl Egress for Transport {
    fn write(&mut self, ssrc: Ssrc, packet: RtpWrite) {
        if let Some(stream) = self.rtc.direct_api().stream_tx(&ssrc) {
            stream.write_rtp(packet);
        }
    }

    fn flush(&mut self, now: Instant, into: &mut Yield) {
        let deferred = std::mem::take(&mut self.deferred);
        self.guarded(|this| {
            for feedback in &deferred {
                let datagram = Datagram {
                    path: feedback.path,
                    source: feedback.source,
                    destination: feedback.destination,
                    contents: &feedback.contents,
                };
                if let Some(received) = receive(&datagram) {
                    let input = Input::Receive(feedback.arrived_at, received);
                    this.rtc.handle_input(input)?;
                }
            }
            this.rtc.handle_input(Input::Timeout(now))?;
            this.drain(now, into)
        });
    }
}

fn receive<'a>(datagram: &Datagram<'a>) -> Option<Receive<'a>> {
    Receive::new(
        datagram.path.protocol(),
        datagram.source,
        datagram.destination,
        datagram.contents,
    )
    .ok()
}

fn unreadable(what: &str) -> Refusal {
    Refusal::new(Code::BadSdp, format!("the {what} cannot be read"))
}

/// What an offer of ours changes.
#[derive(Debug, Default)]
pub(crate) struct OfferChanges {
    /// Open the data channels.
    pub(crate) with_channels: bool,
    /// Sections to add.
    pub(crate) add: Vec<Kind>,
    /// Sections to send on again.
    pub(crate) reuse: Vec<Mid>,
    /// Sections to stop sending on.
    pub(crate) silence: Vec<Mid>,
    /// New ICE credentials.
    pub(crate) restart_ice: bool,
}

/// The label of a data channel in LiveKit's dialect.
pub(crate) fn channel_label(kind: DataKind) -> &'static str {
    match kind {
        DataKind::Reliable => "_reliable",
        DataKind::Lossy => "_lossy",
    }
}

pub(crate) fn media_kind(kind: Kind) -> MediaKind {
    match kind {
        Kind::Audio => MediaKind::Audio,
        Kind::Video => MediaKind::Video,
    }
}

fn enable_codecs(config: RtcConfig, codecs: Codecs) -> RtcConfig {
    config
        .clear_codecs()
        .enable_opus(codecs.opus, codecs.red)
        .enable_vp8(codecs.vp8)
        .enable_h264(codecs.h264)
        .enable_vp9(codecs.vp9)
        .enable_av1(codecs.av1)
}

fn extensions() -> ExtensionMap {
    let mut map = ExtensionMap::standard();
    map.set(
        12,
        Extension::with_serializer(DescriptorExtension::URI, DescriptorExtension),
    );
    map
}

fn local_candidates(address: &crate::config::LocalAddress) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    match address.path {
        Path::Udp => {
            candidates.extend(Candidate::host(address.local, "udp").ok());
            if let Some(public) = address.public {
                candidates.extend(Candidate::server_reflexive(public, address.local, "udp").ok());
            }
        }
        Path::Tcp => {
            let passive = str0m::net::TcpType::Passive;
            let builder = Candidate::builder().tcp().tcptype(passive);
            candidates.extend(builder.host(address.local).build().ok());
            if let Some(public) = address.public {
                let builder = Candidate::builder().tcp().tcptype(passive);
                let reflexive = builder.server_reflexive(public, address.local);
                candidates.extend(reflexive.build().ok());
            }
        }
    }
    candidates
}
