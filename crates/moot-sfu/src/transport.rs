//! One ICE + DTLS + SRTP association. The only module that mutates or drains an `Rtc`.
//!
//! str0m has ICE, DTLS, SDP, data channels and everything that is received. What is sent is
//! `moot-send`'s: an [`Egress`] has the streams, under the keys of str0m's handshake, and sends to
//! where str0m would ([`Transport::ask_for_route`]). str0m's rule is one mutation, then a drain.

mod channels;
mod outgoing;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use moot_send::{Batch, Concerns, Egress, EgressConfig, Run};
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelId, Reliability};
use str0m::format::{Codec as WireCodec, PayloadParams};
use str0m::media::{Direction, KeyframeRequestKind, Media, MediaKind, Mid, Rid};
use str0m::net::Receive;
use str0m::rtp::{Extension, ExtensionMap, Ssrc};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig, RtcError};

use crate::arena::Key;
use crate::command::{DataKind, Kind, TransportName};
use crate::config::{Codecs, SfuConfig};
use crate::connection::Connection;
use crate::datagram::{Class, Datagram, Path, Transmit, classify};
use crate::descriptor::DescriptorExtension;
use crate::error::{Code, Refusal};
use crate::event::TransportState;
use crate::sdp::Section;
use crate::statistics::Measured;
use crate::track::Track;

/// How late a deadline may be met once the handshake is over: usually a packet comes by first.
const TIMER_SLACK: Duration = Duration::from_millis(10);
/// How late at most where no media comes in: what is due there (STUN checks, figures, SCTP) waits for
/// others, so that one wake-up of the thread serves many. Larger delays checks after an ICE restart.
pub(crate) const IDLE_TIMER_SLACK: Duration = Duration::from_millis(50);

/// How long the first check of a path waits for its answer before the second, twice as long each time
/// and 3 s at most. str0m's own 250 ms would keep newcomers on lossy paths waiting: nothing can be
/// sent before our own check is answered, however often a browser (every 48 ms) asks us.
const FIRST_CHECKS_PAUSE: Duration = Duration::from_millis(50);
/// Checks without an answer before a path counts as gone: after 21 s.
const CHECKS: usize = 11;

/// Most timeouts served in one visit, so that one transport cannot hold up the others.
const MAX_TIMEOUTS_PER_VISIT: usize = 1_024;

/// The source of the report that str0m is asked to send so that it shows where it sends to. No
/// stream of anyone's has it for long: sources are drawn from 2³².
const QUESTION: u32 = 1;

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

/// Where a transport sends to: the candidate pair that ICE has chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way {
    path: Path,
    source: SocketAddr,
    destination: SocketAddr,
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
    /// The latest bandwidth estimate, bit/s; set by hand where nothing could be measured.
    pub(crate) estimate_bps: Option<u64>,
    /// The estimate has gone down since it began: it is more than a guess.
    pub(crate) has_fallen: bool,
    /// Which track and encoding an SSRC of the client's is, as far as known.
    pub(crate) routes: Vec<Route>,
    /// When anything authentic last came in.
    pub(crate) heard_at: Instant,
    /// When str0m wants to be woken up.
    deadline: Instant,
    /// The `Rtc` may have something to say.
    is_changed: bool,
    /// What is sent, on a transport that sends.
    egress: Option<Egress>,
    has_keys: bool,
    way: Option<Way>,
    batch: Batch,
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
        let mut rtc_config = RtcConfig::new();
        rtc_config.set_initial_stun_rto(FIRST_CHECKS_PAUSE);
        rtc_config.set_max_stun_retransmits(CHECKS);
        let rtc_config = rtc_config
            .set_rtp_mode(true)
            .set_crypto_provider(config.crypto.clone())
            .set_dtls_cert(config.certificate.clone())
            .set_extension_map(extensions())
            .set_stats_interval(Some(config.stats_interval))
            .set_sctp_max_message_size(MAX_DATA_MESSAGE as u32);
        let mut rtc = enable_codecs(rtc_config, config.codecs).build(now);
        let egress_config = EgressConfig {
            initial_bps: config.initial_estimate_bps,
            max_bps: config.max_estimate_bps,
        };
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
            has_fallen: false,
            routes: Vec::new(),
            heard_at: now,
            deadline: now,
            is_changed: false,
            egress: sends.then(|| Egress::new(egress_config, now)),
            has_keys: false,
            way: None,
            batch: Batch::default(),
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

    /// When the next visit is due, at the latest; `None` once it cannot go on: then no visit would
    /// move the time on.
    pub(crate) fn due_at(&self) -> Option<Instant> {
        let slack = if self.routes.is_empty() {
            IDLE_TIMER_SLACK
        } else {
            TIMER_SLACK
        };
        self.visited_at(slack)
    }

    /// From when on a visit is worth it to a thread that is awake anyway.
    pub(crate) fn ripe_at(&self) -> Option<Instant> {
        self.visited_at(TIMER_SLACK)
    }

    fn visited_at(&self, slack: Duration) -> Option<Instant> {
        if self.broken.is_some() {
            return None;
        }
        let deadline = self.woken_at(slack);
        let egress = self.egress.as_ref().and_then(Egress::due_at);
        Some(egress.map_or(deadline, |due_at| deadline.min(due_at)))
    }

    /// When str0m is woken up: before the handshake is over every deadline is part of it.
    fn woken_at(&self, slack: Duration) -> Instant {
        if self.state == TransportState::Connected {
            self.deadline + slack
        } else {
            self.deadline
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

    /// Runs work on the `Rtc` that gives it something to say: the next visit drains it.
    fn change<R>(&mut self, work: impl FnOnce(&mut Self) -> Result<R, RtcError>) -> Option<R> {
        self.is_changed = true;
        self.guarded(work)
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

    /// Takes a datagram that the demultiplexer gave to this transport. The SSRCs of streams whose
    /// picture is lost at the other end are added to `pictures`.
    pub(crate) fn receive(
        &mut self,
        datagram: &Datagram<'_>,
        class: Class,
        now: Instant,
        into: &mut Yield,
        pictures: &mut Vec<u32>,
    ) {
        self.count_in(datagram, now);
        if class == Class::Rtcp && self.read_report(datagram, now, pictures) {
            return;
        }
        self.guarded(|this| {
            if let Some(received) = receive(datagram) {
                this.handle(Input::Receive(now, received))?;
            }
            if this.has_keys && matches!(class, Class::StunRequest | Class::StunResponse) {
                this.ask_for_route();
            }
            this.drain(now, into)
        });
    }

    /// Reads a report about what is sent; returns whether it concerns nothing else.
    fn read_report(
        &mut self,
        datagram: &Datagram<'_>,
        now: Instant,
        pictures: &mut Vec<u32>,
    ) -> bool {
        let concerns = self.guarded(|this| {
            let Some(egress) = &mut this.egress else {
                return Ok(Concerns::Both);
            };
            let concerns = egress.read_report(datagram.contents, now, pictures);
            this.renew_estimate();
            Ok(concerns)
        });
        concerns != Some(Concerns::Both)
    }

    fn renew_estimate(&mut self) {
        let measured = self.egress.as_ref().and_then(Egress::estimate_bps);
        self.has_fallen |= measured < self.estimate_bps && measured.is_some();
        self.estimate_bps = measured.or(self.estimate_bps);
    }

    /// Lets str0m show where it sends to now: it tells nobody which candidate pair was chosen, but
    /// puts it on what it sends. The report that is asked for never leaves.
    fn ask_for_route(&mut self) {
        if self.egress.is_some() {
            let mut api = self.rtc.direct_api();
            api.send_pli_feedback(QUESTION.into(), QUESTION.into());
        }
    }

    fn handle(&mut self, input: Input<'_>) -> Result<(), RtcError> {
        if !self.has_keys {
            // Those of another transport: this one has none yet.
            drop(crate::dtls::take_fresh_keys());
        }
        self.rtc.handle_input(input)
    }

    fn count_in(&mut self, datagram: &Datagram<'_>, now: Instant) {
        self.traffic.packets_in += 1;
        self.traffic.bytes_in += datagram.contents.len() as u64;
        self.heard_at = now;
    }

    fn drain(&mut self, now: Instant, into: &mut Yield) -> Result<(), RtcError> {
        let mut timeouts = 0;
        self.is_changed = false;
        loop {
            match self.rtc.poll_output()? {
                Output::Event(event) => into.events.push_back((self.key, event)),
                Output::Transmit(transmit) => {
                    let way = Way {
                        path: Path::from(transmit.proto),
                        source: transmit.source,
                        destination: transmit.destination,
                    };
                    self.transmit(way, transmit.contents.into(), into);
                }
                Output::Timeout(at) => {
                    timeouts += 1;
                    if at > now {
                        self.deadline = at;
                        break;
                    }
                    if timeouts > MAX_TIMEOUTS_PER_VISIT {
                        self.deadline = now;
                        break;
                    }
                    // Not by `handle`: the keys may be among what was drained so far.
                    self.rtc.handle_input(Input::Timeout(now))?;
                }
            }
        }
        if !self.has_keys
            && let Some(keys) = crate::dtls::take_fresh_keys()
        {
            self.has_keys = true;
            if let Some(egress) = &mut self.egress {
                egress.set_keys(&keys);
                self.ask_for_route();
                return self.drain(now, into);
            }
        }
        Ok(())
    }

    fn transmit(&mut self, way: Way, contents: Vec<u8>, into: &mut Yield) {
        match classify(&contents) {
            Class::StunRequest => into.checks.push((self.key, way.path, way.destination)),
            Class::StunResponse => {}
            class => {
                self.path = Some(way.path);
                self.way = Some(way);
                if class == Class::Rtcp && contents.get(4..8) == Some(&QUESTION.to_be_bytes()) {
                    return;
                }
            }
        }
        self.push(way, Run::single(contents), into);
    }

    fn push(&mut self, way: Way, run: Run, into: &mut Yield) {
        self.traffic.packets_out += run.len() as u64;
        self.traffic.bytes_out += run.contents.len() as u64;
        into.transmits.push_back(Transmit {
            path: way.path,
            source: way.source,
            destination: way.destination,
            contents: run.contents,
            segment_size: run.segment_size,
        });
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

    /// Says goodbye (DTLS close_notify) as far as one drain gets.
    pub(crate) fn close(&mut self, now: Instant, into: &mut Yield) {
        self.guarded(|this| {
            this.rtc.close()?;
            this.drain(now, into)
        });
    }

    // Negotiation.

    /// Answers a client's offer.
    pub(crate) fn accept_offer(
        &mut self,
        sdp: &str,
        sections: &[Section],
        now: Instant,
    ) -> Result<String, Refusal> {
        let offer = SdpOffer::from_sdp_string(sdp).map_err(|_| unreadable("offer"))?;
        self.pending = None;
        let accepted = self.change(|this| Ok(this.rtc.sdp_api().accept_offer(offer)));
        match accepted {
            Some(Ok(answer)) => {
                self.described_at.get_or_insert(now);
                self.take_streams(sections);
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
        let offered = self.change(|this| {
            let mut api = this.rtc.sdp_api();
            if changes.with_channels {
                for kind in [DataKind::Reliable, DataKind::Lossy] {
                    let reliability = match kind {
                        DataKind::Reliable => Reliability::Reliable,
                        DataKind::Lossy => Reliability::MaxRetransmits { retransmits: 0 },
                    };
                    api.add_channel_with_config(ChannelConfig {
                        label: channels::label(kind).to_owned(),
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
    pub(crate) fn accept_answer(
        &mut self,
        sdp: &str,
        sections: &[Section],
        now: Instant,
    ) -> Result<(), Refusal> {
        let answer = SdpAnswer::from_sdp_string(sdp).map_err(|_| unreadable("answer"))?;
        let Some(pending) = self.pending.take() else {
            return Err(Refusal::new(Code::BadState, "no offer is outstanding"));
        };
        match self.change(|this| Ok(this.rtc.sdp_api().accept_answer(pending, answer))) {
            Some(Ok(())) => {
                self.described_at.get_or_insert(now);
                self.take_streams(sections);
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
            self.change(|this| {
                this.rtc.add_remote_candidate(parsed);
                Ok(())
            });
        }
    }

    /// The media section `mid`, as negotiated.
    pub(crate) fn media(&self, mid: Mid) -> Option<&Media> {
        self.rtc.media(mid)
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

    /// Lets leave what is queued and may, and serves str0m's timers.
    pub(crate) fn flush(&mut self, now: Instant, into: &mut Yield) {
        self.guarded(|this| {
            if this.is_changed || this.woken_at(TIMER_SLACK) <= now {
                this.handle(Input::Timeout(now))?;
                this.drain(now, into)?;
            }
            if let (Some(egress), Some(way)) = (&mut this.egress, this.way) {
                egress.flush(now, &mut this.batch);
                let mut batch = std::mem::take(&mut this.batch);
                for run in batch.drain() {
                    this.push(way, run, into);
                }
                this.batch = batch;
                // It falls also while no report comes.
                this.renew_estimate();
            }
            Ok(())
        });
    }

    // Media.

    /// Asks the publisher for a keyframe of one encoding; goes out with the next visit.
    pub(crate) fn request_keyframe(&mut self, mid: Mid, rid: Option<Rid>) {
        self.change(|this| {
            if let Some(stream) = this.rtc.direct_api().stream_rx_by_mid(mid, rid) {
                stream.request_keyframe(KeyframeRequestKind::Pli);
            }
            Ok(())
        });
    }
}

const PANICKED: &str = "the transport panicked";

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
