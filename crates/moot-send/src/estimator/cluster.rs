//! What became of the packets of one probe.

use super::probing::{DURATION_US, MIN_PACKETS};

/// Received fewer than this, a probe has no result.
const MIN_RECEIVED: u32 = 4;
/// A probe that came through with this share of its rate has succeeded, and the next follows at
/// once. A larger value gives up sooner on jittery paths.
const SUCCESS: f64 = 0.7;
/// Received at less than this share of what was sent, the probe has found the end of the path.
const UNSATURATED: f64 = 0.85;
/// What is used of the rate at which a path that the probe filled delivered; a larger value leaves
/// less for draining.
const SATURATED_KEPT: f64 = 0.95;

/// Loss in a probe up to this many times the path's own is the path's own. A larger value takes what
/// the probe itself caused for that.
const CHANCE: f64 = 1.5;
/// Share of the bytes with which a probe is complete; the rest is rounding.
const ENOUGH: f64 = 0.95;
/// A probe is over once something else that left this long after its last packet is reported, µs.
const OVER_US: i64 = 30_000;

/// What a probe has shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Finding {
    /// What the path carries at least, bit/s.
    pub(super) bps: f64,
    /// Whether it carries no more than that.
    pub(super) is_saturated: bool,
    /// Whether the probe came through about as fast as it was sent.
    pub(super) is_success: bool,
}

/// Counts of packets.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    packets: u32,
    received: u32,
    bytes: u64,
    received_bytes: u64,
}

impl Sum {
    fn add(&mut self, size: u16, has_arrived: bool) {
        self.packets += 1;
        self.bytes += u64::from(size);
        if has_arrived {
            self.received += 1;
            self.received_bytes += u64::from(size);
        }
    }

    fn merge(&mut self, other: Sum) {
        self.packets += other.packets;
        self.received += other.received;
        self.bytes += other.bytes;
        self.received_bytes += other.received_bytes;
    }
}

/// The packets of one probe, as far as they have been reported, and what left between them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cluster {
    id: u8,
    rate_bps: f64,
    began_us: i64,
    first_sent_us: i64,
    last_sent_us: i64,
    last_size: u16,
    first_arrived_us: i64,
    last_arrived_us: i64,
    first_received_size: u16,
    sum: Sum,
    /// Others since the last of the probe: part of the train if more of it follows.
    between: Sum,
    is_over: bool,
}

impl Cluster {
    /// Makes a probe of which nothing has been reported.
    pub(super) fn new(id: u8, rate_bps: f64, now_us: i64) -> Self {
        Self {
            id,
            rate_bps,
            began_us: now_us,
            first_sent_us: 0,
            last_sent_us: 0,
            last_size: 0,
            first_arrived_us: 0,
            last_arrived_us: 0,
            first_received_size: 0,
            sum: Sum::default(),
            between: Sum::default(),
            is_over: false,
        }
    }

    /// Returns when the probe was asked for.
    pub(super) fn began_us(&self) -> i64 {
        self.began_us
    }

    /// Returns how many of its packets have been reported.
    pub(super) fn packets(&self) -> u32 {
        self.sum.packets
    }

    /// Notes a packet that is reported for the first time.
    pub(super) fn note(
        &mut self,
        sent_us: i64,
        size: u16,
        arrived_us: Option<i64>,
        probe: Option<u8>,
    ) {
        if probe == Some(self.id) {
            self.add(sent_us, size, arrived_us);
        } else if self.sum.packets > 0 {
            if sent_us - self.last_sent_us > OVER_US {
                self.is_over = true;
            } else {
                self.between.add(size, arrived_us.is_some());
            }
        }
    }

    fn add(&mut self, sent_us: i64, size: u16, arrived_us: Option<i64>) {
        if self.sum.packets == 0 {
            self.first_sent_us = sent_us;
            self.last_sent_us = sent_us;
        }
        if sent_us >= self.last_sent_us {
            self.last_sent_us = sent_us;
            self.last_size = size;
        }
        if let Some(arrived_us) = arrived_us {
            let is_first = self.sum.received == 0;
            if is_first || arrived_us < self.first_arrived_us {
                self.first_arrived_us = arrived_us;
                self.first_received_size = size;
            }
            if is_first || arrived_us > self.last_arrived_us {
                self.last_arrived_us = arrived_us;
            }
        }
        self.sum.merge(std::mem::take(&mut self.between));
        self.sum.add(size, arrived_us.is_some());
    }

    /// Says whether all of it has been reported, or what there is of it.
    pub(super) fn is_complete(&self) -> bool {
        let expected = self.rate_bps * DURATION_US as f64 / 8e6;
        let is_enough = self.sum.packets >= u32::from(MIN_PACKETS)
            && self.sum.bytes as f64 >= expected * ENOUGH;
        self.sum.packets > 0 && (self.is_over || is_enough)
    }

    /// The lower of the rates of sending and of arriving, as the train left and came in; what is
    /// lost at any rate does not count against it.
    pub(super) fn finding(&self, inherent_loss: f64) -> Option<Finding> {
        let sum = self.sum;
        if sum.received < MIN_RECEIVED || sum.received * 2 < sum.packets {
            return None;
        }
        let rate = |bytes: u64, span_us: i64| {
            if span_us > 0 {
                bytes as f64 * 8e6 / span_us as f64
            } else {
                f64::INFINITY
            }
        };
        let send_bps = rate(
            sum.bytes - u64::from(self.last_size),
            self.last_sent_us - self.first_sent_us,
        );
        let received = sum.received_bytes - u64::from(self.first_received_size);
        let lost = 1.0 - sum.received_bytes as f64 / sum.bytes.max(1) as f64;
        let arriving_bps = rate(received, self.last_arrived_us - self.first_arrived_us);
        // Of a handful of packets one may be lost by chance.
        let chance = f64::from(sum.packets).recip() + inherent_loss * CHANCE;
        let receive_bps = if lost <= chance {
            arriving_bps / (1.0 - lost)
        } else {
            arriving_bps.min(send_bps.min(self.rate_bps) * (1.0 - lost))
        };
        let bps = send_bps.min(receive_bps).min(self.rate_bps);
        let is_saturated = receive_bps < UNSATURATED * send_bps.min(self.rate_bps);
        Some(Finding {
            bps: if is_saturated {
                bps * SATURATED_KEPT
            } else {
                bps
            },
            is_saturated,
            is_success: bps >= SUCCESS * self.rate_bps,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_BPS: f64 = 4e6;

    /// Ten packets of 1000 bytes, 2 ms apart, of which `lost` are; they arrive `gap_us` apart.
    fn train(gap_us: i64, lost: i64) -> Cluster {
        let mut cluster = Cluster::new(7, RATE_BPS, 0);
        for number in 0..10 {
            let arrived_us = (number >= lost).then_some(50_000 + number * gap_us);
            cluster.note(number * 2_000, 1000, arrived_us, Some(7));
        }
        cluster
    }

    #[test]
    fn a_free_path_is_found_at_the_rate_of_the_probe() {
        let finding = train(2_000, 0).finding(0.0).unwrap();
        assert_eq!((finding.bps, finding.is_saturated), (RATE_BPS, false));
        // A path that delivers all at once proves no more than was sent.
        assert_eq!(train(0, 0).finding(0.0).unwrap().bps, RATE_BPS);
    }

    #[test]
    fn a_bottleneck_is_found_a_little_below_its_rate() {
        let finding = train(4_000, 0).finding(0.0).unwrap();
        assert_eq!(
            (finding.bps, finding.is_saturated, finding.is_success),
            (1.9e6, true, false)
        );
    }

    #[test]
    fn loss_counts_unless_it_is_the_paths_own() {
        assert!(train(2_000, 4).finding(0.0).unwrap().bps < 0.7 * RATE_BPS);
        assert!(train(2_000, 4).finding(0.3).unwrap().is_success);
        assert_eq!(train(2_000, 7).finding(0.0), None);
    }

    #[test]
    fn what_left_between_the_packets_of_a_probe_counts_and_what_left_after_does_not() {
        let mut cluster = Cluster::new(7, RATE_BPS, 0);
        for number in 0..10 {
            let probe = (number % 2 == 0).then_some(7);
            let arrived_us = Some(50_000 + number * 2_000);
            cluster.note(number * 2_000, 1000, arrived_us, probe);
        }
        assert_eq!(cluster.packets(), 9);
        assert!(!cluster.is_complete());
        cluster.note(60_000, 1000, Some(110_000), None);
        assert!(cluster.is_complete());
        assert_eq!(cluster.finding(0.0).unwrap().bps, RATE_BPS);
    }
}
