//! Robots in lockstep whose agent takes its time: what it decides counts some ticks later, and the robots
//! move meanwhile. The same seed gives the same episode however fast this computer is.

use crate::live::{LiveFigures, Thinking};
use crate::schedule::Schedule;
use crate::session::Running;
use crate::{Agent, ControlError, ControlLoop, Decision, View};
use apprentice_episode::Tick;

/// A decision that is on its way.
struct Pending {
    from: u64,
    arrives: u64,
    chunk: Vec<Decision>,
}

/// Runs the episodes of a group for `ticks` policy ticks, each decision as late as `thinking` says, rounded up
/// to whole ticks.
///
/// # Errors
/// As [`crate::record_episodes`].
pub(crate) fn run(
    robots: &mut [ControlLoop],
    agent: &mut dyn Agent,
    running: &mut [Running],
    ticks: u64,
    thinking: Thinking,
    watch: &(dyn Fn(usize, &Tick) + Sync),
) -> Result<LiveFigures, ControlError> {
    let mut figures = LiveFigures::default();
    for (place, (robot, running)) in robots.iter_mut().zip(running).enumerate() {
        let of_robot = one(robot, agent, running, ticks, thinking, place, watch)?;
        figures.add(of_robot);
    }
    Ok(figures)
}

fn one(
    robot: &mut ControlLoop,
    agent: &mut dyn Agent,
    running: &mut Running,
    ticks: u64,
    thinking: Thinking,
    place: usize,
    watch: &(dyn Fn(usize, &Tick) + Sync),
) -> Result<LiveFigures, ControlError> {
    let latency_ns = thinking.latency_ms.saturating_mul(1_000_000);
    let delay = latency_ns.div_ceil(robot.action_ns().max(1));
    let (keep, stride) = (agent.history(), agent.stride() as u64);
    let mut schedule = Schedule::new(thinking.blending);
    let mut pending: Option<Pending> = None;
    let mut figures = LiveFigures::default();
    for tick in 0..ticks {
        let expected = schedule.expected_delay();
        let due = schedule.left(tick).is_empty() || schedule.used(tick) + expected >= stride;
        if pending.is_none() && due && !robot.is_interrupted() {
            let view = View {
                robot: place,
                seed: running.seed,
                tick,
                observations: &running.observations,
                proprioception: &running.proprioception,
            };
            let chunk = agent.plan_ahead(&view, schedule.running(tick).as_ref())?;
            figures.decisions += 1;
            pending = Some(Pending {
                from: tick,
                // Nothing moves before the first decision.
                arrives: if tick == 0 { 0 } else { tick + delay },
                chunk,
            });
        }
        if let Some(arrived) = pending.take_if(|p| p.arrives <= tick) {
            schedule.offer(arrived.from, tick, arrived.chunk);
        }
        let planned: Vec<Decision> = match schedule.decide(tick) {
            Some(decision) => std::iter::once(decision)
                .chain(schedule.left(tick).iter().skip(1).cloned())
                .collect(),
            // Nothing reaches this tick: the robot stays, as if told to.
            None => running
                .proprioception
                .last()
                .map(|felt| Decision::from(felt.clone()))
                .into_iter()
                .collect(),
        };
        let done = running.step(robot, tick, &planned, robot.now_ns(), keep)?;
        if let Some(done) = done {
            watch(place, &done);
        }
        if robot.is_interrupted() {
            schedule.clear();
            pending = None;
            robot.rearm();
        }
    }
    figures.starved = schedule.starved();
    figures.largest_jump = schedule.largest_jump();
    figures.slowest_ms = thinking.latency_ms as f64;
    Ok(figures)
}
