//! A meeting: who is in it, and what of theirs can be received.

use std::time::Instant;

use moot_forward::ActiveSpeakers;

use crate::arena::Key;
use crate::connection::Connection;
use crate::ids::MeetingId;
use crate::router::Arrival;
use crate::track::Track;

/// A meeting's connections and tracks.
pub(crate) struct Meeting {
    pub(crate) id: MeetingId,
    pub(crate) connections: Vec<Key<Connection>>,
    /// The tracks by place; a place is dense and reused, so that per-subscriber tables stay small.
    pub(crate) places: Vec<Option<Key<Track>>>,
    /// Packets that wait to be forwarded, in order of arrival.
    pub(crate) arrivals: Vec<Arrival>,
    pub(crate) speakers: ActiveSpeakers<Key<Connection>>,
    pub(crate) speakers_at: Instant,
}

impl Meeting {
    pub(crate) fn new(id: MeetingId, now: Instant) -> Self {
        Self {
            id,
            connections: Vec::new(),
            places: Vec::new(),
            arrivals: Vec::new(),
            speakers: ActiveSpeakers::new(),
            speakers_at: now,
        }
    }

    /// Takes a free place for a track.
    pub(crate) fn take_place(&mut self, track: Key<Track>) -> usize {
        match self.places.iter().position(Option::is_none) {
            Some(place) => {
                self.places[place] = Some(track);
                place
            }
            None => {
                self.places.push(Some(track));
                self.places.len() - 1
            }
        }
    }

    /// Frees the place of a track that is gone, and drops its waiting packets.
    pub(crate) fn leave_place(&mut self, place: usize) {
        self.places[place] = None;
        self.arrivals.retain(|arrival| arrival.place != place);
    }

    /// The tracks there are.
    pub(crate) fn tracks(&self) -> impl Iterator<Item = Key<Track>> + '_ {
        self.places.iter().copied().flatten()
    }
}
