//! Controllers that allow less than the speed that is commanded.

use crate::stand_in::{Driver, Router, command, messages, robot, until};
use crate::{FRESH, STATES, connect, driver, refusal};
use apprentice_adapter::cdr::{Float64, Float64MultiArray};
use apprentice_adapter::ros2::Ros2Arm;
use apprentice_link::Arm as _;
use std::sync::{Arc, Mutex};

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
