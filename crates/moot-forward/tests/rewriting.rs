//! What leaves a forwarder is one continuous flow, whatever comes in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use moot_forward::vp8::{Ids, PictureId};
use moot_forward::{
    Codec, Forwarded, Forwarder, Header, Layer, Layering, Origin, Packet, RtpTime, SenderClock,
    SeqNo, SpatialLayer, Ssrc, TemporalLayer, UpSwitch, Verdict,
};
use proptest::prelude::*;

const FRAME: Duration = Duration::from_nanos(33_333_333);
const FRAME_UNITS: u32 = 3000;

/// One encoding of a scripted VP8 publisher: temporal layers 0, 2, 1, 2 in turn.
#[derive(Clone, Debug)]
struct Encoding {
    place: u8,
    seq_no: u64,
    time: u32,
    picture: u16,
    tl0: u8,
    key: u8,
    frames: u32,
    since_keyframe: u32,
}

impl Encoding {
    fn new(place: u8, start: u64) -> Self {
        Self {
            place,
            seq_no: start,
            time: (start as u32).wrapping_mul(0x9e37_79b9),
            picture: (start % 32_768) as u16,
            tl0: start as u8,
            key: start as u8 & 0x1f,
            frames: 0,
            since_keyframe: 0,
        }
    }

    /// Makes the packets of the next frame.
    fn frame(&mut self, packets: u64, is_keyframe: bool, at_us: u64) -> Vec<Packet> {
        if is_keyframe {
            self.since_keyframe = 0;
            self.key = (self.key + 1) & 0x1f;
        }
        let temporal = [0, 2, 1, 2][self.since_keyframe as usize % 4];
        if temporal == 0 {
            self.tl0 = self.tl0.wrapping_add(1);
        }
        let first_cycle = self.since_keyframe < 4;
        let made = (0..packets)
            .map(|place| Packet {
                header: Header {
                    ssrc: Ssrc(1000 + u32::from(self.place)),
                    encoding: SpatialLayer(self.place),
                    seq_no: SeqNo(self.seq_no + place),
                    time: RtpTime(self.time),
                    is_marked: place + 1 == packets,
                    clock: Some(SenderClock {
                        wallclock_us: at_us,
                        time: RtpTime(self.time),
                    }),
                },
                layer: Layer {
                    spatial: SpatialLayer(self.place),
                    temporal: TemporalLayer(temporal),
                },
                is_padding: false,
                is_frame_end: place + 1 == packets,
                is_keyframe: is_keyframe && place == 0,
                is_intra_picture: false,
                up_switch: if temporal > 0 && (first_cycle || self.frames.is_multiple_of(3)) {
                    UpSwitch::OwnTemporal
                } else {
                    UpSwitch::No
                },
                vp8: Some(Ids {
                    picture_id: Some(PictureId {
                        number: self.picture,
                        is_long: true,
                    }),
                    tl0_pic_idx: Some(self.tl0),
                    key_idx: Some(self.key),
                }),
                frame_number: None,
            })
            .collect();
        self.seq_no += packets;
        self.time = self.time.wrapping_add(FRAME_UNITS);
        self.picture = (self.picture + 1) % 32_768;
        self.frames += 1;
        self.since_keyframe += 1;
        made
    }
}

/// What happens at one frame interval.
#[derive(Clone, Debug)]
struct Tick {
    packets: [u64; 3],
    keyframes: [bool; 3],
    target: Option<Option<Layer>>,
}

fn tick() -> impl Strategy<Value = Tick> {
    let layer = (0u8..3, 0u8..3).prop_map(|(spatial, temporal)| Layer::new(spatial, temporal));
    let target = prop_oneof![
        12 => Just(None),
        1 => Just(Some(None)),
        4 => layer.prop_map(|layer| Some(Some(layer))),
    ];
    let keyframe = || prop::bool::weighted(0.1);
    (
        [1u64..4, 1u64..5, 1u64..9],
        [keyframe(), keyframe(), keyframe()],
        target,
    )
        .prop_map(|(packets, keyframes, target)| Tick {
            packets,
            keyframes,
            target,
        })
}

fn origin() -> Origin {
    Origin {
        seq_no: 65_000,
        time: RtpTime(u32::MAX - 50_000),
        picture_id: 32_700,
    }
}

fn publishers(starts: [u64; 3]) -> Vec<Encoding> {
    (0..3)
        .map(|place| Encoding::new(place, starts[usize::from(place)]))
        .collect()
}

fn starts() -> impl Strategy<Value = [u64; 3]> {
    let start = || prop_oneof![1u64..200_000, 65_400u64..65_600, 32_700u64..32_800];
    [start(), start(), start()]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn on_a_clean_path_no_number_is_missing_or_repeated(
        starts in starts(),
        ticks in prop::collection::vec(tick(), 1..250),
    ) {
        let mut encodings = publishers(starts);
        let mut forwarder = Forwarder::new(Codec::Vp8, Layering::Simulcast, origin());
        let start = Instant::now();
        let mut sent: Vec<(Packet, Forwarded)> = Vec::new();
        for (place, tick) in ticks.iter().enumerate() {
            if let Some(target) = tick.target {
                forwarder.set_target(target);
            }
            let elapsed = FRAME * place as u32;
            for encoding in &mut encodings {
                let own = usize::from(encoding.place);
                let at_us = elapsed.as_micros() as u64;
                let is_keyframe = tick.keyframes[own] || place == 0;
                for packet in encoding.frame(tick.packets[own], is_keyframe, at_us) {
                    let verdict = forwarder.handle_packet(&packet, start + elapsed);
                    if let Verdict::Forward(forwarded) = verdict {
                        sent.push((packet, forwarded));
                    }
                }
            }
        }
        if let Some((_, first)) = sent.first() {
            prop_assert_eq!(first.seq_no, SeqNo(65_000));
            prop_assert_eq!(first.time, origin().time);
        }
        for pair in sent.windows(2) {
            let ((old_packet, old), (new_packet, new)) = (&pair[0], &pair[1]);
            prop_assert_eq!(new.seq_no.0, old.seq_no.0 + 1, "sequence numbers close up");
            let is_same_frame = old_packet.header.ssrc == new_packet.header.ssrc
                && old_packet.header.time == new_packet.header.time
                && !new.is_begin;
            let (old_ids, new_ids) = (old.vp8.unwrap(), new.vp8.unwrap());
            let old_picture = old_ids.picture_id.unwrap().number;
            let new_picture = new_ids.picture_id.unwrap().number;
            if is_same_frame {
                prop_assert_eq!(old.time, new.time);
                prop_assert_eq!(old_ids, new_ids);
                continue;
            }
            prop_assert!(new.time.is_after(old.time), "time grows");
            prop_assert_eq!(new_picture, (old_picture + 1) % 32_768, "picture ids close up");
            let old_tl0 = old_ids.tl0_pic_idx.unwrap();
            let is_base = new_packet.layer.temporal == TemporalLayer(0);
            let tl0 = old_tl0.wrapping_add(u8::from(is_base));
            prop_assert_eq!(new_ids.tl0_pic_idx.unwrap(), tl0, "TL0PICIDX counts base frames");
            prop_assert!(
                new_packet.header.ssrc == old_packet.header.ssrc || new_packet.is_keyframe,
                "an encoding is changed on a keyframe"
            );
            prop_assert!(!new.is_begin || new_packet.is_keyframe);
        }
    }

    #[test]
    fn on_a_bad_path_nothing_leaves_twice_and_order_is_kept(
        starts in starts(),
        ticks in prop::collection::vec(tick(), 1..200),
        fates in prop::collection::vec((prop::bool::weighted(0.1), 0u64..60, prop::bool::weighted(0.03)), 600),
    ) {
        let mut encodings = publishers(starts);
        let mut arrivals: BTreeMap<(u64, usize), Packet> = BTreeMap::new();
        for (place, tick) in ticks.iter().enumerate() {
            let elapsed_us = (FRAME * place as u32).as_micros() as u64;
            for encoding in &mut encodings {
                let own = usize::from(encoding.place);
                let is_keyframe = tick.keyframes[own] || place == 0;
                for packet in encoding.frame(tick.packets[own], is_keyframe, elapsed_us) {
                    let (is_lost, delay_ms, is_doubled) = fates[arrivals.len() % fates.len()];
                    if is_lost {
                        continue;
                    }
                    let at_us = elapsed_us + delay_ms * 1000;
                    arrivals.insert((at_us, arrivals.len()), packet);
                    if is_doubled {
                        arrivals.insert((at_us + 20_000, arrivals.len()), packet);
                    }
                }
            }
        }
        let mut forwarder = Forwarder::new(Codec::Vp8, Layering::Simulcast, origin());
        let start = Instant::now();
        let mut used = BTreeSet::new();
        let mut inputs = BTreeSet::new();
        let mut runs: BTreeMap<(u32, usize), Vec<(u64, u64)>> = BTreeMap::new();
        let mut pictures: BTreeMap<u16, (u32, u16)> = BTreeMap::new();
        let mut runs_begun = 0;
        for ((at_us, _), packet) in arrivals {
            let tick = &ticks[(at_us as usize / 33_333).min(ticks.len() - 1)];
            if let Some(target) = tick.target {
                forwarder.set_target(target);
            }
            let now = start + Duration::from_micros(at_us);
            let Verdict::Forward(forwarded) = forwarder.handle_packet(&packet, now) else {
                continue;
            };
            runs_begun += usize::from(forwarded.is_begin);
            let ssrc = packet.header.ssrc.0;
            prop_assert!(forwarded.seq_no.0 >= 65_000);
            prop_assert!(used.insert(forwarded.seq_no), "{:?} left twice", forwarded.seq_no);
            let is_fresh = inputs.insert((ssrc, packet.header.seq_no));
            prop_assert!(is_fresh, "{:?} was sent twice", packet.header.seq_no);
            let output = forwarded.vp8.unwrap().picture_id.unwrap().number;
            let input = packet.vp8.unwrap().picture_id.unwrap().number;
            let owner = *pictures.entry(output).or_insert((ssrc, input));
            prop_assert_eq!(owner, (ssrc, input), "two pictures under one id");
            runs.entry((ssrc, runs_begun))
                .or_default()
                .push((packet.header.seq_no.0, forwarded.seq_no.0));
        }
        for mut run in runs.into_values() {
            run.sort_unstable();
            prop_assert!(run.is_sorted_by_key(|(_, output)| *output), "{run:?}");
        }
    }
}

#[test]
fn a_long_outage_of_the_publisher_is_closed_up() {
    let mut encoding = Encoding::new(0, 10);
    let mut forwarder = Forwarder::new(Codec::Vp8, Layering::Simulcast, origin());
    forwarder.set_target(Some(Layer::new(0, 2)));
    let now = Instant::now();
    let key = encoding.frame(1, true, 0);
    assert!(matches!(
        forwarder.handle_packet(&key[0], now),
        Verdict::Forward(forwarded) if forwarded.seq_no == SeqNo(65_000)
    ));
    encoding.seq_no += 5000;
    let later = encoding.frame(1, true, 0);
    let Verdict::Forward(forwarded) = forwarder.handle_packet(&later[0], now) else {
        panic!("dropped");
    };
    assert_eq!(forwarded.seq_no, SeqNo(65_001));
}

#[test]
fn a_packet_of_the_old_encoding_that_comes_late_takes_its_kept_place() {
    let mut low = Encoding::new(0, 100);
    let mut high = Encoding::new(1, 7000);
    let mut forwarder = Forwarder::new(Codec::Vp8, Layering::Simulcast, origin());
    forwarder.set_target(Some(Layer::new(1, 2)));
    let now = Instant::now();
    let mut numbers = Vec::new();
    let mut feed = |packet: &Packet| {
        if let Verdict::Forward(forwarded) = forwarder.handle_packet(packet, now) {
            numbers.push(forwarded.seq_no.0 - 65_000);
        }
    };
    let first = low.frame(3, true, 0);
    feed(&first[0]);
    feed(&first[2]);
    let key = high.frame(2, true, 0);
    feed(&key[0]);
    feed(&first[1]);
    feed(&key[1]);
    let next = low.frame(1, false, 0);
    feed(&next[0]);
    assert_eq!(numbers, [0, 2, 3, 1, 4]);
}

#[test]
fn a_kept_place_that_the_next_encoding_has_taken_is_not_given_twice() {
    let mut low = Encoding::new(0, 100);
    let mut high = Encoding::new(1, 7000);
    let mut forwarder = Forwarder::new(Codec::Vp8, Layering::Simulcast, origin());
    forwarder.set_target(Some(Layer::new(1, 0)));
    let now = Instant::now();
    let base = low.frame(1, true, 0);
    assert_ne!(forwarder.handle_packet(&base[0], now), Verdict::Drop);
    let upper = low.frame(2, false, 0);
    assert_eq!(forwarder.handle_packet(&upper[1], now), Verdict::Drop);
    let key = high.frame(1, true, 0);
    assert_ne!(forwarder.handle_packet(&key[0], now), Verdict::Drop);
    assert_eq!(forwarder.handle_packet(&upper[0], now), Verdict::Drop);
}

#[test]
fn a_keyframe_whose_beginning_came_too_late_is_not_switched_to() {
    let mut low = Encoding::new(0, 100);
    let mut high = Encoding::new(1, 7000);
    let mut forwarder = Forwarder::new(Codec::Vp8, Layering::Simulcast, origin());
    forwarder.set_target(Some(Layer::new(1, 2)));
    let now = Instant::now();
    for packet in low.frame(1, true, 0) {
        forwarder.handle_packet(&packet, now);
    }
    let key = high.frame(2, true, 0);
    assert_eq!(forwarder.handle_packet(&key[1], now), Verdict::Drop);
    assert_eq!(forwarder.handle_packet(&key[0], now), Verdict::Drop);
    assert_eq!(forwarder.current(), Some(Layer::new(0, 2)));
    assert_eq!(forwarder.wanted_keyframe(), Some(SpatialLayer(1)));
}

#[test]
fn a_switch_keeps_the_time_of_capture_where_sender_reports_tell_it() {
    let mut low = Encoding::new(0, 100);
    let mut high = Encoding::new(1, 7000);
    let mut forwarder = Forwarder::new(Codec::Vp8, Layering::Simulcast, origin());
    forwarder.set_target(Some(Layer::new(1, 2)));
    let now = Instant::now();
    let times: Vec<_> = [
        (low.frame(1, true, 0), 0),
        // Captured 100 ms after the first, but 180 ms late: the arrival would tell 280 ms.
        (high.frame(1, true, 100_000), 280),
    ]
    .iter()
    .map(|(frame, arrival_ms)| {
        let at = now + Duration::from_millis(*arrival_ms);
        match forwarder.handle_packet(&frame[0], at) {
            Verdict::Forward(forwarded) => forwarded.time,
            Verdict::Drop => panic!("dropped"),
        }
    })
    .collect();
    assert_eq!(times[1].since(times[0]), 9000);
}

#[test]
fn audio_flows_at_once_closes_up_after_a_mute_and_follows_a_new_source() {
    let mut forwarder = Forwarder::new(Codec::Opus, Layering::Simulcast, origin());
    let packet = |ssrc, seq_no, time| {
        let header = Header {
            ssrc: Ssrc(ssrc),
            encoding: SpatialLayer(0),
            seq_no: SeqNo(seq_no),
            time: RtpTime(time),
            is_marked: false,
            clock: None,
        };
        Packet::read(Codec::Opus, Layering::Simulcast, header, &[1, 2, 3], None).unwrap()
    };
    let now = Instant::now();
    let mut numbers = Vec::new();
    let mut feed = |forwarder: &mut Forwarder, packet: Packet, ms| match forwarder
        .handle_packet(&packet, now + Duration::from_millis(ms))
    {
        Verdict::Forward(forwarded) => {
            numbers.push((
                forwarded.seq_no.0 - 65_000,
                forwarded.time.since(origin().time),
            ));
        }
        Verdict::Drop => numbers.push((u64::MAX, 0)),
    };
    feed(&mut forwarder, packet(1, 500, 0), 0);
    feed(&mut forwarder, packet(1, 501, 960), 20);
    forwarder.set_muted(true);
    feed(&mut forwarder, packet(1, 502, 1920), 40);
    forwarder.set_muted(false);
    feed(&mut forwarder, packet(1, 503, 2880), 60);
    feed(&mut forwarder, packet(2, 9, 77_777), 80);
    feed(&mut forwarder, packet(1, 504, 3840), 81);
    assert_eq!(
        numbers,
        [
            (0, 0),
            (1, 960),
            (u64::MAX, 0),
            (2, 2880),
            (3, 3840),
            (u64::MAX, 0)
        ]
    );
}
