//! How a connection's bandwidth estimate is divided among its subscriptions.

use std::time::{Duration, Instant};

use crate::ids::{Bitrate, Layer};
use crate::layer::{LayerRates, MAX_SPATIAL_LAYERS, MAX_TEMPORAL_LAYERS};

/// A raise must fit with this much to spare; less makes the picture go up and down with the noise
/// of the estimate, more leaves bandwidth unused.
const RAISE_PERCENT: u64 = 115;
/// Shortest time between two raises: the estimate needs to see what the last one did.
const RAISE_INTERVAL: Duration = Duration::from_secs(1);
/// How long nothing is raised after the estimate forced something down.
const MIN_HOLD: Duration = Duration::from_secs(2);
/// The hold doubles up to this while raises keep failing.
const MAX_HOLD: Duration = Duration::from_secs(32);
/// The most wanted picture keeps its lowest layer while the estimate is this much of its cost. A
/// path on which little is sent is estimated low; with audio alone the estimate hardly rises again.
const FIRST_PERCENT: u64 = 50;
/// How long what is given may cost more than an estimate that has not fallen: with keyframes for
/// newcomers or a lively scene a picture costs more, and the estimate, which is hardly more than
/// what was sent, follows where the path carries it. Longer strains a path that does not.
const GRACE: Duration = Duration::from_secs(1);
/// A fall this soon after a raise counts as the raise's failure.
const FAILED_RAISE: Duration = Duration::from_secs(10);

/// Who is served first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precedence {
    /// A camera of one who listens.
    Camera,
    /// The camera of the active speaker.
    ActiveSpeaker,
    /// A shared screen.
    Share,
}

/// What one video subscription asks for.
#[derive(Clone, Copy, Debug)]
pub struct Demand<K> {
    /// The subscription.
    pub id: K,
    /// Its class; a higher one is raised first.
    pub precedence: Precedence,
    /// Within the class, higher goes first. The page's own wish.
    pub priority: u8,
    /// What each layer costs, as the publication's [`crate::LayerMeter`] has it.
    pub rates: LayerRates,
    /// The most that the page can show.
    pub wanted: Layer,
    /// What the last allocation gave; `None` where it paused.
    pub given: Option<Layer>,
    /// No allocation has been made for it before. It need not wait for a raise.
    pub is_new: bool,
}

/// What the bandwidth did not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// Everything wanted is given, as far as it arrives.
    Nothing,
    /// Higher layers are.
    Layers,
    /// All is: the subscription is paused, and its page must be told so.
    Everything,
}

/// What one subscription gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocation<K> {
    /// The subscription.
    pub id: K,
    /// What its forwarder is to aim at; `None` pauses.
    pub target: Option<Layer>,
    /// What it would have got with more bandwidth.
    pub withheld: Withheld,
}

/// The sum of an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What the targets cost, audio included.
    pub used: Bitrate,
    /// What everything wanted would cost: worth probing for where it is above the estimate.
    pub desired: Bitrate,
}

const MAX_STEPS: usize = MAX_SPATIAL_LAYERS * MAX_TEMPORAL_LAYERS;

/// The layers one demand can be given, from poor to rich.
#[derive(Clone, Debug)]
struct Ladder {
    steps: [(Layer, Bitrate); MAX_STEPS],
    length: usize,
    /// How many steps are granted.
    granted: usize,
    /// How many were granted last time.
    before: usize,
    is_new: bool,
}

impl Ladder {
    fn of<K>(demand: &Demand<K>) -> Self {
        let wanted = demand.wanted;
        let mut ladder = Ladder {
            steps: [(Layer::default(), Bitrate::ZERO); MAX_STEPS],
            length: 0,
            granted: 0,
            before: 0,
            is_new: demand.is_new,
        };
        let lowest = demand.rates.layers().next().map(|(layer, _)| layer.spatial);
        let Some(lowest) = lowest else {
            // Nothing has arrived yet: the first keyframe is worth having.
            ladder.steps[0] = (wanted, Bitrate::ZERO);
            ladder.length = 1;
            ladder.before = usize::from(demand.given.is_some());
            return ladder;
        };
        let highest = wanted.spatial.max(lowest);
        for (layer, rate) in demand.rates.layers() {
            let top = demand
                .rates
                .layers()
                .filter(|(other, _)| {
                    other.spatial == layer.spatial && other.temporal <= wanted.temporal
                })
                .map(|(other, _)| other.temporal)
                .max();
            let is_top = top == Some(layer.temporal);
            // A larger picture at a lower rate is worth it only for a screen, where it is text.
            let is_step =
                is_top || layer.spatial == lowest || demand.precedence == Precedence::Share;
            let is_wanted =
                layer.spatial <= highest && (layer.temporal <= wanted.temporal || top.is_none());
            if is_wanted && is_step {
                // Above the top temporal layer that arrives, whatever comes is welcome.
                let temporal = if is_top {
                    wanted.temporal
                } else {
                    layer.temporal
                };
                ladder.steps[ladder.length] = (Layer { temporal, ..layer }, rate);
                ladder.length += 1;
                let is_given = demand.given.is_some_and(|given| {
                    (given.spatial, given.temporal) >= (layer.spatial, temporal)
                });
                if is_given || (demand.given.is_some() && ladder.length == 1) {
                    ladder.before = ladder.length;
                }
            }
        }
        ladder
    }

    fn cost(&self, granted: usize) -> Bitrate {
        match granted {
            0 => Bitrate::ZERO,
            _ => self.steps[granted - 1].1,
        }
    }
}

/// Divides the estimate of one connection.
///
/// Audio comes off the top. Then every subscription gets its lowest layer, in order of precedence,
/// and whoever does not fit is paused, the first one only where the estimate is
/// not even half of its cost; then the classes are raised one after another, their members
/// in turn. What does not fit a fallen estimate goes down at once, what came to cost more after a
/// second; what would fit goes up after a while, with room to spare, and after longer the more often
/// that has failed.
#[derive(Clone, Debug)]
pub struct Allocator {
    raised_at: Option<Instant>,
    hold: Duration,
    held_until: Option<Instant>,
    /// What the last allocation divided.
    estimate: Bitrate,
    /// Since when what is given costs more.
    over_since: Option<Instant>,
    ladders: Vec<Ladder>,
    order: Vec<usize>,
}

impl Default for Allocator {
    fn default() -> Self {
        Self {
            raised_at: None,
            hold: MIN_HOLD,
            held_until: None,
            estimate: Bitrate::ZERO,
            over_since: None,
            ladders: Vec::new(),
            order: Vec::new(),
        }
    }
}

impl Allocator {
    /// Makes an allocator that has never lowered anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Divides `estimate` and fills `allocations` in the order of `demands`.
    ///
    /// `audio` is what the connection's audio subscriptions cost; they are never withheld.
    pub fn allocate<K: Copy>(
        &mut self,
        estimate: Bitrate,
        audio: Bitrate,
        demands: &[Demand<K>],
        now: Instant,
        allocations: &mut Vec<Allocation<K>>,
    ) -> Grant {
        let mut budget = estimate - audio;
        self.ladders.clear();
        self.ladders.extend(demands.iter().map(Ladder::of));
        self.order.clear();
        self.order.extend(0..demands.len());
        self.order.sort_by_key(|&place| {
            let demand = &demands[place];
            std::cmp::Reverse((demand.precedence, demand.priority))
        });
        let mut before = Bitrate::ZERO;
        let mut desired = audio;
        for ladder in &self.ladders {
            before += ladder.cost(ladder.before);
            desired += ladder.cost(ladder.length);
        }
        let has_fallen = estimate < self.estimate;
        self.estimate = estimate;
        if before <= budget {
            self.over_since = None;
        } else if !has_fallen && now < *self.over_since.get_or_insert(now) + GRACE {
            budget = before;
        } else {
            self.hold_raises(now);
        }
        let may_raise = self.held_until.is_none_or(|until| now >= until)
            && self
                .raised_at
                .is_none_or(|at| now.saturating_duration_since(at) >= RAISE_INTERVAL);
        let mut left = budget;
        for (turn, &place) in self.order.iter().enumerate() {
            let ladder = &mut self.ladders[place];
            let is_first = turn == 0 && ladder.length > 0;
            if is_first && estimate >= ladder.cost(1).percent(FIRST_PERCENT) {
                ladder.granted = 1;
                left = left - ladder.cost(1);
            } else {
                step(ladder, &mut left, may_raise);
            }
        }
        let mut from = 0;
        while from < self.order.len() {
            let class = demands[self.order[from]].precedence;
            let length = self.order[from..]
                .iter()
                .take_while(|place| demands[**place].precedence == class)
                .count();
            let members = &self.order[from..from + length];
            let mut is_stepping = true;
            while is_stepping {
                is_stepping = false;
                for &place in members {
                    let ladder = &mut self.ladders[place];
                    is_stepping |= ladder.granted > 0 && step(ladder, &mut left, may_raise);
                }
            }
            from += length;
        }
        let mut used = audio;
        allocations.clear();
        for (demand, ladder) in demands.iter().zip(&self.ladders) {
            used += ladder.cost(ladder.granted);
            if ladder.granted > ladder.before && !ladder.is_new {
                self.raised_at = Some(now);
            }
            allocations.push(Allocation {
                id: demand.id,
                target: ladder
                    .granted
                    .checked_sub(1)
                    .map(|place| ladder.steps[place].0),
                withheld: match ladder.granted {
                    0 => Withheld::Everything,
                    granted if granted == ladder.length => Withheld::Nothing,
                    _ => Withheld::Layers,
                },
            });
        }
        Grant { used, desired }
    }

    fn hold_raises(&mut self, now: Instant) {
        if self.held_until.is_some_and(|until| now < until) {
            return;
        }
        let has_failed = self
            .raised_at
            .is_some_and(|at| now.saturating_duration_since(at) < FAILED_RAISE);
        self.hold = if has_failed {
            (self.hold * 2).min(MAX_HOLD)
        } else {
            MIN_HOLD
        };
        self.held_until = Some(now + self.hold);
    }
}

/// Grants one more step where what is left pays for it.
fn step(ladder: &mut Ladder, left: &mut Bitrate, may_raise: bool) -> bool {
    if ladder.granted == ladder.length {
        return false;
    }
    let price = ladder.cost(ladder.granted + 1) - ladder.cost(ladder.granted);
    let is_raise = ladder.granted >= ladder.before && !ladder.is_new;
    if is_raise && !may_raise {
        return false;
    }
    let needed = if is_raise {
        price.percent(RAISE_PERCENT)
    } else {
        price
    };
    if needed > *left {
        return false;
    }
    *left = *left - price;
    ladder.granted += 1;
    true
}
