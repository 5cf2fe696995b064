//! The declaration of a study.

use crate::base_run::Base;
use crate::cell::{Cell, Factor};
use anyhow::{Context as _, Result, bail};
use apprentice_pipeline::config::Config;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A study: the variants of each factor by name, and which of them are combined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// Settings of every cell, `key=value`.
    #[serde(default)]
    pub set: Vec<String>,
    /// Tasks.
    pub tasks: BTreeMap<String, Variant>,
    /// Encoders.
    pub encoders: BTreeMap<String, Variant>,
    /// Rewards.
    pub rewards: BTreeMap<String, Variant>,
    /// Objectives.
    pub objectives: BTreeMap<String, Variant>,
    /// Operators.
    pub operators: BTreeMap<String, Variant>,
    /// What is combined; a cell that several blocks name is run once.
    pub blocks: Vec<Block>,
}

/// One choice of a factor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Variant {
    /// What it is, for the report.
    pub about: String,
    /// Settings that make it, `key=value`, over those of every cell.
    pub set: Vec<String>,
    /// Whether it is what is compared with others of its factor; at most one a factor.
    pub reference: bool,
}

/// All combinations of some variants; of a factor that is not named, all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Block {
    /// Names of tasks.
    pub tasks: Vec<String>,
    /// Of encoders.
    pub encoders: Vec<String>,
    /// Of rewards.
    pub rewards: Vec<String>,
    /// Of objectives.
    pub objectives: Vec<String>,
    /// Of operators.
    pub operators: Vec<String>,
    /// Numbers of rankings.
    pub labels: Vec<usize>,
    /// Seeds.
    pub seeds: Vec<u64>,
}

impl Block {
    fn names(&self, factor: Factor) -> &[String] {
        match factor {
            Factor::Task => &self.tasks,
            Factor::Encoder => &self.encoders,
            Factor::Reward => &self.rewards,
            Factor::Objective => &self.objectives,
            Factor::Operator => &self.operators,
        }
    }
}

impl Grid {
    /// A grid from TOML.
    ///
    /// # Errors
    /// Names what is no setting, no variant or missing.
    pub fn read(text: &str) -> Result<Self> {
        let grid: Self = toml::from_str(text).map_err(|e| {
            let words: Vec<&str> = e.message().split_whitespace().collect();
            anyhow::anyhow!("the grid is not valid: {}", words.join(" "))
        })?;
        grid.check()?;
        Ok(grid)
    }

    /// The variants of a factor, by name.
    #[must_use]
    pub fn variants(&self, factor: Factor) -> &BTreeMap<String, Variant> {
        match factor {
            Factor::Task => &self.tasks,
            Factor::Encoder => &self.encoders,
            Factor::Reward => &self.rewards,
            Factor::Objective => &self.objectives,
            Factor::Operator => &self.operators,
        }
    }

    /// The variant of a factor that others are compared with.
    #[must_use]
    pub fn reference(&self, factor: Factor) -> Option<&str> {
        let of = self.variants(factor);
        of.iter().find(|v| v.1.reference).map(|v| v.0.as_str())
    }

    fn check(&self) -> Result<()> {
        for factor in Factor::ALL {
            let (section, of) = (factor.section(), self.variants(factor));
            if of.is_empty() {
                bail!("the grid has no {section}; give at least one, as [{section}.NAME]");
            }
            if of.values().filter(|v| v.reference).count() > 1 {
                bail!("several {section} are the reference; allowed: at most one");
            }
            for name in of.keys() {
                let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
                if name.is_empty() || name.len() > 40 || !name.chars().all(plain) {
                    bail!("{section}.{name}: names of variants are 1 to 40 letters, digits and _");
                }
            }
        }
        if self.blocks.is_empty() {
            bail!("the grid has no [[blocks]], so nothing is combined");
        }
        for (number, block) in self.blocks.iter().enumerate() {
            let number = number + 1;
            for factor in Factor::ALL {
                let of = self.variants(factor);
                if let Some(name) = block.names(factor).iter().find(|n| !of.contains_key(*n)) {
                    let known: Vec<&str> = of.keys().map(String::as_str).collect();
                    let (section, known) = (factor.section(), known.join(", "));
                    bail!("block {number}: there is no {section}.{name}; there are {known}");
                }
            }
            if block.labels.is_empty() || block.seeds.is_empty() {
                bail!("block {number}: labels and seeds need at least one number each");
            }
            if block.labels.contains(&0) {
                bail!("block {number}: labels has a 0, allowed: 1 or more rankings");
            }
        }
        // Said now and not after hours.
        let mut seen = BTreeSet::new();
        for cell in self.cells() {
            if seen.insert(self.settings(&cell)) {
                Config::load(None, &self.settings(&cell))
                    .with_context(|| format!("cell {cell}"))?;
            }
        }
        Ok(())
    }

    /// Every cell, in the order in which blocks name them, each once.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        let mut seen = BTreeSet::new();
        let blocks = self.blocks.iter();
        let all = blocks.flat_map(|block| self.product(block));
        all.filter(|cell| seen.insert(cell.clone())).collect()
    }

    /// Seeds outermost, so that a study which is cut short has whole comparisons.
    fn product(&self, block: &Block) -> Vec<Cell> {
        let names = |factor| match block.names(factor) {
            [] => self.variants(factor).keys().cloned().collect(),
            some => some.to_vec(),
        };
        let mut cells = Vec::new();
        for &seed in &block.seeds {
            for task in names(Factor::Task) {
                for operator in names(Factor::Operator) {
                    for &labels in &block.labels {
                        for encoder in names(Factor::Encoder) {
                            for reward in names(Factor::Reward) {
                                cells.extend(names(Factor::Objective).into_iter().map(
                                    |objective| Cell {
                                        task: task.clone(),
                                        encoder: encoder.clone(),
                                        reward: reward.clone(),
                                        objective,
                                        operator: operator.clone(),
                                        labels,
                                        seed,
                                    },
                                ));
                            }
                        }
                    }
                }
            }
        }
        cells
    }

    /// What cells share: demonstrations, base policy, rollouts and its evaluation.
    #[must_use]
    pub fn bases(&self) -> Vec<Base> {
        let mut seen = BTreeSet::new();
        let cells = self.cells().into_iter();
        let all = cells.map(|cell| Base::of(&cell));
        all.filter(|base| seen.insert(base.clone())).collect()
    }

    /// The settings of what cells share.
    #[must_use]
    pub fn base_settings(&self, base: &Base) -> Vec<String> {
        let task = self.tasks.get(&base.task);
        let task = task.map_or(&[][..], |task| &task.set);
        self.set.iter().chain(task).cloned().collect()
    }

    /// The settings of a cell, `key=value`, later ones over earlier ones.
    #[must_use]
    pub fn settings(&self, cell: &Cell) -> Vec<String> {
        let mut all = self.set.clone();
        for factor in Factor::ALL {
            if let Some(variant) = self.variants(factor).get(cell.variant(factor)) {
                all.extend(variant.set.iter().cloned());
            }
        }
        all.push(format!("operator.rankings={}", cell.labels));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: &str = r#"
        set = ["reward.significance=1"]
        [tasks.mug]
        set = ["rollouts.episodes=80"]
        [encoders.trained]
        reference = true
        [encoders.random]
        set = ["encoder.cycle.initialisation=random"]
        [rewards.rapl]
        [objectives.both]
        [objectives.imitation]
        set = ["align.objectives.diffusion_dpo.weight=0"]
        [operators.exact]
        [[blocks]]
        objectives = ["both"]
        labels = [5, 20]
        seeds = [0, 1]
        [[blocks]]
        encoders = ["trained"]
        labels = [20]
        seeds = [0]
    "#;

    #[test]
    fn blocks_are_products_and_a_cell_is_run_once() {
        let grid = Grid::read(GRID).unwrap();
        let cells = grid.cells();
        // 2 encoders x 2 labels x 2 seeds, and imitation once; both at 20 and seed 0 was there.
        assert_eq!(cells.len(), 8 + 1);
        assert_eq!(cells.last().unwrap().objective, "imitation");
        assert_eq!(grid.bases().len(), 2);
        assert_eq!(grid.reference(Factor::Encoder), Some("trained"));
        assert_eq!(
            grid.settings(&cells[1]),
            [
                "reward.significance=1",
                "rollouts.episodes=80",
                "operator.rankings=5"
            ]
        );
        assert_eq!(cells[1].name(), "mug-trained-rapl-both-exact-5-0");
    }

    #[test]
    fn the_grids_that_come_along_can_be_run() {
        let quick = Grid::read(include_str!("../../../configs/study-quick.toml")).unwrap();
        assert_eq!((quick.cells().len(), quick.bases().len()), (24, 3));
        let full = Grid::read(include_str!("../../../configs/study.toml")).unwrap();
        assert_eq!(full.bases().len(), 20);
        for factor in Factor::ALL.into_iter().filter(|f| *f != Factor::Task) {
            assert!(full.reference(factor).is_some(), "{factor:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_named() {
        let refused = |from: &str, to: &str| Grid::read(&GRID.replacen(from, to, 1)).unwrap_err();
        for (from, to, wanted) in [
            (
                "[tasks.mug]",
                "[tasks.\"../mug\"]",
                "tasks.../mug: names of variants",
            ),
            (
                "labels = [5, 20]",
                "labels = []",
                "block 1: labels and seeds need",
            ),
            ("labels = [5, 20]", "labels = [0]", "labels has a 0"),
            (
                "encoders = [\"trained\"]",
                "encoders = [\"train\"]",
                "block 2: there is no encoders.train; there are random, trained",
            ),
            ("initialisation=random", "initialisation=magic", "`magic`"),
            (
                "rollouts.episodes=80",
                "rollouts.episode=80",
                "no setting rollouts.episode",
            ),
            (
                "[encoders.random]",
                "[encoders.random]\nreference = true",
                "several encoders are the reference",
            ),
        ] {
            let error = format!("{:#}", refused(from, to));
            assert!(error.contains(wanted), "{to}: {error}");
        }
    }
}
