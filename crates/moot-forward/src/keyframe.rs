//! When a publisher is asked for a keyframe (PLI, RFC 4585 §6.3.1).

use std::time::{Duration, Instant};

use crate::ids::SpatialLayer;
use crate::layer::MAX_SPATIAL_LAYERS;

/// Shortest time between two requests for one encoding. A keyframe costs its publisher five to ten
/// frames' worth of bits: shorter lets a crowd that joins drown the picture, longer keeps a joiner
/// waiting. Browsers make no more than one in 300 ms whatever they are asked.
const INTERVAL: Duration = Duration::from_millis(300);
/// A keyframe that began this recently is on its way to those who ask now for one because of it.
const FRESH: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug, Default)]
struct Encoding {
    is_wanted: bool,
    asked_at: Option<Instant>,
    began_at: Option<Instant>,
}

impl Encoding {
    fn deadline(&self, now: Instant) -> Option<Instant> {
        self.is_wanted
            .then(|| self.asked_at.map_or(now, |asked| asked + INTERVAL))
    }
}

/// Folds the keyframe wishes of all subscriptions of one publication into few requests.
///
/// A wish is asked at once where nothing was asked in the last 300 ms, and again every 300 ms until
/// a keyframe begins.
#[derive(Clone, Debug, Default)]
pub struct KeyframeRequests {
    encodings: [Encoding; MAX_SPATIAL_LAYERS],
}

impl KeyframeRequests {
    /// Makes one without wishes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that someone waits for a keyframe of an encoding; an encoding out of range is ignored.
    ///
    /// `is_lost` says that the asker missed something (its own PLI or FIR): a keyframe that began
    /// in the last 100 ms then counts as the answer. One who waits for the next keyframe anyway,
    /// to begin or to switch, has not been given that one.
    pub fn want(&mut self, encoding: SpatialLayer, is_lost: bool, now: Instant) {
        if let Some(wish) = self.encodings.get_mut(usize::from(encoding.0)) {
            let is_answered = wish
                .began_at
                .is_some_and(|began| now.saturating_duration_since(began) < FRESH);
            wish.is_wanted |= !(is_lost && is_answered);
        }
    }

    /// Notes the first packet of a keyframe, which answers every wish for its encoding.
    pub fn handle_keyframe(&mut self, encoding: SpatialLayer, now: Instant) {
        if let Some(wish) = self.encodings.get_mut(usize::from(encoding.0)) {
            wish.is_wanted = false;
            wish.began_at = Some(now);
        }
    }

    /// Returns the next encoding to ask the publisher for now; call until `None`.
    pub fn poll(&mut self, now: Instant) -> Option<SpatialLayer> {
        let due = self
            .encodings
            .iter()
            .position(|wish| wish.deadline(now).is_some_and(|deadline| deadline <= now))?;
        self.encodings[due].asked_at = Some(now);
        Some(SpatialLayer(due as u8))
    }

    /// Returns when [`poll`](Self::poll) will next have something; `None` without wishes.
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        self.encodings
            .iter()
            .filter_map(|wish| wish.deadline(now))
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOW: SpatialLayer = SpatialLayer(0);

    #[test]
    fn a_hundred_wishes_are_one_request_until_the_keyframe_comes() {
        let start = Instant::now();
        let mut requests = KeyframeRequests::new();
        let mut asked = 0;
        for ms in 0..290 {
            let now = start + Duration::from_millis(ms);
            requests.want(LOW, false, now);
            while requests.poll(now).is_some() {
                asked += 1;
            }
        }
        assert_eq!(asked, 1);
        let now = start + Duration::from_millis(300);
        assert_eq!(requests.deadline(now), Some(now));
        assert_eq!(requests.poll(now), Some(LOW));
        requests.handle_keyframe(LOW, now);
        assert_eq!(requests.deadline(now), None);
    }

    #[test]
    fn a_loss_report_right_after_a_keyframe_is_answered_by_it() {
        let start = Instant::now();
        let mut requests = KeyframeRequests::new();
        requests.handle_keyframe(LOW, start);
        let soon = start + Duration::from_millis(50);
        requests.want(LOW, true, soon);
        assert_eq!(requests.poll(soon), None);
        requests.want(LOW, false, soon);
        assert_eq!(requests.poll(soon), Some(LOW));
    }

    #[test]
    fn encodings_are_asked_one_by_one_and_unknown_ones_never() {
        let now = Instant::now();
        let mut requests = KeyframeRequests::new();
        requests.want(SpatialLayer(2), true, now);
        requests.want(LOW, true, now);
        requests.want(SpatialLayer(9), true, now);
        assert_eq!(requests.poll(now), Some(LOW));
        assert_eq!(requests.poll(now), Some(SpatialLayer(2)));
        assert_eq!(requests.poll(now), None);
    }
}
