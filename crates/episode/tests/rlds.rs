//! Datasets of others: a small one made here, and real robot clips where they are at hand.
#![allow(clippy::unwrap_used)]

use apprentice_core::Image;
use apprentice_episode::{
    Catalog, Feature, ImportError, ImportSummary, Importer as _, Rlds, Source, TfExample,
    write_tfrecord,
};
use std::{fs, path::Path, path::PathBuf};

const SHARD: &str = "toy-train.tfrecord-00000-of-00001";

fn import(from: &Path, to: &Path) -> Result<ImportSummary, ImportError> {
    Rlds::default().import(from, to, &mut |_| true)
}

/// A PNG of one picture, as RLDS datasets may hold.
fn png(image: &Image) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, image.width(), image.height());
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(image.rgb()).unwrap();
    writer.finish().unwrap();
    bytes
}

fn picture(shade: u8) -> Image {
    Image::new(3, 2, (0..18).map(|i| i * 3 + shade).collect()).unwrap()
}

fn clip(steps: u8) -> TfExample {
    let n = usize::from(steps);
    let features = [
        (
            "steps/action",
            Feature::Floats((0..n * 2).map(|i| i as f32 / 7.0).collect()),
        ),
        (
            "steps/observation/state",
            Feature::Floats((0..n * 3).map(|i| i as f32).collect()),
        ),
        (
            "steps/observation/image_0",
            Feature::Bytes((0..steps).map(|s| png(&picture(s))).collect()),
        ),
        (
            "steps/observation/image_1",
            Feature::Bytes(vec![png(&Image::new(3, 2, vec![0; 18]).unwrap()); n]),
        ),
        (
            "steps/language_instruction",
            Feature::Bytes(vec![b"lift it ".to_vec(); n]),
        ),
        ("steps/is_last", Feature::Ints(vec![0; n])),
    ];
    TfExample {
        features: features.map(|(name, f)| (name.into(), f)).into(),
    }
}

/// Writes a dataset of two cameras, actions of 2 and states of 3.
fn dataset(dir: &Path, clips: &[TfExample]) {
    let image = r#"{"image":{"shape":{"dimensions":["2","3","3"]}}}"#;
    let tensor =
        |n| format!(r#"{{"tensor":{{"shape":{{"dimensions":["{n}"]}},"dtype":"float32"}}}}"#);
    let steps = format!(
        r#"{{"action":{},"observation":{{"featuresDict":{{"features":{{"image_0":{image},"image_1":{image},"state":{}}}}}}}}}"#,
        tensor(2),
        tensor(3)
    );
    let features = format!(
        r#"{{"featuresDict":{{"features":{{"steps":{{"sequence":{{"feature":{{"featuresDict":{{"features":{steps}}}}}}}}}}}}}}}"#
    );
    fs::write(dir.join("features.json"), features).unwrap();
    let info = format!(
        r#"{{"name":"toy","splits":[{{"name":"train","shardLengths":["{}"]}}]}}"#,
        clips.len()
    );
    fs::write(dir.join("dataset_info.json"), info).unwrap();
    let mut bytes = Vec::new();
    for clip in clips {
        write_tfrecord(&mut bytes, &clip.encode()).unwrap();
    }
    fs::write(dir.join(SHARD), bytes).unwrap();
}

#[test]
fn a_dataset_becomes_episodes() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    dataset(from.path(), &[clip(2), clip(4)]);
    let summary = import(from.path(), to.path()).unwrap();
    assert_eq!((summary.episodes.len(), summary.ticks), (2, 6));
    assert_eq!((summary.action_dim, summary.proprioception_dim), (2, 3));
    assert_eq!(summary.blank_cameras, ["image_1"]);
    let catalog = Catalog::open(to.path()).unwrap();
    assert_eq!(catalog.entries(), summary.episodes);
    let episode = catalog.load(&summary.episodes[1].id).unwrap();
    assert_eq!(episode.meta.source, Source::Import);
    assert_eq!(episode.meta.instruction.as_deref(), Some("lift it"));
    let last = &episode.ticks[3];
    assert_eq!(last.proprioception, [9.0, 10.0, 11.0]);
    assert_eq!(last.action, [6.0 / 7.0, 1.0]);
    assert_eq!(last.stamp_ns, 600_000_000);
    assert_eq!(last.observation.frames[0].image, picture(3));
    // Once more gives the same files.
    assert_eq!(import(from.path(), to.path()).unwrap(), summary);
    // A blank camera is kept when asked for by name.
    let options = Rlds {
        cameras: Some(vec!["image_1".into()]),
        ..Rlds::default()
    };
    let named = options
        .import(from.path(), &to.path().join("named"), &mut |_| true)
        .unwrap();
    assert_eq!(named.cameras[0].name, "image_1");
}

#[test]
fn an_import_can_be_stopped_and_keeps_what_it_has() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    dataset(from.path(), &[clip(2), clip(4), clip(3)]);
    let options = Rlds::default();
    let stopped = options.import(from.path(), to.path(), &mut |n| n < 1);
    let error = stopped.unwrap_err().to_string();
    assert!(error.contains("after 1 episodes"), "{error}");
    assert_eq!(Catalog::open(to.path()).unwrap().entries().len(), 1);
    let summary = import(from.path(), to.path()).unwrap();
    assert_eq!(summary.episodes.len(), 3);
}

#[test]
fn what_is_missing_or_damaged_is_named() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let message = || import(from.path(), to.path()).unwrap_err().to_string();
    let refuse = |change: fn(&mut TfExample), expected: &str| {
        let mut bad = clip(3);
        change(&mut bad);
        dataset(from.path(), &[clip(3), bad]);
        let error = message();
        assert!(error.contains(expected), "{error}");
        assert!(error.contains("record 1"), "{error}");
    };
    refuse(
        |c| drop(c.features.remove("steps/observation/image_0")),
        "steps/observation/image_0: this camera is missing",
    );
    refuse(
        |c| drop(c.features.remove("steps/action")),
        "steps/action: this field is missing",
    );
    refuse(
        |c| {
            drop(c.features.insert(
                "steps/observation/state".into(),
                Feature::Floats(vec![0.0; 8]),
            ))
        },
        "steps/observation/state: 8 numbers for 3 steps of 3",
    );
    refuse(
        |c| {
            drop(c.features.insert(
                "steps/action".into(),
                Feature::Floats(vec![0.0, 1.0, 2.0, f32::NAN, 0.0, 0.0]),
            ))
        },
        "steps/action: number 1 of step 1 is NaN, allowed: finite numbers",
    );
    refuse(
        |c| {
            drop(c.features.insert(
                "steps/observation/image_0".into(),
                Feature::Bytes(vec![vec![1]; 3]),
            ))
        },
        "steps/observation/image_0: ",
    );
    dataset(from.path(), &[clip(3), clip(3)]);
    let shard = from.path().join(SHARD);
    let bytes = fs::read(&shard).unwrap();
    fs::write(&shard, &bytes[..bytes.len() - 5]).unwrap();
    assert!(message().contains("shard is cut off inside record 1"));
    let mut flipped = bytes.clone();
    flipped[300] ^= 1;
    fs::write(&shard, &flipped).unwrap();
    assert!(message().contains("record 0 has a bad checksum of its data"));
    // Cut between two records, which no checksum shows.
    fs::write(&shard, &bytes[..bytes.len() / 2]).unwrap();
    assert!(message().contains("holds 1 episodes, dataset_info.json says 2"));
    fs::remove_file(&shard).unwrap();
    assert!(message().contains("there is no .tfrecord shard"));
    fs::remove_file(from.path().join("features.json")).unwrap();
    assert!(message().contains("cannot read"));
    let wanted = Rlds {
        cameras: Some(vec!["wrist".into()]),
        ..Rlds::default()
    };
    dataset(from.path(), &[clip(3)]);
    let error = wanted
        .import(from.path(), to.path(), &mut |_| true)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the dataset has no camera \"wrist\"; it has image_0, image_1"
    );
}

/// 25 clips of BridgeData V2.
#[test]
#[ignore = "on clips that are not part of the project (APPRENTICE_BRIDGE_DIR): `-- --ignored needs_data`"]
fn needs_data_real_clips_of_a_widowx() {
    let named = std::env::var_os("APPRENTICE_BRIDGE_DIR").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/bridge");
    let from = named.unwrap_or(beside);
    let to = tempfile::tempdir().unwrap();
    let summary = import(&from, to.path()).unwrap();
    assert_eq!((summary.episodes.len(), summary.ticks), (25, 250));
    assert_eq!((summary.action_dim, summary.proprioception_dim), (7, 7));
    let cameras: Vec<_> = summary.cameras.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(cameras, ["image_0", "image_1", "image_2"]);
    assert_eq!(summary.blank_cameras, ["image_3"]);
    let episode = Catalog::open(to.path())
        .unwrap()
        .load(&summary.episodes[0].id)
        .unwrap();
    let words = episode.meta.instruction.unwrap();
    assert!(words.starts_with("put cup from counter"), "{words}");
    assert!((episode.ticks[0].proprioception[0] - 0.233_814_79).abs() < 1e-8);
    assert_eq!(episode.ticks[1].action[6], 1.0);
}
