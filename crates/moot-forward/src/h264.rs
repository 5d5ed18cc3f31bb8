//! What forwarding reads of H.264 (RFC 6184 §5): only where a keyframe begins.

const IDR: u8 = 5;
const SPS: u8 = 7;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// Returns whether decoding can begin at this packet: it carries a sequence parameter set or the
/// first part of an IDR slice, alone, aggregated (STAP-A, §5.7.1) or fragmented (FU-A, §5.8).
pub fn is_keyframe(payload: &[u8]) -> bool {
    let Some(&first) = payload.first() else {
        return false;
    };
    match first & 0x1f {
        IDR | SPS => true,
        STAP_A => {
            let mut rest = &payload[1..];
            while let [high, low, unit @ ..] = rest {
                let size = usize::from(u16::from_be_bytes([*high, *low]));
                match unit.first() {
                    Some(header) if size > 0 && matches!(header & 0x1f, IDR | SPS) => return true,
                    _ => {}
                }
                let Some(next) = unit.get(size..) else {
                    return false;
                };
                rest = next;
            }
            false
        }
        FU_A => payload
            .get(1)
            .is_some_and(|header| header & 0x80 != 0 && matches!(header & 0x1f, IDR | SPS)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_sets_idr_slices_and_their_packagings_begin_a_keyframe() {
        assert!(is_keyframe(&[0x67, 0x42]));
        assert!(is_keyframe(&[0x65, 0x88]));
        assert!(is_keyframe(&[0x78, 0, 2, 0x68, 1, 0, 2, 0x65, 1]));
        assert!(is_keyframe(&[0x7c, 0x85, 1]));
    }

    #[test]
    fn other_slices_and_later_fragments_do_not() {
        assert!(!is_keyframe(&[]));
        assert!(!is_keyframe(&[0x41, 0x9a]));
        assert!(!is_keyframe(&[0x7c, 0x05, 1]));
        assert!(!is_keyframe(&[0x78, 0, 2, 0x61, 1]));
        assert!(!is_keyframe(&[0x78, 0xff, 0xff, 0x61]));
        assert!(!is_keyframe(&[0x78, 0, 0, 0, 0]));
    }
}
