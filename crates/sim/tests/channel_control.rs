//! Tasks that are there to tell encoders apart: their experts succeed, no one number that the robot records tells what
//! is preferred, and nothing flies.
#![allow(clippy::unwrap_used)]

use apprentice_core::Seed;
use apprentice_robot::RobotDescription;
use apprentice_sim::{
    SimConfig, Simulation, TaskKind,
    channel_control::{HIGHEST_ACCURACY, scores, trials},
    trial::demonstrate,
};

const TICKS: u64 = 85;

/// The best of some 150 numbers on few episodes may be luck: the cup's was 0.77 with 200, and 0.64 to 0.69 with 300, 400
/// and 600, all of one seed.
fn tells_apart(name: &str, robot: &str, episodes: u64) {
    let task = TaskKind::named(name).unwrap();
    let robot = RobotDescription::embedded(robot).unwrap();
    let trials = trials(&task, &robot, Seed(0), episodes, TICKS).unwrap();
    let styles = task.styles().len();
    let good = trials
        .iter()
        .enumerate()
        .filter(|(index, t)| task.style_of(&t.outcome) == Some(index % styles))
        .count() as u64;
    assert!(100 * good >= 95 * episodes, "{name}: {good} of {episodes}");
    let scores = scores(&trials, |t| task.utility(&t.outcome));
    let best = &scores[0];
    println!("{name} {}: {good} of {episodes}, {best:?}", robot.name);
    assert!(best.accuracy <= HIGHEST_ACCURACY, "{name}: {best:?}");
    // What is not told by chance alone is told by something: a control that cannot see would pass as well.
    assert!(best.accuracy > 0.5, "{name}: {best:?}");
}

#[test]
fn no_channel_tells_how_the_group_was_pushed() {
    tells_apart("push_group", "franka_fr3", 200);
}

#[test]
fn nor_on_a_second_arm_of_another_shape() {
    tells_apart("push_group", "xarm6", 200);
}

#[test]
fn no_channel_tells_how_the_cup_was_carried() {
    tells_apart("carry_cup", "franka_fr3", 400);
}

#[test]
fn no_channel_tells_whether_the_grasp_fits() {
    tells_apart("grasp_in_context", "franka_fr3", 200);
}

#[test]
fn of_the_mug_alone_one_channel_tells() {
    let task = TaskKind::named("pick_up_mug").unwrap();
    let robot = RobotDescription::embedded("franka_fr3").unwrap();
    let trials = trials(&task, &robot, Seed(0), 20, 60).unwrap();
    let scores = scores(&trials, |t| task.utility(&t.outcome));
    assert!(scores[0].accuracy > HIGHEST_ACCURACY, "{:?}", scores[0]);
}

#[test]
fn nothing_flies() {
    let robot = RobotDescription::embedded("franka_fr3").unwrap();
    for task in TaskKind::all() {
        let mut simulation = Simulation::new(SimConfig::default(), task.clone(), &robot).unwrap();
        for seed in 0..4 {
            demonstrate(&mut simulation, &robot, (seed % 2) as usize, Seed(seed), 85).unwrap();
            for body in &simulation.scene().bodies {
                let way = body.pose.translation.vector - body.start.translation.vector;
                assert!(
                    way.norm() < 0.45 && body.pose.translation.z > -0.001,
                    "{} {}: {way}",
                    task.name(),
                    body.name
                );
            }
        }
    }
}
