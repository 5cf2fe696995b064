//! A dot at some height moves across the picture; whoever labels likes it high.

#![allow(clippy::unwrap_used)]

use apprentice_core::Image;
use apprentice_encoder::{Clip, ClipFrame};
use apprentice_labels::{
    Accuracy, Labelled, LabelledClips, Member, Plan, evaluate, features, members_of_arrays,
    members_of_clips, read_clips, read_labels, read_npz,
};
use std::io::Write;
use std::path::Path;

const CLIPS: usize = 80;
const SIDE: usize = 48;

/// Height of a clip's dot, 0 to 1, in no order.
fn height(clip: usize) -> f64 {
    (clip * 31 % CLIPS) as f64 / CLIPS as f64
}

fn picture(clip: usize, frame: usize) -> Image {
    let (x, y) = (4 + frame * 5 + clip % 5, 4.0 + (1.0 - height(clip)) * 38.0);
    let pixel = |i: usize| {
        let near = (i % SIDE).abs_diff(x) < 4 && ((i / SIDE) as f64 - y).abs() < 4.0;
        [if near { 255 } else { 20 }; 3]
    };
    let rgb = (0..SIDE * SIDE).flat_map(pixel).collect();
    Image::new(SIDE as u32, SIDE as u32, rgb).unwrap()
}

/// Every pair of clips, better first if `likes_high`.
fn labels(likes_high: impl Fn(usize, usize) -> bool) -> Vec<Labelled> {
    let pairs = (0..CLIPS).flat_map(|a| (0..a).map(move |b| (a, b)));
    pairs
        .map(|(a, b)| {
            let first = (height(a) > height(b)) == likes_high(a, b);
            let order = if first { [a, b] } else { [b, a] };
            Labelled {
                tiers: order.map(|c| vec![c]).into(),
            }
        })
        .collect()
}

fn data(labels: Vec<Labelled>) -> LabelledClips {
    let clip = |clip| Clip {
        frames: (0..8)
            .map(|f| ClipFrame::of_images(vec![picture(clip, f)]))
            .collect(),
    };
    let clips: Vec<Clip> = (0..CLIPS).map(clip).collect();
    LabelledClips {
        clips: features(&clips, None, 3).unwrap(),
        labels,
        observations: None,
    }
}

fn linear() -> Vec<Member> {
    let members = members_of_clips();
    members
        .into_iter()
        .filter(|m| m.name() == "kernel_bradley_terry")
        .collect()
}

fn tried(
    data: &LabelledClips,
    members: &[Member],
    numbers: &[usize],
    draws: usize,
) -> Vec<Accuracy> {
    let plan = Plan {
        labels: numbers.to_vec(),
        draws,
        seed: 5,
    };
    evaluate(data, members, &plan).unwrap()
}

#[test]
fn accuracy_rises_with_labels_and_a_wrong_sign_would_show() {
    let found = tried(&data(labels(|_, _| true)), &linear(), &[2, 10, 50], 20);
    let [few, some, many] = [0, 1, 2].map(|i| found[i].accuracy);
    assert!(few < some && some < many, "{found:?}");
    assert!(few > 0.5 && many > 0.9, "{found:?}");
    // Whoever likes it low is foretold as well: the sign comes from the labels.
    let low = tried(&data(labels(|_, _| false)), &linear(), &[50], 20);
    assert!(low[0].accuracy > 0.9, "{low:?}");
}

#[test]
fn every_learner_beats_chance() {
    // Lists of eight: from pairs alone optimal transport, which learns from triplets, learns nothing.
    let lists = (0..60).map(|list| {
        let mut clips: Vec<usize> = (0..8).map(|i| (list * 13 + i * 7) % CLIPS).collect();
        clips.sort_by(|&a, &b| height(b).total_cmp(&height(a)));
        Labelled {
            tiers: clips.into_iter().map(|c| vec![c]).collect(),
        }
    });
    let data = data(lists.collect());
    for member in members_of_clips() {
        let found = tried(&data, &[member], &[30], 3);
        assert!(found[0].accuracy > 0.6, "{found:?}");
    }
}

#[test]
fn labels_without_sense_give_chance() {
    // By a hash of the pair.
    let chance = |a: usize, b: usize| {
        ((a * 2_654_435_761 + b * 40_503) >> 7)
            .count_ones()
            .is_multiple_of(2)
    };
    let found = tried(&data(labels(chance)), &linear(), &[50], 40);
    let interval = 4.0 * found[0].sd / 40f64.sqrt() + 0.03;
    assert!((found[0].accuracy - 0.5).abs() < interval, "{found:?}");
}

fn npy(shape: &str, values: &[f32]) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    bytes
}

fn npz(path: &Path, label: &[f32], obs_shape: &str) {
    let n = label.len();
    let number = |i: usize, k: usize| ((i * 37 + k * 11) % 17) as f32 / 17.0;
    let obs = |side: usize| -> Vec<f32> { (0..n * 4).map(|i| number(i, side)).collect() };
    let mut archive = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    let action = vec![0.5; n * 2];
    for (name, bytes) in [
        ("obs_1", npy(obs_shape, &obs(1))),
        ("obs_2", npy(&format!("{n}, 2, 2"), &obs(2))),
        ("action_1", npy(&format!("{n}, 2, 1"), &action)),
        ("action_2", npy(&format!("{n}, 2, 1"), &action)),
        ("label", npy(&format!("{n},"), label)),
    ] {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(format!("{name}.npy"), options).unwrap();
        archive.write_all(&bytes).unwrap();
    }
    archive.finish().unwrap();
}

#[test]
fn arrays_are_read_and_judged_by_their_returns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pairs.npz");
    let n = 120;
    let sum = |i: usize, k: usize| -> usize {
        [0, 2]
            .iter()
            .map(|s| ((i * 4 + s) * 37 + k * 11) % 17)
            .sum()
    };
    let said = |i: usize| match sum(i, 1).cmp(&sum(i, 2)) {
        std::cmp::Ordering::Greater => 0.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Less => 1.0,
    };
    let label: Vec<f32> = (0..n).map(said).collect();
    npz(&path, &label, "120, 2, 2");
    let data = read_npz(&path).unwrap();
    assert_eq!(
        (data.clips.len(), data.clips[0].width, data.observations),
        (240, 3, Some(2))
    );
    let found = tried(&data, &members_of_arrays()[..2], &[60], 10);
    assert!(found.iter().all(|f| f.accuracy > 0.9), "{found:?}");
    let mut wrong = label.clone();
    wrong[7] = 0.3;
    npz(&path, &wrong, "120, 2, 2");
    let error = read_npz(&path).unwrap_err().to_string();
    assert!(error.contains("label[7] is 0.3"), "{error}");
    npz(&path, &label, "999999999, 2, 2");
    let error = read_npz(&path).unwrap_err().to_string();
    assert!(
        error.contains("obs_1") && error.contains("allowed"),
        "{error}"
    );
}

#[test]
fn folders_of_pictures_are_read_and_what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for clip in 0..2 {
        let to = folder.path().join(format!("clip{clip}"));
        std::fs::create_dir(&to).unwrap();
        for frame in 0..3 {
            let image = picture(clip, frame);
            let file = std::fs::File::create(to.join(format!("{frame}.png"))).unwrap();
            let mut encoder = png::Encoder::new(file, image.width(), image.height());
            encoder.set_color(png::ColorType::Rgb);
            encoder
                .write_header()
                .unwrap()
                .write_image_data(image.rgb())
                .unwrap();
        }
    }
    let file = folder.path().join("labels.txt");
    std::fs::write(&file, "clip0 clip1 1\n").unwrap();
    let answers = read_labels(&file).unwrap();
    let clips = read_clips(folder.path(), answers.names()).unwrap();
    assert_eq!((clips.len(), clips[0].frames.len()), (2, 3));
    assert_eq!(clips[1].frames[2].images[0], picture(1, 2));
    let missing = read_clips(folder.path(), ["clip7"])
        .unwrap_err()
        .to_string();
    assert!(missing.contains("'clip7'"), "{missing}");
    assert!(read_clips(folder.path(), ["../x"]).is_err());
    std::fs::write(folder.path().join("clip1/1.png"), b"\x89PNG\r\n\x1a\nrest").unwrap();
    let broken = read_clips(folder.path(), ["clip1"])
        .unwrap_err()
        .to_string();
    assert!(broken.contains("1.png"), "{broken}");
}
