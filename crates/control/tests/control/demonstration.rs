//! The simulator's own expert: what the guard changes of it, and what happens when the simulator dies.

use crate::{Ditherer, episode, fr3};
use apprentice_control::{Agent, ChunkingConfig, ControlError, ControlLoop, record_episodes};
use apprentice_core::Seed;
use apprentice_core::{ActionChunk, ActionSpace, PolicyInput};
use apprentice_link::{LinkError, RobotLink};
use apprentice_robot::{Kinematics, RobotDescription};
use apprentice_safety::{GuardConfig, Intervention};
use apprentice_sim::{ClockMode, Expert, GroundTruth, SimConfig, SimNode, TaskKind};
use std::sync::Mutex;
use std::time::{Duration, Instant};

fn simulated(mode: ClockMode) -> (RobotDescription, SimNode, ControlLoop) {
    let robot = fr3();
    let node = SimNode::start(
        SimConfig::default(),
        TaskKind::default(),
        &robot,
        mode,
        None,
    )
    .unwrap();
    let link = RobotLink::connect(node.endpoint(), &robot.name, Duration::from_secs(10)).unwrap();
    let control = ControlLoop::new(Box::new(link), GuardConfig::default()).unwrap();
    (robot, node, control)
}

/// The scripted expert on one robot.
struct Demonstrator {
    truth: GroundTruth,
    kinematics: Kinematics,
    expert: Option<Box<dyn Expert>>,
}

impl Agent for Demonstrator {
    fn plan(&mut self, inputs: &[PolicyInput<'_>]) -> Result<Vec<ActionChunk>, ControlError> {
        let input = &inputs[0];
        let state = &input.newest().unwrap().observation.state;
        let tool = self.kinematics.tool_pose(&state.positions);
        if input.tick == 0 {
            let (task, scene) = (TaskKind::default(), self.truth.scene());
            let style = (input.seed.0 % 2) as usize;
            self.expert = Some(task.expert(style, &scene, &tool, input.seed));
        }
        let step =
            self.expert
                .as_mut()
                .unwrap()
                .act(&tool, state.gripper_width, &self.truth.scene());
        let executed = [step.executed.to_vector()];
        let chunk = ActionChunk::new(ActionSpace::CartesianPose, input.stamp(), executed)?;
        Ok(vec![chunk.recording([step.label.to_vector()])?])
    }

    fn observation_history(&self) -> usize {
        1
    }
}

/// Ten targets a second, fifty commands: most of what the guard changes is the step between targets.
#[test]
fn a_demonstration_is_only_slowed_by_the_guard() {
    let folder = tempfile::tempdir().unwrap();
    let (robot, node, control) = simulated(ClockMode::Lockstep);
    let mut agent = Demonstrator {
        truth: node.ground_truth(),
        kinematics: Kinematics::new(&robot).unwrap(),
        expert: None,
    };
    let plans: Vec<_> = (0..6)
        .map(|i| {
            let seed = (Seed(3).derive("demonstration", i).0 & !1) | (i & 1);
            episode(&robot, folder.path(), &format!("{i}"), seed)
        })
        .collect();
    let mut robots = [control];
    let mut picked = 0;
    record_episodes(
        &mut robots,
        &mut agent,
        &plans,
        60,
        ChunkingConfig::default(),
        &|_, _| {},
        |_| {
            picked += u32::from(node.ground_truth().outcome().success == Some(true));
            true
        },
    )
    .unwrap();
    let totals = robots[0].totals();
    println!("{picked} of 6 picked up; {totals:?}");
    totals
        .reasons
        .named()
        .for_each(|(name, count)| println!("{name}: {count}"));
    assert!(picked >= 4);
    assert_eq!((totals.commands, totals.violations), (6 * 60 * 5, 0));
    for reason in [
        Intervention::Stale,
        Intervention::NotFinite,
        Intervention::NotAPose,
        Intervention::State,
    ] {
        assert_eq!(totals.reasons.of(reason), 0, "{reason:?}");
    }
    assert!(totals.shaped * 10 > totals.interventions * 9, "{totals:?}");
}

#[test]
fn a_simulator_that_dies_ends_the_episode_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (robot, node, control) = simulated(ClockMode::RealTime);
    let plans = [episode(&robot, folder.path(), "cut-short", 1)];
    let mut agent = Ditherer {
        robot,
        thinks: Duration::ZERO,
        thought: Vec::new(),
    };
    let (node, died) = (Mutex::new(Some(node)), Mutex::new(None));
    let kill = |_: usize, tick: &apprentice_episode::Tick| {
        if tick.index == 4 {
            *node.lock().unwrap() = None;
            *died.lock().unwrap() = Some(Instant::now());
        }
    };
    let mut finished = 0;
    let ran = record_episodes(
        &mut [control],
        &mut agent,
        &plans,
        100,
        ChunkingConfig::default(),
        &kill,
        |_| {
            finished += 1;
            true
        },
    );
    let since = died.lock().unwrap().unwrap().elapsed();
    let error = ran.unwrap_err();
    // Usually silence; where the connection is seen to close first, that.
    assert!(
        matches!(error, ControlError::Link(LinkError::Stale { .. })),
        "{error}"
    );
    assert!(since < Duration::from_secs(3), "noticed after {since:?}");
    assert_eq!(finished, 0);
}
