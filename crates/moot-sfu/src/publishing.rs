//! Tracks: announced, matched with the sections that carry them, muted, and ended.

use std::time::Instant;

use str0m::format::Codec as WireCodec;

use crate::arena::Key;
use crate::command::{Sources, TrackSpec};
use crate::connection::Connection;
use crate::error::{Code, Refusal};
use crate::event::Event;
use crate::ids::{ConnectionId, TrackId};
use crate::negotiation::unknown_connection;
use crate::sfu::Sfu;
use crate::track::{NextCodec, Track};
use crate::transport::Transport;

/// Longest client id of a track, bytes.
const MAX_CID: usize = 256;

impl Sfu {
    pub(crate) fn add_track(&mut self, id: &ConnectionId, spec: TrackSpec) -> Result<(), Refusal> {
        let key = self.connection_key(id)?;
        if !spec.track.is_valid() || spec.cid.len() > MAX_CID {
            return Err(Refusal::new(Code::BadValue, "an id is empty or too long"));
        }
        if self.track_keys.contains_key(&spec.track) {
            return Err(Refusal::new(Code::AlreadyOpen, "the track id is taken"));
        }
        let most = self.config.max_tracks_per_connection;
        let connection = self
            .connections
            .get_mut(key)
            .ok_or_else(unknown_connection)?;
        if connection.tracks.len() >= most {
            return Err(Refusal::new(
                Code::TooMany,
                "the connection has too many tracks",
            ));
        }
        let meeting_key = connection.meeting;
        let meeting = self
            .meetings
            .get_mut(meeting_key)
            .ok_or_else(unknown_connection)?;
        let name = spec.track.clone();
        let track = self.tracks.insert_with(|track| {
            let place = meeting.take_place(track);
            Track::new(spec, key, meeting_key, place)
        });
        connection.tracks.push(track);
        self.track_keys.insert(name, track);
        for track in self.match_tracks(key) {
            self.announce_track(track);
        }
        Ok(())
    }

    pub(crate) fn add_codec(&mut self, id: &TrackId, next: NextCodec) -> Result<(), Refusal> {
        let key = self.track_key(id)?;
        if next.cid.is_empty() || next.cid.len() > MAX_CID {
            return Err(Refusal::new(Code::BadValue, "an id is empty or too long"));
        }
        let Some(track) = self.tracks.get_mut(key) else {
            return Ok(());
        };
        if track.mid.is_none() {
            return Err(Refusal::new(Code::BadState, "the track is not published"));
        }
        track.next_codec = Some(next);
        let connection = track.connection;
        for track in self.match_tracks(connection) {
            self.announce_track(track);
        }
        Ok(())
    }

    /// Matches announced tracks with sections that carry them: by the client's id, then by kind in
    /// the order of announcement, for clients whose descriptions name tracks differently (Firefox).
    pub(crate) fn match_tracks(&mut self, key: Key<Connection>) -> Vec<Key<Track>> {
        let mut matched = Vec::new();
        let Some(connection) = self.connections.get_mut(key) else {
            return matched;
        };
        for by_id in [true, false] {
            for at in 0..connection.inlets.len() {
                if connection.inlets[at].track.is_some() {
                    continue;
                }
                let section = &connection.inlets[at].section;
                let carried = connection.tracks.iter().copied().find(|&track| {
                    let Some(track) = self.tracks.get(track) else {
                        return false;
                    };
                    let Some(cid) = track.awaited_cid() else {
                        return false;
                    };
                    let is_same = section.track.as_deref() == Some(cid);
                    // One that another section names is not free for this one.
                    let is_named = connection
                        .inlets
                        .iter()
                        .any(|other| other.section.track.as_deref() == Some(cid));
                    Some(track.kind) == section.kind && (is_same || (!by_id && !is_named))
                });
                let Some(carried) = carried else { continue };
                let inlet = &mut connection.inlets[at];
                inlet.track = Some(carried);
                if let Some(track) = self.tracks.get_mut(carried) {
                    track.awaited_codec().clone_into(&mut inlet.codec);
                    if track.publish(inlet.mid, &inlet.section.rids) {
                        matched.push(carried);
                    }
                }
            }
        }
        matched
    }

    /// Tells of a track that has just been matched, and gives it to those who wait for it.
    pub(crate) fn announce_track(&mut self, key: Key<Track>) {
        let Some(track) = self.tracks.get(key) else {
            return;
        };
        let (Some(mid), Some(connection)) = (track.mid, self.connections.get(track.connection))
        else {
            return;
        };
        let Some(meeting) = self.meetings.get(track.meeting) else {
            return;
        };
        let codec = connection
            .publisher
            .and_then(|key| self.transports.get(key))
            .and_then(|transport| {
                let hinted = transport.codecs(mid).find(|&codec| {
                    mime_type(codec).ends_with(&track.codec) && !track.codec.is_empty()
                });
                hinted.or_else(|| transport.codecs(mid).next())
            });
        self.events.push_back(Event::TrackPublished {
            meeting: meeting.id.clone(),
            connection: connection.id.clone(),
            track: track.id.clone(),
            mid: mid.to_string(),
            codec: codec.map_or_else(String::new, mime_type_as_written),
            rids: track
                .encodings
                .iter()
                .filter_map(|encoding| encoding.rid.map(|rid| rid.to_string()))
                .collect(),
        });
        let place = track.place;
        let waiting: Vec<_> = meeting
            .connections
            .iter()
            .copied()
            .filter(|&key| {
                self.connections
                    .get(key)
                    .is_some_and(|connection| connection.subscription(place).is_some())
            })
            .collect();
        for connection in waiting {
            self.queue_negotiation(connection);
        }
    }

    pub(crate) fn remove_track(&mut self, id: &TrackId, now: Instant) -> Result<(), Refusal> {
        let key = self.track_key(id)?;
        self.end_track(key, now);
        Ok(())
    }

    /// Ends a publication: nobody receives it any more, and its section is free.
    pub(crate) fn end_track(&mut self, key: Key<Track>, now: Instant) {
        let Some(track) = self.tracks.remove(key) else {
            return;
        };
        self.track_keys.remove(&track.id);
        if let Some(connection) = self.connections.get_mut(track.connection) {
            connection.tracks.retain(|&other| other != key);
            for inlet in &mut connection.inlets {
                if inlet.track == Some(key) {
                    inlet.track = None;
                }
            }
            if let Some(publisher) = connection.publisher
                && let Some(transport) = self.transports.get_mut(publisher)
            {
                transport.routes.retain(|route| route.track != key);
            }
        }
        let Some(meeting) = self.meetings.get_mut(track.meeting) else {
            return;
        };
        meeting.leave_place(track.place);
        let meeting_id = meeting.id.clone();
        let connections = meeting.connections.clone();
        for subscriber in connections {
            self.drop_subscription(subscriber, track.place, key, now);
        }
        if let Some(connection) = self.connections.get(track.connection) {
            self.events.push_back(Event::TrackUnpublished {
                meeting: meeting_id,
                connection: connection.id.clone(),
                track: track.id,
            });
        }
    }

    pub(crate) fn set_muted(
        &mut self,
        id: &TrackId,
        is_muted: bool,
        now: Instant,
    ) -> Result<(), Refusal> {
        let key = self.track_key(id)?;
        if let Some(track) = self.tracks.get_mut(key)
            && track.is_muted != is_muted
        {
            track.is_muted = is_muted;
            self.enforce_silence(key, now);
        }
        Ok(())
    }

    pub(crate) fn set_allowed_sources(
        &mut self,
        id: &ConnectionId,
        sources: Sources,
        now: Instant,
    ) -> Result<(), Refusal> {
        let key = self.connection_key(id)?;
        let connection = self
            .connections
            .get_mut(key)
            .ok_or_else(unknown_connection)?;
        if connection.sources != sources {
            connection.sources = sources;
            for track in connection.tracks.clone() {
                self.enforce_silence(track, now);
            }
        }
        Ok(())
    }

    /// Returns whether a track is withheld, by its own mute or because its source is not allowed.
    pub(crate) fn is_withheld(&self, track: &Track) -> bool {
        let is_allowed = self
            .connections
            .get(track.connection)
            .is_some_and(|connection| connection.sources.contains(track.source));
        track.is_muted || !is_allowed
    }

    /// Makes what is forwarded of a track agree with its mute and its source's permission.
    fn enforce_silence(&mut self, key: Key<Track>, now: Instant) {
        let Some(is_withheld) = self.tracks.get(key).map(|track| self.is_withheld(track)) else {
            return;
        };
        let Some(track) = self.tracks.get_mut(key) else {
            return;
        };
        let (place, meeting_key) = (track.place, track.meeting);
        if is_withheld {
            track.loudness.reset();
            track.forget_recent();
        }
        let Some(meeting) = self.meetings.get_mut(meeting_key) else {
            return;
        };
        if is_withheld {
            meeting.arrivals.retain(|arrival| arrival.place != place);
        }
        for connection in &meeting.connections {
            let Some(connection) = self.connections.get_mut(*connection) else {
                continue;
            };
            let subscriber = connection.subscriber;
            let Some(subscription) = connection.subscription_mut(place) else {
                continue;
            };
            if let Some(sender) = &mut subscription.sender {
                sender.forwarder.set_muted(is_withheld);
            }
            if is_withheld
                && let Some(ssrc) = subscription.ssrc
                && let Some(transport) = self.transports.get_mut(subscriber)
            {
                transport.forget_sent(ssrc);
            }
        }
        if !is_withheld {
            self.want_keyframes_of(key, now);
        }
    }

    /// Asks for whatever keyframes the subscriptions of a track wait for.
    pub(crate) fn want_keyframes_of(&mut self, key: Key<Track>, now: Instant) {
        let Some(track) = self.tracks.get(key) else {
            return;
        };
        let Some(meeting) = self.meetings.get(track.meeting) else {
            return;
        };
        let place = track.place;
        let wanted: Vec<_> = meeting
            .connections
            .iter()
            .filter_map(|&connection| {
                let subscription = self.connections.get(connection)?.subscription(place)?;
                subscription.sender.as_ref()?.forwarder.wanted_keyframe()
            })
            .collect();
        for encoding in wanted {
            self.want_keyframe(key, encoding, false, now);
        }
    }

    /// Asks for a keyframe of everything that a subscriber which has just connected is to see.
    pub(crate) fn want_all_keyframes(&mut self, key: Key<Transport>, now: Instant) {
        let Some(connection) = self
            .transports
            .get(key)
            .and_then(|transport| self.connections.get(transport.connection))
        else {
            return;
        };
        let wanted: Vec<_> = connection
            .subscriptions
            .iter()
            .flatten()
            .filter(|subscription| !subscription.wish.disabled)
            .filter_map(|subscription| {
                let (track, spatial) = (subscription.track, subscription.given?.spatial);
                // Who can begin with what was kept needs none.
                let has_recent = self.tracks.get(track)?.has_recent(spatial);
                (!has_recent).then_some((track, spatial))
            })
            .collect();
        for (track, spatial) in wanted {
            self.want_keyframe(track, spatial, false, now);
        }
    }
}

/// The MIME type in lower case.
fn mime_type(codec: WireCodec) -> &'static str {
    match codec {
        WireCodec::Opus => "audio/opus",
        WireCodec::Vp8 => "video/vp8",
        WireCodec::Vp9 => "video/vp9",
        WireCodec::H264 => "video/h264",
        WireCodec::Av1 => "video/av1",
        _ => "",
    }
}

/// The MIME type as registered (RFC 7587, 7741, 9628, 6184 and the AV1 RTP specification).
fn mime_type_as_written(codec: WireCodec) -> String {
    match mime_type(codec).split_once('/') {
        Some(("video", name)) => format!("video/{}", name.to_ascii_uppercase()),
        _ => mime_type(codec).to_owned(),
    }
}
