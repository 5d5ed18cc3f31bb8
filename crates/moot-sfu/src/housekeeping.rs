//! What is looked at from time to time: bandwidth, speakers, quality, layers nobody wants, and
//! transports that fell silent.

use std::time::{Duration, Instant};

use moot_forward::{
    Bitrate, Cause, Demand, Loudness, Precedence, Quality as JudgedQuality, QualitySample,
    SpatialLayer, Withheld,
};

use crate::arena::Key;
use crate::command::{Kind, Quality, Source};
use crate::connection::Connection;
use crate::event::{ConnectionQuality, Event, SpeakerLevel, TransportState};
use crate::meeting::Meeting;
use crate::sfu::Sfu;
use crate::subscription::codec_name;
use crate::track::Track;
use crate::transport::Transport;

/// How often the house is kept. Shorter notices a speaker or a lost keyframe sooner, longer wakes
/// an idle server less.
const INTERVAL: Duration = Duration::from_millis(100);

/// How often the bandwidth of a connection is divided anew when nothing asked for it sooner.
const ALLOCATION_INTERVAL: Duration = Duration::from_millis(400);

/// How often the quality of a connection is judged.
const QUALITY_INTERVAL: Duration = Duration::from_secs(4);

/// How long a layer may be unwanted before its publisher is told to stop it. Shorter saves uplink,
/// longer spares a keyframe when someone looks away for a moment.
const DYNACAST_DELAY: Duration = Duration::from_secs(4);

/// An estimate that fell below this share of sound and the least picture has collapsed: what is sent
/// anyway stands in the queue before the bottleneck, is lost there, and is sent again. One that has
/// not fallen is the guess with which it began, and only a large picture that flows makes it better.
const COLLAPSED_PERCENT: u64 = 50;

/// How long sound goes alone so that the queue drains: the longest queue of a home router.
const DRAINING: Duration = Duration::from_secs(1);

/// What an audio subscription is taken to cost: Opus with RED and headers.
const AUDIO_COST: Bitrate = Bitrate::kbps(60);

impl Sfu {
    /// Begins to keep house, if that has not begun.
    pub(crate) fn start_house(&mut self, now: Instant) {
        self.housekeeping_at.get_or_insert(now + INTERVAL);
        self.figures_at
            .get_or_insert(now + self.config.stats_interval);
    }

    pub(crate) fn keep_house(&mut self, now: Instant) {
        // An empty house is not kept: an idle server sleeps.
        self.housekeeping_at = (self.connections.len() > 0).then_some(now + INTERVAL);
        let tracks: Vec<_> = self.tracks.iter().map(|(key, _)| key).collect();
        for track in tracks {
            self.ask_for_keyframes(track, now);
            self.tell_wanted_layers(track, now);
            self.notice_layers(track, now);
            if let Some(track) = self.tracks.get_mut(track) {
                track.forget_old(now);
            }
        }
        let meetings: Vec<_> = self.meetings.iter().map(|(key, _)| key).collect();
        for meeting in meetings {
            self.tell_speakers(meeting, now);
        }
        let connections: Vec<_> = self.connections.iter().map(|(key, _)| key).collect();
        for connection in connections {
            let allocated_at = self
                .connections
                .get(connection)
                .and_then(|connection| connection.allocated_at);
            if allocated_at.is_some_and(|at| now >= at + ALLOCATION_INTERVAL) {
                self.allocate(connection, now);
            }
            self.greet(connection, now);
            self.judge_quality(connection, now);
        }
        let transports: Vec<_> = self.transports.iter().map(|(key, _)| key).collect();
        for transport in transports {
            self.notice_silence(transport, now);
        }
        if self.figures_at.is_some_and(|at| now >= at) {
            self.renew_figures(now);
        }
        if self.housekeeping_at.is_none() {
            self.figures_at = None;
        }
    }

    /// Notices that a layer stopped: whoever watches it sees a picture that stands, and is given
    /// another at once.
    fn notice_layers(&mut self, key: Key<Track>, now: Instant) {
        let Some(track) = self.tracks.get_mut(key) else {
            return;
        };
        let active = track.meter.active();
        let has_stopped = track.active.iter().zip(active).any(|(was, is)| *was && !is);
        track.active = active;
        let (place, Some(meeting)) = (track.place, self.meetings.get(track.meeting)) else {
            return;
        };
        if !has_stopped {
            return;
        }
        for key in meeting.connections.clone() {
            let connection = self.connections.get(key);
            if connection.is_some_and(|connection| connection.subscription(place).is_some()) {
                self.allocate(key, now);
            }
        }
    }

    /// Divides a connection's bandwidth among its video subscriptions.
    pub(crate) fn allocate(&mut self, key: Key<Connection>, now: Instant) {
        let Some(connection) = self.connections.get(key) else {
            return;
        };
        let Some(transport) = self.transports.get(connection.subscriber) else {
            return;
        };
        let estimate = transport
            .estimate_bps
            .unwrap_or(self.config.initial_estimate_bps);
        let has_fallen = transport.has_fallen;
        let subscriber = connection.subscriber;
        let Some(meeting) = self.meetings.get(connection.meeting) else {
            return;
        };
        let mut audio = Bitrate::ZERO;
        let mut demands = Vec::new();
        let mut unsupported = Vec::new();
        for (place, subscription) in connection.subscriptions.iter().enumerate() {
            let Some(subscription) = subscription else {
                continue;
            };
            let Some(track) = self.tracks.get(subscription.track) else {
                continue;
            };
            if track.kind == Kind::Audio {
                audio += AUDIO_COST;
                continue;
            }
            let taken = track.taken.as_ref();
            if taken.is_some_and(|taken| subscription.is_unsupported(taken)) {
                unsupported.push(subscription.track);
            }
            if !subscription.wish.disabled && !self.is_withheld(track) {
                demands.push(Demand {
                    id: place,
                    precedence: precedence(track, meeting),
                    priority: subscription.wish.priority,
                    rates: track.meter.rates(),
                    wanted: track.wanted(&subscription.wish),
                    given: subscription.given,
                    is_new: subscription.is_new,
                });
            }
        }
        for track in unsupported {
            self.tell_unsupported(track);
        }
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        // Something always flows: with nothing to measure an estimate would never recover.
        let mut least = audio + least_cost(&demands);
        let mut estimate = estimate;
        let is_low = !demands.is_empty() && estimate < least.percent(COLLAPSED_PERCENT).0;
        match connection.draining_until {
            None if is_low && has_fallen => {
                connection.draining_until = Some(now + DRAINING);
            }
            Some(until) if now >= until => {
                connection.draining_until = None;
                estimate = least.0;
                if let Some(transport) = self.transports.get_mut(connection.subscriber) {
                    transport.reset_estimate(estimate, now);
                    transport.estimate_bps = Some(estimate);
                }
            }
            _ => {}
        }
        if connection.draining_until.is_some() {
            (estimate, least) = (0, Bitrate::ZERO);
        }
        let mut allocations = Vec::with_capacity(demands.len());
        let grant = connection.allocator.allocate(
            Bitrate(estimate).max(least),
            audio,
            &demands,
            now,
            &mut allocations,
        );
        connection.allocated_at = Some(now);
        connection.allocated_bps = grant.used.0;
        let mut changed = Vec::new();
        for allocation in allocations {
            let Some(subscription) = connection.subscription_mut(allocation.id) else {
                continue;
            };
            subscription.is_new = false;
            subscription.withheld = allocation.withheld;
            let is_paused = allocation.withheld == Withheld::Everything;
            if subscription.is_told_paused != is_paused {
                subscription.is_told_paused = is_paused;
                changed.push((subscription.track, is_paused));
            }
            if subscription.given != allocation.target {
                subscription.given = allocation.target;
            }
        }
        for place in 0..connection.subscriptions.len() {
            let Some(subscription) = connection.subscription_mut(place) else {
                continue;
            };
            if let Some(track) = self.tracks.get(subscription.track) {
                subscription.aim(track.kind == Kind::Audio);
            }
        }
        let id = connection.id.clone();
        let desired = grant
            .desired
            .percent(120)
            .0
            .min(self.config.max_estimate_bps);
        for (track, is_paused) in changed {
            if let Some(track) = self.tracks.get(track) {
                self.events.push_back(Event::StreamStateChanged {
                    connection: id.clone(),
                    track: track.id.clone(),
                    paused: is_paused,
                });
            }
        }
        if let Some(transport) = self.transports.get_mut(subscriber) {
            transport.set_desired(desired);
        }
    }

    /// Tells that somebody cannot decode what a track comes in, once for each codec.
    fn tell_unsupported(&mut self, key: Key<Track>) {
        let Some(track) = self.tracks.get_mut(key) else {
            return;
        };
        let (Some(taken), Some(connection)) = (track.taken, self.connections.get(track.connection))
        else {
            return;
        };
        if track.unsupported_epoch == Some(taken.epoch) {
            return;
        }
        track.unsupported_epoch = Some(taken.epoch);
        self.events.push_back(Event::CodecUnsupported {
            connection: connection.id.clone(),
            track: track.id.clone(),
            codec: codec_name(taken.codec),
        });
    }

    /// Tells the meeting who speaks.
    fn tell_speakers(&mut self, key: Key<Meeting>, now: Instant) {
        let interval = self.config.speakers_interval;
        let Some(meeting) = self.meetings.get_mut(key) else {
            return;
        };
        if now < meeting.speakers_at + interval {
            return;
        }
        meeting.speakers_at = now;
        let mut heard: Vec<(Key<Connection>, Loudness)> = Vec::new();
        let tracks: Vec<_> = meeting.tracks().collect();
        for track in tracks {
            if let Some(track) = self.tracks.get_mut(track)
                && track.kind == Kind::Audio
            {
                heard.push((track.connection, track.loudness.close_window(now)));
            }
        }
        if heard.is_empty() && meeting.speakers.active().is_empty() {
            return;
        }
        let changed = meeting.speakers.update(heard);
        let mut speakers = Vec::with_capacity(changed.len());
        for speaker in changed {
            let Some(connection) = self.connections.get(speaker.id) else {
                continue;
            };
            let track = connection
                .tracks
                .iter()
                .filter_map(|&track| self.tracks.get(track))
                .find(|track| track.kind == Kind::Audio);
            if let Some(track) = track {
                speakers.push(SpeakerLevel {
                    connection: connection.id.clone(),
                    track: track.id.clone(),
                    level: speaker.level,
                    active: speaker.is_active,
                });
            }
        }
        if !speakers.is_empty() {
            self.events.push_back(Event::SpeakersChanged {
                meeting: meeting.id.clone(),
                speakers,
            });
        }
    }

    /// Tells a publisher which of its layers anyone wants: more at once, less after a while.
    fn tell_wanted_layers(&mut self, key: Key<Track>, now: Instant) {
        let Some(track) = self.tracks.get(key) else {
            return;
        };
        let (Some(taken), Kind::Video) = (track.taken, track.kind) else {
            return;
        };
        let Some(meeting) = self.meetings.get(track.meeting) else {
            return;
        };
        let wanted: Option<SpatialLayer> = meeting
            .connections
            .iter()
            .filter_map(|&connection| {
                let subscription = self
                    .connections
                    .get(connection)?
                    .subscription(track.place)?;
                (!subscription.wish.disabled).then(|| track.wanted(&subscription.wish).spatial)
            })
            .max();
        let Some(track) = self.tracks.get_mut(key) else {
            return;
        };
        // One encoding goes or stands as a whole, whatever layers it has inside.
        let is_whole = track.encodings.len() < 2;
        let (wanted, told) = if is_whole {
            let smallest = SpatialLayer(0);
            (
                wanted.map(|_| smallest),
                track.dynacast.told.or(Some(Some(smallest))),
            )
        } else {
            (wanted, track.dynacast.told)
        };
        let is_due = match told {
            Some(told) if told == wanted => {
                track.dynacast.lower_since = None;
                false
            }
            Some(told) if wanted > told => true,
            // Less is wanted than told; before the first telling everything counts as told.
            _ => {
                let since = *track.dynacast.lower_since.get_or_insert(now);
                now >= since + DYNACAST_DELAY
            }
        };
        if !is_due {
            return;
        }
        track.dynacast.told = Some(wanted);
        track.dynacast.lower_since = None;
        let qualities = if is_whole {
            // Which of the names an encoding without a rid answers to differs among clients.
            [Quality::Low, Quality::Medium, Quality::High]
                .map(|quality| (quality, wanted.is_some()))
                .to_vec()
        } else {
            (0..track.encodings.len())
                .map(|place| {
                    let spatial = SpatialLayer(place as u8);
                    (track.quality_of(spatial), Some(spatial) <= wanted)
                })
                .collect()
        };
        if let Some(connection) = self.connections.get(track.connection) {
            self.events.push_back(Event::SubscribedQualityChanged {
                connection: connection.id.clone(),
                track: track.id.clone(),
                codec: codec_name(taken.codec),
                qualities,
            });
        }
    }

    fn notice_silence(&mut self, key: Key<Transport>, now: Instant) {
        let Some(transport) = self.transports.get(key) else {
            return;
        };
        let since = match transport.state {
            TransportState::Disconnected => Some(transport.heard_at),
            // Both sides know each other's descriptions: by now one of the paths should have worked.
            TransportState::Connecting => transport.described_at(),
            _ => None,
        };
        let is_lost = since.is_some_and(|since| now >= since + self.config.transport_timeout);
        if is_lost {
            self.set_state(key, TransportState::Failed);
        }
    }

    fn judge_quality(&mut self, key: Key<Connection>, now: Instant) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        if now < connection.quality_at + QUALITY_INTERVAL {
            return;
        }
        connection.quality_at = now;
        let mut sample = QualitySample::default();
        let mut is_lost = false;
        for transport in connection.transports() {
            let Some(transport) = self.transports.get_mut(transport) else {
                continue;
            };
            is_lost |= transport.state == TransportState::Disconnected
                || transport.state == TransportState::Failed;
            let inlets = &connection.inlets;
            let (expected, lost) = transport.take_losses();
            sample.packets_expected += expected;
            sample.packets_lost += lost;
            let round_trip = transport.round_trip().or(transport.measured.round_trip());
            let round_trip_ms = round_trip.unwrap_or_default().as_millis() as u32;
            sample.round_trip_ms = sample.round_trip_ms.max(round_trip_ms);
            transport.measured.sample(&mut sample, |mid| {
                inlets
                    .iter()
                    .any(|inlet| inlet.mid == mid && inlet.section.kind == Some(Kind::Audio))
            });
        }
        for subscription in connection.subscriptions.iter().flatten() {
            match subscription.withheld {
                Withheld::Nothing => {}
                Withheld::Layers => sample.layers_withheld += 1,
                Withheld::Everything => sample.subscriptions_paused += 1,
            }
        }
        let (judged, cause) = connection.quality_meter.record(&sample);
        let quality = match judged {
            _ if is_lost => ConnectionQuality::Lost,
            JudgedQuality::Poor => ConnectionQuality::Poor,
            JudgedQuality::Good => ConnectionQuality::Good,
            JudgedQuality::Excellent => ConnectionQuality::Excellent,
        };
        if connection.quality == Some(quality) {
            return;
        }
        connection.quality = Some(quality);
        if let Some((meeting, connection)) = self.names(key) {
            self.events.push_back(Event::QualityChanged {
                meeting,
                connection,
                quality,
                score: match quality {
                    ConnectionQuality::Lost => 1.0,
                    ConnectionQuality::Poor => 2.0,
                    ConnectionQuality::Good => 3.5,
                    ConnectionQuality::Excellent => 5.0,
                },
                cause: match cause {
                    Cause::None => "",
                    Cause::Loss => "loss",
                    Cause::Delay => "delay",
                    Cause::Jitter => "jitter",
                    Cause::Bandwidth => "bandwidth",
                },
            });
        }
    }
}

/// What the smallest layer of the most important video costs.
fn least_cost(demands: &[Demand<usize>]) -> Bitrate {
    let most = demands.iter().max_by_key(|demand| {
        (
            demand.precedence,
            demand.priority,
            std::cmp::Reverse(demand.id),
        )
    });
    most.and_then(|demand| demand.rates.layers().next())
        .map_or(Bitrate::ZERO, |(_, rate)| rate)
}

fn precedence(track: &Track, meeting: &Meeting) -> Precedence {
    let speaks = || {
        meeting
            .speakers
            .active()
            .iter()
            .any(|speaker| speaker.id == track.connection)
    };
    match track.source {
        Source::Screen => Precedence::Share,
        _ if speaks() => Precedence::ActiveSpeaker,
        _ => Precedence::Camera,
    }
}
