//! Every way in which a control thread and an agent's thread can meet at the board, as loom goes through them.
#![allow(clippy::unwrap_used)]

#[path = "../../src/live/board.rs"]
#[allow(dead_code)]
mod board;

/// What the board is made of, in the model.
mod sync {
    pub use loom::sync::MutexGuard;
    pub use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    pub use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};

    /// A lock that the control thread may try, and nobody may have it wait for.
    pub struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
            assert_ne!(
                loom::thread::current().name(),
                Some(super::CONTROL),
                "the control thread waits for a lock"
            );
            self.0.lock()
        }

        pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
            self.0.try_lock()
        }
    }
}

use board::{AgentSide, Board, ControlSide};
use loom::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const CONTROL: &str = "control";

/// What control shows: the takeovers it knows of, as nobody but it counts them.
#[derive(Default)]
struct Sight {
    takeovers: u64,
}

/// A decision, and how many takeovers there had been when what it was made from was seen.
#[derive(Clone, Copy, Debug)]
struct Decision {
    number: u64,
    takeovers: u64,
}

type Meeting = Board<Sight, Decision>;

/// What control carried out, and the takeovers it knew of in the end.
fn control(meeting: &Meeting, ticks: u64, taken_over: &[u64]) -> (Vec<Decision>, u64) {
    let mut side = ControlSide::new(meeting);
    let (mut carried_out, mut takeovers) = (Vec::new(), 0);
    let mut receive = |side: &mut ControlSide<'_, _, _>, takeovers: u64| {
        let Some((now, decision)) = side.take() else {
            return;
        };
        let decision: Decision = decision;
        assert!(now <= ticks);
        assert_eq!(
            decision.takeovers, takeovers,
            "it was decided before a takeover and is carried out after it"
        );
        carried_out.push(decision);
    };
    for tick in 0..ticks {
        receive(&mut side, takeovers);
        if taken_over.contains(&tick) {
            side.invalidate();
            takeovers += 1;
        }
        side.show(tick, |sight| sight.takeovers = takeovers);
    }
    meeting.end();
    (carried_out, takeovers)
}

/// What the agent decided. It looks so often at most, as loom wants an end.
fn agent(meeting: &Meeting, looks: u64) -> Vec<Decision> {
    let mut side = AgentSide::new(meeting);
    let mut decided = Vec::new();
    for _ in 0..looks {
        if meeting.is_done() {
            break;
        }
        let Some((sight, _)) = side.look() else {
            loom::thread::yield_now();
            continue;
        };
        let decision = Decision {
            number: decided.len() as u64,
            takeovers: sight.takeovers,
        };
        decided.push(decision);
        assert!(side.offer(decision).is_none(), "a decision was lost");
    }
    decided
}

/// Goes through all interleavings; answers how many there were, and what came of them all in all: decisions that
/// were made, carried out, void, and still on their way at the end.
fn explore(ticks: u64, taken_over: &'static [u64], looks: u64) -> [u64; 5] {
    let counts: &'static [AtomicU64; 5] = Box::leak(Box::default());
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(5);
    model.check(move || {
        let meeting = Arc::new(Meeting::new());
        let there = Arc::clone(&meeting);
        let controls = loom::thread::Builder::new()
            .name(CONTROL.into())
            .spawn(move || control(&there, ticks, taken_over))
            .unwrap();
        let decided = agent(&meeting, looks);
        let (carried_out, takeovers) = controls.join().unwrap();
        let numbers: Vec<u64> = carried_out.iter().map(|d| d.number).collect();
        assert!(
            numbers.windows(2).all(|w| w[0] < w[1]),
            "carried out twice, or out of order: {numbers:?}"
        );
        // Whatever lies there still has not been looked at.
        let spent = Decision {
            number: u64::MAX,
            takeovers: 0,
        };
        let on_its_way = AgentSide::new(&meeting).offer(spent).map(|d| d.number);
        let mut void = 0;
        for decision in &decided {
            let carried_out = numbers.contains(&decision.number);
            let waits = on_its_way == Some(decision.number);
            assert!(!(carried_out && waits), "both carried out and still there");
            if !carried_out && !waits {
                assert!(decision.takeovers < takeovers, "{decision:?} was lost");
                void += 1;
            }
        }
        let on_its_way = usize::from(on_its_way.is_some());
        for (count, more) in counts
            .iter()
            .zip([1, decided.len(), numbers.len(), void, on_its_way])
        {
            count.fetch_add(more as u64, Relaxed);
        }
    });
    [0, 1, 2, 3, 4].map(|i| counts[i].load(Relaxed))
}

#[test]
fn nothing_decided_before_a_takeover_is_carried_out_after_it_and_nothing_is_lost() {
    let mut all = [0; 5];
    for taken_over in [&[][..], &[0], &[1], &[2], &[1, 3]] {
        let found = explore(5, taken_over, 5);
        println!("takeovers at {taken_over:?}: {found:?}");
        all.iter_mut().zip(found).for_each(|(a, f)| *a += f);
    }
    let [interleavings, made, carried_out, void, on_their_way] = all;
    println!(
        "{interleavings} interleavings: {made} decisions, {carried_out} carried out, {void} void after a takeover, \
         {on_their_way} on their way at the end"
    );
    assert!(interleavings > 1_000 && carried_out > 1_000 && void > 100);
}
