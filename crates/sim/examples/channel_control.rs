//! Says of each task whether one number the robot records tells what is preferred.
//!
//! `cargo run --release -p apprentice-sim --example channel_control -- [EPISODES] [TICKS] [ROBOT] [TASK]`

use apprentice_core::Seed;
use apprentice_robot::RobotDescription;
use apprentice_sim::{
    TaskKind,
    channel_control::{HIGHEST_ACCURACY, scores, trials},
};
use std::{error::Error, time::Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let episodes = arguments.next().map_or(Ok(200), |text| text.parse())?;
    let ticks = arguments.next().map_or(Ok(80), |text| text.parse())?;
    let robot = arguments.next().unwrap_or_else(|| "franka_fr3".into());
    let robot = RobotDescription::embedded(&robot)?;
    let wanted = arguments.next();
    for task in TaskKind::all() {
        if wanted.as_ref().is_some_and(|name| name != task.name()) {
            continue;
        }
        let start = Instant::now();
        let trials = trials(&task, &robot, Seed(0), episodes, ticks)?;
        let cost = start.elapsed().as_secs_f64() * 1e3 / episodes as f64;
        let good = trials
            .iter()
            .filter(|t| t.outcome.success == Some(true))
            .count();
        let scores = scores(&trials, |t| task.utility(&t.outcome));
        let best = scores
            .first()
            .ok_or("no two episodes differ in what is preferred")?;
        let verdict = if best.accuracy <= HIGHEST_ACCURACY {
            "one number does not tell"
        } else {
            "ONE NUMBER TELLS: not for claims about what is seen"
        };
        println!(
            "{}: {verdict}; best {:.3} ({} of {}); {good} of {episodes} succeed; {cost:.1} ms an episode",
            task.name(),
            best.accuracy,
            best.statistic,
            best.channel
        );
        for score in scores.iter().skip(1).take(7) {
            println!(
                "  {:.3} {} of {}",
                score.accuracy, score.statistic, score.channel
            );
        }
    }
    Ok(())
}
