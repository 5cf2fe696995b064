//! The tasks there are.

use crate::task::Task;

apprentice_core::registry! {
    /// The `[task]` table: a task and its settings.
    pub enum TaskKind: Task {
        pick_up_mug::PickUpMug = "pick_up_mug",
        push_group::PushGroup = "push_group",
        carry_cup::CarryCup = "carry_cup",
        grasp_in_context::GraspInContext = "grasp_in_context",
    }
}

impl Default for TaskKind {
    fn default() -> Self {
        Self::PickUpMug(pick_up_mug::PickUpMug::default())
    }
}
