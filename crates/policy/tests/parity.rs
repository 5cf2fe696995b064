//! Schedule and sampler are those of diffusers (`parity/make_parity.py` made the numbers).

#![allow(clippy::unwrap_used)] // A test that fails may say so by panicking.

use apprentice_policy::schedule::Spacing;
use apprentice_policy::{DdimSampler, NoiseSchedule};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().unwrap().iter();
    list.map(|v| v.as_f64().unwrap()).collect()
}

#[test]
fn schedule_and_ddim_are_those_of_diffusers() {
    let file: Value = serde_json::from_str(include_str!("parity/diffusers.json")).unwrap();
    let schedule = NoiseSchedule::squared_cosine(100);
    let levels = numbers(&file["alpha_bar"]);
    assert_eq!(levels.len(), 100);
    for (t, wanted) in levels.iter().enumerate() {
        let found = schedule.alpha_bar(t);
        assert!(
            (found - wanted).abs() < 2e-7,
            "alpha_bar[{t}] is {found}, not {wanted}"
        );
    }
    let runs = file["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 4);
    for run in runs {
        let spacing = match run["spacing"].as_str().unwrap() {
            "leading" => Spacing::Leading,
            _ => Spacing::Trailing,
        };
        let count = run["count"].as_u64().unwrap() as usize;
        let sampler = DdimSampler::new(&schedule, count, spacing).unwrap();
        let steps: Vec<usize> = sampler.steps().collect();
        let wanted: Vec<usize> = numbers(&run["steps"]).iter().map(|&t| t as usize).collect();
        assert_eq!(steps, wanted, "{spacing:?} {count}");
        let mut sample: Vec<f32> = numbers(&run["start"]).iter().map(|&v| v as f32).collect();
        for (station, step) in steps.iter().enumerate() {
            let noise: Vec<f32> = sample
                .iter()
                .map(|x| (x + *step as f32 / 100.0).tanh())
                .collect();
            sampler.advance(station, &mut sample, &noise);
        }
        for (found, wanted) in sample.iter().zip(numbers(&run["end"])) {
            assert!(
                (f64::from(*found) - wanted).abs() < 2e-4,
                "{spacing:?} {count}: {found} is not {wanted}"
            );
        }
    }
}
