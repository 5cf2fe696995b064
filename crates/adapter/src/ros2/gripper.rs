//! Moving a gripper by its action, on a thread of its own: asking must never hold up the arm.

use super::liveliness::{self, Kind};
use super::node::{RosNode, Sender, wall_ns};
use super::settings::GripperSettings;
use super::type_hashes::{CANCEL_GOAL, GRIPPER_GET_RESULT, GRIPPER_SEND_GOAL, RosType};
use crate::cdr::{
    self, CancelRequest, CancelResponse, GetResultRequest, GetResultResponse, GoalInfo,
    SendGoalRequest, SendGoalResponse,
};
use crate::session::unusable;
use apprentice_link::LinkError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use zenoh::Wait as _;
use zenoh::query::{ConsolidationMode, Querier, QueryTarget, Reply};

/// How long an answer may take to whether a goal is taken.
const ANSWER: Duration = Duration::from_secs(1);
/// How long a gripper may take to be where it should.
const MOTION: Duration = Duration::from_secs(30);
/// How long after a refusal a target is tried again.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest answer that is read, bytes.
const LONGEST_ANSWER: usize = 64 << 10;

/// What became of targets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GripperReport {
    /// Goals that were taken.
    pub accepted: u64,
    /// Goals that were not, or not answered.
    pub failed: u64,
    /// Goals that ended.
    pub ended: u64,
    /// What went wrong last.
    pub problem: Option<String>,
}

/// Sends goals. Only the newest target counts.
pub(super) struct GripperClient {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    goal: Service,
    result: Service,
    cancel: Service,
    settings: GripperSettings,
    identity: String,
}

#[derive(Default)]
struct State {
    /// Where to, metres.
    target: Option<f64>,
    /// Whether the running goal is to be taken back.
    release: bool,
    end: bool,
    /// The goal that was taken last, unless it has ended.
    running: Option<[u8; 16]>,
    goals: u64,
    report: GripperReport,
}

/// One of an action's services.
struct Service {
    querier: Querier<'static>,
    /// None where the bridge sees the action as one.
    sender: Option<Sender>,
}

impl GripperClient {
    /// For the action of these settings.
    pub fn open(
        node: &RosNode,
        settings: &GripperSettings,
    ) -> Result<(Self, Option<Sender>), LinkError> {
        let action = settings.action.clone().unwrap_or_default();
        let service = |part: &str, of: &RosType, patience| {
            let name = format!("{}/_action/{part}", action.trim_end_matches('/'));
            Service::open(node, &name, of, patience)
        };
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            goal: service("send_goal", &GRIPPER_SEND_GOAL, ANSWER)?,
            result: service("get_result", &GRIPPER_GET_RESULT, MOTION)?,
            cancel: service("cancel_goal", &CANCEL_GOAL, ANSWER)?,
            settings: settings.clone(),
            identity: node.session.zid().to_string(),
        });
        let whole = RosType {
            name: "control_msgs/action/GripperCommand",
            hash: "",
        };
        let seen = node
            .sees_actions_whole()
            .then(|| node.client(Kind::ActionClient, &action, &whole))
            .transpose()?;
        let work = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("gripper".into())
            .spawn(move || work.run())
            .map_err(|e| LinkError::Key {
                key: action,
                reason: format!("no thread for the gripper: {e}"),
            })?;
        let client = Self {
            shared,
            thread: Some(thread),
        };
        Ok((client, seen))
    }

    /// Where the fingers should be, metres apart. Never waits.
    pub fn aim(&self, width: f64) {
        let mut state = self.shared.lock();
        if state.target != Some(width) {
            state.target = Some(width);
            drop(state);
            self.shared.changed.notify_all();
        }
    }

    /// Takes back what it is doing. Never waits.
    pub fn release(&self) {
        let mut state = self.shared.lock();
        (state.target, state.release) = (None, true);
        drop(state);
        self.shared.changed.notify_all();
    }

    pub fn report(&self) -> GripperReport {
        self.shared.lock().report.clone()
    }

    /// Whether the action is there.
    pub fn has_subscriber(&self) -> Result<bool, LinkError> {
        let querier = &self.shared.goal.querier;
        let status = querier.matching_status().wait();
        status
            .map(|s| s.matching())
            .map_err(|e| unusable(self.key(), &e))
    }

    pub fn key(&self) -> &str {
        self.shared.goal.querier.key_expr()
    }
}

impl Drop for GripperClient {
    fn drop(&mut self) {
        self.shared.lock().end = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed already.
            let _ = thread.join();
        }
    }
}

/// What the thread does next.
enum Work {
    Goal(f64),
    Cancel([u8; 16]),
    End,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(self: Arc<Self>) {
        // What was taken last, and when what failed last may be tried again.
        let mut sent: Option<f64> = None;
        let mut pause: Option<Instant> = None;
        loop {
            match self.next(sent, pause) {
                Work::End => return,
                Work::Cancel(goal) => {
                    sent = None;
                    if let Err(problem) = self.take_back(goal) {
                        self.fail(&problem);
                    }
                }
                Work::Goal(width) => match self.send(width) {
                    Ok(()) => (sent, pause) = (Some(width), None),
                    Err(problem) => {
                        self.fail(&problem);
                        (sent, pause) = (None, Some(Instant::now() + PAUSE));
                    }
                },
            }
        }
    }

    /// Waits for something to do.
    fn next(&self, sent: Option<f64>, pause: Option<Instant>) -> Work {
        let mut state = self.lock();
        loop {
            if state.end {
                return Work::End;
            }
            if std::mem::take(&mut state.release)
                && let Some(goal) = state.running.take()
            {
                return Work::Cancel(goal);
            }
            let news = state.target.filter(|target| {
                sent.is_none_or(|sent| (target - sent).abs() > self.settings.step_m)
            });
            let wait = pause.map(|until| until.saturating_duration_since(Instant::now()));
            match (news, wait) {
                (Some(target), None | Some(Duration::ZERO)) => return Work::Goal(target),
                (Some(_), Some(wait)) => {
                    let waited = self.changed.wait_timeout(state, wait);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                (None, _) => {
                    let waited = self.changed.wait(state);
                    state = waited.unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    fn send(self: &Arc<Self>, width: f64) -> Result<(), String> {
        let goal_id = self.goal_id();
        let request = SendGoalRequest {
            goal_id,
            position: self.settings.gripper_scale().position(width),
            max_effort: self.settings.max_effort,
        };
        let answer: SendGoalResponse = self.goal.ask(&request)?;
        if !answer.accepted {
            return Err(format!("it does not take the goal of {width:.4} m"));
        }
        {
            let mut state = self.lock();
            state.report.accepted += 1;
            state.running = Some(goal_id);
        }
        // The answer comes when the fingers stand; nobody waits for it.
        let shared = Arc::clone(self);
        self.result
            .ask_later(&GetResultRequest { goal_id }, move |answer| {
                shared.ended(goal_id, answer);
            })
    }

    fn ended(&self, goal_id: [u8; 16], answer: Result<GetResultResponse, String>) {
        let mut state = self.lock();
        state.report.ended += 1;
        if state.running == Some(goal_id) {
            state.running = None;
            let problem = match answer {
                // Succeeded, or cancelled by us; holding something is no failure either.
                Ok(result) if result.status == 4 || result.status == 5 || result.stalled => None,
                Ok(result) => Some(format!("its goal ended with status {}", result.status)),
                Err(problem) => Some(problem),
            };
            drop(state);
            if let Some(problem) = problem {
                self.fail(&problem);
            }
        }
    }

    fn take_back(&self, goal_id: [u8; 16]) -> Result<(), String> {
        let goal_info = GoalInfo {
            goal_id,
            ..GoalInfo::default()
        };
        let answer: CancelResponse = self.cancel.ask(&CancelRequest { goal_info })?;
        match answer.return_code {
            // Cancelled, or over already.
            0 | 3 => Ok(()),
            code => Err(format!("it does not take its goal back: code {code}")),
        }
    }

    fn fail(&self, problem: &str) {
        let mut state = self.lock();
        state.report.failed += 1;
        let news = state.report.problem.as_deref() != Some(problem);
        state.report.problem = Some(problem.to_owned());
        drop(state);
        if news {
            tracing::warn!("the gripper at {}: {problem}", self.goal.key());
        }
    }

    /// A number nobody else uses (RFC 9562, version 8).
    fn goal_id(&self) -> [u8; 16] {
        let count = {
            let mut state = self.lock();
            state.goals += 1;
            state.goals
        };
        let mut id = liveliness::gid(&format!("{}/{count}/{}", self.identity, wall_ns()));
        let [_, _, _, _, _, _, version, _, variant, ..] = &mut id;
        *version = (*version & 0x0f) | 0x80;
        *variant = (*variant & 0x3f) | 0x80;
        id
    }
}

impl Service {
    fn open(
        node: &RosNode,
        name: &str,
        of: &RosType,
        patience: Duration,
    ) -> Result<Self, LinkError> {
        let key = node.key(name, of);
        let target = if node.sees_actions_whole() {
            QueryTarget::BestMatching
        } else {
            QueryTarget::AllComplete
        };
        let querier = node
            .session
            .declare_querier(key.clone())
            .target(target)
            .consolidation(ConsolidationMode::None)
            .timeout(patience)
            .wait()
            .map_err(|e| unusable(&key, &e))?;
        let sender = (!node.sees_actions_whole())
            .then(|| node.client(Kind::Client, name, of))
            .transpose()?;
        Ok(Self { querier, sender })
    }

    fn key(&self) -> &str {
        self.querier.key_expr()
    }

    /// Asks and waits for the answer.
    fn ask<Q: Serialize, A: DeserializeOwned>(&self, request: &Q) -> Result<A, String> {
        let bytes = cdr::encode(request).map_err(|e| e.to_string())?;
        let get = self.querier.get().payload(bytes);
        let get = match self.attachment() {
            Some(attachment) => get.attachment(attachment),
            None => get,
        };
        let replies = get.wait().map_err(|e| e.to_string())?;
        match replies.recv() {
            Ok(reply) => read(&reply),
            Err(_) => Err(format!("nobody answers on {}", self.key())),
        }
    }

    /// Asks; the answer goes to `then`, unless none comes.
    fn ask_later<Q: Serialize, A: DeserializeOwned>(
        &self,
        request: &Q,
        then: impl Fn(Result<A, String>) + Send + Sync + 'static,
    ) -> Result<(), String> {
        let bytes = cdr::encode(request).map_err(|e| e.to_string())?;
        let get = self.querier.get().payload(bytes);
        let get = match self.attachment() {
            Some(attachment) => get.attachment(attachment),
            None => get,
        };
        let asked = get.callback(move |reply| then(read(&reply))).wait();
        asked.map_err(|e| e.to_string())
    }

    fn attachment(&self) -> Option<Vec<u8>> {
        self.sender.as_ref()?.next().map(|a| a.to_vec())
    }
}

/// The answer in a reply.
fn read<A: DeserializeOwned>(reply: &Reply) -> Result<A, String> {
    match reply.result() {
        Ok(sample) if sample.payload().len() > LONGEST_ANSWER => Err(format!(
            "its answer has {} bytes, allowed: {LONGEST_ANSWER}",
            sample.payload().len()
        )),
        Ok(sample) => cdr::decode(&sample.payload().to_bytes()).map_err(|e| e.to_string()),
        Err(error) if error.payload().len() > LONGEST_ANSWER => Err("it refuses, at length".into()),
        Err(error) => Err(String::from_utf8_lossy(&error.payload().to_bytes()).into_owned()),
    }
}
