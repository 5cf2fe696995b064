//! Openings for the gripper of an arm.

use super::exchange::unusable;
use super::settings::Settings;
use super::wire::{GripperTarget, encode_gripper_target};
use apprentice_link::LinkError;
use std::time::{Duration, Instant};
use zenoh::pubsub::Publisher;
use zenoh::{Session, Wait as _};

/// The Franka Hand runs one command after the other, each for up to seconds: faster is of no use.
const APART: Duration = Duration::from_millis(100);
/// Openings nearer to the last one are the same; the node's driver takes them so too, metres.
const SAME: f64 = 0.001;

/// Sends what is new.
pub(super) struct GripperSide {
    key: String,
    publisher: Publisher<'static>,
    client_id: u32,
    force_n: Option<f64>,
    sequence: u64,
    last: Option<(f64, Instant)>,
}

impl GripperSide {
    pub(super) fn new(
        session: &Session,
        settings: &Settings,
        client_id: u32,
    ) -> Result<Self, LinkError> {
        let key = settings.key("gripper/target");
        Ok(Self {
            publisher: super::exchange::publisher(session, &key)?,
            key,
            client_id,
            force_n: settings.grasp_force_n,
            sequence: 0,
            last: None,
        })
    }

    /// Begins anew, from where the gripper is: what it holds it goes on holding until told otherwise.
    pub(super) fn restart(&mut self, measured_m: Option<f64>) {
        self.last = measured_m.map(|width| (width, Instant::now()));
    }

    /// Asks for an opening in metres, when it is another than before and the one before is long enough ago;
    /// commands come so often that the newest is asked for by one of the next.
    pub(super) fn send(&mut self, width_m: f64, stamp_ns: u64) -> Result<(), LinkError> {
        if !width_m.is_finite() {
            return Err(unusable(
                &self.key,
                format!("an opening of {width_m} m; nothing was sent for the gripper"),
            ));
        }
        if let Some((before, when)) = self.last
            && ((width_m - before).abs() <= SAME || when.elapsed() < APART)
        {
            return Ok(());
        }
        let closing = self.last.is_some_and(|(before, _)| width_m < before);
        let grasp_force = self.force_n.filter(|_| closing);
        self.sequence += 1;
        let target = GripperTarget {
            grasp: grasp_force.is_some(),
            client_id: self.client_id,
            sequence: self.sequence,
            stamp_ns,
            width_m,
            force_n: grasp_force.unwrap_or(0.0),
        };
        self.publisher
            .put(encode_gripper_target(&target))
            .wait()
            .map_err(|e| unusable(&self.key, e))?;
        self.last = Some((width_m, Instant::now()));
        Ok(())
    }
}
