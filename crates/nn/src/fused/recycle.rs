//! Large buffers used again: a training step needs the same sizes every time, and asking the system
//! for zeroed pages anew costs as much as a pass over them.

use burn::backend::flex::FlexTensor;
use std::sync::{Mutex, PoisonError};

/// Smaller buffers, in numbers, are left to the allocator.
const SMALLEST: usize = 1 << 14;
/// What is kept at most, in numbers (256 MiB).
const MOST: usize = 1 << 26;

static SPARE: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

/// A buffer of `length` numbers of any value: the caller writes them all.
pub(super) fn take(length: usize) -> Vec<f32> {
    if length >= SMALLEST {
        let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |v: &Vec<f32>| (length..=length + length / 4).contains(&v.len());
        if let Some(place) = spare.iter().position(fits) {
            let mut buffer = spare.swap_remove(place);
            buffer.truncate(length);
            return buffer;
        }
    }
    vec![0.0; length]
}

/// Keeps a buffer for [`take`].
pub(super) fn give(buffer: Vec<f32>) {
    if buffer.len() < SMALLEST {
        return;
    }
    let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
    if spare.iter().map(Vec::len).sum::<usize>() + buffer.len() <= MOST {
        spare.push(buffer);
    }
}

/// Keeps a tensor's memory when nothing else refers to it.
pub(super) fn give_tensor(tensor: FlexTensor) {
    let layout = tensor.layout();
    let whole = layout.is_contiguous() && layout.start_offset() == 0;
    if tensor.is_unique()
        && whole
        && layout.num_elements() >= SMALLEST
        && let Ok(buffer) = tensor.into_data().try_into_vec::<f32>()
    {
        give(buffer);
    }
}
