//! What a policy has to show before it becomes the arm's, and how it is watched afterwards.

use anyhow::{Result, bail};
use apprentice_safety::Intervention;
use serde::{Deserialize, Serialize};

/// What a policy has to show before it becomes the arm's, and how it is watched afterwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PromotionConfig {
    /// Share of episodes in which something bad may happen, above 0 and below 1.
    pub bad_limit: f64,
    /// Probability with which a policy at the limit may pass, above 0 and below 1.
    pub delta: f64,
    /// The guard's reasons that count as bad.
    pub interventions: Vec<String>,
    /// Loss of success against the policy before that is still fine, 0 to 1.
    pub margin: f64,
    /// Probability of going back for no reason within `watch_episodes`, above 0 and below 1.
    pub watch_error: f64,
    /// Episodes in which `watch_error` is counted.
    pub watch_episodes: u32,
}

impl Default for PromotionConfig {
    fn default() -> Self {
        let interventions = [
            "not_finite",
            "dimension",
            "not_a_pose",
            "workspace",
            "self_collision",
            "lead",
            "stale",
            "state",
        ];
        Self {
            bad_limit: 0.1,
            delta: 0.05,
            interventions: interventions.map(str::to_owned).to_vec(),
            margin: 0.03,
            watch_error: 0.05,
            watch_episodes: 500,
        }
    }
}

impl PromotionConfig {
    /// Refuses what cannot work.
    ///
    /// # Errors
    /// Names the first key that is out of range, what it is and what is allowed.
    pub fn validate(&self) -> Result<()> {
        for (key, value) in [
            ("bad_limit", self.bad_limit),
            ("delta", self.delta),
            ("watch_error", self.watch_error),
        ] {
            if !(value > 0.0 && value < 1.0) {
                bail!("promotion.{key} is {value}, allowed: above 0 and below 1");
            }
        }
        if !(0.0..1.0).contains(&self.margin) {
            bail!(
                "promotion.margin is {}, allowed: 0 to below 1, as a share of episodes",
                self.margin
            );
        }
        if !(1..=10_000).contains(&self.watch_episodes) {
            bail!(
                "promotion.watch_episodes is {}, allowed: 1 to 10000 episodes",
                self.watch_episodes
            );
        }
        let known: Vec<&str> = Intervention::ALL.map(Intervention::name).to_vec();
        match self
            .interventions
            .iter()
            .find(|i| !known.contains(&i.as_str()))
        {
            Some(other) => bail!(
                "promotion.interventions has {other:?}, allowed: {}",
                known.join(", ")
            ),
            None => Ok(()),
        }
    }
}
