//! Whether queues grow, stand or drain.

use super::arrival::Sample;

/// How many groups the line is laid through. More see smaller slopes later, fewer take jitter for
/// a slope.
const WINDOW: usize = 20;
/// Weight of the past in the smoothed delay; a larger value is steadier and later.
const SMOOTHING: f64 = 0.9;
/// What a slope is multiplied by, together with the number of groups, before it is compared with
/// the threshold; a larger value sees overuse sooner.
const GAIN: f64 = 4.0;
/// The number of groups counts up to this.
const MAX_COUNT: u32 = 60;
/// First threshold, ms; a larger value is deafer for the first seconds.
const FIRST_THRESHOLD_MS: f64 = 12.5;
/// Bounds of the threshold, ms (draft-ietf-rmcat-gcc-02 section 5.4).
const MIN_THRESHOLD_MS: f64 = 6.0;
const MAX_THRESHOLD_MS: f64 = 600.0;
/// How fast the threshold follows a slope above it, per ms; a larger value gives way to competing
/// flows less, and reacts later.
const THRESHOLD_UP: f64 = 0.0087;
/// How fast it follows one below, per ms; a larger value is more sensitive after a quiet time.
const THRESHOLD_DOWN: f64 = 0.039;
/// A slope this far above the threshold is an outlier that does not move it, ms.
const OUTLIER_MS: f64 = 15.0;
/// How long a slope must be above the threshold to count, ms.
const OVERUSE_MS: f64 = 10.0;
/// The queue is the shortest one met in this time, ms: jitter spares some packet, a queue does not.
/// A larger value is surer and later.
const STANDING_MS: f64 = 150.0;
/// A shorter queue than this is not congestion, however it grows, ms. A larger value tolerates more
/// jitter and needs more delay to see congestion.
const MIN_QUEUE_MS: f64 = 8.0;
/// A queue that stands above this is congestion even where it does not grow, ms: a full buffer's
/// does not.
const STANDING_QUEUE_MS: f64 = 60.0;
/// A queue stands only where at least as many groups met it.
const FEWEST_STANDING: usize = 5;
/// A queue that becomes shorter by this many ms per ms drains.
const DRAINING: f64 = -0.02;
/// A queue of which only this share is left drains, whatever the slope says.
const FALLEN: f64 = 0.7;
/// Overuse must be seen in reports this far apart, ms: after a stall, as of Wi-Fi, the queue is gone
/// by then. A larger value bridges longer stalls, and is late to see congestion.
const STALL_MS: f64 = 30.0;
/// A gap between groups after which the line begins anew, ms.
const MAX_GAP_MS: f64 = 2_000.0;

/// What the delay says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    /// A queue grows, or stands long.
    Over,
    /// Nothing special.
    Normal,
    /// A queue drains, or is too young to tell.
    Under,
}

/// One group, ms.
#[derive(Clone, Copy, Debug, Default)]
struct Point {
    /// Arrival since the first group.
    at: f64,
    queue: f64,
    whole: f64,
    smoothed: f64,
}

/// The trendline filter with the adaptive threshold (draft-ietf-rmcat-gcc-02 sections 5.3 and 5.4,
/// with the line of libwebrtc in place of the Kalman filter), and beside the slope the length of
/// the queue itself.
#[derive(Clone, Debug)]
pub(super) struct Trendline {
    points: [Point; WINDOW],
    next: usize,
    length: usize,
    count: u32,
    first_us: i64,
    smoothed_ms: f64,
    slope: f64,
    trend_ms: f64,
    threshold_ms: f64,
    over_for_ms: f64,
    over_count: u32,
    is_growing: bool,
    over_since_ms: Option<f64>,
}

impl Trendline {
    pub(super) fn new() -> Self {
        Self {
            points: [Point::default(); WINDOW],
            next: 0,
            length: 0,
            count: 0,
            first_us: 0,
            smoothed_ms: 0.0,
            slope: 0.0,
            trend_ms: 0.0,
            threshold_ms: FIRST_THRESHOLD_MS,
            over_for_ms: 0.0,
            over_count: 0,
            is_growing: false,
            over_since_ms: None,
        }
    }

    /// Forgets the line, not the threshold.
    pub(super) fn restart(&mut self) {
        *self = Self {
            threshold_ms: self.threshold_ms,
            ..Self::new()
        };
    }

    /// Adds a group.
    pub(super) fn add(&mut self, sample: Sample) {
        let last_ms = self.last_ms();
        let mut now_ms = (sample.arrived_us - self.first_us) as f64 / 1e3;
        let gap_ms = now_ms - last_ms;
        if self.length == 0 || !(-MAX_GAP_MS..=MAX_GAP_MS).contains(&gap_ms) {
            self.restart();
            self.first_us = sample.arrived_us;
            self.smoothed_ms = sample.queue_ms;
            now_ms = 0.0;
        }
        let gap_ms = if self.length == 0 { 0.0 } else { gap_ms };
        self.count = (self.count + 1).min(MAX_COUNT);
        self.smoothed_ms = SMOOTHING * self.smoothed_ms + (1.0 - SMOOTHING) * sample.queue_ms;
        self.points[self.next] = Point {
            at: now_ms,
            queue: sample.queue_ms,
            whole: sample.whole_ms,
            smoothed: self.smoothed_ms,
        };
        self.next = (self.next + 1) % WINDOW;
        self.length = (self.length + 1).min(WINDOW);
        if self.length == WINDOW {
            self.slope = self.fit().unwrap_or(self.slope);
        }
        self.detect(gap_ms.max(0.0));
    }

    fn last_ms(&self) -> f64 {
        self.points[(self.next + WINDOW - 1) % WINDOW].at
    }

    /// Lays the line of least squares; none where all groups arrived at once.
    fn fit(&self) -> Option<f64> {
        let n = WINDOW as f64;
        let (mut sum_x, mut sum_y) = (0.0, 0.0);
        for point in &self.points {
            sum_x += point.at;
            sum_y += point.smoothed;
        }
        let (mean_x, mean_y) = (sum_x / n, sum_y / n);
        let (mut above, mut below) = (0.0, 0.0);
        for point in &self.points {
            let x = point.at - mean_x;
            above += x * (point.smoothed - mean_y);
            below += x * x;
        }
        (below > 1e-6).then(|| above / below)
    }

    fn detect(&mut self, gap_ms: f64) {
        let before_ms = self.trend_ms;
        self.trend_ms = f64::from(self.count) * self.slope * GAIN;
        if self.trend_ms > self.threshold_ms {
            self.over_for_ms += if self.over_count == 0 {
                gap_ms / 2.0
            } else {
                gap_ms
            };
            self.over_count += 1;
            let is_long = self.over_for_ms > OVERUSE_MS && self.over_count > 1;
            self.is_growing |= is_long && self.trend_ms >= before_ms;
        } else {
            self.over_for_ms = 0.0;
            self.over_count = 0;
            self.is_growing = false;
        }
        let size_ms = self.trend_ms.abs();
        if size_ms <= self.threshold_ms + OUTLIER_MS {
            let speed = if size_ms < self.threshold_ms {
                THRESHOLD_DOWN
            } else {
                THRESHOLD_UP
            };
            self.threshold_ms += speed * (size_ms - self.threshold_ms) * gap_ms.min(100.0);
            self.threshold_ms = self.threshold_ms.clamp(MIN_THRESHOLD_MS, MAX_THRESHOLD_MS);
        }
    }

    /// Returns the queue that all recent groups met beyond their own bursts, ms.
    pub(super) fn queue_ms(&self) -> f64 {
        self.shortest(|point| point.queue)
    }

    /// Returns the queue that all recent groups met, ms.
    pub(super) fn whole_queue_ms(&self) -> f64 {
        self.shortest(|point| point.whole)
    }

    fn shortest(&self, of: impl Fn(&Point) -> f64) -> f64 {
        let since_ms = self.last_ms() - STANDING_MS;
        let shortest = self.points[..self.length]
            .iter()
            .filter(|point| point.at >= since_ms)
            .map(of)
            .fold(f64::INFINITY, f64::min);
        if shortest.is_finite() { shortest } else { 0.0 }
    }

    /// Says whether a long queue has just become much shorter, which the slope tells late.
    fn is_falling(&self) -> bool {
        let since_ms = self.last_ms() - STANDING_MS;
        let longest = self.points[..self.length]
            .iter()
            .filter(|point| point.at >= since_ms)
            .map(|point| point.whole)
            .fold(0.0, f64::max);
        let last = self.points[(self.next + WINDOW - 1) % WINDOW].whole;
        longest >= STANDING_QUEUE_MS && last < longest * FALLEN
    }

    /// Returns by how much the queue grows, ms per ms.
    pub(super) fn slope(&self) -> f64 {
        self.slope
    }

    /// Says what the delay of the last groups means; asked once per report.
    pub(super) fn usage(&mut self) -> Usage {
        let queue_ms = self.queue_ms();
        let is_draining = self.slope < DRAINING || self.is_falling();
        let is_over = self.is_growing && !self.is_falling() && queue_ms >= MIN_QUEUE_MS;
        let is_standing =
            queue_ms >= STANDING_QUEUE_MS && !is_draining && self.length >= FEWEST_STANDING;
        if is_over || is_standing {
            let last_ms = self.last_ms();
            let since_ms = *self.over_since_ms.get_or_insert(last_ms);
            return if last_ms - since_ms >= STALL_MS {
                Usage::Over
            } else {
                Usage::Under
            };
        }
        self.over_since_ms = None;
        if self.trend_ms < -self.threshold_ms || (is_draining && queue_ms >= MIN_QUEUE_MS) {
            Usage::Under
        } else {
            Usage::Normal
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(trendline: &mut Trendline, from_ms: i64, queues_ms: impl Iterator<Item = f64>) -> i64 {
        let mut sent_ms = from_ms;
        for queue_ms in queues_ms {
            sent_ms += 10;
            trendline.add(Sample {
                arrived_us: sent_ms * 1000 + (queue_ms * 1e3) as i64,
                queue_ms,
                whole_ms: queue_ms,
            });
        }
        sent_ms
    }

    #[test]
    fn an_empty_queue_is_normal() {
        let mut trendline = Trendline::new();
        feed(&mut trendline, 0, (0..500).map(|_| 0.0));
        assert_eq!(trendline.usage(), Usage::Normal);
    }

    #[test]
    fn jitter_that_spares_some_groups_is_normal() {
        let mut trendline = Trendline::new();
        for round in 0..50 {
            let queues = (0..17).map(|number| f64::from(number * 7 % 17));
            feed(&mut trendline, round * 170, queues);
            assert_ne!(trendline.usage(), Usage::Over);
        }
    }

    #[test]
    fn a_queue_that_grows_is_overuse_and_one_that_drains_is_not() {
        let mut trendline = Trendline::new();
        let at = feed(&mut trendline, 0, (0..100).map(|_| 0.0));
        let at = feed(&mut trendline, at, (0..30).map(f64::from));
        assert_eq!(trendline.usage(), Usage::Under);
        let at = feed(&mut trendline, at, (30..40).map(f64::from));
        assert_eq!(trendline.usage(), Usage::Over);
        feed(
            &mut trendline,
            at,
            (0..39).map(|number| f64::from(39 - number)),
        );
        assert_eq!(trendline.usage(), Usage::Under);
    }

    #[test]
    fn a_full_queue_stays_overuse() {
        let mut trendline = Trendline::new();
        let at = feed(&mut trendline, 0, (0..100).map(f64::from));
        let at = feed(&mut trendline, at, (0..200).map(|_| 100.0));
        trendline.usage();
        feed(&mut trendline, at, (0..10).map(|_| 100.0));
        assert_eq!(trendline.usage(), Usage::Over);
    }
}
