//! Reports that are late, lost, repeated or of another kind.

use std::time::{Duration, Instant};

use super::super::{Estimator, Reported};
use super::flow::World;
use super::link::Link;

const SEEDS: std::ops::Range<u64> = 0..6;

#[test]
fn slow_and_lost_reports_do_not_lower_the_estimate() {
    for seed in SEEDS {
        for (every_us, lost) in [(200_000, 0.0), (100_000, 0.2)] {
            let mut world = World::new(Link::new(5e6, seed), 1_500_000, seed);
            world.flows[0].report_every_us = every_us;
            world.flows[0].report_loss = lost;
            world.run_ms(5_000);
            let tally = world.watch_ms(30_000);
            let case = format!("seed {seed}, each {every_us} µs: {tally:?}");
            assert_eq!(tally.frames[2], 900, "{case}");
            assert!(tally.min_bps > 2_300_000, "{case}");
        }
    }
}

#[test]
fn slow_and_lost_reports_still_show_a_narrow_path() {
    for seed in SEEDS {
        for (every_us, lost) in [(200_000, 0.0), (100_000, 0.2)] {
            let mut world = World::new(Link::new(2e5, seed), 1_500_000, seed);
            world.flows[0].report_every_us = every_us;
            world.flows[0].report_loss = lost;
            world.run_ms(5_000);
            let tally = world.watch_ms(30_000);
            let case = format!("seed {seed}, each {every_us} µs: {tally:?}");
            assert!(tally.heard_share() > 0.995, "{case}");
            assert!(tally.frames[0] > 850, "{case}");
        }
    }
}

/// Half a second of packets each 5 ms, of which each third is lost, reported in one go.
fn reported(start: Instant, first: u64) -> Vec<Reported> {
    (first..first + 100)
        .map(|seq_no| Reported {
            seq_no,
            sent_at: start + Duration::from_millis(seq_no * 5),
            size: 1000,
            arrived_us: (seq_no % 3 > 0).then_some(seq_no as i64 * 5_000),
            probe: None,
        })
        .collect()
}

#[test]
fn what_is_reported_again_changes_nothing() {
    let start = Instant::now();
    let mut once = Estimator::new(1_500_000, 10_000_000, start);
    let mut again = once.clone();
    for round in 0..10 {
        let now = start + Duration::from_millis(round * 500 + 550);
        let packets = reported(start, round * 100);
        once.record_report(&packets, now);
        again.record_report(&packets, now);
        again.record_report(&packets, now);
        if round > 0 {
            again.record_report(&reported(start, (round - 1) * 100), now);
        }
    }
    assert_eq!(once.estimate_bps(), again.estimate_bps());
    assert_eq!(once.loss(), again.loss());
}

#[test]
fn what_arrives_after_all_was_not_lost() {
    let start = Instant::now();
    let mut estimator = Estimator::new(1_500_000, 10_000_000, start);
    let mut packets = reported(start, 0);
    estimator.record_report(&packets, start + Duration::from_millis(550));
    assert!(estimator.loss() > 0.3);
    for packet in &mut packets {
        packet.arrived_us = Some(packet.seq_no as i64 * 5_000);
    }
    estimator.record_report(&packets, start + Duration::from_millis(560));
    assert_eq!(estimator.loss(), 0.0);
}

#[test]
fn a_receivers_own_estimate_counts_alone_or_as_a_bound() {
    let start = Instant::now();
    let mut estimator = Estimator::new(1_500_000, 10_000_000, start);
    estimator.set_desired(5_000_000);
    estimator.record_sent(start);
    estimator.record_remb(4_000_000);
    assert_eq!(estimator.estimate_bps(), 4_000_000);
    assert_eq!(estimator.poll_probe(start), None);
    // Silence means nothing where there never was feedback.
    estimator.record_sent(start + Duration::from_secs(20));
    assert_eq!(estimator.estimate_bps(), 4_000_000);
    let mut packets = reported(start, 0);
    packets.retain(|packet| packet.arrived_us.is_some());
    estimator.record_report(&packets, start + Duration::from_secs(20));
    assert!(estimator.estimate_bps() <= 1_500_000);
    estimator.record_remb(300_000);
    assert_eq!(estimator.estimate_bps(), 300_000);
}

#[test]
fn the_first_probe_waits_for_the_first_packet() {
    let start = Instant::now();
    let mut estimator = Estimator::new(1_500_000, 10_000_000, start);
    estimator.set_desired(5_000_000);
    assert_eq!(estimator.poll_probe(start), None);
    estimator.record_sent(start);
    let probe = estimator.poll_probe(start).unwrap();
    assert_eq!(probe.rate_bps, 3_000_000);
    assert_eq!(estimator.poll_probe(start), None);
}

#[test]
fn a_reset_forgets_the_path_and_the_packets_on_it() {
    let start = Instant::now();
    let mut estimator = Estimator::new(1_500_000, 10_000_000, start);
    estimator.record_report(&reported(start, 0), start + Duration::from_millis(550));
    assert!(estimator.loss() > 0.3);
    let now = start + Duration::from_secs(2);
    estimator.reset(700_000, now);
    assert_eq!(estimator.estimate_bps(), 700_000);
    estimator.record_report(&reported(start, 100), now + Duration::from_millis(50));
    assert_eq!(estimator.loss(), 0.0);
    assert_eq!(estimator.estimate_bps(), 700_000);
}
