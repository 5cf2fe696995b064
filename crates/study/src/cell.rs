//! One cell of the grid: a choice of every factor.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What is varied, apart from the number of labels and the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// The task, with how much is demonstrated and rolled out, and how the base policy is trained.
    Task,
    /// The encoder and what it is before rankings come.
    Encoder,
    /// How the reward is learnt.
    Reward,
    /// What the alignment descends.
    Objective,
    /// How the simulated operator answers.
    Operator,
}

impl Factor {
    /// All of them, in the order of a cell's name.
    pub const ALL: [Self; 5] = [
        Self::Task,
        Self::Encoder,
        Self::Reward,
        Self::Objective,
        Self::Operator,
    ];

    /// The name of its section in a grid.
    #[must_use]
    pub fn section(self) -> &'static str {
        match self {
            Self::Task => "tasks",
            Self::Encoder => "encoders",
            Self::Reward => "rewards",
            Self::Objective => "objectives",
            Self::Operator => "operators",
        }
    }

    /// Its name in rows and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Encoder => "encoder",
            Self::Reward => "reward",
            Self::Objective => "objective",
            Self::Operator => "operator",
        }
    }
}

/// One cell: the names of its variants, the number of rankings, the seed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cell {
    /// The task's name in the grid.
    pub task: String,
    /// The encoder's.
    pub encoder: String,
    /// The reward's.
    pub reward: String,
    /// The objective's.
    pub objective: String,
    /// The operator's.
    pub operator: String,
    /// Rankings of four episodes each.
    pub labels: usize,
    /// Seed of everything random.
    pub seed: u64,
}

impl Cell {
    /// The name of its variant of a factor.
    #[must_use]
    pub fn variant(&self, factor: Factor) -> &str {
        match factor {
            Factor::Task => &self.task,
            Factor::Encoder => &self.encoder,
            Factor::Reward => &self.reward,
            Factor::Objective => &self.objective,
            Factor::Operator => &self.operator,
        }
    }

    /// The cell that differs in one factor.
    #[must_use]
    pub fn with(&self, factor: Factor, name: &str) -> Self {
        let mut other = self.clone();
        *match factor {
            Factor::Task => &mut other.task,
            Factor::Encoder => &mut other.encoder,
            Factor::Reward => &mut other.reward,
            Factor::Objective => &mut other.objective,
            Factor::Operator => &mut other.operator,
        } = name.to_owned();
        other
    }

    /// Its name, which is also that of its folder.
    #[must_use]
    pub fn name(&self) -> String {
        let parts = Factor::ALL.map(|f| self.variant(f));
        format!("{}-{}-{}", parts.join("-"), self.labels, self.seed)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = Factor::ALL.map(|factor| self.variant(factor));
        let (labels, seed) = (self.labels, self.seed);
        write!(f, "{}, {labels} rankings, seed {seed}", parts.join(", "))
    }
}
