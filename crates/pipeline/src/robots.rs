//! Robots to work with: simulated robots, each its own zenoh session on loopback.

use crate::config::Config;
use crate::context::Context;
use anyhow::{Context as _, Result, bail};
use apprentice_control::{ControlLoop, GuardTotals};
use apprentice_link::security::{Role, Security, SecurityError};
use apprentice_link::{Arm, LinkError, OperatorAccess, RobotLink, TakeoverInbox};
use apprentice_robot::RobotDescription;
use apprentice_sim::{ClockMode, SimNode};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Robots and the loops that control them.
pub struct Robots {
    /// One control loop a cell.
    pub loops: Vec<ControlLoop>,
    /// Where those who look on are told how far the episode is, one a loop; none for simulated robots.
    pub lookers_on: Vec<TakeoverInbox>,
    /// The simulated robots, if they are simulated; they run while this lives.
    pub nodes: Vec<SimNode>,
}

impl Robots {
    /// Connects to the robot at `robot.endpoint`, or starts `run.robots` simulated robots in lockstep
    /// and connects to them as to any robot.
    ///
    /// # Errors
    /// When a cell does not start or a robot does not answer.
    pub fn start(context: &Context) -> Result<Self> {
        let mut robots = Self::connect(context)?;
        for control in &mut robots.loops {
            control.end_when(Arc::clone(&context.stop));
            control.brake_when(Arc::clone(&context.stop));
        }
        Ok(robots)
    }

    fn connect(context: &Context) -> Result<Self> {
        let description = describe(context)?;
        let mut robots = Self {
            loops: Vec::new(),
            lookers_on: Vec::new(),
            nodes: Vec::new(),
        };
        let guard = &context.config.guard;
        if let Some(arm) = connect_foreign(context)? {
            let takeover = listen_to_operators(context, arm.as_ref())?;
            let mut control = ControlLoop::new(arm, guard.clone())?;
            if let Some(takeover) = takeover {
                robots.lookers_on.push(takeover.clone());
                control.listen_to(takeover);
            }
            robots.loops.push(control);
            return Ok(robots);
        }
        if let Some(link) = connect(context)? {
            let security = context.config.robot.security()?;
            let takeover = link.takeover(access(context, &security))?;
            let mut control = ControlLoop::new(Box::new(link), guard.clone())?;
            robots.lookers_on.push(takeover.clone());
            control.listen_to(takeover);
            robots.loops.push(control);
            return Ok(robots);
        }
        for _ in 0..context.config.run.robots {
            let node = SimNode::start(
                context.config.sim.clone(),
                context.config.task.clone(),
                &description,
                ClockMode::Lockstep,
                None,
            )
            .context("a simulated cell did not start")?;
            let link =
                RobotLink::connect(node.endpoint(), &description.name, Duration::from_secs(10))?;
            robots
                .loops
                .push(ControlLoop::new(Box::new(link), guard.clone())?);
            robots.nodes.push(node);
        }
        Ok(robots)
    }

    /// What the guards of all robots did.
    #[must_use]
    pub fn totals(&self) -> GuardTotals {
        self.loops
            .iter()
            .fold(GuardTotals::default(), |mut sum, l| {
                sum += l.totals();
                sum
            })
    }
}

/// The robot at `robot.endpoint`, where its description names an adapter; `None` where it does not.
fn connect_foreign(context: &Context) -> Result<Option<Box<dyn Arm>>> {
    let robot = &context.config.robot;
    let description = describe(context)?;
    if robot.endpoint.is_empty() || description.adapter.is_none() {
        return Ok(None);
    }
    let security = robot.security()?;
    let patience = Duration::from_secs(10);
    let arm =
        apprentice_adapter::connect::connect(description, &robot.endpoint, &security, patience)?;
    Ok(Some(arm))
}

/// Lets people take over a robot that has an adapter; `None` where they cannot.
fn listen_to_operators(context: &Context, arm: &dyn Arm) -> Result<Option<TakeoverInbox>> {
    let security = context.config.robot.security()?;
    match arm.takeover(access(context, &security)) {
        Ok(takeover) => Ok(Some(takeover)),
        Err(LinkError::Security(why @ SecurityError::UnjudgedOperators { .. })) => {
            context.warn(&format!("nobody can take over in this run: {why}"));
            Ok(None)
        }
        Err(error) => Err(error).context("operators' devices cannot be listened to"),
    }
}

/// Where operators' devices connect to.
fn access<'a>(context: &'a Context, security: &'a Security) -> OperatorAccess<'a> {
    match context.config.robot.operators.as_str() {
        "" => OperatorAccess::Shared,
        endpoint => OperatorAccess::Own { endpoint, security },
    }
}

/// A native link to the robot at `robot.endpoint`; `None` where robots are simulated.
///
/// # Errors
/// When it does not answer, or is not the robot that was configured.
pub fn connect(context: &Context) -> Result<Option<RobotLink>> {
    let endpoint = &context.config.robot.endpoint;
    if endpoint.is_empty() {
        return Ok(None);
    }
    let wanted = describe(context)?;
    let link = RobotLink::connect_as(
        Role::Runtime,
        endpoint,
        &wanted.name,
        &context.config.robot.security()?,
        Duration::from_secs(10),
    )?;
    if let Some(difference) = link.description().difference(&wanted) {
        bail!(
            "the robot {} at {endpoint} describes itself otherwise than robot.description {:?}: its {difference}; its driver must answer with what `apprentice robot describe` prints of that folder",
            wanted.name,
            context.config.robot.description
        );
    }
    Ok(Some(link))
}

/// The robot of the configuration, its simulated cameras at the configured size.
///
/// # Errors
/// When its description cannot be used.
pub fn describe(context: &Context) -> Result<RobotDescription> {
    describe_in(&context.config)
}

/// [`describe`], before there is a run.
///
/// # Errors
/// When its description cannot be used.
pub fn describe_in(config: &Config) -> Result<RobotDescription> {
    let name = &config.robot.description;
    let folder = Path::new(name);
    let mut description = if folder.is_dir() {
        RobotDescription::load(folder)?
    } else {
        RobotDescription::embedded(name)?
    };
    if !config.robot.endpoint.is_empty() {
        return Ok(description);
    }
    for camera in &mut description.cameras {
        camera.width = config.robot.image_size;
        camera.height = config.robot.image_size;
    }
    Ok(description)
}
