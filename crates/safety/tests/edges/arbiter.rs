//! The arbiter.

use crate::MS;
use apprentice_safety::{Arbiter, ControlAuthority, TeleopMessage, TeleopRejection};

fn teleop(client: u32, sequence: u64, deadman: bool) -> TeleopMessage {
    TeleopMessage {
        client,
        sequence,
        deadman,
        hand_back: false,
    }
}

#[test]
fn a_person_who_goes_on_holding_took_over_once() {
    let mut arbiter = Arbiter::default();
    for sequence in 1..10 {
        arbiter
            .receive(teleop(1, sequence, true), sequence * MS)
            .unwrap();
        assert_eq!(arbiter.takeovers(), 1);
    }
    // Silent too long they have let go, and take it again.
    arbiter.receive(teleop(1, 10, true), 300 * MS).unwrap();
    assert_eq!(arbiter.takeovers(), 2);
}

#[test]
fn it_says_who_has_the_arm_and_when_that_changes() {
    let mut arbiter = Arbiter::default();
    let silence = arbiter.silence_ns;
    assert_eq!((arbiter.device(), arbiter.changes_at()), (None, None));
    arbiter.receive(teleop(7, 1, false), MS).unwrap();
    assert_eq!((arbiter.device(), arbiter.changes_at()), (None, None));
    for sequence in 2..4 {
        let now = sequence * 100 * MS;
        arbiter.receive(teleop(7, sequence, true), now).unwrap();
        let until = Some(now + silence);
        assert_eq!((arbiter.device(), arbiter.changes_at()), (Some(7), until));
        assert_eq!(arbiter.decide(now + silence), ControlAuthority::Human);
    }
    // One that let go has it no more, and alone may hand it back.
    arbiter.receive(teleop(7, 4, false), 310 * MS).unwrap();
    assert_eq!((arbiter.device(), arbiter.changes_at()), (Some(7), None));
    let back = TeleopMessage {
        hand_back: true,
        ..teleop(7, 5, false)
    };
    arbiter.receive(back, 320 * MS).unwrap();
    let policys = 310 * MS + arbiter.hand_back_after_ns;
    assert_eq!(
        (arbiter.device(), arbiter.changes_at()),
        (Some(7), Some(policys))
    );
    assert_eq!(arbiter.decide(policys - 1), ControlAuthority::Nobody);
    assert_eq!(arbiter.decide(policys), ControlAuthority::Policy);
    assert_eq!((arbiter.device(), arbiter.changes_at()), (None, None));
}

#[test]
fn one_that_fell_silent_keeps_no_other_from_the_arm() {
    let mut arbiter = Arbiter::default();
    arbiter.receive(teleop(1, 1, true), 0).unwrap();
    let silence = arbiter.silence_ns;
    assert_eq!(
        arbiter.receive(teleop(2, 1, true), silence),
        Err(TeleopRejection::Taken)
    );
    arbiter.receive(teleop(2, 2, true), silence + 1).unwrap();
    assert_eq!(arbiter.device(), Some(2));
    assert_eq!(
        arbiter.receive(teleop(1, 2, true), silence + 2),
        Err(TeleopRejection::Taken)
    );
}

/// Where more devices come than are remembered, those that are gone are forgotten first, then those that said
/// nothing for longest.
#[test]
fn devices_that_are_gone_are_forgotten_before_those_that_are_here() {
    let mut arbiter = Arbiter::default();
    // As many as are remembered.
    for client in 0..64 {
        arbiter
            .receive(teleop(client, 5, false), u64::from(client) * MS)
            .unwrap();
    }
    // 3 comes again, though the word is its old self's; 20 stays away, though it spoke later.
    for client in [3, 20] {
        arbiter.disconnect(client);
    }
    arbiter.receive(teleop(3, 6, false), 3 * MS).unwrap();
    arbiter.receive(teleop(100, 1, false), 100 * MS).unwrap();
    for client in (0..64).filter(|c| *c != 20) {
        let again = arbiter.receive(teleop(client, 5, false), 101 * MS);
        assert_eq!(again, Err(TeleopRejection::Old), "{client} was forgotten");
    }
    // Nobody else is gone: now 0 has been silent for longest, and makes room for 20.
    arbiter.receive(teleop(20, 5, false), 102 * MS).unwrap();
    assert_eq!(
        arbiter.receive(teleop(1, 5, false), 103 * MS),
        Err(TeleopRejection::Old)
    );
    arbiter.receive(teleop(0, 5, false), 104 * MS).unwrap();
}
