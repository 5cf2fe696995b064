//! Demonstrations: scripted experts do the task in each of its styles, in equal parts or in the shares that
//! are set.

use crate::config::Config;
use crate::context::Context;
use crate::layout::{DEMONSTRATIONS as FOLDER, unfinished_outcomes_file};
use crate::outcomes::Outcomes;
use crate::recording::{Recording, record};
use crate::robots::{Robots, connect, describe};
use crate::stage::{Output, Stage};
use crate::summary::recorded;
use crate::takes::Takes;
use crate::work::Work;
use anyhow::{Context as _, Result, bail};
use apprentice_control::{Agent, ControlError, TeleopAgent};
use apprentice_core::{ActionChunk, ActionSpace, PolicyInput, Seed};
use apprentice_episode::Source;
use apprentice_link::RobotLink;
use apprentice_robot::{Kinematics, RobotDescription};
use apprentice_sim::{Expert, GroundTruth, TaskKind};

/// The stage.
pub static STAGE: Stage = Stage {
    name: "demonstrate",
    about: "record demonstrations by the scripted expert, or by a person at a robot's controls",
    command: "record demonstrations",
    reads: &[
        "run",
        "robot.description",
        "robot.image_size",
        "sim",
        "task",
        "guard",
        "demonstrations",
    ],
    amount: Some("demonstrations.episodes"),
    needs: &[],
    writes: &[Output::Episodes {
        folder: FOLDER,
        may_be_added_to: true,
    }],
    drives_robot: true,
    computes: false,
    work,
    run,
    summary: |context| recorded(context, FOLDER),
};

fn work(config: &Config) -> Vec<Work> {
    vec![Work::ExpertEpisodes(config.demonstrations.amount())]
}

/// Runs the stage.
///
/// # Errors
/// When recording fails.
fn run(context: &Context) -> Result<()> {
    let whole = Outcomes::of(&context.dir, FOLDER).ok();
    let begun: Option<Outcomes> = context.dir.read(&unfinished_outcomes_file(FOLDER)).ok();
    let by_people = |list: &&Outcomes| Takes::any_kept(&context.dir, list);
    if let Some(list) = [&whole, &begun].into_iter().flatten().find(by_people) {
        bail!(
            "{} demonstrations of {} were recorded by a person, and nothing scripted replaces them; go on with \
             `apprentice record demonstrations --by keyboard` (or gamepad, spacemouse, leader, network), or use \
             another --out",
            list.episodes.len(),
            context.dir.root().display()
        );
    }
    if context.config.robot.endpoint.is_empty() {
        check_expert(&describe(context)?)?;
    }
    let mut robots = Robots::start(context)?;
    if let Some(controls) = connect(context)? {
        return by_hand(context, &mut robots, controls);
    }
    let config = &context.config.demonstrations;
    let styles = context.config.task.styles().len() as u64;
    let mut agent = ExpertAgent::new(context, &robots)?;
    let seeds = (0u64..)
        .zip(config.styles(styles as usize))
        .map(|(i, style)| styled(context.seed.derive("demonstration", i), style, styles))
        .collect();
    let recording = Recording {
        folder: FOLDER,
        what: "demonstrate",
        source: Source::Expert,
        policy: None,
        seeds,
        ticks: config.ticks,
    };
    record(context, &mut robots, &mut agent, &recording)?;
    Ok(())
}

/// Refuses a robot that the scripted expert cannot drive, before anything moves.
///
/// # Errors
/// When its actions are not Cartesian, and what to do instead.
pub fn check_expert(robot: &RobotDescription) -> Result<()> {
    if robot.is_cartesian() {
        return Ok(());
    }
    bail!(
        "the scripted expert says where the tool goes, and robot {name} is told where its joints go (control = \"joint\"); \
         allowed in simulation: robots with control = \"cartesian\" (`apprentice robot list` names them). Or show the task \
         yourself: apprentice record demonstrations --by keyboard --set robot.description={name}; or drive the arm itself: \
         --set robot.endpoint=ENDPOINT",
        name = robot.name
    );
}

/// A person shows the task at the controls of a robot that is not simulated here.
fn by_hand(context: &Context, robots: &mut Robots, controls: RobotLink) -> Result<()> {
    let config = &context.config.demonstrations;
    let recording = Recording {
        folder: FOLDER,
        what: "demonstrate",
        source: Source::Teleop,
        policy: None,
        seeds: (0..config.episodes as u64)
            .map(|i| context.seed.derive("demonstration", i))
            .collect(),
        ticks: config.ticks,
    };
    record(
        context,
        robots,
        &mut TeleopAgent::new(vec![controls]),
        &recording,
    )?;
    Ok(())
}

/// The seed near `seed` whose remainder by the number of styles is `style`; no scene is shown
/// twice.
fn styled(seed: Seed, style: u64, styles: u64) -> Seed {
    let (base, style) = (seed.0 - seed.0 % styles.max(1), style % styles.max(1));
    // At the very end of the numbers there may be none left above.
    Seed(base.checked_add(style).unwrap_or(style))
}

/// The scripted expert as an agent. It alone knows the simulator's state.
pub struct ExpertAgent {
    truths: Vec<GroundTruth>,
    experts: Vec<Box<dyn Expert>>,
    kinematics: Kinematics,
    task: TaskKind,
}

impl ExpertAgent {
    /// The expert for these simulated robots.
    ///
    /// # Errors
    /// When the robot's kinematics cannot be used, or there is no robot.
    pub fn new(context: &Context, robots: &Robots) -> Result<Self> {
        let first = robots.loops.first().context("there is no robot")?;
        Ok(Self {
            truths: robots
                .nodes
                .iter()
                .map(apprentice_sim::SimNode::ground_truth)
                .collect(),
            experts: Vec::new(),
            kinematics: Kinematics::new(first.description())?,
            task: context.config.task.clone(),
        })
    }
}

impl Agent for ExpertAgent {
    fn plan(&mut self, inputs: &[PolicyInput<'_>]) -> Result<Vec<ActionChunk>, ControlError> {
        let states: Vec<_> = inputs
            .iter()
            .filter_map(PolicyInput::newest)
            .map(|o| &o.observation.state)
            .collect();
        if inputs.iter().any(|i| i.tick == 0) {
            self.experts = inputs
                .iter()
                .zip(&states)
                .map(|(input, state)| {
                    let style = input.seed.0 % self.task.styles().len().max(1) as u64;
                    let home = self.kinematics.tool_pose(&state.positions);
                    let scene = self.truths[input.robot].scene();
                    self.task.expert(style as usize, &scene, &home, input.seed)
                })
                .collect();
        }
        self.experts
            .iter_mut()
            .zip(states)
            .zip(inputs)
            .map(|((expert, state), input)| {
                let step = expert.act(
                    &self.kinematics.tool_pose(&state.positions),
                    state.gripper_width,
                    &self.truths[input.robot].scene(),
                );
                let executed = [step.executed.to_vector()];
                let chunk = ActionChunk::new(ActionSpace::CartesianPose, input.stamp(), executed)?;
                Ok(chunk.recording([step.label.to_vector()])?)
            })
            .collect()
    }

    fn observation_history(&self) -> usize {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_says_the_style() {
        for styles in [1, 2, 3, 7] {
            for (seed, index) in [(0, 0), (12_345, 1), (u64::MAX, 5), (u64::MAX - 1, 2)] {
                let styled = styled(Seed(seed), index, styles);
                assert_eq!(styled.0 % styles, index % styles, "{seed} {index} {styles}");
            }
        }
        // With two styles it is the last bit, as in runs from before there were several tasks.
        assert_eq!(styled(Seed(u64::MAX), 4, 2), Seed(u64::MAX - 1));
    }
}
