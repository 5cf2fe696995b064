//! A simulated node: it speaks franka-node's keys and bytes, keeps its leases and refuses as it does, and
//! its arm is wherever the last accepted target is. It says nothing about franka-node itself; the real one
//! is run by `cargo xtask conformance`.

#[path = "../listener/mod.rs"]
pub mod listener;

use apprentice_adapter::franka_node::wire::*;
use listener::listen;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use zenoh::sample::SampleKind;
use zenoh::{Session, Wait as _};

pub const ARM: &str = "arm1";
const STEP: f64 = 0.2;

/// What the simulated node does not do.
#[derive(Clone, Copy, Default)]
pub struct Lacks {
    pub state: bool,
    pub target: bool,
    pub gripper: bool,
}

pub struct Inside {
    pub state: State,
    pub alive: BTreeSet<u32>,
    pub last: u64,
    /// Whether the arm's clock goes on.
    pub running: bool,
    /// Bytes published in place of a state.
    pub garbage: Option<Vec<u8>>,
    pub gripper: GripperState,
    pub gripper_targets: Vec<GripperTarget>,
    pub last_target: Instant,
    pub leases_lost: u32,
}

pub struct StandIn {
    pub endpoint: String,
    pub inside: Arc<Mutex<Inside>>,
    pub session: Session,
}

impl StandIn {
    pub fn start(lacks: Lacks) -> Self {
        let (session, endpoint) = listen("peer");
        let inside = Arc::new(Mutex::new(Inside::new()));
        let key = |rest: &str| format!("franka/{ARM}/{rest}");
        if !lacks.target {
            let it = Arc::clone(&inside);
            session
                .declare_subscriber(key("target"))
                .callback(move |s| {
                    if let Ok(target) = decode_target(&s.payload().to_bytes()) {
                        it.lock().unwrap().judge(&target);
                    }
                })
                .background()
                .wait()
                .unwrap();
        }
        let it = Arc::clone(&inside);
        session
            .declare_subscriber(key("gripper/target"))
            .callback(move |s| {
                let target = decode_gripper_target(&s.payload().to_bytes()).unwrap();
                let mut it = it.lock().unwrap();
                it.gripper.width_m = target.width_m;
                it.gripper_targets.push(target);
            })
            .background()
            .wait()
            .unwrap();
        let it = Arc::clone(&inside);
        session
            .liveliness()
            .declare_subscriber(key("lease/*"))
            .history(true)
            .callback(move |s| {
                let id = s.key_expr().as_str().rsplit('/').next().unwrap();
                let id: u32 = id.parse().unwrap();
                it.lock().unwrap().lease(id, s.kind() == SampleKind::Put);
            })
            .background()
            .wait()
            .unwrap();
        for verb in ["acquire", "release", "enable", "stop", "recover"] {
            let it = Arc::clone(&inside);
            let named = key(&format!("cmd/{verb}"));
            session
                .declare_queryable(named.clone())
                .callback(move |query| {
                    let bytes = query.payload().unwrap().to_bytes().to_vec();
                    let asked: Value = serde_json::from_slice(&bytes).unwrap();
                    let answer = match it.lock().unwrap().obey(verb, &asked) {
                        Ok(()) => json!({"ok": true}),
                        Err(error) => json!({"ok": false, "error": error}),
                    };
                    query
                        .reply(named.clone(), answer.to_string())
                        .wait()
                        .unwrap();
                })
                .background()
                .wait()
                .unwrap();
        }
        if !lacks.state {
            let (it, session, wants_gripper) =
                (Arc::clone(&inside), session.clone(), !lacks.gripper);
            std::thread::spawn(move || {
                while !session.is_closed() {
                    let (state, gripper) = it.lock().unwrap().published();
                    let _ = session.put(format!("franka/{ARM}/state"), state).wait();
                    if wants_gripper {
                        let key = format!("franka/{ARM}/gripper/state");
                        let _ = session.put(key, gripper).wait();
                    }
                    std::thread::sleep(Duration::from_millis(10));
                }
            });
        }
        Self {
            endpoint,
            inside,
            session,
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    /// Waits until something is so.
    pub fn until(&self, what: &str, so: impl Fn(&Inside) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(3);
        while !so(&self.lock()) {
            assert!(Instant::now() < deadline, "never {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let _ = self.session.close().wait();
    }
}

impl Inside {
    fn new() -> Self {
        let q = [0.0, -0.17, 0.0, -2.4, 0.0, 2.2, 0.79];
        Self {
            state: State {
                phase: Phase::Idle,
                robot_mode: RobotMode::Idle,
                has_errors: false,
                holding: false,
                joint_target: false,
                client_id: 0,
                accepted_sequence: 0,
                accepted_stamp_ns: 0,
                node_ns: 0,
                robot_time_ms: 0,
                success_rate: 0.0,
                q,
                dq: [0.0; 7],
                tau_ext: [0.5, 0.0, -1.5, 0.0, 0.0, 0.0, 0.25],
                o_t_ee: [0.0; 16],
                o_f_ext_k: [0.0; 6],
                target: q,
                accepted: 0,
                refused: 0,
                dropped: 0,
            },
            alive: BTreeSet::new(),
            last: 0,
            running: true,
            garbage: None,
            gripper: GripperState {
                calibrated: true,
                grasped: false,
                moving: false,
                fault: false,
                client_id: 0,
                node_ns: 0,
                width_m: 0.05,
                commanded_m: 0.05,
                max_width_m: 0.08,
            },
            gripper_targets: Vec::new(),
            last_target: Instant::now(),
            leases_lost: 0,
        }
    }

    fn published(&mut self) -> (Vec<u8>, Vec<u8>) {
        self.state.node_ns += 10_000_000;
        if self.running {
            self.state.robot_time_ms += 10;
        }
        let silent = self.last_target.elapsed();
        self.state.holding =
            self.state.phase == Phase::Active && silent > Duration::from_millis(200);
        if self.state.phase == Phase::Active && silent > Duration::from_millis(2000) {
            self.state.phase = Phase::Idle;
        }
        let state = self
            .garbage
            .clone()
            .unwrap_or_else(|| encode_state(&self.state));
        (state, encode_gripper_state(&self.gripper))
    }

    fn judge(&mut self, target: &Target) {
        let s = &mut self.state;
        let near = target
            .numbers
            .iter()
            .zip(&s.target)
            .all(|(a, b)| (a - b).abs() <= STEP);
        let good = s.phase == Phase::Active
            && target.kind == TargetKind::Joints
            && target.client_id == s.client_id
            && target.sequence > self.last
            && near;
        if good {
            self.last = target.sequence;
            self.last_target = Instant::now();
            s.accepted += 1;
            s.accepted_sequence = target.sequence;
            s.accepted_stamp_ns = target.stamp_ns;
            s.target = target.numbers;
            s.q = target.numbers;
        } else {
            s.refused += 1;
        }
    }

    fn lease(&mut self, id: u32, alive: bool) {
        if alive {
            self.alive.insert(id);
            return;
        }
        self.alive.remove(&id);
        self.leases_lost += 1;
        if self.state.client_id == id {
            self.state.client_id = 0;
            rest(&mut self.state);
        }
    }

    fn obey(&mut self, verb: &str, asked: &Value) -> Result<(), String> {
        let client = asked["client_id"].as_u64().unwrap() as u32;
        let s = &mut self.state;
        let holds = s.client_id == client;
        let forbidden = Err(format!("not allowed in {}", s.phase.name()));
        match verb {
            "acquire" if !self.alive.contains(&client) => Err("no lease".into()),
            "acquire" if s.client_id != 0 && !holds => Err(format!("held by {}", s.client_id)),
            "acquire" if !matches!(s.phase, Phase::Idle | Phase::Acquired) => forbidden,
            "acquire" => {
                s.client_id = client;
                s.phase = Phase::Acquired;
                Ok(())
            }
            "recover" => {
                s.phase = Phase::Idle;
                s.has_errors = false;
                Ok(())
            }
            "release" | "enable" if !holds => Err(format!("client {client} is not the holder")),
            "release" if s.phase == Phase::Active => forbidden,
            "release" => {
                s.client_id = 0;
                rest(s);
                Ok(())
            }
            "enable" => {
                assert_eq!(asked["mode"], "joints");
                s.phase = Phase::Active;
                (s.accepted, s.refused, self.last) = (0, 0, 0);
                s.target = s.q;
                self.last_target = Instant::now();
                Ok(())
            }
            "stop" if s.phase == Phase::Active => {
                s.phase = Phase::Idle;
                Ok(())
            }
            _ => forbidden,
        }
    }
}

/// A fault stays until someone recovers the arm.
fn rest(state: &mut State) {
    if state.phase != Phase::Faulted {
        state.phase = Phase::Idle;
    }
}
