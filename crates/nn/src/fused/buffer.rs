//! Flex tensors as slices of numbers and back.

use burn::backend::Shape;
use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{Bytes, DType};

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
}

/// A tensor of these numbers, row-major.
pub(super) fn tensor(values: Vec<f32>, shape: Shape) -> FlexTensor {
    debug_assert_eq!(values.len(), shape.num_elements());
    FlexTensor::new(
        Bytes::from_elems(values),
        Layout::contiguous(shape),
        DType::F32,
    )
}
