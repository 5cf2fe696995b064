use super::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const MS: u64 = 1_000_000;

fn teleop(client: u32, sequence: u64, deadman: bool) -> TeleopMessage {
    TeleopMessage {
        client,
        sequence,
        deadman,
        hand_back: false,
    }
}

/// One that lets the policy have an arm as soon as it is handed back.
fn at_once() -> Arbiter {
    Arbiter {
        hand_back_after_ns: 0,
        ..Arbiter::default()
    }
}

#[test]
fn a_person_takes_over_at_once_and_gives_back_on_purpose_only() {
    let mut arbiter = at_once();
    assert_eq!(arbiter.decide(0), ControlAuthority::Policy);
    arbiter.receive(teleop(1, 1, false), 0).unwrap();
    assert_eq!(arbiter.decide(MS), ControlAuthority::Policy);
    arbiter.receive(teleop(1, 2, true), 2 * MS).unwrap();
    assert_eq!(arbiter.decide(2 * MS), ControlAuthority::Human);
    assert_eq!(arbiter.decide(202 * MS), ControlAuthority::Human);
    assert_eq!(arbiter.decide(203 * MS), ControlAuthority::Nobody);
    let back = TeleopMessage {
        hand_back: true,
        ..teleop(1, 3, true)
    };
    arbiter.receive(back, 204 * MS).unwrap();
    assert_eq!(
        arbiter.decide(204 * MS),
        ControlAuthority::Human,
        "the deadman is pressed"
    );
    arbiter.receive(teleop(1, 4, false), 205 * MS).unwrap();
    assert_eq!(arbiter.decide(206 * MS), ControlAuthority::Nobody);
    let back = TeleopMessage {
        hand_back: true,
        ..teleop(1, 5, false)
    };
    arbiter.receive(back, 207 * MS).unwrap();
    assert_eq!(arbiter.decide(207 * MS), ControlAuthority::Policy);
    assert_eq!(arbiter.takeovers(), 2);
}

#[test]
fn only_the_device_that_let_go_hands_back_and_one_that_is_gone_has_let_go() {
    let mut arbiter = at_once();
    let back = |client, sequence| TeleopMessage {
        hand_back: true,
        ..teleop(client, sequence, false)
    };
    arbiter.receive(teleop(1, 1, true), 0).unwrap();
    arbiter.disconnect(2);
    assert_eq!(arbiter.decide(0), ControlAuthority::Human);
    arbiter.disconnect(1);
    assert_eq!(arbiter.decide(0), ControlAuthority::Nobody);
    arbiter.receive(back(2, 1), 0).unwrap();
    assert_eq!(arbiter.decide(0), ControlAuthority::Nobody);
    arbiter.receive(teleop(2, 2, true), 0).unwrap();
    arbiter.receive(back(2, 3), 0).unwrap();
    assert_eq!(
        arbiter.decide(0),
        ControlAuthority::Nobody,
        "in one message"
    );
    arbiter.receive(back(2, 4), 0).unwrap();
    assert_eq!(arbiter.decide(0), ControlAuthority::Policy);
}

#[test]
fn a_second_device_and_old_messages_are_not_heard() {
    let mut arbiter = at_once();
    arbiter.receive(teleop(1, 5, true), 0).unwrap();
    assert_eq!(
        arbiter.receive(teleop(2, 1, true), MS),
        Err(TeleopRejection::Taken)
    );
    assert_eq!(
        arbiter.receive(teleop(1, 5, false), MS),
        Err(TeleopRejection::Old)
    );
    assert_eq!(arbiter.decide(MS), ControlAuthority::Human);
    // Once the first has let go the second may.
    arbiter.receive(teleop(1, 6, false), 2 * MS).unwrap();
    arbiter.receive(teleop(2, 2, true), 3 * MS).unwrap();
    assert_eq!(
        (arbiter.decide(3 * MS), arbiter.rejections().total()),
        (ControlAuthority::Human, 2)
    );
}

fn back(client: u32, sequence: u64) -> TeleopMessage {
    TeleopMessage {
        hand_back: true,
        ..teleop(client, sequence, false)
    }
}

#[test]
fn no_single_message_takes_the_arm_from_a_person_and_gives_it_to_the_policy() {
    let mut arbiter = at_once();
    arbiter.receive(teleop(1, 1, true), 0).unwrap();
    // Forged in the person's name, beyond all numbers: nothing changes, and the person is heard on.
    let forged = back(1, u64::MAX);
    assert_eq!(arbiter.receive(forged, MS), Err(TeleopRejection::Jump));
    assert_eq!(arbiter.decide(MS), ControlAuthority::Human);
    arbiter.receive(teleop(1, 2, true), 2 * MS).unwrap();
    assert_eq!(arbiter.rejections().jump, 1);
    // With the right number the arm stops, and is the person's again with their next message.
    arbiter.receive(back(1, 3), 3 * MS).unwrap();
    assert_eq!(arbiter.decide(3 * MS), ControlAuthority::Nobody);
    arbiter.receive(teleop(1, 4, true), 4 * MS).unwrap();
    assert_eq!(arbiter.decide(4 * MS), ControlAuthority::Human);
}

/// Somebody speaks in the name of a person who presses the deadman: with the next numbers, or as far ahead as is
/// allowed.
#[test]
fn no_burst_of_forged_messages_takes_the_arm_from_a_person_either() {
    for ahead in [1, 20, 64] {
        let mut arbiter = Arbiter::default();
        let (mut own, mut shut_out) = (100, 0u64);
        arbiter.receive(teleop(1, own, true), 0).unwrap();
        let forged = [teleop(1, own + ahead, false), back(1, own + ahead + 1)];
        for (said, at) in forged.into_iter().zip([MS, 2 * MS]) {
            arbiter.receive(said, at).unwrap();
        }
        // The person presses on, at 25 Hz.
        for message in 1..=100 {
            own += 1;
            let heard = arbiter.receive(teleop(1, own, true), message * 40 * MS);
            shut_out += u64::from(heard.is_err());
            for after in [0, 20] {
                let authority = arbiter.decide((message * 40 + after) * MS);
                assert_ne!(
                    authority,
                    ControlAuthority::Policy,
                    "{ahead}, message {message}"
                );
            }
        }
        assert_eq!(arbiter.decide(4_001 * MS), ControlAuthority::Human);
        assert!(
            shut_out <= 66,
            "{shut_out} of the person's messages were refused"
        );
    }
}

#[test]
fn what_is_handed_back_is_the_policys_after_a_while_in_which_nobody_presses() {
    let mut arbiter = Arbiter::default();
    arbiter.receive(teleop(1, 1, true), 0).unwrap();
    arbiter.receive(teleop(1, 2, false), MS).unwrap();
    arbiter.receive(back(1, 3), 2 * MS).unwrap();
    assert_eq!(arbiter.changes_at(), Some(201 * MS));
    assert_eq!(arbiter.decide(200 * MS), ControlAuthority::Nobody);
    assert_eq!(arbiter.decide(201 * MS), ControlAuthority::Policy);
    // An old number with a pressed deadman meanwhile: there are two who speak under this one.
    arbiter.receive(teleop(1, 4, true), 300 * MS).unwrap();
    arbiter.receive(teleop(1, 5, false), 310 * MS).unwrap();
    arbiter.receive(back(1, 6), 320 * MS).unwrap();
    assert_eq!(
        arbiter.receive(teleop(1, 4, true), 330 * MS),
        Err(TeleopRejection::Old)
    );
    assert_eq!(arbiter.decide(900 * MS), ControlAuthority::Nobody);
    arbiter.receive(teleop(1, 7, false), 1_000 * MS).unwrap();
    arbiter.receive(back(1, 8), 1_010 * MS).unwrap();
    assert_eq!(arbiter.decide(1_200 * MS), ControlAuthority::Policy);
}

/// Only an old word of a pressed deadman, of the device that let go, calls a hand-back off.
#[test]
fn what_else_is_refused_calls_no_hand_back_off() {
    for (said, why) in [
        (teleop(1, 2, false), TeleopRejection::Old),
        (teleop(1, 5_000, true), TeleopRejection::Jump),
        (teleop(2, 8, true), TeleopRejection::Old),
    ] {
        let mut arbiter = Arbiter::default();
        arbiter.receive(teleop(2, 9, false), 0).unwrap();
        arbiter.receive(teleop(1, 1, true), 0).unwrap();
        arbiter.receive(teleop(1, 2, false), MS).unwrap();
        arbiter.receive(back(1, 3), 2 * MS).unwrap();
        assert_eq!(arbiter.receive(said, 3 * MS), Err(why));
        assert_eq!(
            arbiter.decide(201 * MS),
            ControlAuthority::Policy,
            "{said:?}"
        );
    }
}

#[test]
fn a_hand_back_that_was_called_off_does_not_come_back() {
    let mut arbiter = Arbiter::default();
    arbiter.receive(teleop(1, 1, true), 0).unwrap();
    arbiter.receive(teleop(1, 2, false), MS).unwrap();
    arbiter.receive(back(1, 3), 2 * MS).unwrap();
    arbiter.receive(teleop(1, 4, true), 3 * MS).unwrap();
    arbiter.receive(teleop(1, 5, false), 4 * MS).unwrap();
    assert_eq!(arbiter.decide(5_000 * MS), ControlAuthority::Nobody);
    arbiter.receive(back(1, 6), 5_001 * MS).unwrap();
    assert_eq!(arbiter.decide(5_001 * MS), ControlAuthority::Policy);
}

/// 64 at once, and one more for each millisecond of silence.
#[test]
fn a_devices_numbers_rise_with_time() {
    for (number, at, good) in [
        (64, 0, true),
        (65, 0, false),
        (74, 10, true),
        (75, 10, false),
        (1_064, 1_000, true),
        (1_065, 1_000, false),
    ] {
        let mut arbiter = Arbiter::default();
        arbiter.receive(teleop(1, 0, false), 0).unwrap();
        let heard = arbiter.receive(teleop(1, number, false), at * MS);
        assert_eq!(heard.is_ok(), good, "{number} after {at} ms");
    }
}

#[test]
fn a_device_that_only_fell_silent_has_to_say_that_it_let_go_before_it_hands_back() {
    let mut arbiter = at_once();
    arbiter.receive(teleop(1, 1, true), 0).unwrap();
    assert_eq!(arbiter.decide(300 * MS), ControlAuthority::Nobody);
    arbiter.receive(back(1, 2), 301 * MS).unwrap();
    assert_eq!(arbiter.decide(301 * MS), ControlAuthority::Nobody);
    arbiter.receive(back(1, 3), 302 * MS).unwrap();
    assert_eq!(arbiter.decide(302 * MS), ControlAuthority::Policy);
    // So has one whose token went.
    arbiter.receive(teleop(1, 4, true), 303 * MS).unwrap();
    arbiter.disconnect(1);
    arbiter.receive(back(1, 5), 304 * MS).unwrap();
    assert_eq!(arbiter.decide(304 * MS), ControlAuthority::Nobody);
}

#[test]
fn what_a_device_said_before_it_left_does_not_count_when_it_comes_again() {
    let mut arbiter = at_once();
    arbiter.receive(teleop(1, 7, true), 0).unwrap();
    arbiter.receive(teleop(1, 8, false), MS).unwrap();
    arbiter.receive(back(1, 9), 2 * MS).unwrap();
    arbiter.disconnect(1);
    // Many come and go meanwhile, fewer than are remembered.
    for other in 2..2 + MOST_DEVICES as u32 - 1 {
        arbiter.receive(teleop(other, 1, false), 3 * MS).unwrap();
        arbiter.disconnect(other);
    }
    for said in [teleop(1, 7, true), teleop(1, 8, false), back(1, 9)] {
        assert_eq!(arbiter.receive(said, 4 * MS), Err(TeleopRejection::Old));
    }
    assert_eq!(arbiter.decide(4 * MS), ControlAuthority::Policy);
    // What another device said while the arm was taken is not obeyed once it is free.
    arbiter.receive(teleop(1, 10, true), 5 * MS).unwrap();
    assert_eq!(
        arbiter.receive(teleop(2, 2, true), 6 * MS),
        Err(TeleopRejection::Taken)
    );
    arbiter.receive(teleop(1, 11, false), 7 * MS).unwrap();
    assert_eq!(
        arbiter.receive(teleop(2, 2, true), 8 * MS),
        Err(TeleopRejection::Old)
    );
}

#[test]
fn ten_thousand_devices_take_no_memory_and_make_nobody_forget_who_had_the_arm() {
    let mut arbiter = at_once();
    arbiter.receive(teleop(1, 50, true), 0).unwrap();
    arbiter.receive(teleop(1, 51, false), MS).unwrap();
    for other in 2..10_002 {
        arbiter.receive(teleop(other, 1, false), 2 * MS).unwrap();
        if other % 3 == 0 {
            arbiter.disconnect(other);
        }
    }
    assert_eq!(arbiter.devices.len(), MOST_DEVICES);
    assert_eq!(
        arbiter.receive(teleop(1, 50, true), 3 * MS),
        Err(TeleopRejection::Old)
    );
    // It said old things of a pressed deadman, so it has to let go again first.
    arbiter.receive(back(1, 52), 3 * MS).unwrap();
    assert_eq!(arbiter.decide(3 * MS), ControlAuthority::Nobody);
    arbiter.receive(back(1, 53), 4 * MS).unwrap();
    assert_eq!(arbiter.decide(4 * MS), ControlAuthority::Policy);
}

/// Two people and whoever forges, repeats and leaves, at any time: only one device ever has the arm, the
/// policy never gets it in one message, nor by anything but a hand-back of the device that let go before,
/// and what is refused changes nothing.
#[test]
fn ownership_is_never_double_at_any_interleaving() {
    let (mut switches, mut refused, mut hand_backs) = (0, 0, 0);
    for seed in 0..50 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut arbiter = at_once();
        let (mut now, mut holder, mut released) = (0, None, false);
        // The highest number of each client that was taken.
        let mut taken = [0u64; 3];
        for client in 1..3 {
            arbiter.receive(teleop(client, 0, false), 0).unwrap();
        }
        for _ in 1..4000 {
            now += rng.random_range(0..150) * MS;
            let client = rng.random_range(1..3u32);
            if rng.random_bool(0.02) {
                arbiter.disconnect(client);
            }
            let before = arbiter.decide(now);
            if before == ControlAuthority::Policy {
                holder = None;
            }
            let next = taken[client as usize] + 1;
            let sequence = match rng.random_range(0..10) {
                0 => u64::MAX,
                1 => next + crate::sequence::MOST_SKIPPED,
                2 => rng.random_range(0..next),
                3 => next + rng.random_range(0..NUMBERS_AT_ONCE),
                _ => next,
            };
            let said = TeleopMessage {
                client,
                sequence,
                deadman: rng.random_bool(0.5),
                hand_back: rng.random_bool(0.4),
            };
            let heard = arbiter.receive(said, now);
            let after = arbiter.decide(now);
            let in_order = sequence >= next && sequence - next < NUMBERS_AT_ONCE;
            let others = before == ControlAuthority::Human && holder != Some(client);
            assert_eq!(heard.is_ok(), in_order && !others, "{heard:?}: {said:?}");
            if in_order {
                taken[client as usize] = sequence;
            }
            if heard.is_err() {
                assert_eq!(after, before, "what was refused changed something");
                // But it tells that two speak under one number.
                released &= !(said.deadman && holder == Some(client) && sequence < next);
                refused += 1;
                continue;
            }
            assert!(
                (before, after) != (ControlAuthority::Human, ControlAuthority::Policy),
                "a person had the arm, and one message gave it to the policy"
            );
            if after == ControlAuthority::Policy && before != ControlAuthority::Policy {
                assert!(said.hand_back && !said.deadman, "it was not handed back");
                assert!(holder == Some(client) && released, "by whom?");
                hand_backs += 1;
            }
            if said.deadman {
                assert_eq!(
                    after,
                    ControlAuthority::Human,
                    "a person pressed and was not obeyed"
                );
                (holder, released) = (Some(client), false);
            } else if holder == Some(client) {
                released = true;
            }
            switches += u64::from(after != before);
        }
    }
    println!("{switches} changes of who decides, {hand_backs} hand-backs, {refused} refused");
    assert!(switches > 10_000 && hand_backs > 1_000 && refused > 10_000);
}
