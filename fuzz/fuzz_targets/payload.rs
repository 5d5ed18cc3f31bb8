//! Payload descriptors and dependency descriptors of every codec.
#![no_main]

use libfuzzer_sys::fuzz_target;
use moot_forward::dependency::{DependencyReader, patch_frame_number};
use moot_forward::vp8::{Descriptor, Ids, PictureId, patch};
use moot_forward::{av1, h264, vp9};

fuzz_target!(|bytes: &[u8]| {
    h264::is_keyframe(bytes);
    av1::is_keyframe(bytes);
    vp9::Descriptor::read(bytes);
    let mut copy = bytes.to_vec();
    let ids = Ids {
        picture_id: Some(PictureId {
            number: 0x7abc,
            is_long: true,
        }),
        tl0_pic_idx: Some(7),
        key_idx: Some(30),
    };
    if let Ok(before) = Descriptor::read(bytes) {
        patch(&mut copy, ids).expect("what can be read can be patched");
        let after = Descriptor::read(&copy).expect("a patched descriptor can be read");
        assert_eq!(before.length, after.length);
        assert_eq!(before.is_keyframe, after.is_keyframe);
        assert_eq!(
            after.ids.tl0_pic_idx,
            before.ids.tl0_pic_idx.and(ids.tl0_pic_idx)
        );
        assert_eq!(after.ids.key_idx, before.ids.key_idx.and(ids.key_idx));
    }
    let mut reader = DependencyReader::new();
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let _unread = reader.read(first);
    let _unread = reader.read(second);
    let _unread = reader.read(bytes);
    patch_frame_number(&mut copy, 1);
});
