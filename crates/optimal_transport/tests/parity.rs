//! Plans and gradients are those of POT (`parity/make_parity.py` made the numbers).

#![allow(clippy::unwrap_used)] // A test that fails may say so by panicking.

use apprentice_optimal_transport::{
    CostMatrix, Form, Metric, SinkhornConfig, cost_gradient, sinkhorn,
};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().unwrap().iter();
    list.map(|v| v.as_f64().unwrap()).collect()
}

fn close(what: &str, found: &[f64], wanted: &[f64], tolerance: f64) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    for (i, (f, w)) in found.iter().zip(wanted).enumerate() {
        assert!((f - w).abs() < tolerance, "{what}[{i}] is {f}, POT has {w}");
    }
}

#[test]
fn costs_plans_and_gradients_are_those_of_pot() {
    let file: Value = serde_json::from_str(include_str!("parity/pot.json")).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 4);
    for case in cases {
        let [a, b] = ["a", "b"]
            .map(|k| -> Vec<f32> { numbers(&case[k]).into_iter().map(|v| v as f32).collect() });
        let measured = CostMatrix::between(&a, &b, 8, Metric::Cosine);
        close("cost", &measured.values, &numbers(&case["cost"]), 1e-6);
        let cost = CostMatrix {
            values: numbers(&case["cost"]),
            ..measured
        };
        let epsilon = case["epsilon"].as_f64().unwrap();
        for form in [Form::LogDomain, Form::Scaling, Form::Auto] {
            if form == Form::Scaling && epsilon < 0.1 {
                continue;
            }
            let config = SinkhornConfig {
                epsilon,
                iterations: 200_000,
                tolerance: 1e-13,
                form,
            };
            let plan = sinkhorn(&cost, &config).unwrap();
            close("plan", &plan.mass, &numbers(&case["plan"]), 1e-9);
            // Ours is of the similarity, minus the cost.
            let gradient: Vec<f64> = cost_gradient(&cost, &plan, epsilon)
                .into_iter()
                .map(|g| -g)
                .collect();
            close("gradient", &gradient, &numbers(&case["gradient"]), 1e-6);
        }
    }
}
