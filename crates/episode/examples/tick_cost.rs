//! What recording costs: milliseconds and bytes a tick, two cameras of 96x96 pixels.
//!
//! `cargo run --release -p apprentice-episode --example tick_cost [DIR_OF_EPISODES]`: with a
//! directory the pictures are its first episode's, resized; without, shaded surfaces are drawn.

use apprentice_core::{CameraFrame, Image, Observation, RobotState};
use apprentice_episode::{CameraInfo, Catalog, Episode, EpisodeMeta, EpisodeWriter, Source, Tick};
use std::{error::Error, fs, time::Instant};

const SIDE: u32 = 96;
const TICKS: u64 = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let mut pictures = Vec::new();
    if let Some(dir) = std::env::args().nth(1) {
        let catalog = Catalog::open(dir)?;
        let first = catalog.entries().first().ok_or("no episodes there")?;
        for tick in catalog.load(&first.id)?.ticks {
            let frames = tick.observation.frames;
            pictures.extend(frames.iter().map(|f| f.image.resized(SIDE, SIDE)));
        }
    } else {
        pictures.extend((0..20).map(shaded).collect::<Result<Vec<_>, _>>()?);
    }
    let info = |name: &str| CameraInfo {
        name: name.into(),
        width: SIDE,
        height: SIDE,
    };
    let meta = EpisodeMeta::new(
        "measure",
        "none",
        Source::Expert,
        vec![info("front"), info("wrist")],
        "cartesian_pose_gripper",
        10,
        10.0,
    );
    let path = std::env::temp_dir().join(format!("tick_cost-{}.mcap", std::process::id()));
    let mut writer = EpisodeWriter::create(&path, &meta)?;
    let mut times = Vec::new();
    for index in 0..TICKS {
        let frames = (0..2)
            .map(|camera| CameraFrame {
                sequence: index,
                stamp_ns: index,
                image: pictures[(index as usize * 2 + camera) % pictures.len()].clone(),
            })
            .collect();
        let tick = Tick {
            index,
            stamp_ns: index * 100_000_000,
            observation: Observation {
                state: RobotState {
                    sequence: index,
                    stamp_ns: index,
                    positions: vec![0.1; 7],
                    velocities: vec![0.0; 7],
                    gripper_width: 0.08,
                    efforts: None,
                    external_wrench: None,
                },
                frames,
            },
            proprioception: vec![0.0; 18],
            action: vec![0.0; 10],
            guard_refusals: Vec::new(),
            decided_by: apprentice_episode::DecidedBy::Agent,
            unexecuted: Vec::new(),
        };
        let start = Instant::now();
        writer.tick(&tick)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let start = Instant::now();
    let entry = writer.finish()?;
    let finish = start.elapsed().as_secs_f64() * 1e3;
    let start = Instant::now();
    let ticks = Episode::open(&path)?.ticks.len();
    let open = start.elapsed().as_secs_f64() * 1e3;
    fs::remove_file(&path)?;
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[(share * (times.len() - 1) as f64) as usize];
    println!(
        "write: median {:.3} ms a tick, 99th percentile {:.3} ms",
        at(0.5),
        at(0.99)
    );
    println!("size: {} bytes a tick", entry.bytes / TICKS);
    println!(
        "finish: {finish:.1} ms; open: {:.3} ms a tick",
        open / ticks as f64
    );
    Ok(())
}

/// A few shaded surfaces with hard edges, as a software renderer draws.
fn shaded(shift: u32) -> Result<Image, Box<dyn Error>> {
    let mut rgb = Vec::new();
    for y in 0..SIDE {
        for x in 0..SIDE {
            let (dx, dy) = ((x + shift) as f32 - 48.0, y as f32 - 48.0);
            let inside = dx * dx + dy * dy < 900.0;
            let light = if inside {
                255.0 - dx * 2.0 - dy
            } else {
                90.0 + y as f32 * 0.5
            };
            rgb.extend([light, light * 0.8, light * 0.6].map(|v| v.clamp(0.0, 255.0) as u8));
        }
    }
    Ok(Image::new(SIDE, SIDE, rgb)?)
}
