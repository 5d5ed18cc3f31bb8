//! A thousand meetings, each with other people, networks and happenings, all from a seed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use moot_sfu::{Mode, Quality, Wish};
use moot_sim::Link;

use crate::chance::afresh;
use crate::world::{Access, Devices, World, camera, microphone};

/// Seeds of one run of the tests; `MOOT_SIM_SEEDS` asks for another number.
const SEEDS: u64 = 1000;

fn random_link(world: &mut World) -> Link {
    let rng = &mut world.rng;
    let is_lossy = rng.chance(500_000);
    Link {
        loss_per_million: if is_lossy {
            rng.below(80_000) as u32
        } else {
            0
        },
        delay: Duration::from_millis(1 + rng.below(80)),
        jitter: Duration::from_millis(rng.below(15)),
        reorder_per_million: rng.below(20_000) as u32,
        duplicate_per_million: rng.below(5_000) as u32,
        ..Link::default()
    }
}

fn random_access(world: &mut World) -> Access {
    Access {
        up: random_link(world),
        down: random_link(world),
    }
}

fn random_mode(world: &mut World) -> Mode {
    if world.rng.chance(500_000) {
        Mode::Dual
    } else {
        Mode::Single
    }
}

/// One meeting of a few virtual seconds; says what went wrong.
fn play(seed: u64) -> Result<(), String> {
    afresh(|| happen(&mut World::new(seed)))
}

fn happen(world: &mut World) -> Result<(), String> {
    let access = random_access(world);
    let mode = random_mode(world);
    world.join(mode, Devices::all(), access);
    let access = random_access(world);
    let mode = random_mode(world);
    world.join(mode, Devices::none(), access);
    let mut guests = Vec::new();
    let (mut is_video_muted, mut is_audio_muted) = (false, false);
    for _ in 0..4 + world.rng.below(5) {
        world.run(Duration::from_millis(100 + world.rng.clone().below(900)));
        match world.rng.below(8) {
            0 => {
                is_video_muted = !is_video_muted;
                world.set_muted(camera(0), is_video_muted);
            }
            1 => {
                is_audio_muted = !is_audio_muted;
                world.set_muted(microphone(0), is_audio_muted);
            }
            2 | 3 => {
                let quality = [Quality::Low, Quality::Medium, Quality::High];
                let drawn = world.rng.below(3) as usize;
                let wish = Wish {
                    quality: Some(quality[drawn]),
                    fps: [0, 15][world.rng.below(2) as usize],
                    disabled: world.rng.chance(150_000),
                    ..Wish::default()
                };
                world.wish(1, 0, wish);
            }
            4 => {
                let access = random_access(world);
                let mode = random_mode(world);
                let devices = if world.rng.chance(500_000) {
                    Devices::all()
                } else {
                    Devices::none()
                };
                guests.push(world.join(mode, devices, access));
            }
            5 => {
                if let Some(guest) = guests.pop() {
                    world.leave(guest);
                }
            }
            6 => world.restart_ice(0),
            _ => {
                let access = random_access(world);
                world.set_access(1, access);
            }
        }
    }
    // Whatever happened, the picture comes back once everything is in order again.
    world.set_muted(camera(0), false);
    world.set_muted(microphone(0), false);
    world.wish(1, 0, Wish::default());
    world.set_access(0, Access::default());
    world.set_access(1, Access::default());
    world.run(Duration::from_secs(4));
    world.take_report(1, 0);
    let heard = world.packets(1, &microphone(0));
    world.run(Duration::from_secs(2));
    let report = world.take_report(1, 0);
    let heard = world.packets(1, &microphone(0)) - heard;
    let complaints = world.complaints();
    if !complaints.is_empty() {
        return Err(complaints.join("; "));
    }
    if report.frames < 25 || heard < 80 {
        return Err(format!("{heard} audio packets, {report:?}"));
    }
    Ok(())
}

#[test]
fn media_1_a_seed_takes_the_same_course_each_time() {
    let course = |seed| {
        afresh(|| {
            let mut world = World::new(seed);
            let ended = happen(&mut world);
            (world.course(), ended)
        })
    };
    for seed in 0..25 {
        let first = course(seed);
        assert_eq!(course(seed), first, "seed {seed}");
        assert_ne!(course(seed + 1).0, first.0, "seed {seed}");
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is a number, not {text}")),
    )
}

#[test]
fn media_1_a_thousand_seeds_end_with_a_whole_picture_and_no_decode_error() {
    if let Some(seed) = number("MOOT_SIM_SEED") {
        play(seed).unwrap_or_else(|trouble| panic!("seed {seed}: {trouble}"));
        return;
    }
    let seeds = number("MOOT_SIM_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(0);
    let failures = Mutex::new(Vec::new());
    let workers = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    if let Err(trouble) = play(seed) {
                        failures
                            .lock()
                            .expect("no worker panics")
                            .push((seed, trouble));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("no worker panics");
    let told: Vec<_> = failures
        .iter()
        .take(10)
        .map(|(seed, trouble)| format!("MOOT_SIM_SEED={seed}: {trouble}"))
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {seeds} seeds failed:\n{}",
        failures.len(),
        told.join("\n")
    );
}
