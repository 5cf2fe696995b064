//! The stages of the loop in order. Each is a file below `stages/`; it reads what the stages it needs wrote, and
//! nothing else.

use crate::stage::Stage;

/// Makes of each line the module of that name and an entry of the table.
macro_rules! stages {
    ($($module:ident),+ $(,)?) => {
        $(pub mod $module;)+

        /// Every stage, in the order in which `demo` runs them.
        pub static STAGES: &[&Stage] = &[$(&$module::STAGE),+];
    };
}

stages! {
    demonstrate,
    train,
    rollouts,
    rank,
    reward,
    align,
    evaluate_base,
    evaluate_aligned,
}

/// The stage of a name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Stage> {
    STAGES.iter().copied().find(|s| s.name == name)
}

/// All stages that `stage` needs, directly or through others, in order.
#[must_use]
pub fn needed(stage: &Stage) -> Vec<&'static Stage> {
    let mut wanted: Vec<&str> = stage.needs.to_vec();
    let mut found: Vec<&'static Stage> = Vec::new();
    // Needs come before in the table, so one pass from its end meets every stage after those that need it.
    for candidate in STAGES.iter().copied().rev() {
        if wanted.contains(&candidate.name) {
            wanted.extend(candidate.needs);
            found.push(candidate);
        }
    }
    found.reverse();
    found
}
