//! Grippers that are moved by an action.

use crate::stand_in::{Router, command, robot, until};
use crate::{FRESH, STATES, connect, driver, refusal};
use apprentice_adapter::cdr::{
    self, CancelRequest, CancelResponse, GetResultRequest, GetResultResponse, SendGoalRequest,
    SendGoalResponse,
};
use apprentice_link::Arm as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use zenoh::Wait as _;

/// What a service answers to bytes.
type Answer = Box<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

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
