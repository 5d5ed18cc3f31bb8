//! Bottlenecks with a queue.

use super::flow::World;
use super::link::Link;

const SEEDS: std::ops::Range<u64> = 0..6;

fn path(rate_bps: f64, queue_ms: i64, seed: u64) -> Link {
    Link {
        rate_bps,
        queue_us: queue_ms * 1000,
        ..Link::new(rate_bps, seed)
    }
}

#[test]
fn a_wide_path_is_known_within_a_second() {
    for seed in SEEDS {
        for delay_us in [5_000, 25_000, 100_000] {
            let link = Link {
                delay_us,
                ..path(1e8, 300, seed)
            };
            let mut world = World::new(link, 1_500_000, seed);
            world.flows[0].desired_bps = 1e7;
            let took_ms = world.wait_ms(1_000, |bps| bps >= 9.5e6);
            assert!(took_ms.is_some(), "seed {seed}, delay {delay_us} µs");
        }
    }
}

#[test]
fn probes_go_no_further_than_what_is_desired() {
    let mut world = World::new(path(1e8, 300, 1), 500_000, 1);
    world.flows[0].desired_bps = 1_200_000.0;
    let tally = world.watch_ms(2_000);
    assert!(tally.max_bps <= 1_200_000, "{tally:?}");
    assert!(tally.max_bps >= 1_100_000, "{tally:?}");
}

#[test]
fn a_narrow_path_gets_all_sound_and_the_small_picture() {
    for seed in SEEDS {
        for queue_ms in [200, 300, 400] {
            let mut world = World::new(path(200_000.0, queue_ms, seed), 1_500_000, seed);
            let first = world.watch_ms(4_000);
            let rest = world.watch_ms(40_000);
            let case = format!("seed {seed}, queue {queue_ms} ms: {first:?} {rest:?}");
            assert!(first.heard_share() > 0.8, "{case}");
            assert!(rest.heard_share() > 0.999, "{case}");
            assert!(rest.frames[0] >= 1190, "{case}");
            assert!(rest.max_bps < 500_000, "{case}");
        }
    }
}

#[test]
fn a_good_path_carries_the_large_picture_from_the_start() {
    for seed in SEEDS {
        for rate_bps in [3e6, 5e6] {
            let mut world = World::new(path(rate_bps, 300, seed), 1_500_000, seed);
            world.run_ms(2_000);
            let tally = world.watch_ms(30_000);
            assert_eq!(tally.frames[2], 900, "seed {seed}: {tally:?}");
            assert_eq!(tally.heard, tally.sounds, "seed {seed}: {tally:?}");
        }
    }
}

#[test]
fn a_path_that_narrows_and_widens_is_followed() {
    for seed in SEEDS {
        let mut world = World::new(path(5e6, 300, seed), 1_500_000, seed);
        world.run_ms(10_000);
        world.link.rate_bps = 350_000.0;
        let down_ms = world.wait_ms(2_000, |bps| bps < 400_000.0);
        assert!(down_ms.is_some(), "seed {seed}");
        world.run_ms(3_000);
        let tally = world.watch_ms(12_000);
        assert!(tally.heard_share() > 0.999, "seed {seed}: {tally:?}");
        assert_eq!(tally.frames[0], 360, "seed {seed}: {tally:?}");
        world.link.rate_bps = 5e6;
        let up_ms = world.wait_ms(20_000, |bps| bps >= 2.4e6);
        assert!(up_ms.is_some(), "seed {seed}");
    }
}

#[test]
fn a_sender_without_end_uses_a_path_and_keeps_its_queue_short_for_sound() {
    for seed in SEEDS {
        for (rate_bps, queue_ms) in [(5e5, 400), (1e6, 200), (2e6, 400), (5e6, 50)] {
            let mut world = World::new(path(rate_bps, queue_ms, seed), 1_500_000, seed);
            world.flows[0].fixed_bps = Some(1e7);
            world.flows[0].desired_bps = 1e7;
            world.run_ms(5_000);
            let tally = world.watch_ms(35_000);
            let got_bps = tally.arrived_bytes as f64 * 8.0 / 35.0;
            let case = format!("seed {seed}, {rate_bps} bit/s, {queue_ms} ms: {tally:?}");
            assert!(got_bps > rate_bps * 0.8, "{case}");
            assert!(tally.heard_share() > 0.93, "{case}");
        }
    }
}

#[test]
fn jitter_does_not_halve_the_estimate() {
    for seed in SEEDS {
        for rate_bps in [1e6, 3e6, 5e6] {
            let link = Link {
                jitter_us: 20_000,
                batch_us: 3_000,
                ..path(rate_bps, 300, seed)
            };
            let mut world = World::new(link, 1_500_000, seed);
            world.run_ms(5_000);
            let tally = world.watch_ms(60_000);
            let case = format!("seed {seed}, {rate_bps} bit/s: {tally:?}");
            let known_bps = rate_bps.min(2.5e6);
            assert!(tally.min_bps as f64 > known_bps * 0.5, "{case}");
            assert!(tally.mean_bps() > known_bps * 0.8, "{case}");
        }
    }
}

#[test]
fn two_senders_share_a_bottleneck() {
    for seed in SEEDS {
        let mut world = World::new(path(2e6, 300, seed), 1_500_000, seed);
        world.run_ms(10_000);
        world.join(300_000, seed + 100);
        for flow in &mut world.flows {
            flow.fixed_bps = Some(1e7);
            flow.desired_bps = 1e7;
        }
        world.run_ms(20_000);
        for flow in &mut world.flows {
            flow.take_tally();
        }
        world.run_ms(60_000);
        let got = [0, 1].map(|flow| world.flows[flow].tally.arrived_bytes as f64 * 8.0 / 60.0);
        assert!(got[0] + got[1] > 1.4e6, "seed {seed}: {got:?}");
        assert!(got[0].min(got[1]) > 4e5, "seed {seed}: {got:?}");
    }
}

#[test]
fn a_clock_that_drifts_or_leaps_does_not_matter() {
    for seed in SEEDS {
        for drift_ppm in [-100, 100] {
            let mut world = World::new(path(5e6, 300, seed), 1_500_000, seed);
            world.flows[0].drift_ppm = drift_ppm;
            world.run_ms(3_000);
            let drifting = world.watch_ms(60_000);
            assert!(drifting.min_bps > 2_400_000, "{drifting:?}");
            for leap_us in [700_000, -700_000, 1 << 45, -(1 << 45)] {
                world.flows[0].leap_us += leap_us;
                let leapt = world.watch_ms(5_000);
                assert!(leapt.min_bps > 2_000_000, "{leap_us}: {leapt:?}");
            }
        }
    }
}

#[test]
fn a_longer_way_costs_little_and_not_for_long() {
    for seed in SEEDS {
        let mut world = World::new(path(5e6, 300, seed), 1_500_000, seed);
        world.run_ms(5_000);
        world.link.delay_us += 100_000;
        let tally = world.watch_ms(10_000);
        assert!(tally.min_bps > 500_000, "seed {seed}: {tally:?}");
        assert!(
            world.wait_ms(15_000, |bps| bps > 2.4e6).is_some(),
            "seed {seed}"
        );
    }
}

#[test]
fn a_stall_is_forgiven() {
    for seed in SEEDS {
        for stall_us in [100_000, 300_000, 800_000] {
            let mut world = World::new(path(5e6, 1_000, seed), 1_500_000, seed);
            world.run_ms(5_000);
            world.link.stalled_until_us = world.us + stall_us;
            let tally = world.watch_ms(10_000);
            let case = format!("seed {seed}, {stall_us} µs: {tally:?}");
            assert!(tally.min_bps > 1_000_000, "{case}");
            assert!(tally.frames[2] > 150, "{case}");
        }
    }
}

#[test]
fn a_rival_that_leaves_little_is_yielded_to() {
    for seed in SEEDS {
        let mut world = World::new(path(5e6, 300, seed), 1_500_000, seed);
        world.run_ms(5_000);
        world.link.cross_bps = 4e6;
        let tally = world.watch_ms(20_000);
        assert!(tally.heard_share() > 0.99, "seed {seed}: {tally:?}");
        assert!(tally.min_bps > 100_000, "seed {seed}: {tally:?}");
        world.link.cross_bps = 0.0;
        let back_ms = world.wait_ms(30_000, |bps| bps > 2.4e6);
        assert!(back_ms.is_some(), "seed {seed}");
    }
}

#[test]
fn silence_lowers_the_estimate_and_reports_raise_it_again() {
    let mut world = World::new(path(5e6, 300, 1), 1_500_000, 1);
    world.run_ms(5_000);
    world.flows[0].is_deaf = true;
    let before_bps = world.flows[0].estimate_bps();
    world.run_ms(900);
    assert_eq!(world.flows[0].estimate_bps(), before_bps);
    world.run_ms(1_600);
    let after_bps = world.flows[0].estimate_bps();
    assert!(after_bps < before_bps * 0.6 && after_bps > 100_000.0);
    world.run_ms(20_000);
    assert!(world.flows[0].estimate_bps() >= 99_000.0);
    world.flows[0].is_deaf = false;
    assert!(world.wait_ms(15_000, |bps| bps > 2.4e6).is_some());
}
