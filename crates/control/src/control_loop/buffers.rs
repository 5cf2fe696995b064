//! Memory that control ticks reuse.

use apprentice_core::JointCommand;
use apprentice_robot::RobotDescription;
use apprentice_safety::{Guard, GuardSnapshot, Interventions};

/// Memory for a command and what it is made of: a tick allocates nothing.
pub(super) struct CommandBuffers {
    /// Joints from which targets are looked for.
    pub from: Vec<f64>,
    /// Joint targets that are proposed.
    pub targets: Vec<f64>,
    pub command: JointCommand,
}

impl CommandBuffers {
    pub fn new(description: &RobotDescription) -> Self {
        let joints = description.joints.len();
        Self {
            from: Vec::with_capacity(joints),
            targets: Vec::with_capacity(joints),
            command: command(joints),
        }
    }
}

fn command(joints: usize) -> JointCommand {
    JointCommand {
        sequence: 0,
        stamp_ns: 0,
        positions: Vec::with_capacity(joints),
        gripper_width: 0.0,
    }
}

/// Commands that a robot which takes whole paths has been sent, each with why it was changed and the guard as it
/// is after it.
pub(super) struct SentPath {
    pub commands: Vec<JointCommand>,
    pub after: Vec<(Interventions, GuardSnapshot)>,
    /// The guard before the path.
    pub before: GuardSnapshot,
    /// Where the next command is that is still to come, of so many.
    pub next: usize,
    pub count: usize,
}

impl SentPath {
    /// Memory for paths of so many commands.
    pub fn new(guard: &Guard, ticks: u64) -> Self {
        let ticks = usize::try_from(ticks).unwrap_or(0);
        let before = guard.snapshot();
        Self {
            commands: (0..ticks).map(|_| command(before.joints())).collect(),
            after: vec![(Interventions::default(), before.clone()); ticks],
            before,
            next: 0,
            count: 0,
        }
    }

    /// What is left of the path is void.
    pub fn clear(&mut self) {
        (self.next, self.count) = (0, 0);
    }
}
