//! ROS 2 robots, simulated: what is asked of a controller, and what is refused.
#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.

#[path = "ros2/stand_in.rs"]
mod stand_in;

use apprentice_adapter::cdr::{
    CancelRequest, CancelResponse, Float64, Float64MultiArray, GetResultRequest, GetResultResponse,
    Header, JointJog, JointState, JointTrajectory, Numbers, RawImage, SendGoalRequest,
    SendGoalResponse, Time, TwistStamped,
};
use apprentice_adapter::ros2::attachment::Attachment;
use apprentice_adapter::ros2::{Ros2Arm, liveliness};
use apprentice_adapter::{cdr, choose};
use apprentice_core::JointCommand;
use apprentice_link::security::Security;
use apprentice_link::{Arm as _, Freshness, LinkError};
use apprentice_robot::{Camera, Mount, RobotDescription};
use stand_in::{Driver, Router, command, messages, now_ns, robot, until};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use zenoh::Wait as _;

const STATES: &str = "0/joint_states/sensor_msgs::msg::dds_::JointState_/RIHS01_a13ee3a330e346c9d87b5aa18d24e11690752bd33a0350f11c5882bc9179260e";
const GRIPPER: &str = "[gripper]\nkind = 'forward_command'\njoint = 'finger'\nper_metre = 0.5";
const FRESH: Freshness = Freshness {
    state: Duration::from_millis(500),
    frame: Duration::from_millis(2000),
};

/// What a service answers to bytes.
type Answer = Box<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

/// The joints at home, last first, as a driver says it.
fn state(robot: &RobotDescription) -> JointState {
    let names = robot.joints.iter().map(|j| j.name.as_str()).rev();
    let positions = robot.home.iter().copied().rev();
    JointState {
        header: Header {
            stamp: Time::from_ns(now_ns()),
            ..Header::default()
        },
        name: names.chain(["finger"]).collect(),
        position: Numbers(positions.chain([0.02]).collect()),
        ..JointState::default()
    }
}

/// Says the state a hundred times a second.
fn driver(router: &Arc<Router>, key: &str, robot: &RobotDescription) -> Driver {
    let (router, key, robot) = (Arc::clone(router), key.to_owned(), robot.clone());
    Driver::start(move || router.publish(&key, &state(&robot)))
}

fn connect(robot: &RobotDescription, router: &Router) -> Ros2Arm {
    let table = robot.adapter.clone().unwrap();
    Ros2Arm::connect(
        robot.clone(),
        &table,
        &router.endpoint,
        &Security::LoopbackOnly,
        Duration::from_secs(5),
    )
    .unwrap()
}

fn refusal(arm: &mut Ros2Arm) -> String {
    match arm.engage().unwrap_err() {
        LinkError::Refused { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

#[test]
fn forward_commands_arrive_in_the_controllers_order_and_tools_see_us() {
    let router = Arc::new(Router::open());
    let mut order: Vec<_> = (1..=7).map(|i| format!("'fr3_joint{i}'")).collect();
    order.reverse();
    let robot = robot(&format!(
        "kind = 'ros2'\n[command]\nkind = 'forward_command'\ntopic = '/fwd/commands'\njoints = [{}]\n{GRIPPER}",
        order.join(", ")
    ));
    let mut arm = connect(&robot, &router);
    assert!(
        arm.send(&command(&robot, 1, 0.0, 0.04))
            .unwrap_err()
            .to_string()
            .contains("not engaged")
    );
    assert!(refusal(&mut arm).contains("no joint state"));

    // A joint is missing.
    let mut short = state(&robot);
    short.name = short
        .name
        .iter()
        .map(|n| if n == "fr3_joint3" { "elbow" } else { n })
        .collect();
    router.publish(STATES, &short);
    std::thread::sleep(Duration::from_millis(50));
    let reason = refusal(&mut arm);
    assert!(
        reason.contains("fr3_joint3") && reason.contains("elbow"),
        "{reason}"
    );

    // Humble's keys are heard as well.
    let _driver = driver(
        &router,
        &STATES.replace(
            "RIHS01_a13ee3a330e346c9d87b5aa18d24e11690752bd33a0350f11c5882bc9179260e",
            "TypeHashNotSupported",
        ),
        &robot,
    );
    until("a state", || arm.latest(false, FRESH).is_ok());
    assert!(refusal(&mut arm).contains("nobody takes commands"));

    let key = "0/fwd/commands/std_msgs::msg::dds_::Float64MultiArray_/RIHS01_1025ddc6b9552d191f89ef1a8d2f60f3d373e28b283d8891ddcc974e8c55397f";
    let (kept, _subscriber) = router.keep(key);
    arm.engage().unwrap();
    let observation = arm.latest(false, FRESH).unwrap();
    assert_eq!(observation.state.positions, robot.home);
    assert_eq!(observation.state.gripper_width, 0.04);
    for i in 1..=50 {
        arm.send(&command(&robot, i, i as f64 * 1e-4, 0.05))
            .unwrap();
    }
    until("commands", || kept.lock().unwrap().len() == 50);
    let got: Vec<Float64MultiArray> = messages(&kept);
    for (i, got) in got.iter().enumerate() {
        let mut wanted = command(&robot, 0, (i + 1) as f64 * 1e-4, 0.0).positions;
        wanted.reverse();
        wanted.push(0.025);
        assert_eq!(got.data.0, wanted);
    }

    // Node, publisher and subscriber are seen; messages carry the publisher's identity.
    let tokens = router.tokens("@ros2_lv/**");
    let find = |part: &str| {
        tokens
            .iter()
            .find(|t| t.contains(part))
            .unwrap_or_else(|| panic!("{part}: {tokens:?}"))
    };
    find("/NN/%/%/apprentice");
    find("/MS/%/%/apprentice/%joint_states/sensor_msgs::msg::dds_::JointState_/");
    let ours = find("/MP/%/%/apprentice/%fwd%commands/std_msgs::msg::dds_::Float64MultiArray_/");
    for (i, (_, attachment)) in kept.lock().unwrap().iter().enumerate() {
        let attachment = attachment.as_ref().unwrap();
        assert_eq!(attachment.len(), 33);
        let attachment = Attachment::decode(attachment).unwrap();
        assert_eq!(
            (attachment.sequence, attachment.gid),
            (i as i64 + 1, liveliness::gid(ours))
        );
    }
    let bad = JointCommand {
        gripper_width: f64::NAN,
        ..command(&robot, 51, 0.0, 0.0)
    };
    assert!(arm.send(&bad).unwrap_err().to_string().contains("finite"));
    arm.disengage().unwrap();
    assert!(arm.send(&command(&robot, 52, 0.0, 0.0)).is_err());
    println!(
        "50 forward commands, 50 attachments of 33 bytes, {} tokens",
        tokens.len()
    );
}

#[test]
fn paths_become_one_trajectory_and_letting_go_stops_the_arm() {
    let router = Arc::new(Router::open());
    let mut robot = robot(
        "kind = 'ros2'\nkeys = 'ros2dds'\n[command]\nkind = 'joint_trajectory'\ntopic = '/jtc/joint_trajectory'",
    );
    robot.gripper = None;
    let (kept, _subscriber) = router.keep("jtc/joint_trajectory");
    let _driver = driver(&router, "joint_states", &robot);
    // By its description alone, as programs do.
    let mut arm = choose::connect(
        robot.clone(),
        &router.endpoint,
        &Security::LoopbackOnly,
        Duration::from_secs(5),
    )
    .unwrap();
    arm.engage().unwrap();
    assert!(arm.takes_paths());
    let path: Vec<_> = (0..10)
        .map(|i| command(&robot, i, i as f64 * 0.001, 0.0))
        .collect();
    arm.send_path(&path).unwrap();
    arm.send(&path[9]).unwrap();
    arm.disengage().unwrap();
    until("three trajectories", || kept.lock().unwrap().len() == 3);
    let got: Vec<JointTrajectory> = messages(&kept);
    let names: Vec<_> = robot.joints.iter().map(|j| j.name.as_str()).collect();
    assert_eq!(got[0].joint_names.iter().collect::<Vec<_>>(), names);
    assert_eq!(
        [
            got[0].points.len(),
            got[1].points.len(),
            got[2].points.len()
        ],
        [10, 1, 1]
    );
    for (i, point) in got[0].points.iter().enumerate() {
        assert_eq!(point.positions, path[i].positions);
        assert_eq!(point.time_from_start.as_ns(), (i as u64 + 1) * 20_000_000);
    }
    assert_eq!(got[2].points.iter().next().unwrap().positions, robot.home);
    // Keys of the bridge have no attachment, and tokens of their own.
    assert!(kept.lock().unwrap().iter().all(|(_, a)| a.is_none()));
    let tokens = router.tokens("@/*/@ros2_lv/**");
    assert!(
        tokens.iter().any(|t| t
            .ends_with("/MP/jtc§joint_trajectory/trajectory_msgs§msg§JointTrajectory/:1:0:0,1")),
        "{tokens:?}"
    );
    assert!(
        tokens
            .iter()
            .any(|t| t.contains("/MS/joint_states/sensor_msgs§msg§JointState/")),
        "{tokens:?}"
    );
}

#[test]
fn servo_is_told_speeds_and_none_when_the_state_is_old() {
    for kind in ["servo_twist", "servo_joint_jog"] {
        let router = Arc::new(Router::open());
        let mut robot = robot(&format!(
            "kind = 'ros2'\n[command]\nkind = '{kind}'\ntopic = '/servo/delta'\nframe = 'fr3_link0'\ngain = 10.0"
        ));
        robot.gripper = None;
        let (kept, _subscriber) = router.keep("0/servo/delta/*/*");
        let driving = driver(&router, STATES, &robot);
        let mut arm = connect(&robot, &router);
        arm.engage().unwrap();
        for i in 1..=10 {
            arm.send(&command(&robot, i, 0.002, 0.0)).unwrap();
            std::thread::sleep(Duration::from_millis(20));
        }
        drop(driving);
        std::thread::sleep(Duration::from_millis(150));
        arm.send(&command(&robot, 11, 0.002, 0.0)).unwrap();
        arm.disengage().unwrap();
        until("speeds", || kept.lock().unwrap().len() == 12);
        let speeds: Vec<Vec<f64>> = if kind == "servo_twist" {
            let got: Vec<TwistStamped> = messages(&kept);
            assert!(
                got.iter()
                    .all(|m| m.header.frame_id == "fr3_link0" && m.header.stamp.sec > 0)
            );
            let each = got.iter().map(|m| (m.twist.linear, m.twist.angular));
            each.map(|(l, a)| vec![l.x, l.y, l.z, a.x, a.y, a.z])
                .collect()
        } else {
            let got: Vec<JointJog> = messages(&kept);
            assert!(got.iter().all(|m| m.joint_names.len() == 7));
            got.into_iter().map(|m| m.velocities.0).collect()
        };
        // Told to go 2 mrad in a period, then to make up for what is missing, then (blind) to stand.
        if kind == "servo_joint_jog" {
            assert!(
                speeds[0].iter().all(|v| (v - 0.1).abs() < 1e-9),
                "{:?}",
                speeds[0]
            );
            assert!(
                speeds[5].iter().all(|v| (v - 0.02).abs() < 1e-9),
                "{:?}",
                speeds[5]
            );
        }
        assert!(
            speeds[..10]
                .iter()
                .all(|s| s.iter().any(|v| v.abs() > 1e-4)),
            "{speeds:?}"
        );
        assert!(
            speeds[10..].iter().flatten().all(|v| *v == 0.0),
            "{speeds:?}"
        );
    }
}

#[test]
fn what_a_controller_does_not_allow_is_held_and_not_caught_up_with() {
    let router = Arc::new(Router::open());
    let mut robot = robot(
        "kind = 'ros2'\n[command]\nkind = 'forward_command'\ntopic = '/fwd/commands'\n[speed_scaling]\ntopic = '/scaling'\nfull = 100.0\nstale_ms = 300",
    );
    robot.gripper = None;
    let (kept, _subscriber) = router.keep("0/fwd/commands/*/*");
    let _driver = driver(&router, STATES, &robot);
    let mut arm = connect(&robot, &router);
    until("a state", || arm.latest(false, FRESH).is_ok());
    assert!(refusal(&mut arm).contains("allows no speed"));
    let key = "0/scaling/std_msgs::msg::dds_::Float64_/RIHS01_705ba9c3d1a09df43737eb67095534de36fd426c0587779bda2bc51fe790182a";
    let percent = Arc::new(Mutex::new(Some(100.0)));
    let _scaling = {
        let (router, percent) = (Arc::clone(&router), Arc::clone(&percent));
        Driver::start(move || {
            if let Some(data) = *percent.lock().unwrap() {
                router.publish(key, &Float64 { data });
            }
        })
    };
    arm.engage().unwrap();
    let mut by = 0.0;
    let mut sent = 0;
    let mut go = |arm: &mut Ros2Arm, ticks: u64, step: f64| {
        for _ in 0..ticks {
            (by, sent) = (by + step, sent + 1);
            arm.send(&command(&robot, sent, by, 0.0)).unwrap();
        }
        until("commands", || kept.lock().unwrap().len() as u64 == sent);
        let got: Vec<Float64MultiArray> = messages(&kept);
        got.iter()
            .map(|m| m.data.0[0] - robot.home[0])
            .collect::<Vec<f64>>()
    };
    let running = go(&mut arm, 20, 0.01);
    assert!((running[19] - 0.2).abs() < 1e-9);
    for stop in [Some(0.0), None] {
        let before = go(&mut arm, 1, 0.0);
        let at = *before.last().unwrap();
        *percent.lock().unwrap() = stop;
        until("the stop", || arm.speed_scale() == 0.0);
        let held = go(&mut arm, 20, 0.01);
        assert!(held[before.len()..].iter().all(|q| *q == at), "{held:?}");
        *percent.lock().unwrap() = Some(50.0);
        until("half speed", || arm.speed_scale() == 0.5);
        let after = go(&mut arm, 40, 0.0);
        let steps = after[held.len() - 1..].windows(2).map(|w| w[1] - w[0]);
        let fastest = steps.fold(0.0f64, f64::max);
        // 1.3 rad/s at 50 Hz, half of it.
        assert!(fastest <= 0.0130001, "{fastest}");
        assert!((after.last().unwrap() - at - 0.2).abs() < 1e-9);
    }
}

#[test]
fn grippers_are_moved_beside_the_arm_and_only_the_newest_goal_counts() {
    let router = Arc::new(Router::open());
    let robot = robot(
        "kind = 'ros2'\n[command]\nkind = 'forward_command'\ntopic = '/fwd/commands'\n[gripper]\nkind = 'action'\naction = '/hand/gripper_cmd'\njoint = 'finger'\nper_metre = 0.5\nmax_effort = 20.0",
    );
    let (_kept, _subscriber) = router.keep("0/fwd/commands/*/*");
    let _driver = driver(&router, STATES, &robot);
    let mut arm = connect(&robot, &router);
    until("a state", || arm.latest(false, FRESH).is_ok());
    assert!(refusal(&mut arm).contains("gripper's action"));

    let goals: Arc<Mutex<Vec<SendGoalRequest>>> = Arc::default();
    let cancelled: Arc<Mutex<Vec<[u8; 16]>>> = Arc::default();
    let serve = |part: &str, of: &str, answer: Answer| {
        let key = format!("0/hand/gripper_cmd/_action/{part}/{of}");
        let queryable = router.session.declare_queryable(key).complete(true);
        let queryable = queryable.callback(move |query| {
            let bytes = query.payload().unwrap().to_bytes().to_vec();
            assert_eq!(query.attachment().unwrap().len(), 33);
            let reply = answer(&bytes);
            query.reply(query.key_expr().clone(), reply).wait().unwrap();
        });
        queryable.wait().unwrap()
    };
    let to = Arc::clone(&goals);
    let send = serve(
        "send_goal",
        "control_msgs::action::dds_::GripperCommand_SendGoal_/RIHS01_6bf8cc4ce80cd499e7dd3258c03c50c3fa6672b469ff8355339ef1df77fcd212",
        Box::new(move |bytes| {
            let goal: SendGoalRequest = cdr::decode(bytes).unwrap();
            to.lock().unwrap().push(goal);
            // A slow one, which does not close all the way.
            std::thread::sleep(Duration::from_millis(200));
            let accepted = goal.position >= 0.002;
            cdr::encode(&SendGoalResponse {
                accepted,
                ..SendGoalResponse::default()
            })
            .unwrap()
        }),
    );
    let result = serve(
        "get_result",
        "control_msgs::action::dds_::GripperCommand_GetResult_/*",
        Box::new(|bytes| {
            let _: GetResultRequest = cdr::decode(bytes).unwrap();
            std::thread::sleep(Duration::from_millis(300));
            cdr::encode(&GetResultResponse {
                status: 4,
                reached_goal: true,
                ..Default::default()
            })
            .unwrap()
        }),
    );
    let to = Arc::clone(&cancelled);
    let cancel = serve(
        "cancel_goal",
        "action_msgs::srv::dds_::CancelGoal_/*",
        Box::new(move |bytes| {
            let request: CancelRequest = cdr::decode(bytes).unwrap();
            to.lock().unwrap().push(request.goal_info.goal_id);
            cdr::encode(&CancelResponse::default()).unwrap()
        }),
    );
    arm.engage().unwrap();
    let mut slowest = Duration::ZERO;
    for i in 0..100 {
        let began = Instant::now();
        arm.send(&command(&robot, i, 0.0, 0.01 + 0.0005 * i as f64))
            .unwrap();
        slowest = slowest.max(began.elapsed());
        std::thread::sleep(Duration::from_millis(10));
    }
    until("the last goal", || {
        goals
            .lock()
            .unwrap()
            .last()
            .is_some_and(|g| (g.position - 0.02975).abs() < 1e-3)
    });
    let sent = goals.lock().unwrap().clone();
    assert!(sent.len() >= 3 && sent.len() <= 12, "{} goals", sent.len());
    assert!(sent.iter().all(|g| g.max_effort == 20.0));
    // The slowest call may be the scheduler's; had it waited for the gripper, all would take 200 ms.
    assert!(slowest < Duration::from_millis(150), "{slowest:?}");
    until("the end of a goal", || {
        arm.gripper_report().unwrap().ended >= 1
    });
    println!(
        "100 targets, {} goals, slowest send {slowest:?}",
        sent.len()
    );

    // What is refused is said, and tried again without a hurry.
    let before = goals.lock().unwrap().len();
    for i in 0..50 {
        arm.send(&command(&robot, i, 0.0, 0.0)).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    let report = arm.gripper_report().unwrap();
    assert!(
        report.failed >= 1
            && report
                .problem
                .clone()
                .unwrap()
                .contains("does not take the goal"),
        "{report:?}"
    );
    assert!(goals.lock().unwrap().len() - before <= 4);

    // Letting go takes back what is under way.
    arm.send(&command(&robot, 0, 0.0, 0.06)).unwrap();
    until("a goal", || {
        goals
            .lock()
            .unwrap()
            .last()
            .is_some_and(|g| g.position == 0.03)
    });
    until("its answer", || {
        arm.gripper_report().unwrap().accepted > report.accepted
    });
    arm.disengage().unwrap();
    until("the cancellation", || !cancelled.lock().unwrap().is_empty());
    assert_eq!(
        cancelled.lock().unwrap().last(),
        goals.lock().unwrap().last().map(|g| &g.goal_id)
    );
    drop(arm);
    for queryable in [send, result, cancel] {
        queryable.undeclare().wait().unwrap();
    }
}

#[test]
fn pictures_come_in_the_cameras_size_and_others_are_refused() {
    let router = Arc::new(Router::open());
    let mut robot = robot(
        "kind = 'ros2'\n[command]\nkind = 'joint_trajectory'\ntopic = '/t'\n[cameras.front]\ntopic = '/front/image_raw'\n[cameras.wrist]\ntopic = '/wrist/compressed'\ncompressed = true",
    );
    robot.gripper = None;
    robot.cameras = ["front", "wrist"]
        .map(|name| Camera {
            name: name.into(),
            mount: Mount::World,
            position: [1.0, 0.0, 0.0],
            target: [0.0; 3],
            up: [0.0, 0.0, 1.0],
            vertical_fov_deg: 40.0,
            frozen_after_s: None,
            width: 4,
            height: 4,
        })
        .into();
    let arm = connect(&robot, &router);
    let _driver = driver(&router, STATES, &robot);
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 8, 8);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[90; 64]).unwrap();
    writer.finish().unwrap();
    let front = |encoding: &str, data: &[u8]| {
        let image = RawImage {
            header: Header {
                stamp: Time::from_ns(now_ns()),
                ..Header::default()
            },
            height: 6,
            width: 8,
            encoding: encoding.into(),
            is_bigendian: 0,
            step: 24,
            data,
        };
        router.publish(
            "0/front/image_raw/sensor_msgs::msg::dds_::Image_/RIHS01_x",
            &image,
        );
    };
    let send = |encoding: &str| {
        front(encoding, &[10, 20, 30].repeat(48));
        let image = cdr::CompressedImage {
            header: Header {
                stamp: Time::from_ns(now_ns()),
                ..Header::default()
            },
            format: "png".into(),
            data: &file,
        };
        router.publish(
            "0/wrist/compressed/sensor_msgs::msg::dds_::CompressedImage_/RIHS01_x",
            &image,
        );
    };
    let observation = {
        let mut seen = None;
        until("pictures", || {
            send("bgr8");
            seen = arm
                .latest(
                    true,
                    Freshness {
                        state: Duration::from_millis(500),
                        frame: Duration::from_millis(100),
                    },
                )
                .ok();
            seen.is_some()
        });
        seen.unwrap()
    };
    assert_eq!(observation.frames[0].image.rgb(), [30, 20, 10].repeat(16));
    assert_eq!(observation.frames[1].image.rgb(), [90; 48]);
    until("a refusal", || {
        send("yuv422");
        arm.latest(true, FRESH)
            .is_err_and(|e| e.to_string().contains("yuv422"))
    });
}
