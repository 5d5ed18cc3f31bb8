//! What forwarding reads of AV1 without a dependency descriptor: the aggregation header (AV1 RTP
//! specification §4.4).

/// Returns whether the packet begins a coded video sequence (N set), where decoding can begin.
pub fn is_keyframe(payload: &[u8]) -> bool {
    payload.first().is_some_and(|header| header & 0x08 != 0)
}

/// Returns whether the packet continues an OBU that began in an earlier packet (Z set).
pub fn is_continuation(payload: &[u8]) -> bool {
    payload.first().is_some_and(|header| header & 0x80 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_new_coded_video_sequence_begins_a_keyframe() {
        assert!(is_keyframe(&[0x18, 0x0a]));
        assert!(!is_keyframe(&[0x10, 0x32]));
        assert!(!is_keyframe(&[]));
        assert!(is_continuation(&[0x90]));
        assert!(!is_continuation(&[0x10]));
    }
}
