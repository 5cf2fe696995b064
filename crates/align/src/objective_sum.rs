//! The section `align.objectives`: a table of settings by the objective's name.

use crate::objective::{AlignmentObjective, Needs};
use crate::objectives::diffusion_dpo::DiffusionDpo;
use crate::objectives::winner_imitation::WinnerImitation;
use crate::{AlignError, Objective};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Objectives whose weighted sum is descended, in the order of the registry.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectiveSum(Vec<Objective>);

impl Default for ObjectiveSum {
    fn default() -> Self {
        Self::of([
            Objective::DiffusionDpo(DiffusionDpo::default()),
            Objective::WinnerImitation(WinnerImitation::default()),
        ])
    }
}

impl ObjectiveSum {
    /// Of these; the later one counts where a name is given twice.
    #[must_use]
    pub fn of(objectives: impl IntoIterator<Item = Objective>) -> Self {
        let named: BTreeMap<&str, Objective> =
            objectives.into_iter().map(|o| (o.name(), o)).collect();
        let ordered = Objective::NAMES
            .iter()
            .filter_map(|n| named.get(n).cloned());
        Self(ordered.collect())
    }

    /// Those whose weight is not 0.
    pub fn used(&self) -> impl Iterator<Item = &dyn AlignmentObjective> {
        self.0.iter().map(|o| &**o).filter(|o| o.weight() != 0.0)
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0
            .iter()
            .filter(|o| o.weight() != 0.0)
            .map(|o| o.name())
    }

    /// What must be drawn for all of them.
    #[must_use]
    pub fn needs(&self) -> Needs {
        self.used().fold(Needs::default(), |n, o| n | o.needs())
    }

    /// Whether they can work.
    ///
    /// # Errors
    /// Names the first key that cannot be, its value and what is allowed.
    pub fn validate(&self) -> Result<(), AlignError> {
        self.0.iter().try_for_each(|o| o.validate())?;
        if self.used().next().is_none() {
            return Err(AlignError::Config {
                key: "weight in align.objectives".into(),
                got: "0 for every objective".into(),
                allowed: "more than 0 for at least one",
            });
        }
        Ok(())
    }
}

impl Serialize for ObjectiveSum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let settings = |objective: &Objective| match serde_json::to_value(objective) {
            Ok(Value::Object(mut settings)) => {
                settings.remove("kind");
                Ok((objective.name(), settings))
            }
            other => Err(S::Error::custom(format!(
                "{} as {other:?}",
                objective.name()
            ))),
        };
        let all: Result<Vec<_>, S::Error> = self.0.iter().map(settings).collect();
        serializer.collect_map(all?)
    }
}

impl<'de> Deserialize<'de> for ObjectiveSum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = BTreeMap::<String, Map<String, Value>>::deserialize(deserializer)?;
        let objective = |(name, mut settings): (String, Map<String, Value>)| {
            if settings.contains_key("kind") {
                return Err(D::Error::custom(format!(
                    "align.objectives.{name} has a kind; its name says which it is"
                )));
            }
            settings.insert("kind".into(), name.clone().into());
            serde_json::from_value(Value::Object(settings))
                .map_err(|e| D::Error::custom(format!("align.objectives.{name}: {e}")))
        };
        let all: Result<Vec<Objective>, D::Error> = all.into_iter().map(objective).collect();
        Ok(Self::of(all?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ObjectiveSum, String> {
        serde_json::from_str(text).map_err(|e| e.to_string())
    }

    #[test]
    fn a_table_by_name_is_read_and_written() {
        let all = read(r#"{"winner_imitation": {"weight": 2}, "diffusion_dpo": {}}"#).unwrap();
        let names: Vec<_> = all.0.iter().map(Objective::name).collect();
        assert_eq!(names, ["diffusion_dpo", "winner_imitation"]);
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(
            text,
            r#"{"diffusion_dpo":{"beta_per_number":1.0,"clip":1.0,"step_weights":"as_in_training","weight":1.0},"winner_imitation":{"weight":2.0}}"#
        );
        assert_eq!(read(&text).unwrap(), all);
    }

    #[test]
    fn what_is_no_objective_is_refused_by_its_key() {
        let name = read(r#"{"alchemy": {}}"#).unwrap_err();
        assert!(
            name.contains("align.objectives.alchemy") && name.contains("`diffusion_dpo`"),
            "{name}"
        );
        let key = read(r#"{"diffusion_dpo": {"beta": 1}}"#).unwrap_err();
        assert!(
            key.contains("align.objectives.diffusion_dpo: unknown field `beta`"),
            "{key}"
        );
    }

    #[test]
    fn an_objective_of_weight_0_needs_nothing_and_one_must_be_left() {
        let imitation =
            read(r#"{"winner_imitation": {}, "diffusion_dpo": {"weight": 0}}"#).unwrap();
        assert!(imitation.validate().is_ok());
        let needs = imitation.needs();
        assert!(needs.winners && !needs.pairs && !needs.reference);
        let none = read(r#"{"winner_imitation": {"weight": 0}}"#).unwrap();
        let error = none.validate().unwrap_err().to_string();
        assert!(error.contains("0 for every objective"), "{error}");
    }
}
