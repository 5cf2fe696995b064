//! The loop end to end where networks compute on a GPU. Built and run as `apprentice-nn`'s tests of this name
//! are.

#![cfg(any(feature = "cuda", feature = "wgpu"))]
#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.

#[path = "loop/program.rs"]
#[allow(dead_code)]
mod program;

use program::{succeed, tiny_demo};
use safetensors::SafeTensors;
use std::path::Path;

/// As `apprentice-nn`'s tests choose it.
fn gpu() -> String {
    let otherwise = if cfg!(feature = "cuda") {
        "cuda"
    } else {
        "wgpu"
    };
    std::env::var("APPRENTICE_TEST_DEVICE").unwrap_or_else(|_| otherwise.to_owned())
}

/// All numbers of a policy, by name.
fn weights(file: &Path) -> Vec<f32> {
    let bytes = std::fs::read(file).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mut names = tensors.names();
    names.sort_unstable();
    let numbers = |name| {
        let data = tensors.tensor(name).unwrap().data();
        let (numbers, _) = data.as_chunks::<4>();
        numbers
            .iter()
            .map(|n| f32::from_le_bytes(*n))
            .collect::<Vec<_>>()
    };
    names.into_iter().flat_map(numbers).collect()
}

/// Mean difference.
fn apart(found: &[f32], wanted: &[f32]) -> f32 {
    assert_eq!(found.len(), wanted.len());
    let differences = found.iter().zip(wanted).map(|(f, w)| (f - w).abs());
    differences.sum::<f32>() / found.len() as f32
}

#[test]
fn a_policy_learns_and_is_aligned_as_on_the_processor() {
    let folder = tempfile::tempdir().unwrap();
    let runs = ["cpu".to_owned(), gpu()].map(|device| {
        let run = folder.path().join(&device);
        succeed(tiny_demo(&run, 3).args(["--device", &device]));
        let report = std::fs::read_to_string(run.join("report.json")).unwrap();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["device"], device.as_str());
        let drift = report["drift"].as_f64().unwrap();
        assert!(drift > 0.0 && drift < 0.1, "drift on {device}: {drift}");
        ["base", "aligned"].map(|name| weights(&run.join(format!("policy/{name}.safetensors"))))
    });
    let [[base, aligned], [base_there, aligned_there]] = runs;
    let moved = apart(&aligned, &base);
    let (learnt, there) = (
        apart(&base_there, &base),
        apart(&aligned_there, &base_there),
    );
    println!("base policies are {learnt:e} apart; aligning moved {moved:e} and {there:e}");
    // Steps of AdamW move numbers either way whose gradients are almost zero.
    assert!(learnt < 0.3 * moved, "{learnt} of {moved}");
    assert!(
        (there - moved).abs() < 0.1 * moved,
        "{moved}, there {there}"
    );
}
