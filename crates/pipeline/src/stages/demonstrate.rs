//! Demonstrations: a scripted expert takes the mug both ways, in equal parts.

use crate::context::Context;
use crate::stages::cells::{Cells, connect};
use crate::stages::scenes::{Recording, record};
use anyhow::Result;
use apprentice_core::Seed;
use apprentice_episode::Source;
use apprentice_link::RobotLink;
use apprentice_robot::Kinematics;
use apprentice_runtime::{Agent, ControlError, Decision, TeleopAgent, View};
use apprentice_sim::{Expert, ExpertConfig, Judge, Style};

/// Where demonstrations are recorded.
pub const FOLDER: &str = "demonstrations";

/// Runs the stage.
///
/// # Errors
/// When recording fails.
pub fn run(context: &Context) -> Result<()> {
    let mut cells = Cells::start(context)?;
    if let Some(controls) = connect(context)? {
        return by_hand(context, &mut cells, controls);
    }
    let config = &context.config.demonstrations;
    let kinematics = Kinematics::new(cells.loops[0].description())?;
    let mut agent = ExpertAgent {
        judges: cells
            .nodes
            .iter()
            .map(apprentice_sim::SimNode::judge)
            .collect(),
        experts: Vec::new(),
        kinematics,
        config: context.config.expert.clone(),
    };
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
    record(context, &mut cells, &mut agent, &recording)?;
    Ok(())
}

/// A person shows the task at the controls of a robot that is not simulated here.
fn by_hand(context: &Context, cells: &mut Cells, controls: RobotLink) -> Result<()> {
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
        cells,
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
struct ExpertAgent {
    judges: Vec<Judge>,
    experts: Vec<Expert>,
    kinematics: Kinematics,
    config: ExpertConfig,
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
