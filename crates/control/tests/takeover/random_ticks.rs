//! A thousand takeovers at random control ticks of a robot in lockstep. An onlooker that knows only what was
//! said and planned judges every command, and afterwards the episodes.

use crate::marks::{Mark, somewhere};
use crate::watched_arm::{Motion, Onlooker, WatchedArm};
use crate::{episode, small_fr3};
use apprentice_control::{Agent, ChunkingConfig, ControlError, ControlLoop, record_episodes};
use apprentice_core::{ActionChunk, JointCommand, PolicyInput, RobotState, Seed};
use apprentice_episode::{DecidedBy, Episode};
use apprentice_link::{Arm as _, OperatorAccess, OperatorLink, RobotLink, TakeoverInbox};
use apprentice_robot::RobotDescription;
use apprentice_safety::{ControlAuthority, GuardConfig};
use apprentice_sim::{ClockMode, SimConfig, SimNode, TaskKind};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Actions of a chunk; the agent is asked again when they are carried out.
const CHUNK: usize = 3;
const TAKEOVERS: u64 = 1000;

/// What the agent planned.
struct Plan {
    tick: u64,
    epoch: u64,
    /// Whether the policy had the arm when it began to plan.
    had_the_arm: bool,
    actions: Vec<Vec<f32>>,
}

/// What was true when a command was sent.
struct Sent {
    holder: ControlAuthority,
    /// Whether it may carry out what the agent planned.
    of_plan: bool,
    /// What the person wanted, if anything.
    wanted: Option<Vec<f32>>,
}

/// Everything of one episode.
#[derive(Default)]
struct Log {
    plans: Vec<(u32, Plan)>,
    sent: Vec<Sent>,
}

/// Two devices, and an onlooker who knows what they say.
struct Script {
    robot: RobotDescription,
    rng: ChaCha8Rng,
    person: OperatorLink,
    rival: OperatorLink,
    inbox: TakeoverInbox,
    said: u64,
    /// Control ticks until the next thing happens.
    left: u32,
    /// Who has the arm, from what was said alone.
    holder: ControlAuthority,
    /// Counts changes of that: a plan of an earlier one is void.
    epoch: u64,
    wanted: Option<Vec<f32>>,
    wishes: u32,
    chunks: u32,
    motion: Motion,
    opening: f64,
    before: ControlAuthority,
    logs: Vec<Log>,
    takeovers: u64,
    rivals: u64,
    unseen: u64,
    /// Commands before an episode's first plan: somebody had let go of the arm in the one before.
    waited: u64,
    largest_jolt: f64,
    wrong: Vec<String>,
}

impl Script {
    fn hears(&mut self) {
        self.said += 1;
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.inbox.messages() < self.said {
            assert!(Instant::now() < deadline, "a message was lost on loopback");
            std::thread::yield_now();
        }
    }

    fn say(&mut self, deadman: bool, hand_back: bool, action: &[f32]) {
        self.person.send(deadman, hand_back, action).unwrap();
        self.hears();
    }

    /// The person holds the arm and wants something, sometimes to stay.
    fn hold(&mut self) {
        self.wanted = None;
        if self.rng.random_bool(0.9) {
            self.wishes += 1;
            let mark = Mark::Person(self.wishes);
            self.wanted = Some(somewhere(&self.robot, mark, &mut self.rng));
        }
        let action = self.wanted.clone().unwrap_or_default();
        self.say(true, false, &action);
    }

    fn take(&mut self) {
        self.takeovers += 1;
        self.change(ControlAuthority::Human);
        self.left = self.rng.random_range(0..8);
        self.hold();
    }

    fn let_go(&mut self) {
        self.change(ControlAuthority::Nobody);
        self.wanted = None;
        self.left = self.rng.random_range(0..5);
        self.say(false, false, &[]);
    }

    fn hand_back(&mut self) {
        self.change(ControlAuthority::Policy);
        self.left = self.rng.random_range(4..25);
        self.say(false, true, &[]);
    }

    fn change(&mut self, holder: ControlAuthority) {
        self.holder = holder;
        self.epoch += 1;
    }

    /// A second device wants the arm too.
    fn intrude(&mut self) {
        let unheard = self.inbox.counts().1;
        let action = somewhere(&self.robot, Mark::Rival, &mut self.rng);
        self.rival.send(true, false, &action).unwrap();
        self.hears();
        self.rivals += 1;
        if self.inbox.counts().1 != unheard + 1 {
            self.wrong.push("a second device was listened to".into());
        }
    }

    fn judge(&mut self, command: &JointCommand) {
        let step = self.motion.step(command);
        let log = self.logs.last().unwrap();
        let number = log.sent.len();
        // Before anything was planned the episode waits for whoever has let go of the arm.
        let plan = log.plans.last();
        let counts = |p: &Plan| p.had_the_arm && p.epoch == self.epoch;
        let of_plan =
            self.holder == ControlAuthority::Policy && plan.is_some_and(|(_, p)| counts(p));
        let expected = match (self.holder, &self.wanted, plan) {
            (ControlAuthority::Human, Some(_), _) => Some(Mark::Person(self.wishes)),
            (ControlAuthority::Policy, _, Some((chunk, plan))) if of_plan => {
                let action = number as u64 / 5 - plan.tick;
                Some(Mark::Policy(*chunk, action as u32))
            }
            _ => None,
        };
        let seen = Mark::of(command.gripper_width);
        let problem = match expected {
            Some(mark) if seen != Some(mark) => format!("carries out {seen:?}, not {mark:?}"),
            None if command.gripper_width != self.opening => format!("carries out {seen:?}"),
            None if !step.brakes => "does not brake".into(),
            _ => String::new(),
        };
        if !problem.is_empty() {
            self.wrong.push(format!(
                "command {number} of episode {}: {} has the arm, and it {problem}",
                self.logs.len(),
                self.holder.name()
            ));
        }
        if self.holder != self.before {
            self.largest_jolt = self.largest_jolt.max(step.jolt);
        }
        self.before = self.holder;
        self.opening = command.gripper_width;
        if plan.is_none() {
            self.waited += 1;
            return;
        }
        let sent = Sent {
            holder: self.holder,
            of_plan,
            wanted: self.wanted.clone(),
        };
        self.logs.last_mut().unwrap().sent.push(sent);
    }
}

impl Onlooker for Script {
    fn reset(&mut self, state: &RobotState) {
        self.motion.restart(state);
        self.opening = state.gripper_width;
        self.logs.push(Log::default());
    }

    fn command(&mut self, command: &JointCommand) {
        self.judge(command);
    }

    fn passed(&mut self) {
        if self.left > 0 {
            self.left -= 1;
            if self.holder == ControlAuthority::Human {
                // What was said last stands.
                if self.rng.random_bool(0.6) {
                    self.hold();
                }
                if self.rng.random_bool(0.1) {
                    self.intrude();
                }
            }
            return;
        }
        match self.holder {
            // Between two commands: nobody sees the arm move, but the plan is void.
            ControlAuthority::Policy if self.rng.random_bool(0.05) => {
                self.unseen += 1;
                self.take();
                self.let_go();
                self.hand_back();
            }
            ControlAuthority::Policy => self.take(),
            ControlAuthority::Human => {
                self.let_go();
                if self.left == 0 {
                    self.hand_back();
                }
            }
            ControlAuthority::Nobody => self.hand_back(),
        }
    }
}

/// Plans chunks of marked actions and tells the onlooker.
struct Planner(Arc<Mutex<Script>>);

impl Agent for Planner {
    fn plan(&mut self, inputs: &[PolicyInput<'_>]) -> Result<Vec<ActionChunk>, ControlError> {
        let script = &mut *self.0.lock().unwrap();
        let chunk = script.chunks;
        script.chunks += 1;
        let actions: Vec<Vec<f32>> = (0..CHUNK as u32)
            .map(|i| somewhere(&script.robot, Mark::Policy(chunk, i), &mut script.rng))
            .collect();
        let plan = Plan {
            tick: inputs[0].tick,
            epoch: script.epoch,
            had_the_arm: script.holder == ControlAuthority::Policy,
            actions: actions.clone(),
        };
        script.logs.last_mut().unwrap().plans.push((chunk, plan));
        let space = script.robot.action_space();
        Ok(vec![ActionChunk::new(space, inputs[0].stamp(), actions)?])
    }

    fn observation_history(&self) -> usize {
        1
    }
}

/// What the episodes say, counted.
#[derive(Debug, Default)]
struct Told {
    agent: u64,
    human: u64,
    nobody: u64,
    /// Ticks at which actions were kept that were not carried out, and those actions.
    interruptions: u64,
    unexecuted: u64,
}

/// Compares what an episode says with what happened.
fn compare(episode: &Episode, log: &Log, told: &mut Told) {
    assert!(episode.complete);
    assert_eq!(episode.ticks.len() * 5, log.sent.len());
    for (tick, sent) in episode.ticks.iter().zip(log.sent.chunks(5)) {
        let at = tick.index;
        let (_, plan) = log.plans.iter().rfind(|(_, p)| p.tick <= at).unwrap();
        let place = (at - plan.tick) as usize;
        let earlier = &log.sent[plan.tick as usize * 5..at as usize * 5];
        let void = !plan.had_the_arm || earlier.iter().any(|s| !s.of_plan);
        let human = sent.iter().any(|s| s.holder == ControlAuthority::Human);
        let decided = if human {
            DecidedBy::Human
        } else if sent.iter().all(|s| s.of_plan) {
            DecidedBy::Agent
        } else {
            DecidedBy::Nobody
        };
        assert_eq!(tick.decided_by, decided, "tick {at}");
        let wanted = sent
            .iter()
            .filter(|s| s.holder == ControlAuthority::Human)
            .filter_map(|s| s.wanted.as_ref())
            .next_back();
        let action = match decided {
            DecidedBy::Agent => &plan.actions[place],
            _ => wanted.unwrap_or(&tick.proprioception),
        };
        assert_eq!(&tick.action, action, "tick {at}");
        let kept = if void || decided == DecidedBy::Agent {
            &[][..]
        } else {
            &plan.actions[place..]
        };
        assert_eq!(tick.unexecuted, kept, "tick {at}");
        match decided {
            DecidedBy::Agent => told.agent += 1,
            DecidedBy::Human => told.human += 1,
            DecidedBy::Nobody => told.nobody += 1,
        }
        told.interruptions += u64::from(!kept.is_empty());
        told.unexecuted += kept.len() as u64;
    }
}

#[test]
fn a_thousand_takeovers_at_random_ticks() {
    let begun = Instant::now();
    let folder = tempfile::tempdir().unwrap();
    let robot = small_fr3();
    let node = SimNode::start(
        SimConfig::default(),
        TaskKind::default(),
        &robot,
        ClockMode::Lockstep,
        None,
    )
    .unwrap();
    let patience = Duration::from_secs(10);
    let link = RobotLink::connect(node.endpoint(), &robot.name, patience).unwrap();
    // A computer that is busy with other tests must not let go for the person.
    let inbox = link
        .takeover(OperatorAccess::Shared)
        .unwrap()
        .with_silence(Duration::from_secs(3600))
        .with_hand_back_after(Duration::ZERO);
    let device = || OperatorLink::connect(node.endpoint(), &robot.name, patience).unwrap();
    let (person, rival) = (device(), device());
    while inbox.devices() < 2 || !person.has_listener() || !rival.has_listener() {
        assert!(begun.elapsed() < patience, "the devices are not heard of");
        std::thread::sleep(Duration::from_millis(5));
    }
    let script = Arc::new(Mutex::new(Script {
        rng: Seed(15).rng(),
        person,
        rival,
        inbox: inbox.clone(),
        said: 0,
        left: 20,
        holder: ControlAuthority::Policy,
        epoch: 0,
        wanted: None,
        wishes: 0,
        chunks: 0,
        motion: Motion::new(&robot),
        opening: 0.0,
        before: ControlAuthority::Policy,
        logs: Vec::new(),
        takeovers: 0,
        rivals: 0,
        unseen: 0,
        waited: 0,
        largest_jolt: 0.0,
        wrong: Vec::new(),
        robot: robot.clone(),
    }));
    let arm = WatchedArm::new(link, Arc::clone(&script));
    let mut control = ControlLoop::new(Box::new(arm), GuardConfig::default()).unwrap();
    control.listen_to(inbox.clone());
    let mut robots = [control];
    let mut agent = Planner(Arc::clone(&script));
    let mut told = Told::default();
    let mut episodes = 0;
    while script.lock().unwrap().takeovers < TAKEOVERS {
        let plans = [episode(
            &robot,
            folder.path(),
            &format!("{episodes}"),
            episodes,
        )];
        let ran = record_episodes(
            &mut robots,
            &mut agent,
            &plans,
            300,
            ChunkingConfig::default(),
            &|_, _| {},
            |_| true,
        );
        ran.unwrap();
        let recorded = Episode::open(&plans[0].path).unwrap();
        let script = script.lock().unwrap();
        assert!(
            script.wrong.is_empty(),
            "{} wrong: {}",
            script.wrong.len(),
            script.wrong[0]
        );
        compare(&recorded, script.logs.last().unwrap(), &mut told);
        episodes += 1;
    }
    let script = script.lock().unwrap();
    println!(
        "R15: {} takeovers ({} between two commands, {} attempts of a second device) in {episodes} episodes, \
         {} commands: {} carried out a wish that was not the owner's (limit 0); largest change of speed at a \
         switch {:.3} of the acceleration limit (limit 1); {} violations by the checker (limit 0); {told:?}; {:.1} s",
        script.takeovers,
        script.unseen,
        script.rivals,
        script.motion.commands(),
        script.wrong.len(),
        script.largest_jolt,
        script.motion.violations.len(),
        begun.elapsed().as_secs_f64()
    );
    assert!(
        script.motion.violations.is_empty(),
        "{:?}",
        script.motion.violations[0]
    );
    assert_eq!(robots[0].totals().violations, 0);
    assert_eq!(inbox.counts(), (script.takeovers, script.rivals));
    assert!(script.largest_jolt > 0.1 && script.largest_jolt <= 1.0 + 1e-6);
    assert!(script.rivals > 200 && script.unseen > 20);
    assert!(
        script.waited > 0,
        "no episode began while nobody had the arm"
    );
    // Not every takeover finds a plan to interrupt: some come while the agent has not planned anew.
    assert!(told.interruptions * 2 > TAKEOVERS && told.unexecuted > told.interruptions);
    assert!(told.agent > 800 && told.human > 800 && told.nobody > 500);
}
