//! People come, go, mute and change networks.

use std::time::Duration;

use moot_sfu::{Command, ConnectionId, DataKind, Mode, Sources};
use moot_sim::Link;

use crate::world::{Access, Devices, World, camera, meeting, microphone};

#[test]
fn media_1_two_people_see_and_hear_each_other_in_either_mode() {
    for modes in [
        [Mode::Dual, Mode::Dual],
        [Mode::Single, Mode::Single],
        [Mode::Single, Mode::Dual],
    ] {
        let mut world = World::new(1);
        for mode in modes {
            world.join(mode, Devices::all(), Access::default());
        }
        world.run(Duration::from_secs(5));
        for (viewer, publisher) in [(0, 1), (1, 0)] {
            let report = world.take_report(viewer, publisher);
            assert!(report.frames > 90, "{modes:?} {viewer}: {report:?}");
            let heard = world.packets(viewer, &microphone(publisher));
            assert!(heard > 180, "{modes:?} {viewer}: {heard} audio packets");
        }
        assert_eq!(world.complaints(), [""; 0], "{modes:?}");
    }
}

#[test]
fn media_1_the_first_picture_comes_soon_after_joining() {
    let mut world = World::new(5);
    world.join(Mode::Dual, Devices::all(), Access::default());
    world.run(Duration::from_secs(3));
    for _ in 0..5 {
        let joined_at = world.now;
        let viewer = world.join(Mode::Dual, Devices::none(), Access::default());
        world.run(Duration::from_secs(2));
        let first_at = world.take_report(viewer, 0).first_frame_at;
        let waited = first_at.expect("a picture comes") - joined_at;
        assert!(waited < Duration::from_millis(800), "{waited:?}");
    }
    assert_eq!(world.complaints(), [""; 0]);
}

#[test]
fn media_1_a_crowd_that_joins_sees_the_picture_at_once_and_asks_for_few_keyframes() {
    for layers in [1, 3] {
        let mut world = World::new(6);
        let mut devices = Devices::all();
        devices.camera.drain(layers..);
        world.join(Mode::Dual, devices, Access::default());
        world.run(Duration::from_secs(3));
        let mut viewers = Vec::new();
        for _ in 0..20 {
            viewers.push(world.join(Mode::Dual, Devices::none(), Access::default()));
            world.run(Duration::from_millis(40));
        }
        world.run(Duration::from_secs(3));
        let mut waits = Vec::new();
        for viewer in viewers {
            let connected_at = world.connected_at(viewer).expect("it connects");
            let report = world.take_report(viewer, 0);
            waits.push(report.first_frame_at.expect("a picture comes") - connected_at);
            assert!(
                report.longest_freeze < Duration::from_millis(100),
                "{report:?}"
            );
            assert!(report.frames > 75, "{report:?}");
            let behind = report.head_start;
            assert!(
                behind < Duration::from_millis(150),
                "{layers}: {behind:?} behind"
            );
        }
        waits.sort();
        let (middle, longest) = (waits[waits.len() / 2], waits[waits.len() - 1]);
        assert!(middle < Duration::from_millis(60), "{layers}: {waits:?}");
        assert!(longest < Duration::from_millis(100), "{layers}: {waits:?}");
        let asked = world.keyframe_requests(0);
        assert!(
            asked <= [2, 8][usize::from(layers > 1)],
            "{layers}: {asked} keyframes"
        );
        assert_eq!(world.complaints(), [""; 0], "{layers}");
    }
}

#[test]
fn those_who_only_listen_to_silence_are_served_together() {
    let mut world = World::new(3);
    for _ in 0..40 {
        world.join(Mode::Dual, Devices::none(), Access::default());
        world.run(Duration::from_millis(37));
    }
    world.run(Duration::from_secs(5));
    let before = world.timer_wakes;
    world.run(Duration::from_secs(10));
    let a_second = (world.timer_wakes - before) / 10;
    // Ten for the house, and one every 50 ms for all of them; each on its own would need 1.5.
    assert!(a_second < 40, "{a_second} wake-ups a second");
    assert_eq!(world.complaints(), [""; 0]);
}

#[test]
fn host_4_a_mute_is_enforced_whatever_is_sent_and_ends_cleanly() {
    let mut world = World::new(2);
    world.join(Mode::Dual, Devices::all(), Access::default());
    world.join(Mode::Dual, Devices::none(), Access::default());
    world.run(Duration::from_secs(3));
    for track in [camera(0), microphone(0)] {
        world.set_muted(track.clone(), true);
        world.run(Duration::from_millis(100));
        let before = world.packets(1, &track);
        assert!(before > 0);
        world.run(Duration::from_secs(3));
        assert_eq!(world.packets(1, &track), before, "{track} went on");
        world.set_muted(track.clone(), false);
        world.run(Duration::from_secs(2));
        assert!(
            world.packets(1, &track) > before + 40,
            "{track} stayed away"
        );
    }
    let report = world.take_report(1, 0);
    assert!(report.frames > 60, "{report:?}");
    assert_eq!(world.complaints(), [""; 0]);
}

#[test]
fn host_4_a_source_that_is_not_allowed_is_not_forwarded() {
    let mut world = World::new(2);
    world.join(Mode::Dual, Devices::all(), Access::default());
    world.join(Mode::Dual, Devices::none(), Access::default());
    world.run(Duration::from_secs(3));
    world.command(Command::SetAllowedSources {
        connection: ConnectionId::from("PA_0"),
        sources: Sources::NONE,
        request: 1_000_000,
    });
    world.run(Duration::from_millis(100));
    let tracks = [camera(0), microphone(0)];
    let before = tracks.each_ref().map(|track| world.packets(1, track));
    assert!(before.iter().all(|packets| *packets > 0));
    world.run(Duration::from_secs(2));
    let after = tracks.each_ref().map(|track| world.packets(1, track));
    assert_eq!(before, after);
    assert_eq!(world.complaints(), [""; 0]);
}

#[test]
fn media_1_an_ice_restart_of_the_publisher_does_not_stop_the_picture() {
    let mut world = World::new(3);
    world.join(Mode::Dual, Devices::all(), Access::default());
    world.join(Mode::Dual, Devices::none(), Access::default());
    world.run(Duration::from_secs(4));
    world.take_report(1, 0);
    world.restart_ice(0);
    world.run(Duration::from_secs(4));
    let report = world.take_report(1, 0);
    assert!(report.frames > 100, "{report:?}");
    assert!(report.longest_freeze < Duration::from_secs(1), "{report:?}");
    assert_eq!(world.complaints(), [""; 0]);
}

#[test]
fn media_1_a_network_that_is_gone_for_three_seconds_is_survived() {
    let mut world = World::new(4);
    world.join(Mode::Dual, Devices::all(), Access::default());
    world.join(Mode::Dual, Devices::none(), Access::default());
    world.run(Duration::from_secs(4));
    let gone = Access::both(Link {
        loss_per_million: 1_000_000,
        ..Link::default()
    });
    world.set_access(0, gone);
    world.run(Duration::from_secs(3));
    world.set_access(0, Access::default());
    world.run(Duration::from_secs(2));
    world.take_report(1, 0);
    world.run(Duration::from_secs(3));
    let report = world.take_report(1, 0);
    assert!(report.frames > 80, "{report:?}");
    assert_eq!(world.complaints(), [""; 0]);
}

#[test]
fn media_1_a_hundred_joins_and_leaves_leave_nothing_behind_and_disturb_nobody() {
    let mut world = World::new(6);
    world.join(Mode::Dual, Devices::all(), Access::default());
    world.join(Mode::Dual, Devices::none(), Access::default());
    world.run(Duration::from_secs(3));
    world.take_report(1, 0);
    let began_at = world.now;
    for round in 0..100 {
        let (mode, devices) = match round % 3 {
            0 => (Mode::Dual, Devices::all()),
            1 => (Mode::Single, Devices::none()),
            _ => (Mode::Dual, Devices::none()),
        };
        let guest = world.join(mode, devices, Access::default());
        let stay = Duration::from_millis(50 + world.rng.below(500));
        world.run(stay);
        world.leave(guest);
    }
    let report = world.take_report(1, 0);
    let expected = (world.now - began_at).as_millis() as u64 * 30 / 1000;
    assert!(
        report.frames * 100 >= expected * 95,
        "{expected}: {report:?}"
    );
    assert_eq!(world.complaints(), [""; 0]);
    let totals = world.sfu.totals();
    // One publishes and receives, the other only receives.
    assert_eq!(
        (totals.connections, totals.transports),
        (2, 3),
        "{totals:?}"
    );
    assert_eq!((totals.tracks, totals.subscriptions), (2, 2), "{totals:?}");
}

#[test]
fn media_1_a_message_leaves_at_once_whatever_else_is_sent() {
    for mode in [Mode::Dual, Mode::Single] {
        let mut world = World::new(5);
        world.join(mode, Devices::all(), Access::default());
        let viewer = world.join(mode, Devices::none(), Access::default());
        world.run(Duration::from_secs(5));
        world.take_messages(viewer);
        for number in 0..40u8 {
            world.command(Command::SendData {
                meeting: meeting(),
                kind: DataKind::Reliable,
                payload: [number; 100].into(),
                to: None,
                sender: None,
            });
            world.run(Duration::from_millis(15));
            let got = world.take_messages(viewer);
            assert_eq!(got, [[number; 100]], "{mode:?}");
            world.run(Duration::from_millis(22));
        }
        assert_eq!(world.complaints(), [""; 0]);
    }
}

#[test]
fn media_2_a_track_that_was_muted_when_a_viewer_came_begins_without_a_gap() {
    for mode in [Mode::Dual, Mode::Single] {
        let mut world = World::new(11);
        world.join(mode, Devices::all(), Access::default());
        world.run(Duration::from_secs(2));
        for track in [camera(0), microphone(0)] {
            world.set_muted(track, true);
        }
        let viewer = world.join(mode, Devices::none(), Access::default());
        world.run(Duration::from_secs(3));
        for track in [camera(0), microphone(0)] {
            // Greeted, so that clients which wait for a packet show the track.
            assert_eq!(world.blank(viewer, &track), 5, "{mode:?} {track}");
            world.set_muted(track, false);
        }
        world.run(Duration::from_secs(3));
        for track in [camera(0), microphone(0)] {
            assert!(world.packets(viewer, &track) > 60, "{mode:?} {track}");
            assert_eq!(world.lost(viewer, &track), 0, "{mode:?} {track}");
        }
        assert_eq!(world.complaints(), [""; 0]);
    }
}
