//! One run: everyone joins, media flows, and what arrives is counted.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};
use serde_json::{Value, json};

use crate::media::Role;
use crate::options::Options;
use crate::participant::Participant;

/// How long a phase may take before the run counts as failed.
const PHASE: Duration = Duration::from_secs(30);
/// Tokens of one participant: its signalling, what it sends on, what it receives on.
const TOKENS: usize = 3;

/// A run under way.
pub struct Load {
    options: Options,
    poll: Poll,
    events: Events,
    participants: Vec<Participant>,
    /// Handles that keep the signalling sockets registered.
    watched: Vec<mio::net::TcpStream>,
}

/// Packets and losses at one moment.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    packets: u64,
    bytes: u64,
    lost: u64,
}

impl Load {
    /// Makes a run of `options`.
    ///
    /// # Errors
    ///
    /// The system has no readiness queue to give.
    pub fn new(options: Options) -> Result<Self, String> {
        Ok(Self {
            options,
            poll: Poll::new().map_err(|error| error.to_string())?,
            events: Events::with_capacity(1024),
            participants: Vec::new(),
            watched: Vec::new(),
        })
    }

    /// Runs from the first join to the last count, telling `tell` of each event.
    ///
    /// # Errors
    ///
    /// A sentence that says what went wrong and for whom.
    pub fn run(&mut self, mut tell: impl FnMut(Value)) -> Result<(), String> {
        for number in 0..self.options.publishers {
            self.join(Role::Publisher, number)?;
            let own = self.participants.len() - 1;
            self.until("publishing", |load| {
                load.participants[own]
                    .media
                    .publisher
                    .as_ref()
                    .is_some_and(|publisher| publisher.endpoint.connected_at().is_some())
            })?;
        }
        tell(json!({"event": "published"}));
        self.turn_until(Instant::now() + self.options.settle)?;
        tell(json!({"event": "joining"}));
        let began = Instant::now();
        for number in 0..self.options.subscribers {
            self.join(Role::Subscriber, number)?;
            self.turn_until(began + self.options.join_interval * (number as u32 + 1))?;
            let limit = self.options.joins_in_flight;
            self.until("connecting", |load| load.connecting() < limit)?;
        }
        let tracks = self.options.publishers
            * (usize::from(self.options.has_video) + usize::from(self.options.has_audio));
        self.until("receiving", |load| {
            load.subscribers().all(|subscriber| {
                subscriber
                    .media
                    .subscriber
                    .endpoint
                    .connected_at()
                    .is_some()
                    && subscriber.media.subscriber.endpoint.flows().count() >= tracks
            })
        })?;
        tell(json!({"event": "joined"}));
        self.turn_until(Instant::now() + self.options.warm_up)?;
        tell(json!({"event": "window_begin"}));
        let (from, before) = (Instant::now(), self.count());
        self.turn_until(from + self.options.window)?;
        let (elapsed, after) = (from.elapsed(), self.count());
        tell(json!({"event": "window_end"}));
        tell(self.result(elapsed, before, after));
        self.participants.iter_mut().for_each(Participant::leave);
        Ok(())
    }

    fn subscribers(&self) -> impl Iterator<Item = &Participant> {
        self.participants
            .iter()
            .filter(|participant| participant.media.role == Role::Subscriber)
    }

    /// Returns how many of those who receive are not connected yet.
    fn connecting(&self) -> usize {
        self.subscribers()
            .filter(|subscriber| {
                let endpoint = &subscriber.media.subscriber.endpoint;
                endpoint.connected_at().is_none()
            })
            .count()
    }

    fn join(&mut self, role: Role, number: usize) -> Result<(), String> {
        let mut participant = Participant::open(&self.options, role, number)?;
        let first = self.participants.len() * TOKENS;
        let registry = self.poll.registry();
        let stream: TcpStream = participant.readiness().map_err(|error| error.to_string())?;
        let mut stream = mio::net::TcpStream::from_std(stream);
        let register = |source: &mut dyn mio::event::Source, place: usize| {
            registry
                .register(source, Token(first + place), Interest::READABLE)
                .map_err(|error| error.to_string())
        };
        register(&mut stream, 0)?;
        if let Some(publisher) = &mut participant.media.publisher {
            register(&mut publisher.udp, 1)?;
        }
        register(&mut participant.media.subscriber.udp, 2)?;
        self.watched.push(stream);
        participant.handle_signalling()?;
        self.participants.push(participant);
        Ok(())
    }

    /// Waits for the next thing to happen, at most until `limit`, and handles it.
    fn turn(&mut self, limit: Instant) -> Result<(), String> {
        let deadline = self
            .participants
            .iter()
            .map(Participant::deadline)
            .fold(limit, Instant::min);
        let wait = deadline.saturating_duration_since(Instant::now());
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(()),
            outcome => outcome.map_err(|error| error.to_string())?,
        }
        for event in &self.events {
            let Token(token) = event.token();
            let number = token / TOKENS;
            let participant = &mut self.participants[number];
            let handled = match (token % TOKENS, &mut participant.media.publisher) {
                (0, _) => participant.handle_signalling(),
                (1, Some(publisher)) => publisher.receive(),
                _ => participant.media.subscriber.receive(),
            };
            handled.map_err(|error| format!("participant {number}: {error}"))?;
        }
        for (number, participant) in self.participants.iter_mut().enumerate() {
            participant
                .handle_timeout(Instant::now())
                .map_err(|error| format!("participant {number}: {error}"))?;
        }
        Ok(())
    }

    fn turn_until(&mut self, until: Instant) -> Result<(), String> {
        while Instant::now() < until {
            self.turn(until)?;
        }
        Ok(())
    }

    fn until(&mut self, phase: &str, is_done: impl Fn(&Self) -> bool) -> Result<(), String> {
        let limit = Instant::now() + PHASE;
        while !is_done(self) {
            let now = Instant::now();
            if now >= limit {
                let flows: Vec<_> = self
                    .subscribers()
                    .map(|subscriber| subscriber.media.subscriber.endpoint.flows().count())
                    .collect();
                return Err(format!("not {phase} after {PHASE:?}; flows {flows:?}"));
            }
            self.turn(limit.min(now + Duration::from_millis(20)))?;
        }
        Ok(())
    }

    fn count(&self) -> Count {
        let mut count = Count::default();
        for subscriber in self.subscribers() {
            for flow in subscriber.media.subscriber.endpoint.flows() {
                count.packets += flow.tally.packets;
                count.bytes += flow.tally.bytes;
                count.lost += flow.tally.lost();
            }
        }
        count
    }

    fn result(&self, elapsed: Duration, before: Count, after: Count) -> Value {
        let mut moments: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for subscriber in self.subscribers() {
            let began_at = subscriber.media.moments.began_at;
            let endpoint = &subscriber.media.subscriber.endpoint;
            let first = endpoint
                .flows()
                .filter_map(|flow| flow.tally.first_at)
                .min();
            let mut note = |name, from: Option<Instant>, to: Option<Instant>| {
                if let (Some(from), Some(to)) = (from, to) {
                    let ms = to.saturating_duration_since(from).as_secs_f64() * 1000.0;
                    moments.entry(name).or_default().push(ms);
                }
            };
            note(
                "join_ms",
                Some(began_at),
                subscriber.media.moments.joined_at,
            );
            note("connected_ms", Some(began_at), endpoint.connected_at());
            note("first_packet_ms", Some(began_at), first);
            note(
                "first_packet_after_connected_ms",
                endpoint.connected_at(),
                first,
            );
        }
        let mut result = json!({
            "event": "result",
            "publishers": self.options.publishers,
            "subscribers": self.options.subscribers,
            "duration_s": elapsed.as_secs_f64(),
            "packets": after.packets - before.packets,
            "bytes": after.bytes - before.bytes,
            "lost": after.lost.saturating_sub(before.lost),
            "subscriptions": self.subscribers().map(Participant::wanted).sum::<usize>(),
            "keyframe_requests": self
                .participants
                .iter()
                .filter_map(|participant| participant.media.publisher.as_ref())
                .map(|publisher| publisher.endpoint.keyframe_requests())
                .sum::<u64>(),
            "client_cpu_s": cpu_s(),
        });
        for (name, mut values) in moments {
            values.sort_by(f64::total_cmp);
            let at = |percent: usize| values[(values.len() - 1) * percent / 100];
            result[name] = json!({"p50": at(50), "p95": at(95), "max": at(100)});
        }
        result
    }
}

/// Processor time of this program so far, in seconds; 0 where the system does not say.
fn cpu_s() -> f64 {
    std::fs::read_to_string("/proc/self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok())
        .map_or(0.0, |nanoseconds| nanoseconds / 1e9)
}
