//! An episode to test with.

use apprentice_core::{CameraFrame, Image, Observation, RobotState};
use apprentice_episode::{CameraInfo, Episode, EpisodeMeta, Source, Tick};

/// An episode of 56 ticks in which a disc crosses two cameras' pictures at `speed` pixels a tick.
#[must_use]
pub fn sample_episode(speed: f64) -> Episode {
    let cameras = ["front", "wrist"].map(|name| CameraInfo {
        name: name.into(),
        width: 96,
        height: 96,
    });
    let picture = |tick: u64, tint: u8| {
        let centre = 20.0 + speed * tick as f64;
        let rgb = (0..96 * 96u32).flat_map(|i| {
            let (x, y) = (f64::from(i % 96), f64::from(i / 96));
            let inside = (x - centre).hypot(y - 48.0) < 14.0;
            if inside {
                [210, 90, tint]
            } else {
                [(60.0 + y) as u8, 110, (150.0 + x * 0.5) as u8]
            }
        });
        Image::new(96, 96, rgb.collect()).ok()
    };
    let tick = |index: u64| Tick {
        index,
        stamp_ns: index * 100_000_000,
        observation: Observation {
            state: RobotState {
                sequence: index,
                stamp_ns: index * 100_000_000,
                positions: vec![0.0; 7],
                velocities: vec![0.0; 7],
                gripper_width: 0.08,
                efforts: None,
                external_wrench: None,
            },
            frames: [40, 200]
                .into_iter()
                .filter_map(|tint| {
                    Some(CameraFrame {
                        sequence: index,
                        stamp_ns: index * 100_000_000,
                        image: picture(index, tint)?,
                    })
                })
                .collect(),
        },
        proprioception: vec![0.0; 10],
        action: vec![0.0; 10],
        guard_interventions: Vec::new(),
        decided_by: apprentice_episode::DecidedBy::Agent,
        unexecuted: Vec::new(),
    };
    Episode {
        id: "abc".into(),
        meta: EpisodeMeta::new(
            "push the block",
            "franka_fr3",
            Source::Policy,
            cameras.to_vec(),
            "pose",
            10,
            10.0,
        ),
        ticks: (0..56).map(tick).collect(),
        complete: true,
    }
}
