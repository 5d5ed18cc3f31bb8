//! How fast packets may leave: a leaky bucket that lets a frame through at once.

use std::time::{Duration, Instant};

use crate::estimator::Probe;

/// How much faster than the estimate packets leave, percent: a frame is made in one moment and
/// must not take until the next.
const HEADROOM_PERCENT: u64 = 250;

/// The same while the path is congested: the queue before the bottleneck must drain.
const CONGESTED_PERCENT: u64 = 120;

/// What may leave at once, as a time at the pace. More fills queues on the way, less costs
/// wake-ups.
const BURST: Duration = Duration::from_millis(40);

/// Least that may leave at once, bytes: two packets.
const MIN_BURST_BYTES: f64 = 3_000.0;

/// Longest that anything waits; a longer queue leaves faster. Shorter keeps a picture that is too
/// large for the path moving, longer keeps it from being lost there.
const MAX_WAIT_S: f64 = 2.0;

/// A queue longer than this is given up where a picture begins anew. Shorter loses pictures that
/// were about to arrive, longer shows old ones.
const MAX_LATE_S: f64 = 0.2;

/// Slowest pace, bit/s.
const MIN_PACE_BPS: u64 = 100_000;

/// How often the pacer wakes up for what waits.
const STEP: Duration = Duration::from_millis(5);

/// How often it wakes up during a probe.
const PROBE_STEP: Duration = Duration::from_millis(2);

/// A probe under way.
#[derive(Debug)]
struct Running {
    probe: Probe,
    began_at: Instant,
    bytes: u64,
    packets: u16,
}

/// Paces the packets of one transport.
#[derive(Debug)]
pub(crate) struct Pacer {
    pace_bps: u64,
    /// Sent beyond what the pace allowed so far, bytes.
    debt: f64,
    updated_at: Instant,
    running: Option<Running>,
}

impl Pacer {
    pub(crate) fn new(estimate_bps: u64, now: Instant) -> Self {
        let mut pacer = Self {
            pace_bps: 0,
            debt: 0.0,
            updated_at: now,
            running: None,
        };
        pacer.set_estimate(estimate_bps, false);
        pacer
    }

    /// Takes a new estimate of what the path carries, bit/s, and whether it is congested.
    pub(crate) fn set_estimate(&mut self, estimate_bps: u64, is_congested: bool) {
        let percent = if is_congested {
            CONGESTED_PERCENT
        } else {
            HEADROOM_PERCENT
        };
        self.pace_bps = (estimate_bps * percent / 100).max(MIN_PACE_BPS);
    }

    /// Lets time pass; `waiting` bytes are queued.
    pub(crate) fn advance(&mut self, waiting: usize, now: Instant) {
        let passed_s = now
            .saturating_duration_since(self.updated_at)
            .as_secs_f64()
            .min(1.0);
        self.updated_at = now;
        let pace = bytes_per_s(self.pace_bps).max(waiting as f64 / MAX_WAIT_S);
        self.debt = (self.debt - pace * passed_s).max(0.0);
        if self.running.as_ref().is_some_and(|run| is_done(run, now)) {
            self.running = None;
        }
    }

    /// Returns whether `waiting` bytes take longer than a picture should be late.
    pub(crate) fn is_behind(&self, waiting: usize) -> bool {
        waiting as f64 > bytes_per_s(self.pace_bps) * MAX_LATE_S
    }

    /// Returns whether a packet may leave now.
    pub(crate) fn is_open(&self) -> bool {
        self.running.is_some() || self.debt < self.burst()
    }

    fn burst(&self) -> f64 {
        (bytes_per_s(self.pace_bps) * BURST.as_secs_f64()).max(MIN_BURST_BYTES)
    }

    /// Notes that a packet leaves; returns the probe it belongs to.
    pub(crate) fn record(&mut self, bytes: usize) -> Option<u8> {
        self.debt += bytes as f64;
        let running = self.running.as_mut()?;
        running.bytes += bytes as u64;
        running.packets = running.packets.saturating_add(1);
        Some(running.probe.id)
    }

    /// Begins to send at a probe's rate.
    pub(crate) fn begin(&mut self, probe: Probe, now: Instant) {
        self.running = Some(Running {
            probe,
            began_at: now,
            bytes: 0,
            packets: 0,
        });
    }

    /// How many bytes a probe still needs now.
    pub(crate) fn padding(&self, now: Instant) -> usize {
        let Some(running) = &self.running else {
            return 0;
        };
        let elapsed = now.saturating_duration_since(running.began_at) + PROBE_STEP;
        let due = bytes_per_s(running.probe.rate_bps) * elapsed.as_secs_f64();
        (due as u64).saturating_sub(running.bytes) as usize
    }

    /// When to come back, given whether anything waits and whether there is something to pad with.
    pub(crate) fn due_at(&self, is_waiting: bool, can_pad: bool) -> Option<Instant> {
        if self.running.is_some() && (can_pad || is_waiting) {
            return Some(self.updated_at + PROBE_STEP);
        }
        is_waiting.then(|| {
            let over = (self.debt - self.burst()).max(0.0);
            let wait = Duration::from_secs_f64(over / bytes_per_s(self.pace_bps));
            self.updated_at + wait.clamp(STEP, STEP * 20)
        })
    }
}

fn is_done(run: &Running, now: Instant) -> bool {
    let elapsed = now.saturating_duration_since(run.began_at);
    let is_full = elapsed >= run.probe.duration && run.packets >= run.probe.min_packets;
    // A probe for which there is nothing to send ends as well.
    is_full || elapsed >= run.probe.duration * 5
}

fn bytes_per_s(bps: u64) -> f64 {
    bps as f64 / 8.0
}

// A test is where time comes from.
#[allow(clippy::disallowed_methods)]
#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// How many packets of 1,000 bytes leave at once.
    fn burst(pacer: &mut Pacer) -> usize {
        let mut packets = 0;
        while pacer.is_open() {
            pacer.record(1_000);
            packets += 1;
        }
        packets
    }

    #[test]
    fn a_frame_leaves_at_once_and_what_is_more_at_the_pace() {
        let now = Instant::now();
        let mut pacer = Pacer::new(2_000_000, now);
        // 5 Mbit/s for 40 ms are 25 kB.
        assert_eq!(burst(&mut pacer), 25);
        let due_at = pacer.due_at(true, true).unwrap();
        assert_eq!(due_at, now + STEP);
        pacer.advance(10_000, due_at);
        // 5 ms at 5 Mbit/s are 3.1 kB.
        assert_eq!(burst(&mut pacer), 4);
        assert_eq!(pacer.due_at(false, true), None);
    }

    #[test]
    fn a_long_queue_leaves_faster() {
        let now = Instant::now();
        let mut pacer = Pacer::new(200_000, now);
        burst(&mut pacer);
        // At 500 kbit/s these would take 3 s.
        let mut sent = 0;
        for step in 1..=100 {
            pacer.advance(200_000 - sent * 1_000, now + 5 * MS * step);
            sent += burst(&mut pacer);
        }
        assert!((35..60).contains(&sent), "{sent}");
    }

    #[test]
    fn a_probe_sends_at_its_rate_for_its_time_with_padding() {
        let now = Instant::now();
        let mut pacer = Pacer::new(500_000, now);
        let probe = Probe {
            id: 7,
            rate_bps: 4_000_000,
            duration: 20 * MS,
            min_packets: 5,
        };
        pacer.begin(probe, now);
        let mut at = now;
        let mut sent = 0;
        while let Some(due_at) = pacer.due_at(false, true) {
            let padding = pacer.padding(at);
            sent += padding;
            for _ in 0..padding.div_ceil(250) {
                assert_eq!(pacer.record(250), Some(7));
            }
            at = due_at;
            pacer.advance(0, at);
        }
        // 20 ms at 4 Mbit/s are 10 kB.
        assert!((9_000..=11_500).contains(&sent), "{sent}");
        assert!((18..=24).contains(&(at - now).as_millis()));
    }

    #[test]
    fn a_probe_with_nothing_to_send_ends() {
        let now = Instant::now();
        let mut pacer = Pacer::new(500_000, now);
        let probe = Probe {
            id: 1,
            rate_bps: 1_000_000,
            duration: 15 * MS,
            min_packets: 5,
        };
        pacer.begin(probe, now);
        assert_eq!(pacer.due_at(false, false), None);
        pacer.advance(0, now + 75 * MS);
        assert!(pacer.running.is_none());
    }
}
