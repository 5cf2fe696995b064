//! What the tests of the layers share: one operation against the plain formulation.

use burn::tensor::{Gradients, Tensor, TensorData};

/// The numbers of a tensor.
pub(crate) fn numbers(data: TensorData) -> Vec<f32> {
    data.try_into_vec::<f32>().unwrap()
}

/// Fails when two tensors differ by more than `tolerance` of the largest number in them (or of one).
pub(crate) fn close<const D: usize>(
    what: &str,
    got: &Tensor<D>,
    expected: &Tensor<D>,
    tolerance: f32,
) {
    assert_eq!(got.dims(), expected.dims(), "shape of {what}");
    let (got, expected) = (
        numbers(got.clone().into_data()),
        numbers(expected.clone().into_data()),
    );
    let largest = expected.iter().fold(1.0f32, |m, v| m.max(v.abs()));
    for (i, (g, e)) in got.iter().zip(&expected).enumerate() {
        let off = (g - e).abs();
        assert!(
            off <= tolerance * largest,
            "{what}[{i}] is {g}, expected {e} (largest {largest})"
        );
    }
}

/// Values within 1e-5 and the gradients of all `inputs` within 1e-4 of the plain formulation, under
/// a loss that weighs every output by another number.
pub(crate) fn agrees<const D: usize, const O: usize>(
    inputs: &[(&str, Tensor<D>)],
    more: &[(&str, Tensor<1>)],
    kernel: Tensor<O>,
    plain: Tensor<O>,
) {
    close("output", &kernel, &plain, 1e-5);
    let count = kernel.dims().iter().product();
    let weights: Vec<f32> = (0..count)
        .map(|i| ((i * 37 % 101) as f32) / 50.0 - 1.0)
        .collect();
    let weights = Tensor::<O>::from_data(TensorData::new(weights, kernel.dims()), &kernel.device());
    let kernel = (kernel * weights.clone()).sum().backward();
    let plain = (plain * weights).sum().backward();
    for (name, tensor) in inputs {
        same_gradient(name, tensor, &kernel, &plain);
    }
    for (name, tensor) in more {
        same_gradient(name, tensor, &kernel, &plain);
    }
}

fn same_gradient<const D: usize>(
    name: &str,
    tensor: &Tensor<D>,
    kernel: &Gradients,
    plain: &Gradients,
) {
    let expected = tensor.grad(plain).unwrap();
    close(name, &tensor.grad(kernel).unwrap(), &expected, 1e-4);
}
