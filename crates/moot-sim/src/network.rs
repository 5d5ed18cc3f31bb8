//! A network between endpoints, made of a seed: loss, delay, jitter, reordering, bandwidth.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use crate::rng::Rng;

/// One direction of a path.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// Datagrams lost, per million.
    pub loss_per_million: u32,
    /// Shortest way.
    pub delay: Duration,
    /// Added at random to the delay, order kept.
    pub jitter: Duration,
    /// Datagrams that are held back by another `delay` plus 5 ms and so overtaken, per million.
    pub reorder_per_million: u32,
    /// Datagrams that arrive twice, per million.
    pub duplicate_per_million: u32,
    /// Bits per second; `None` is without limit.
    pub bitrate_bps: Option<u64>,
    /// Longest queue before the bottleneck; what would wait longer is lost.
    pub queue: Duration,
}

impl Default for Link {
    /// A good path: 10 ms and nothing else.
    fn default() -> Self {
        Self {
            loss_per_million: 0,
            delay: Duration::from_millis(10),
            jitter: Duration::ZERO,
            reorder_per_million: 0,
            duplicate_per_million: 0,
            bitrate_bps: None,
            queue: Duration::from_millis(300),
        }
    }
}

#[derive(Debug)]
struct Direction {
    link: Link,
    rng: Rng,
    free_at: Option<Instant>,
    last_arrival: Option<Instant>,
}

#[derive(Debug)]
struct Flight<D> {
    arrives_at: Instant,
    order: u64,
    direction: usize,
    datagram: D,
}

impl<D> PartialEq for Flight<D> {
    fn eq(&self, other: &Self) -> bool {
        (self.arrives_at, self.order) == (other.arrives_at, other.order)
    }
}

impl<D> Eq for Flight<D> {}

impl<D> PartialOrd for Flight<D> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<D> Ord for Flight<D> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.arrives_at, self.order).cmp(&(other.arrives_at, other.order))
    }
}

/// All datagrams on their way, over any number of directions.
#[derive(Debug)]
pub struct Network<D> {
    directions: Vec<Direction>,
    flights: BinaryHeap<Reverse<Flight<D>>>,
    order: u64,
    rng: Rng,
}

impl<D: Clone> Network<D> {
    /// Makes a network in which everything follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            directions: Vec::new(),
            flights: BinaryHeap::new(),
            order: 0,
            rng: Rng::new(seed),
        }
    }

    /// Adds a direction and returns its number.
    pub fn add(&mut self, link: Link) -> usize {
        self.directions.push(Direction {
            link,
            rng: self.rng.fork(),
            free_at: None,
            last_arrival: None,
        });
        self.directions.len() - 1
    }

    /// Changes a direction; what is on its way is not touched.
    pub fn set(&mut self, direction: usize, link: Link) {
        self.directions[direction].link = link;
    }

    /// Sends a datagram of `size_bytes` into a direction.
    pub fn send(&mut self, direction: usize, datagram: D, size_bytes: usize, now: Instant) {
        let path = &mut self.directions[direction];
        let link = path.link;
        // The same number of draws for each datagram, so that one fate does not change the next.
        let is_lost = path.rng.chance(link.loss_per_million);
        let is_late = path.rng.chance(link.reorder_per_million);
        let is_doubled = path.rng.chance(link.duplicate_per_million);
        let jitter_us = path.rng.below(link.jitter.as_micros() as u64 + 1);
        let mut leaves_at = now;
        if let Some(bitrate) = link.bitrate_bps {
            let begins_at = path.free_at.map_or(now, |free| free.max(now));
            if begins_at - now > link.queue {
                return;
            }
            // 28 bytes of IPv4 and UDP headers are sent too.
            let bits = (size_bytes as u64 + 28) * 8;
            leaves_at = begins_at + Duration::from_micros(bits * 1_000_000 / bitrate.max(1));
            path.free_at = Some(leaves_at);
        }
        if is_lost {
            return;
        }
        let mut arrives_at = leaves_at + link.delay + Duration::from_micros(jitter_us);
        if is_late {
            arrives_at += link.delay + Duration::from_millis(5);
        } else {
            arrives_at = path
                .last_arrival
                .map_or(arrives_at, |last| last.max(arrives_at));
            path.last_arrival = Some(arrives_at);
        }
        if is_doubled {
            let again_at = arrives_at + Duration::from_millis(3);
            self.push(direction, datagram.clone(), again_at);
        }
        self.push(direction, datagram, arrives_at);
    }

    fn push(&mut self, direction: usize, datagram: D, arrives_at: Instant) {
        self.order += 1;
        self.flights.push(Reverse(Flight {
            arrives_at,
            order: self.order,
            direction,
            datagram,
        }));
    }

    /// Returns when the next datagram arrives.
    pub fn deadline(&self) -> Option<Instant> {
        self.flights.peek().map(|next| next.0.arrives_at)
    }

    /// Takes the next datagram that has arrived by `now`, and the direction it came by.
    pub fn poll(&mut self, now: Instant) -> Option<(usize, D)> {
        if self.deadline()? > now {
            return None;
        }
        self.flights
            .pop()
            .map(|flight| (flight.0.direction, flight.0.datagram))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(link: Link, seed: u64, datagrams: u32) -> Vec<(u32, Duration)> {
        let start = Instant::now();
        let mut network = Network::new(seed);
        let direction = network.add(link);
        for number in 0..datagrams {
            let now = start + Duration::from_millis(u64::from(number));
            network.send(direction, number, 1000, now);
        }
        let mut arrived = Vec::new();
        while let Some(at) = network.deadline() {
            let (_, number) = network.poll(at).unwrap();
            arrived.push((number, at - start));
        }
        arrived
    }

    #[test]
    fn a_good_link_keeps_order_and_time() {
        let arrived = run(Link::default(), 1, 100);
        assert_eq!(arrived.len(), 100);
        assert!(arrived.is_sorted());
        assert_eq!(arrived[7].1, Duration::from_millis(17));
    }

    #[test]
    fn a_seed_determines_everything() {
        let link = Link {
            loss_per_million: 100_000,
            jitter: Duration::from_millis(20),
            reorder_per_million: 50_000,
            duplicate_per_million: 10_000,
            ..Link::default()
        };
        let arrived = run(link, 42, 2000);
        assert_eq!(arrived, run(link, 42, 2000));
        assert_ne!(arrived, run(link, 43, 2000));
        assert!((1700..1900).contains(&arrived.len()), "{}", arrived.len());
        assert!(!arrived.is_sorted());
    }

    #[test]
    fn a_bottleneck_delays_then_loses() {
        let link = Link {
            bitrate_bps: Some(1_000_000),
            ..Link::default()
        };
        // 8.2 Mbit/s offered to 1 Mbit/s for a second.
        let arrived = run(link, 1, 1000);
        assert!((150..175).contains(&arrived.len()), "{}", arrived.len());
        let slowest = arrived.iter().map(|(_, at)| *at).max().unwrap();
        assert!(slowest < Duration::from_millis(1330), "{slowest:?}");
    }
}
