//! Paths that lose.

use super::flow::World;
use super::link::Link;

const SEEDS: std::ops::Range<u64> = 0..6;

fn lossy(loss: f64, seed: u64) -> World {
    let link = Link {
        loss,
        ..Link::new(1e8, seed)
    };
    World::new(link, 1_500_000, seed)
}

#[test]
fn loss_without_a_queue_does_not_collapse_the_estimate() {
    for seed in SEEDS {
        for (loss, share) in [(0.05, 0.95), (0.1, 0.85), (0.2, 0.75), (0.3, 0.65)] {
            let mut world = lossy(loss, seed);
            world.run_ms(5_000);
            let tally = world.watch_ms(60_000);
            let case = format!("seed {seed}, loss {loss}: {tally:?}");
            assert!(f64::from(tally.frames[2]) > 1800.0 * share, "{case}");
            assert!(tally.min_bps >= 300_000, "{case}");
        }
    }
}

#[test]
fn a_sender_without_end_keeps_most_of_a_lossy_path() {
    for seed in SEEDS {
        for (loss, share) in [(0.05, 0.7), (0.1, 0.6), (0.2, 0.4), (0.3, 0.25)] {
            let link = Link {
                loss,
                ..Link::new(2e6, seed)
            };
            let mut world = World::new(link, 1_500_000, seed);
            world.flows[0].fixed_bps = Some(1e7);
            world.flows[0].desired_bps = 1e7;
            world.run_ms(5_000);
            let tally = world.watch_ms(60_000);
            let case = format!("seed {seed}, loss {loss}: {tally:?}");
            assert!(tally.mean_bps() > 2e6 * share, "{case}");
            assert!(tally.min_bps > 100_000, "{case}");
        }
    }
}

#[test]
fn the_estimate_recovers_when_loss_ends() {
    for seed in SEEDS {
        let mut world = lossy(0.0, seed);
        world.run_ms(5_000);
        world.link.loss = 0.3;
        world.run_ms(10_000);
        world.link.loss = 0.0;
        assert!(
            world.wait_ms(6_000, |bps| bps > 2.2e6).is_some(),
            "seed {seed}"
        );
    }
}

#[test]
fn outages_are_no_congestion() {
    for seed in SEEDS {
        for outage_us in [20_000, 60_000, 150_000] {
            let link = Link {
                outage_us,
                ..Link::new(5e6, seed)
            };
            let mut world = World::new(link, 1_500_000, seed);
            world.run_ms(5_000);
            let tally = world.watch_ms(30_000);
            let case = format!("seed {seed}, {outage_us} µs: {tally:?}");
            assert_eq!(tally.frames[2], 900, "{case}");
        }
    }
}

#[test]
fn the_loss_is_told() {
    let mut world = lossy(0.2, 1);
    world.run_ms(5_000);
    let loss = world.flows[0].estimator.loss();
    assert!((0.12..0.28).contains(&loss), "{loss}");
}

#[test]
fn a_policer_is_obeyed() {
    for seed in SEEDS {
        for (rate_bps, depth, layer) in [(3e5, 1e4, 0), (1e6, 1e4, 1), (1e6, 5e4, 1)] {
            let link = Link {
                policer: Some((rate_bps, depth)),
                ..Link::new(1e8, seed)
            };
            let mut world = World::new(link, 1_500_000, seed);
            world.run_ms(5_000);
            let tally = world.watch_ms(60_000);
            let case = format!("seed {seed}, {rate_bps} bit/s, {depth} bytes: {tally:?}");
            assert!(tally.frames[layer] > 1600, "{case}");
            assert!(tally.heard_share() > 0.99, "{case}");
        }
    }
}

#[test]
fn reordering_is_no_loss() {
    for seed in SEEDS {
        let link = Link {
            reorder: 0.05,
            ..Link::new(5e6, seed)
        };
        let mut world = World::new(link, 1_500_000, seed);
        world.run_ms(3_000);
        let tally = world.watch_ms(30_000);
        assert!(tally.min_bps > 2_400_000, "seed {seed}: {tally:?}");
        assert!(world.flows[0].estimator.loss() < 0.02);
    }
}
