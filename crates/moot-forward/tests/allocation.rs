//! How an estimate is divided among subscriptions.

use std::time::{Duration, Instant};

use moot_forward::{
    Allocation, Allocator, Bitrate, Demand, Grant, Layer, LayerRates, Precedence, Withheld,
};

const FULL: Layer = Layer {
    spatial: moot_forward::SpatialLayer(2),
    temporal: moot_forward::TemporalLayer(2),
};

fn simulcast() -> LayerRates {
    let mut rates = LayerRates::default();
    rates.set(Layer::new(0, 0), Bitrate::kbps(150));
    rates.set(Layer::new(1, 0), Bitrate::kbps(500));
    rates.set(Layer::new(2, 0), Bitrate::kbps(2000));
    rates
}

fn camera(id: u32) -> Demand<u32> {
    Demand {
        id,
        precedence: Precedence::Camera,
        priority: 0,
        rates: simulcast(),
        wanted: FULL,
        given: None,
        is_new: true,
    }
}

/// Runs an allocator over time, feeding each result back as what was given.
struct Connection {
    allocator: Allocator,
    demands: Vec<Demand<u32>>,
    now: Instant,
    allocations: Vec<Allocation<u32>>,
}

impl Connection {
    fn new(demands: Vec<Demand<u32>>) -> Self {
        Self {
            allocator: Allocator::new(),
            demands,
            now: Instant::now(),
            allocations: Vec::new(),
        }
    }

    fn allocate(&mut self, estimate_kbps: u64) -> Grant {
        let grant = self.allocator.allocate(
            Bitrate::kbps(estimate_kbps),
            Bitrate::kbps(40),
            &self.demands,
            self.now,
            &mut self.allocations,
        );
        for (demand, allocation) in self.demands.iter_mut().zip(&self.allocations) {
            demand.given = allocation.target;
            demand.is_new = false;
        }
        grant
    }

    fn run(&mut self, estimate_kbps: u64, seconds: u64) {
        for _ in 0..seconds * 5 {
            self.now += Duration::from_millis(200);
            self.allocate(estimate_kbps);
        }
    }

    fn spatial(&self) -> Vec<Option<u8>> {
        let target = |allocation: &Allocation<u32>| allocation.target.map(|layer| layer.spatial.0);
        self.allocations.iter().map(target).collect()
    }
}

#[test]
fn a_subscription_that_fits_gets_what_its_page_wants_at_once() {
    let mut connection = Connection::new(vec![camera(1)]);
    let grant = connection.allocate(5000);
    assert_eq!(connection.allocations[0].target, Some(FULL));
    assert_eq!(connection.allocations[0].withheld, Withheld::Nothing);
    assert_eq!(grant.used, Bitrate::kbps(2040));
}

#[test]
fn everyone_gets_a_little_before_anyone_gets_more() {
    let mut connection = Connection::new((0..4).map(camera).collect());
    connection.allocate(700);
    assert_eq!(connection.spatial(), [Some(0); 4]);
    connection.allocations.iter().for_each(|allocation| {
        assert_eq!(allocation.withheld, Withheld::Layers);
    });
}

#[test]
fn the_share_is_raised_first_then_the_speaker_then_the_others() {
    let mut speaker = camera(2);
    speaker.precedence = Precedence::ActiveSpeaker;
    let mut share = camera(3);
    share.precedence = Precedence::Share;
    let mut connection = Connection::new(vec![camera(1), speaker, share]);
    connection.allocate(40 + 2000 + 500 + 150);
    assert_eq!(connection.spatial(), [Some(0), Some(1), Some(2)]);
}

#[test]
fn what_does_not_fit_even_at_its_lowest_is_paused_least_wanted_first_and_says_so() {
    let mut pinned = camera(2);
    pinned.priority = 9;
    let mut connection = Connection::new(vec![camera(1), pinned]);
    let grant = connection.allocate(200);
    assert_eq!(connection.spatial(), [None, Some(0)]);
    assert_eq!(connection.allocations[0].withheld, Withheld::Everything);
    assert_eq!(grant.desired, Bitrate::kbps(4040));
}

#[test]
fn the_most_wanted_picture_is_kept_while_the_estimate_is_half_of_it_and_comes_back_without_a_hold()
{
    let mut connection = Connection::new(vec![camera(1)]);
    connection.allocate(5000);
    for (estimate, expected) in [(80, Some(0)), (70, None), (80, Some(0))] {
        connection.allocate(estimate);
        assert_eq!(connection.spatial(), [expected], "{estimate}");
    }
}

#[test]
fn a_falling_estimate_lowers_at_once_and_a_rising_one_raises_later_with_room_to_spare() {
    let mut connection = Connection::new(vec![camera(1)]);
    connection.allocate(5000);
    connection.allocate(600);
    assert_eq!(connection.spatial(), [Some(1)]);
    connection.allocate(5000);
    assert_eq!(connection.spatial(), [Some(1)], "raised without a hold");
    connection.run(2100, 5);
    assert_eq!(connection.spatial(), [Some(1)], "raised without headroom");
    connection.run(3000, 5);
    assert_eq!(connection.spatial(), [Some(2)]);
}

#[test]
fn a_picture_that_comes_to_cost_more_has_a_second_for_the_estimate_to_follow() {
    let burst = |estimates_kbps: [u64; 6]| {
        let mut connection = Connection::new(vec![camera(1)]);
        connection.allocate(2500);
        let high = Layer::new(2, 0);
        connection.demands[0].rates.set(high, Bitrate::kbps(3000));
        estimates_kbps.map(|estimate| {
            connection.allocate(estimate);
            connection.now += Duration::from_millis(200);
            connection.spatial()[0]
        })
    };
    assert_eq!(burst([2500; 6])[..5], [Some(2); 5]);
    assert_eq!(burst([2500; 6])[5], Some(1));
    let followed = [2500, 2600, 2800, 3100, 3100, 3100];
    assert_eq!(burst(followed), [Some(2); 6]);
    let fallen = [2500, 2500, 2400, 2400, 2400, 2400];
    assert_eq!(burst(fallen)[1..3], [Some(2), Some(1)]);
}

#[test]
fn raises_that_fail_are_tried_more_and_more_rarely() {
    let mut connection = Connection::new(vec![camera(1)]);
    connection.allocate(600);
    let mut raises = Vec::new();
    // A path that carries 600 kbit/s and looks better whenever little is sent.
    for step in 0..600 {
        connection.now += Duration::from_millis(200);
        let before = connection.spatial();
        let is_high = before == [Some(2)];
        connection.allocate(if is_high { 600 } else { 3000 });
        if connection.spatial() > before {
            raises.push(step);
        }
    }
    let gaps: Vec<_> = raises.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps.len() < 10, "{gaps:?}");
    assert!(gaps.is_sorted() && *gaps.last().unwrap() >= 150, "{gaps:?}");
}

#[test]
fn a_page_that_wants_less_gets_less_at_once() {
    let mut connection = Connection::new(vec![camera(1)]);
    connection.allocate(5000);
    connection.demands[0].wanted = Layer::new(0, 2);
    let grant = connection.allocate(5000);
    assert_eq!(connection.spatial(), [Some(0)]);
    assert_eq!(grant.desired, Bitrate::kbps(190));
}

#[test]
fn a_newcomer_gets_its_lowest_layer_even_while_raises_are_held() {
    let mut connection = Connection::new(vec![camera(1)]);
    connection.allocate(5000);
    connection.allocate(900);
    connection.demands.push(camera(2));
    connection.allocate(900);
    assert_eq!(connection.spatial(), [Some(1), Some(0)]);
}

#[test]
fn a_layer_that_stopped_is_left_for_one_that_arrives() {
    let mut connection = Connection::new(vec![camera(1)]);
    connection.allocate(5000);
    let mut rates = simulcast();
    rates.set(Layer::new(2, 0), Bitrate::ZERO);
    connection.demands[0].rates = rates;
    connection.allocate(5000);
    assert_eq!(connection.spatial(), [Some(1)]);
    let mut only_high = LayerRates::default();
    only_high.set(Layer::new(2, 0), Bitrate::kbps(2000));
    connection.demands[0].rates = only_high;
    connection.demands[0].wanted = Layer::new(0, 0);
    connection.run(5000, 4);
    assert_eq!(connection.spatial(), [Some(2)], "the only one there is");
}

#[test]
fn a_camera_keeps_its_frame_rate_and_a_share_its_sharpness() {
    let mut rates = LayerRates::default();
    for (layer, kbps) in [
        (Layer::new(0, 0), 100),
        (Layer::new(0, 1), 150),
        (Layer::new(1, 0), 400),
        (Layer::new(1, 1), 600),
    ] {
        rates.set(layer, Bitrate::kbps(kbps));
    }
    let mut demand = camera(1);
    demand.rates = rates;
    let mut connection = Connection::new(vec![demand]);
    connection.allocate(500);
    assert_eq!(connection.allocations[0].target, Some(Layer::new(0, 2)));
    demand.precedence = Precedence::Share;
    let mut connection = Connection::new(vec![demand]);
    connection.allocate(500);
    assert_eq!(connection.allocations[0].target, Some(Layer::new(1, 0)));
}

#[test]
fn the_sum_never_exceeds_the_estimate_by_more_than_the_audio_and_one_small_picture() {
    let mut connection = Connection::new((0..9).map(camera).collect());
    for estimate in (0..6000).step_by(37).chain((0..6000).rev().step_by(53)) {
        connection.now += Duration::from_millis(700);
        let grant = connection.allocate(estimate);
        let most = if estimate < 75 { 40 } else { estimate.max(190) };
        assert!(grant.used <= Bitrate::kbps(most), "{estimate}");
    }
}
