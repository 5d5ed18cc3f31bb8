//! A path with a bottleneck.

/// xorshift64*: equal seeds give equal paths.
#[derive(Clone, Debug)]
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// From 0 up to `end`.
    pub(super) fn below(&mut self, end: i64) -> i64 {
        if end <= 0 {
            return 0;
        }
        ((u128::from(self.bits()) * end as u128) >> 64) as i64
    }

    pub(super) fn chance(&mut self, share: f64) -> bool {
        ((self.bits() >> 11) as f64) < share * (1u64 << 53) as f64
    }
}

/// Bytes that a datagram has beyond its RTP packet: IPv4, UDP, SRTP's tag.
const OVERHEAD: i64 = 38;

#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) rate_bps: f64,
    /// What would wait longer is dropped.
    pub(super) queue_us: i64,
    pub(super) delay_us: i64,
    /// Added at random, order kept.
    pub(super) jitter_us: i64,
    /// Packets come out only at multiples of this.
    pub(super) batch_us: i64,
    pub(super) loss: f64,
    pub(super) reorder: f64,
    /// Rate and depth in bytes of a token bucket, beyond which packets are dropped at once.
    pub(super) policer: Option<(f64, f64)>,
    /// Bit/s of somebody else's in the same bottleneck.
    pub(super) cross_bps: f64,
    /// Everything is lost for this long, about each three seconds.
    pub(super) outage_us: i64,
    /// Nothing comes out until then.
    pub(super) stalled_until_us: i64,
    pub(super) free_us: i64,
    pub(super) last_arrival_us: i64,
    pub(super) tokens: f64,
    pub(super) tokens_us: i64,
    pub(super) crossed_us: i64,
    pub(super) rng: Rng,
}

impl Link {
    pub(super) fn new(rate_bps: f64, seed: u64) -> Self {
        Self {
            rate_bps,
            queue_us: 300_000,
            delay_us: 20_000,
            jitter_us: 0,
            batch_us: 0,
            loss: 0.0,
            reorder: 0.0,
            policer: None,
            cross_bps: 0.0,
            outage_us: 0,
            stalled_until_us: 0,
            free_us: 0,
            last_arrival_us: 0,
            tokens: 1e9,
            tokens_us: 0,
            crossed_us: 0,
            rng: Rng::new(seed),
        }
    }

    pub(super) fn queue_now_us(&self, now_us: i64) -> i64 {
        (self.free_us - now_us).max(0)
    }

    /// Sends a packet, and returns when it arrives, if it does.
    pub(super) fn send(&mut self, size: u16, now_us: i64) -> Option<i64> {
        let is_out = now_us % 3_070_000 < self.outage_us;
        let is_lost = self.rng.chance(self.loss) || is_out;
        let is_late = self.rng.chance(self.reorder);
        let jitter_us = self.rng.below(self.jitter_us + 1);
        let bytes = i64::from(size) + OVERHEAD;
        if let Some((rate_bps, depth)) = self.policer {
            let earned = (now_us - self.tokens_us) as f64 * rate_bps / 8e6;
            self.tokens = (self.tokens + earned).min(depth);
            self.tokens_us = now_us;
            if self.tokens < bytes as f64 {
                return None;
            }
            self.tokens -= bytes as f64;
        }
        let cross_us = (now_us - self.crossed_us) as f64 * self.cross_bps / self.rate_bps;
        self.crossed_us = now_us;
        self.free_us = self.free_us.max(now_us).max(self.stalled_until_us);
        if self.free_us - now_us < self.queue_us {
            self.free_us += cross_us as i64;
        }
        if self.free_us - now_us > self.queue_us {
            return None;
        }
        self.free_us += (bytes as f64 * 8e6 / self.rate_bps) as i64;
        if is_lost {
            return None;
        }
        let mut arrival_us = self.free_us + self.delay_us + jitter_us;
        if self.batch_us > 0 {
            arrival_us = (arrival_us / self.batch_us + 1) * self.batch_us;
        }
        if is_late {
            return Some(arrival_us + 15_000);
        }
        self.last_arrival_us = self.last_arrival_us.max(arrival_us);
        Some(self.last_arrival_us)
    }
}
