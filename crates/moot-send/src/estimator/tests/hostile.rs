//! Nothing that is reported can do harm.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::{Estimator, MIN_ESTIMATE_BPS, Reported};

const MAX_BPS: u64 = 10_000_000;

#[derive(Clone, Debug)]
struct Packet {
    seq_no: u64,
    /// From now.
    sent_ms: i64,
    size: u16,
    arrived_us: Option<i64>,
    probe: Option<u8>,
}

#[derive(Clone, Debug)]
enum Event {
    Wait(u64),
    Sent,
    Report(Vec<Packet>),
    RoundTrip(u64),
    Remb(u64),
    Desired(u64),
    Poll,
    Reset(u64),
}

fn arrival() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        Just(None),
        any::<i64>().prop_map(Some),
        (-100_000i64..100_000).prop_map(Some),
        Just(Some(i64::MAX)),
        Just(Some(i64::MIN)),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let seq_no = prop_oneof![0u64..500, any::<u64>()];
    let sent_ms = prop_oneof![-200i64..200, any::<i32>().prop_map(i64::from)];
    let packet = (
        seq_no,
        sent_ms,
        any::<u16>(),
        arrival(),
        any::<Option<u8>>(),
    )
        .prop_map(|(seq_no, sent_ms, size, arrived_us, probe)| Packet {
            seq_no,
            sent_ms,
            size,
            arrived_us,
            probe,
        });
    prop_oneof![
        (0u64..1_000).prop_map(Event::Wait),
        Just(Event::Sent),
        prop::collection::vec(packet, 0..40).prop_map(Event::Report),
        any::<u64>().prop_map(Event::RoundTrip),
        any::<u64>().prop_map(Event::Remb),
        any::<u64>().prop_map(Event::Desired),
        Just(Event::Poll),
        any::<u64>().prop_map(Event::Reset),
    ]
}

fn apart(at: Instant, ms: i64) -> Instant {
    let by = Duration::from_millis(ms.unsigned_abs());
    let moved = if ms < 0 {
        at.checked_sub(by)
    } else {
        at.checked_add(by)
    };
    moved.unwrap_or(at)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_is_reported_the_estimate_stays_in_its_bounds(
        initial in any::<u64>(),
        events in prop::collection::vec(event(), 0..150),
    ) {
        let mut now = Instant::now() + Duration::from_secs(100_000);
        let mut estimator = Estimator::new(initial, MAX_BPS, now);
        for event in events {
            match event {
                Event::Wait(ms) => now += Duration::from_millis(ms),
                Event::Sent => estimator.record_sent(now),
                Event::Report(packets) => {
                    let packets: Vec<_> = packets
                        .into_iter()
                        .map(|packet| Reported {
                            seq_no: packet.seq_no,
                            sent_at: apart(now, packet.sent_ms),
                            size: packet.size,
                            arrived_us: packet.arrived_us,
                            probe: packet.probe,
                        })
                        .collect();
                    estimator.record_report(&packets, now);
                }
                Event::RoundTrip(us) => estimator.record_round_trip(Duration::from_micros(us)),
                Event::Remb(bps) => estimator.record_remb(bps),
                Event::Desired(bps) => estimator.set_desired(bps),
                Event::Poll => {
                    if let Some(probe) = estimator.poll_probe(now) {
                        prop_assert!(probe.rate_bps <= MAX_BPS && probe.rate_bps > 0);
                    }
                }
                Event::Reset(bps) => estimator.reset(bps, now),
            }
            let estimate_bps = estimator.estimate_bps();
            prop_assert!((MIN_ESTIMATE_BPS..=MAX_BPS).contains(&estimate_bps), "{estimate_bps}");
            prop_assert!((0.0..=1.0).contains(&estimator.loss()));
        }
    }
}

#[test]
fn an_estimator_takes_little_memory() {
    assert!(size_of::<Estimator>() <= 4096, "{}", size_of::<Estimator>());
}

#[test]
fn a_maximum_below_the_minimum_is_the_minimum() {
    let estimator = Estimator::new(1_000_000, 0, Instant::now());
    assert_eq!(estimator.estimate_bps(), MIN_ESTIMATE_BPS);
}
