//! From packets to groups, and from arrival times to queueing delay.

/// Packets that leave within this time of the first one are one group
/// (draft-ietf-rmcat-gcc-02 section 5.2, burst_time). A larger value makes fewer and steadier
/// samples; a smaller one cuts a picture's burst in pieces.
const BURST_US: i64 = 5_000;
/// A burst that the network made (an access point that waited for its turn) stays one group up to
/// this length; a larger value hides a queue that grows, a smaller one sees one in each burst.
const MAX_BURST_US: i64 = 50_000;
/// Width of a slot of the window in which the shortest delay is looked for. Four of them are the
/// window: a larger one follows a longer path later and a clock's drift less closely, a smaller one
/// takes a queue that stands for the path itself.
const BASE_SLOT_US: i64 = 3_000_000;
const BASE_SLOTS: usize = 4;
/// The most of a packet's delay that is put down to what was sent just before it. A larger value
/// forgives longer keyframes, a smaller one sees congestion sooner when more is sent than the
/// estimate allows.
const MAX_OWN_US: i64 = 150_000;
/// A queue can be this much longer than the time until the report shows; what is longer still is no
/// queue but a leap of the receiver's clock. Above the interval of reports, or slow reports would
/// hide queues.
const LEAP_SLACK_US: i64 = 250_000;

/// The shortest of the delays of the last ten seconds or so.
#[derive(Clone, Debug)]
struct Shortest {
    slots: [i64; BASE_SLOTS],
    newest: i64,
}

impl Shortest {
    fn new() -> Self {
        Self {
            slots: [i64::MAX; BASE_SLOTS],
            newest: 0,
        }
    }

    fn note(&mut self, now_us: i64, delay_us: i64) {
        let slot = now_us / BASE_SLOT_US;
        if slot > self.newest {
            let fresh = (slot - self.newest).min(BASE_SLOTS as i64);
            for back in 0..fresh {
                self.slots[(slot - back) as usize % BASE_SLOTS] = i64::MAX;
            }
            self.newest = slot;
        }
        let place = &mut self.slots[self.newest as usize % BASE_SLOTS];
        *place = delay_us.min(*place);
    }

    /// `i64::MAX` while there is none.
    fn get(&self) -> i64 {
        self.slots.iter().copied().min().unwrap_or(i64::MAX)
    }

    fn restart(&mut self, delay_us: i64) {
        self.slots = [i64::MAX; BASE_SLOTS];
        self.slots[self.newest as usize % BASE_SLOTS] = delay_us;
    }
}

/// What a path of the estimated rate would still have to send: a burst's own queue, which tells
/// nothing about the path.
#[derive(Clone, Copy, Debug, Default)]
struct Backlog {
    at_us: i64,
    wait_us: f64,
}

impl Backlog {
    /// Adds a packet, and returns how long its last bit would wait, µs.
    fn add(&mut self, sent_us: i64, size: u16, us_per_byte: f64) -> i64 {
        if sent_us > self.at_us {
            self.wait_us = (self.wait_us - (sent_us - self.at_us) as f64).max(0.0);
            self.at_us = sent_us;
        }
        self.wait_us += f64::from(size) * us_per_byte;
        self.wait_us = self.wait_us.min(MAX_OWN_US as f64);
        self.wait_us as i64
    }
}

/// Queueing delay that one group of packets met.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    /// When the group's last packet arrived, µs of the receiver's clock.
    pub(super) arrived_us: i64,
    /// Delay beyond the path's shortest and beyond what the sender's own burst explains, ms; of the
    /// group's luckiest packet, since a real queue delays all of them.
    pub(super) queue_ms: f64,
    /// The same with what the burst explains.
    pub(super) whole_ms: f64,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    first_sent_us: i64,
    first_arrived_us: i64,
    last_arrived_us: i64,
    last_delay_us: i64,
    queue_us: i64,
    whole_us: i64,
}

/// Makes groups of packets (draft-ietf-rmcat-gcc-02 sections 5.2 and 5.3) and measures how long
/// each waited in queues that the sender's own bursts do not explain.
#[derive(Clone, Debug)]
pub(super) struct Arrivals {
    shortest: Shortest,
    /// Of the time from sending to the report, by the sender's own clock.
    shortest_report: Shortest,
    backlog: Backlog,
    group: Option<Group>,
}

impl Arrivals {
    pub(super) fn new() -> Self {
        Self {
            shortest: Shortest::new(),
            shortest_report: Shortest::new(),
            backlog: Backlog::default(),
            group: None,
        }
    }

    /// Notes that a packet was sent, and returns the wait its own burst explains, µs. Lost packets
    /// are told too.
    pub(super) fn note_sent(&mut self, sent_us: i64, size: u16, us_per_byte: f64) -> i64 {
        self.backlog.add(sent_us, size, us_per_byte)
    }

    /// Notes that a packet has arrived; returns the group before it once that is complete.
    ///
    /// `own_us` is what [`Self::note_sent`] gave. Times are µs, of magnitudes whose differences fit.
    pub(super) fn note_arrived(
        &mut self,
        sent_us: i64,
        arrived_us: i64,
        own_us: i64,
        now_us: i64,
    ) -> Option<Sample> {
        let delay_us = arrived_us - sent_us;
        let report_us = now_us - sent_us;
        self.shortest.note(now_us, delay_us);
        self.shortest_report.note(now_us, report_us);
        let mut whole_us = delay_us - self.shortest.get();
        let possible_us = report_us - self.shortest_report.get();
        if whole_us > possible_us + LEAP_SLACK_US {
            self.shortest.restart(delay_us);
            self.group = None;
            whole_us = 0;
        }
        let queue_us = (whole_us - own_us).max(0);
        if let Some(group) = &mut self.group {
            if sent_us < group.first_sent_us {
                // Overtaken on its way.
                return None;
            }
            let is_one_burst = sent_us - group.first_sent_us <= BURST_US;
            let follows = arrived_us - group.last_arrived_us <= BURST_US
                && delay_us < group.last_delay_us
                && arrived_us - group.first_arrived_us <= MAX_BURST_US;
            if is_one_burst || follows {
                group.queue_us = group.queue_us.min(queue_us);
                group.whole_us = group.whole_us.min(whole_us);
                group.last_arrived_us = group.last_arrived_us.max(arrived_us);
                group.last_delay_us = delay_us;
                return None;
            }
        }
        let complete = self.group.replace(Group {
            first_sent_us: sent_us,
            first_arrived_us: arrived_us,
            last_arrived_us: arrived_us,
            last_delay_us: delay_us,
            queue_us,
            whole_us,
        });
        complete.map(|group| Sample {
            arrived_us: group.last_arrived_us,
            queue_ms: group.queue_us as f64 / 1e3,
            whole_ms: group.whole_us as f64 / 1e3,
        })
    }

    /// Takes the delay as it is now for the path's own: a queue would have gone by now.
    pub(super) fn accept_delay(&mut self, queue_ms: f64) {
        let shortest_us = self.shortest.get();
        if shortest_us != i64::MAX {
            self.shortest.restart(shortest_us + (queue_ms * 1e3) as i64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path of 1 µs per bit, 20 ms long.
    struct Path {
        free_us: i64,
    }

    impl Path {
        fn arrival(&mut self, sent_us: i64, size: u16) -> i64 {
            self.free_us = self.free_us.max(sent_us) + i64::from(size) * 8;
            self.free_us + 20_000
        }
    }

    fn samples(sends: &[(i64, u16)], us_per_byte: f64) -> Vec<Sample> {
        let mut path = Path { free_us: 0 };
        let mut arrivals = Arrivals::new();
        let mut samples = Vec::new();
        for &(sent_us, size) in sends {
            let arrived_us = path.arrival(sent_us, size);
            let own_us = arrivals.note_sent(sent_us, size, us_per_byte);
            samples.extend(arrivals.note_arrived(sent_us, arrived_us, own_us, arrived_us + 50_000));
        }
        samples
    }

    #[test]
    fn a_burst_is_one_group_whose_own_queue_does_not_count() {
        let mut sends = Vec::new();
        for frame in 0..10 {
            sends.extend((0..3).map(|_| (frame * 33_000, 1000)));
        }
        let samples = samples(&sends, 8.0);
        assert_eq!(samples.len(), 9);
        assert!(samples.iter().all(|sample| sample.queue_ms == 0.0));
    }

    #[test]
    fn a_queue_that_grows_counts() {
        // Twice of what the path carries, believed to fit.
        let sends: Vec<_> = (0..100).map(|number| (number * 4_000, 1000)).collect();
        let samples = samples(&sends, 4.0);
        let last = samples.last().unwrap();
        assert!(last.queue_ms > 350.0, "{last:?}");
        assert!(samples.is_sorted_by_key(|sample| sample.queue_ms as i64));
    }

    #[test]
    fn a_leap_of_the_receivers_clock_is_no_queue() {
        let mut arrivals = Arrivals::new();
        for number in 0..200 {
            let sent_us = number * 10_000;
            let leap_us = if number >= 100 { 5_000_000 } else { 0 };
            let arrived_us = sent_us + 777_000_000 + leap_us;
            let sample = arrivals.note_arrived(sent_us, arrived_us, 0, sent_us + 50_000);
            assert!(sample.is_none_or(|sample| sample.queue_ms == 0.0));
        }
    }

    #[test]
    fn a_longer_path_becomes_the_shortest_after_a_while() {
        let mut arrivals = Arrivals::new();
        let mut last = None;
        for number in 0..2_000 {
            let sent_us = number * 10_000;
            let delay_us = if number >= 300 { 120_000 } else { 20_000 };
            let now_us = sent_us + delay_us + 50_000;
            last = arrivals.note_arrived(sent_us, sent_us + delay_us, 0, now_us);
            if number == 400 {
                assert!(last.unwrap().queue_ms > 99.0);
            }
        }
        assert_eq!(last.unwrap().queue_ms, 0.0);
    }
}
