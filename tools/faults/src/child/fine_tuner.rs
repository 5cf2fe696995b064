//! Aligns a policy of the default size, as the product does, until killed.

use anyhow::{Result, bail};
use apprentice_align::{AlignConfig, align_policy};
use apprentice_core::{CameraFrame, Image, Observation, RobotState, Seed};
use apprentice_episode::{CameraInfo, DecidedBy, Episode, EpisodeId, EpisodeMeta, Source, Tick};
use apprentice_nn::{DeviceChoice, open_device};
use apprentice_policy::{DiffusionPolicy, PolicyConfig, PolicyNetwork, Windows};

/// Numbers of proprioception and of an action.
const NUMBERS: [usize; 2] = [20, 10];
const CAMERAS: [&str; 2] = ["front", "wrist"];
/// Height and width of a picture, pixels.
const EDGE: u32 = 64;

/// Says `step N` after each optimiser step, on all processors.
pub fn run() -> Result<()> {
    let mut rng = Seed(1).rng();
    let episodes: Vec<Episode> = (0..8).map(|_| episode(&mut rng)).collect::<Result<_>>()?;
    let config = PolicyConfig::default();
    let device = open_device(DeviceChoice::Flex)?;
    let windows = Windows::new(episodes.iter().map(|e| ("random", e)), &config)?;
    let network = PolicyNetwork::new(
        &config,
        CAMERAS.len(),
        NUMBERS[0],
        NUMBERS[1],
        &mut rng,
        &device,
    )?;
    let (seen, done) = windows.fit_normalizers();
    let policy = DiffusionPolicy::new(network, config, seen, done, CAMERAS.len(), &device)?;
    let rewards: Vec<f64> = (0..episodes.len()).map(|i| i as f64).collect();
    let align = AlignConfig {
        steps: usize::MAX,
        drift_budget: f64::INFINITY,
        ..AlignConfig::default()
    };
    align_policy(&policy, &windows, &rewards, &align, Seed(2), |progress| {
        println!("step {}", progress.step);
        true
    })?;
    bail!("the alignment ended by itself")
}

/// Sixty ticks of noise.
fn episode(rng: &mut impl rand::Rng) -> Result<Episode> {
    let cameras = CAMERAS.map(|name| CameraInfo {
        name: name.into(),
        width: EDGE,
        height: EDGE,
    });
    let source = Source::Policy;
    let meta = EpisodeMeta::new("noise", "none", source, cameras.into(), "numbers", 10, 10.0);
    let mut ticks = Vec::new();
    for index in 0..60 {
        let mut frame = || -> Result<CameraFrame> {
            let pixels = (0..EDGE * EDGE * 3).map(|_| rng.random()).collect();
            Ok(CameraFrame {
                sequence: index,
                stamp_ns: index,
                image: Image::new(EDGE, EDGE, pixels)?,
            })
        };
        let frames = vec![frame()?, frame()?];
        let mut numbers = |count: usize| (0..count).map(|_| rng.random()).collect();
        ticks.push(Tick {
            index,
            stamp_ns: index,
            observation: Observation {
                state: RobotState {
                    sequence: index,
                    stamp_ns: index,
                    positions: Vec::new(),
                    velocities: Vec::new(),
                    gripper_width: 0.0,
                    efforts: None,
                    external_wrench: None,
                },
                frames,
            },
            proprioception: numbers(NUMBERS[0]),
            action: numbers(NUMBERS[1]),
            guard_refusals: Vec::new(),
            decided_by: DecidedBy::Agent,
            unexecuted: Vec::new(),
        });
    }
    Ok(Episode {
        id: EpisodeId::from("noise"),
        meta,
        ticks,
        complete: true,
    })
}
