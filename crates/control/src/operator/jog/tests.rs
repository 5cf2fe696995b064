#![allow(clippy::unwrap_used)]

use super::*;
use apprentice_robot::description::Control;
use nalgebra::Vector3;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const DT: f64 = 0.02;

fn fr3() -> RobotDescription {
    RobotDescription::embedded("franka_fr3").unwrap()
}

fn at(robot: &RobotDescription, positions: Vec<f64>) -> RobotState {
    RobotState {
        sequence: 1,
        stamp_ns: 0,
        velocities: vec![0.0; robot.joints.len()],
        positions,
        gripper_width: 0.05,
        efforts: None,
        external_wrench: None,
    }
}

fn pressed() -> OperatorInput {
    OperatorInput {
        deadman: true,
        ..OperatorInput::default()
    }
}

fn pose(command: &JogCommand) -> Isometry3<f64> {
    CartesianAction::from_vector(&command.action).unwrap().pose
}

#[test]
fn a_press_anchors_the_target_where_the_arm_is_and_hands_move_it_from_there() {
    let robot = fr3();
    let mut jog = Jog::new(&robot, JogConfig::default()).unwrap();
    let state = at(&robot, robot.home.clone());
    let tool = Kinematics::new(&robot).unwrap().tool_pose(&robot.home);
    assert_eq!(
        jog.tick(&OperatorInput::default(), Some(&state), DT),
        JogCommand::default()
    );
    let command = jog.tick(&pressed(), Some(&state), DT);
    assert!(command.deadman && !command.hand_back);
    assert!((pose(&command).translation.vector - tool.translation.vector).norm() < 1e-6);
    assert!((command.action[9] - 0.046).abs() < 1e-6);
    let forward = OperatorInput {
        shift: [1.0, 0.0, 0.0],
        turn: [0.0, 0.0, 0.5],
        open: 1.0,
        ..pressed()
    };
    let command = (0..10).fold(command, |_, _| jog.tick(&forward, Some(&state), DT));
    let moved = pose(&command).translation.vector - tool.translation.vector;
    // 0.2 s at 0.1 m/s, at half of 0.5 rad/s, and at 0.1 m/s.
    assert!(
        (moved - Vector3::new(0.02, 0.0, 0.0)).norm() < 1e-5,
        "{moved}"
    );
    let turned = (tool.rotation.inverse() * pose(&command).rotation).scaled_axis();
    assert!(
        (turned - Vector3::new(0.0, 0.0, 0.05)).norm() < 1e-5,
        "{turned}"
    );
    assert!((command.action[9] - 0.066).abs() < 1e-5);
    // Let go and pressed again it begins anew from where the arm is.
    assert!(
        jog.tick(&OperatorInput::default(), Some(&state), DT)
            .action
            .is_empty()
    );
    let again = pose(&jog.tick(&pressed(), Some(&state), DT));
    assert!((again.translation.vector - tool.translation.vector).norm() < 1e-6);
}

#[test]
fn an_arm_that_does_not_follow_is_not_run_away_from() {
    let robot = fr3();
    let mut jog = Jog::new(&robot, JogConfig::default()).unwrap();
    let state = at(&robot, robot.home.clone());
    let tool = Kinematics::new(&robot).unwrap().tool_pose(&robot.home);
    let input = OperatorInput {
        shift: [1.0, 1.0, -1.0],
        turn: [1.0, -1.0, 0.0],
        ..pressed()
    };
    for _ in 0..500 {
        let command = pose(&jog.tick(&input, Some(&state), DT));
        assert!((command.translation.vector - tool.translation.vector).norm() < 0.05 + 1e-6);
        assert!(command.rotation.angle_to(&tool.rotation) < 0.3 + 1e-5);
    }
}

#[test]
fn a_hand_back_takes_a_new_press_with_the_deadman_up_and_is_said_for_a_while() {
    let robot = fr3();
    let mut jog = Jog::new(&robot, JogConfig::default()).unwrap();
    let state = at(&robot, robot.home.clone());
    let back = OperatorInput {
        hand_back: true,
        ..OperatorInput::default()
    };
    jog.tick(&OperatorInput::default(), Some(&state), DT);
    let both = OperatorInput {
        hand_back: true,
        ..pressed()
    };
    assert!(!jog.tick(&both, Some(&state), DT).hand_back);
    // Kept pressed while the deadman is let go of: that was no decision.
    assert!(!jog.tick(&back, Some(&state), DT).hand_back);
    assert!(
        !jog.tick(&OperatorInput::default(), Some(&state), DT)
            .hand_back
    );
    assert!(jog.tick(&back, Some(&state), DT).hand_back);
    let command = (0..50).filter(|_| {
        jog.tick(&OperatorInput::default(), Some(&state), DT)
            .hand_back
    });
    assert!((5..10).contains(&command.count()));
    // A press of the deadman ends it at once.
    jog.tick(&back, Some(&state), DT);
    assert!(!jog.tick(&pressed(), Some(&state), DT).hand_back);
    assert!(
        !jog.tick(&OperatorInput::default(), Some(&state), DT)
            .hand_back
    );
}

#[test]
fn joints_are_moved_one_by_one() {
    let mut robot = fr3();
    robot.control = Control::Joint;
    let mut jog = Jog::new(&robot, JogConfig::default()).unwrap();
    let state = at(&robot, robot.home.clone());
    let on = OperatorInput {
        choose: -2,
        switch_space: true,
        ..OperatorInput::default()
    };
    jog.tick(&on, Some(&state), DT);
    assert_eq!(jog.chosen(), Some(5));
    jog.tick(&pressed(), Some(&state), DT);
    let forward = OperatorInput {
        shift: [-1.0, 0.0, 0.0],
        ..pressed()
    };
    let command = (0..5).fold(JogCommand::default(), |_, _| {
        jog.tick(&forward, Some(&state), DT)
    });
    assert_eq!(command.action.len(), 8);
    for (i, (told, home)) in command.action.iter().zip(&robot.home).enumerate() {
        let wanted = if i == 5 { home - 0.05 } else { *home };
        assert!(
            (f64::from(*told) - wanted).abs() < 1e-5,
            "joint {i}: {told}"
        );
    }
}

/// Whatever the hands, the state and the time are: what is said is finite, of the robot's length, near the
/// arm, and never a hand-back with the deadman pressed.
#[test]
fn whatever_comes_what_is_said_can_be_obeyed() {
    let mut rng = ChaCha8Rng::seed_from_u64(15);
    let mut joints = fr3();
    joints.control = Control::Joint;
    for robot in [fr3(), joints] {
        let kinematics = Kinematics::new(&robot).unwrap();
        let mut jog = Jog::new(&robot, JogConfig::default()).unwrap();
        let wild = [f64::NAN, f64::INFINITY, -1e300, 0.0, 1.0, -0.5];
        let (mut with, mut without) = (0, 0);
        for _ in 0..20_000 {
            let mut any = || wild[rng.random_range(0..wild.len())];
            let input = OperatorInput {
                shift: [any(), any(), any()],
                turn: [any(), any(), any()],
                open: any(),
                deadman: rng.random_bool(0.8),
                hand_back: rng.random_bool(0.3),
                choose: rng.random_range(i32::MIN..i32::MAX),
                switch_space: rng.random_bool(0.02),
            };
            let mut state = at(&robot, robot.home.clone());
            for q in &mut state.positions {
                *q += rng.random_range(-0.01..0.01);
            }
            let measured = state.clone();
            match rng.random_range(0..10) {
                0 => state.positions.clear(),
                1 => state.positions[3] = f64::NAN,
                2 => state.gripper_width = f64::INFINITY,
                _ => {}
            }
            let shown = rng.random_bool(0.9).then_some(&state);
            let dt = [0.02, 1e9, f64::NAN, -1.0][rng.random_range(0..4)];
            let command = jog.tick(&input, shown, dt);
            assert!(!(command.deadman && command.hand_back));
            assert_eq!(command.deadman, input.deadman);
            if command.action.is_empty() {
                without += 1;
                continue;
            }
            with += 1;
            assert_eq!(command.action.len(), robot.action_dim());
            assert!(command.action.iter().all(|v| v.is_finite()));
            if robot.is_cartesian() {
                let tool = kinematics.tool_pose(&measured.positions);
                let away = pose(&command).translation.vector - tool.translation.vector;
                // The arm shakes by up to 3 cm here, and a state may be missing.
                assert!(away.norm() < 0.05 + 0.06, "{away}");
            }
        }
        println!("{with} actions, {without} times none");
        assert!(with > 10_000 && without > 1000);
    }
}

#[test]
fn speeds_out_of_range_are_named() {
    for (speed_m_s, turn_rad_s, says) in [
        (
            0.0,
            0.5,
            "--speed is 0 m/s, allowed: above 0 and at most 1 m/s",
        ),
        (f64::NAN, 0.5, "--speed is NaN"),
        (
            0.1,
            4.0,
            "--turn is 4 rad/s, allowed: above 0 and at most 3 rad/s",
        ),
    ] {
        let config = JogConfig {
            speed_m_s,
            turn_rad_s,
            ..JogConfig::default()
        };
        let error = Jog::new(&fr3(), config).unwrap_err().to_string();
        assert!(error.starts_with(says), "{error}");
    }
}

/// A robot that is told joints is moved by its tool wherever it has kinematics, and joint by joint on request.
#[test]
fn a_joint_robots_tool_is_moved_and_stays_where_hands_let_go() {
    let mut robot = fr3();
    robot.control = Control::Joint;
    let kinematics = Kinematics::new(&robot).unwrap();
    let mut jog = Jog::new(&robot, JogConfig::default()).unwrap();
    assert!(jog.moves_tool() && jog.chosen().is_none());
    let mut state = at(&robot, robot.home.clone());
    let start = kinematics.tool_pose(&robot.home);
    let drive = |jog: &mut Jog, state: &mut RobotState, shift, ticks: usize| {
        for _ in 0..ticks {
            let input = OperatorInput { shift, ..pressed() };
            let action = jog.tick(&input, Some(state), DT).action;
            // An arm that follows at once.
            let joints = action.iter().take(7).map(|q| f64::from(*q));
            state.positions = joints.collect();
        }
        kinematics.tool_pose(&state.positions)
    };
    let moved = drive(&mut jog, &mut state, [0.0, 1.0, 0.0], 50);
    let way = moved.translation.vector - start.translation.vector;
    assert!((0.07..0.101).contains(&way.y), "{way}");
    assert!(way.x.abs() < 0.01 && way.z.abs() < 0.01, "{way}");
    let turned = moved.rotation.angle_to(&start.rotation);
    assert!(turned < 0.05, "{turned}");
    let rested = drive(&mut jog, &mut state, [0.0; 3], 50);
    let drift = (rested.translation.vector - moved.translation.vector).norm();
    assert!(drift < 1e-4, "{drift}");

    let switch = OperatorInput {
        switch_space: true,
        ..pressed()
    };
    jog.tick(&switch, Some(&state), DT);
    assert_eq!(jog.chosen(), Some(0));
    let before = state.positions.clone();
    drive(&mut jog, &mut state, [1.0, 0.0, 0.0], 10);
    assert!((state.positions[0] - before[0] - 0.1).abs() < 1e-4);
    let others = before.iter().zip(&state.positions).skip(1);
    assert!(others.into_iter().all(|(a, b)| (a - b).abs() < 1e-5));
}
