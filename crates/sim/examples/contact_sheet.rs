//! Gives demonstrations of a task in each of its styles and shows them as film strips.
//!
//! `cargo run --release -p apprentice-sim --example contact_sheet -- DIR [SEEDS] [EPISODES] [ROBOT] [TASK]` writes
//! one PNG a demonstration (front camera above, wrist camera below, every third tick) for the first
//! SEEDS seeds, then prints success over EPISODES seeds a style, and how long things take.

use apprentice_core::{CartesianAction, JointCommand, Seed};
use apprentice_robot::{DifferentialIk, RobotDescription};
use apprentice_sim::{SimConfig, Simulation, TaskKind};
use apprentice_statistics::Proportion;
use std::{error::Error, path::Path, time::Instant};

const CONTROL_TICKS: u32 = 5;

fn act(
    simulation: &mut Simulation,
    ik: &DifferentialIk,
    joints: &mut Vec<f64>,
    action: &CartesianAction,
) -> Result<(), Box<dyn Error>> {
    for _ in 0..CONTROL_TICKS {
        *joints = ik.step(joints, &action.pose, 0.02);
        simulation.apply(&JointCommand {
            sequence: 0,
            stamp_ns: 0,
            positions: joints.clone(),
            gripper_width: action.gripper_width,
        })?;
        simulation.advance(20_000_000);
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("give a folder for the pictures")?;
    let number = |text: Option<String>, default: u64| text.map_or(Ok(default), |t| t.parse());
    let seeds = number(arguments.next(), 2)?;
    let episodes = number(arguments.next(), 0)?;
    let robot = arguments.next();
    let task = arguments.next();
    let task = TaskKind::named(task.as_deref().unwrap_or(TaskKind::NAMES[0]))
        .ok_or_else(|| format!("the tasks are {}", TaskKind::NAMES.join(", ")))?;
    let description = match robot.filter(|name| name != "franka_fr3") {
        Some(folder) => RobotDescription::load(Path::new(&folder))?,
        None => RobotDescription::embedded("franka_fr3")?,
    };
    let ik = DifferentialIk::new(&description)?;
    let mut simulation = Simulation::new(SimConfig::default(), task.clone(), &description)?;
    for (index, style) in task.styles().iter().enumerate() {
        let (mut good, mut ticks, mut physics, mut render, mut renders) = (0, 0u64, 0.0, 0.0, 0u32);
        let mut longest = 0;
        let mut failed = Vec::new();
        for seed in 0..seeds.max(episodes) {
            simulation.reset(Seed(seed));
            let home = simulation.tool_pose();
            let mut expert = task.expert(index, simulation.scene(), &home, Seed(seed));
            let mut joints = simulation.state().positions;
            let mut strip = Vec::new();
            for tick in 0..120u64 {
                if seed < seeds {
                    let start = Instant::now();
                    let pair = [simulation.render(0)?, simulation.render(1)?];
                    render += start.elapsed().as_secs_f64();
                    renders += 2;
                    if tick % 3 == 0 {
                        strip.push(pair);
                    }
                }
                let (tool, width) = (simulation.tool_pose(), simulation.state().gripper_width);
                let step = expert.act(&tool, width, simulation.scene());
                if step.done {
                    ticks += tick;
                    longest = longest.max(tick);
                    break;
                }
                let start = Instant::now();
                act(&mut simulation, &ik, &mut joints, &step.executed)?;
                physics += start.elapsed().as_secs_f64();
            }
            let outcome = simulation.measure();
            if task.style_of(&outcome) == Some(index) {
                good += 1;
            } else {
                failed.push((seed, outcome));
            }
            if seed < seeds {
                save(
                    &strip,
                    &Path::new(&folder).join(format!("{}_{seed}.png", style.name)),
                )?;
            }
        }
        let n = seeds.max(episodes);
        println!(
            "{}: {:?}; mean {:.1} ticks, longest {longest}; {:.1} us a physics step with inverse kinematics; {:.3} ms a frame; {:.1} ms simulation an episode",
            style.name,
            Proportion::new(good, n),
            ticks as f64 / n as f64,
            physics * 1e6 / (ticks as f64 * 40.0),
            render * 1e3 / f64::from(renders.max(1)),
            physics * 1e3 / n as f64,
        );
        for (seed, outcome) in failed {
            println!("  seed {seed}: {outcome:?}");
        }
    }
    Ok(())
}

fn save(strip: &[[apprentice_core::Image; 2]], path: &Path) -> Result<(), Box<dyn Error>> {
    let Some(first) = strip.first() else {
        return Ok(());
    };
    let (w, h) = (first[0].width() as usize, first[0].height() as usize);
    let mut sheet = vec![0u8; strip.len() * w * 2 * h * 3];
    for (column, pair) in strip.iter().enumerate() {
        for (row, image) in pair.iter().enumerate() {
            for (y, line) in image.rgb().chunks(w * 3).enumerate() {
                let at = ((row * h + y) * strip.len() * w + column * w) * 3;
                sheet[at..at + w * 3].copy_from_slice(line);
            }
        }
    }
    let file = std::fs::File::create(path)?;
    let mut encoder = png::Encoder::new(file, (strip.len() * w) as u32, 2 * h as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&sheet)?;
    Ok(())
}
