//! A client of franka-node by raw puts and queries: it sends whatever it is told to.

use crate::watch::{self, Watch};
use apprentice_adapter::franka_node::wire::{Phase, State, Target, TargetKind, encode_target};
use serde_json::{Value, json};
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use zenoh::liveliness::LivelinessToken;
use zenoh::pubsub::Publisher;
use zenoh::qos::CongestionControl;
use zenoh::{Session, Wait as _};

/// The client.
pub struct RawClient {
    session: Session,
    prefix: String,
    /// Its number.
    pub id: u32,
    /// The last sequence it sent.
    pub sequence: u64,
    token: Option<LivelinessToken>,
    publisher: Publisher<'static>,
    status: Arc<Mutex<Option<Value>>>,
}

impl RawClient {
    /// A client with this number, holding nothing yet.
    ///
    /// # Errors
    /// When nothing listens at `endpoint`.
    pub fn new(endpoint: &str, arm: &str, id: u32) -> Result<Self, Box<dyn Error>> {
        let session = watch::session(endpoint)?;
        let prefix = format!("franka/{arm}");
        let publisher = session
            .declare_publisher(format!("{prefix}/target"))
            .congestion_control(CongestionControl::Block)
            .express(true)
            .wait()
            .map_err(|e| e.to_string())?;
        let status = Arc::new(Mutex::new(None));
        let to = Arc::clone(&status);
        session
            .declare_subscriber("franka/node/*/status")
            .callback(move |s| {
                let read = serde_json::from_slice(&s.payload().to_bytes()).ok();
                *to.lock().unwrap_or_else(PoisonError::into_inner) = read;
            })
            .background()
            .wait()
            .map_err(|e| e.to_string())?;
        Ok(Self {
            session,
            prefix,
            id,
            sequence: 0,
            token: None,
            publisher,
            status,
        })
    }

    /// Asks the node; answers its reason where it says no.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn ask(&self, verb: &str, request: &Value) -> Result<Option<String>, Box<dyn Error>> {
        let key = format!("{}/cmd/{verb}", self.prefix);
        let replies = self
            .session
            .get(&key)
            .payload(request.to_string())
            .timeout(Duration::from_secs(10))
            .wait()
            .map_err(|e| e.to_string())?;
        let reply = replies
            .recv()
            .map_err(|_| format!("{key}: no answer in 10 s"))?;
        let sample = reply
            .result()
            .map_err(|e| String::from_utf8_lossy(&e.payload().to_bytes()).into_owned())?;
        let answer: Value = serde_json::from_slice(&sample.payload().to_bytes())?;
        Ok((answer["ok"] != true).then(|| answer["error"].as_str().unwrap_or("no").to_owned()))
    }

    /// Declares the lease and acquires the arm.
    ///
    /// # Errors
    /// What the node says.
    pub fn acquire(&mut self) -> Result<(), Box<dyn Error>> {
        let key = format!("{}/lease/{}", self.prefix, self.id);
        let token = self.session.liveliness().declare_token(key).wait();
        self.token = Some(token.map_err(|e| e.to_string())?);
        let deadline = Instant::now() + Duration::from_secs(3);
        loop {
            match self.ask("acquire", &json!({"client_id": self.id}))? {
                None => return Ok(()),
                Some(no) if no == "no lease" && Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Some(no) => return Err(format!("acquire: {no}").into()),
            }
        }
    }

    /// Begins a joint session, and waits until it has begun.
    ///
    /// # Errors
    /// What the node says.
    pub fn enable(&mut self, watch: &Watch) -> Result<State, Box<dyn Error>> {
        let request = json!({"client_id": self.id, "mode": "joints"});
        if let Some(no) = self.ask("enable", &request)? {
            return Err(format!("enable: {no}").into());
        }
        let (_, state) = watch.until(
            "an active session",
            Instant::now(),
            Duration::from_secs(3),
            |s| s.phase == Phase::Active && s.joint_target,
        )?;
        Ok(state)
    }

    /// Gives the lease up; answers when.
    ///
    /// # Errors
    /// When zenoh does not.
    pub fn lose_lease(&mut self) -> Result<Instant, Box<dyn Error>> {
        let now = Instant::now();
        if let Some(token) = self.token.take() {
            token.undeclare().wait().map_err(|e| e.to_string())?;
        }
        Ok(now)
    }

    /// Puts a joint target with the next sequence.
    ///
    /// # Errors
    /// When zenoh does not.
    pub fn put(&mut self, numbers: [f64; 7]) -> Result<(), Box<dyn Error>> {
        self.put_as(numbers, |_| {})
    }

    /// The same, changed on the way.
    ///
    /// # Errors
    /// When zenoh does not.
    pub fn put_as(
        &mut self,
        numbers: [f64; 7],
        change: impl FnOnce(&mut Target),
    ) -> Result<(), Box<dyn Error>> {
        self.sequence += 1;
        let mut target = Target {
            kind: TargetKind::Joints,
            anchor: false,
            client_id: self.id,
            sequence: self.sequence,
            stamp_ns: self.sequence,
            numbers,
        };
        change(&mut target);
        self.put_bytes(encode_target(&target))
    }

    /// Puts bytes where targets go.
    ///
    /// # Errors
    /// When zenoh does not.
    pub fn put_bytes(&self, bytes: Vec<u8>) -> Result<(), Box<dyn Error>> {
        let put = self.publisher.put(bytes).wait();
        put.map_err(|e| e.to_string().into())
    }

    /// Messages the node could not read since it began, as it said in the last second.
    #[must_use]
    pub fn decode_failures(&self) -> Option<u64> {
        let status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        let arms = status.as_ref()?.get("arms")?.as_array()?;
        let name = self.prefix.strip_prefix("franka/")?;
        let arm = arms.iter().find(|a| a["name"] == name)?;
        arm["decode_failures"].as_u64()
    }
}
