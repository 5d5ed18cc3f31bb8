//! What has come of an encoding since its last keyframe, for those who begin to watch right after it.
//!
//! An encoder makes a keyframe every few hundred milliseconds at most, whatever it is asked, and
//! each costs everyone who watches. Who comes just after one is given it from here, with what
//! followed, and goes on from there.

use std::time::{Duration, Instant};

use crate::router::Arrival;

/// Most payload kept of one encoding, bytes. More serves who comes later after the keyframe of a
/// large picture, who would then be behind for longer; it is a fifth of a second at the pace of the
/// first estimate, after which an egress gives its queue up.
const MAX_BYTES: usize = 96 * 1024;

/// Most packets kept of one encoding.
const MAX_PACKETS: usize = 256;

/// Longest that a keyframe is kept. Longer spares more keyframes and shows more of the past in one
/// moment; after this one that is asked for comes soon.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The packets of one encoding from a keyframe on, without a gap; empty where there is a gap, or
/// the keyframe is too long ago.
#[derive(Default)]
pub(crate) struct Recent {
    arrivals: Vec<Arrival>,
    bytes: usize,
}

impl Recent {
    /// Keeps a packet that has been forwarded, or drops it.
    pub(crate) fn record(&mut self, arrival: Arrival, now: Instant) {
        let is_first_of_keyframe = arrival.packet.is_keyframe
            && self.arrivals.first().is_none_or(|first| {
                first.packet.header.time != arrival.packet.header.time
                    || first.packet.header.ssrc != arrival.packet.header.ssrc
            });
        if is_first_of_keyframe {
            self.clear();
        } else if !self.is_next(&arrival) {
            self.clear();
            return;
        }
        self.bytes += arrival.payload.len();
        self.arrivals.push(arrival);
        if self.bytes > MAX_BYTES || self.arrivals.len() > MAX_PACKETS {
            self.clear();
        }
        self.forget_old(now);
    }

    fn is_next(&self, arrival: &Arrival) -> bool {
        self.arrivals.last().is_some_and(|last| {
            let (last, next) = (&last.packet.header, &arrival.packet.header);
            last.ssrc == next.ssrc && last.seq_no.0 + 1 == next.seq_no.0
        }) && self
            .arrivals
            .first()
            .is_some_and(|first| first.taken.epoch == arrival.taken.epoch)
    }

    /// Drops what has become too old.
    pub(crate) fn forget_old(&mut self, now: Instant) {
        let is_old = |first: &Arrival| now.saturating_duration_since(first.at) > MAX_AGE;
        if self.arrivals.first().is_some_and(is_old) {
            self.clear();
        }
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The packets, oldest first.
    pub(crate) fn arrivals(&self) -> &[Arrival] {
        &self.arrivals
    }

    /// Their payload, bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use moot_forward::{Codec, Header, Layering, Packet, RtpTime, SeqNo, SpatialLayer, Ssrc};
    use str0m::format::{CodecConfig, PayloadParams};

    use super::*;
    use crate::arena::Arena;
    use crate::command::{Command, Kind, Mode, Source, Sources, TrackSpec};
    use crate::config::SfuConfig;
    use crate::sfu::Sfu;
    use crate::track::TakenCodec;

    const FRAME: Duration = Duration::from_millis(33);
    /// The first packet of a VP8 keyframe, and of another frame (RFC 7741 §4.2, RFC 6386 §9.1).
    const KEYFRAME: [u8; 4] = [0x10, 0x00, 0x9d, 0x01];
    const OTHER: [u8; 4] = [0x10, 0x01, 0x9d, 0x01];

    fn params() -> PayloadParams {
        let mut config = CodecConfig::empty();
        config.enable_vp8(true);
        config.params()[0]
    }

    /// A frame of one packet of `size` bytes.
    fn frame(begin: [u8; 4], number: u64, size: usize, start: Instant) -> Arrival {
        let mut payload = begin.to_vec();
        payload.resize(size, 0);
        let header = Header {
            ssrc: Ssrc(1),
            encoding: SpatialLayer(0),
            seq_no: SeqNo(number),
            time: RtpTime(number as u32 * 3_000),
            is_marked: true,
            clock: None,
        };
        let taken = TakenCodec {
            epoch: 1,
            codec: Codec::Vp8,
            layering: Layering::Simulcast,
            params: params(),
        };
        let packet = Packet::read(Codec::Vp8, Layering::Simulcast, header, &payload, None).unwrap();
        assert_eq!(packet.is_keyframe, begin == KEYFRAME);
        let key = Arena::<()>::new().insert_with(|_| ()).cast();
        Arrival::plain(key, packet, taken, payload, start + FRAME * number as u32)
    }

    fn numbers(recent: &Recent) -> Vec<u64> {
        let numbers = recent.arrivals().iter();
        numbers.map(|kept| kept.packet.header.seq_no.0).collect()
    }

    /// Records frames of 1,000 bytes, a keyframe where `begins` has it.
    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn after(frames: &[(u64, bool)], size: usize) -> Recent {
        let start = Instant::now();
        let mut recent = Recent::default();
        for (number, begins) in frames {
            let begin = if *begins { KEYFRAME } else { OTHER };
            let arrival = frame(begin, *number, size, start);
            let at = arrival.at;
            recent.record(arrival, at);
        }
        recent
    }

    #[test]
    fn what_follows_a_keyframe_is_kept_and_the_next_one_begins_anew() {
        assert_eq!(numbers(&after(&[(1, false), (2, false)], 1_000)), [0; 0]);
        let kept = after(&[(1, false), (2, true), (3, false), (4, false)], 1_000);
        assert_eq!(numbers(&kept), [2, 3, 4]);
        assert_eq!(kept.bytes(), 3_000);
        let anew = after(&[(2, true), (3, false), (4, true), (5, false)], 1_000);
        assert_eq!(numbers(&anew), [4, 5]);
    }

    #[test]
    fn nothing_with_a_gap_is_kept() {
        let gap = after(&[(2, true), (3, false), (5, false), (6, false)], 1_000);
        assert_eq!(numbers(&gap), [0; 0]);
        let late = after(&[(2, true), (4, false), (3, false), (5, false)], 1_000);
        assert_eq!(numbers(&late), [0; 0]);
    }

    #[test]
    fn neither_much_nor_old_is_kept() {
        let much: Vec<_> = (0..4).map(|number| (number, number == 0)).collect();
        assert_eq!(numbers(&after(&much, MAX_BYTES / 4)).len(), 4);
        assert_eq!(numbers(&after(&much, MAX_BYTES / 4 + 1)), [0; 0]);
        let long: Vec<_> = (0..32).map(|number| (number, number == 0)).collect();
        assert_eq!(numbers(&after(&long[..31], 100)).len(), 31);
        assert_eq!(numbers(&after(&long, 100)), [0; 0]);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn host_4_nothing_from_before_a_mute_is_kept() {
        let now = Instant::now();
        let mut sfu = Sfu::new(SfuConfig::new(Vec::new()));
        let commands = [
            Command::OpenMeeting {
                meeting: "m".into(),
                request: 0,
            },
            Command::OpenConnection {
                meeting: "m".into(),
                connection: "c".into(),
                mode: Mode::Dual,
                sources: Sources::ALL,
                may_subscribe: true,
                request: 0,
            },
            Command::AddTrack {
                connection: "c".into(),
                track: TrackSpec {
                    track: "t".into(),
                    cid: "t".to_owned(),
                    kind: Kind::Video,
                    source: Source::Camera,
                    muted: false,
                    codec: String::new(),
                    layers: Vec::new(),
                    stereo: false,
                    encrypted: false,
                },
                request: 0,
            },
        ];
        for command in commands {
            sfu.handle_command(now, command);
        }
        let key = sfu.track_key(&"t".into()).unwrap();
        let track = sfu.tracks.get_mut(key).unwrap();
        track.keep(frame(KEYFRAME, 0, 100, now), now);
        assert!(track.has_recent(SpatialLayer(0)));
        sfu.handle_command(
            now,
            Command::SetMuted {
                track: "t".into(),
                muted: true,
                request: 0,
            },
        );
        assert!(!sfu.tracks.get(key).unwrap().has_recent(SpatialLayer(0)));
    }
}
