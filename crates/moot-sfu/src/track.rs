//! A publication: what a publisher announced, what arrives, and what is asked of it.

use moot_forward::dependency::DependencyReader;
use moot_forward::{
    Bitrate, Codec, KeyframeRequests, Layer, LayerMeter, Layering, LoudnessMeter,
    MAX_SPATIAL_LAYERS, MAX_TEMPORAL_LAYERS, SpatialLayer, TemporalLayer,
};
use str0m::format::{Codec as WireCodec, PayloadParams};
use str0m::media::{Mid, Rid};

use crate::arena::Key;
use crate::command::{Kind, LayerSpec, Quality, Source, TrackSpec, Wish};
use crate::connection::Connection;
use crate::ids::TrackId;
use crate::meeting::Meeting;
use crate::recent::Recent;
use crate::router::Arrival;
use std::time::Instant;

/// The codec a track arrives in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TakenCodec {
    /// Grows each time the publisher takes another one.
    pub(crate) epoch: u32,
    pub(crate) codec: Codec,
    pub(crate) layering: Layering,
    /// What the publisher calls it.
    pub(crate) params: PayloadParams,
}

/// One encoding of a track.
#[derive(Debug)]
pub(crate) struct Encoding {
    /// Its name on the wire; `None` for the only one.
    pub(crate) rid: Option<Rid>,
    pub(crate) quality: Quality,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) ssrc: Option<u32>,
    pub(crate) dependency: DependencyReader,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    /// Bytes at the last renewal of figures.
    pub(crate) counted_bytes: u64,
    pub(crate) bitrate_bps: u64,
}

/// Which qualities are wanted, as the publisher was told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dynacast {
    /// The highest spatial layer told; `None` before the first telling.
    pub(crate) told: Option<Option<SpatialLayer>>,
    /// Since when less is wanted than told.
    pub(crate) lower_since: Option<Instant>,
}

/// Another codec that a published track will come in.
#[derive(Debug)]
pub(crate) struct NextCodec {
    pub(crate) cid: String,
    codec: String,
    layers: Vec<LayerSpec>,
    /// The section that carries it, once an offer did.
    section: Option<(Mid, Vec<String>)>,
}

impl NextCodec {
    pub(crate) fn new(cid: String, codec: String, layers: Vec<LayerSpec>) -> Self {
        Self {
            cid,
            codec,
            layers,
            section: None,
        }
    }
}

/// One publication.
pub(crate) struct Track {
    pub(crate) id: TrackId,
    pub(crate) connection: Key<Connection>,
    pub(crate) meeting: Key<Meeting>,
    /// Its place in the meeting's tables.
    pub(crate) place: usize,
    pub(crate) kind: Kind,
    pub(crate) source: Source,
    pub(crate) cid: String,
    pub(crate) is_muted: bool,
    pub(crate) is_stereo: bool,
    /// What the client means to send, by its short name; empty if it did not say.
    pub(crate) codec: String,
    pub(crate) layers: Vec<LayerSpec>,
    /// The section that carries it, once an offer did.
    pub(crate) mid: Option<Mid>,
    pub(crate) taken: Option<TakenCodec>,
    /// What it will be taken in once that arrives.
    pub(crate) next_codec: Option<NextCodec>,
    /// The taking of a codec that somebody cannot decode, once that was told.
    pub(crate) unsupported_epoch: Option<u32>,
    /// Smallest first.
    pub(crate) encodings: Vec<Encoding>,
    pub(crate) meter: LayerMeter,
    /// Which of its spatial layers arrived when that was last looked at.
    pub(crate) active: [bool; MAX_SPATIAL_LAYERS],
    pub(crate) keyframes: KeyframeRequests,
    pub(crate) keyframes_asked: u64,
    pub(crate) loudness: LoudnessMeter,
    /// What came lately, by encoding.
    pub(crate) recent: [Recent; MAX_SPATIAL_LAYERS],
    pub(crate) dynacast: Dynacast,
}

impl Track {
    pub(crate) fn new(
        spec: TrackSpec,
        connection: Key<Connection>,
        meeting: Key<Meeting>,
        place: usize,
    ) -> Self {
        Self {
            id: spec.track,
            connection,
            meeting,
            place,
            kind: spec.kind,
            source: spec.source,
            cid: spec.cid,
            is_muted: spec.muted,
            is_stereo: spec.stereo,
            codec: spec.codec,
            layers: spec.layers,
            mid: None,
            taken: None,
            next_codec: None,
            unsupported_epoch: None,
            encodings: Vec::new(),
            meter: LayerMeter::new(Layering::Simulcast),
            active: Default::default(),
            keyframes: KeyframeRequests::new(),
            keyframes_asked: 0,
            loudness: LoudnessMeter::new(),
            recent: Default::default(),
            dynacast: Dynacast::default(),
        }
    }

    /// The client's id of what no section carries yet: of the track, or of its next codec.
    pub(crate) fn awaited_cid(&self) -> Option<&str> {
        match (&self.mid, &self.next_codec) {
            (None, _) => Some(&self.cid),
            (Some(_), Some(next)) if next.section.is_none() => Some(&next.cid),
            (Some(_), _) => None,
        }
    }

    /// What the client means to send where [`awaited_cid`](Self::awaited_cid) is carried.
    pub(crate) fn awaited_codec(&self) -> &str {
        match &self.next_codec {
            Some(next) if self.mid.is_some() => &next.codec,
            _ => &self.codec,
        }
    }

    /// Takes the section that carries the track, with the layers in it; returns whether the track
    /// is published by this. A section of its next codec waits for the first packet.
    pub(crate) fn publish(&mut self, mid: Mid, rids: &[String]) -> bool {
        if self.mid.is_some() {
            if let Some(next) = &mut self.next_codec {
                next.section = Some((mid, rids.to_vec()));
            }
            return false;
        }
        self.mid = Some(mid);
        self.encodings = encodings(rids, &self.layers);
        self.expect_layers();
        true
    }

    /// Goes on in the next codec if that is what a section carries; returns whether it was.
    pub(crate) fn switch_codec(&mut self, mid: Mid) -> bool {
        let is_next = |next: &mut NextCodec| {
            let section = next.section.as_ref();
            section.is_some_and(|(carrier, _)| *carrier == mid)
        };
        let Some(next) = self.next_codec.take_if(is_next) else {
            return false;
        };
        let (_, rids) = next.section.unwrap_or((mid, Vec::new()));
        self.cid = next.cid;
        self.codec = next.codec;
        self.layers = next.layers;
        self.dynacast = Dynacast::default();
        self.forget_recent();
        self.mid = None;
        self.publish(mid, &rids)
    }

    /// Keeps a packet that has been forwarded for those who begin to watch soon.
    pub(crate) fn keep(&mut self, arrival: Arrival, now: Instant) {
        let encoding = usize::from(arrival.packet.header.encoding.0);
        if let Some(recent) = self.recent.get_mut(encoding) {
            recent.record(arrival, now);
        }
    }

    /// Drops what was kept and is too old by now.
    pub(crate) fn forget_old(&mut self, now: Instant) {
        for recent in &mut self.recent {
            recent.forget_old(now);
        }
    }

    /// Drops everything that was kept.
    pub(crate) fn forget_recent(&mut self) {
        for recent in &mut self.recent {
            recent.clear();
        }
    }

    /// Returns whether someone who begins to watch a layer may begin with what was kept of it.
    pub(crate) fn has_recent(&self, spatial: SpatialLayer) -> bool {
        let is_svc = self
            .taken
            .is_some_and(|taken| taken.layering == Layering::Svc);
        let encoding = if is_svc { 0 } else { usize::from(spatial.0) };
        self.recent
            .get(encoding)
            .is_some_and(|recent| !recent.arrivals().is_empty())
    }

    /// Lets an encoding that has not been measured cost what its publisher announced.
    fn expect_layers(&mut self) {
        for (place, encoding) in self.encodings.iter().enumerate() {
            let announced = self
                .layers
                .iter()
                .find(|layer| layer.quality == encoding.quality)
                .map_or(0, |layer| layer.bitrate_bps);
            self.meter
                .expect(SpatialLayer(place as u8), Bitrate(announced));
        }
    }

    /// Learns the codec of a packet from its publisher's parameters; returns it if it is known.
    pub(crate) fn take_codec(&mut self, params: &PayloadParams) -> Option<TakenCodec> {
        if let Some(taken) = &self.taken
            && taken.params.pt() == params.pt()
        {
            return Some(*taken);
        }
        let codec = match params.spec().codec {
            WireCodec::Opus => Codec::Opus,
            WireCodec::Vp8 => Codec::Vp8,
            WireCodec::Vp9 => Codec::Vp9,
            WireCodec::H264 => Codec::H264,
            WireCodec::Av1 => Codec::Av1,
            _ => return None,
        };
        let is_layered = matches!(codec, Codec::Vp9 | Codec::Av1) && self.encodings.len() < 2;
        let layering = if is_layered {
            Layering::Svc
        } else {
            Layering::Simulcast
        };
        self.meter = LayerMeter::new(layering);
        self.expect_layers();
        let taken = TakenCodec {
            epoch: self.taken.map_or(1, |taken| taken.epoch + 1),
            codec,
            layering,
            params: *params,
        };
        self.taken = Some(taken);
        Some(taken)
    }

    /// The place of the encoding that is called `rid`.
    pub(crate) fn encoding_named(&self, rid: Option<Rid>) -> Option<usize> {
        self.encodings
            .iter()
            .position(|encoding| encoding.rid == rid)
            // A publisher with one encoding may give it a name all the same.
            .or((self.encodings.len() == 1).then_some(0))
    }

    /// The most that a wish asks of this track.
    pub(crate) fn wanted(&self, wish: &Wish) -> Layer {
        let top = self.top();
        let by_quality = match wish.quality {
            None => top,
            Some(quality) => self.spatial_of(quality),
        };
        let by_size = match (wish.width, wish.height) {
            (0, 0) => top,
            (width, height) => self.spatial_covering(width, height),
        };
        Layer {
            spatial: by_quality.min(by_size),
            temporal: temporal_of(wish.fps),
        }
    }

    fn top(&self) -> SpatialLayer {
        let is_svc = self
            .taken
            .is_some_and(|taken| taken.layering == Layering::Svc);
        let layers = if is_svc {
            MAX_SPATIAL_LAYERS
        } else {
            self.encodings.len().max(1)
        };
        SpatialLayer((layers - 1) as u8)
    }

    fn spatial_of(&self, quality: Quality) -> SpatialLayer {
        if self.encodings.len() < 2 {
            return SpatialLayer(quality as u8).min(self.top());
        }
        let best = self
            .encodings
            .iter()
            .rposition(|encoding| encoding.quality <= quality);
        SpatialLayer(best.unwrap_or(0) as u8)
    }

    fn spatial_covering(&self, width: u32, height: u32) -> SpatialLayer {
        if self.encodings.len() < 2 {
            return self.top();
        }
        // Either side is enough: a page crops to fill its tile.
        let covering = self.encodings.iter().position(|encoding| {
            encoding.width == 0 || encoding.width >= width || encoding.height >= height
        });
        covering.map_or(self.top(), |place| SpatialLayer(place as u8))
    }

    /// The name of the quality that a spatial layer is.
    pub(crate) fn quality_of(&self, spatial: SpatialLayer) -> Quality {
        match self.encodings.get(usize::from(spatial.0)) {
            Some(encoding) if self.encodings.len() > 1 => encoding.quality,
            _ => match spatial.0 {
                0 if self.top() > SpatialLayer(0) => Quality::Low,
                1 if self.top() > SpatialLayer(1) => Quality::Medium,
                _ => Quality::High,
            },
        }
    }
}

/// The temporal layer that `fps` frames per second ask for, where the whole encoding has about 30
/// and each layer below has half of it.
fn temporal_of(fps: u32) -> TemporalLayer {
    match fps {
        1..=8 => TemporalLayer(0),
        9..=15 => TemporalLayer(1),
        _ => TemporalLayer((MAX_TEMPORAL_LAYERS - 1) as u8),
    }
}

/// Puts the layers on the wire in order of size, with what was announced about each.
fn encodings(rids: &[String], layers: &[LayerSpec]) -> Vec<Encoding> {
    let mut described: Vec<(Option<&str>, Quality, Option<&LayerSpec>)> = Vec::new();
    if rids.is_empty() {
        let best = layers.iter().max_by_key(|layer| layer.quality);
        let quality = best.map_or(Quality::High, |layer| layer.quality);
        described.push((None, quality, best));
    }
    for (at, rid) in rids.iter().take(MAX_SPATIAL_LAYERS).enumerate() {
        let by_place = [Quality::Low, Quality::Medium, Quality::High][at];
        let named = quality_of_rid(rid);
        let spec = layers
            .iter()
            .find(|layer| layer.rid == *rid)
            .or_else(|| layers.iter().find(|layer| Some(layer.quality) == named));
        let quality = spec
            .map(|layer| layer.quality)
            .or(named)
            .unwrap_or(by_place);
        described.push((Some(rid), quality, spec));
    }
    described.sort_by_key(|(_, quality, _)| *quality);
    described
        .into_iter()
        .map(|(rid, quality, spec)| Encoding {
            rid: rid.map(Rid::from),
            quality,
            width: spec.map_or(0, |layer| layer.width),
            height: spec.map_or(0, |layer| layer.height),
            ssrc: None,
            dependency: DependencyReader::new(),
            packets: 0,
            bytes: 0,
            counted_bytes: 0,
            bitrate_bps: 0,
        })
        .collect()
}

/// LiveKit's clients call their layers quarter, half and full.
fn quality_of_rid(rid: &str) -> Option<Quality> {
    match rid {
        "q" => Some(Quality::Low),
        "h" => Some(Quality::Medium),
        "f" => Some(Quality::High),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(quality: Quality, width: u32, rid: &str) -> LayerSpec {
        LayerSpec {
            quality,
            width,
            height: width * 9 / 16,
            bitrate_bps: 0,
            rid: rid.into(),
            ssrc: 0,
        }
    }

    #[test]
    fn layers_are_ordered_by_size_however_they_are_offered() {
        let rids = ["f".to_owned(), "q".to_owned(), "h".to_owned()];
        let announced = [
            layer(Quality::High, 1280, ""),
            layer(Quality::Low, 320, ""),
            layer(Quality::Medium, 640, ""),
        ];
        let ordered = encodings(&rids, &announced);
        let names: Vec<_> = ordered.iter().map(|e| e.rid.unwrap().to_string()).collect();
        assert_eq!(names, ["q", "h", "f"]);
        let widths: Vec<_> = ordered.iter().map(|e| e.width).collect();
        assert_eq!(widths, [320, 640, 1280]);
    }

    #[test]
    fn a_layer_without_a_known_name_goes_by_its_place() {
        let ordered = encodings(&["a".to_owned(), "b".to_owned()], &[]);
        let qualities: Vec<_> = ordered.iter().map(|e| e.quality).collect();
        assert_eq!(qualities, [Quality::Low, Quality::Medium]);
    }

    #[test]
    fn a_single_encoding_has_the_best_announced_quality() {
        let single = encodings(&[], &[layer(Quality::Medium, 640, "")]);
        assert_eq!(single.len(), 1);
        assert_eq!(single[0].quality, Quality::Medium);
    }
}
