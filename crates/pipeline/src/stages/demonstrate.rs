//! Demonstrations: a scripted expert takes the mug both ways, in equal parts.

use crate::config::Config;
use crate::context::Context;
use crate::layout::DEMONSTRATIONS as FOLDER;
use crate::recording::{Recording, record};
use crate::robots::{Robots, connect};
use crate::stage::{Output, Stage};
use crate::summary::recorded;
use crate::work::Work;
use anyhow::{Context as _, Result};
use apprentice_control::{Agent, ControlError, Decision, TeleopAgent, View};
use apprentice_core::Seed;
use apprentice_episode::Source;
use apprentice_link::RobotLink;
use apprentice_robot::Kinematics;
use apprentice_sim::{Expert, ExpertConfig, Judge, Style};

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
        "guard",
        "expert",
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
    let mut robots = Robots::start(context)?;
    if let Some(controls) = connect(context)? {
        return by_hand(context, &mut robots, controls);
    }
    let config = &context.config.demonstrations;
    let mut agent = ExpertAgent::new(context, &robots)?;
    let seeds = (0..config.episodes as u64)
        .map(|i| styled(context.seed.derive("demonstration", i), i))
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

/// The seed's last bit says in which style its episode is shown; no scene is shown twice.
fn styled(seed: Seed, index: u64) -> Seed {
    Seed((seed.0 & !1) | (index & 1))
}

/// The scripted expert as an agent. It alone knows the simulator's state.
pub struct ExpertAgent {
    judges: Vec<Judge>,
    experts: Vec<Expert>,
    kinematics: Kinematics,
    config: ExpertConfig,
}

impl ExpertAgent {
    /// The expert for these simulated robots.
    ///
    /// # Errors
    /// When the robot's kinematics cannot be used, or there is no robot.
    pub fn new(context: &Context, robots: &Robots) -> Result<Self> {
        let first = robots.loops.first().context("there is no robot")?;
        Ok(Self {
            judges: robots
                .nodes
                .iter()
                .map(apprentice_sim::SimNode::judge)
                .collect(),
            experts: Vec::new(),
            kinematics: Kinematics::new(first.description())?,
            config: context.config.expert.clone(),
        })
    }
}

impl Agent for ExpertAgent {
    fn plan(&mut self, views: &[View<'_>]) -> Result<Vec<Vec<Decision>>, ControlError> {
        let states: Vec<_> = views
            .iter()
            .filter_map(|v| v.observations.last())
            .map(|o| &o.state)
            .collect();
        if views.iter().any(|v| v.tick == 0) {
            self.experts = views
                .iter()
                .zip(&states)
                .map(|(view, state)| {
                    let style = if view.seed.0 & 1 == 0 {
                        Style::Handle
                    } else {
                        Style::Rim
                    };
                    let home = self.kinematics.tool_pose(&state.positions);
                    let scene = self.judges[view.robot].scene();
                    Expert::new(style, &scene, &home, self.config.clone(), view.seed)
                })
                .collect();
        }
        Ok(self
            .experts
            .iter_mut()
            .zip(states)
            .map(|(expert, state)| {
                let step = expert.act(
                    &self.kinematics.tool_pose(&state.positions),
                    state.gripper_width,
                );
                vec![Decision {
                    execute: step.executed.to_vector().to_vec(),
                    record: step.label.to_vector().to_vec(),
                }]
            })
            .collect())
    }

    fn history(&self) -> usize {
        1
    }
}
