//! Recording, reading back, and what happens to files that are cut off or not ours.
#![allow(clippy::unwrap_used)]

use apprentice_core::{CameraFrame, Image, Observation, RobotState, sha256_file};
use apprentice_episode::{
    CameraInfo, Catalog, DecidedBy, Episode, EpisodeError, EpisodeMeta, EpisodeWriter, Source, Tick,
};
use std::{fs, path::Path};

fn meta() -> EpisodeMeta {
    let camera = |name: &str, width, height| CameraInfo {
        name: name.into(),
        width,
        height,
    };
    let mut meta = EpisodeMeta::new(
        "mug",
        "franka_fr3",
        Source::Expert,
        vec![camera("front", 8, 6), camera("wrist", 5, 5)],
        "cartesian_pose_gripper",
        3,
        10.0,
    );
    meta.seed = u64::MAX;
    meta.notes.insert("style".into(), "handle".into());
    meta
}

fn tick(index: u64) -> Tick {
    let image = |width, height| {
        let bytes = (0..width * height * 3).map(|i| (i as u8).wrapping_mul(7) ^ index as u8);
        Image::new(width, height, bytes.collect()).unwrap()
    };
    let frame = |image, offset| CameraFrame {
        sequence: 3 * index + offset,
        stamp_ns: index * 100_000_000 + offset,
        image,
    };
    Tick {
        index,
        stamp_ns: index * 100_000_000 + 5,
        observation: Observation {
            state: RobotState {
                sequence: index,
                stamp_ns: index * 100_000_000,
                positions: vec![0.1 * index as f64, 1.0 / 3.0],
                velocities: vec![-0.1, f64::EPSILON],
                gripper_width: 0.04,
                efforts: None,
                external_wrench: None,
            },
            frames: vec![frame(image(8, 6), 1), frame(image(5, 5), 2)],
        },
        proprioception: vec![0.1, 0.2, index as f32],
        action: vec![0.3, -0.1, 1e-30],
        guard_refusals: if index == 2 {
            vec!["velocity".into()]
        } else {
            vec![]
        },
        decided_by: match index {
            3 => DecidedBy::Human,
            4 => DecidedBy::Nobody,
            _ => DecidedBy::Agent,
        },
        unexecuted: if index == 3 {
            vec![vec![0.1, 0.2, 0.3]; 2]
        } else {
            vec![]
        },
    }
}

fn record(path: &Path, ticks: u64) -> apprentice_episode::EpisodeEntry {
    let mut writer = EpisodeWriter::create(path, &meta()).unwrap();
    (0..ticks).for_each(|i| writer.tick(&tick(i)).unwrap());
    writer.finish().unwrap()
}

#[test]
fn what_is_recorded_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("e.mcap");
    let entry = record(&path, 5);
    let episode = Episode::open(&path).unwrap();
    assert_eq!(episode.meta, meta());
    assert_eq!(episode.ticks, (0..5).map(tick).collect::<Vec<_>>());
    assert!(episode.complete);
    assert_eq!(episode.id, entry.id);
    assert_eq!(entry.id.as_str(), sha256_file(&path).unwrap());
}

#[test]
fn the_same_ticks_give_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let ids: Vec<_> = (0..6)
        .map(|i| record(&dir.path().join(format!("{i}.mcap")), 3).id)
        .collect();
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
}

#[test]
fn a_file_cut_anywhere_yields_every_whole_tick() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("e.mcap");
    let mut writer = EpisodeWriter::create(&path, &meta()).unwrap();
    let mut ends = vec![fs::metadata(&path).unwrap().len()];
    for i in 0..3 {
        writer.tick(&tick(i)).unwrap();
        ends.push(fs::metadata(&path).unwrap().len());
    }
    writer.finish().unwrap();
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    for length in (0..fs::metadata(&path).unwrap().len()).rev() {
        file.set_len(length).unwrap();
        let whole = ends.iter().filter(|end| **end <= length).count();
        match Episode::open(&path) {
            Ok(episode) => {
                assert!(!episode.complete, "{length}");
                // The last message may be whole before its chunk's index is.
                let got = episode.ticks.len() + 1;
                assert!(got == whole || got == whole + 1 || whole == 0, "{length}");
                let expected: Vec<_> = (0..episode.ticks.len() as u64).map(tick).collect();
                assert_eq!(episode.ticks, expected);
            }
            Err(error) => {
                assert_eq!(whole, 0, "{length}: {error}");
                assert!(error.to_string().contains("not an episode"), "{error}");
            }
        }
    }
}

#[test]
fn a_recording_that_is_dropped_reads_as_not_complete() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("e.mcap");
    let mut writer = EpisodeWriter::create(&path, &meta()).unwrap();
    writer.tick(&tick(0)).unwrap();
    // Before the writer goes away, as after a kill.
    assert_eq!(Episode::open(&path).unwrap().ticks, [tick(0)]);
    drop(writer);
    let episode = Episode::open(&path).unwrap();
    assert_eq!((episode.ticks.len(), episode.complete), (1, false));
}

#[test]
fn a_tick_that_does_not_fit_is_refused_and_recording_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("e.mcap");
    let mut writer = EpisodeWriter::create(&path, &meta()).unwrap();
    writer.tick(&tick(0)).unwrap();
    let mut refuse = |change: fn(&mut Tick), expected: &str| {
        let mut bad = tick(1);
        change(&mut bad);
        let error = writer.tick(&bad).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    refuse(
        |t| drop(t.observation.frames.pop()),
        "it has 1 frames, the episode has 2 cameras (front, wrist); the 1 ticks before it are kept",
    );
    refuse(
        |t| t.observation.frames.swap(0, 1),
        "its frame of camera \"front\" is 5x5 pixels, the episode's are 8x6",
    );
    refuse(|t| t.index = 7, "its index is 7, the next one is 1");
    refuse(|t| t.stamp_ns = 0, "is before the previous tick's");
    refuse(
        |t| t.action.push(0.0),
        "its action has 4 numbers, the episode's have 3",
    );
    refuse(
        |t| t.proprioception.truncate(2),
        "its proprioception has 2 numbers",
    );
    writer.tick(&tick(1)).unwrap();
    assert_eq!(writer.finish().unwrap().ticks, 2);
    assert_eq!(Episode::open(&path).unwrap().ticks, [tick(0), tick(1)]);
}

#[test]
fn numbers_that_are_not_finite_are_recorded_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("e.mcap");
    let mut writer = EpisodeWriter::create(&path, &meta()).unwrap();
    let mut hostile = tick(0);
    hostile.action = vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    writer.tick(&hostile).unwrap();
    writer.finish().unwrap();
    let action = &Episode::open(&path).unwrap().ticks[0].action;
    assert!(action[0].is_nan() && action[1] == f32::INFINITY);
}

#[test]
fn an_episode_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("e.mcap");
    let id = record(&path, 1).id;
    let again = EpisodeWriter::create(&path, &meta());
    assert!(matches!(again, Err(EpisodeError::Exists { .. })));
    assert_eq!(Episode::open(&path).unwrap().id, id);
}

#[test]
fn files_that_are_not_ours_get_one_clear_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("e.mcap");
    let message = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let error = Episode::open(&path).unwrap_err().to_string();
        assert_eq!(error.lines().count(), 1);
        error
    };
    assert!(message(b"something else entirely").contains("not an episode"));
    assert!(message(b"").contains("not an episode"));
    let mut empty = mcap::Writer::new(std::io::Cursor::new(Vec::new())).unwrap();
    empty.finish().unwrap();
    let other = empty.into_inner().into_inner();
    assert!(message(&other).contains("without an apprentice.episode record"));

    let good = dir.path().join("good.mcap");
    record(&good, 2);
    let mut bytes = fs::read(&good).unwrap();
    let text = br#""format_version":1"#;
    let at = (0..bytes.len())
        .find(|&i| bytes[i..].starts_with(text))
        .unwrap();
    // A digit with an escape in front would shift lengths; the same length will do: version 9.
    bytes[at + text.len() - 1] = b'9';
    assert!(message(&bytes).contains("format version 9, this build reads up to 1"));

    let bytes = fs::read(&good).unwrap();
    let png = (0..bytes.len())
        .find(|&i| bytes[i..].starts_with(b"IDAT"))
        .unwrap();
    let mut flipped = bytes.clone();
    flipped[png + 6] ^= 0x10;
    assert!(message(&flipped).contains("is damaged"));
}

#[test]
fn a_catalog_lists_what_is_there_and_heals_its_index() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let entry = record(&at("b.mcap"), 2);
    record(&at("a.mcap"), 3);
    fs::write(at("c.mcap"), b"junk").unwrap();
    let catalog = Catalog::open(dir.path()).unwrap();
    let files: Vec<_> = catalog.entries().iter().map(|e| e.file.as_str()).collect();
    assert_eq!(files, ["a.mcap", "b.mcap"]);
    assert_eq!(catalog.entries()[1], entry);
    assert_eq!(catalog.unreadable()[0].file, "c.mcap");
    assert_eq!(catalog.load(&entry.id).unwrap().ticks.len(), 2);
    assert!(matches!(
        catalog.load(&"nope".into()),
        Err(EpisodeError::Unknown { .. })
    ));

    let index = fs::read(at("index.json")).unwrap();
    fs::write(at("index.json"), b"{\"index_version\":1,\"entr").unwrap();
    assert_eq!(
        Catalog::open(dir.path()).unwrap().entries(),
        catalog.entries()
    );
    assert_eq!(fs::read(at("index.json")).unwrap(), index);
    fs::remove_file(at("a.mcap")).unwrap();
    record(&at("d.mcap"), 1);
    let files = |c: Catalog| {
        c.entries()
            .iter()
            .map(|e| e.file.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        files(Catalog::open(dir.path()).unwrap()),
        ["b.mcap", "d.mcap"]
    );
    assert_eq!(
        files(Catalog::rebuild(dir.path()).unwrap()),
        ["b.mcap", "d.mcap"]
    );

    fs::write(at("b.mcap"), fs::read(at("d.mcap")).unwrap()).unwrap();
    assert!(matches!(
        catalog.load(&entry.id),
        Err(EpisodeError::Changed { .. })
    ));
}
