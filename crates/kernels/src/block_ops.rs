//! What convolutional blocks are made of, as single operations on the processor and on GPUs.

use crate::activation::Activation;
use crate::checks;
use crate::layer_ops::has_cpu_kernels;
use crate::operand::Operand;
use crate::shape_error::require;
use crate::window::Window;
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
    fn conv2d_nhwc(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self>;

    /// The way back through a convolution with `window`, of [B, H', W', in] to the shape `output`, [B, H, W, out]:
    /// weights [in, kernel rows * kernel columns * out].
    #[fusion(dtype = x, shape = Shape::new(*output))]
    fn conv_transpose2d_nhwc(
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
    /// [`BlockOps::conv2d_nhwc`] where gradients are to follow.
    #[fusion(dtype = x, shape = window.output_shape(x, weight[1]))]
    fn conv2d_for_training(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self>;

    /// The gradient of a convolution's input, of shape `input`.
    #[fusion(dtype = gradient, shape = Shape::new(*input))]
    fn conv2d_input_gradient(
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        window: Window,
        input: [usize; 4],
    ) -> FloatTensor<Self>;

    /// The gradient of a convolution's weights.
    #[fusion(dtype = gradient, shape = Shape::new([window.places() * x[3], gradient[3]]))]
    fn conv2d_weight_gradient(
        x: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self>;

    /// The sum of all of [B, H, W, C], `[C]`: the gradient of a bias.
    #[fusion(dtype = x, shape = Shape::new([x[3]]))]
    fn bias_gradient(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// [`BlockOps::group_norm`], and mean and inverse standard deviation of every group, [B, groups, 2].
    #[fusion(meta = |x: &TensorSpec, _: &TensorSpec, _: &TensorSpec, groups: &usize, _: &Activation| {
        (
            x.clone(),
            TensorSpec::new(Shape::new([x.shape[0], *groups, 2]), DType::F32),
        )
    })]
    fn group_norm_with_statistics(
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
        statistics: FloatTensor<Self>,
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

/// Whether these operations run on a tensor like `x`: 32-bit numbers on the processor, or any on a GPU.
#[must_use]
pub fn has_kernels_for<const D: usize>(x: &Tensor<D>) -> bool {
    has_cpu_kernels(x) || is_gpu(&x.device())
}

#[cfg(feature = "gpu")]
fn is_gpu(device: &Device) -> bool {
    matches!(
        device.as_dispatch().clone().inner(),
        DispatchDevice::Cube(_)
    )
}

#[cfg(not(feature = "gpu"))]
fn is_gpu(_: &Device) -> bool {
    false
}

/// Convolution of `x` [B, H, W, in] with weights [kernel rows x kernel columns x in, out] and a bias `[out]`:
/// [B, H', W', out].
///
/// # Panics
/// When shapes or element types do not fit together.
#[must_use]
pub fn conv2d(x: Tensor<4>, weight: Tensor<2>, bias: Tensor<1>, window: Window) -> Tensor<4> {
    require(checks::conv2d(
        &Operand::of("x", &x),
        &Operand::of("weight", &weight),
        &Operand::of("bias", &bias),
        window,
    ));
    Tensor::from_dispatch(<Dispatch as BlockOps>::conv2d_nhwc(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        window,
    ))
}

/// Transposed convolution: the way back through a convolution with `window`, of `x` [B, H', W', in] with
/// weights [in, kernel rows x kernel columns x out] and a bias `[out]` to the shape `output`, [B, H, W, out].
///
/// # Panics
/// When shapes or element types do not fit together.
#[must_use]
pub fn conv_transpose2d(
    x: Tensor<4>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    window: Window,
    output: [usize; 4],
) -> Tensor<4> {
    require(checks::conv_transpose2d(
        &Operand::of("x", &x),
        &Operand::of("weight", &weight),
        &Operand::of("bias", &bias),
        window,
        output,
    ));
    Tensor::from_dispatch(<Dispatch as BlockOps>::conv_transpose2d_nhwc(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        window,
        output,
    ))
}

/// Group normalisation of `x` [B, .., C] with scales and shifts `[C]` and epsilon 1e-5 (Wu and He 2018, arXiv
/// 1803.08494), then an activation.
///
/// # Panics
/// When shapes or element types do not fit together, or the groups do not divide the channels.
#[must_use]
pub fn group_norm<const D: usize>(
    x: Tensor<D>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    groups: usize,
    activation: Activation,
) -> Tensor<D> {
    require(checks::group_norm(
        &Operand::of("x", &x),
        &Operand::of("gamma", &gamma),
        &Operand::of("beta", &beta),
        groups,
    ));
    Tensor::from_dispatch(<Dispatch as BlockOps>::group_norm(
        x.into_dispatch(),
        gamma.into_dispatch(),
        beta.into_dispatch(),
        groups,
        activation,
    ))
}

/// `x (1 + scale) + shift` of `x` [B, T, C], with scales and shifts side by side in [B, 2 C] (FiLM, Perez et
/// al. 2018, arXiv 1709.07871, the scale around one).
///
/// # Panics
/// When shapes or element types do not fit together.
#[must_use]
pub fn film(x: Tensor<3>, scale_and_shift: Tensor<2>) -> Tensor<3> {
    require(checks::film(
        &Operand::of("x", &x),
        &Operand::of("scale_and_shift", &scale_and_shift),
    ));
    Tensor::from_dispatch(<Dispatch as BlockOps>::film(
        x.into_dispatch(),
        scale_and_shift.into_dispatch(),
    ))
}
