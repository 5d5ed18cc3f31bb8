//! The dependency descriptor, an RTP header extension that says of any codec's frame which layers
//! need it (AV1 RTP specification, appendix A.8).
//!
//! A structure of templates comes with each keyframe; every frame names its template. The reader
//! keeps one structure per received encoding.

use crate::ids::Layer;

/// Templates a structure may have (`frame_dependency_template_id` is 6 bits).
const MAX_TEMPLATES: usize = 64;
/// A decode target indication: the frame is not part of the decode target.
const NOT_PRESENT: u8 = 0;
/// A decode target indication: decoding of the target can begin at this frame.
const SWITCH: u8 = 2;

/// The descriptor cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It ends too early.
    Truncated,
    /// It breaks a limit of the specification.
    Invalid,
    /// It names a template of a structure that has not been received.
    UnknownTemplate,
}

/// A set of layers, of 4 spatial by 8 temporal ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerSet(u32);

impl LayerSet {
    fn bit(layer: Layer) -> u32 {
        let place = u32::from(layer.spatial.0) * 8 + u32::from(layer.temporal.0);
        1u32.checked_shl(place).unwrap_or(0)
    }

    /// Adds a layer.
    pub fn insert(&mut self, layer: Layer) {
        self.0 |= Self::bit(layer);
    }

    /// Adds a layer and all temporal layers above it.
    pub fn insert_from(&mut self, layer: Layer) {
        for temporal in layer.temporal.0..8 {
            self.insert(Layer::new(layer.spatial.0, temporal));
        }
    }

    /// Returns the set with every layer's spatial number raised by `by`, as an encoding of a
    /// simulcast publication sees it.
    pub fn raised(self, by: u8) -> LayerSet {
        LayerSet(self.0.checked_shl(u32::from(by) * 8).unwrap_or(0))
    }

    /// Returns whether the layer is in the set.
    pub fn contains(self, layer: Layer) -> bool {
        self.0 & Self::bit(layer) != 0
    }
}

/// What a descriptor says of its packet's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameDependency {
    /// The running number of frames of this encoding, 16 bits.
    pub frame_number: u16,
    /// The frame's own layer.
    pub layer: Layer,
    /// The packet is the first of its frame.
    pub is_frame_start: bool,
    /// The packet is the last of its frame.
    pub is_frame_end: bool,
    /// The packet brought a structure, as the first of a keyframe does.
    pub is_keyframe: bool,
    /// Layers that can be decoded by one who begins with them here; with the highest temporal layer
    /// of a spatial one also those above it, which the stream does not have.
    pub switchable: LayerSet,
}

#[derive(Clone, Copy, Debug)]
struct Template {
    layer: Layer,
    /// Two bits for each decode target.
    indications: u64,
}

#[derive(Clone, Debug)]
struct Structure {
    first_id: u8,
    templates: Vec<Template>,
    /// The layer of each decode target: the highest spatial and temporal of its frames.
    targets: Vec<Layer>,
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn read(&mut self, count: usize) -> Result<u32, Unreadable> {
        let mut number = 0;
        for _ in 0..count {
            let byte = *self.bytes.get(self.at / 8).ok_or(Unreadable::Truncated)?;
            number = number << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Ok(number)
    }

    fn flag(&mut self) -> Result<bool, Unreadable> {
        Ok(self.read(1)? == 1)
    }

    /// Reads a number below `count` in the specification's `ns(n)` coding (§A.8.2).
    fn non_symmetric(&mut self, count: u32) -> Result<u32, Unreadable> {
        let mut width = 0usize;
        while count >> width > 0 {
            width += 1;
        }
        let short = (1 << width) - count;
        let number = self.read(width.saturating_sub(1))?;
        if number < short {
            return Ok(number);
        }
        let last = self.read(1)?;
        Ok((number << 1) - short + last)
    }

    fn indications(&mut self, targets: usize) -> Result<u64, Unreadable> {
        let mut packed = 0;
        for target in 0..targets {
            packed |= u64::from(self.read(2)?) << (2 * target);
        }
        Ok(packed)
    }
}

fn indication(packed: u64, target: usize) -> u8 {
    (packed >> (2 * target) & 3) as u8
}

impl Structure {
    fn read(bits: &mut Bits<'_>) -> Result<Self, Unreadable> {
        let first_id = bits.read(6)? as u8;
        let target_count = bits.read(5)? as usize + 1;
        let mut templates = Vec::new();
        let mut layer = Layer::default();
        loop {
            if templates.len() == MAX_TEMPLATES {
                return Err(Unreadable::Invalid);
            }
            templates.push(Template {
                layer,
                indications: 0,
            });
            match bits.read(2)? {
                0 => {}
                1 => layer.temporal.0 += 1,
                2 => {
                    layer.temporal.0 = 0;
                    layer.spatial.0 += 1;
                }
                _ => break,
            }
            if layer.temporal.0 > 7 || layer.spatial.0 > 3 {
                return Err(Unreadable::Invalid);
            }
        }
        let spatial_count = usize::from(layer.spatial.0) + 1;
        for template in &mut templates {
            template.indications = bits.indications(target_count)?;
        }
        for _ in &templates {
            while bits.flag()? {
                bits.read(4)?;
            }
        }
        let chain_count = bits.non_symmetric(target_count as u32 + 1)?;
        if chain_count > 0 {
            for _ in 0..target_count {
                bits.non_symmetric(chain_count)?;
            }
            bits.at += templates.len() * chain_count as usize * 4;
        }
        if bits.flag()? {
            bits.at += spatial_count * 32;
        }
        let targets = (0..target_count)
            .map(|target| {
                let mut highest = Layer::default();
                for template in &templates {
                    if indication(template.indications, target) != NOT_PRESENT {
                        highest.spatial = highest.spatial.max(template.layer.spatial);
                        highest.temporal = highest.temporal.max(template.layer.temporal);
                    }
                }
                highest
            })
            .collect();
        Ok(Self {
            first_id,
            templates,
            targets,
        })
    }
}

/// Reads the descriptors of one received encoding in the order of arrival.
#[derive(Clone, Debug, Default)]
pub struct DependencyReader {
    structure: Option<Structure>,
}

impl DependencyReader {
    /// Makes a reader that has seen no structure.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one descriptor, the raw bytes of the header extension.
    ///
    /// A structure in it replaces the kept one. A packet that comes late, after its structure has
    /// been replaced, is [`Unreadable::UnknownTemplate`]: publishers let the template ids of
    /// successive structures not overlap (`template_id_offset`).
    ///
    /// # Errors
    ///
    /// [`Unreadable`]; the kept structure is then unchanged.
    pub fn read(&mut self, bytes: &[u8]) -> Result<FrameDependency, Unreadable> {
        let mut bits = Bits { bytes, at: 0 };
        let is_frame_start = bits.flag()?;
        let is_frame_end = bits.flag()?;
        let template_id = bits.read(6)? as u8;
        let frame_number = bits.read(16)? as u16;
        let mut fresh = None;
        let mut has_own_indications = false;
        if bytes.len() > 3 {
            let has_structure = bits.flag()?;
            let has_active_targets = bits.flag()?;
            has_own_indications = bits.flag()?;
            bits.read(2)?;
            if has_structure {
                fresh = Some(Structure::read(&mut bits)?);
            }
            if has_active_targets {
                let known = fresh.as_ref().or(self.structure.as_ref());
                bits.at += known.map_or(0, |structure| structure.targets.len());
            }
        }
        let is_keyframe = fresh.is_some() && is_frame_start;
        let structure = fresh
            .as_ref()
            .or(self.structure.as_ref())
            .ok_or(Unreadable::UnknownTemplate)?;
        let place = template_id.wrapping_sub(structure.first_id) & 0x3f;
        let template = structure
            .templates
            .get(usize::from(place))
            .ok_or(Unreadable::UnknownTemplate)?;
        let indications = if has_own_indications {
            bits.indications(structure.targets.len())?
        } else {
            template.indications
        };
        let mut switchable = LayerSet::default();
        for (target, &layer) in structure.targets.iter().enumerate() {
            if indication(indications, target) != SWITCH {
                continue;
            }
            let is_top = structure
                .targets
                .iter()
                .all(|other| other.spatial != layer.spatial || other.temporal <= layer.temporal);
            // Whoever wants a higher temporal layer than there is gets the highest.
            if is_top {
                switchable.insert_from(layer);
            } else {
                switchable.insert(layer);
            }
        }
        if bits.at > bytes.len() * 8 {
            return Err(Unreadable::Truncated);
        }
        let layer = template.layer;
        if fresh.is_some() {
            self.structure = fresh;
        }
        Ok(FrameDependency {
            frame_number,
            layer,
            is_frame_start,
            is_frame_end,
            is_keyframe,
            switchable,
        })
    }
}

/// Writes a frame number over that of a raw descriptor; one too short to have it is left alone.
pub fn patch_frame_number(bytes: &mut [u8], frame_number: u16) {
    if let Some(field) = bytes.get_mut(1..3) {
        field.copy_from_slice(&frame_number.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct BitWriter {
        bytes: Vec<u8>,
        used: usize,
    }

    impl BitWriter {
        fn new() -> Self {
            Self {
                bytes: Vec::new(),
                used: 0,
            }
        }

        fn put(&mut self, number: u32, count: usize) -> &mut Self {
            for place in (0..count).rev() {
                if self.used.is_multiple_of(8) {
                    self.bytes.push(0);
                }
                let bit = (number >> place & 1) as u8;
                *self.bytes.last_mut().unwrap() |= bit << (7 - self.used % 8);
                self.used += 1;
            }
            self
        }
    }

    /// A keyframe's descriptor with two spatial by two temporal layers (L2T2): decode targets
    /// S0T0, S0T1, S1T0, S1T1, one chain, resolutions.
    fn l2t2_keyframe() -> Vec<u8> {
        let mut writer = BitWriter::new();
        writer.put(1, 1).put(1, 1).put(10, 6).put(500, 16);
        writer.put(0b10000, 5);
        writer.put(10, 6).put(3, 5);
        // Layers: S0T0 (key), S0T0, S0T1, S1T0, S1T1.
        writer.put(0, 2).put(1, 2).put(2, 2).put(1, 2).put(3, 2);
        for template in [
            [2, 2, 2, 2],
            [3, 3, 3, 3],
            [0, 1, 0, 3],
            [0, 0, 3, 3],
            [0, 0, 0, 1],
        ] {
            for indication in template {
                writer.put(indication, 2);
            }
        }
        // Frame differences: none, 2, 1, 1, (1, 2).
        writer.put(0, 1);
        for difference in [1, 0, 0] {
            writer.put(1, 1).put(difference, 4).put(0, 1);
        }
        writer.put(1, 1).put(0, 4).put(1, 1).put(1, 4).put(0, 1);
        // One chain of five possible counts (0 to 4): ns(5) codes 1 in two bits.
        writer.put(1, 2);
        // Each target is protected by chain 0: ns(1) takes no bits. Then 5 x 1 x 4 bits.
        writer.put(0, 20);
        writer.put(1, 1);
        for size in [319, 179, 639, 359] {
            writer.put(size, 16);
        }
        writer.bytes
    }

    #[test]
    fn a_structure_is_read_and_names_the_layer_of_later_frames() {
        let mut reader = DependencyReader::new();
        let key = reader.read(&l2t2_keyframe()).unwrap();
        assert_eq!(key.frame_number, 500);
        assert_eq!(key.layer, Layer::new(0, 0));
        assert!(key.is_keyframe && key.switchable.contains(Layer::new(1, 1)));
        // There is no temporal layer 3: whoever aims at it gets the highest there is.
        assert!(key.switchable.contains(Layer::new(1, 3)));
        assert!(!key.switchable.contains(Layer::new(2, 0)));

        let later = reader.read(&[0x80 | 14, 0x01, 0xf6]).unwrap();
        assert_eq!(later.layer, Layer::new(1, 1));
        assert_eq!(later.frame_number, 502);
        assert!(later.is_frame_start && !later.is_frame_end && !later.is_keyframe);
        assert!(!later.switchable.contains(Layer::new(1, 1)));
        assert!(!later.switchable.contains(Layer::new(1, 3)));
    }

    #[test]
    fn a_frames_own_indications_come_before_its_templates() {
        let mut reader = DependencyReader::new();
        reader.read(&l2t2_keyframe()).unwrap();
        let mut writer = BitWriter::new();
        writer.put(0b11, 2).put(14, 6).put(503, 16).put(0b00100, 5);
        writer.put(0b00_00_00_10, 8);
        let frame = reader.read(&writer.bytes).unwrap();
        assert!(frame.switchable.contains(Layer::new(1, 1)));
        assert!(!frame.switchable.contains(Layer::new(1, 0)));
    }

    #[test]
    fn a_template_of_no_known_structure_is_unreadable() {
        let mut reader = DependencyReader::new();
        assert_eq!(reader.read(&[0xc0, 0, 1]), Err(Unreadable::UnknownTemplate));
        reader.read(&l2t2_keyframe()).unwrap();
        assert_eq!(
            reader.read(&[0xc0 | 20, 0, 1]),
            Err(Unreadable::UnknownTemplate)
        );
    }

    #[test]
    fn no_truncation_panics_or_replaces_the_structure() {
        let whole = l2t2_keyframe();
        let mut reader = DependencyReader::new();
        reader.read(&whole).unwrap();
        for end in 0..whole.len() {
            assert!(
                DependencyReader::new().read(&whole[..end]).is_err(),
                "{end}"
            );
        }
        assert!(reader.read(&whole[..20]).is_err());
        assert!(reader.read(&[0x80 | 14, 0x01, 0xf6]).is_ok());
    }

    #[test]
    fn a_frame_number_is_patched_in_place() {
        let mut bytes = [0xc1, 0, 1];
        patch_frame_number(&mut bytes, 0x1234);
        assert_eq!(bytes, [0xc1, 0x12, 0x34]);
        patch_frame_number(&mut bytes[..2], 0);
        assert_eq!(bytes, [0xc1, 0x12, 0x34]);
    }
}
