//! A demonstration without a link: what the robot records of it at each policy tick, and how it ends.

use crate::{Simulation, error::Result, outcome::Outcome};
use apprentice_core::{CartesianAction, JointCommand, Seed};
use apprentice_robot::{DifferentialIk, RobotDescription};

/// One demonstration.
#[derive(Clone, Debug)]
pub struct Trial {
    /// How it ended.
    pub outcome: Outcome,
    /// The recorded numbers, one row a policy tick, in the order of [`channel_names`].
    pub rows: Vec<Vec<f64>>,
    /// Policy ticks until the expert was done, if it was.
    pub done_after: Option<u64>,
}

/// What is recorded of an arm with this many joints: joints (rad, rad/s), opening (m), tool pose (m; the axes x and y
/// of its frame) and the action that is learnt.
#[must_use]
pub fn channel_names(joints: usize) -> Vec<String> {
    let numbered = |what: &str| {
        (1..=joints)
            .map(|j| format!("{what} {j}"))
            .collect::<Vec<_>>()
    };
    let pose = ["x", "y", "z", "xx", "xy", "xz", "yx", "yy", "yz"];
    let mut names = numbered("joint position");
    names.extend(numbered("joint velocity"));
    names.push("gripper opening".into());
    names.extend(pose.map(|axis| format!("tool {axis}")));
    names.extend(pose.map(|axis| format!("action {axis}")));
    names.push("action opening".into());
    names
}

/// Has the expert of `style` show the task of `simulation` in the scene of `seed` for `ticks` policy ticks, as a
/// recording does: it goes on when the expert is done.
///
/// # Errors
/// When the robot's kinematics cannot be used.
pub fn demonstrate(
    simulation: &mut Simulation,
    robot: &RobotDescription,
    style: usize,
    seed: Seed,
    ticks: u64,
) -> Result<Trial> {
    let ik = DifferentialIk::new(robot)?;
    simulation.reset(seed);
    let task = simulation.task().clone();
    let home = simulation.tool_pose();
    let mut expert = task.expert(style, simulation.scene(), &home, seed);
    let mut joints = simulation.state().positions;
    let (mut rows, mut done_after) = (Vec::new(), None);
    let period_s = 1.0 / robot.control_hz;
    let commands = (robot.control_hz / robot.policy_hz).round().max(1.0) as u64;
    for tick in 0..ticks {
        let (state, tool) = (simulation.state(), simulation.tool_pose());
        let step = expert.act(&tool, state.gripper_width, simulation.scene());
        if step.done {
            done_after = done_after.or(Some(tick));
        }
        let measured = CartesianAction {
            pose: tool,
            gripper_width: state.gripper_width,
        };
        let mut row = [state.positions, state.velocities].concat();
        row.push(state.gripper_width);
        row.extend(pose_numbers(&measured));
        row.extend(pose_numbers(&step.label));
        row.push(step.label.gripper_width);
        rows.push(row);
        for _ in 0..commands {
            joints = ik.step(&joints, &step.executed.pose, period_s);
            simulation.apply(&JointCommand {
                sequence: 0,
                stamp_ns: 0,
                positions: joints.clone(),
                gripper_width: step.executed.gripper_width,
            })?;
            simulation.advance((period_s * 1e9) as u64);
        }
    }
    Ok(Trial {
        outcome: simulation.measure(),
        rows,
        done_after,
    })
}

fn pose_numbers(action: &CartesianAction) -> [f64; 9] {
    let at = action.pose.translation;
    let turn = action.pose.rotation.to_rotation_matrix();
    let column = |row: usize, column: usize| turn[(row, column)];
    [
        at.x,
        at.y,
        at.z,
        column(0, 0),
        column(1, 0),
        column(2, 0),
        column(0, 1),
        column(1, 1),
        column(2, 1),
    ]
}
