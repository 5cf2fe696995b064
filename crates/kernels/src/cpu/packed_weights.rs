//! Weights of networks that answer many times without learning in between, packed once for all of them.

use super::buffer_pool;
use burn::backend::flex::FlexTensor;
use burn::tensor::Bytes;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Packed numbers that are kept at most (512 MiB).
const MOST: usize = 1 << 27;
/// Smaller weights, in numbers, are packed in no time.
const SMALLEST: usize = 1 << 12;

/// A weight's memory, and its numbers packed once it has been seen twice. As long as this refers to the
/// memory, nothing else lies at its address, and who would write to it has to move it first.
struct CacheEntry {
    memory: Weak<Bytes>,
    packed: Option<Arc<[f32]>>,
}

static CACHE: Mutex<Vec<CacheEntry>> = Mutex::new(Vec::new());

/// `weight` as `pack` packs it into `length` numbers, if it has been asked for before.
pub(super) fn packed(
    weight: &FlexTensor,
    length: usize,
    pack: impl Fn(&mut [f32]),
) -> Option<Arc<[f32]>> {
    let layout = weight.layout();
    let whole = layout.is_contiguous() && layout.start_offset() == 0;
    let numbers = layout.num_elements();
    if !whole || numbers < SMALLEST || weight.bytes().len() != numbers * size_of::<f32>() {
        return None;
    }
    let memory = weight.data_arc();
    {
        let mut all = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all
            .iter()
            .find(|k| std::ptr::eq(k.memory.as_ptr(), Arc::as_ptr(&memory)));
        match known {
            None => {
                all.retain(|k| k.memory.strong_count() > 0);
                let memory = Arc::downgrade(&memory);
                all.push(CacheEntry {
                    memory,
                    packed: None,
                });
                return None;
            }
            Some(CacheEntry {
                packed: Some(packed),
                ..
            }) => return Some(Arc::clone(packed)),
            Some(_) => {
                let held: usize = all.iter().flat_map(|k| &k.packed).map(|p| p.len()).sum();
                if held + length > MOST {
                    return None;
                }
            }
        }
    }
    let mut numbers = buffer_pool::take(length);
    pack(&mut numbers);
    let packed: Arc<[f32]> = numbers.as_slice().into();
    buffer_pool::put(numbers);
    let mut all = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    let mine = all
        .iter_mut()
        .find(|k| std::ptr::eq(k.memory.as_ptr(), Arc::as_ptr(&memory)));
    if let Some(mine) = mine {
        mine.packed = Some(Arc::clone(&packed));
    }
    Some(packed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::buffer::tensor;
    use burn::backend::Shape;

    fn weight(value: f32) -> FlexTensor {
        tensor(vec![value; SMALLEST], Shape::from(vec![SMALLEST, 1]))
    }

    fn first(weight: &FlexTensor) -> Option<f32> {
        let value = weight.storage::<f32>()[0];
        packed(weight, 8, |to| to.fill(value)).map(|p| p[0])
    }

    #[test]
    fn a_weight_is_packed_when_it_is_seen_again() {
        let mut one = weight(1.0);
        assert_eq!(
            (first(&one), first(&one), first(&one)),
            (None, Some(1.0), Some(1.0))
        );
        // Written to, it is another.
        one.storage_mut::<f32>()[0] = 2.0;
        assert_eq!((first(&one), first(&one)), (None, Some(2.0)));
    }

    #[test]
    fn a_weight_is_not_taken_for_one_that_has_gone() {
        for value in 0..200 {
            let one = weight(value as f32);
            assert_eq!((first(&one), first(&one)), (None, Some(value as f32)));
        }
        let all = CACHE.lock().unwrap();
        assert!(all.len() < 150, "{} are kept", all.len());
    }
}
