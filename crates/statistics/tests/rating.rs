//! Planted orders are found from noisy comparisons: `cargo test --release -p apprentice-statistics --test rating --
//! --nocapture` prints the figures.

#![allow(clippy::unwrap_used)]

use apprentice_core::Seed;
use apprentice_statistics::strengths::Strengths;
use apprentice_statistics::{Comparisons, Preferred, StopRule, kendall_tau_b};
use rand::Rng;
use rand::seq::SliceRandom as _;
use rand_distr::{Distribution as _, StandardNormal};
use skillratings::Outcomes;
use skillratings::trueskill::{TrueSkillConfig, TrueSkillRating, trueskill};

const POLICIES: usize = 8;
const SEEDS: u64 = 100;
/// Kendall's tau that counts as recovered: at most one of the 28 pairs of 8 policies the wrong way round.
const RECOVERED: f64 = 0.9;

/// Two of three comparisons.
const TOLERATED_ODDS: f64 = 2.0;

fn rule() -> StopRule {
    StopRule::new(0.05, 2.0 / 3.0).unwrap()
}

/// A rating that learns from one comparison after the other.
trait Rating {
    fn learn(&mut self, first: usize, second: usize, preferred: Preferred);
    fn numbers(&self) -> Vec<f64>;
    fn uncertain_pair(&self, draw: u64) -> (usize, usize);
}

struct Ours {
    comparisons: Comparisons,
    strengths: Strengths,
}

impl Ours {
    fn new(items: usize) -> Self {
        let comparisons = Comparisons::new(items).unwrap();
        let strengths = Strengths::of(&comparisons);
        Self {
            comparisons,
            strengths,
        }
    }
}

impl Rating for Ours {
    fn learn(&mut self, first: usize, second: usize, preferred: Preferred) {
        self.comparisons.add(first, second, preferred).unwrap();
        self.strengths = Strengths::of(&self.comparisons);
    }

    fn numbers(&self) -> Vec<f64> {
        self.strengths.logits().to_vec()
    }

    fn uncertain_pair(&self, draw: u64) -> (usize, usize) {
        rule()
            .next_pair(&self.strengths, draw, |_, _| true)
            .unwrap()
    }
}

/// `TrueSkill` of the crate `skillratings`, without a change over time.
struct TrueSkill(Vec<TrueSkillRating>);

impl TrueSkill {
    fn new(items: usize) -> Self {
        Self(vec![TrueSkillRating::new(); items])
    }

    fn config() -> TrueSkillConfig {
        TrueSkillConfig {
            draw_probability: 0.0,
            dynamics_factor: 0.0,
            ..TrueSkillConfig::new()
        }
    }
}

impl Rating for TrueSkill {
    fn learn(&mut self, first: usize, second: usize, preferred: Preferred) {
        let outcome = match preferred {
            Preferred::First => Outcomes::WIN,
            Preferred::Second => Outcomes::LOSS,
            Preferred::Neither => Outcomes::DRAW,
        };
        let (a, b) = trueskill(&self.0[first], &self.0[second], &outcome, &Self::config());
        (self.0[first], self.0[second]) = (a, b);
    }

    fn numbers(&self) -> Vec<f64> {
        self.0.iter().map(|r| r.rating).collect()
    }

    fn uncertain_pair(&self, draw: u64) -> (usize, usize) {
        // As ours: how little a pair is told apart, as a score without an error function; the largest variance then.
        let value = |a: usize, b: usize| {
            let (a, b) = (self.0[a], self.0[b]);
            let deviation = a.uncertainty.hypot(b.uncertainty);
            let z = (a.rating - b.rating).abs() / deviation;
            (-0.8 * z - 0.4 * z * z).exp() * deviation
        };
        let pairs: Vec<(usize, usize)> = (0..self.0.len())
            .flat_map(|b| (0..b).map(move |a| (a, b)))
            .collect();
        let most = pairs.iter().map(|p| value(p.0, p.1)).fold(0.0, f64::max);
        let level: Vec<_> = pairs
            .iter()
            .filter(|p| value(p.0, p.1) >= most * (1.0 - 1e-9))
            .collect();
        *level[(draw % level.len() as u64) as usize]
    }
}

fn preferred(rng: &mut impl Rng, truth: &[f64], first: usize, second: usize) -> Preferred {
    let p = 1.0 / (1.0 + (truth[second] - truth[first]).exp());
    if rng.random_bool(p) {
        Preferred::First
    } else {
        Preferred::Second
    }
}

fn random_pair(rng: &mut impl Rng, items: usize) -> (usize, usize) {
    let first = rng.random_range(0..items);
    let second = (first + rng.random_range(1..items)) % items;
    (first, second)
}

/// Kendall's tau after each of `most` comparisons.
fn taus(seed: u64, gap: f64, most: usize, rating: &mut dyn Rating, random: bool) -> Vec<f64> {
    let mut rng = Seed(seed).derive("planted order", 0).rng();
    let mut truth: Vec<f64> = (0..POLICIES).map(|i| gap * i as f64).collect();
    truth.shuffle(&mut rng);
    (0..most)
        .map(|_| {
            let (a, b) = if random {
                random_pair(&mut rng, POLICIES)
            } else {
                rating.uncertain_pair(rng.random())
            };
            let said = preferred(&mut rng, &truth, a, b);
            rating.learn(a, b, said);
            kendall_tau_b(&truth, &rating.numbers()).unwrap_or(0.0)
        })
        .collect()
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Comparisons until the order is recovered and stays so, the median over seeds; and until the median over seeds of tau
/// is there.
fn needed(gap: f64, most: usize, make: &dyn Fn() -> Box<dyn Rating>, random: bool) -> (f64, f64) {
    let all: Vec<Vec<f64>> = (0..SEEDS)
        .map(|seed| taus(seed, gap, most, make().as_mut(), random))
        .collect();
    let stays = |taus: &Vec<f64>| {
        let last_wrong = taus.iter().rposition(|tau| *tau < RECOVERED);
        last_wrong.map_or(1.0, |at| at as f64 + 2.0)
    };
    let there = (0..most).find(|m| median(all.iter().map(|t| t[*m]).collect()) >= RECOVERED);
    (
        median(all.iter().map(stays).collect()),
        there.map_or(f64::INFINITY, |m| m as f64 + 1.0),
    )
}

#[test]
fn a_planted_order_of_eight_needs_at_most_60_percent_of_the_comparisons_of_random_pairs() {
    let ours = || Box::new(Ours::new(POLICIES)) as Box<dyn Rating>;
    let theirs = || Box::new(TrueSkill::new(POLICIES)) as Box<dyn Rating>;
    for (gap, most) in [(0.6, 240), (1.0, 140)] {
        let random = needed(gap, most, &ours, true);
        let chosen = needed(gap, most, &ours, false);
        let their_random = needed(gap, most, &theirs, true);
        let their_chosen = needed(gap, most, &theirs, false);
        println!(
            "8 policies {gap} logits apart, {SEEDS} seeds: tau of {RECOVERED} stays after a median of {} comparisons \
             (random pairs {}, {:.0} %); the median tau is there after {} ({}, {:.0} %); TrueSkill {} ({}) and {} ({})",
            chosen.0,
            random.0,
            100.0 * chosen.0 / random.0,
            chosen.1,
            random.1,
            100.0 * chosen.1 / random.1,
            their_chosen.0,
            their_random.0,
            their_chosen.1,
            their_random.1,
        );
        assert!(chosen.0 <= 0.6 * random.0 && chosen.1 <= 0.6 * random.1);
        // What is measured must have an end.
        assert!(random.0 < most as f64);
    }
}

/// One tournament until the rule stops it.
struct Stopped {
    comparisons: u32,
    /// Whether any two stand the wrong way round by more than the margin.
    wrong: bool,
    /// Intervals of 95 % that hold what they are of, of all.
    held: usize,
    ended: bool,
}

fn until_stopped(seed: u64, truth: &[f64], rule: StopRule, most: u32) -> Stopped {
    let mut rng = Seed(seed).derive("stop", 0).rng();
    let mut rating = Ours::new(truth.len());
    let mut comparisons = 0;
    while comparisons < most && !rule.is_met(&rating.strengths) {
        let (a, b) = rating.uncertain_pair(rng.random());
        let said = preferred(&mut rng, truth, a, b);
        rating.learn(a, b, said);
        comparisons += 1;
    }
    let order = rating.strengths.order();
    let margin = TOLERATED_ODDS.ln();
    let wrong = (0..order.len())
        .any(|i| (i + 1..order.len()).any(|j| truth[order[j]] - truth[order[i]] > margin));
    let held = (0..truth.len())
        .filter(|&i| {
            let others = (truth.iter().sum::<f64>() - truth[i]) / (truth.len() as f64 - 1.0);
            let share = 1.0 / (1.0 + (others - truth[i]).exp());
            let said = rating.strengths.preferred_share(i, 0.05);
            said.low <= share && share <= said.high
        })
        .count();
    Stopped {
        comparisons,
        wrong,
        held,
        ended: rule.is_met(&rating.strengths),
    }
}

#[test]
fn the_stop_rule_keeps_its_error_rate_and_intervals_hold() {
    let rule = rule();
    let mut strengths = Seed(11).derive("strengths", 0).rng();
    let drawn: Vec<Vec<f64>> = (0..200)
        .map(|_| {
            (0..5)
                .map(|_| StandardNormal.sample(&mut strengths))
                .collect()
        })
        .collect();
    let level = vec![vec![0.0; 4]; 100];
    let step = 1.1 * TOLERATED_ODDS.ln();
    let stairs = vec![(0..4).map(|i| step * f64::from(i)).collect(); 200];
    let most = 1_500;
    for (name, truths) in [
        ("drawn at random", drawn),
        ("all level", level),
        ("each just above the margin", stairs),
    ] {
        let all: Vec<Stopped> = truths
            .iter()
            .enumerate()
            .map(|(seed, truth)| until_stopped(seed as u64, truth, rule, most))
            .collect();
        let runs = all.len() as f64;
        let wrong = all.iter().filter(|s| s.wrong).count() as f64 / runs;
        let ended = all.iter().filter(|s| s.ended).count() as f64 / runs;
        let held = all.iter().map(|s| s.held).sum::<usize>() as f64;
        let held = held / truths.iter().map(Vec::len).sum::<usize>() as f64;
        let comparisons = median(all.iter().map(|s| f64::from(s.comparisons)).collect());
        println!(
            "{name}: stopped after a median of {comparisons} comparisons ({:.0} % within {most}), wrong by more than the \
             margin in {wrong:.4} (5 % stated), intervals of 95 % hold in {held:.3}",
            100.0 * ended
        );
        assert!(wrong <= 0.05 + 2.0 * (0.05 * 0.95 / runs).sqrt(), "{name}");
        assert!(held >= 0.93, "{name}");
        assert!(ended >= 0.95, "{name}");
    }
}
