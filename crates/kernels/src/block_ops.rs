//! What convolutional blocks are made of, as single operations on the processor and on GPUs.

use super::activation::Activation;
use super::layers::available;
use super::window::Window;
#[cfg(feature = "gpu")]
use burn::backend::DispatchDevice;
#[cfg(feature = "gpu")]
use burn::backend::Shape;
#[cfg(feature = "gpu")]
use burn::backend::fusion::custom::TensorSpec;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
#[cfg(feature = "gpu")]
use burn::tensor::DType;
use burn::tensor::{Device, Tensor};

/// Layers. Layouts are channels-last and row-major.
#[backend_extension(Flex, Autodiff, Cube: cfg(feature = "gpu"), Fusion: cfg(feature = "gpu"))]
pub(crate) trait BlockOps: Backend {
    /// Convolution of [B, H, W, in] with weights [kernel rows * kernel columns * in, out].
    #[fusion(dtype = x, shape = window.output_shape(x, weight[1]))]
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self>;

    /// The way back through a convolution with `window`, of [B, H', W', in] to the shape `output`, [B, H, W, out]:
    /// weights [in, kernel rows * kernel columns * out].
    #[fusion(dtype = x, shape = Shape::new(*output))]
    fn convolve_transposed(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
        output: [usize; 4],
    ) -> FloatTensor<Self>;

    /// Group normalisation of [B, .., C], then an activation.
    #[fusion(dtype = x, shape = x)]
    fn group_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        groups: usize,
        activation: Activation,
    ) -> FloatTensor<Self>;

    /// `x (1 + scale) + shift` of [B, .., C], with scales and shifts side by side in [B, 2 C].
    #[fusion(dtype = x, shape = x)]
    fn film(x: FloatTensor<Self>, scale_and_shift: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// What gradients of [`BlockOps`] are computed with, on a backend that does not track them.
#[backend_extension(Flex, Cube: cfg(feature = "gpu"), Fusion: cfg(feature = "gpu"))]
pub(crate) trait BlockGradients: Backend {
    /// [`BlockOps::convolve`] where gradients are to follow.
    #[fusion(dtype = x, shape = window.output_shape(x, weight[1]))]
    fn convolve_for_gradients(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self>;

    /// The gradient of a convolution's input, of shape `input`.
    #[fusion(dtype = gradient, shape = Shape::new(*input))]
    fn convolve_gradient_of_input(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        window: Window,
        input: [usize; 4],
    ) -> FloatTensor<Self>;

    /// The gradient of a convolution's weights.
    #[fusion(dtype = gradient, shape = Shape::new([window.places() * x[3], gradient[3]]))]
    fn convolve_gradient_of_weights(
        x: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self>;

    /// The sum of all of [B, H, W, C], `[C]`: the gradient of a bias.
    #[fusion(dtype = x, shape = Shape::new([x[3]]))]
    fn sum_places(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// [`BlockOps::group_norm`], and mean and inverse standard deviation of every group, [B, groups, 2].
    #[fusion(meta = |x: &TensorSpec, _: &TensorSpec, _: &TensorSpec, groups: &usize, _: &Activation| {
        (
            x.clone(),
            TensorSpec::new(Shape::new([x.shape[0], *groups, 2]), DType::F32),
        )
    })]
    fn group_norm_with_moments(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        groups: usize,
        activation: Activation,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// Gradients of a group normalisation's x, gamma and beta.
    #[fusion(meta = |x: &TensorSpec, gamma: &TensorSpec, beta: &TensorSpec, _: &TensorSpec, _: &TensorSpec, _: &Activation| {
        (x.clone(), gamma.clone(), beta.clone())
    })]
    fn group_norm_gradients(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        activation: Activation,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// Gradients of x and of the scales and shifts.
    #[fusion(meta = |x: &TensorSpec, scale_and_shift: &TensorSpec, _: &TensorSpec| (x.clone(), scale_and_shift.clone()))]
    fn film_gradients(
        x: FloatTensor<Self>,
        scale_and_shift: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

/// Whether these operations run on a tensor like `x`.
pub(crate) fn has_blocks<const D: usize>(x: &Tensor<D>) -> bool {
    available(x) || has_kernels(&x.device())
}

#[cfg(feature = "gpu")]
fn has_kernels(device: &Device) -> bool {
    matches!(
        device.as_dispatch().clone().inner(),
        DispatchDevice::Cube(_)
    )
}

#[cfg(not(feature = "gpu"))]
fn has_kernels(_: &Device) -> bool {
    false
}

/// [`BlockOps::convolve`].
pub(crate) fn convolve(
    x: Tensor<4>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    window: Window,
) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as BlockOps>::convolve(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        window,
    ))
}

/// [`BlockOps::convolve_transposed`].
pub(crate) fn convolve_transposed(
    x: Tensor<4>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    window: Window,
    output: [usize; 4],
) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as BlockOps>::convolve_transposed(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        window,
        output,
    ))
}

/// [`BlockOps::group_norm`].
pub(crate) fn group_norm<const D: usize>(
    x: Tensor<D>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    groups: usize,
    activation: Activation,
) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as BlockOps>::group_norm(
        x.into_dispatch(),
        gamma.into_dispatch(),
        beta.into_dispatch(),
        groups,
        activation,
    ))
}

/// [`BlockOps::film`].
pub(crate) fn film(x: Tensor<3>, scale_and_shift: Tensor<2>) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as BlockOps>::film(
        x.into_dispatch(),
        scale_and_shift.into_dispatch(),
    ))
}
