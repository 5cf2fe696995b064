//! R24: a person takes the arm and lets go of it, others speak in the person's name, and a new episode begins.

use crate::intruder::Intruder;
use crate::link_robot::LinkRobot;
use crate::measured::largest_difference;
use crate::stub_agent::{beside_home, fr3};
use crate::{Rows, Scale};
use anyhow::{Context as _, Result, ensure};
use apprentice_control::ControlLoop;
use apprentice_link::{Arm as _, OperatorAccess, OperatorLink, TakeoverInbox};
use apprentice_safety::{ControlAuthority, GuardConfig};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(10);
/// How long an episode waits for a person in this row.
const WAITS: Duration = Duration::from_millis(600);

/// 3 times, 30 in full.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    let robot = LinkRobot::start(fr3()?)?;
    let link = robot.link()?;
    let inbox = link.takeover(OperatorAccess::Shared)?;
    // Nothing but what devices say takes the arm from the person here.
    let inbox = inbox.with_silence(Duration::from_secs(60));
    let mut control = ControlLoop::new(Box::new(link), GuardConfig::default())?;
    control.listen_to(inbox.clone());
    let end = Arc::new(AtomicBool::new(false));
    control.end_when(Arc::clone(&end));
    let mut person = Person {
        device: OperatorLink::connect(robot.endpoint(), &robot.description.name, PATIENCE)?,
        said: 0,
        inbox,
        forger: Intruder::at(robot.endpoint(), &robot.description.name)?,
        forged: 0,
        to_policy: 0,
    };
    let begun = Instant::now();
    while person.inbox.devices() < 1 || !person.device.has_listener() {
        ensure!(begun.elapsed() < PATIENCE, "the device is not heard");
        sleep(Duration::from_millis(2));
    }
    let times = scale.pick(3, 30);
    let (mut heard, mut waited, mut handed_back) = (0, 0, 0);
    let (mut moved, mut works) = (0.0f64, 0);
    for _ in 0..times {
        heard += u64::from(person.takes_the_arm_while_others_forge()?);
        ensure!(
            person.inbox.decide().0 == ControlAuthority::Nobody,
            "the arm is not nobody's once the person let go"
        );
        let before = robot.log().commands.len();
        let (control, person, robot) = (&mut control, &mut person, &robot);
        scope(|scope| -> Result<()> {
            let episode = scope.spawn(move || control.reset(1).map(|_| control));
            let begun = Instant::now();
            let mut forged = Ok(());
            while begun.elapsed() < WAITS && forged.is_ok() {
                forged = person.forge_hand_backs();
                sleep(Duration::from_millis(20));
            }
            waited += u64::from(!episode.is_finished());
            moved = moved.max(wandered(robot, before));
            let back = forged.and_then(|()| person.hands_back());
            // Nobody waits for a person who failed.
            end.store(back.is_err(), Relaxed);
            let episode = episode.join().ok().context("a panic")?;
            back?;
            let control = episode?;
            handed_back += 1;
            // The policy's again: it moves.
            let aside = beside_home(&robot.description, 0.1)?;
            for _ in 0..4 {
                control.act(&aside, control.now_ns())?;
            }
            works += u64::from(wandered(robot, before) > 0.01);
            control.release()?;
            Ok(())
        })?;
    }
    rows.exactly(
        format!(
            "deadmen let go of, then a new episode: those that waited for {} s",
            WAITS.as_secs_f64()
        ),
        waited,
        times,
    );
    rows.at_most(
        "how far the arm was told to move before it was handed back",
        moved,
        0.0,
        "rad",
    );
    rows.exactly(
        format!(
            "{} forged messages, hand-backs with number 2^64-1 and some that take the arm from the person and hand it back at once: times the policy got it",
            person.forged
        ),
        person.to_policy,
        0,
    );
    rows.exactly(
        format!(
            "times the person was heard on after forged numbers ({:?})",
            person.inbox.ignored().rejections
        ),
        heard,
        times,
    );
    rows.exactly(
        "hand-backs after which the episode began",
        handed_back,
        times,
    );
    rows.exactly("and in which the arm moved", works, times);
    Ok(())
}

/// How far commands since the one numbered `from` were from home, rad.
fn wandered(robot: &LinkRobot, from: usize) -> f64 {
    let heard = robot.log();
    let new = heard.commands.iter().skip(from);
    let away = new.map(|(_, c)| largest_difference(&c.positions, &robot.description.home));
    away.fold(0.0, f64::max)
}

/// A person at a device, and somebody who speaks in their name.
struct Person {
    device: OperatorLink,
    /// The device's messages so far.
    said: u64,
    inbox: TakeoverInbox,
    forger: Intruder,
    forged: u64,
    to_policy: u64,
}

impl Person {
    fn say(&mut self, deadman: bool, hand_back: bool) -> Result<()> {
        self.said += 1;
        Ok(self.device.send(deadman, hand_back, &[])?)
    }

    /// Says that until it has come about.
    fn until(
        &mut self,
        (deadman, hand_back): (bool, bool),
        wanted: ControlAuthority,
    ) -> Result<()> {
        let begun = Instant::now();
        while self.inbox.decide().0 != wanted {
            ensure!(
                begun.elapsed() < PATIENCE,
                "the arm is not the {}'s",
                wanted.name()
            );
            self.say(deadman, hand_back)?;
            sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// In the person's name; whether the arm is the policy's then.
    fn forge(&mut self, sequence: u64, flags: (bool, bool)) -> Result<()> {
        let before = self.inbox.messages();
        self.forger
            .takeover(self.device.client(), sequence, flags)?;
        self.forged += 1;
        let begun = Instant::now();
        while self.inbox.messages() == before {
            ensure!(
                begun.elapsed() < PATIENCE,
                "a forged message did not arrive"
            );
            sleep(Duration::from_micros(200));
        }
        self.to_policy += u64::from(self.inbox.decide().0 == ControlAuthority::Policy);
        Ok(())
    }

    /// Takes the arm; forged messages change nothing, until one has a number that can come next, which stops the
    /// arm and no more. Whether the person was heard on.
    fn takes_the_arm_while_others_forge(&mut self) -> Result<bool> {
        self.until((true, false), ControlAuthority::Human)?;
        self.settle()?;
        for flags in [(false, true), (false, false), (true, false), (true, true)] {
            self.forge(u64::MAX, flags)?;
            self.forge(1, flags)?;
        }
        let held = self.inbox.decide().0 == ControlAuthority::Human;
        let before = self.inbox.ignored().total();
        self.say(true, false)?;
        self.settle()?;
        let heard = held && self.inbox.ignored().total() == before;
        // From the person to the policy in one message?
        self.forge(self.said + 1, (false, true))?;
        ensure!(
            self.inbox.decide().0 != ControlAuthority::Human,
            "the forged message was not the next one"
        );
        // The one that has its number now is lost.
        self.say(true, false)?;
        self.until((true, false), ControlAuthority::Human)?;
        self.until((false, false), ControlAuthority::Nobody)?;
        self.settle()?;
        Ok(heard)
    }

    fn forge_hand_backs(&mut self) -> Result<()> {
        self.forge(u64::MAX, (false, true))?;
        self.forge(2, (false, true))
    }

    fn hands_back(&mut self) -> Result<()> {
        self.until((false, true), ControlAuthority::Policy)
    }

    /// Waits until no message is on its way any more.
    fn settle(&self) -> Result<()> {
        let mut before = self.inbox.messages();
        loop {
            sleep(Duration::from_millis(50));
            let now = self.inbox.messages();
            if std::mem::replace(&mut before, now) == now {
                return Ok(());
            }
        }
    }
}
