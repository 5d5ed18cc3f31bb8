//! Any sequence of packets, in any order and of any shape, leaves as one flow without repetition.
#![no_main]

use std::collections::HashSet;
use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use moot_forward::{
    Codec, Forwarder, Header, Layer, LayerMeter, Layering, Origin, Packet, RtpTime, SenderClock,
    SeqNo, SpatialLayer, Ssrc, Verdict,
};

#[derive(Arbitrary, Debug)]
enum Happening {
    Arrive {
        encoding: u8,
        ssrc: u8,
        seq_no: u32,
        time: u32,
        is_marked: bool,
        wallclock_us: Option<u64>,
        payload: [u8; 12],
        length: u8,
    },
    Aim(Option<(u8, u8)>),
    Mute(bool),
    Wait(u16),
}

#[derive(Arbitrary, Debug)]
struct Story {
    codec: u8,
    is_svc: bool,
    happenings: Vec<Happening>,
}

fuzz_target!(|story: Story| {
    let codecs = [Codec::Opus, Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1];
    let codec = codecs[usize::from(story.codec) % codecs.len()];
    let layering = if story.is_svc {
        Layering::Svc
    } else {
        Layering::Simulcast
    };
    let mut forwarder = Forwarder::new(codec, layering, Origin::default());
    let mut meter = LayerMeter::new(layering);
    let mut now = Instant::now();
    let mut left = HashSet::new();
    for happening in story.happenings {
        match happening {
            Happening::Aim(target) => forwarder
                .set_target(target.map(|(spatial, temporal)| Layer::new(spatial, temporal))),
            Happening::Mute(is_muted) => forwarder.set_muted(is_muted),
            Happening::Wait(ms) => now += Duration::from_millis(u64::from(ms)),
            Happening::Arrive {
                encoding,
                ssrc,
                seq_no,
                time,
                is_marked,
                wallclock_us,
                payload,
                length,
            } => {
                let header = Header {
                    ssrc: Ssrc(u32::from(ssrc)),
                    encoding: SpatialLayer(encoding % 4),
                    seq_no: SeqNo(u64::from(seq_no)),
                    time: RtpTime(time),
                    is_marked,
                    clock: wallclock_us.map(|wallclock_us| SenderClock {
                        wallclock_us,
                        time: RtpTime(time.rotate_left(3)),
                    }),
                };
                let payload = &payload[..usize::from(length) % 13];
                let Ok(packet) = Packet::read(codec, layering, header, payload, None) else {
                    continue;
                };
                meter.record(packet.layer, payload.len(), packet.is_frame_end, now);
                if let Verdict::Forward(forwarded) = forwarder.handle_packet(&packet, now) {
                    assert!(
                        left.insert(forwarded.seq_no),
                        "{:?} twice",
                        forwarded.seq_no
                    );
                }
            }
        }
    }
    meter.rates();
});
