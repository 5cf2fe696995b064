//! R28: somebody else publishes on the key of the arm's states that it is at zero, or elsewhere.

use crate::intruder::{Intruder, RepeatedSender};
use crate::link_robot::LinkRobot;
use crate::measured::largest_difference;
use crate::stub_agent::{Swaying, fr3};
use crate::{Rows, Scale, episodes};
use anyhow::{Context as _, Result, ensure};
use apprentice_control::{ChunkingConfig, ControlError, record_episodes};
use apprentice_core::RobotState;
use apprentice_episode::Episode;
use apprentice_link::{LinkError, wire};
use apprentice_robot::RobotDescription;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{scope, sleep};
use std::time::Duration;

/// Of 10 policy ticks a second.
const TICKS: u64 = 28;
/// The liar comes so much after the episode began.
const LATER: Duration = Duration::from_millis(700);

/// When somebody lies.
#[derive(Clone, Copy, PartialEq)]
enum Lies {
    FromTheBeginning,
    InBetween,
    /// In between, and the robot falls silent.
    Alone,
}

/// Two lies, each from the beginning, in between, and alone; 5 times in full.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    let mut description = fr3()?;
    description.cameras.truncate(1);
    let fastest = description.joints.iter().map(|j| j.velocity);
    let one_tick = fastest.fold(0.0, f64::max) / description.control_hz;
    // Without the rounding of the division.
    let one_tick = (one_tick * 1e9).round() / 1e9;
    let folder = tempfile::tempdir()?;
    for when in [Lies::FromTheBeginning, Lies::InBetween, Lies::Alone] {
        let (mut farthest, mut recorded, mut ended) = (0.0f64, (0, 0), 0);
        let (mut said, mut sentence) = (0, String::new());
        let (mut went_on, times) = (0, scale.pick(1, 5));
        for told in told(&description, folder.path(), when, times)? {
            farthest = farthest.max(told.farthest);
            recorded.0 += told.false_states;
            recorded.1 += told.states;
            said += told.said;
            match told.ended {
                None => went_on += 1,
                Some(error) => {
                    ended += 1;
                    ensure!(names(&error), "it ended with: {error}");
                    sentence = error.to_string();
                }
            }
        }
        let what = match when {
            Lies::FromTheBeginning => "false states from the beginning",
            Lies::InBetween => "false states in between",
            Lies::Alone => "false states in between, then no others",
        };
        let all = 2 * times as u64;
        rows.at_most(
            format!("{said} {what}: farthest that a command was from where the arm was"),
            farthest,
            one_tick,
            "rad",
        );
        rows.exactly(
            format!(
                "{what}: of {} recorded states, those that are false",
                recorded.1
            ),
            recorded.0,
            0,
        );
        match when {
            Lies::FromTheBeginning => rows.exactly(
                format!("{what}: episodes that went on with the truth, or ended and said why: {sentence}"),
                went_on + ended,
                all,
            ),
            Lies::InBetween => rows.exactly(format!("{what}: episodes that went on to their end"), went_on, all),
            Lies::Alone => rows.exactly(format!("{what}: episodes ended with: {sentence}"), ended, all),
        }
    }
    Ok(())
}

/// Whether an error says what is wrong with the states.
fn names(error: &ControlError) -> bool {
    let text = error.to_string();
    let left_out = matches!(error, ControlError::Link(LinkError::Rejected { .. }));
    left_out && text.contains("/state") && text.contains("see whether")
}

/// Zeros, and a place the arm could be.
fn lies(robot: &RobotDescription) -> [Vec<f64>; 2] {
    let mut elsewhere = robot.home.clone();
    elsewhere.iter_mut().skip(1).take(1).for_each(|q| *q += 1.0);
    [vec![0.0; robot.home.len()], elsewhere]
}

/// Episodes with each lie, so many times: with both at once.
fn told(robot: &RobotDescription, folder: &Path, when: Lies, times: usize) -> Result<Vec<Told>> {
    let mut all = Vec::new();
    for _ in 0..times {
        let both: Vec<Result<Told>> = scope(|scope| {
            let threads: Vec<_> = lies(robot)
                .into_iter()
                .enumerate()
                .map(|(i, lie)| scope.spawn(move || episode(robot, folder, i, &lie, when)))
                .collect();
            let joined = threads
                .into_iter()
                .map(|t| t.join().ok().context("a panic")?);
            joined.collect()
        });
        all.extend(both.into_iter().collect::<Result<Vec<_>>>()?);
    }
    Ok(all)
}

/// What came of an episode that was lied to.
struct Told {
    farthest: f64,
    states: u64,
    false_states: u64,
    said: u64,
    ended: Option<ControlError>,
}

fn episode(
    robot: &RobotDescription,
    folder: &Path,
    number: usize,
    lie: &[f64],
    when: Lies,
) -> Result<Told> {
    let robot = LinkRobot::start(robot.clone())?;
    let mut robots = [robot.control()?];
    let mut agent = Swaying::new(&robot.description)?;
    let plan = episodes::plan(&robot.description, folder, &format!("lied-to-{number}"));
    let path = plan.path.clone();
    // What an episode before it left.
    if path.exists() {
        std::fs::remove_file(&path)?;
    }
    let early = (when == Lies::FromTheBeginning)
        .then(|| liar(&robot, lie))
        .transpose()?;
    if early.is_some() {
        sleep(Duration::from_millis(100));
    }
    let (ended, said) = scope(|scope| {
        let later = scope.spawn(|| -> Result<Option<RepeatedSender>> {
            if when == Lies::FromTheBeginning {
                return Ok(None);
            }
            sleep(LATER);
            let liar = liar(&robot, lie)?;
            sleep(Duration::from_millis(500));
            robot.faults.silent.store(when == Lies::Alone, Relaxed);
            Ok(Some(liar))
        });
        let ended = record_episodes(
            &mut robots,
            &mut agent,
            &[plan],
            TICKS,
            ChunkingConfig::default(),
            &|_, _| {},
            |_| true,
        );
        let later = later.join().ok().context("the liar failed")??;
        let count = |liar: &Option<RepeatedSender>| liar.as_ref().map_or(0, RepeatedSender::count);
        let said = count(&early) + count(&later);
        anyhow::Ok((ended, said))
    })?;
    ensure!(said > 10, "only {said} lies were told");
    let (mut states, mut false_states) = (0, 0);
    if let Ok(kept) = Episode::open(&path) {
        for tick in &kept.ticks {
            let at = &tick.observation.state.positions;
            states += 1;
            // It sways by some centimetres.
            false_states += u64::from(largest_difference(at, &robot.description.home) > 0.5);
        }
    }
    let farthest = robot.log().farthest;
    Ok(Told {
        farthest,
        states,
        false_states,
        said,
        ended: ended.err(),
    })
}

/// Says a hundred times a second that the arm is there, as if it came between this and the next true state.
fn liar(robot: &LinkRobot, lie: &[f64]) -> Result<RepeatedSender> {
    let by = Intruder::at(robot.endpoint(), &robot.description.name)?;
    let (key, positions) = (by.keys.state(), lie.to_vec());
    by.keep_saying(key, Duration::from_millis(10), move |sequence, stamp_ns| {
        wire::encode_state(&RobotState {
            sequence: sequence + 1,
            stamp_ns: stamp_ns + 4_000_000,
            velocities: vec![0.0; positions.len()],
            positions: positions.clone(),
            gripper_width: 0.04,
            efforts: None,
            external_wrench: None,
        })
    })
}
