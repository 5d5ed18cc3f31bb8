//! Offers and answers: which sections carry which subscriptions.
//!
//! In dual mode the core offers the subscriber's transport and makes the sections it needs. In
//! single mode only the client offers: the core fills the sections it offered to receive on, and
//! asks for more where they do not suffice. Either way a section whose track is gone falls silent
//! in the next round and is used again for another track, under a new SSRC.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use str0m::media::{Direction, Mid};

use crate::arena::{Arena, Key};
use crate::command::{Kind, Mode, TransportName};
use crate::connection::{Asked, Connection, Inlet, Outlet};
use crate::error::{Code, Refusal};
use crate::event::{Description, Event};
use crate::greeting::GREETINGS;
use crate::ids::{ConnectionId, RequestId};
use crate::sdp::{self, Section, Sending};
use crate::sfu::Sfu;
use crate::track::Track;
use crate::transport::OfferChanges;

/// How long a client may take to offer the sections it was asked for; then it is asked again.
const PATIENCE: Duration = Duration::from_secs(10);

impl Sfu {
    /// Asks for a round of negotiation at the end of this round of commands.
    pub(crate) fn queue_negotiation(&mut self, key: Key<Connection>) {
        if let Some(connection) = self.connections.get_mut(key) {
            connection.negotiation.is_needed = true;
            if !connection.negotiation.is_queued {
                connection.negotiation.is_queued = true;
                self.negotiating.push(key);
            }
        }
    }

    pub(crate) fn negotiate_queued(&mut self, now: Instant) {
        for key in std::mem::take(&mut self.negotiating) {
            let Some(connection) = self.connections.get_mut(key) else {
                continue;
            };
            connection.negotiation.is_queued = false;
            if connection.negotiation.is_needed {
                match connection.mode {
                    Mode::Single => self.ask_for_sections(key, now),
                    Mode::Dual => self.offer(key, now),
                }
            }
        }
    }

    // A client's offer.

    pub(crate) fn accept_offer(
        &mut self,
        id: &ConnectionId,
        name: TransportName,
        sdp: &str,
        request: RequestId,
        now: Instant,
    ) -> Result<(), Refusal> {
        let key = self.connection_key(id)?;
        if name == TransportName::Subscriber {
            return Err(Refusal::new(
                Code::BadState,
                "the subscriber's transport is offered by the server",
            ));
        }
        let sections =
            sdp::sections(sdp).map_err(|why| Refusal::new(Code::BadSdp, why.reason()))?;
        let mode = self
            .connections
            .get(key)
            .ok_or_else(unknown_connection)?
            .mode;
        let publisher = self
            .open_publisher(key, now)
            .ok_or_else(unknown_connection)?;
        let transport = self
            .transports
            .get_mut(publisher)
            .ok_or_else(unknown_connection)?;
        let answer = transport.accept_offer(sdp, &sections, now)?;
        transport.routes.clear();
        self.register(publisher, now);
        let ended = self.update_inlets(key, &sections);
        if mode == Mode::Single {
            self.update_outlets(key, &sections);
            self.assign(key, now);
        }
        let matched = self.match_tracks(key);
        let description = self.describe(key, publisher == self.subscriber_of(key), &answer);
        self.events.push_back(Event::Answer {
            connection: id.clone(),
            transport: name,
            request,
            description,
        });
        for track in ended {
            self.end_track(track, now);
        }
        for track in matched {
            self.announce_track(track);
        }
        if mode == Mode::Single
            && let Some(connection) = self.connections.get_mut(key)
        {
            connection.negotiation.asked = None;
            connection.negotiation.is_needed = false;
            if self.lacking(key) != (0, 0) {
                self.queue_negotiation(key);
            }
        }
        self.queue_visit(publisher);
        Ok(())
    }

    fn subscriber_of(&self, key: Key<Connection>) -> Key<crate::transport::Transport> {
        self.connections[key].subscriber
    }

    /// Takes over what the client sends; returns the tracks whose sections have ended.
    fn update_inlets(&mut self, key: Key<Connection>, sections: &[Section]) -> Vec<Key<Track>> {
        let mut ended = Vec::new();
        let Some(connection) = self.connections.get_mut(key) else {
            return ended;
        };
        let publisher = connection.publisher;
        let Some(transport) = publisher.and_then(|key| self.transports.get(key)) else {
            return ended;
        };
        let before = std::mem::take(&mut connection.inlets);
        for section in sections.iter().filter(|section| section.kind.is_some()) {
            let mid = Mid::from(section.mid.as_str());
            let receives = transport
                .media(mid)
                .is_some_and(|media| media.direction().is_receiving());
            if section.sends && receives {
                let known = before.iter().find(|inlet| inlet.mid == mid);
                connection.inlets.push(Inlet {
                    mid,
                    section: section.clone(),
                    track: known.and_then(|inlet| inlet.track),
                    codec: known.map_or_else(String::new, |inlet| inlet.codec.clone()),
                });
            }
        }
        for inlet in before {
            let goes_on = connection.inlets.iter().any(|other| other.mid == inlet.mid);
            if !goes_on {
                ended.extend(
                    inlet
                        .track
                        .filter(|&track| is_taken_from(&self.tracks, track, inlet.mid)),
                );
            }
        }
        // A section that now carries another announced track has ended the one before.
        for inlet in &mut connection.inlets {
            let Some(track) = inlet.track else { continue };
            let is_other = inlet.section.track.as_ref().is_some_and(|cid| {
                connection.tracks.iter().any(|&other| {
                    other != track
                        && self
                            .tracks
                            .get(other)
                            .is_some_and(|other| other.mid.is_none() && other.cid == *cid)
                })
            });
            if is_other {
                ended.extend(
                    Some(track).filter(|&track| is_taken_from(&self.tracks, track, inlet.mid)),
                );
                inlet.track = None;
            }
        }
        ended
    }

    /// Takes over what a single-transport client offers to receive on.
    fn update_outlets(&mut self, key: Key<Connection>, sections: &[Section]) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let publisher = connection.publisher;
        let Some(transport) = publisher.and_then(|key| self.transports.get_mut(key)) else {
            return;
        };
        let before = std::mem::take(&mut connection.outlets);
        for section in sections {
            let Some(kind) = section.kind else { continue };
            let mid = Mid::from(section.mid.as_str());
            let sends = transport
                .media(mid)
                .is_some_and(|media| media.direction() == Direction::SendOnly);
            if !section.receives || section.sends || !sends {
                continue;
            }
            let known = before.iter().find(|outlet| outlet.mid == mid);
            connection.outlets.push(Outlet {
                mid,
                kind,
                track: known.and_then(|outlet| outlet.track),
                ssrc: match known.and_then(|outlet| outlet.ssrc) {
                    Some(ssrc) => Some(ssrc),
                    None => transport.outgoing(mid).map(|ids| ids.ssrc.into()),
                },
                is_announced: true,
            });
        }
        for outlet in before {
            let goes_on = connection
                .outlets
                .iter()
                .any(|other| other.mid == outlet.mid);
            let place = outlet
                .track
                .filter(|_| !goes_on)
                .and_then(|track| Some(self.tracks.get(track)?.place));
            if let Some(subscription) = place.and_then(|place| connection.subscription_mut(place)) {
                subscription.set_stream(None);
            }
        }
    }

    /// Gives free sections to subscriptions that have none.
    fn assign(&mut self, key: Key<Connection>, now: Instant) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let mut has_assigned = false;
        for place in 0..connection.subscriptions.len() {
            let Some(track) = connection.subscription(place).map(|known| known.track) else {
                continue;
            };
            let Some(kind) = waiting_kind(connection, &self.tracks, track) else {
                continue;
            };
            let free = connection.outlets.iter_mut().find(|outlet| {
                outlet.track.is_none() && outlet.kind == kind && outlet.ssrc.is_some()
            });
            let Some(outlet) = free else { continue };
            outlet.track = Some(track);
            has_assigned = true;
            // In dual mode the client is told with the next offer; its answer opens the stream.
            if connection.mode == Mode::Single {
                let ssrc = outlet.ssrc;
                connection.greetings = GREETINGS;
                if let Some(subscription) = connection.subscription_mut(place) {
                    subscription.set_stream(ssrc);
                }
            }
        }
        if has_assigned {
            self.allocate(key, now);
        }
    }

    /// How many more sections the published subscriptions need.
    fn lacking(&self, key: Key<Connection>) -> (u32, u32) {
        let Some(connection) = self.connections.get(key) else {
            return (0, 0);
        };
        let mut lacking = [0u32; 2];
        for subscription in connection.subscriptions.iter().flatten() {
            if let Some(kind) = waiting_kind(connection, &self.tracks, subscription.track) {
                lacking[kind as usize] += 1;
            }
        }
        for outlet in &connection.outlets {
            if outlet.track.is_none() {
                let count = &mut lacking[outlet.kind as usize];
                *count = count.saturating_sub(1);
            }
        }
        (lacking[Kind::Audio as usize], lacking[Kind::Video as usize])
    }

    /// Asks a single-transport client for a new offer.
    fn ask_for_sections(&mut self, key: Key<Connection>, now: Instant) {
        let (audio, video) = self.lacking(key);
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let has_offered = connection
            .publisher
            .and_then(|key| self.transports.get(key))
            .is_some_and(|transport| transport.described_at().is_some());
        if !has_offered {
            // The client's first offer comes by itself.
            return;
        }
        let negotiation = &mut connection.negotiation;
        let asked = negotiation
            .asked
            .filter(|asked| now.saturating_duration_since(asked.at) < PATIENCE);
        let (more_audio, more_video) = match asked {
            None => (audio, video),
            Some(asked) => (
                audio.saturating_sub(asked.audio),
                video.saturating_sub(asked.video),
            ),
        };
        negotiation.is_needed = false;
        let is_forced = std::mem::take(&mut negotiation.is_forced);
        if asked.is_some() && (more_audio, more_video) == (0, 0) && !is_forced {
            return;
        }
        negotiation.asked = Some(Asked {
            audio: asked.map_or(0, |asked| asked.audio) + more_audio,
            video: asked.map_or(0, |asked| asked.video) + more_video,
            at: now,
        });
        self.events.push_back(Event::SectionsNeeded {
            connection: connection.id.clone(),
            audio: more_audio,
            video: more_video,
        });
    }

    // Our offer.

    fn offer(&mut self, key: Key<Connection>, now: Instant) {
        let Some(connection) = self.connections.get(key) else {
            return;
        };
        let subscriber = connection.subscriber;
        if connection.negotiation.outstanding.is_some() {
            return;
        }
        self.assign(key, now);
        let (Some(connection), Some(transport)) = (
            self.connections.get_mut(key),
            self.transports.get_mut(subscriber),
        ) else {
            return;
        };
        let added: Vec<(Key<Track>, Kind)> = connection
            .subscriptions
            .iter()
            .flatten()
            .filter_map(|subscription| {
                let track = subscription.track;
                Some((track, waiting_kind(connection, &self.tracks, track)?))
            })
            .collect();
        let mut changes = OfferChanges {
            with_channels: !connection.negotiation.has_channels,
            add: added.iter().map(|&(_, kind)| kind).collect(),
            restart_ice: connection.negotiation.restart_ice,
            ..Default::default()
        };
        for outlet in &connection.outlets {
            match (outlet.track.is_some(), outlet.is_announced) {
                (true, false) => changes.reuse.push(outlet.mid),
                (false, true) => changes.silence.push(outlet.mid),
                _ => {}
            }
        }
        connection.negotiation.is_needed = false;
        connection.negotiation.is_forced = false;
        let Some((sdp, mids)) = transport.offer(&changes) else {
            return;
        };
        connection.negotiation.has_channels = true;
        connection.negotiation.restart_ice = false;
        for outlet in &mut connection.outlets {
            outlet.is_announced = outlet.track.is_some();
        }
        for ((track, kind), mid) in added.into_iter().zip(mids) {
            connection.outlets.push(Outlet {
                mid,
                kind,
                track: Some(track),
                ssrc: None,
                is_announced: true,
            });
        }
        connection.negotiation.offer_number += 1;
        let description = self.describe(key, true, &sdp);
        if let Some(connection) = self.connections.get_mut(key) {
            connection.negotiation.outstanding = Some(description);
        }
        self.register(subscriber, now);
        self.repeat_offer(key);
        self.queue_visit(subscriber);
    }

    /// Hands out the offer that waits for its answer.
    fn repeat_offer(&mut self, key: Key<Connection>) {
        if let Some(connection) = self.connections.get(key)
            && let Some(description) = &connection.negotiation.outstanding
        {
            self.events.push_back(Event::Offer {
                connection: connection.id.clone(),
                transport: TransportName::Subscriber,
                request: connection.negotiation.offer_number,
                description: description.clone(),
            });
        }
    }

    pub(crate) fn accept_answer(
        &mut self,
        id: &ConnectionId,
        name: TransportName,
        sdp: &str,
        request: RequestId,
        now: Instant,
    ) -> Result<(), Refusal> {
        let key = self.connection_key(id)?;
        let connection = self
            .connections
            .get_mut(key)
            .ok_or_else(unknown_connection)?;
        let is_expected = name == TransportName::Subscriber
            && connection.mode == Mode::Dual
            && connection.negotiation.outstanding.is_some()
            // Some clients do not repeat the number; then it is the one that is outstanding.
            && (request == 0 || connection.negotiation.offer_number == request);
        if !is_expected {
            return Err(Refusal::new(Code::BadState, "no such offer is outstanding"));
        }
        let sections =
            sdp::sections(sdp).map_err(|why| Refusal::new(Code::BadSdp, why.reason()))?;
        let subscriber = connection.subscriber;
        let transport = self
            .transports
            .get_mut(subscriber)
            .ok_or_else(unknown_connection)?;
        transport.accept_answer(sdp, &sections, now)?;
        connection.negotiation.outstanding = None;
        let mut opened = Vec::new();
        for outlet in &mut connection.outlets {
            if outlet.ssrc.is_none() {
                outlet.ssrc = transport.outgoing(outlet.mid).map(|ids| ids.ssrc.into());
            }
            if let Some(track) = outlet.track.filter(|_| outlet.is_announced) {
                opened.push((track, outlet.ssrc));
            }
        }
        if !opened.is_empty() {
            connection.greetings = GREETINGS;
        }
        for (track, ssrc) in opened {
            let place = self.tracks.get(track).map(|track| track.place);
            if let Some(subscription) = place.and_then(|place| connection.subscription_mut(place)) {
                subscription.set_stream(ssrc);
            }
        }
        let is_needed = connection.negotiation.is_needed || connection.negotiation.restart_ice;
        self.register(subscriber, now);
        self.allocate(key, now);
        if is_needed {
            self.queue_negotiation(key);
        }
        self.queue_visit(subscriber);
        Ok(())
    }

    pub(crate) fn restart_ice(
        &mut self,
        id: &ConnectionId,
        name: TransportName,
    ) -> Result<(), Refusal> {
        let key = self.connection_key(id)?;
        let connection = self
            .connections
            .get_mut(key)
            .ok_or_else(unknown_connection)?;
        if name == TransportName::Publisher {
            // A client that offers new credentials restarts by itself.
            return Ok(());
        }
        connection.own_subscriber().ok_or_else(unknown_connection)?;
        connection.negotiation.restart_ice = true;
        // An offer under way may have been lost with the client's socket; its answer comes first.
        self.repeat_offer(key);
        self.queue_negotiation(key);
        Ok(())
    }

    /// Frees the section that carried a track to a connection; the client hears of it in the next
    /// round.
    pub(crate) fn free_outlet(&mut self, key: Key<Connection>, track: Key<Track>) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let subscriber = connection.subscriber;
        let Some(outlet) = connection.outlet_of(track) else {
            return;
        };
        outlet.track = None;
        if outlet.ssrc.is_some()
            && let Some(transport) = self.transports.get_mut(subscriber)
        {
            outlet.ssrc = transport.renew_outgoing(outlet.mid);
        }
        self.queue_negotiation(key);
    }

    // What a description says about tracks.

    fn describe(&self, key: Key<Connection>, sends: bool, sdp: &str) -> Description {
        let mut tracks = Vec::new();
        let mut sending: HashMap<String, Sending> = HashMap::new();
        let Some(connection) = self.connections.get(key) else {
            return Description {
                sdp: sdp.to_owned(),
                tracks,
            };
        };
        let mut preferred: HashMap<&str, &str> = HashMap::new();
        for inlet in &connection.inlets {
            if let Some(track) = inlet.track.and_then(|track| self.tracks.get(track)) {
                tracks.push((inlet.section.mid.clone(), track.id.clone()));
                if track.kind == Kind::Video && !inlet.codec.is_empty() {
                    preferred.insert(&inlet.section.mid, &inlet.codec);
                }
            }
        }
        for outlet in connection.outlets.iter().filter(|_| sends) {
            let Some(track) = outlet.track.and_then(|track| self.tracks.get(track)) else {
                continue;
            };
            let Some(publisher) = self.connections.get(track.connection) else {
                continue;
            };
            let mid = outlet.mid.to_string();
            let source = self
                .transports
                .get(connection.subscriber)
                .filter(|_| outlet.ssrc.is_some())
                .and_then(|transport| transport.outgoing(outlet.mid));
            tracks.push((mid.clone(), track.id.clone()));
            sending.insert(
                mid,
                Sending::Track {
                    stream: format!("{}|{}", publisher.id, track.id),
                    track: track.id.to_string(),
                    stereo: track.is_stereo,
                    source,
                },
            );
        }
        let mut sdp = sdp::announce(sdp, |mid| {
            Some(sending.remove(mid).unwrap_or(Sending::Nothing))
        });
        if !preferred.is_empty() {
            sdp = sdp::prefer(&sdp, |mid| preferred.get(mid).copied());
        }
        Description { sdp, tracks }
    }
}

/// Returns whether a section carries what is taken of a track, not only a codec it came in before.
fn is_taken_from(tracks: &Arena<Track>, track: Key<Track>, mid: Mid) -> bool {
    tracks
        .get(track)
        .is_some_and(|track| track.mid == Some(mid))
}

/// The kind of a published track that is subscribed to and has no section yet.
fn waiting_kind(connection: &Connection, tracks: &Arena<Track>, track: Key<Track>) -> Option<Kind> {
    let has_outlet = connection
        .outlets
        .iter()
        .any(|outlet| outlet.track == Some(track));
    let track = tracks.get(track)?;
    (track.mid.is_some() && !has_outlet).then_some(track.kind)
}

pub(crate) fn unknown_connection() -> Refusal {
    Refusal::new(Code::UnknownConnection, "no such connection or transport")
}
