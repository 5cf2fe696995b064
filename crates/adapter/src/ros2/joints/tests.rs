//! States out of whole messages, parts, and what is not ours.

use super::*;
use crate::cdr::{Header, Names, Time};

const A: &str = "fr3_joint1";
const B: &str = "fr3_joint2";
const US: Gid = Some([1; 16]);
const THEM: Gid = Some([2; 16]);

/// A reader whose states are all believed, unless something else is said.
struct Bench {
    reader: JointReader,
    began: Instant,
    taken: Acceptance,
    commanding: bool,
}

impl Bench {
    fn new(extra: &str) -> Self {
        let mut robot = RobotDescription::embedded("franka_fr3").unwrap();
        robot.joints.truncate(2);
        robot.home.truncate(2);
        robot.cameras.clear();
        let text = format!(
            "kind = 'ros2'\n{extra}\n[command]\nkind = 'joint_trajectory'\ntopic = '/t'\n
             [gripper]\nkind = 'action'\naction = '/g'\njoint = 'finger'\nper_metre = 0.5"
        );
        let settings = Settings::read(&text.parse().unwrap(), &robot).unwrap();
        Self {
            reader: JointReader::new(&robot, &settings),
            began: Instant::now(),
            taken: Acceptance::Accepted,
            commanding: true,
        }
    }

    fn hear(
        &mut self,
        message: &JointState,
        sender: Gid,
        at_ms: u64,
    ) -> Result<Option<(RobotState, u128)>, Unusable> {
        let origin = MessageOrigin {
            sender,
            now: self.began + Duration::from_millis(at_ms),
            elapsed_ns: at_ms * 1_000_000,
            commanding: self.commanding,
        };
        let Some(proposal) = self.reader.read(message, origin)? else {
            return Ok(None);
        };
        let heard = (
            proposal.state.clone(),
            proposal.came.duration_since(self.began).as_millis(),
        );
        self.reader.keep(proposal, self.taken);
        Ok(Some(heard))
    }

    fn state(&mut self, message: &JointState, at_ms: u64) -> RobotState {
        self.hear(message, US, at_ms).unwrap().unwrap().0
    }

    fn wrong(&mut self, message: &JointState, at_ms: u64) -> String {
        match self.hear(message, US, at_ms).unwrap_err() {
            Unusable::Wrong(reason) => reason,
            other => panic!("{other:?}"),
        }
    }
}

fn message(ns: u64, joints: &[(&str, f64)], velocities: &[f64]) -> JointState {
    let positions: Vec<f64> = joints.iter().map(|j| j.1).collect();
    JointState {
        header: Header {
            stamp: Time::from_ns(ns),
            ..Header::default()
        },
        name: joints.iter().map(|j| j.0).collect::<Names>(),
        position: Numbers(positions),
        velocity: velocities.into(),
        effort: Numbers::default(),
    }
}

#[test]
fn efforts_are_those_of_the_arms_joints_where_they_are_numbers() {
    let mut bench = Bench::new("");
    let arm = [("other", 9.0), (B, 2.0), (A, 1.0), ("finger", 0.02)];
    let mut with = |ns: u64, efforts: &[f64]| {
        let mut message = message(ns * 1_000_000, &arm, &[]);
        message.effort = efforts.into();
        bench.state(&message, ns).efforts
    };
    assert_eq!(with(1, &[]), None);
    assert_eq!(with(2, &[7.0, -2.0, 3.5, 0.0]), Some(vec![3.5, -2.0]));
    assert_eq!(with(3, &[f64::NAN; 4]), None, "a driver that has none");
    // Whoever takes the state refuses efforts of some joints only.
    assert_eq!(with(4, &[7.0, f64::NAN, 3.5, 0.0]), Some(vec![3.5]));
    assert_eq!(with(5, &[7.0, -2.0]), Some(vec![-2.0]));
}

#[test]
fn joints_are_found_by_name_in_any_order() {
    let mut bench = Bench::new("");
    let arm = [("other", 9.0), (B, 2.0), (A, 1.0)];
    let error = bench.wrong(&message(1, &arm, &[]), 0);
    assert!(error.contains("finger"), "{error}");
    assert_eq!(
        bench.hear(&message(1, &[("finger", 0.02)], &[]), US, 0),
        Ok(None)
    );
    let state = bench.state(&message(5_000_000, &arm, &[9.0, 0.5, f64::NAN]), 5);
    assert_eq!(
        (state.positions, state.gripper_width),
        (vec![1.0, 2.0], 0.04)
    );
    // Where a velocity is missing it comes from two states; the first of them could not be used for want of a
    // gripper, but said where the joint was.
    assert_eq!(
        (state.velocities, state.stamp_ns),
        (vec![0.0, 0.5], 5_000_000)
    );
    let next = [(A, 1.1), (B, 2.0)];
    let state = bench.state(&message(105_000_000, &next, &[]), 105);
    assert!(
        (state.velocities[0] - 1.0).abs() < 1e-9,
        "{:?}",
        state.velocities
    );
    let error = bench.wrong(&message(7, &arm, &[]), 2000);
    assert!(error.contains("finger"), "{error}");
}

#[test]
fn what_is_repeated_is_no_news_and_what_is_wrong_is_said() {
    let mut bench = Bench::new("joint_names = { fr3_joint1 = 'shoulder' }");
    let all = [("shoulder", 1.0), (B, 2.0), ("finger", 0.0)];
    let mut number = |ns, at| bench.state(&message(ns, &all, &[]), at).sequence;
    assert_eq!(number(5, 0), 1);
    assert_eq!(number(5, 1), 1);
    assert_eq!(number(6, 2), 2);
    assert_eq!(number(0, 10), 3);
    assert_eq!(number(0, 20), 4);
    let mut bench = Bench::new("joint_names = { fr3_joint1 = 'shoulder' }");
    let error = bench.wrong(&message(8, &[(B, 2.0), ("finger", 0.0)], &[]), 0);
    assert!(
        error.contains("shoulder") && error.contains("joint_names"),
        "{error}"
    );
    let bad = [("shoulder", f64::NAN), (B, 2.0), ("finger", 0.0)];
    assert!(
        bench
            .wrong(&message(9, &bad, &[]), 0)
            .contains("not finite")
    );
    assert!(
        bench
            .wrong(&message(9, &all, &[1.0]), 0)
            .contains("velocities")
    );
}

#[test]
fn messages_of_other_joints_are_passed_over_whatever_they_look_like() {
    let mut bench = Bench::new("");
    let mut wheels = message(1, &[("left_wheel", 0.0), ("right_wheel", 0.0)], &[0.1, 0.2]);
    wheels.position = Numbers::default();
    assert_eq!(bench.hear(&wheels, US, 0), Ok(None));
    wheels.velocity = Numbers(vec![1.0; 7]);
    assert_eq!(bench.hear(&wheels, THEM, 0), Ok(None));
    assert_eq!(bench.hear(&message(1, &[], &[]), THEM, 0), Ok(None));
    // Of ours they are not.
    let mut ours = message(1, &[(A, 1.0), (B, 2.0)], &[0.1, 0.2]);
    ours.position = Numbers::default();
    let error = bench.wrong(&ours, 0);
    assert!(error.contains("2 names and 0 positions"), "{error}");
}

#[test]
fn joints_that_come_in_parts_are_put_together_and_are_as_old_as_the_oldest() {
    let mut bench = Bench::new("");
    let left = |ms: u64, q| message(ms * 1_000_000, &[(A, q)], &[]);
    let right = |ms: u64, q| message(ms * 1_000_000, &[("finger", 0.02), (B, q)], &[]);
    let error = bench.wrong(&left(1, 1.0), 1);
    assert!(error.contains(B), "{error}");
    let (state, came) = bench.hear(&right(3, 2.0), THEM, 3).unwrap().unwrap();
    assert_eq!(
        (state.positions, state.sequence, came),
        (vec![1.0, 2.0], 1, 1)
    );
    let (state, came) = bench.hear(&left(21, 1.1), US, 21).unwrap().unwrap();
    assert_eq!(
        (&state.positions, state.sequence, came),
        (&vec![1.1, 2.0], 2, 3)
    );
    assert_eq!(state.stamp_ns, 3_000_000);
    assert!((state.velocities[0] - 5.0).abs() < 1e-9);
    // One part hangs and says the same again: it grows old.
    let (_, came) = bench.hear(&right(3, 2.0), THEM, 30).unwrap().unwrap();
    assert_eq!(came, 3);
    let (_, came) = bench.hear(&left(200, 1.2), US, 200).unwrap().unwrap();
    assert_eq!(came, 3);
    let error = bench.wrong(&left(1500, 1.2), 1500);
    assert!(error.contains(B) && error.contains("1 s"), "{error}");
}

#[test]
fn the_sender_believed_first_is_kept_until_it_is_silent() {
    let mut bench = Bench::new("");
    let all = |ms: u64, q| message(ms * 1_000_000, &[(A, q), (B, 2.0), ("finger", 0.0)], &[]);
    for at in (10..100).step_by(10) {
        assert!(bench.hear(&all(at, 1.0), US, at).is_ok());
        let Err(Unusable::OtherSender(who)) = bench.hear(&all(at, 1.0), THEM, at + 5) else {
            panic!("it was believed too");
        };
        assert!(
            who.contains(A) && who.contains("02020202") && who.contains("01010101"),
            "{who}"
        );
    }
    assert!(bench.hear(&all(400, 1.0), THEM, 400).is_err());
    assert!(bench.hear(&all(700, 1.0), THEM, 700).is_ok());
    assert!(bench.hear(&all(710, 1.0), US, 710).is_err());
    // Before the arm is commanded both are heard: what they say is judged.
    bench.commanding = false;
    assert!(bench.hear(&all(720, 1.0), US, 720).is_ok());
}

#[test]
fn a_state_that_was_left_out_changes_nothing() {
    let mut bench = Bench::new("");
    let whole = |ms: u64, q| message(ms * 1_000_000, &[(A, q), (B, q), ("finger", q / 50.0)], &[]);
    assert_eq!(bench.state(&whole(10, 1.0), 10).sequence, 1);
    bench.taken = Acceptance::Rejected;
    assert_eq!(bench.state(&whole(20, 0.0), 20).sequence, 2);
    bench.taken = Acceptance::Accepted;
    let half = message(30_000_000, &[(A, 1.02)], &[]);
    let state = bench.state(&half, 30);
    assert_eq!(
        (state.sequence, state.positions, state.gripper_width),
        (2, vec![1.02, 1.0], 0.04)
    );
    assert!((state.velocities[0] - 1.0).abs() < 1e-9);
}
