//! `apprentice sim`: the simulated robot, for anyone on the link.

use crate::cli::SimArgs;
use crate::config::Config;
use anyhow::Result;
use apprentice_robot::RobotDescription;
use apprentice_sim::{ClockMode, SimNode};
use std::sync::mpsc::sync_channel;

/// Runs the command.
///
/// # Errors
/// When the address cannot be used.
pub fn run(args: &SimArgs) -> Result<()> {
    let config = Config::load(args.config.as_deref(), &args.set)?;
    let mut description = RobotDescription::embedded(&config.robot.description)?;
    for camera in &mut description.cameras {
        (camera.width, camera.height) = (config.robot.image_size, config.robot.image_size);
    }
    let mode = if args.lockstep {
        ClockMode::Lockstep
    } else {
        ClockMode::RealTime
    };
    let (ended, end) = sync_channel(1);
    ctrlc::set_handler(move || {
        let _ = ended.try_send(());
    })?;
    let node = SimNode::start(config.sim, &description, mode, Some(&args.listen))?;
    println!(
        "simulated {} on {} ({mode:?}); Ctrl-C ends it",
        description.name,
        node.endpoint()
    );
    end.recv()?;
    Ok(())
}
