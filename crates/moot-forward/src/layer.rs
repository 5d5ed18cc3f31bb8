//! Which layers of a publication arrive, and at what rate.

use std::time::{Duration, Instant};

use crate::codec::Layering;
use crate::ids::{Bitrate, Layer, SpatialLayer};

/// Spatial layers a publication may have: LiveKit's low, medium and high.
pub const MAX_SPATIAL_LAYERS: usize = 3;
/// Temporal layers an encoding may have: TID is 2 bits in VP8 and 3 in VP9; no encoder in a
/// browser makes more than 3.
pub const MAX_TEMPORAL_LAYERS: usize = 4;

/// Length of a window of the rate. Shorter follows a keyframe's burst, longer hides a layer's end.
const WINDOW: Duration = Duration::from_millis(500);
/// How long a layer may be silent while another of the publication is heard, before it counts as
/// stopped. Above the longest gap of a screen share at 1 frame per second.
const SILENCE: Duration = Duration::from_millis(1500);
/// How long it may be silent while another goes on with [`MISSED`] frames. Above the gaps of the
/// smallest encoding of a screen share, 3 frames per second beside 30. Whoever was watching a layer
/// that its publisher stopped sees a picture that stands until then.
const SHORT_SILENCE: Duration = Duration::from_millis(500);
/// More frames than an encoder drops in a row to keep its rate.
const MISSED: u32 = 6;

/// What an encoding is taken to cost where its publisher did not say, from the smallest: what
/// browsers send of a 720p camera.
const USUAL: [Bitrate; MAX_SPATIAL_LAYERS] =
    [Bitrate::kbps(150), Bitrate::kbps(500), Bitrate::kbps(1_700)];

/// The bitrate of each layer, what forwarding it costs; zero where it does not arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerRates([[Bitrate; MAX_TEMPORAL_LAYERS]; MAX_SPATIAL_LAYERS]);

impl LayerRates {
    /// Returns the rates of a publication with one layer.
    pub fn single(rate: Bitrate) -> Self {
        let mut rates = Self::default();
        rates.set(Layer::default(), rate);
        rates
    }

    /// Returns what forwarding `layer` costs, everything below it that it needs included.
    pub fn rate(&self, layer: Layer) -> Bitrate {
        self.0
            .get(usize::from(layer.spatial.0))
            .and_then(|row| row.get(usize::from(layer.temporal.0)))
            .copied()
            .unwrap_or_default()
    }

    /// Says what forwarding `layer` costs; a layer out of range is ignored.
    pub fn set(&mut self, layer: Layer, rate: Bitrate) {
        let row = self.0.get_mut(usize::from(layer.spatial.0));
        if let Some(cell) = row.and_then(|row| row.get_mut(usize::from(layer.temporal.0))) {
            *cell = rate;
        }
    }

    /// Returns the layers that arrive, cheapest spatial layer first, temporal within spatial.
    pub fn layers(&self) -> impl DoubleEndedIterator<Item = (Layer, Bitrate)> + '_ {
        self.0.iter().enumerate().flat_map(|(spatial, row)| {
            row.iter()
                .enumerate()
                .filter(|(_, rate)| **rate > Bitrate::ZERO)
                .map(move |(temporal, rate)| (Layer::new(spatial as u8, temporal as u8), *rate))
        })
    }

    /// Returns whether any temporal layer of a spatial layer arrives.
    pub fn has_spatial(&self, spatial: SpatialLayer) -> bool {
        self.layers().any(|(layer, _)| layer.spatial == spatial)
    }
}

/// Measures the layers of one publication, packet by packet.
#[derive(Clone, Debug)]
pub struct LayerMeter {
    layering: Layering,
    window_began_at: Option<Instant>,
    bytes: [[u64; MAX_TEMPORAL_LAYERS]; MAX_SPATIAL_LAYERS],
    /// Smoothed rate of each layer alone, bits per second.
    alone: [[u64; MAX_TEMPORAL_LAYERS]; MAX_SPATIAL_LAYERS],
    expected: [Option<Bitrate>; MAX_SPATIAL_LAYERS],
    heard_at: [Option<Instant>; MAX_SPATIAL_LAYERS],
    newest_at: Option<Instant>,
    /// Frames that ended, of each spatial layer.
    frames: [u32; MAX_SPATIAL_LAYERS],
    /// What `frames` was when each spatial layer was last heard.
    frames_then: [[u32; MAX_SPATIAL_LAYERS]; MAX_SPATIAL_LAYERS],
}

impl LayerMeter {
    /// Makes a meter that has heard nothing.
    pub fn new(layering: Layering) -> Self {
        Self {
            layering,
            window_began_at: None,
            bytes: Default::default(),
            alone: Default::default(),
            expected: Default::default(),
            heard_at: Default::default(),
            newest_at: None,
            frames: Default::default(),
            frames_then: Default::default(),
        }
    }

    /// Announces a spatial layer and what it will cost, lower SVC layers included; zero where the
    /// publisher did not say. It counts until the layer has been measured.
    pub fn expect(&mut self, spatial: SpatialLayer, rate: Bitrate) {
        let place = usize::from(spatial.0);
        if let (Some(expected), Some(usual)) = (self.expected.get_mut(place), USUAL.get(place)) {
            *expected = Some(if rate > Bitrate::ZERO { rate } else { *usual });
        }
    }

    /// Counts a packet of `size_bytes` (payload and headers) of `layer`; `is_frame_end` where it is
    /// the last of its layer frame.
    pub fn record(&mut self, layer: Layer, size_bytes: usize, is_frame_end: bool, now: Instant) {
        let spatial = usize::from(layer.spatial.0);
        let temporal = usize::from(layer.temporal.0);
        let Some(cell) = self
            .bytes
            .get_mut(spatial)
            .and_then(|row| row.get_mut(temporal))
        else {
            return;
        };
        *cell += size_bytes as u64;
        self.heard_at[spatial] = Some(now);
        self.newest_at = Some(now);
        self.frames[spatial] = self.frames[spatial].wrapping_add(u32::from(is_frame_end));
        self.frames_then[spatial] = self.frames;
        let began = *self.window_began_at.get_or_insert(now);
        if now.saturating_duration_since(began) >= WINDOW {
            self.close_window(began, now);
        }
    }

    fn close_window(&mut self, began: Instant, now: Instant) {
        let elapsed_ms = now.saturating_duration_since(began).as_millis().max(1) as u64;
        for (bytes, alone) in self
            .bytes
            .iter_mut()
            .flatten()
            .zip(self.alone.iter_mut().flatten())
        {
            let fresh = *bytes * 8_000 / elapsed_ms;
            *alone = if *alone == 0 || fresh == 0 {
                fresh
            } else {
                (*alone + fresh) / 2
            };
            *bytes = 0;
        }
        self.window_began_at = Some(now);
    }

    /// Returns whether a spatial layer arrives: it has been heard, and not fallen silent while
    /// another layer of the publication went on (dynacast, a publisher short of bandwidth).
    pub fn is_active(&self, spatial: SpatialLayer) -> bool {
        let place = usize::from(spatial.0);
        let heard = self.heard_at.get(place).copied().flatten();
        let (Some(heard), Some(newest)) = (heard, self.newest_at) else {
            return false;
        };
        let silence = newest.saturating_duration_since(heard);
        if silence < SHORT_SILENCE {
            return true;
        }
        let then = &self.frames_then[place];
        let mut missed = self.frames.iter().zip(then);
        silence < SILENCE && missed.all(|(now, then)| now.wrapping_sub(*then) < MISSED)
    }

    /// Returns which spatial layers arrive, by their place.
    pub fn active(&self) -> [bool; MAX_SPATIAL_LAYERS] {
        std::array::from_fn(|place| self.is_active(SpatialLayer(place as u8)))
    }

    /// Returns what forwarding each active layer costs.
    ///
    /// Before anything has been heard every expected layer counts. One that has just begun, before
    /// its first window of 500 ms has closed, costs what was expected of it.
    pub fn rates(&self) -> LayerRates {
        let mut rates = LayerRates::default();
        let mut below = [0; MAX_TEMPORAL_LAYERS];
        for (spatial, usual) in USUAL.into_iter().enumerate() {
            let place = SpatialLayer(spatial as u8);
            let is_awaited = self.newest_at.is_none() && self.expected[spatial].is_some();
            if !is_awaited && !self.is_active(place) {
                continue;
            }
            let is_new = self.alone[spatial].iter().all(|alone| *alone == 0);
            let mut sum = 0;
            for (temporal, cost) in below.iter_mut().enumerate() {
                let alone = self.alone[spatial][temporal];
                sum += alone;
                *cost = if self.layering == Layering::Svc {
                    *cost + sum
                } else {
                    sum
                };
                if alone > 0 {
                    let layer = Layer::new(spatial as u8, temporal as u8);
                    rates.set(layer, Bitrate(*cost));
                }
            }
            if is_new {
                let expected = self.expected[spatial].unwrap_or(usual);
                rates.set(Layer::new(spatial as u8, 0), expected);
            }
        }
        rates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(meter: &mut LayerMeter, layers: &[(Layer, usize)], from: Instant, ms: u64) -> Instant {
        let mut now = from;
        for _ in 0..ms / 10 {
            now += Duration::from_millis(10);
            for &(layer, size) in layers {
                meter.record(layer, size, false, now);
            }
        }
        now
    }

    #[test]
    fn simulcast_layers_cost_their_own_rate_and_temporal_ones_add_up() {
        let mut meter = LayerMeter::new(Layering::Simulcast);
        let layers = [
            (Layer::new(0, 0), 100),
            (Layer::new(0, 1), 50),
            (Layer::new(2, 0), 1000),
        ];
        feed(&mut meter, &layers, Instant::now(), 3000);
        let rates = meter.rates();
        let close = |layer, kbps: u64| {
            let rate = rates.rate(layer).0;
            assert!(rate.abs_diff(kbps * 1000) < kbps * 50, "{layer:?} {rate}");
        };
        close(Layer::new(0, 0), 80);
        close(Layer::new(0, 1), 120);
        close(Layer::new(2, 0), 800);
        assert!(!rates.has_spatial(SpatialLayer(1)));
    }

    #[test]
    fn an_svc_layer_costs_the_layers_below_it_too() {
        let mut meter = LayerMeter::new(Layering::Svc);
        let layers = [(Layer::new(0, 0), 100), (Layer::new(1, 0), 300)];
        feed(&mut meter, &layers, Instant::now(), 3000);
        let rate = meter.rates().rate(Layer::new(1, 0)).0;
        assert!(rate.abs_diff(320_000) < 16_000, "{rate}");
    }

    #[test]
    fn a_layer_stops_counting_when_its_siblings_go_on_without_it() {
        let mut meter = LayerMeter::new(Layering::Simulcast);
        let both = [(Layer::new(0, 0), 100), (Layer::new(1, 0), 100)];
        let now = feed(&mut meter, &both, Instant::now(), 1000);
        assert!(meter.is_active(SpatialLayer(1)));
        feed(&mut meter, &both[..1], now, 1600);
        assert!(meter.is_active(SpatialLayer(0)));
        assert!(!meter.is_active(SpatialLayer(1)));
        assert!(!meter.rates().has_spatial(SpatialLayer(1)));
    }

    #[test]
    fn a_layer_stops_counting_sooner_when_its_siblings_finish_frames_without_it() {
        let mut meter = LayerMeter::new(Layering::Simulcast);
        let start = Instant::now();
        meter.record(Layer::new(1, 0), 100, true, start);
        let mut stopped_ms = None;
        for ms in (0..1_500).step_by(33) {
            meter.record(
                Layer::new(0, 0),
                100,
                true,
                start + Duration::from_millis(ms),
            );
            if meter.active() != [true, true, false] {
                stopped_ms = stopped_ms.or(Some(ms));
            }
        }
        assert_eq!(stopped_ms, Some(528));
        assert_eq!(meter.active(), [true, false, false]);
    }

    #[test]
    fn a_screen_of_few_frames_goes_on_beside_a_large_one_of_many() {
        let mut meter = LayerMeter::new(Layering::Simulcast);
        let start = Instant::now();
        for ms in 0..3_000 {
            let now = start + Duration::from_millis(ms);
            if ms % 33 == 0 {
                meter.record(Layer::new(1, 0), 100, true, now);
            }
            if ms % 333 == 0 {
                meter.record(Layer::new(0, 0), 100, true, now);
            }
            assert!(meter.is_active(SpatialLayer(0)), "{ms}");
        }
    }

    #[test]
    fn a_layer_costs_what_was_expected_until_it_is_measured() {
        let mut meter = LayerMeter::new(Layering::Simulcast);
        assert_eq!(meter.rates(), LayerRates::default());
        meter.expect(SpatialLayer(0), Bitrate::ZERO);
        meter.expect(SpatialLayer(1), Bitrate::kbps(700));
        assert_eq!(meter.rates().rate(Layer::new(0, 0)), Bitrate::kbps(150));
        assert_eq!(meter.rates().rate(Layer::new(1, 0)), Bitrate::kbps(700));
        let start = Instant::now();
        meter.record(Layer::new(1, 0), 500, true, start);
        assert_eq!(meter.rates(), {
            let mut rates = LayerRates::default();
            rates.set(Layer::new(1, 0), Bitrate::kbps(700));
            rates
        });
        feed(&mut meter, &[(Layer::new(1, 0), 100)], start, 1000);
        let rate = meter.rates().rate(Layer::new(1, 0)).0;
        assert!(rate.abs_diff(80_000) < 16_000, "{rate}");
    }
}
