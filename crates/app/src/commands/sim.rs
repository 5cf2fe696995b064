//! `apprentice sim`: the simulated robot, for anyone on the link.

use crate::cli::SimArgs;
use anyhow::Result;
use apprentice_link::RobotServer;
use apprentice_link::session::Connection;
use apprentice_pipeline::config::Config;
use apprentice_pipeline::context::start_for;
use apprentice_pipeline::robots::describe_in;
use apprentice_sim::{ClockMode, SimNode};
use std::sync::mpsc::sync_channel;

/// Runs the command.
///
/// # Errors
/// When the address cannot be used.
pub fn run(args: &SimArgs) -> Result<()> {
    let config = Config::load(args.config.as_deref(), &args.set)?;
    let security = config.robot.security()?;
    start_for(&security)?;
    let description = describe_in(&config)?;
    let mode = if args.lockstep {
        ClockMode::Lockstep
    } else {
        ClockMode::RealTime
    };
    let (ended, end) = sync_channel(1);
    ctrlc::set_handler(move || {
        let _ = ended.try_send(());
    })?;
    let place = if args.join {
        Connection::Join
    } else {
        Connection::Listen
    };
    let lockstep = mode == ClockMode::Lockstep;
    let mut server = RobotServer::serve(&description, (place, &args.listen), &security, lockstep)?;
    if args.verdict {
        server.answer_verdicts()?;
    }
    let node = SimNode::serve(config.sim, config.task, &description, mode, server)?;
    println!(
        "simulated {} on {} ({mode:?}); Ctrl-C ends it",
        description.name,
        node.endpoint()
    );
    end.recv()?;
    Ok(())
}
