//! A simulated robot in real time whose policy goes from side to side, to try `apprentice takeover` on:
//! `cargo run --release -p apprentice-control --example side_to_side [ENDPOINT] [SECONDS]`. Prints a line a tick:
//! who decided, where the tool is, what was wanted, how many planned actions were kept from being done.

use apprentice_control::{
    Agent, ChunkingConfig, ControlError, ControlLoop, EpisodePlan, record_episodes,
};
use apprentice_core::{ActionChunk, ActionSpace, CartesianAction, PolicyInput, Seed};
use apprentice_episode::{CameraInfo, EpisodeMeta, Source, Tick};
use apprentice_link::{Arm as _, OperatorAccess, RobotLink};
use apprentice_robot::{Kinematics, RobotDescription};
use apprentice_safety::GuardConfig;
use apprentice_sim::{ClockMode, SimConfig, SimNode, TaskKind};
use std::error::Error;
use std::time::Duration;

/// Goes 10 cm to one side of home, then to the other, 12 ticks at a time.
struct SideToSide {
    home: CartesianAction,
    decisions: u32,
}

impl Agent for SideToSide {
    fn plan(&mut self, inputs: &[PolicyInput<'_>]) -> Result<Vec<ActionChunk>, ControlError> {
        self.decisions += 1;
        let side = if self.decisions.is_multiple_of(2) {
            0.1
        } else {
            -0.1
        };
        let mut action = self.home;
        action.pose.translation.vector.y += side;
        let actions = [action.to_vector(); 12];
        inputs
            .iter()
            .map(|input| {
                let space = ActionSpace::CartesianPose;
                Ok(ActionChunk::new(space, input.stamp(), actions)?)
            })
            .collect()
    }

    fn observation_history(&self) -> usize {
        1
    }

    fn n_action_steps(&self) -> usize {
        8
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let endpoint = arguments.next();
    let endpoint = endpoint.as_deref().unwrap_or("tcp/127.0.0.1:7447");
    let seconds: f64 = arguments.next().as_deref().unwrap_or("60").parse()?;
    let robot = RobotDescription::embedded("franka_fr3")?;
    let kinematics = Kinematics::new(&robot)?;
    let (config, mode) = (SimConfig::default(), ClockMode::RealTime);
    let node = SimNode::start(config, TaskKind::default(), &robot, mode, Some(endpoint))?;
    let link = RobotLink::connect(node.endpoint(), &robot.name, Duration::from_secs(5))?;
    let inbox = link.takeover(OperatorAccess::Shared)?;
    let mut control = ControlLoop::new(Box::new(link), GuardConfig::default())?;
    control.listen_to(inbox.clone());
    let folder = tempfile::tempdir()?;
    let cameras = robot.cameras.iter().map(|c| CameraInfo {
        name: c.name.clone(),
        width: c.width,
        height: c.height,
    });
    let plan = EpisodePlan {
        path: folder.path().join("episode.mcap"),
        meta: EpisodeMeta::new(
            "from side to side",
            &robot.name,
            Source::Policy,
            cameras.collect(),
            "cartesian_pose_and_opening",
            robot.action_dim(),
            robot.policy_hz,
        ),
        seed: Seed(1),
    };
    let mut agent = SideToSide {
        home: CartesianAction {
            pose: kinematics.tool_pose(&robot.home),
            gripper_width: 0.04,
        },
        decisions: 0,
    };
    let watch = |_: usize, tick: &Tick| {
        let state = &tick.observation.state;
        let at = kinematics.tool_pose(&state.positions).translation.vector;
        println!(
            "{:4} {:?} at {:.3} {:.3} {:.3}, open {:.3}; wanted {:.3?}; kept {}; {:?}",
            tick.index,
            tick.decided_by,
            at.x,
            at.y,
            at.z,
            state.gripper_width,
            tick.action,
            tick.unexecuted.len(),
            tick.guard_interventions
        );
    };
    let mut robots = [control];
    let ticks = (seconds * robot.policy_hz) as u64;
    let chunking = ChunkingConfig::default();
    record_episodes(
        &mut robots,
        &mut agent,
        &[plan],
        ticks,
        chunking,
        &watch,
        |_| true,
    )?;
    println!(
        "{} takeovers; {:?}",
        inbox.counts().0,
        robots.first().map(ControlLoop::totals)
    );
    Ok(())
}
