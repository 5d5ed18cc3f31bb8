//! Commands: looked up, checked, carried out.

use std::time::Instant;

use str0m::channel::{ChannelData, ChannelId};

use crate::arena::Key;
use crate::command::{Command, DataKind, Mode, Sources, TransportName, Wish};
use crate::connection::{Connection, Negotiation};
use crate::error::{Code, Refusal};
use crate::event::Event;
use crate::ids::{ConnectionId, MeetingId, TrackId};
use crate::meeting::Meeting;
use crate::negotiation::unknown_connection;
use crate::sfu::Sfu;
use crate::subscription::Subscription;
use crate::track::{NextCodec, Track};
use crate::transport::{MAX_DATA_MESSAGE, Transport};

/// What a connection is opened with.
struct Opening {
    meeting: MeetingId,
    connection: ConnectionId,
    mode: Mode,
    sources: Sources,
    may_subscribe: bool,
}

impl Sfu {
    /// Carries out a command. Call [`Sfu::handle_timeout`] after a round of commands: negotiation
    /// and what goes on the wire wait for it, so that many commands share one round.
    ///
    /// Refusals come back as [`Event::RequestFailed`].
    pub fn handle_command(&mut self, now: Instant, command: Command) {
        let (connection, request) = command.addressee();
        let has_answer = matches!(
            command,
            Command::AcceptOffer { .. } | Command::AcceptAnswer { .. }
        );
        match self.execute(now, command) {
            Ok(()) if request != 0 && !has_answer => {
                self.events.push_back(Event::RequestDone { request });
            }
            Ok(()) => {}
            Err(refusal) => self.events.push_back(Event::RequestFailed {
                connection,
                request,
                refusal,
            }),
        }
    }

    fn execute(&mut self, now: Instant, command: Command) -> Result<(), Refusal> {
        match command {
            Command::OpenMeeting { meeting, .. } => self.open_meeting(meeting, now),
            Command::CloseMeeting { meeting, .. } => self.close_meeting(&meeting, now),
            Command::OpenConnection {
                meeting,
                connection,
                mode,
                sources,
                may_subscribe,
                ..
            } => self.open_connection(
                Opening {
                    meeting,
                    connection,
                    mode,
                    sources,
                    may_subscribe,
                },
                now,
            ),
            Command::CloseConnection { connection, .. } => {
                let key = self.connection_key(&connection)?;
                self.close_connection(key, now);
                Ok(())
            }
            Command::AcceptOffer {
                connection,
                transport,
                sdp,
                request,
            } => self.accept_offer(&connection, transport, &sdp, request, now),
            Command::AcceptAnswer {
                connection,
                transport,
                sdp,
                request,
            } => self.accept_answer(&connection, transport, &sdp, request, now),
            Command::Negotiate { connection } => {
                let key = self.connection_key(&connection)?;
                if let Some(connection) = self.connections.get_mut(key) {
                    connection.negotiation.is_forced = true;
                }
                self.queue_negotiation(key);
                Ok(())
            }
            Command::RestartIce {
                connection,
                transport,
            } => self.restart_ice(&connection, transport),
            Command::AddCandidate {
                connection,
                transport,
                candidate,
            } => self.add_candidate(&connection, transport, &candidate, now),
            Command::AddTrack {
                connection, track, ..
            } => self.add_track(&connection, track),
            Command::AddCodec {
                track,
                cid,
                codec,
                layers,
                ..
            } => self.add_codec(&track, NextCodec::new(cid, codec, layers)),
            Command::RemoveTrack { track, .. } => self.remove_track(&track, now),
            Command::SetMuted { track, muted, .. } => self.set_muted(&track, muted, now),
            Command::SetAllowedSources {
                connection,
                sources,
                ..
            } => self.set_allowed_sources(&connection, sources, now),
            Command::Subscribe {
                connection, tracks, ..
            } => self.subscribe(&connection, &tracks),
            Command::Unsubscribe {
                connection, tracks, ..
            } => self.unsubscribe(&connection, &tracks, now),
            Command::SetSubscription {
                connection,
                track,
                wish,
                ..
            } => self.set_subscription(&connection, &track, wish, now),
            Command::SendData {
                meeting,
                kind,
                payload,
                to,
                sender,
            } => self.send_data(&meeting, kind, &payload, to.as_deref(), sender.as_ref()),
        }
    }

    // Looking up.

    pub(crate) fn meeting_key(&self, id: &MeetingId) -> Result<Key<Meeting>, Refusal> {
        let key = self.meeting_keys.get(id).copied();
        key.ok_or_else(|| Refusal::new(Code::UnknownMeeting, "no such meeting"))
    }

    pub(crate) fn connection_key(&self, id: &ConnectionId) -> Result<Key<Connection>, Refusal> {
        let key = self.connection_keys.get(id).copied();
        key.ok_or_else(unknown_connection)
    }

    pub(crate) fn track_key(&self, id: &TrackId) -> Result<Key<Track>, Refusal> {
        let key = self.track_keys.get(id).copied();
        key.ok_or_else(|| Refusal::new(Code::UnknownTrack, "no such track"))
    }

    // Meetings and connections.

    fn open_meeting(&mut self, id: MeetingId, now: Instant) -> Result<(), Refusal> {
        if !id.is_valid() {
            return Err(Refusal::new(
                Code::BadValue,
                "the meeting's id is empty or too long",
            ));
        }
        if !self.meeting_keys.contains_key(&id) {
            let key = self.meetings.insert_with(|_| Meeting::new(id.clone(), now));
            self.meeting_keys.insert(id, key);
        }
        Ok(())
    }

    fn close_meeting(&mut self, id: &MeetingId, now: Instant) -> Result<(), Refusal> {
        let key = self.meeting_key(id)?;
        let connections = self
            .meetings
            .get(key)
            .map(|meeting| meeting.connections.clone());
        for connection in connections.into_iter().flatten() {
            self.close_connection(connection, now);
        }
        self.meetings.remove(key);
        self.meeting_keys.remove(id);
        Ok(())
    }

    fn open_connection(&mut self, opening: Opening, now: Instant) -> Result<(), Refusal> {
        let meeting_key = self.meeting_key(&opening.meeting)?;
        if !opening.connection.is_valid() {
            return Err(Refusal::new(
                Code::BadValue,
                "the connection's id is empty or too long",
            ));
        }
        if self.connection_keys.contains_key(&opening.connection) {
            return Err(Refusal::new(
                Code::AlreadyOpen,
                "the connection id is taken",
            ));
        }
        if self.connections.len() >= self.config.max_connections {
            return Err(Refusal::new(
                Code::TooMany,
                "the engine has too many connections",
            ));
        }
        let Opening {
            connection: id,
            mode,
            sources,
            may_subscribe,
            ..
        } = opening;
        let config = &self.config;
        let transports = &mut self.transports;
        let name = id.clone();
        let key = self.connections.insert_with(|key| {
            let mut open = |name| {
                transports.insert_with(|own| Transport::new(own, key, name, true, config, now))
            };
            let (publisher, subscriber) = match mode {
                Mode::Single => {
                    let both = open(TransportName::Publisher);
                    (Some(both), both)
                }
                Mode::Dual => (None, open(TransportName::Subscriber)),
            };
            Connection {
                id,
                meeting: meeting_key,
                mode,
                publisher,
                subscriber,
                sources,
                may_subscribe,
                tracks: Vec::new(),
                inlets: Vec::new(),
                outlets: Vec::new(),
                subscriptions: Vec::new(),
                negotiation: Negotiation::default(),
                greetings: 0,
                allocator: moot_forward::Allocator::new(),
                allocated_at: None,
                allocated_bps: 0,
                draining_until: None,
                quality_meter: moot_forward::QualityMeter::new(),
                quality: None,
                quality_at: now,
            }
        });
        self.connection_keys.insert(name, key);
        if let Some(meeting) = self.meetings.get_mut(meeting_key) {
            meeting.connections.push(key);
        }
        let opened: Vec<_> = self
            .connections
            .get(key)
            .into_iter()
            .flat_map(Connection::transports)
            .collect();
        for transport in opened {
            self.register(transport, now);
        }
        self.start_house(now);
        Ok(())
    }

    /// Finds the transport that a connection publishes on, or opens it.
    pub(crate) fn open_publisher(
        &mut self,
        key: Key<Connection>,
        now: Instant,
    ) -> Option<Key<Transport>> {
        let connection = self.connections.get_mut(key)?;
        if connection.publisher.is_some() {
            return connection.publisher;
        }
        let (name, config) = (TransportName::Publisher, &self.config);
        let opened = self
            .transports
            .insert_with(|own| Transport::new(own, key, name, false, config, now));
        connection.publisher = Some(opened);
        self.register(opened, now);
        Some(opened)
    }

    pub(crate) fn close_connection(&mut self, key: Key<Connection>, now: Instant) {
        let Some(connection) = self.connections.get(key) else {
            return;
        };
        let (id, meeting) = (connection.id.clone(), connection.meeting);
        let tracks = connection.tracks.clone();
        let transports: Vec<_> = connection.transports().collect();
        // Its own sections need no new round: they go with the transports.
        if let Some(meeting) = self.meetings.get_mut(meeting) {
            meeting.connections.retain(|&other| other != key);
        }
        for track in tracks {
            self.end_track(track, now);
        }
        for transport in transports {
            self.end_transport(transport, now);
        }
        self.connections.remove(key);
        self.connection_keys.remove(&id);
    }

    fn add_candidate(
        &mut self,
        id: &ConnectionId,
        name: TransportName,
        candidate: &str,
        now: Instant,
    ) -> Result<(), Refusal> {
        let key = self.connection_key(id)?;
        let transport = match name {
            TransportName::Publisher => self.open_publisher(key, now),
            TransportName::Subscriber => self
                .connections
                .get(key)
                .and_then(Connection::own_subscriber),
        };
        let transport = transport.ok_or_else(unknown_connection)?;
        if let Some(transport) = self.transports.get_mut(transport) {
            transport.add_candidate(candidate);
        }
        self.queue_visit(transport);
        Ok(())
    }

    // Subscriptions.

    /// Subscribes to as many as fit, and refuses the rest: nobody is to miss all for one too many.
    fn subscribe(&mut self, id: &ConnectionId, tracks: &[TrackId]) -> Result<(), Refusal> {
        let key = self.connection_key(id)?;
        let keys: Vec<_> = tracks
            .iter()
            .filter_map(|track| self.track_keys.get(track).copied())
            .collect();
        // One of several that has ended meanwhile is passed over.
        if keys.is_empty()
            && let Some(track) = tracks.first()
        {
            self.track_key(track)?;
        }
        let most = self.config.max_subscriptions_per_connection;
        let connection = self
            .connections
            .get_mut(key)
            .ok_or_else(unknown_connection)?;
        if !connection.may_subscribe {
            return Err(Refusal::new(
                Code::BadState,
                "the connection may not subscribe",
            ));
        }
        let present = connection.subscriptions.iter().flatten().count();
        let mut added = Vec::new();
        for track in keys {
            let Some((place, owner, meeting)) = self
                .tracks
                .get(track)
                .map(|track| (track.place, track.connection, track.meeting))
            else {
                continue;
            };
            if owner == key || meeting != connection.meeting {
                return Err(Refusal::new(
                    Code::BadValue,
                    "the track is not for this connection",
                ));
            }
            if connection.subscription(place).is_none() && !added.contains(&(place, track)) {
                added.push((place, track));
            }
        }
        let room = most.saturating_sub(present);
        let is_too_many = added.len() > room;
        added.truncate(room);
        let is_new = !added.is_empty();
        for (place, track) in added {
            if connection.subscriptions.len() <= place {
                connection.subscriptions.resize_with(place + 1, || None);
            }
            connection.subscriptions[place] = Some(Box::new(Subscription::new(track)));
        }
        if is_new {
            self.queue_negotiation(key);
        }
        if is_too_many {
            return Err(Refusal::new(
                Code::TooMany,
                "the connection has too many subscriptions",
            ));
        }
        Ok(())
    }

    fn unsubscribe(
        &mut self,
        id: &ConnectionId,
        tracks: &[TrackId],
        now: Instant,
    ) -> Result<(), Refusal> {
        let key = self.connection_key(id)?;
        for track in tracks {
            if let Some(&track) = self.track_keys.get(track)
                && let Some(place) = self.tracks.get(track).map(|track| track.place)
            {
                self.drop_subscription(key, place, track, now);
            }
        }
        Ok(())
    }

    /// Ends a subscription and frees its section.
    pub(crate) fn drop_subscription(
        &mut self,
        key: Key<Connection>,
        place: usize,
        track: Key<Track>,
        now: Instant,
    ) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let Some(slot) = connection.subscriptions.get_mut(place) else {
            return;
        };
        if slot.take().is_some() {
            self.free_outlet(key, track);
            self.allocate(key, now);
        }
    }

    fn set_subscription(
        &mut self,
        id: &ConnectionId,
        track: &TrackId,
        wish: Wish,
        now: Instant,
    ) -> Result<(), Refusal> {
        let key = self.connection_key(id)?;
        let track_key = self.track_key(track)?;
        let place = self.tracks.get(track_key).map(|track| track.place);
        let connection = self
            .connections
            .get_mut(key)
            .ok_or_else(unknown_connection)?;
        let subscription = place
            .and_then(|place| connection.subscription_mut(place))
            .ok_or_else(|| Refusal::new(Code::BadState, "the track is not subscribed to"))?;
        if subscription.wish != wish {
            subscription.wish = wish;
            self.allocate(key, now);
            self.want_keyframes_of(track_key, now);
        }
        Ok(())
    }

    // Data.

    fn send_data(
        &mut self,
        meeting: &MeetingId,
        kind: DataKind,
        payload: &std::sync::Arc<[u8]>,
        to: Option<&[ConnectionId]>,
        sender: Option<&ConnectionId>,
    ) -> Result<(), Refusal> {
        let key = self.meeting_key(meeting)?;
        if payload.len() > MAX_DATA_MESSAGE {
            return Err(Refusal::new(Code::BadValue, "the message is too long"));
        }
        let sender = sender.and_then(|id| self.connection_keys.get(id)).copied();
        let receivers: Vec<Key<Connection>> = match (to, self.meetings.get(key)) {
            (Some(to), _) => to
                .iter()
                .filter_map(|id| self.connection_keys.get(id).copied())
                .collect(),
            (None, Some(meeting)) => meeting.connections.clone(),
            (None, None) => Vec::new(),
        };
        for receiver in receivers {
            let Some(connection) = self.connections.get(receiver) else {
                continue;
            };
            if Some(receiver) == sender || connection.meeting != key {
                continue;
            }
            let subscriber = connection.subscriber;
            if let Some(transport) = self.transports.get_mut(subscriber)
                && transport.send(kind, payload)
            {
                self.queue_visit(subscriber);
            }
        }
        Ok(())
    }

    pub(crate) fn handle_channel_open(&mut self, key: Key<Transport>, id: ChannelId, label: &str) {
        let Some(transport) = self.transports.get_mut(key) else {
            return;
        };
        transport.open_channel(id, label);
        self.queue_visit(key);
    }

    pub(crate) fn handle_data(&mut self, key: Key<Transport>, message: &ChannelData) {
        let Some(transport) = self.transports.get(key) else {
            return;
        };
        let Some(kind) = transport.channel_kind(message.id) else {
            return;
        };
        if message.data.len() > MAX_DATA_MESSAGE {
            return;
        }
        if let Some((meeting, connection)) = self.names(transport.connection) {
            self.events.push_back(Event::DataReceived {
                meeting,
                connection,
                kind,
                payload: message.data.as_slice().into(),
            });
        }
    }
}
