//! How good a connection is, and in one word why it is not better.

/// What a person is shown, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quality {
    /// Hardly usable.
    Poor,
    /// Usable, with flaws.
    Good,
    /// Nothing to complain of.
    Excellent,
}

/// What lowers the quality most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Nothing does.
    None,
    /// Packets are lost.
    Loss,
    /// The round trip is long.
    Delay,
    /// Packets come unevenly.
    Jitter,
    /// The bandwidth does not suffice for the layers that are wanted.
    Bandwidth,
}

/// What has been measured of one direction of a connection in the last seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QualitySample {
    /// Packets that should have come.
    pub packets_expected: u64,
    /// Of these, those that did not, retransmissions not counted.
    pub packets_lost: u64,
    /// Round trip in milliseconds.
    pub round_trip_ms: u32,
    /// Jitter in milliseconds (RFC 3550 §6.4.1).
    pub jitter_ms: u32,
    /// Layers that are wanted and withheld for want of bandwidth, over all subscriptions.
    pub layers_withheld: u32,
    /// Subscriptions that are wanted and paused for want of bandwidth.
    pub subscriptions_paused: u32,
}

/// Loss and delay as the E-model (ITU-T G.107) weighs them, on a scale of 100.
fn score(sample: &QualitySample) -> (f32, Cause) {
    let expected = sample.packets_expected.max(1) as f32;
    let loss_percent = sample.packets_lost.min(sample.packets_expected) as f32 * 100.0 / expected;
    // One way, with what a jitter buffer adds.
    let delay_ms = sample.round_trip_ms as f32 / 2.0;
    let jitter_ms = sample.jitter_ms as f32 * 2.0;
    let delay = delay_ms * 0.024 + (delay_ms - 177.3).max(0.0) * 0.11;
    let jitter = jitter_ms * 0.08;
    let loss = loss_percent * 2.5;
    let bandwidth = sample.layers_withheld.min(4) as f32 * 12.0
        + sample.subscriptions_paused.min(2) as f32 * 40.0;
    let causes = [
        (loss, Cause::Loss),
        (delay, Cause::Delay),
        (jitter, Cause::Jitter),
        (bandwidth, Cause::Bandwidth),
    ];
    let mut worst = (0.0, Cause::None);
    let mut sum = 0.0;
    for (penalty, cause) in causes {
        sum += penalty;
        if penalty > worst.0 {
            worst = (penalty, cause);
        }
    }
    ((100.0 - sum).max(0.0), worst.1)
}

/// At or above this score a connection is excellent: 4 % loss or 250 ms round trip still are.
const EXCELLENT: f32 = 90.0;
/// At or above this score it is good; 16 % loss is not.
const GOOD: f32 = 60.0;

/// Follows the quality of one connection: down at once, up slowly.
#[derive(Clone, Debug)]
pub struct QualityMeter {
    smoothed: f32,
    cause: Cause,
}

impl Default for QualityMeter {
    fn default() -> Self {
        Self {
            smoothed: 100.0,
            cause: Cause::None,
        }
    }
}

impl QualityMeter {
    /// Makes a meter that begins excellent.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the measurement of about 5 seconds; a direction in which nothing flows counts as fine.
    pub fn record(&mut self, sample: &QualitySample) -> (Quality, Cause) {
        let (score, cause) = score(sample);
        if score < self.smoothed {
            self.smoothed = score;
            self.cause = cause;
        } else {
            self.smoothed += (score - self.smoothed) * 0.5;
        }
        (self.quality(), self.cause())
    }

    /// Returns the quality.
    pub fn quality(&self) -> Quality {
        match self.smoothed {
            score if score >= EXCELLENT => Quality::Excellent,
            score if score >= GOOD => Quality::Good,
            _ => Quality::Poor,
        }
    }

    /// Returns why it is not excellent; [`Cause::None`] where it is.
    pub fn cause(&self) -> Cause {
        match self.quality() {
            Quality::Excellent => Cause::None,
            _ => self.cause,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> QualitySample {
        QualitySample {
            packets_expected: 1000,
            round_trip_ms: 30,
            jitter_ms: 5,
            ..QualitySample::default()
        }
    }

    #[test]
    fn each_flaw_alone_lowers_the_quality_and_is_named() {
        let cases = [
            (sample(), Quality::Excellent, Cause::None),
            (QualitySample::default(), Quality::Excellent, Cause::None),
            (
                QualitySample {
                    packets_lost: 80,
                    ..sample()
                },
                Quality::Good,
                Cause::Loss,
            ),
            (
                QualitySample {
                    packets_lost: 250,
                    ..sample()
                },
                Quality::Poor,
                Cause::Loss,
            ),
            (
                QualitySample {
                    round_trip_ms: 700,
                    ..sample()
                },
                Quality::Good,
                Cause::Delay,
            ),
            (
                QualitySample {
                    jitter_ms: 120,
                    ..sample()
                },
                Quality::Good,
                Cause::Jitter,
            ),
            (
                QualitySample {
                    layers_withheld: 1,
                    ..sample()
                },
                Quality::Good,
                Cause::Bandwidth,
            ),
            (
                QualitySample {
                    subscriptions_paused: 1,
                    ..sample()
                },
                Quality::Poor,
                Cause::Bandwidth,
            ),
        ];
        for (sample, quality, cause) in cases {
            let measured = QualityMeter::new().record(&sample);
            assert_eq!(measured, (quality, cause), "{sample:?}");
        }
    }

    #[test]
    fn it_falls_at_once_and_recovers_step_by_step() {
        let mut meter = QualityMeter::new();
        let bad = QualitySample {
            packets_lost: 300,
            ..sample()
        };
        assert_eq!(meter.record(&bad).0, Quality::Poor);
        assert_eq!(meter.record(&sample()).0, Quality::Good);
        for _ in 0..3 {
            meter.record(&sample());
        }
        assert_eq!(meter.quality(), Quality::Excellent);
        assert_eq!(meter.cause(), Cause::None);
    }
}
