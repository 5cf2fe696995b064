//! What every encoder of the registry must do. A new one is tested without another line.

// A test may stop where something is wrong.
#![allow(clippy::unwrap_used)]

use apprentice_core::{Image, Seed};
use apprentice_encoder::{
    Channel, Clip, ClipFrame, EncoderKind, FeatureClip, FrameEncoder, WeightsSource,
};
use burn::tensor::Device;
use std::path::{Path, PathBuf};

const CAMERAS: usize = 2;

/// Two cameras see a square wander from left to right, at another height in each clip.
fn clip(height: usize) -> Clip {
    let image = |frame: usize, camera: usize| {
        let at = |x: usize, y: usize| {
            let inside =
                x.abs_diff(8 + frame * 6) < 6 && y.abs_diff(12 + height * 8 + camera * 4) < 6;
            if inside { 240 } else { 30 }
        };
        let rgb = (0..48 * 48 * 3).map(|i| at(i / 3 % 48, i / 3 / 48));
        Image::new(48, 48, rgb.collect()).unwrap()
    };
    let frame = |f| {
        let mut frame = ClipFrame::of_images((0..CAMERAS).map(|c| image(f, c)).collect());
        for channel in Channel::ALL {
            frame.signals.insert(channel, vec![f as f32, height as f32]);
        }
        frame
    };
    Clip {
        frames: (0..5).map(frame).collect(),
    }
}

/// Weights that the tests of `apprentice-weights` have of an encoder that needs a file.
fn weights_of(name: &str) -> Option<PathBuf> {
    let file = match name {
        "resnet18" => "resnet18_batch.safetensors",
        // Their vision transformer is too narrow for the heads of DINOv2.
        _ => return None,
    };
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../networks/tests/imports");
    let file = tests.join(file);
    file.exists().then_some(file)
}

/// Every encoder that can be had here, ready, by name.
fn ready() -> Vec<(&'static str, Box<dyn FrameEncoder>)> {
    let device = Device::flex();
    let folder = tempfile::tempdir().unwrap();
    let mut ready = Vec::new();
    for kind in EncoderKind::all() {
        let file = match kind.weights() {
            WeightsSource::Nothing => PathBuf::new(),
            WeightsSource::Training { .. } => {
                let file = folder.path().join(format!("{}.safetensors", kind.name()));
                let clips: Vec<Clip> = (0..3).map(clip).collect();
                kind.train(&clips, Seed(1), &device, &file, &mut |_, _| true)
                    .unwrap();
                file
            }
            WeightsSource::File { .. } => match weights_of(kind.name()) {
                Some(file) => file,
                None => continue,
            },
        };
        ready.push((kind.name(), kind.load(&file, &device).unwrap()));
    }
    ready
}

fn features(encoder: &dyn FrameEncoder, clips: &[Clip]) -> Vec<FeatureClip> {
    encoder.features(clips, &Device::flex()).unwrap()
}

#[test]
fn features_are_of_frames_alone_and_repeat() {
    let ready = ready();
    assert!(ready.iter().any(|(name, _)| *name == "compact"));
    for (name, encoder) in ready {
        println!("tried the encoder {name}");
        let together = features(&*encoder, &[clip(0), clip(2)]);
        for features in &together {
            assert_eq!(features.width, encoder.width(CAMERAS), "{name}");
            assert_eq!(features.frames(), 5, "{name}");
            assert!(features.values.iter().all(|v| v.is_finite()), "{name}");
        }
        let reversed = features(&*encoder, &[clip(2), clip(0)]);
        for (one, other) in [(&together[0], &reversed[1]), (&together[1], &reversed[0])] {
            for (a, b) in one.values.iter().zip(&other.values) {
                assert!((a - b).abs() <= 1e-5 * a.abs().max(1.0), "{name}: {a} {b}");
            }
        }
        assert_ne!(together[0].values, together[1].values, "{name}");
        let (first, second) = together[0].values.split_at(together[0].width);
        assert_ne!(first, &second[..first.len()], "{name}");
    }
}

#[test]
fn nothing_to_look_at_is_refused() {
    for (name, encoder) in ready() {
        let none = encoder.features(&[], &Device::flex());
        assert!(none.is_err(), "{name}");
    }
}

#[test]
fn a_file_that_is_not_there_is_refused() {
    for kind in EncoderKind::all() {
        if kind.weights() != WeightsSource::Nothing {
            let missing = kind.load(
                Path::new("/nonexistent/weights.safetensors"),
                &Device::flex(),
            );
            assert!(missing.is_err(), "{}", kind.name());
        }
    }
}

#[test]
fn settings_are_read_as_they_are_written_and_unknown_ones_refused() {
    for kind in EncoderKind::all() {
        kind.validate().unwrap();
        let mut value = serde_json::to_value(&kind).unwrap();
        let again: EncoderKind = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(again, kind);
        value["no_such_setting"] = 1.into();
        let refused = serde_json::from_value::<EncoderKind>(value).unwrap_err();
        assert!(refused.to_string().contains("no_such_setting"), "{refused}");
    }
}
