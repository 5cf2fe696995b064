//! Liveliness tokens that are known: a set that is bounded, and forgets.
//!
//! Strangers may hold as many tokens as they like. Nobody is locked out by them: a new one takes the place of one
//! that nobody needs, and whoever speaks without being known is looked for again ([`TokenSearch`]).

use crate::keys::{ClientMessage, Keys};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::AcqRel, Ordering::Release};
use std::time::Duration;
use zenoh::{Session, Wait as _};

/// How long a token may take to be found.
const PATIENCE: Duration = Duration::from_millis(500);
/// Numbers that differ only in these bits are different sessions of one certificate's holder.
const SESSION_BITS: u32 = crate::security::SESSION_BITS;

/// Who holds a token.
#[derive(Debug)]
pub(crate) struct Tokens {
    most: usize,
    known: Vec<Known>,
    /// Counts what happens, to know what was longest ago.
    turn: u64,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    client: u32,
    spoke: bool,
    turn: u64,
}

impl Tokens {
    /// Knows at most so many.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            known: Vec::new(),
            turn: 0,
        }
    }

    /// How many are known.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    pub fn contains(&self, client: u32) -> bool {
        self.known.iter().any(|k| k.client == client)
    }

    /// The token of `client` is there. Where there are too many another one is forgotten, but never that of `kept`.
    pub fn insert(&mut self, client: u32, kept: Option<u32>) {
        self.turn += 1;
        if self.contains(client) {
            return;
        }
        if self.known.len() >= self.most {
            self.forget_one(kept);
        }
        self.known.push(Known {
            client,
            spoke: false,
            turn: self.turn,
        });
    }

    /// The token of `client` is gone; whether it was known.
    pub fn remove(&mut self, client: u32) -> bool {
        let before = self.known.len();
        self.known.retain(|k| k.client != client);
        self.known.len() < before
    }

    /// Something came from `client`; whether its token is known.
    pub fn touch(&mut self, client: u32) -> bool {
        self.turn += 1;
        let known = self.known.iter_mut().find(|k| k.client == client);
        known.is_some_and(|known| {
            (known.spoke, known.turn) = (true, self.turn);
            true
        })
    }

    /// Forgets one of whoever holds most tokens: with keys, nobody loses theirs to another certificate. Of these
    /// the one that never spoke, or did so longest ago.
    fn forget_one(&mut self, kept: Option<u32>) {
        let holder = |k: &Known| k.client >> SESSION_BITS;
        let share = |k: &Known| {
            let same = self.known.iter().filter(|o| holder(o) == holder(k));
            std::cmp::Reverse(same.count())
        };
        let others = self.known.iter().enumerate();
        let oldest = others
            .filter(|(_, k)| kept != Some(k.client))
            .min_by_key(|(_, k)| (share(k), k.spoke, k.turn))
            .map(|(index, _)| index);
        if let Some(index) = oldest {
            self.known.swap_remove(index);
        }
    }
}

/// Looks whether somebody who speaks and is not known holds a token, one at a time and without waiting.
pub(crate) struct TokenSearch {
    session: Session,
    keys: Keys,
    sent: ClientMessage,
    searching: Arc<AtomicBool>,
}

/// The search ends with this.
struct Searching(Arc<AtomicBool>);

impl Drop for Searching {
    fn drop(&mut self) {
        self.0.store(false, Release);
    }
}

impl TokenSearch {
    /// Looks for tokens of this kind.
    pub fn new(session: &Session, keys: &Keys, sent: ClientMessage) -> Self {
        Self {
            session: session.clone(),
            keys: keys.clone(),
            sent,
            searching: Arc::default(),
        }
    }

    /// Calls `found`, on another thread, if the token of `client` is there. Does nothing while it looks for another
    /// one: whoever goes on speaking has their turn.
    pub fn look_for(&self, client: u32, found: impl Fn() + Send + Sync + 'static) {
        if self.searching.swap(true, AcqRel) {
            return;
        }
        let searching = Searching(Arc::clone(&self.searching));
        let (keys, sent) = (self.keys.clone(), self.sent);
        let asked = self
            .session
            .liveliness()
            .get(self.keys.of(self.sent, client))
            .timeout(PATIENCE)
            .callback(move |reply| {
                let _ends_with_this = &searching;
                let key = reply.result().ok().map(|s| s.key_expr().as_str());
                if key.and_then(|k| keys.sender(sent, k)) == Some(client) {
                    found();
                }
            })
            .wait();
        if let Err(error) = asked {
            tracing::warn!("a token could not be looked for: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERSON: u32 = 0x2000_0001;

    /// Numbers of strangers, all of other certificates, or of one.
    fn stranger(n: u32, one: bool) -> u32 {
        if one {
            0x7000_0000 + n
        } else {
            (n + 1) << SESSION_BITS | n
        }
    }

    #[test]
    fn strangers_lock_nobody_out_however_many_they_are() {
        for (most, strangers) in [(16, 16), (64, 64), (16, 10_000), (64, 10_000)] {
            for one in [false, true] {
                let mut tokens = Tokens::new(most);
                // Before, also when they have gone again without our hearing of it.
                for n in 0..strangers {
                    tokens.insert(stranger(n % 4000, one), None);
                }
                tokens.insert(PERSON, None);
                assert!(tokens.touch(PERSON), "{strangers} strangers before");
                // After, while the person has the arm and while nobody has.
                for kept in [Some(PERSON), None] {
                    for n in 0..strangers {
                        tokens.insert(stranger(n % 4000, one), kept);
                        assert!(tokens.contains(PERSON), "{n} strangers after, {kept:?}");
                    }
                }
                assert_eq!(tokens.len(), most);
            }
        }
    }

    #[test]
    fn one_certificate_does_not_push_another_out_however_much_it_speaks() {
        let mut tokens = Tokens::new(16);
        let people: Vec<u32> = (0..8)
            .map(|slot| 0x2000_0007 + (slot << SESSION_BITS))
            .collect();
        people.iter().for_each(|p| tokens.insert(*p, None));
        for n in 0..10_000 {
            tokens.insert(stranger(n, true), None);
            tokens.touch(stranger(n, true));
        }
        assert!(people.iter().all(|p| tokens.contains(*p)));
    }

    #[test]
    fn what_is_gone_makes_room_and_what_is_held_twice_counts_once() {
        let mut tokens = Tokens::new(2);
        tokens.insert(1, None);
        tokens.insert(1, None);
        tokens.insert(2, None);
        assert!(tokens.remove(1) && !tokens.remove(1));
        tokens.insert(3, None);
        assert!(tokens.contains(2) && tokens.contains(3) && !tokens.touch(1));
        // The owner stays, although it has not spoken and the other has.
        tokens.touch(3);
        tokens.insert(4, Some(2));
        assert!(tokens.contains(2) && tokens.contains(4) && !tokens.contains(3));
    }
}
