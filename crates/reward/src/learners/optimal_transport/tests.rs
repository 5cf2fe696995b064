use super::*;

#[test]
fn settings_that_cannot_work_are_named() {
    type Change = fn(&mut OptimalTransport);
    let changes: [(Change, &str); 4] = [
        (
            |c| c.preferred = 0,
            "reward.learner.preferred is 0, allowed: 1 or more",
        ),
        (
            |c| c.square_scale = 0.0,
            "reward.learner.square_scale is 0,",
        ),
        (
            |c| c.scoring.epsilon = -1.0,
            "reward.learner.scoring.epsilon is -1,",
        ),
        (
            |c| c.alignment.batch = 0,
            "reward.learner.alignment.batch is 0,",
        ),
    ];
    assert!(OptimalTransport::default().validate().is_ok());
    for (change, wanted) in changes {
        let mut config = OptimalTransport::default();
        change(&mut config);
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn scoring_is_as_in_training_unless_told_otherwise() {
    let mut config = OptimalTransport::default();
    config.alignment.metric = Metric::Euclidean;
    let trained = config.alignment.optimal_transport;
    let as_trained = config.scoring().unwrap();
    assert_eq!(
        as_trained,
        (Metric::Euclidean, trained, RewardTransform::Raw)
    );
    config.scoring.epsilon = 1.0;
    config.transform = TransformKind::UnitRange;
    assert!(config.scoring().is_err());
    config.scoring.metric = ScoringMetric::Cosine;
    let (metric, sinkhorn, transform) = config.scoring().unwrap();
    assert_eq!(
        (metric, transform),
        (Metric::Cosine, RewardTransform::UnitRange)
    );
    assert_eq!((sinkhorn.epsilon, sinkhorn.iterations), (1.0, 100));
}
