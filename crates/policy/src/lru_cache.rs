//! A few things kept by what they are for.

/// At most so many values, of which the one unused longest makes room for another.
pub(crate) struct LruCache<K, V> {
    most: usize,
    /// The one used last stands last.
    entries: Vec<(K, V)>,
}

impl<K: PartialEq, V> LruCache<K, V> {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            entries: Vec::new(),
        }
    }

    /// What is kept for `key`, made when there is nothing yet.
    ///
    /// # Errors
    /// Those of `make`, and then nothing is kept.
    pub(crate) fn get_or<E>(
        &mut self,
        key: K,
        make: impl FnOnce() -> Result<V, E>,
    ) -> Result<&mut V, E> {
        let entry = match self.entries.iter().position(|(k, _)| *k == key) {
            Some(place) => self.entries.remove(place),
            None => {
                let room = self.most - 1;
                let excess = self.entries.len().saturating_sub(room);
                self.entries.drain(..excess);
                (key, make()?)
            }
        };
        self.entries.push(entry);
        let last = self.entries.len() - 1;
        Ok(&mut self.entries[last].1)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.iter().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_unused_longest_makes_room() {
        let mut recent = LruCache::new(2);
        let mut made = Vec::new();
        for key in [1, 2, 1, 3, 1, 2, 2, 3] {
            let value = recent.get_or(key, || {
                made.push(key);
                Ok::<_, ()>(10 * key)
            });
            assert_eq!(value, Ok(&mut (10 * key)));
        }
        // 3 makes room by 2, which 1 was used after; then 2 by 3, then 3 by 1.
        assert_eq!(made, [1, 2, 3, 2, 3]);
        assert_eq!(recent.values().copied().collect::<Vec<_>>(), [20, 30]);
    }

    #[test]
    fn what_could_not_be_made_is_made_another_time() {
        let mut recent = LruCache::new(1);
        assert_eq!(recent.get_or("key", || Err::<u8, _>("no")), Err("no"));
        assert_eq!(recent.get_or("key", || Ok::<_, &str>(7)), Ok(&mut 7));
    }
}
