//! Flex tensors as slices of numbers and back.

use super::buffer_pool;
use burn::backend::Shape;
use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::DType;

/// A tensor's numbers, row-major.
pub(super) struct Values {
    tensor: FlexTensor,
}

/// The numbers of a tensor, copied only when they are not row-major yet.
pub(super) fn values(tensor: FlexTensor) -> Values {
    if tensor.is_contiguous() {
        Values { tensor }
    } else {
        Values {
            tensor: tensor.to_contiguous(),
        }
    }
}

impl Values {
    pub(super) fn get(&self) -> &[f32] {
        let layout = self.tensor.layout();
        let start = layout.start_offset();
        &self.tensor.storage::<f32>()[start..start + layout.num_elements()]
    }

    /// Keeps the memory for another tensor when this was the last to use it.
    pub(super) fn release(self) {
        buffer_pool::put_tensor(self.tensor);
    }
}

/// A tensor whose numbers may be written, row-major: a copy when others see it too.
pub(super) struct Writable(Values);

/// See [`Writable`].
pub(super) fn writable(tensor: FlexTensor) -> Writable {
    let whole = tensor.layout().start_offset() == 0;
    let Values { tensor } = values(tensor);
    let numbers = tensor.layout().num_elements();
    if whole && tensor.is_unique() && tensor.storage::<f32>().len() == numbers {
        return Writable(Values { tensor });
    }
    let shape = tensor.layout().shape().clone();
    let mut copy = buffer_pool::take(numbers);
    let shared = Values { tensor };
    copy.copy_from_slice(shared.get());
    Writable(values(self::tensor(copy, shape)))
}

impl Writable {
    pub(super) fn get_mut(&mut self) -> &mut [f32] {
        self.0.tensor.storage_mut::<f32>()
    }

    pub(super) fn into_tensor(self) -> FlexTensor {
        self.0.tensor
    }
}

/// A tensor of these numbers, row-major.
pub(super) fn tensor(values: Vec<f32>, shape: Shape) -> FlexTensor {
    debug_assert_eq!(values.len(), shape.num_elements());
    FlexTensor::new(
        buffer_pool::memory(values),
        Layout::contiguous(shape),
        DType::F32,
    )
}
