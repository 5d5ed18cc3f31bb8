//! Streams on which nothing is sent yet make themselves known.
//!
//! A browser shows a track once its description names it. Other clients (pion, and with it LiveKit's
//! SDK for Go) wait for a first packet, which a muted track does not have: they are sent padding.

use std::time::Instant;

use crate::arena::Key;
use crate::connection::Connection;
use crate::event::TransportState;
use crate::router::renew_sender;
use crate::sfu::Sfu;
use crate::track::TakenCodec;
use moot_forward::Withheld;

/// How often a silent stream makes itself known, a turn of the house apart: some are lost.
pub(crate) const GREETINGS: u8 = 5;

impl Sfu {
    /// Sends padding on the streams of a connection that carry nothing.
    pub(crate) fn greet(&mut self, key: Key<Connection>, now: Instant) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let is_connected = self
            .transports
            .get(connection.subscriber)
            .is_some_and(|transport| transport.state == TransportState::Connected);
        if connection.greetings == 0 || !is_connected {
            return;
        }
        connection.greetings -= 1;
        let silent = self.silent_streams(key);
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let Some(transport) = self.transports.get_mut(connection.subscriber) else {
            return;
        };
        for (place, taken) in &silent {
            let (place, taken) = (*place, taken);
            if connection
                .subscription(place)
                .is_some_and(|subscription| subscription.is_stale(taken))
            {
                renew_sender(connection, transport, place, taken);
            }
            let Some(subscription) = connection.subscription_mut(place) else {
                continue;
            };
            if let Some(ssrc) = subscription.ssrc
                && let Some(sender) = &mut subscription.sender
                && let Some(greeting) = sender.greeting()
            {
                transport.write(ssrc, greeting, now);
            }
        }
        if !silent.is_empty() {
            let subscriber = connection.subscriber;
            self.queue_visit(subscriber);
        }
    }

    /// The places of subscriptions that carry nothing and will not for now, and their codecs.
    fn silent_streams(&self, key: Key<Connection>) -> Vec<(usize, TakenCodec)> {
        let Some(connection) = self.connections.get(key) else {
            return Vec::new();
        };
        let places = connection.subscriptions.iter().enumerate();
        let silent = places.filter_map(|(place, subscription)| {
            let subscription = subscription.as_deref()?;
            let track = self.tracks.get(subscription.track)?;
            let is_silent = subscription.packets == 0
                && (subscription.wish.disabled
                    || subscription.withheld == Withheld::Everything
                    || self.is_withheld(track));
            Some((place, track.taken.filter(|_| is_silent)?))
        });
        silent.collect()
    }
}
