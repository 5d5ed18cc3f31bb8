//! Which layers are given, codec by codec.

use std::time::Instant;

use moot_forward::dependency::{FrameDependency, LayerSet};
use moot_forward::{
    Codec, Forwarded, Forwarder, Header, Layer, Layering, MalformedPacket, Origin, Packet, RtpTime,
    SeqNo, SpatialLayer, Ssrc, Verdict,
};

fn header(encoding: u8, seq_no: u64, time: u32) -> Header {
    Header {
        ssrc: Ssrc(10 + u32::from(encoding)),
        encoding: SpatialLayer(encoding),
        seq_no: SeqNo(seq_no),
        time: RtpTime(time),
        is_marked: false,
        clock: None,
    }
}

fn given(forwarder: &mut Forwarder, packet: &Packet) -> Option<Forwarded> {
    match forwarder.handle_packet(packet, Instant::now()) {
        Verdict::Forward(forwarded) => Some(forwarded),
        Verdict::Drop => None,
    }
}

/// A VP9 picture of three spatial layers in one packet each, in flexible mode.
fn vp9_picture(picture: u64, is_key: bool, is_inter_layer_only: bool) -> Vec<Packet> {
    (0..3u8)
        .map(|spatial| {
            let is_intra = is_key || (is_inter_layer_only && spatial == 2);
            let flags = 0x20 | 0x10 | 0x0c | if is_intra { 0 } else { 0x40 };
            let layers = spatial << 1 | u8::from(spatial > 0);
            let mut header = header(0, picture * 3 + u64::from(spatial), picture as u32 * 3000);
            header.is_marked = spatial == 2;
            let payload = [flags, layers, 0, 0];
            Packet::read(Codec::Vp9, Layering::Svc, header, &payload, None).unwrap()
        })
        .collect()
}

#[test]
fn svc_goes_down_with_the_next_picture_and_up_where_a_layer_begins_anew() {
    let mut forwarder = Forwarder::new(Codec::Vp9, Layering::Svc, Origin::default());
    forwarder.set_target(Some(Layer::new(2, 0)));
    let mut numbers = Vec::new();
    let mut feed = |forwarder: &mut Forwarder, picture: Vec<Packet>| {
        let sent: Vec<_> = picture
            .iter()
            .filter_map(|packet| given(forwarder, packet))
            .collect();
        numbers.extend(sent.iter().map(|forwarded| forwarded.seq_no.0));
        let marks: Vec<_> = sent.iter().map(|forwarded| forwarded.is_marked).collect();
        (sent.len(), marks.last().copied().unwrap_or(true))
    };
    assert_eq!(
        feed(&mut forwarder, vp9_picture(1, false, false)),
        (0, true)
    );
    assert_eq!(feed(&mut forwarder, vp9_picture(2, true, false)), (3, true));
    forwarder.set_target(Some(Layer::new(1, 0)));
    assert_eq!(
        feed(&mut forwarder, vp9_picture(3, false, false)),
        (2, true)
    );
    forwarder.set_target(Some(Layer::new(2, 0)));
    assert_eq!(forwarder.wanted_keyframe(), Some(SpatialLayer(0)));
    assert_eq!(
        feed(&mut forwarder, vp9_picture(4, false, false)),
        (2, true)
    );
    assert_eq!(feed(&mut forwarder, vp9_picture(5, false, true)), (3, true));
    assert_eq!(forwarder.wanted_keyframe(), None);
    assert!(numbers.is_sorted() && *numbers.last().unwrap() == numbers.len() as u64 - 1);
}

fn av1(seq_no: u64, dependency: FrameDependency) -> Packet {
    let header = header(0, seq_no, u32::from(dependency.frame_number) / 2 * 3000);
    Packet::read(
        Codec::Av1,
        Layering::Svc,
        header,
        &[0x10, 0],
        Some(&dependency),
    )
    .unwrap()
}

fn av1_frame(number: u16, spatial: u8, is_keyframe: bool, switchable: &[Layer]) -> FrameDependency {
    let mut set = LayerSet::default();
    switchable.iter().for_each(|layer| set.insert(*layer));
    FrameDependency {
        frame_number: number,
        layer: Layer::new(spatial, 0),
        is_frame_start: true,
        is_frame_end: true,
        is_keyframe,
        switchable: set,
    }
}

#[test]
fn av1_goes_up_where_its_dependency_descriptor_says_that_one_may() {
    let (low, high) = (Layer::new(0, 0), Layer::new(1, 0));
    let mut forwarder = Forwarder::new(Codec::Av1, Layering::Svc, Origin::default());
    forwarder.set_target(Some(low));
    let pictures = [
        (0, true, vec![low, high]),
        (2, false, vec![low]),
        (4, false, vec![low]),
        (6, false, vec![low, high]),
    ];
    let mut sent = Vec::new();
    for (number, is_key, switchable) in pictures {
        if number == 4 {
            forwarder.set_target(Some(high));
        }
        for spatial in 0..2 {
            let frame = av1_frame(
                number + u16::from(spatial),
                spatial,
                is_key && spatial == 0,
                if spatial == 0 { &switchable } else { &[] },
            );
            let packet = av1(u64::from(frame.frame_number), frame);
            if given(&mut forwarder, &packet).is_some() {
                sent.push(frame.frame_number);
            }
        }
    }
    assert_eq!(sent, [0, 2, 4, 6, 7]);
}

#[test]
fn a_new_source_of_the_same_encoding_waits_for_its_keyframe() {
    let mut forwarder = Forwarder::new(Codec::H264, Layering::Simulcast, Origin::default());
    forwarder.set_target(Some(Layer::default()));
    let read = |ssrc, seq_no, payload: &[u8]| {
        let mut header = header(0, seq_no, seq_no as u32 * 3000);
        header.ssrc = Ssrc(ssrc);
        Packet::read(Codec::H264, Layering::Simulcast, header, payload, None).unwrap()
    };
    let (key, delta) = ([0x65u8, 1], [0x41u8, 1]);
    assert!(given(&mut forwarder, &read(1, 5, &delta)).is_none());
    assert!(given(&mut forwarder, &read(1, 6, &key)).is_some());
    assert!(given(&mut forwarder, &read(2, 90, &delta)).is_none());
    assert_eq!(forwarder.wanted_keyframe(), Some(SpatialLayer(0)));
    assert!(given(&mut forwarder, &read(2, 91, &key)).is_some());
    assert!(given(&mut forwarder, &read(1, 7, &delta)).is_none());
    assert!(given(&mut forwarder, &read(2, 92, &delta)).is_some());
}

#[test]
fn a_pause_withholds_at_once_and_ends_with_a_keyframe() {
    let mut forwarder = Forwarder::new(Codec::H264, Layering::Simulcast, Origin::default());
    forwarder.set_target(Some(Layer::default()));
    let read = |seq_no: u64, payload: &[u8]| {
        let header = header(0, seq_no, seq_no as u32 * 3000);
        Packet::read(Codec::H264, Layering::Simulcast, header, payload, None).unwrap()
    };
    let (key, delta) = ([0x65u8, 1], [0x41u8, 1]);
    assert_eq!(given(&mut forwarder, &read(1, &key)).unwrap().seq_no.0, 0);
    for is_mute in [false, true] {
        if is_mute {
            forwarder.set_muted(true);
        } else {
            forwarder.set_target(None);
        }
        assert!(given(&mut forwarder, &read(2, &key)).is_none());
        assert_eq!(forwarder.wanted_keyframe(), None);
        forwarder.set_muted(false);
        forwarder.set_target(Some(Layer::default()));
        assert_eq!(forwarder.wanted_keyframe(), Some(SpatialLayer(0)));
        assert!(given(&mut forwarder, &read(3, &delta)).is_none());
        let back = read(4 + u64::from(is_mute), &key);
        assert_eq!(
            given(&mut forwarder, &back).unwrap().seq_no.0,
            1 + u64::from(is_mute)
        );
    }
}

#[test]
fn padding_is_left_out_and_closes_up() {
    let mut forwarder = Forwarder::new(Codec::H264, Layering::Simulcast, Origin::default());
    forwarder.set_target(Some(Layer::default()));
    let read = |seq_no, payload: &[u8]| {
        let header = header(0, seq_no, 0);
        Packet::read(Codec::H264, Layering::Simulcast, header, payload, None).unwrap()
    };
    assert!(given(&mut forwarder, &read(1, &[0x65, 1])).is_some());
    assert!(given(&mut forwarder, &read(2, &[])).is_none());
    let next = given(&mut forwarder, &read(3, &[0x41, 1])).unwrap();
    assert_eq!(next.seq_no, SeqNo(1));
}

#[test]
fn a_payload_that_breaks_its_format_or_names_layers_without_end_is_malformed() {
    let read = |codec, layering, payload: &[u8]| {
        Packet::read(codec, layering, header(0, 1, 1), payload, None)
    };
    for (codec, payload) in [
        (Codec::Vp8, &[0x80][..]),
        (Codec::Vp9, &[0xa0, 0x01]),
        // SID 7, TID 0; then SID 0, TID 7.
        (Codec::Vp9, &[0x28, 0x0e, 0, 0]),
        (Codec::Vp9, &[0x28, 0xe0, 0, 0]),
    ] {
        assert_eq!(
            read(codec, Layering::Svc, payload),
            Err(MalformedPacket),
            "{payload:?}"
        );
    }
    let mut beyond = header(3, 1, 1);
    beyond.ssrc = Ssrc(1);
    let read = Packet::read(Codec::H264, Layering::Simulcast, beyond, &[0x65], None);
    assert_eq!(read, Err(MalformedPacket));
}

#[test]
fn a_target_beyond_all_layers_means_the_highest() {
    let mut forwarder = Forwarder::new(Codec::Vp8, Layering::Simulcast, Origin::default());
    forwarder.set_target(Some(Layer::new(u8::MAX, u8::MAX)));
    assert_eq!(forwarder.target(), Some(Layer::new(2, 3)));
    // A key frame of VP8 with the Y bit set (RFC 7741 §4.2) in its lowest temporal layer.
    let payload = [0x90, 0x20, 0x20, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 1, 0, 1];
    let key = Packet::read(
        Codec::Vp8,
        Layering::Simulcast,
        header(0, 1, 1),
        &payload,
        None,
    );
    assert!(given(&mut forwarder, &key.unwrap()).is_some());
    assert_eq!(forwarder.current(), Some(Layer::new(0, 3)));
}
