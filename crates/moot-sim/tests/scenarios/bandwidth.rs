//! Everyone gets what their path carries.

use std::time::Duration;

use moot_sfu::{Mode, Quality, Wish};
use moot_sim::{CameraShape, Link, Report, Rng};

use crate::world::{Access, Devices, World, camera, microphone};

fn narrow(bitrate_bps: u64) -> Access {
    Access {
        up: Link::default(),
        down: Link {
            bitrate_bps: Some(bitrate_bps),
            ..Link::default()
        },
    }
}

/// What two viewers got in 30 s, after 15 s: one with 5 Mbit/s, one with `bitrate_bps`.
struct Side {
    wide: Report,
    tight: Report,
    heard: u64,
    said: u64,
    complaints: Vec<String>,
}

fn side_by_side(seed: u64, bitrate_bps: u64) -> Side {
    let mut world = World::new(seed);
    let mut rng = Rng::new(seed);
    // Where the probes fall among the frames, and how much the bottleneck holds, is chance.
    let mut apart = || Duration::from_millis(rng.below(500));
    let (first, second) = (apart(), apart());
    let down = Link {
        bitrate_bps: Some(bitrate_bps),
        delay: Duration::from_millis(5 + rng.below(60)),
        queue: Duration::from_millis(200 + rng.below(200)),
        ..Link::default()
    };
    let tight = Access {
        up: Link::default(),
        down,
    };
    world.join(Mode::Dual, Devices::all(), Access::default());
    world.run(first);
    world.join(Mode::Dual, Devices::none(), narrow(5_000_000));
    world.run(second);
    world.join(Mode::Dual, Devices::none(), tight);
    world.run(Duration::from_secs(15));
    for viewer in [1, 2] {
        world.take_report(viewer, 0);
    }
    let before = [1, 2].map(|viewer| world.packets(viewer, &microphone(0)));
    world.run(Duration::from_secs(30));
    let after = [1, 2].map(|viewer| world.packets(viewer, &microphone(0)));
    Side {
        wide: world.take_report(1, 0),
        tight: world.take_report(2, 0),
        heard: after[1] - before[1],
        said: after[0] - before[0],
        complaints: world.complaints(),
    }
}

#[test]
fn media_1_a_narrow_path_gets_the_small_picture_and_all_sound_and_does_not_disturb_a_wide_one() {
    let (mut all_heard, mut all_said) = (0, 0);
    for seed in 0..8 {
        for bitrate_bps in [200_000, 300_000] {
            let side = side_by_side(seed, bitrate_bps);
            let (wide, tight) = (&side.wide, &side.tight);
            let case = format!("seed {seed}, {bitrate_bps} bit/s: {wide:?} {tight:?}");
            assert_eq!(side.complaints, [""; 0], "{case}");
            assert_eq!(wide.encoding, Some(2), "{case}");
            assert!(wide.frames_of[2] > 800, "{case}");
            assert_eq!(tight.encoding, Some(0), "{case}");
            assert!(tight.frames_of[0] > 300, "{case}");
            assert_eq!(tight.frames_of[2], 0, "{case}");
            let (heard, said) = (side.heard, side.said);
            // One collapse of an estimate, noticed late, costs a second of one viewer's sound.
            assert!(heard * 100 >= said * 95, "{heard} of {said} sounds, {case}");
            all_heard += heard;
            all_said += said;
        }
    }
    assert!(
        all_heard * 100 >= all_said * 98,
        "{all_heard} of {all_said} sounds"
    );
}

#[test]
fn media_1_a_path_that_narrows_and_widens_takes_the_picture_down_and_up_again() {
    let mut world = World::new(2);
    world.join(Mode::Dual, Devices::all(), Access::default());
    world.join(Mode::Dual, Devices::none(), narrow(5_000_000));
    world.run(Duration::from_secs(12));
    assert_eq!(world.take_report(1, 0).encoding, Some(2));
    world.set_access(1, narrow(350_000));
    world.run(Duration::from_secs(12));
    let low = world.take_report(1, 0);
    assert_eq!(low.encoding, Some(0), "{low:?}");
    world.set_access(1, narrow(5_000_000));
    world.run(Duration::from_secs(60));
    let high = world.take_report(1, 0);
    assert_eq!(high.encoding, Some(2), "{high:?}");
    assert_eq!(world.complaints(), [""; 0]);
}

#[test]
fn media_1_what_a_page_shows_small_is_sent_small_and_what_it_hides_not_at_all() {
    let mut world = World::new(3);
    world.join(Mode::Dual, Devices::all(), Access::default());
    world.join(Mode::Dual, Devices::none(), Access::default());
    world.run(Duration::from_secs(10));
    assert_eq!(world.take_report(1, 0).encoding, Some(2));
    let small = Wish {
        quality: Some(Quality::Low),
        width: 320,
        height: 180,
        ..Wish::default()
    };
    world.wish(1, 0, small);
    world.run(Duration::from_secs(3));
    assert_eq!(world.take_report(1, 0).encoding, Some(0));
    let hidden = Wish {
        disabled: true,
        ..small
    };
    world.wish(1, 0, hidden);
    world.run(Duration::from_millis(200));
    let before = world.packets(1, &camera(0));
    world.run(Duration::from_secs(2));
    assert_eq!(world.packets(1, &camera(0)), before);
    world.wish(1, 0, small);
    world.run(Duration::from_secs(2));
    let back = world.take_report(1, 0);
    assert!(back.frames > 30, "{back:?}");
    assert_eq!(world.complaints(), [""; 0]);
}

#[test]
fn media_1_five_large_pictures_flow_within_two_seconds_of_joining_on_a_wide_path() {
    for seed in 0..8 {
        let mut world = World::new(seed);
        let mut rng = Rng::new(seed);
        for _ in 0..5 {
            world.join(Mode::Dual, Devices::all(), Access::default());
        }
        world.run(Duration::from_secs(3));
        let down = Link {
            bitrate_bps: Some(30_000_000),
            delay: Duration::from_millis(5 + rng.below(40)),
            ..Link::default()
        };
        let access = Access {
            up: Link::default(),
            down,
        };
        let viewer = world.join(Mode::Dual, Devices::none(), access);
        world.run(Duration::from_secs(2));
        for of in 0..5 {
            world.take_report(viewer, of);
        }
        world.run(Duration::from_secs(1));
        for of in 0..5 {
            let report = world.take_report(viewer, of);
            assert_eq!(report.encoding, Some(2), "seed {seed}: {report:?}");
        }
        assert_eq!(world.complaints(), [""; 0]);
    }
}

#[test]
fn media_1_a_picture_whose_publisher_stops_its_large_layer_goes_on_with_a_smaller_one() {
    for seed in 0..8 {
        let mut world = World::new(seed);
        let mut rng = Rng::new(seed);
        world.join(Mode::Dual, Devices::all(), Access::default());
        world.join(Mode::Dual, Devices::none(), Access::default());
        world.run(Duration::from_millis(2_000 + rng.below(500)));
        assert_eq!(world.take_report(1, 0).encoding, Some(2), "seed {seed}");
        world.set_encodings(0, 1);
        world.run(Duration::from_secs(3));
        let report = world.take_report(1, 0);
        let freeze = report.longest_freeze;
        assert!(
            freeze < Duration::from_millis(900),
            "seed {seed}: {report:?}"
        );
        assert_eq!(report.encoding, Some(0), "seed {seed}: {report:?}");
        world.set_encodings(0, 3);
        world.run(Duration::from_secs(6));
        let report = world.take_report(1, 0);
        assert_eq!(report.encoding, Some(2), "seed {seed}: {report:?}");
        assert_eq!(world.complaints(), [""; 0]);
    }
}

#[test]
fn media_1_encodings_that_nobody_wants_stop_and_come_back_at_once() {
    let single = Devices {
        camera: vec![CameraShape::single_720p()],
        has_microphone: true,
    };
    for (devices, few) in [(Devices::all(), 1), (single, 3)] {
        for seed in 0..8 {
            let mut world = World::new(seed);
            let mut rng = Rng::new(seed);
            let largest = devices.camera.len() as u8 - 1;
            world.join(Mode::Dual, devices.clone(), Access::default());
            let viewer = world.join(Mode::Dual, Devices::none(), Access::default());
            world.run(Duration::from_millis(5_000 + rng.below(500)));
            // Who sends one encoding sends it until told otherwise.
            assert_ne!(world.wanted(0), Some(0));
            let small = Wish {
                quality: Some(Quality::Low),
                ..Wish::default()
            };
            let none = Wish {
                disabled: true,
                ..Wish::default()
            };
            for (wish, wanted) in [(small, few), (none, 0)] {
                world.wish(viewer, 0, wish);
                world.run(Duration::from_secs(5));
                assert_eq!(world.wanted(0).unwrap_or(few), wanted, "seed {seed}");
                world.take_report(viewer, 0);
                world.run(Duration::from_secs(2));
                let report = world.take_report(viewer, 0);
                assert_eq!(report.frames > 0, wanted > 0, "seed {seed}: {report:?}");
                world.wish(viewer, 0, Wish::default());
                world.run(Duration::from_millis(500));
                assert_eq!(world.wanted(0).unwrap_or(3), 3, "seed {seed}");
                world.take_report(viewer, 0);
                world.run(Duration::from_secs(1));
                let report = world.take_report(viewer, 0);
                assert_eq!(report.encoding, Some(largest), "seed {seed}: {report:?}");
                assert!(report.frames >= 27, "seed {seed}: {report:?}");
            }
            assert_eq!(world.complaints(), [""; 0]);
        }
    }
}

#[test]
fn media_1_a_picture_larger_than_the_first_estimate_begins_at_once_on_a_wide_path() {
    for seed in 0..8 {
        let mut world = World::new(seed);
        let mut rng = Rng::new(seed);
        let large = Devices {
            camera: vec![CameraShape {
                bitrate_bps: 4_000_000,
                ..CameraShape::single_720p()
            }],
            has_microphone: true,
        };
        world.join(Mode::Dual, large, Access::default());
        world.run(Duration::from_millis(3_000 + rng.below(500)));
        let viewer = world.join(Mode::Dual, Devices::none(), narrow(30_000_000));
        world.run(Duration::from_secs(1));
        let report = world.take_report(viewer, 0);
        assert!(report.frames >= 15, "seed {seed}: {report:?}");
        world.run(Duration::from_secs(2));
        let report = world.take_report(viewer, 0);
        assert!(report.frames >= 55, "seed {seed}: {report:?}");
        assert_eq!(world.complaints(), [""; 0]);
    }
}

#[test]
fn media_1_the_estimate_falls_while_no_report_comes() {
    let mut world = World::new(4);
    world.join(Mode::Dual, Devices::all(), Access::default());
    let viewer = world.join(Mode::Dual, Devices::none(), Access::default());
    world.run(Duration::from_secs(5));
    let before = world.estimate_bps(viewer).unwrap();
    let deaf = Access {
        up: Link {
            loss_per_million: 1_000_000,
            ..Link::default()
        },
        down: Link::default(),
    };
    world.set_access(viewer, deaf);
    world.run(Duration::from_secs(4));
    let after = world.estimate_bps(viewer).unwrap();
    assert!(after * 2 < before, "{before} {after}");
}
