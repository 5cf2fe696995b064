//! The judges there are.

use crate::judge::Judge;

apprentice_core::registry! {
    /// Who judges.
    pub enum JudgeKind: Judge {
        person::Person = "person",
        simulated_operator::SimulatedOperator = "simulated_operator",
        teacher::Teacher = "teacher",
        rule::Rule = "rule",
    }
}
