//! What every objective of the registry must do. A new one is tested without another line.

// A test may stop where something is wrong.
#![allow(clippy::unwrap_used)]

use apprentice_align::{AlignError, Batch, Errors, Needs, Objective};
use burn::tensor::{Device, Tensor, TensorData};
use serde::Deserialize as _;

const ROWS: usize = 4;
const CHUNKS: usize = 2;
const CHUNK_NUMBERS: usize = 8;

/// A policy of one number `theta`, 0 at the reference, that predicts `theta` where `target` was right.
struct Toy {
    theta: Tensor<1>,
    device: Device,
    /// What rewards are multiplied by.
    scale: f64,
    /// The rows, in the order in which they are put.
    order: Vec<usize>,
}

impl Toy {
    fn at(theta: f32) -> Self {
        let device = Device::flex().autodiff();
        Self {
            theta: Tensor::from_floats([theta], &device).require_grad(),
            device,
            scale: 1.0,
            order: (0..ROWS).collect(),
        }
    }

    /// Errors of rows with these targets and rewards.
    fn errors(
        &self,
        needs: Needs,
        target: impl Fn(usize) -> f32,
        reward: impl Fn(usize) -> f64,
    ) -> Errors {
        let targets: Vec<f32> = (self.order.iter())
            .flat_map(|&row| std::iter::repeat_n(target(row), CHUNKS))
            .collect();
        let targets = TensorData::new(targets, [self.order.len(), CHUNKS]);
        let targets = Tensor::<2>::from_data(targets, &self.device);
        let theta = self
            .theta
            .clone()
            .reshape([1, 1])
            .repeat_dim(0, self.order.len());
        let theta = theta.repeat_dim(1, CHUNKS);
        let square = |x: Tensor<2>| x.clone() * x;
        let reference = needs.reference.then(|| square(targets.clone()).detach());
        let rewards = self.order.iter().map(|&row| self.scale * reward(row));
        let errors = Errors::new(
            square(theta.clone() - targets.clone()),
            targets.ones_like(),
            rewards.collect(),
        );
        match reference {
            Some(reference) => errors.with_reference(reference, square(theta)),
            None => errors,
        }
    }

    /// What `needs` declares and no more: what is better has targets of about 1, what is worse of about -1.
    fn batch(&self, needs: Needs) -> Batch {
        let size = |row: usize| 1.0 + 0.1 * row as f32;
        let mut batch = Batch::new(CHUNK_NUMBERS);
        if needs.pairs {
            let winners = self.errors(needs, size, |_| 1.0);
            batch = batch.with_pairs(winners, self.errors(needs, |r| -size(r), |_| -1.0));
        } else if needs.winners {
            batch = batch.with_winners(self.errors(needs, size, |_| 1.0));
        }
        if needs.samples {
            let sign = |row: usize| if row.is_multiple_of(2) { 1.0 } else { -1.0 };
            let target = |row: usize| sign(row) * size(row / 2);
            batch = batch.with_samples(self.errors(needs, target, |row| f64::from(sign(row))));
        }
        if needs.rankings {
            // The better the place, the higher the target.
            let place = |target: f32| self.errors(needs, |r| target * size(r), |_| target.into());
            batch = batch.with_rankings([1.0, 0.2, -1.0].map(place).into());
        }
        batch
    }

    /// Loss and slope along theta.
    fn loss(&self, objective: &Objective) -> (f32, f32) {
        let loss = objective.loss(&self.batch(objective.needs())).unwrap().loss;
        let gradients = loss.backward();
        let slope: f32 = self.theta.grad(&gradients).unwrap().into_scalar();
        (loss.into_scalar(), slope)
    }
}

#[test]
fn at_the_reference_the_loss_is_what_it_says() {
    for objective in Objective::all() {
        let name = objective.name();
        let stated = objective.loss_at_reference();
        if let Some(stated) = stated {
            let found = f64::from(Toy::at(0.0).loss(&objective).0);
            assert!((found - stated).abs() < 1e-5, "{name}: {found} {stated}");
            let away = f64::from(Toy::at(0.5).loss(&objective).0);
            assert!((away - stated).abs() > 1e-3, "{name}: {away} everywhere");
        }
    }
}

#[test]
fn a_step_moves_towards_the_better() {
    for objective in Objective::all() {
        println!("tried the objective {}", objective.name());
        let (before, slope) = Toy::at(0.0).loss(&objective);
        assert!(slope < 0.0, "{}: slope {slope}", objective.name());
        let (after, _) = Toy::at(1e-3).loss(&objective);
        assert!(after < before, "{}: {before} to {after}", objective.name());
    }
}

#[test]
fn extreme_rewards_stay_finite() {
    for objective in Objective::all() {
        for (theta, scale) in [(0.0, 1e9), (3.0, 1e9), (-3.0, 1e9), (0.3, 0.0)] {
            let mut toy = Toy::at(theta);
            toy.scale = scale;
            let (loss, slope) = toy.loss(&objective);
            assert!(
                loss.is_finite() && slope.is_finite(),
                "{}: {loss} {slope} at {theta} with rewards of {scale}",
                objective.name()
            );
        }
    }
}

#[test]
fn the_order_of_rows_does_not_matter() {
    for objective in Objective::all() {
        let (loss, slope) = Toy::at(0.2).loss(&objective);
        let mut toy = Toy::at(0.2);
        toy.order.rotate_left(1);
        toy.order.swap(0, 2);
        let (other, other_slope) = toy.loss(&objective);
        let name = objective.name();
        assert!(
            (loss - other).abs() <= 1e-5 * loss.abs().max(1.0),
            "{name}: {loss} {other}"
        );
        assert!(
            (slope - other_slope).abs() <= 1e-5 * slope.abs().max(1.0),
            "{name}: {slope} {other_slope}"
        );
    }
}

#[test]
fn what_is_not_declared_is_not_used() {
    // `Toy::batch` holds no more than is declared, and the tests above pass with it.
    for objective in Objective::all() {
        let name = objective.name();
        assert_ne!(objective.needs(), Needs::default(), "{name}");
        let nothing = objective.loss(&Batch::new(CHUNK_NUMBERS)).unwrap_err();
        assert!(
            matches!(nothing, AlignError::NotDeclared(_)),
            "{name}: {nothing}"
        );
    }
}

#[test]
fn settings_out_of_range_are_refused_with_their_key() {
    for objective in Objective::all() {
        objective.validate().unwrap();
        let name = objective.name();
        let settings = toml::Table::try_from(&objective).unwrap();
        assert!(settings.contains_key("weight"), "{name} has no weight");
        for (key, value) in &settings {
            let bad = match value {
                toml::Value::Float(_) => vec![f64::NAN, f64::INFINITY, -1.0],
                _ => continue,
            };
            for bad in bad {
                let mut changed = settings.clone();
                changed.insert(key.clone(), bad.into());
                let changed = Objective::deserialize(toml::Value::Table(changed)).unwrap();
                let Err(error) = changed.validate() else {
                    assert!(bad == -1.0 && key != "weight", "{name}: {key} may be {bad}");
                    continue;
                };
                let wanted = format!("align.objectives.{name}.{key} is {bad}");
                assert!(error.to_string().contains(&wanted), "{error}");
            }
        }
        let mut unknown = settings.clone();
        unknown.insert("no_such_setting".into(), 1.into());
        let error = Objective::deserialize(toml::Value::Table(unknown)).unwrap_err();
        assert!(error.to_string().contains("no_such_setting"), "{error}");
    }
}
