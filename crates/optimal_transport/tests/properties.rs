//! What must hold of every plan.
use apprentice_optimal_transport::{CostMatrix, Form, Metric, SinkhornConfig, sinkhorn};
use proptest::prelude::*;

fn costs() -> impl Strategy<Value = CostMatrix> {
    (1usize..12, 1usize..12).prop_flat_map(|(rows, columns)| {
        proptest::collection::vec(0.0f64..2.0, rows * columns).prop_map(move |values| CostMatrix {
            rows,
            columns,
            values,
        })
    })
}

fn config(form: Form, epsilon: f64) -> SinkhornConfig {
    SinkhornConfig {
        epsilon,
        iterations: 50_000,
        tolerance: 1e-9,
        form,
    }
}

proptest! {
    #[test]
    fn marginals_are_uniform(cost in costs(), epsilon in 0.1f64..1.0) {
        for form in [Form::Scaling, Form::LogDomain] {
            let plan = sinkhorn(&cost, &config(form, epsilon)).unwrap();
            prop_assert!(plan.marginal_error <= 1e-6, "{form:?}: {}", plan.marginal_error);
        }
    }

    #[test]
    fn both_forms_agree(cost in costs()) {
        let a = sinkhorn(&cost, &config(Form::Scaling, 0.2)).unwrap();
        let b = sinkhorn(&cost, &config(Form::LogDomain, 0.2)).unwrap();
        for (a, b) in a.mass.iter().zip(&b.mass) {
            prop_assert!((a - b).abs() < 1e-7);
        }
    }

    #[test]
    fn swapping_the_sequences_keeps_the_cost(cost in costs()) {
        let swapped = CostMatrix {
            rows: cost.columns,
            columns: cost.rows,
            values: (0..cost.columns)
                .flat_map(|j| (0..cost.rows).map(move |i| (i, j)))
                .map(|(i, j)| cost.values[i * cost.columns + j])
                .collect(),
        };
        let c = config(Form::Auto, 0.2);
        let there = sinkhorn(&cost, &c).unwrap().cost(&cost);
        let back = sinkhorn(&swapped, &c).unwrap().cost(&swapped);
        prop_assert!((there - back).abs() < 1e-6);
    }
}

#[test]
fn tiny_epsilon_finds_the_assignment() {
    let cost = CostMatrix {
        rows: 2,
        columns: 2,
        values: vec![0.0, 1.0, 1.0, 0.0],
    };
    let plan = sinkhorn(&cost, &config(Form::Auto, 1e-3)).unwrap();
    assert!((plan.mass[0] - 0.5).abs() < 1e-9 && plan.mass[1] < 1e-9);
}

#[test]
fn bad_problems_are_refused() {
    let cost = CostMatrix {
        rows: 1,
        columns: 1,
        values: vec![f64::NAN],
    };
    let error = sinkhorn(&cost, &SinkhornConfig::default())
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "optimal transport: a cost is NaN, allowed: finite numbers"
    );
    for (changed, wanted) in [
        (
            config(Form::Auto, f64::NAN),
            "optimal-transport setting epsilon is NaN, allowed: more than 0; change it in the configuration",
        ),
        (
            SinkhornConfig {
                iterations: 0,
                ..SinkhornConfig::default()
            },
            "optimal-transport setting iterations is 0, allowed: 1 or more; change it in the configuration",
        ),
        (
            SinkhornConfig {
                tolerance: f64::NAN,
                ..SinkhornConfig::default()
            },
            "optimal-transport setting tolerance is NaN, allowed: 0 or more; change it in the configuration",
        ),
    ] {
        assert_eq!(sinkhorn(&cost, &changed).unwrap_err().to_string(), wanted);
    }
    let empty = CostMatrix {
        rows: 0,
        columns: 3,
        values: vec![],
    };
    assert!(sinkhorn(&empty, &SinkhornConfig::default()).is_err());
}

/// Entropy spreads every frame's mass over its neighbours, so a video costs something against itself:
/// with two frames at cosine distance 1 and epsilon 1, P is proportional to [[1, 1/e], [1/e, 1]] and
/// the cost is 1 / (1 + e) = 0.269.
#[test]
fn a_video_costs_something_against_itself() {
    let frames = [1.0f32, 0.0, 0.0, 1.0];
    let cost = CostMatrix::between(&frames, &frames, 2, Metric::Cosine);
    let against_itself = |epsilon| {
        let plan = sinkhorn(&cost, &config(Form::Auto, epsilon)).unwrap();
        plan.cost(&cost)
    };
    let soft = against_itself(1.0);
    assert!((soft - 0.268_941_421_369_995).abs() < 1e-9, "{soft}");
    // 1 / (1 + e^20): at an epsilon that keeps the diagonal, next to nothing is left of it.
    let sharp = against_itself(0.05);
    assert!((sharp - 2.061e-9).abs() < 1e-11, "{sharp}");
}
