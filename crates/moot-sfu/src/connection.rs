//! A connection: its transports, the sections they negotiated, and what it receives.

use std::time::Instant;

use moot_forward::{Allocator, QualityMeter};
use str0m::media::Mid;
use str0m::rtp::Ssrc;

use crate::arena::Key;
use crate::command::{Kind, Mode, Sources};
use crate::event::{ConnectionQuality, Description};
use crate::ids::ConnectionId;
use crate::meeting::Meeting;
use crate::sdp::Section;
use crate::subscription::Subscription;
use crate::track::Track;
use crate::transport::Transport;

/// A section on which the client sends.
#[derive(Debug)]
pub(crate) struct Inlet {
    pub(crate) mid: Mid,
    /// What the latest offer says about it.
    pub(crate) section: Section,
    /// The track it carries, once matched.
    pub(crate) track: Option<Key<Track>>,
    /// What the client means to send on it, by its short name; empty if it did not say.
    pub(crate) codec: String,
}

/// A section on which we send.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub(crate) mid: Mid,
    pub(crate) kind: Kind,
    /// The track it is given to.
    pub(crate) track: Option<Key<Track>>,
    /// The stream to write to; unknown until the client has agreed to the section.
    pub(crate) ssrc: Option<Ssrc>,
    /// In dual mode: the client knows that it carries something.
    pub(crate) is_announced: bool,
}

/// Sections that a single-transport client was asked for and has not offered yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) audio: u32,
    pub(crate) video: u32,
    pub(crate) at: Instant,
}

/// Where the negotiation of a connection's subscriptions stands.
#[derive(Debug, Default)]
pub(crate) struct Negotiation {
    /// Something changed that the client must hear of.
    pub(crate) is_needed: bool,
    /// A round was asked for even if nothing changed.
    pub(crate) is_forced: bool,
    /// It waits for the end of this round of commands.
    pub(crate) is_queued: bool,
    /// Single mode: what was asked for.
    pub(crate) asked: Option<Asked>,
    /// Dual mode: the number of the last offer.
    pub(crate) offer_number: u32,
    /// Dual mode: the offer that waits for its answer, to be repeated if it may be lost.
    pub(crate) outstanding: Option<Description>,
    /// Dual mode: restart ICE with the next offer.
    pub(crate) restart_ice: bool,
    /// Dual mode: the data channels were offered.
    pub(crate) has_channels: bool,
}

/// One connection of a meeting.
pub(crate) struct Connection {
    pub(crate) id: ConnectionId,
    pub(crate) meeting: Key<Meeting>,
    pub(crate) mode: Mode,
    /// Dual mode: opened for the client's first offer; who only watches makes none.
    pub(crate) publisher: Option<Key<Transport>>,
    /// Equal to `publisher` in single mode.
    pub(crate) subscriber: Key<Transport>,
    pub(crate) sources: Sources,
    pub(crate) may_subscribe: bool,
    /// Announced tracks, in order of announcement.
    pub(crate) tracks: Vec<Key<Track>>,
    pub(crate) inlets: Vec<Inlet>,
    pub(crate) outlets: Vec<Outlet>,
    /// By the track's place in the meeting.
    pub(crate) subscriptions: Vec<Option<Box<Subscription>>>,
    pub(crate) negotiation: Negotiation,
    /// How often its silent streams are still to make themselves known.
    pub(crate) greetings: u8,
    pub(crate) allocator: Allocator,
    pub(crate) allocated_at: Option<Instant>,
    pub(crate) allocated_bps: u64,
    /// Sound goes alone until then.
    pub(crate) draining_until: Option<Instant>,
    pub(crate) quality_meter: QualityMeter,
    pub(crate) quality: Option<ConnectionQuality>,
    pub(crate) quality_at: Instant,
}

impl Connection {
    /// The subscriber's transport, if it is not the publisher's as well.
    pub(crate) fn own_subscriber(&self) -> Option<Key<Transport>> {
        (self.mode == Mode::Dual).then_some(self.subscriber)
    }

    /// Its transports, each once.
    pub(crate) fn transports(&self) -> impl Iterator<Item = Key<Transport>> + use<> {
        [self.publisher, self.own_subscriber()]
            .into_iter()
            .flatten()
    }

    pub(crate) fn subscription(&self, place: usize) -> Option<&Subscription> {
        self.subscriptions.get(place)?.as_deref()
    }

    pub(crate) fn subscription_mut(&mut self, place: usize) -> Option<&mut Subscription> {
        self.subscriptions.get_mut(place)?.as_deref_mut()
    }

    /// The section that carries a track to this connection.
    pub(crate) fn outlet_of(&mut self, track: Key<Track>) -> Option<&mut Outlet> {
        self.outlets
            .iter_mut()
            .find(|outlet| outlet.track == Some(track))
    }
}
