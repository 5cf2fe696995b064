//! A person takes a robot that has an adapter over from its policy, and hands it back.

use apprentice_control::{
    Agent, ChunkingConfig, ControlError, ControlLoop, EpisodePlan, record_episodes,
};
use apprentice_core::Seed;
use apprentice_core::{ActionChunk, ActionSpace, PolicyInput};
use apprentice_episode::{DecidedBy, Episode, EpisodeMeta, Source};
use apprentice_link::{Arm, OperatorAccess, OperatorLink};
use apprentice_robot::RobotDescription;
use apprentice_safety::GuardConfig;
use std::time::{Duration, Instant};

/// How far to one side of home the policy wants the first joint, and the person to the other, rad.
const ASIDE: f64 = 0.15;
/// From here on the first joint is on one of the two sides.
const CLEAR: f64 = 0.1;
const SECONDS: f64 = 12.0;
const PATIENCE: Duration = Duration::from_secs(10);
const PERIOD: Duration = Duration::from_millis(20);

/// Home with the first joint moved, as an action.
fn aside(robot: &RobotDescription, by: f64) -> Vec<f32> {
    let mut action: Vec<f32> = robot.home.iter().map(|q| *q as f32).collect();
    action[0] += by as f32;
    if robot.gripper.is_some() {
        action.push(0.04);
    }
    action
}

/// Wants the same all the time.
struct Policy {
    space: ActionSpace,
    action: Vec<f32>,
}

impl Agent for Policy {
    fn plan(&mut self, inputs: &[PolicyInput<'_>]) -> Result<Vec<ActionChunk>, ControlError> {
        let actions = vec![&self.action; 12];
        inputs
            .iter()
            .map(|input| Ok(ActionChunk::new(self.space, input.stamp(), &actions)?))
            .collect()
    }

    fn observation_history(&self) -> usize {
        1
    }

    fn n_action_steps(&self) -> usize {
        8
    }
}

fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < PATIENCE, "waited for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What the person does; `told` is how far from home the robot was told the first joint should be last.
fn takes_and_hands_back(
    mut device: OperatorLink,
    robot: &RobotDescription,
    told: &(dyn Fn() -> f64 + Sync),
) {
    let wish = aside(robot, -ASIDE);
    let mut say = |deadman: bool, hand_back: bool, action: &[f32]| {
        device.send(deadman, hand_back, action).unwrap();
        std::thread::sleep(PERIOD);
    };
    until("the policy's side", || told() > CLEAR);
    until("the person's side", || {
        say(true, false, &wish);
        told() < -CLEAR
    });
    // The policy goes on wanting the other side.
    for _ in 0..25 {
        say(true, false, &wish);
        assert!(told() < -CLEAR, "the policy is obeyed: {}", told());
    }
    // Lets go; one message may be lost.
    for _ in 0..20 {
        say(false, false, &[]);
    }
    let rest = told();
    for _ in 0..20 {
        say(false, false, &[]);
        assert!((told() - rest).abs() < 1e-6, "from {rest} to {}", told());
    }
    for _ in 0..3 {
        say(false, true, &[]);
    }
    until("the policy's side again", || told() > CLEAR);
    let seen = device.state().unwrap().positions[0] - robot.home[0];
    assert!(seen > 0.0, "the device sees the first joint at {seen}");
}

/// Lets a policy drive `arm`, which takes joints as actions, and a person take over whose device connects to
/// `endpoint`. `first_joint` is where the robot was told the first joint should be last, rad.
pub fn takes_over(
    arm: Box<dyn Arm>,
    access: OperatorAccess<'_>,
    endpoint: &str,
    first_joint: &(dyn Fn() -> f64 + Sync),
) {
    let robot = arm.description().clone();
    let inbox = arm.takeover(access).unwrap();
    // A person on a busy machine has not let go.
    let inbox = inbox.with_silence(Duration::from_secs(2));
    let device = OperatorLink::connect(endpoint, &robot.name, PATIENCE).unwrap();
    assert_eq!(*device.description(), robot);
    until("the device", || {
        inbox.devices() == 1 && device.has_listener()
    });
    let guard = GuardConfig {
        // Other tests may keep the processor.
        stale_ms: 1000,
        ..GuardConfig::default()
    };
    let mut control = ControlLoop::new(arm, guard).unwrap();
    control.listen_to(inbox.clone());
    let folder = tempfile::tempdir().unwrap();
    let plans = [EpisodePlan {
        path: folder.path().join("taken_over.mcap"),
        meta: EpisodeMeta::new(
            "a test",
            &robot.name,
            Source::Policy,
            Vec::new(),
            "joints_and_opening",
            robot.action_dim(),
            robot.policy_hz,
        ),
        seed: Seed(1),
    }];
    let told = || first_joint() - robot.home[0];
    std::thread::scope(|scope| {
        let person = scope.spawn(|| takes_and_hands_back(device, &robot, &told));
        let recorded = record_episodes(
            &mut [control],
            &mut Policy {
                space: robot.action_space(),
                action: aside(&robot, ASIDE),
            },
            &plans,
            (SECONDS * robot.policy_hz) as u64,
            ChunkingConfig::default(),
            &|_, _| {},
            |_| true,
        );
        person.join().unwrap();
        recorded.unwrap();
    });
    let recorded = Episode::open(&plans[0].path).unwrap();
    assert!(recorded.complete);
    let mut deciders: Vec<DecidedBy> = recorded.ticks.iter().map(|t| t.decided_by).collect();
    deciders.dedup();
    use DecidedBy::{Agent, Human, Nobody};
    assert_eq!(deciders, [Agent, Human, Nobody, Agent]);
    for tick in recorded.ticks.iter().filter(|t| t.decided_by == Human) {
        assert_eq!(tick.action, aside(&robot, -ASIDE), "tick {}", tick.index);
    }
    assert_eq!(inbox.counts().0, 1);
}
