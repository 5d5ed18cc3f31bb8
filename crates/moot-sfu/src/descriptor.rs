//! The dependency descriptor (AV1 RTP specification, appendix A) as a header extension that is
//! carried as it came: only `moot-forward` reads it.

use std::sync::Arc;

use str0m::rtp::{ExtensionSerializer, ExtensionValues};

/// Longest descriptor that is kept, bytes: what a two-byte extension header can hold.
const MAX_DESCRIPTOR: usize = 255;

/// The bytes of a dependency descriptor, in the user values of a packet's extensions.
#[derive(Clone, Debug)]
pub(crate) struct Descriptor(pub(crate) Arc<[u8]>);

/// Carries the descriptor between the wire and [`Descriptor`].
#[derive(Debug)]
pub(crate) struct DescriptorExtension;

impl DescriptorExtension {
    pub(crate) const URI: &'static str =
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";
}

impl ExtensionSerializer for DescriptorExtension {
    fn write_to(&self, buf: &mut [u8], values: &ExtensionValues) -> usize {
        let Some(Descriptor(bytes)) = values.user_values.get::<Descriptor>() else {
            return 0;
        };
        match buf.get_mut(..bytes.len()) {
            Some(place) => {
                place.copy_from_slice(bytes);
                bytes.len()
            }
            None => 0,
        }
    }

    fn parse_value(&self, buf: &[u8], values: &mut ExtensionValues) -> bool {
        let fits = !buf.is_empty() && buf.len() <= MAX_DESCRIPTOR;
        if fits {
            values.user_values.set(Descriptor(buf.into()));
        }
        fits
    }

    fn is_video(&self) -> bool {
        true
    }

    fn is_audio(&self) -> bool {
        false
    }

    fn requires_two_byte_form(&self, values: &ExtensionValues) -> bool {
        // RFC 8285 §4.2: the one-byte form holds up to 16 bytes.
        values
            .user_values
            .get::<Descriptor>()
            .is_some_and(|Descriptor(bytes)| bytes.len() > 16)
    }
}
