//! Large buffers used again: a training step needs the same sizes every time, and asking the system
//! for zeroed pages anew costs as much as a pass over them. What a tensor holds comes back by itself
//! when the tensor goes.

use burn::backend::flex::FlexTensor;
use burn::tensor::Bytes;
use burn_std::{AccessError, AccessPolicy, AllocationController, AllocationProperty};
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

/// Smaller buffers, in numbers, are left to the allocator.
const SMALLEST: usize = 1 << 14;
/// What is kept at most, in numbers (512 MiB): the gradients of a large U-Net and more.
const MOST: usize = 1 << 27;

static FREE: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

/// A buffer of `length` numbers of any value: the caller writes them all.
pub(super) fn take(length: usize) -> Vec<f32> {
    if length >= SMALLEST {
        let mut spare = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |v: &Vec<f32>| (length..=length + length / 4).contains(&v.capacity());
        if let Some(place) = spare.iter().position(fits) {
            let mut buffer = spare.swap_remove(place);
            drop(spare);
            buffer.resize(length, 0.0);
            return buffer;
        }
    }
    vec![0.0; length]
}

/// Keeps a large buffer for the next tensor of about its size on the processor.
pub fn put(buffer: Vec<f32>) {
    if buffer.capacity() < SMALLEST {
        return;
    }
    let mut spare = FREE.lock().unwrap_or_else(PoisonError::into_inner);
    if spare.iter().map(Vec::capacity).sum::<usize>() + buffer.capacity() <= MOST {
        spare.push(buffer);
    }
}

/// Numbers as the memory of a tensor, which are kept for [`take`] when the tensor goes.
pub(super) fn memory(numbers: Vec<f32>) -> Bytes {
    if numbers.capacity() < SMALLEST {
        return Bytes::from_elems(numbers);
    }
    let length = size_of_val(numbers.as_slice());
    let controller = Box::new(PooledBuffer(ManuallyDrop::new(numbers)));
    // SAFETY: all the numbers are initialised, and `length` is their size in bytes.
    unsafe { Bytes::from_controller(controller, length) }
}

/// Numbers lent to a tensor.
struct PooledBuffer(ManuallyDrop<Vec<f32>>);

impl Drop for PooledBuffer {
    fn drop(&mut self) {
        // Empty once detached; an empty one is not kept.
        put(std::mem::take(&mut *self.0));
    }
}

impl AllocationController for PooledBuffer {
    fn alloc_align(&self) -> usize {
        align_of::<f32>()
    }

    fn property(&self) -> AllocationProperty {
        AllocationProperty::Native
    }

    unsafe fn memory_mut(
        &mut self,
        _: AccessPolicy,
    ) -> Result<&mut [MaybeUninit<u8>], AccessError> {
        let length = size_of_val(self.0.as_slice());
        let start = self.0.as_mut_ptr().cast();
        // SAFETY: the vector's own memory, borrowed mutably as long as the slice; `length` is the size of its
        // numbers, and any bytes written there are floats.
        Ok(unsafe { std::slice::from_raw_parts_mut(start, length) })
    }

    fn memory(&self, _: AccessPolicy) -> Result<&[MaybeUninit<u8>], AccessError> {
        let length = size_of_val(self.0.as_slice());
        let start = self.0.as_ptr().cast();
        // SAFETY: the vector's own memory, borrowed as long as the slice; `length` is the size of its numbers,
        // and floats may be read as bytes.
        Ok(unsafe { std::slice::from_raw_parts(start, length) })
    }

    fn capacity(&self) -> usize {
        self.0.capacity() * size_of::<f32>()
    }

    /// The vector's own memory, as a vector of this capacity would have it.
    fn try_detach(&mut self) -> Option<NonNull<u8>> {
        let mut numbers = ManuallyDrop::new(std::mem::take(&mut *self.0));
        NonNull::new(numbers.as_mut_ptr().cast())
    }
}

/// Keeps a tensor's memory when nothing else refers to it.
pub(super) fn put_tensor(tensor: FlexTensor) {
    let layout = tensor.layout();
    let whole = layout.is_contiguous() && layout.start_offset() == 0;
    if tensor.is_unique()
        && whole
        && layout.num_elements() >= SMALLEST
        && let Ok(buffer) = tensor.into_data().try_into_vec::<f32>()
    {
        put(buffer);
    }
}
