//! Serves made-up episodes, to look at the page without a robot: `cargo run --release -p apprentice-page --example
//! serve_sample -- FOLDER [PORT [TOKEN [EPISODES [TICKS [TIMES]]]]]`, with pictures so many TIMES as large; `list` as the last word has everybody put them into a list. Ends when its input ends.

use apprentice_core::{CameraFrame, Image, Observation, RobotState, Seed};
use apprentice_episode::{CameraInfo, DecidedBy, EpisodeMeta, EpisodeWriter, Source, Tick};
use apprentice_page::{Access, Chooser, Insertion, Material, Page, Parts, Recorded};
use apprentice_preference::{JudgementLog, groups_of_four};
use std::error::Error;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

const SIZE: [u32; 2] = [96, 72];
const SEED: Seed = Seed(7);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |i: usize| arguments.get(i).map(String::as_str);
    let folder = PathBuf::from(argument(0).ok_or("which FOLDER?")?);
    let port = argument(1).unwrap_or("0").parse()?;
    let token = argument(2).filter(|t| !t.is_empty());
    let count: u32 = argument(3).unwrap_or("8").parse()?;
    let ticks = argument(4).unwrap_or("20").parse()?;
    let list = argument(6) == Some("list");
    let times: u32 = argument(5).unwrap_or("1").parse()?;
    std::fs::create_dir_all(&folder)?;
    let episodes = (0..count)
        .map(|i| recorded(&folder, i, ticks, times))
        .collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<_> = episodes.iter().map(|e| e.id.clone()).collect();
    let material = Material {
        title: "Sample episodes".into(),
        episodes,
        groups: if list {
            Vec::new()
        } else {
            groups_of_four(&ids, SEED)
        },
        reason: "random groups".into(),
        asked: Some(folder.join("asked.jsonl")),
        who: String::new(),
        reserved: vec!["simulated operator".into()],
        seed: SEED,
        robot: None,
    };
    let chooser = list.then(|| -> Box<dyn Chooser> { Box::new(Insertion::new(ids)) });
    let parts = Parts {
        chooser,
        ..Parts::default()
    };
    let log = JudgementLog::open(folder.join("judgements.jsonl"))?;
    let page = Page::serve(material, log, &Access::here(port, token), parts)?;
    println!("{}", page.entrance());
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// An episode of its own colour, in which a white square moves to the right.
fn recorded(
    folder: &Path,
    number: u32,
    ticks: u32,
    times: u32,
) -> Result<Recorded, Box<dyn Error>> {
    let file = folder.join(format!("episode-{number:04}.mcap"));
    if let Ok(episode) = apprentice_episode::Episode::open(&file) {
        return Ok(Recorded {
            id: episode.id,
            file,
        });
    }
    let camera = |name: &str| CameraInfo {
        name: name.into(),
        width: SIZE[0] * times,
        height: SIZE[1] * times,
    };
    let cameras = vec![camera("front"), camera("wrist")];
    let meta = EpisodeMeta::new(
        "sample",
        "sample",
        Source::Teleop,
        cameras,
        "joints",
        1,
        10.0,
    );
    let mut writer = EpisodeWriter::create(&file, &meta)?;
    for i in 0..ticks {
        let stamp_ns = u64::from(i) * 100_000_000;
        let frame = |shade: u8| -> Result<CameraFrame, Box<dyn Error>> {
            Ok(CameraFrame {
                sequence: u64::from(i),
                stamp_ns,
                image: picture(number, f64::from(i) / f64::from(ticks), shade)?
                    .resized(SIZE[0] * times, SIZE[1] * times),
            })
        };
        writer.tick(&Tick {
            index: u64::from(i),
            stamp_ns,
            observation: Observation {
                state: RobotState {
                    sequence: u64::from(i),
                    stamp_ns,
                    positions: vec![0.0],
                    velocities: vec![0.0],
                    gripper_width: 0.0,
                    efforts: None,
                    external_wrench: None,
                },
                frames: vec![frame(0)?, frame(60)?],
            },
            proprioception: vec![0.0],
            action: vec![0.0],
            guard_interventions: vec![],
            decided_by: DecidedBy::Agent,
            unexecuted: vec![],
        })?;
    }
    let id = writer.finish()?.id;
    Ok(Recorded { id, file })
}

fn picture(number: u32, done: f64, shade: u8) -> Result<Image, Box<dyn Error>> {
    let [width, height] = SIZE;
    let colour = [
        40 + 20 * (number % 10) as u8,
        90,
        200 - 15 * (number % 10) as u8,
    ];
    let left = (done * f64::from(width - 12)) as u32;
    let mut rgb = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let in_square = (left..left + 12).contains(&x) && (30..42).contains(&y);
            let pixel = if in_square {
                [255; 3]
            } else {
                colour.map(|c| c.saturating_sub(shade))
            };
            rgb.extend(pixel);
        }
    }
    Ok(Image::new(width, height, rgb)?)
}
