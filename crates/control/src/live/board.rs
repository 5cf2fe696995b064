//! What a robot's control thread and the agent's thread hand each other.
//!
//! Control shows what the robot saw, the agent offers what it decided; each lies in a slot of its own. A slot is
//! locked for as long as it takes to swap what lies in it: nothing is copied, allocated or freed meanwhile, and
//! neither thread holds both. The agent may wait for the lock that long; control never does: where the agent
//! holds it, and may have been put to sleep in the middle, control goes on with what it has and looks again a
//! policy tick later. So however unfairly threads are scheduled, a decision comes later, and nothing else.
//!
//! An offer says how many takeovers its agent knew of. Control, which alone counts them, leaves what was decided
//! before the last one.

use super::sync::{AtomicBool, AtomicU64, Mutex, Ordering, PoisonError, TryLockError};

/// Where they meet: `S` is shown, `C` is offered.
pub(super) struct Board<S, C> {
    shown: Mutex<Shown<S>>,
    offered: Mutex<Option<Offered<C>>>,
    /// The policy tick that control is at.
    tick: AtomicU64,
    done: AtomicBool,
    /// Whether the robot has executed the whole episode.
    complete: AtomicBool,
}

/// What control shows. There are three, of control, of the agent and between them, and they go round.
#[derive(Default)]
struct Shown<S> {
    /// Counts up by one each time.
    number: u64,
    /// Takeovers so far.
    epoch: u64,
    /// Offers that were looked at so far.
    taken: u64,
    what: S,
}

struct Offered<C> {
    epoch: u64,
    /// The policy tick that control was at.
    now: u64,
    chunk: C,
}

impl<S: Default, C> Board<S, C> {
    pub fn new() -> Self {
        Self {
            shown: Mutex::new(Shown::default()),
            offered: Mutex::new(None),
            tick: AtomicU64::new(0),
            done: AtomicBool::new(false),
            complete: AtomicBool::new(false),
        }
    }

    /// Nothing more is decided or executed.
    pub fn end(&self) {
        self.done.store(true, Ordering::SeqCst);
    }

    pub fn is_done(&self) -> bool {
        self.done.load(Ordering::SeqCst)
    }

    pub fn set_complete(&self, complete: bool) {
        self.complete.store(complete, Ordering::SeqCst);
    }

    pub fn is_complete(&self) -> bool {
        self.complete.load(Ordering::SeqCst)
    }
}

/// Swaps what lies in a slot, if that can be done at once.
fn try_swap<T>(slot: &Mutex<T>, mine: &mut T) -> bool {
    let mut slot = match slot.try_lock() {
        Ok(slot) => slot,
        Err(TryLockError::Poisoned(slot)) => slot.into_inner(),
        Err(TryLockError::WouldBlock) => return false,
    };
    std::mem::swap(&mut *slot, mine);
    true
}

/// The control thread's side: allocates nothing, frees nothing, waits for nobody.
pub(super) struct ControlSide<'a, S, C> {
    board: &'a Board<S, C>,
    number: u64,
    epoch: u64,
    taken: u64,
    /// What will be shown next.
    next: Shown<S>,
}

impl<'a, S: Default, C> ControlSide<'a, S, C> {
    pub fn new(board: &'a Board<S, C>) -> Self {
        Self {
            board,
            number: 0,
            epoch: 0,
            taken: 0,
            next: Shown::default(),
        }
    }

    /// What has been decided so far is void.
    pub fn invalidate(&mut self) {
        self.epoch += 1;
    }

    /// What the agent has offered, if that was decided since the last takeover, and the policy tick at which it
    /// came.
    pub fn take(&mut self) -> Option<(u64, C)> {
        let mut offered = None;
        if !try_swap(&self.board.offered, &mut offered) {
            return None;
        }
        let offered = offered?;
        self.taken += 1;
        (offered.epoch == self.epoch).then_some((offered.now, offered.chunk))
    }

    /// Shows what `fill` writes into what was shown some time before. Where that cannot be done at once it is
    /// left to the next time.
    pub fn show(&mut self, tick: u64, fill: impl FnOnce(&mut S)) {
        self.board.tick.store(tick, Ordering::SeqCst);
        self.number += 1;
        self.next.number = self.number;
        self.next.epoch = self.epoch;
        self.next.taken = self.taken;
        fill(&mut self.next.what);
        try_swap(&self.board.shown, &mut self.next);
    }
}

/// The agent's side.
pub(super) struct AgentSide<'a, S, C> {
    board: &'a Board<S, C>,
    newest: Shown<S>,
    offered: u64,
}

impl<'a, S: Default, C> AgentSide<'a, S, C> {
    pub fn new(board: &'a Board<S, C>) -> Self {
        Self {
            board,
            newest: Shown::default(),
            offered: 0,
        }
    }

    pub fn board(&self) -> &'a Board<S, C> {
        self.board
    }

    /// The newest that control has shown, and how many takeovers there were before. `None` before the first,
    /// and while control has not said what became of the last offer: until then there is nothing to decide.
    pub fn look(&mut self) -> Option<(&S, u64)> {
        {
            let shown = self.board.shown.lock();
            let mut shown = shown.unwrap_or_else(PoisonError::into_inner);
            if shown.number > self.newest.number {
                std::mem::swap(&mut *shown, &mut self.newest);
            }
        }
        let answered = self.newest.number > 0 && self.newest.taken == self.offered;
        answered.then_some((&self.newest.what, self.newest.epoch))
    }

    /// Offers what was decided from what was last looked at. Answers an offer that control has not taken; there
    /// is none if the agent looked first.
    pub fn offer(&mut self, chunk: C) -> Option<C> {
        self.offered += 1;
        let mut offered = Some(Offered {
            epoch: self.newest.epoch,
            now: self.board.tick.load(Ordering::SeqCst),
            chunk,
        });
        let slot = self.board.offered.lock();
        std::mem::swap(
            &mut *slot.unwrap_or_else(PoisonError::into_inner),
            &mut offered,
        );
        offered.map(|unread| unread.chunk)
    }
}
