use super::*;

const DIM: usize = 6;
const FRAMES: usize = 3;

/// Clips whose first feature says what the operator looks at (1 liked, -1 not), among others that do
/// not matter and vary from clip to clip.
fn clips() -> Vec<FeatureClip> {
    let clip = |i: usize| {
        let liked = if i < 3 { 1.0 } else { -1.0 };
        let values = (0..FRAMES * DIM).map(|k| match k % DIM {
            0 => liked,
            _ => ((i * 7 + k * 5) % 11) as f32 / 5.0 - 1.0,
        });
        FeatureClip::vision(DIM, values.collect())
    };
    (0..6).map(clip).collect()
}

fn said(relation: Relation, confidence: f64) -> Vec<Comparison> {
    let mut all = Vec::new();
    for (anchor, closer) in [(0, 1), (1, 2), (2, 0), (0, 2), (1, 0), (2, 1)] {
        all.extend((3..6).map(|farther| Comparison {
            anchor,
            closer,
            farther,
            relation,
            confidence,
        }));
    }
    all
}

fn config() -> AlignmentConfig {
    AlignmentConfig {
        embedding: 4,
        epochs: 12,
        learning_rate: 3e-2,
        validation_share: 0.0,
        ..AlignmentConfig::default()
    }
}

fn aligned(
    comparisons: &[Comparison],
    config: &AlignmentConfig,
) -> Result<(LinearProjection, AlignmentReport), RewardError> {
    align(
        &clips(),
        comparisons,
        config,
        Seed(3),
        &Device::flex(),
        |_, _| true,
    )
}

#[test]
fn the_metric_comes_to_agree_with_the_comparisons() {
    for loss in [
        BradleyTerryLoss::NegativeLogLikelihood,
        BradleyTerryLoss::OneMinusP,
    ] {
        let config = AlignmentConfig { loss, ..config() };
        let (head, report) = aligned(&said(Relation::Closer, 1.0), &config).unwrap();
        let (first, last) = (report.training_loss[0], report.training_loss[11]);
        assert!(last < 0.8 * first, "{loss:?}: {first} to {last}");
        assert_eq!((head.input, head.output), (DIM, 4));
        assert_eq!((head.weight.len(), head.bias.len()), (DIM * 4, 4));
    }
}

#[test]
fn the_same_seed_gives_the_same_head() {
    let one = aligned(&said(Relation::Closer, 1.0), &config()).unwrap();
    assert_eq!(
        one,
        aligned(&said(Relation::Closer, 1.0), &config()).unwrap()
    );
}

#[test]
fn ties_draw_the_winning_probability_to_a_half() {
    let config = AlignmentConfig {
        epochs: 40,
        ..config()
    };
    let (_, report) = aligned(&said(Relation::Equal, 1.0), &config).unwrap();
    let (first, last) = (report.training_loss[0], report.training_loss[39]);
    assert!(last < 0.5 * first, "{first} to {last}");
}

/// Two comparisons contradict each other; the head follows the surer one.
#[test]
fn the_surer_comparison_weighs_more() {
    let contradiction = |up: f64, down: f64| {
        let mut all = said(Relation::Closer, up);
        let turned: Vec<Comparison> = all
            .iter()
            .map(|c| Comparison {
                closer: c.farther,
                farther: c.closer,
                confidence: down,
                ..*c
            })
            .collect();
        all.extend(turned);
        let (head, _) = aligned(&all, &config()).unwrap();
        let spaces: Vec<Vec<f32>> = clips().iter().map(|c| head.embed(c)).collect();
        let similarity = |a: usize, b: usize| {
            let cost = apprentice_optimal_transport::CostMatrix::between(
                &spaces[a],
                &spaces[b],
                head.output,
                config().metric,
            );
            let plan =
                apprentice_optimal_transport::sinkhorn(&cost, &config().optimal_transport).unwrap();
            -plan.cost(&cost)
        };
        similarity(0, 1) - similarity(0, 4)
    };
    let (agreed, turned) = (contradiction(1.0, 0.1), contradiction(0.1, 1.0));
    assert!(agreed > 0.1, "{agreed}");
    assert!(turned < agreed - 0.1, "{turned} {agreed}");
}

#[test]
fn idle_epochs_change_nothing_but_the_number_of_updates() {
    let idle = |idle_epochs| AlignmentConfig {
        epochs: 3,
        idle_epochs,
        ..config()
    };
    let loss = |c: &AlignmentConfig| {
        let (_, report) = aligned(&said(Relation::Closer, 1.0), c).unwrap();
        report.training_loss
    };
    let (idle, busy) = (loss(&idle(2)), loss(&idle(0)));
    assert!((idle[0] - idle[1]).abs() < 1e-6, "{idle:?}");
    assert!(
        (idle[1] - idle[2]).abs() > 0.0 && busy[2] < idle[2],
        "{idle:?} {busy:?}"
    );
}

#[test]
fn sums_pull_harder_than_means() {
    // Adam divides a gradient by its size, so what goes into it is looked at.
    let rows: Vec<Vec<f32>> = clips().into_iter().map(|c| c.values).collect();
    let device = Device::flex().autodiff();
    let network = Network {
        linear: Linear::new(DIM, 4, &mut Seed(3).rng(), &device),
    };
    let batch = said(Relation::Closer, 1.0);
    let value = |reduction| {
        let config = AlignmentConfig {
            reduction,
            ..config()
        };
        let step = Step::new(&network, &rows, DIM, &batch, &config, &device).unwrap();
        let surrogate: f32 = step.surrogate.into_scalar();
        (step.loss, f64::from(surrogate))
    };
    let (mean, sum) = (value(Reduction::Mean), value(Reduction::Sum));
    assert_eq!(mean.0, sum.0);
    let ratio = sum.1 / mean.1;
    assert!((ratio - batch.len() as f64).abs() < 1e-3, "{ratio}");
}

#[test]
fn features_can_stay_as_they_are() {
    let config = AlignmentConfig {
        standardise: false,
        ..config()
    };
    let (head, _) = aligned(&said(Relation::Closer, 1.0), &config).unwrap();
    let clip = &clips()[0];
    assert_eq!(head.standardisation.apply(clip), clip.values);
}

#[test]
fn what_cannot_be_learnt_from_is_refused_in_one_line() {
    let message = |comparisons: &[Comparison], config: &AlignmentConfig| {
        aligned(comparisons, config).unwrap_err().to_string()
    };
    assert!(message(&[], &config()).contains("rank more episodes"));
    assert!(
        message(&said(Relation::Closer, 0.0), &config())
            .contains("confidence of a comparison is 0, allowed: more than 0")
    );
    let none = AlignmentConfig {
        embedding: 0,
        ..config()
    };
    assert!(message(&said(Relation::Closer, 1.0), &none).contains("embedding is 0"));
    let stopped = align(
        &clips(),
        &said(Relation::Closer, 1.0),
        &config(),
        Seed(3),
        &Device::flex(),
        |_, _| false,
    );
    assert!(matches!(stopped, Err(RewardError::Stopped)));
}
