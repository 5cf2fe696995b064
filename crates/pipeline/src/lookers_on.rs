//! What those who look on a robot are told of the episode that it runs.

use crate::robots::Robots;
use apprentice_control::EpisodePlan;
use apprentice_episode::Tick;
use apprentice_link::{RunningEpisode, TakeoverInbox};
use std::path::Path;

/// Where a tick of each robot's episode is told.
pub(crate) struct LookersOn {
    /// For each robot, where it is told and of which episode.
    told: Vec<(TakeoverInbox, RunningEpisode)>,
}

impl LookersOn {
    /// Of these episodes, one a robot, below the folder of a run. Which policy acts is told only where the plan says so
    /// and `blind` is not asked for: whoever judges blind trials may look on.
    pub fn of<'a>(
        robots: &Robots,
        plans: impl IntoIterator<Item = &'a EpisodePlan>,
        root: &Path,
        blind: bool,
    ) -> Self {
        let episode = |plan: &EpisodePlan| RunningEpisode {
            episode: plan
                .path
                .strip_prefix(root)
                .unwrap_or(&plan.path)
                .to_string_lossy()
                .into_owned(),
            policy: plan.meta.policy.clone().filter(|_| !blind),
            ..RunningEpisode::default()
        };
        let told = robots.lookers_on.iter().cloned().zip(plans);
        Self {
            told: told.map(|(inbox, plan)| (inbox, episode(plan))).collect(),
        }
    }

    /// A tick of a robot's episode has passed. Never waits.
    pub fn tell(&self, robot: usize, tick: &Tick) {
        if let Some((inbox, episode)) = self.told.get(robot) {
            let episode = RunningEpisode {
                tick: tick.index,
                stamp_ns: tick.stamp_ns,
                ..episode.clone()
            };
            inbox.tell(episode, &tick.guard_interventions);
        }
    }
}
