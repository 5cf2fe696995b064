//! R29: pictures and states that are none, among good ones and alone.

use crate::intruder::{Intruder, RepeatedSender};
use crate::link_robot::LinkRobot;
use crate::memory_robot::noise;
use crate::stub_agent::{Swaying, fr3};
use crate::{Rows, Scale, episodes};
use anyhow::{Context as _, Result, ensure};
use apprentice_control::{ChunkingConfig, ControlError, record_episodes};
use apprentice_core::CameraFrame;
use apprentice_link::{LinkError, wire};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::{scope, sleep};
use std::time::Duration;

/// What is published, and what the robot stops publishing beside it.
#[derive(Clone, Copy, PartialEq)]
enum Bad {
    Pictures,
    States,
}

/// Each now and then in an episode of 3 s (20 s in full), then alone.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    let ticks = scale.pick(28, 200);
    let kinds = [Bad::Pictures, Bad::States];
    let came = scope(|scope| {
        let threads = kinds.map(|bad| scope.spawn(move || among_and_alone(bad, ticks)));
        threads.map(|t| t.join().ok().context("a panic").and_then(|came| came))
    });
    for (bad, came) in kinds.into_iter().zip(came) {
        let (what, key) = match bad {
            Bad::Pictures => ("pictures of another size, cut, or none at all", "/camera/"),
            Bad::States => ("states that cannot be read", "/state"),
        };
        let ((ended, sent, counted), alone) = came?;
        rows.exactly(
            format!(
                "{sent} {what} now and then: episodes that went on to their end{}",
                ended.as_ref().map(|e| format!(": {e}")).unwrap_or_default()
            ),
            u64::from(ended.is_none()),
            1,
        );
        ensure!(sent >= 20, "only {sent} were sent");
        rows.exactly("and counted by whoever listens", counted, sent);
        let error = alone.context("an episode without any good ones went on")?;
        let text = error.to_string();
        let says = matches!(error, ControlError::Link(LinkError::Rejected { .. }))
            && text.contains(key)
            && text.contains(" unreadable; the last: ");
        rows.exactly(
            format!("none but {what}: episodes ended that say how many and why: {text}"),
            u64::from(says),
            1,
        );
    }
    Ok(())
}

/// What ended an episode, how many bad messages were sent, and how many a link beside it counted.
type Came = (Option<ControlError>, u64, u64);

/// An episode with bad messages among good ones, and what ended one with bad ones alone.
fn among_and_alone(bad: Bad, ticks: u64) -> Result<(Came, Option<ControlError>)> {
    let robot = LinkRobot::start(fr3()?)?;
    let folder = tempfile::tempdir()?;
    let among = episode(&robot, folder.path(), bad, ticks, false)?;
    let (alone, _, _) = episode(&robot, folder.path(), bad, ticks, true)?;
    Ok((among, alone))
}

/// `alone`: after a while nothing else comes.
fn episode(robot: &LinkRobot, folder: &Path, bad: Bad, ticks: u64, alone: bool) -> Result<Came> {
    let beside = robot.link()?;
    let mut robots = [robot.control()?];
    let mut agent = Swaying::new(&robot.description)?;
    let name = format!("{}-{alone}", bad as u8);
    let plan = episodes::plan(&robot.description, folder, &name);
    let every = Duration::from_millis(if alone { 20 } else { 70 });
    let saying = say(robot, bad, every)?;
    let faults = &robot.faults;
    let ended = scope(|scope| {
        let later = scope.spawn(|| {
            sleep(Duration::from_millis(1200));
            faults.silent.store(alone && bad == Bad::States, Relaxed);
            faults.blind.store(alone && bad == Bad::Pictures, Relaxed);
        });
        let ended = record_episodes(
            &mut robots,
            &mut agent,
            &[plan],
            ticks,
            ChunkingConfig::default(),
            &|_, _| {},
            |_| true,
        );
        // A panic of its thread was printed.
        let _ = later.join();
        ended
    });
    faults.silent.store(false, Relaxed);
    faults.blind.store(false, Relaxed);
    let sent = saying.finish();
    // The last ones may be on their way.
    sleep(Duration::from_millis(300));
    let unreadable = beside.rejected();
    let unreadable = unreadable
        .each()
        .find(|(reason, _)| *reason == "unreadable");
    Ok((ended.err(), sent, unreadable.map_or(0, |(_, count)| count)))
}

/// Publishes what is none, of several kinds in turn.
fn say(robot: &LinkRobot, bad: Bad, every: Duration) -> Result<RepeatedSender> {
    let by = Intruder::at(robot.endpoint(), &robot.description.name)?;
    let camera = robot.description.cameras.first().context("no camera")?;
    let (width, height) = (camera.width, camera.height);
    let frame = |width, height| {
        wire::encode_frame(&CameraFrame {
            sequence: 1,
            stamp_ns: 1,
            image: noise(width, height, 9),
        })
    };
    let good = frame(width, height);
    let mut cut = good.clone();
    cut.truncate(good.len() / 2);
    let mut other_version = good.clone();
    other_version
        .iter_mut()
        .skip(4)
        .take(2)
        .for_each(|b| *b = 9);
    let kinds = match bad {
        Bad::Pictures => vec![
            // As many pixels, the other way round.
            frame(height, width),
            frame(width + 1, height),
            cut,
            other_version,
            vec![0xa5; good.len()],
            Vec::new(),
        ],
        Bad::States => vec![Vec::new(), vec![7; 3], vec![0x41; 200], good],
    };
    let key = match bad {
        Bad::Pictures => by.keys.camera(&camera.name),
        Bad::States => by.keys.state(),
    };
    let turn = AtomicU64::new(0);
    by.keep_saying(key, every, move |_, _| {
        let turn = turn.fetch_add(1, Relaxed) as usize;
        kinds
            .get(turn % kinds.len().max(1))
            .cloned()
            .unwrap_or_default()
    })
}
