//! Every cell of the table, on a gate that was brought into the state, and the rules that the table must keep
//! whatever its cells say.

use super::*;
use crate::gate::{Caller, Gate, GateConfig, Service};
use apprentice_core::{JointCommand, RobotState};
use apprentice_robot::RobotDescription;
use std::collections::BTreeSet;

const OWNER: u32 = 7;
const OTHER: u32 = 8;

/// A gate in a state, and the time it is there, ns.
struct At {
    gate: Gate,
    arm: RobotState,
    now_ns: u64,
    number: u64,
}

impl At {
    fn free() -> Self {
        let robot = RobotDescription::embedded("franka_fr3").unwrap();
        let mut gate = Gate::new(&robot, GateConfig::of(&robot));
        gate.measured(0);
        let arm = RobotState {
            sequence: 0,
            stamp_ns: 0,
            velocities: vec![0.0; 7],
            positions: robot.home,
            gripper_width: 0.0,
            efforts: None,
            external_wrench: None,
        };
        Self {
            gate,
            arm,
            now_ns: 0,
            number: 0,
        }
    }

    /// By the shortest way.
    fn state(wanted: State) -> Self {
        use Event::{Acquire, Enable, Fault, Home, LeaseLost, Silent, Stop as Halt};
        let ways: &[&[Event]] = &[
            &[],
            &[Acquire],
            &[Acquire, Enable],
            &[Acquire, Enable, Silent],
            &[Acquire, Enable, Home],
            &[Acquire, Enable, Event::LongSilent],
            &[Acquire, Halt],
            &[Halt, Acquire],
            &[Halt],
            &[Acquire, Fault],
            &[Acquire, Fault, Halt],
            &[Fault, Halt, Acquire],
            &[Fault],
            &[Acquire, Halt, Fault, LeaseLost],
        ];
        for way in ways {
            let mut at = Self::free();
            for event in *way {
                at.happens(*event, OWNER).unwrap();
            }
            if at.gate.state() == wanted {
                return at;
            }
        }
        panic!("no way to {wanted:?} is known");
    }

    /// Lets an event happen as the outside would cause it.
    fn happens(&mut self, event: Event, client: u32) -> Result<(), Denial> {
        let service = match event {
            Event::Acquire => Service::Acquire,
            Event::Release => Service::Release,
            Event::Enable => Service::Enable,
            Event::Stop => Service::Stop,
            Event::Acknowledge => Service::Acknowledge,
            Event::Recover => Service::Recover,
            Event::Home => Service::Home,
            Event::Reset => return self.gate.reset(client).map(|_| ()),
            Event::Command => {
                self.number += 1;
                let command = JointCommand {
                    sequence: self.number,
                    stamp_ns: 0,
                    positions: self.arm.positions.clone(),
                    gripper_width: 0.0,
                };
                let measured = self.arm.positions.clone();
                return self.gate.admit(client, &command, &measured, self.now_ns);
            }
            Event::LeaseLost => {
                let had = self.gate.owner() == Some(client);
                self.gate.lease_lost(client);
                return if had { Ok(()) } else { Err(Denial::NotOwner) };
            }
            Event::Silent | Event::LongSilent => {
                self.now_ns += if event == Event::Silent { 201 } else { 2_001 } * 1_000_000;
                self.gate.measured(self.now_ns);
                self.gate.tick(self.now_ns);
                return Ok(());
            }
            Event::Fault => {
                self.gate.fault();
                return Ok(());
            }
            Event::Arrived => return self.gate.homed(&self.arm, self.now_ns),
        };
        let caller = Caller {
            client,
            alive: true,
            stops: self.gate.stops(),
        };
        let asked = self.gate.serve(service, caller, &self.arm, self.now_ns);
        asked.map(|_| ())
    }
}

#[test]
fn a_gate_does_what_each_cell_says() {
    let mut cells = 0;
    for before in State::ALL {
        for event in Event::ALL {
            let mut at = At::state(before);
            let said = before.on(event);
            let done = at.happens(event, OWNER);
            assert_eq!(
                (done, at.gate.state()),
                (said.map(|_| ()), said.unwrap_or(before)),
                "{event:?} in {before:?}"
            );
            assert_eq!(at.gate.owner(), at.gate.state().owned.then_some(OWNER));
            assert!(State::ALL.contains(&at.gate.state()));
            cells += 1;
        }
    }
    println!("{cells} cells of the phase table tested on the gate");
    assert_eq!(cells, State::ALL.len() * Event::ALL.len());
}

#[test]
fn what_is_the_owners_alone_nobody_else_can_cause() {
    for before in State::ALL.into_iter().filter(|s| s.owned) {
        for event in Event::ALL {
            let mut at = At::state(before);
            let done = at.happens(event, OTHER);
            if event.is_owners() || event == Event::Acquire {
                let why = if event == Event::Acquire {
                    Denial::Owned
                } else {
                    Denial::NotOwner
                };
                assert_eq!((done, at.gate.state()), (Err(why), before), "{event:?}");
            }
            // The owner stays the owner, whatever others do.
            assert_eq!(at.gate.owner(), Some(OWNER));
        }
    }
}

/// States that can be reached without these events.
fn reached(from: State, without: &[Event]) -> BTreeSet<String> {
    let (mut found, mut open) = (vec![from], vec![from]);
    while let Some(state) = open.pop() {
        for event in Event::ALL.into_iter().filter(|e| !without.contains(e)) {
            if let Ok(after) = state.on(event)
                && !found.contains(&after)
            {
                found.push(after);
                open.push(after);
            }
        }
    }
    let moving = |s: &&State| matches!(s.phase, Phase::Active | Phase::Holding | Phase::Homing);
    found.iter().filter(moving).map(|s| s.name()).collect()
}

#[test]
fn a_stop_ends_in_stopped_and_only_those_who_may_lift_it() {
    for before in State::ALL {
        let after = before.on(Event::Stop).unwrap();
        let expected = if before.phase == Phase::Faulted {
            Phase::Faulted
        } else {
            Phase::Stopped
        };
        assert_eq!((after.phase, after.owned), (expected, before.owned));
        assert_ne!(after.stop, Stop::None);
        // Not by anything but the owner's enable or a person's acknowledgement.
        assert!(reached(after, &[Event::Enable]).is_empty());
        if after.stop == Stop::Person {
            assert!(
                reached(after, &[Event::Acknowledge]).is_empty(),
                "{after:?}"
            );
            let owner = State {
                owned: true,
                ..after
            };
            assert!(owner.on(Event::Enable).is_err());
        }
    }
}

#[test]
fn no_state_moves_without_an_owner_or_with_a_stop_and_a_fault_needs_both_acts() {
    for state in State::ALL {
        let moves = matches!(state.phase, Phase::Active | Phase::Holding | Phase::Homing);
        assert!(!moves || (state.owned && state.stop == Stop::None));
        for event in [Event::Release, Event::LeaseLost] {
            if let Ok(after) = state.on(event) {
                assert!(!after.owned && !after.name().contains("active"));
                assert_eq!(after.stop == Stop::None, state.stop == Stop::None);
            }
        }
        let faulted = state.on(Event::Fault).unwrap();
        assert_eq!((faulted.phase, faulted.stop), (Phase::Faulted, state.stop));
        assert!(reached(faulted, &[Event::Recover]).is_empty());
        assert!(reached(faulted, &[Event::Enable]).is_empty());
    }
}

#[test]
fn the_protocols_table_is_this_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../robots/PROTOCOL.md");
    let page = std::fs::read_to_string(path).unwrap();
    if std::env::var_os("APPRENTICE_WRITE").is_some() {
        let start = page.find("| state | acquire").unwrap();
        let end = start + page[start..].find("\n\n").unwrap() + 1;
        let page = format!("{}{}{}", &page[..start], table(), &page[end..]);
        std::fs::write(path, page).unwrap();
        return;
    }
    assert!(
        page.contains(&table()),
        "robots/PROTOCOL.md shows another table; run this test with APPRENTICE_WRITE=1. It should be:\n{}",
        table()
    );
}
