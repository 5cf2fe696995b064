use super::*;
use apprentice_core::Seed;
use proptest::prelude::*;
use rand::Rng as _;

/// Brute force: both segments sampled, finer and finer around the best pair of samples.
fn sampled(a: [Point3<f64>; 2], b: [Point3<f64>; 2]) -> f64 {
    const PARTS: i32 = 20;
    let at = |s: [Point3<f64>; 2], t: f64| s[0] + (s[1] - s[0]) * t;
    let (mut centre, mut width, mut best) = ([0.5f64, 0.5], 0.5f64, f64::INFINITY);
    for _ in 0..40 {
        let around = centre;
        for i in -PARTS..=PARTS {
            for j in -PARTS..=PARTS {
                let place =
                    |c: f64, k: i32| (c + width * f64::from(k) / f64::from(PARTS)).clamp(0.0, 1.0);
                let (s, t) = (place(around[0], i), place(around[1], j));
                let distance = (at(a, s) - at(b, t)).norm();
                if distance < best {
                    (best, centre) = (distance, [s, t]);
                }
            }
        }
        // A convex function has its least value near the best sample, but along a narrow valley: narrow slowly.
        width *= 0.6;
    }
    best
}

fn place() -> impl Strategy<Value = Point3<f64>> {
    [-1.0..1.0, -1.0..1.0, -1.0..1.0].prop_map(Point3::from)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn segments_are_as_far_apart_as_samples_say(a in place(), b in place(), c in place(), d in place()) {
        let (exact, brute) = (segment_distance([a, b], [c, d]), sampled([a, b], [c, d]));
        prop_assert!((exact - brute).abs() < 1e-6, "{exact} and {brute}");
        prop_assert!((exact - segment_distance([d, c], [b, a])).abs() < 1e-12);
    }

    #[test]
    fn parallel_and_pointlike_segments_are_no_trouble(
        a in place(), along in place(), c in place(), length in -2.0..2.0f64, tilt in 0.0..1e-7f64,
    ) {
        let along = along.coords;
        let first = [a, a + along];
        for second in [[c, c + along * length], [c, c], [a, a], [c, c + along * length + nalgebra::Vector3::x() * tilt]] {
            let (exact, brute) = (segment_distance(first, second), sampled(first, second));
            prop_assert!((exact - brute).abs() < 1e-6, "{exact} and {brute}");
        }
    }

    #[test]
    fn anything_goes(numbers in proptest::array::uniform12(proptest::num::f64::ANY)) {
        let p = |i: usize| Point3::new(numbers[i], numbers[i + 1], numbers[i + 2]);
        let _ = segment_distance([p(0), p(3)], [p(6), p(9)]);
    }
}

/// Two straight links of a metre each in a plane, the second turned by joint 3; joint 2 is a stub.
fn folding() -> RobotDescription {
    let joint = |n: usize| {
        format!(
            "[[joints]]\nname = \"j{n}\"\nposition = [-3.1, 3.1]\nvelocity = 1.0\nacceleration = 5.0\n"
        )
    };
    let text = format!(
        "name = \"folding\"\ncontrol = \"joint\"\npolicy_hz = 10.0\ncontrol_hz = 50.0\nhome = [0.0, 0.0, 0.0]\n{}{}{}\
         [kinematics]\ndh = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]\n\
         tool_offset_m = 0.0\ntool_turn_rad = 0.0\n\
         [[capsules]]\nframe = 1\nfrom = [0.2, 0.0, 0.0]\nto = [0.8, 0.0, 0.0]\nradius = 0.1\n\
         [[capsules]]\nframe = 3\nfrom = [0.2, 0.0, 0.0]\nto = [0.8, 0.0, 0.0]\nradius = 0.05\n\
         [[capsules]]\nframe = 2\nfrom = [0.0, 0.0, 0.0]\nto = [0.0, 0.0, 0.0]\nradius = 0.1\n",
        joint(1),
        joint(2),
        joint(3),
    );
    RobotDescription::parse(&text, "folding").unwrap()
}

#[test]
fn an_arm_that_folds_comes_near_itself() {
    let mut robot = folding();
    let mut distance = SelfDistance::new(&robot).unwrap();
    assert_eq!(distance.pairs(), 1);
    // Stretched out: 0.2 m of air on either side of the elbow.
    assert!((distance.clearance(&[0.3, 0.0, 0.0]) - (0.4 - 0.15)).abs() < 1e-12);
    // At a right angle: from (0.8, 0) to (1, 0.2).
    let corner = 0.08f64.sqrt() - 0.15;
    assert!((distance.clearance(&[-1.0, 0.0, std::f64::consts::FRAC_PI_2]) - corner).abs() < 1e-12);
    // Folded flat: one lies in the other.
    let folded = distance
        .nearest(&[0.0, 0.1, std::f64::consts::PI - 0.1])
        .unwrap();
    assert_eq!(folded.pair, [0, 1]);
    assert!((folded.distance + 0.15).abs() < 1e-9, "{folded:?}");
    for bad in [
        &[0.0; 2][..],
        &[0.0; 4],
        &[f64::NAN, 0.0, 0.0],
        &[0.0, f64::INFINITY, 0.0],
    ] {
        assert_eq!(distance.clearance(bad), f64::NEG_INFINITY);
        assert_eq!(distance.nearest(bad), None);
    }
    robot.may_touch = vec![[1, 0]];
    let mut free = SelfDistance::new(&robot).unwrap();
    assert_eq!(
        (free.pairs(), free.clearance(&[0.0; 3])),
        (0, f64::INFINITY)
    );
}

#[test]
fn the_nearest_pair_of_an_arm_is_found() {
    let robot = RobotDescription::embedded("franka_panda").unwrap();
    let kinematics = Kinematics::new(&robot).unwrap();
    let mut distance = SelfDistance::new(&robot).unwrap();
    let mut rng = Seed(7).rng();
    for _ in 0..25 {
        let joints: Vec<f64> = robot
            .joints
            .iter()
            .map(|j| rng.random_range(j.position[0]..j.position[1]))
            .collect();
        let mut frames = vec![Isometry3::identity()];
        frames.extend(kinematics.link_poses(&joints));
        frames.push(kinematics.tool_pose(&joints));
        let mut least = f64::INFINITY;
        for (i, a) in robot.capsules.iter().enumerate() {
            for (j, b) in robot.capsules[..i].iter().enumerate() {
                if a.frame.abs_diff(b.frame) > 1 && !robot.may_touch.contains(&[j, i]) {
                    let ends = |c: &crate::Capsule| {
                        [c.from, c.to].map(|p| frames[c.frame] * Point3::from(p))
                    };
                    least = least.min(sampled(ends(a), ends(b)) - a.radius - b.radius);
                }
            }
        }
        assert!((distance.clearance(&joints) - least).abs() < 1e-6);
    }
}
