//! The whole state of one shard: what comes in, what goes out, and in which order.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Instant;

use str0m::{Event as RtcEvent, IceConnectionState};

use crate::arena::{Arena, Key};
use crate::config::SfuConfig;
use crate::connection::Connection;
use crate::datagram::{Class, Datagram, Path, Transmit, classify, local_ufrag};
use crate::demux::Demux;
use crate::event::{Event, Totals, TransportState};
use crate::ids::{ConnectionId, MeetingId, TrackId};
use crate::meeting::Meeting;
use crate::timers::Timers;
use crate::track::Track;
use crate::transport::{IDLE_TIMER_SLACK, Transport, Yield};

/// Largest RTP datagram that is taken, bytes: an Ethernet frame's payload. What is larger could not
/// leave again with our headers.
const MAX_RTP: usize = 1_500;

/// Most rounds of one timeout; each visits every transport that has something to do. More than a
/// few means that visits cause visits.
const MAX_ROUNDS: usize = 8;

/// How soon [`Sfu::handle_timeout`] is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// At once: commands or answers wait.
    Now,
    /// Within a few milliseconds: packets wait to be forwarded, and are cheaper together.
    Soon,
    /// At this instant, or never.
    At(Option<Instant>),
}

/// A change of what a client may call a transport by, for whoever sorts incoming TCP connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reachability {
    /// A transport is found under this user name fragment from now on.
    Appeared(String),
    /// No longer.
    Vanished(String),
}

/// Meetings, connections, tracks and transports of one shard.
pub struct Sfu {
    pub(crate) config: SfuConfig,
    pub(crate) meetings: Arena<Meeting>,
    pub(crate) connections: Arena<Connection>,
    pub(crate) tracks: Arena<Track>,
    pub(crate) transports: Arena<Transport>,
    pub(crate) meeting_keys: HashMap<MeetingId, Key<Meeting>>,
    pub(crate) connection_keys: HashMap<ConnectionId, Key<Connection>>,
    pub(crate) track_keys: HashMap<TrackId, Key<Track>>,
    pub(crate) demux: Demux,
    timers: Timers<Transport>,
    visits: Vec<Key<Transport>>,
    /// The streams whose picture the report in hand says is lost.
    lost_pictures: Vec<u32>,
    /// Meetings with arrivals.
    pub(crate) arrived: Vec<Key<Meeting>>,
    /// Connections that wait for a round of negotiation.
    pub(crate) negotiating: Vec<Key<Connection>>,
    pub(crate) outcome: Yield,
    pub(crate) events: VecDeque<Event>,
    pub(crate) reachability: Vec<Reachability>,
    ufrags: HashMap<Key<Transport>, String>,
    pub(crate) housekeeping_at: Option<Instant>,
    pub(crate) figures_at: Option<Instant>,
    pub(crate) totals: Totals,
}

impl Sfu {
    /// Makes an SFU with nothing in it.
    pub fn new(config: SfuConfig) -> Self {
        Self {
            config,
            meetings: Arena::new(),
            connections: Arena::new(),
            tracks: Arena::new(),
            transports: Arena::new(),
            meeting_keys: HashMap::new(),
            connection_keys: HashMap::new(),
            track_keys: HashMap::new(),
            demux: Demux::default(),
            timers: Timers::new(),
            visits: Vec::new(),
            lost_pictures: Vec::new(),
            arrived: Vec::new(),
            negotiating: Vec::new(),
            outcome: Yield::default(),
            events: VecDeque::new(),
            reachability: Vec::new(),
            ufrags: HashMap::new(),
            housekeeping_at: None,
            figures_at: None,
            totals: Totals::default(),
        }
    }

    /// Takes a datagram, or a frame of a TCP connection.
    ///
    /// Only STUN is taken from an address that has not shown a transport's password yet.
    pub fn handle_input(&mut self, now: Instant, datagram: &Datagram<'_>) {
        self.totals.datagrams_in += 1;
        self.totals.bytes_in += datagram.contents.len() as u64;
        let class = classify(datagram.contents);
        let transport = match class {
            Class::Unknown => None,
            Class::StunRequest => self.verify_request(datagram, now),
            Class::StunResponse => self.verify_response(datagram, now),
            Class::Rtp if datagram.contents.len() > MAX_RTP => None,
            _ => self.demux.owner(datagram.path, datagram.source),
        };
        let found = transport.and_then(|key| Some((key, self.transports.get_mut(key)?)));
        let Some((key, transport)) = found else {
            self.totals.datagrams_unknown += 1;
            return;
        };
        let mut pictures = std::mem::take(&mut self.lost_pictures);
        transport.receive(datagram, class, now, &mut self.outcome, &mut pictures);
        let due_at = transport.due_at();
        self.timers.arm(key, due_at, &mut transport.armed);
        for ssrc in pictures.drain(..) {
            self.handle_lost_picture(key, ssrc, now);
        }
        self.lost_pictures = pictures;
        self.settle(now);
        self.notice_failure(key);
    }

    fn verify_request(&mut self, datagram: &Datagram<'_>, now: Instant) -> Option<Key<Transport>> {
        let key = self.demux.by_ufrag(local_ufrag(datagram.contents)?)?;
        self.verify(key, datagram, now)
    }

    fn verify_response(&mut self, datagram: &Datagram<'_>, now: Instant) -> Option<Key<Transport>> {
        let waiting = self.demux.expecting(datagram.path, datagram.source);
        waiting
            .into_iter()
            .find_map(|key| self.verify(key, datagram, now))
    }

    fn verify(
        &mut self,
        key: Key<Transport>,
        datagram: &Datagram<'_>,
        now: Instant,
    ) -> Option<Key<Transport>> {
        if !self.transports.get(key)?.accepts(datagram, now) {
            return None;
        }
        self.demux.verify(key, datagram.path, datagram.source);
        Some(key)
    }

    /// Does what is due: forwards what arrived, negotiates, and visits transports.
    pub fn handle_timeout(&mut self, now: Instant) {
        for _ in 0..MAX_ROUNDS {
            self.queue_due(now);
            self.negotiate_queued(now);
            self.forward_arrivals(now);
            if self.housekeeping_at.is_some_and(|at| at <= now) {
                self.keep_house(now);
            }
            if self.visits.is_empty() {
                break;
            }
            self.visit_queued(now);
            self.settle(now);
        }
    }

    /// Queues the transports that are due, and with them those that wait only to be woken together.
    fn queue_due(&mut self, now: Instant) {
        while let Some((deadline, key)) = self.timers.pop_due(now + IDLE_TIMER_SLACK) {
            let Some(transport) = self.transports.get_mut(key) else {
                continue;
            };
            if transport.armed != Some(deadline) {
                continue;
            }
            transport.armed = None;
            if transport.ripe_at().is_some_and(|ripe_at| ripe_at <= now) {
                self.queue_visit(key);
                continue;
            }
            let due_at = transport.due_at();
            self.timers.arm(key, due_at, &mut transport.armed);
            if deadline > now {
                break;
            }
        }
    }

    fn visit_queued(&mut self, now: Instant) {
        let visits = std::mem::take(&mut self.visits);
        for &key in &visits {
            let Some(transport) = self.transports.get_mut(key) else {
                continue;
            };
            transport.is_queued = false;
            transport.flush(now, &mut self.outcome);
            let due_at = transport.due_at();
            self.timers.arm(key, due_at, &mut transport.armed);
            self.notice_failure(key);
        }
        // The allocation is kept for the next round.
        if self.visits.is_empty() {
            self.visits = visits;
            self.visits.clear();
        }
    }

    /// Makes sure that a transport is visited in this round.
    pub(crate) fn queue_visit(&mut self, key: Key<Transport>) {
        if let Some(transport) = self.transports.get_mut(key)
            && !transport.is_queued
        {
            transport.is_queued = true;
            self.visits.push(key);
        }
    }

    /// Says how soon [`Sfu::handle_timeout`] is wanted.
    pub fn urgency(&self) -> Urgency {
        if !self.visits.is_empty() || !self.negotiating.is_empty() {
            return Urgency::Now;
        }
        if !self.arrived.is_empty() {
            return Urgency::Soon;
        }
        let next = match (self.timers.next(), self.housekeeping_at) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Urgency::At(next)
    }

    /// Hands out the next datagram to send. Those for one destination come together, in order.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        let transmit = self.outcome.transmits.pop_front()?;
        self.totals.datagrams_out += transmit.datagrams().count() as u64;
        self.totals.bytes_out += transmit.contents.len() as u64;
        Some(transmit)
    }

    /// Hands out the next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// How many packets were handed to subscribers so far.
    pub fn packets_forwarded(&self) -> u64 {
        self.totals.packets_forwarded
    }

    /// Closes every meeting; what the transports have to say waits to be polled.
    pub fn close(&mut self, now: Instant) {
        let connections: Vec<_> = self.connections.iter().map(|(key, _)| key).collect();
        for connection in connections {
            self.close_connection(connection, now);
        }
        self.meetings = Arena::new();
        self.meeting_keys.clear();
    }

    /// Hands out the changes of what transports are called by.
    pub fn poll_reachability(&mut self) -> Vec<Reachability> {
        std::mem::take(&mut self.reachability)
    }

    /// Returns whether an address has shown a transport's password: a TCP connection that has not,
    /// after a while, is not worth keeping.
    pub fn is_wanted(&self, path: Path, source: SocketAddr) -> bool {
        self.demux.owner(path, source).is_some()
    }

    /// Makes a transport findable by its present credentials.
    pub(crate) fn register(&mut self, key: Key<Transport>, now: Instant) {
        let Some(transport) = self.transports.get_mut(key) else {
            return;
        };
        let ufrag = transport.local_ufrag();
        self.demux.register(key, &ufrag);
        let before = self.ufrags.insert(key, ufrag.clone());
        if before.as_ref() != Some(&ufrag) {
            transport.reset_estimate(self.config.initial_estimate_bps, now);
            self.reachability.extend(before.map(Reachability::Vanished));
            self.reachability.push(Reachability::Appeared(ufrag));
        }
    }

    /// Ends a transport and tells that it is closed.
    pub(crate) fn end_transport(&mut self, key: Key<Transport>, now: Instant) {
        self.set_state(key, TransportState::Closed);
        if let Some(mut transport) = self.transports.remove(key) {
            transport.close(now, &mut self.outcome);
        }
        self.demux.forget(key);
        let ufrag = self.ufrags.remove(&key);
        self.reachability.extend(ufrag.map(Reachability::Vanished));
    }

    /// Handles what visits yielded.
    pub(crate) fn settle(&mut self, now: Instant) {
        while let Some((key, path, destination)) = self.outcome.checks.pop() {
            self.demux.expect(key, path, destination);
        }
        while let Some((key, event)) = self.outcome.events.pop_front() {
            self.handle_rtc_event(key, event, now);
        }
    }

    fn handle_rtc_event(&mut self, key: Key<Transport>, event: RtcEvent, now: Instant) {
        match event {
            RtcEvent::RtpPacket(packet) => self.handle_rtp(key, packet, now),
            RtcEvent::IceConnectionStateChange(state) => {
                self.handle_ice_state(key, state, now);
            }
            RtcEvent::Connected => self.notice_connected(key, now),
            RtcEvent::Closed => self.set_state(key, TransportState::Closed),
            RtcEvent::ChannelOpen(id, label) => self.handle_channel_open(key, id, &label),
            RtcEvent::ChannelData(message) => self.handle_data(key, &message),
            RtcEvent::ChannelBufferedAmountLow(_) => {
                if let Some(transport) = self.transports.get_mut(key) {
                    transport.send_backlog();
                }
                self.queue_visit(key);
            }
            RtcEvent::ChannelClose(id) => {
                if let Some(transport) = self.transports.get_mut(key) {
                    transport.close_channel(id);
                }
            }
            RtcEvent::PeerStats(stats) => {
                if let Some(transport) = self.transports.get_mut(key) {
                    transport.measured.transport = Some(stats);
                }
            }
            RtcEvent::MediaIngressStats(stats) => {
                if let Some(transport) = self.transports.get_mut(key) {
                    transport.measured.add_ingress(stats);
                }
            }
            _ => {}
        }
    }

    fn handle_ice_state(&mut self, key: Key<Transport>, state: IceConnectionState, now: Instant) {
        match state {
            IceConnectionState::Disconnected => {
                self.set_state(key, TransportState::Disconnected);
            }
            IceConnectionState::Connected | IceConnectionState::Completed => {
                self.notice_connected(key, now);
            }
            // During a restart media goes on over the old path; only its loss is news.
            IceConnectionState::New | IceConnectionState::Checking => {}
        }
    }

    fn notice_connected(&mut self, key: Key<Transport>, now: Instant) {
        let is_connected = self
            .transports
            .get(key)
            .is_some_and(|transport| transport.is_connected());
        if is_connected {
            self.set_state(key, TransportState::Connected);
            self.want_all_keyframes(key, now);
        }
    }

    /// Notes a transport's state and tells it if it is new.
    pub(crate) fn set_state(&mut self, key: Key<Transport>, state: TransportState) {
        let Some(transport) = self.transports.get_mut(key) else {
            return;
        };
        let is_last = matches!(
            transport.state,
            TransportState::Failed | TransportState::Closed
        );
        if transport.state == state || (is_last && state != TransportState::Closed) {
            return;
        }
        transport.state = state;
        let (name, path) = (transport.name, transport.path);
        let connection = transport.connection;
        if let Some((meeting, connection)) = self.names(connection) {
            self.events.push_back(Event::TransportStateChanged {
                meeting,
                connection,
                transport: name,
                state,
                path: path.filter(|_| state == TransportState::Connected),
            });
        }
    }

    /// Tells of a transport that broke down, once.
    pub(crate) fn notice_failure(&mut self, key: Key<Transport>) {
        let Some(transport) = self.transports.get(key) else {
            return;
        };
        let is_last = matches!(
            transport.state,
            TransportState::Failed | TransportState::Closed
        );
        if is_last {
            return;
        }
        let reason = match transport.broken() {
            Some(reason) => reason.to_owned(),
            None if !transport.is_alive() => "the other side ended it".to_owned(),
            None => return,
        };
        if transport.has_panicked() {
            self.totals.transport_panics += 1;
        }
        let (name, connection) = (transport.name, transport.connection);
        self.set_state(key, TransportState::Failed);
        if let Some((meeting, connection)) = self.names(connection) {
            self.events.push_back(Event::ConnectionFailed {
                meeting,
                connection,
                transport: name,
                reason,
            });
        }
    }

    /// The names of a connection and its meeting.
    pub(crate) fn names(&self, key: Key<Connection>) -> Option<(MeetingId, ConnectionId)> {
        let connection = self.connections.get(key)?;
        let meeting = self.meetings.get(connection.meeting)?;
        Some((meeting.id.clone(), connection.id.clone()))
    }
}
