//! Carrying out chunk after chunk while the next one is being planned, in one of three ways.

use crate::two_ways::observed;
use crate::two_ways::{HORIZON, TICKS, aside};
use apprentice_control::{Ensemble, ensemble::ACT_DECAY};
use apprentice_core::{PolicyInput, PolicyObservation, Seed};
use apprentice_policy::{Continuation, DiffusionPolicy};
use std::sync::Arc;

/// Ticks from one observation that is planned from to the next.
const EVERY: usize = 3;

/// What becomes of the running chunk when a new one is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Switch {
    /// The new one takes its place.
    Naive,
    /// The new one was planned onto it.
    Inpainted,
    /// The mean of both is carried out.
    Ensembled,
}

/// The worst of one run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Worst {
    /// Between what the old plan and the new one want at the first tick of the new.
    pub jump: f32,
    /// Second difference of what is carried out, across a boundary.
    pub bend: f32,
    /// From the nearer of the two ways.
    pub astray: f32,
    /// Between frozen actions and those of the chunk planned onto them.
    pub thawed: f32,
}

/// One robot, and what it has planned.
struct Robot {
    done: Vec<Vec<f32>>,
    boundaries: Vec<usize>,
    first: usize,
    chunk: Vec<Vec<f32>>,
    ensemble: Ensemble,
    worst: Worst,
}

impl Robot {
    fn new() -> Self {
        Self {
            done: Vec::new(),
            boundaries: Vec::new(),
            first: 0,
            chunk: Vec::new(),
            ensemble: Ensemble::new(HORIZON, ACT_DECAY).unwrap(),
            worst: Worst::default(),
        }
    }

    /// What is left of the running chunk.
    fn left(&self, tick: usize) -> &[Vec<f32>] {
        self.chunk.get(tick - self.first..).unwrap_or_default()
    }

    fn action(&self, switch: Switch, tick: usize) -> Option<Vec<f32>> {
        match switch {
            Switch::Ensembled => self.ensemble.action(tick as u64),
            Switch::Naive | Switch::Inpainted => self.left(tick).first().cloned(),
        }
    }

    /// Takes a chunk that was planned at a tick, at another.
    fn take(&mut self, switch: Switch, planned: usize, chunk: Vec<Vec<f32>>, tick: usize) {
        let old = self.action(switch, tick);
        self.ensemble.push(planned as u64, chunk.clone()).unwrap();
        (self.first, self.chunk) = (planned, chunk);
        if let (Some(old), Some(new)) = (old, self.action(switch, tick)) {
            self.boundaries.push(tick);
            self.worst.jump = self.worst.jump.max(largest(&old, &new));
        }
    }

    fn judge(mut self) -> Worst {
        for &b in &self.boundaries {
            for k in b.saturating_sub(1).max(1)..=b.min(self.done.len() - 2) {
                for i in 0..2 {
                    let bend = self.done[k + 1][i] - 2.0 * self.done[k][i] + self.done[k - 1][i];
                    self.worst.bend = self.worst.bend.max(bend.abs());
                }
            }
        }
        for action in &self.done {
            let astray = (action[1].abs() - aside(action[0])).abs();
            self.worst.astray = self.worst.astray.max(astray);
        }
        self.worst
    }
}

fn largest(one: &[f32], other: &[f32]) -> f32 {
    let apart = one.iter().zip(other).map(|(a, b)| (a - b).abs());
    apart.fold(0.0, f32::max)
}

/// Runs a robot for each seed; a chunk is there `delay` ticks after its observation, the first at once.
pub fn run(policy: &DiffusionPolicy, switch: Switch, delay: usize, seeds: &[Seed]) -> Vec<Worst> {
    let mut robots: Vec<Robot> = seeds.iter().map(|_| Robot::new()).collect();
    let mut coming: Option<(usize, Vec<Vec<Vec<f32>>>)> = None;
    for tick in 0..TICKS - HORIZON {
        // A plan that takes as long as there is between two is there before the next begins.
        arrive(&mut robots, &mut coming, switch, delay, tick);
        if tick % EVERY == 0 {
            coming = Some((tick, plan(policy, switch, delay, seeds, &mut robots, tick)));
            arrive(&mut robots, &mut coming, switch, delay, tick);
        }
        for robot in &mut robots {
            let action = robot.action(switch, tick).unwrap();
            robot.done.push(action);
        }
    }
    robots.into_iter().map(Robot::judge).collect()
}

fn arrive(
    robots: &mut [Robot],
    coming: &mut Option<(usize, Vec<Vec<Vec<f32>>>)>,
    switch: Switch,
    delay: usize,
    tick: usize,
) {
    let due = |(planned, _): &mut (usize, _)| *planned == 0 || *planned + delay == tick;
    if let Some((planned, chunks)) = coming.take_if(due) {
        for (robot, chunk) in robots.iter_mut().zip(chunks) {
            robot.take(switch, planned, chunk, tick);
        }
    }
}

fn plan(
    policy: &DiffusionPolicy,
    switch: Switch,
    delay: usize,
    seeds: &[Seed],
    robots: &mut [Robot],
    tick: usize,
) -> Vec<Vec<Vec<f32>>> {
    let forward: Vec<[Arc<PolicyObservation>; 1]> = robots
        .iter()
        .map(|r| {
            [observed(vec![
                r.done.last().map_or(0.0, |action| action[0]),
            ])]
        })
        .collect();
    let inputs: Vec<PolicyInput<'_>> = forward
        .iter()
        .map(|observations| PolicyInput {
            robot: 0,
            seed: Seed(0),
            tick: tick as u64,
            observations,
        })
        .collect();
    let draws = seeds.iter().map(|s| s.derive("denoising", tick as u64));
    let draws: Vec<Seed> = draws.collect();
    if switch != Switch::Inpainted {
        return policy.denoise(&inputs, &draws).unwrap();
    }
    let running: Vec<Option<Continuation<'_>>> = robots
        .iter()
        .map(|robot| Some(Continuation::after(robot.left(tick), delay, HORIZON)))
        .collect();
    let chunks = policy
        .denoise_continuing(&inputs, &draws, &running)
        .unwrap();
    for (robot, chunk) in robots.iter_mut().zip(&chunks) {
        let frozen = robot.left(tick).iter().take(delay).zip(chunk);
        let thawed = frozen.map(|(f, c)| largest(f, c)).fold(0.0, f32::max);
        robot.worst.thawed = robot.worst.thawed.max(thawed);
    }
    chunks
}
