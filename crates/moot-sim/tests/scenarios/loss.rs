//! Lost packets come back, and nobody decodes what is not whole.

use std::time::Duration;

use moot_sfu::Mode;
use moot_sim::Link;

use crate::world::{Access, Devices, World, camera};

/// Two people, one of whom sends; the way of one loses `per_million` of all packets once both are
/// connected: how long a handshake takes at 30 % loss is chance, and another question.
fn lossy_view(seed: u64, per_million: u32, is_up: bool) -> World {
    let lossy = Link {
        loss_per_million: per_million,
        jitter: Duration::from_millis(5),
        ..Link::default()
    };
    let mut world = World::new(seed);
    let sender = world.join(Mode::Dual, Devices::all(), Access::default());
    let viewer = world.join(Mode::Dual, Devices::none(), Access::default());
    world.run(Duration::from_secs(2));
    let person = if is_up { sender } else { viewer };
    world.set_access(person, Access::both(lossy));
    world
}

fn recovers(per_million: u32, least_frames: u64, longest_freeze: Duration) {
    for is_up in [false, true] {
        for seed in 0..3 {
            let mut world = lossy_view(seed, per_million, is_up);
            world.run(Duration::from_secs(8));
            world.take_report(1, 0);
            world.run(Duration::from_secs(10));
            let report = world.take_report(1, 0);
            let case = format!("seed {seed}, up {is_up}: {report:?}");
            assert_eq!(world.complaints(), [""; 0], "{case}");
            assert!(report.frames >= least_frames, "{case}");
            assert!(report.longest_freeze <= longest_freeze, "{case}");
        }
    }
}

#[test]
fn media_1_at_5_percent_loss_hardly_a_frame_is_missing() {
    recovers(50_000, 285, Duration::from_millis(700));
}

#[test]
fn media_1_at_10_percent_loss_the_picture_goes_on() {
    recovers(100_000, 240, Duration::from_millis(1500));
}

#[test]
fn media_1_at_20_percent_loss_the_picture_is_usable() {
    recovers(200_000, 120, Duration::from_secs(3));
}

#[test]
fn media_1_at_30_percent_loss_the_picture_comes_back() {
    recovers(300_000, 30, Duration::from_secs(6));
}

#[test]
fn media_1_without_loss_every_packet_and_frame_arrives() {
    let mut world = lossy_view(1, 0, false);
    world.run(Duration::from_secs(12));
    world.take_report(1, 0);
    world.run(Duration::from_secs(5));
    let report = world.take_report(1, 0);
    assert_eq!(world.complaints(), [""; 0]);
    assert_eq!(world.lost(1, &camera(0)), 0);
    assert!((149..=151).contains(&report.frames), "{report:?}");
    assert!(
        report.longest_freeze < Duration::from_millis(60),
        "{report:?}"
    );
}

#[test]
fn media_1_handshakes_on_bad_paths_end_soon() {
    const SEEDS: u64 = 200;
    // What 50, 90 and 98 in a hundred took at most, ms, of a path with a round trip of 60 ms.
    for (per_million, most_ms) in [
        (0, [200, 200, 200]),
        (100_000, [200, 500, 1_500]),
        (200_000, [400, 1_500, 4_000]),
        (300_000, [700, 3_000, 6_500]),
    ] {
        let mut took_ms: Vec<u128> = Vec::new();
        for seed in 0..SEEDS {
            let mut world = World::new(seed);
            let lossy = Link {
                loss_per_million: per_million,
                delay: Duration::from_millis(30),
                ..Link::default()
            };
            let began_at = world.now;
            world.join(Mode::Dual, Devices::none(), Access::both(lossy));
            world.run(Duration::from_secs(15));
            let connected_at = world.connected_at(0);
            took_ms.push(connected_at.map_or(u128::MAX, |at| (at - began_at).as_millis()));
        }
        took_ms.sort_unstable();
        let found = [50, 90, 98].map(|percent| took_ms[(SEEDS * percent / 100) as usize]);
        let is_soon = found.iter().zip(most_ms).all(|(took, most)| *took <= most);
        assert!(is_soon, "{per_million}: {found:?} ms");
    }
}
