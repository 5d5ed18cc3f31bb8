//! Short trains of packets that try a higher rate.

use std::time::Duration;

use super::cluster::{Cluster, Finding};

/// How long a probe lasts, µs. A longer one sees through jitter and fills queues more.
pub(super) const DURATION_US: i64 = 20_000;
/// Fewest packets of a probe: with fewer, chance decides.
pub(super) const MIN_PACKETS: u16 = 5;
/// How far a probe goes beyond the estimate while no congestion has been seen, and afterwards. A
/// larger value climbs in fewer steps, and fills a narrow path's queue in proportion.
const REACH: f64 = 2.0;
const GENTLE_REACH: f64 = 1.5;
/// A desire that exceeds the estimate by less than this is not worth a probe.
const WORTHWHILE: f64 = 1.02;
/// Rest after a probe that failed, before and after congestion was seen, µs; it doubles with each
/// further one up to the longest. Longer rests disturb a narrow path less, and find out later that
/// it has become wide.
const FIRST_REST_US: i64 = 1_000_000;
const GENTLE_REST_US: i64 = 3_000_000;
const MAX_REST_US: i64 = 10_000_000;
/// Longest rest where what a probe promised was followed by congestion, µs.
const MAX_HARM_REST_US: i64 = 20_000_000;
/// Congestion within this time after a probe raised the estimate is its fault, µs; without any, the
/// probe has proven right.
const TRIAL_US: i64 = 10_000_000;
/// A probe that nothing is heard of for this long and a round trip is given up, µs.
const PATIENCE_US: i64 = 700_000;
/// A probe is missed, because its report was lost or nothing was sent, once something that left
/// this long after its beginning is reported, µs.
const MISSED_US: i64 = 200_000;
/// A missed probe is followed by another this long after it, µs. Longer is late, shorter
/// is in vain where there is nothing to probe with.
const MISSED_REST_US: i64 = 500_000;

/// A train of packets to send: media brought forward, resent packets or padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Marks the packets of this probe in the reports; wraps.
    pub id: u8,
    /// How fast to send, bit/s.
    pub rate_bps: u64,
    /// How long to send; 20 ms.
    pub duration: Duration,
    /// Send at least as many packets, even where that takes longer than `duration`. Where the rate
    /// is low they should be small: padding of some 250 bytes, not a resent packet of 1200.
    pub min_packets: u16,
}

/// When to probe, and what a probe has shown.
#[derive(Clone, Debug)]
pub(super) struct Probing {
    next_id: u8,
    outstanding: Option<Cluster>,
    next_us: i64,
    rest_us: i64,
    is_gentle: bool,
    /// When a probe last raised the estimate, until that has proven right or wrong.
    raised_us: Option<i64>,
}

impl Probing {
    pub(super) fn new(now_us: i64) -> Self {
        Self {
            next_id: 0,
            outstanding: None,
            next_us: now_us,
            rest_us: FIRST_REST_US,
            is_gentle: false,
            raised_us: None,
        }
    }

    /// Returns the probe to send now, if any.
    pub(super) fn poll(
        &mut self,
        rate_bps: f64,
        desired_bps: f64,
        round_trip_us: i64,
        now_us: i64,
    ) -> Option<Probe> {
        if let Some(cluster) = &self.outstanding {
            if now_us - cluster.began_us() < PATIENCE_US + 2 * round_trip_us {
                return None;
            }
            self.outstanding = None;
            self.fail(now_us);
        }
        if now_us < self.next_us || desired_bps < rate_bps * WORTHWHILE {
            return None;
        }
        let reach = if self.is_gentle { GENTLE_REACH } else { REACH };
        let probe_bps = (rate_bps * reach).min(desired_bps);
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        self.outstanding = Some(Cluster::new(id, probe_bps, now_us));
        Some(Probe {
            id,
            rate_bps: probe_bps as u64,
            duration: Duration::from_micros(DURATION_US as u64),
            min_packets: MIN_PACKETS,
        })
    }

    /// Notes a packet that is reported for the first time.
    pub(super) fn note(
        &mut self,
        sent_us: i64,
        size: u16,
        arrived_us: Option<i64>,
        probe: Option<u8>,
    ) {
        let Some(cluster) = &mut self.outstanding else {
            return;
        };
        cluster.note(sent_us, size, arrived_us, probe);
        if cluster.packets() == 0 && sent_us - cluster.began_us() > MISSED_US {
            self.next_us = cluster.began_us() + MISSED_REST_US;
            self.outstanding = None;
        }
    }

    /// Returns what the outstanding probe has shown once it is complete.
    pub(super) fn take_finding(&mut self, inherent_loss: f64, now_us: i64) -> Option<Finding> {
        if !self.outstanding.as_ref()?.is_complete() {
            return None;
        }
        let cluster = self.outstanding.take()?;
        let finding = cluster.finding(inherent_loss);
        match finding {
            // Not a failure of the path: most of the probe was never reported.
            None if cluster.packets() < u32::from(MIN_PACKETS) => {
                self.next_us = now_us + MISSED_REST_US;
            }
            Some(finding) if finding.is_success => {
                // The end of the path is known once a probe filled it.
                self.next_us = if finding.is_saturated {
                    now_us + self.rest_us
                } else {
                    now_us
                };
            }
            _ => self.fail(now_us),
        }
        finding
    }

    /// Notes that the estimate was raised to what a probe found.
    pub(super) fn note_raise(&mut self, now_us: i64) {
        self.raised_us = Some(now_us);
    }

    /// Notes congestion: from now on probes reach less far, and rest for a while.
    pub(super) fn note_congestion(&mut self, now_us: i64) {
        let is_harm = self
            .raised_us
            .take()
            .is_some_and(|raised_us| now_us - raised_us < TRIAL_US);
        if is_harm && self.is_gentle {
            self.rest_us = (self.rest_us * 2).min(MAX_HARM_REST_US);
        }
        self.is_gentle = true;
        self.rest_us = self.rest_us.max(GENTLE_REST_US);
        self.next_us = self.next_us.max(now_us + self.rest_us);
    }

    /// Notes that all goes well: a probe that has proven right makes the next rest short again.
    pub(super) fn note_calm(&mut self, now_us: i64) {
        if self
            .raised_us
            .is_some_and(|raised_us| now_us - raised_us >= TRIAL_US)
        {
            self.raised_us = None;
            self.rest_us = if self.is_gentle {
                GENTLE_REST_US
            } else {
                FIRST_REST_US
            };
        }
    }

    fn fail(&mut self, now_us: i64) {
        self.next_us = now_us + self.rest_us;
        if self.rest_us < MAX_REST_US {
            self.rest_us = (self.rest_us * 2).min(MAX_REST_US);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends a probe's packets of 1000 bytes through a path of `path_bps`.
    fn answer(probing: &mut Probing, probe: Probe, path_bps: f64, from_us: i64) {
        let bytes = probe.rate_bps * probe.duration.as_micros() as u64 / 8_000_000;
        let packets = (bytes / 1000 + 1).max(u64::from(probe.min_packets)) as i64;
        let gap_us = 8e9 / probe.rate_bps as f64;
        let mut free_us = 0.0f64;
        for number in 0..packets {
            let sent_us = from_us as f64 + number as f64 * gap_us;
            free_us = free_us.max(sent_us) + 8e9 / path_bps;
            probing.note(
                sent_us as i64,
                1000,
                Some(free_us as i64 + 5_000),
                Some(probe.id),
            );
        }
    }

    #[test]
    fn a_success_is_followed_at_once_up_to_what_is_desired() {
        let mut probing = Probing::new(0);
        let (mut rate_bps, mut now_us) = (1.5e6, 0);
        let mut rates = Vec::new();
        while let Some(probe) = probing.poll(rate_bps, 1e7, 50_000, now_us) {
            rates.push(probe.rate_bps);
            answer(&mut probing, probe, 1e8, now_us);
            now_us += 100_000;
            let finding = probing.take_finding(0.0, now_us).unwrap();
            assert!(finding.is_success);
            rate_bps = finding.bps;
        }
        assert_eq!(rates.len(), 3, "{rates:?}");
        assert!(rate_bps > 9.8e6, "{rate_bps}");
    }

    #[test]
    fn a_full_path_is_found_at_what_it_delivers() {
        let mut probing = Probing::new(0);
        let probe = probing.poll(2e6, 1e7, 50_000, 0).unwrap();
        answer(&mut probing, probe, 2.5e6, 0);
        let finding = probing.take_finding(0.0, 100_000).unwrap();
        assert!(finding.is_saturated && !finding.is_success);
        assert!((2.2e6..2.5e6).contains(&finding.bps), "{finding:?}");
        assert_eq!(probing.poll(2e6, 1e7, 50_000, 1_000_000), None);
        assert!(probing.poll(2e6, 1e7, 50_000, 1_200_000).is_some());
    }

    #[test]
    fn probes_are_gentle_after_congestion() {
        let mut probing = Probing::new(0);
        probing.note_congestion(0);
        assert_eq!(probing.poll(2e5, 1e7, 50_000, 2_900_000), None);
        let probe = probing.poll(2e5, 1e7, 50_000, 3_100_000).unwrap();
        assert_eq!(probe.rate_bps, 300_000);
    }

    #[test]
    fn an_unanswered_probe_is_given_up() {
        let mut probing = Probing::new(0);
        probing.poll(2e5, 1e7, 50_000, 0).unwrap();
        assert_eq!(probing.poll(2e5, 1e7, 50_000, 500_000), None);
        assert_eq!(probing.poll(2e5, 1e7, 50_000, 1_000_000), None);
        assert!(probing.poll(2e5, 1e7, 50_000, 2_100_000).is_some());
    }
}
