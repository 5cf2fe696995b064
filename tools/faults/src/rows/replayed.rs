//! R16: an episode is recorded, then its actions are carried out again without its robot.

use crate::stub_agent::{Swaying, fr3};
use crate::{Rows, Scale, episodes};
use anyhow::{Context as _, Result};
use apprentice_control::replay::{LoggedArm, replay};
use apprentice_control::{ChunkingConfig, ControlLoop, record_episodes};
use apprentice_episode::Episode;
use apprentice_link::RobotLink;
use apprentice_safety::GuardConfig;
use apprentice_sim::{ClockMode, SimConfig, SimNode, TaskKind};
use std::collections::BTreeSet;
use std::time::Duration;

/// 20 times, 100 in full.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    let description = fr3()?;
    let node = SimNode::start(
        SimConfig::default(),
        TaskKind::default(),
        &description,
        ClockMode::Lockstep,
        None,
    )?;
    let link = RobotLink::connect(node.endpoint(), &description.name, Duration::from_secs(10))?;
    let (arm, recorded) = LoggedArm::new(Box::new(link));
    let guard = GuardConfig::default();
    let mut robots = [ControlLoop::new(Box::new(arm), guard.clone())?];
    let folder = tempfile::tempdir()?;
    let plan = episodes::plan(&description, folder.path(), "recorded");
    let path = plan.path.clone();
    let mut agent = Swaying::new(&description)?;
    record_episodes(
        &mut robots,
        &mut agent,
        &[plan],
        60,
        ChunkingConfig::default(),
        &|_, _| {},
        |_| true,
    )?;
    let episode = Episode::open(&path)?;
    let times = scale.pick(20, 100);
    let mut hashes = BTreeSet::new();
    let mut commands = 0;
    for _ in 0..times {
        let tape = replay(&description, &guard, &episode)?;
        commands = tape.commands();
        hashes.insert(tape.sha256());
    }
    let first = hashes.first().context("nothing was replayed")?;
    let short: String = first.chars().take(12).collect();
    rows.exactly(
        format!("{times} replays of {commands} commands: different ones (SHA-256 {short}...)"),
        hashes.len() as u64,
        1,
    );
    let same = hashes.len() == 1 && *first == recorded.sha256() && commands == recorded.commands();
    rows.exactly(
        format!(
            "the same {} command bytes as when it was recorded beside the simulator",
            recorded.commands()
        ),
        u64::from(same),
        1,
    );
    Ok(())
}
