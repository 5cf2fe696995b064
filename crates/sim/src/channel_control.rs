//! Whether one number that the robot records tells what is preferred, so that a task says nothing about encoders.
//!
//! Of each recorded channel the minimum, mean, maximum and last value of an episode are taken as scores. Half of the
//! episodes say in which direction a score orders pairs of episodes, the other half how well it does.

use crate::{
    config::SimConfig,
    error::Result,
    tasks::TaskKind,
    trial::{Trial, channel_names, demonstrate},
    world::Simulation,
};
use apprentice_core::Seed;
use apprentice_robot::RobotDescription;

/// Share of pairs, 0 to 1, above which a task is not used for claims about what is seen.
pub const HIGHEST_ACCURACY: f64 = 0.75;

/// What is taken of a channel.
pub const STATISTICS: [&str; 4] = ["minimum", "mean", "maximum", "last"];

/// How well one number orders pairs of episodes.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelScore {
    /// The channel, as [`channel_names`] has it.
    pub channel: String,
    /// What is taken of it.
    pub statistic: &'static str,
    /// Share of the pairs kept back that it orders as they are preferred, 0 to 1; ties count half.
    pub accuracy: f64,
}

/// Shows a task `episodes` times, its styles in turn, in scenes that follow from `seed`, `ticks` policy ticks each.
///
/// # Errors
/// When the task or the robot cannot be simulated.
pub fn trials(
    task: &TaskKind,
    robot: &RobotDescription,
    seed: Seed,
    episodes: u64,
    ticks: u64,
) -> Result<Vec<Trial>> {
    let mut simulation = Simulation::new(SimConfig::default(), task.clone(), robot)?;
    let styles = task.styles().len().max(1) as u64;
    (0..episodes)
        .map(|index| {
            let scene = seed.derive("channel control", index);
            let style = (index % styles) as usize;
            demonstrate(&mut simulation, robot, style, scene, ticks)
        })
        .collect()
}

/// Every channel's scores, best first. `utility` says what is preferred, the more the better; pairs in which it does
/// not differ are left out. Without any pair there is nothing to tell, and the list is empty.
#[must_use]
pub fn scores(trials: &[Trial], utility: impl Fn(&Trial) -> f64) -> Vec<ChannelScore> {
    let (learnt, kept) = trials.split_at(trials.len() / 2);
    let wide = trials
        .first()
        .and_then(|t| t.rows.first())
        .map_or(0, Vec::len);
    // Two for each joint, the opening, twice nine of a pose, and the opening that was asked for.
    let names = channel_names(wide.saturating_sub(20) / 2);
    let of = |trials: &[Trial]| trials.iter().map(&utility).collect::<Vec<_>>();
    let (learnt_utility, kept_utility) = (of(learnt), of(kept));
    let mut found: Vec<ChannelScore> = names
        .iter()
        .enumerate()
        .flat_map(|(channel, name)| {
            STATISTICS.iter().enumerate().filter_map({
                let (learnt_utility, kept_utility) = (&learnt_utility, &kept_utility);
                move |(index, statistic)| {
                    let score = |t: &Trial| summary(t, channel, index);
                    let learnt: Vec<f64> = learnt.iter().map(score).collect();
                    let kept: Vec<f64> = kept.iter().map(score).collect();
                    let forward = accuracy(&learnt, learnt_utility)? >= 0.5;
                    let found = accuracy(&kept, kept_utility)?;
                    Some(ChannelScore {
                        channel: name.clone(),
                        statistic,
                        accuracy: if forward { found } else { 1.0 - found },
                    })
                }
            })
        })
        .collect();
    found.sort_by(|a, b| b.accuracy.total_cmp(&a.accuracy));
    found
}

fn summary(trial: &Trial, channel: usize, statistic: usize) -> f64 {
    let values = || {
        trial
            .rows
            .iter()
            .filter_map(|row| row.get(channel).copied())
    };
    match statistic {
        0 => values().fold(f64::INFINITY, f64::min),
        1 => values().sum::<f64>() / trial.rows.len().max(1) as f64,
        2 => values().fold(f64::NEG_INFINITY, f64::max),
        _ => values().next_back().unwrap_or(0.0),
    }
}

/// Share of the pairs that differ in utility which the score orders alike; ties of the score count half.
fn accuracy(scores: &[f64], utility: &[f64]) -> Option<f64> {
    let (mut right, mut pairs) = (0.0, 0u64);
    for i in 0..scores.len() {
        for j in 0..i {
            let wanted = utility[i] - utility[j];
            if wanted.abs() > 1e-9 {
                let got = (scores[i] - scores[j]) * wanted.signum();
                right += if got > 0.0 {
                    1.0
                } else if got < 0.0 {
                    0.0
                } else {
                    0.5
                };
                pairs += 1;
            }
        }
    }
    (pairs > 0).then(|| right / pairs as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Outcome;

    /// Episodes of two ticks whose first channel's maximum is `peak`.
    fn trial(peak: f64) -> Trial {
        let mut rows = vec![vec![0.0; 22]; 2];
        rows[0][0] = peak;
        Trial {
            outcome: Outcome::default(),
            rows,
            done_after: None,
        }
    }

    #[test]
    fn a_channel_that_tells_is_found_and_one_that_does_not_is_at_chance() {
        let trials: Vec<Trial> = (0..20).map(|i| trial(f64::from(i * 7 % 20))).collect();
        let scores = scores(&trials, |t| -t.rows[0][0]);
        assert_eq!(
            (scores[0].channel.as_str(), scores[0].statistic),
            ("joint position 1", "mean")
        );
        assert!((scores[0].accuracy - 1.0).abs() < 1e-12);
        let last = scores.iter().find(|s| s.statistic == "last").unwrap();
        assert!((last.accuracy - 0.5).abs() < 1e-12);
    }
}
