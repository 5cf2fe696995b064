//! Somebody else's data set, whole and with something wrong in it.

use crate::program::{apprentice, fail, succeed};
use apprentice_episode::{Feature, TfExample, write_tfrecord};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Height and width of its pictures, pixels.
const SIZE: u32 = 8;

fn png(shade: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIZE, SIZE);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    let pixels: Vec<u8> = (0..SIZE * SIZE * 3).map(|i| i as u8 ^ shade).collect();
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    bytes
}

fn clip(number: u8) -> TfExample {
    let steps = 6;
    let row = |n: usize| (0..steps * n).map(|i| (i as f32 + f32::from(number)) / 9.0);
    let features = [
        ("steps/action", Feature::Floats(row(2).collect())),
        ("steps/observation/state", Feature::Floats(row(3).collect())),
        (
            "steps/observation/image_0",
            Feature::Bytes((0..steps as u8).map(|s| png(s + number)).collect()),
        ),
    ];
    TfExample {
        features: features.map(|(name, f)| (name.into(), f)).into(),
    }
}

fn dataset(folder: &Path, clips: &[TfExample]) {
    fs::create_dir_all(folder).unwrap();
    let tensor = |n: u32| serde_json::json!({"tensor": {"shape": {"dimensions": [n.to_string()]}, "dtype": "float32"}});
    let size = SIZE.to_string();
    let image = serde_json::json!({"image": {"shape": {"dimensions": [size, size, "3"]}}});
    let observation =
        serde_json::json!({"featuresDict": {"features": {"image_0": image, "state": tensor(3)}}});
    let steps = serde_json::json!({"action": tensor(2), "observation": observation});
    let steps = serde_json::json!({"sequence": {"feature": {"featuresDict": {"features": steps}}}});
    let features = serde_json::json!({"featuresDict": {"features": {"steps": steps}}});
    fs::write(folder.join("features.json"), features.to_string()).unwrap();
    let info = serde_json::json!({
        "name": "toy", "splits": [{"name": "train", "shardLengths": [clips.len().to_string()]}]
    });
    fs::write(folder.join("dataset_info.json"), info.to_string()).unwrap();
    let mut bytes = Vec::new();
    for clip in clips {
        write_tfrecord(&mut bytes, &clip.encode()).unwrap();
    }
    fs::write(folder.join("toy-train.tfrecord-00000-of-00001"), bytes).unwrap();
}

fn import(from: &Path, out: &Path) -> Command {
    let mut command = apprentice();
    command
        .args(["import", "rlds"])
        .arg(from)
        .arg("--out")
        .arg(out);
    command
}

#[test]
fn a_data_set_is_imported_learnt_from_and_not_mixed_with_another() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second, out] = ["first", "second", "out"].map(|n| folder.path().join(n));
    dataset(&first, &[0, 40, 80, 120].map(clip));
    dataset(&second, &[7, 9].map(clip));
    let config = folder.path().join("small.toml");
    fs::write(
        &config,
        "[policy]\nimage_size = 32\nunet_channels = [16, 32]\n[train]\nsteps = 3\nbatch = 2\nwarmup_steps = 1\n",
    )
    .unwrap();
    let mut command = import(&first, &out);
    command
        .args(["--train", "--json", "--device", "cpu", "--config"])
        .arg(&config);
    let said: Value = serde_json::from_str(&succeed(&mut command)).unwrap();
    assert_eq!(said["episodes"], 4);
    assert_eq!(said["trial"]["clips_trained_on"], 3);
    let note = said["note"].as_str().unwrap();
    assert!(
        note.starts_with("4 clips (24 ticks) are next to nothing"),
        "{note}"
    );
    let kept: Value = serde_json::from_slice(&fs::read(out.join("import.json")).unwrap()).unwrap();
    assert_eq!(kept, said);

    let line = fail(&mut import(&second, &out));
    for part in ["first", "second", "another --out"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    // The same again gives the same.
    let printed = succeed(&mut import(&first, &out));
    assert!(
        printed.contains("4 episodes") && printed.contains("next to nothing"),
        "{printed}"
    );
}

#[test]
fn a_missing_camera_and_actions_that_are_no_numbers_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (from, out) = (folder.path().join("from"), folder.path().join("out"));
    let mut blind = clip(1);
    blind.features.remove("steps/observation/image_0");
    dataset(&from, &[clip(0), blind]);
    let line = fail(&mut import(&from, &out));
    for part in [
        "toy-train.tfrecord",
        "record 1",
        "image_0: this camera is missing",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let mut wild = clip(1);
    let mut actions = vec![0.5; 12];
    actions[7] = f32::NAN;
    wild.features
        .insert("steps/action".into(), Feature::Floats(actions));
    dataset(&from, &[clip(0), wild]);
    let line = fail(&mut import(&from, &out));
    for part in [
        "record 1",
        "steps/action",
        "number 1 of step 3 is NaN",
        "finite",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
}
