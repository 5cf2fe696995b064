//! These operations on CubeCL's devices.

use super::convolution;
use super::epilogue::{self, Norm, PostOp, Sums};
use super::geometry::{Conv1dGeometry, OutputSize};
use super::ops::SplitKOps;
use burn::backend::tensor::FloatTensor;
use burn_cubecl::CubeBackend;

impl SplitKOps for CubeBackend {
    fn partial_sums(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        geometry: Conv1dGeometry,
    ) -> FloatTensor<Self> {
        convolution::launch(x, None, weight, geometry)
    }

    fn partial_sums_with_skip(
        x: FloatTensor<Self>,
        skip: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        geometry: Conv1dGeometry,
    ) -> FloatTensor<Self> {
        convolution::launch(x, Some(skip), weight, geometry)
    }

    fn epilogue(
        sums: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        size: OutputSize,
    ) -> FloatTensor<Self> {
        epilogue::add_bias(Sums { sums, bias }, size)
    }

    fn epilogue_transposed(
        sums: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        size: OutputSize,
    ) -> FloatTensor<Self> {
        epilogue::add_bias_transposed(Sums { sums, bias }, size)
    }

    fn epilogue_norm(
        sums: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        size: OutputSize,
    ) -> FloatTensor<Self> {
        let norm = Norm { gamma, beta };
        epilogue::group_norm_mish(Sums { sums, bias }, norm, PostOp::None, size)
    }

    fn epilogue_norm_film(
        sums: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        modulations: FloatTensor<Self>,
        from: usize,
        size: OutputSize,
    ) -> FloatTensor<Self> {
        let norm = Norm { gamma, beta };
        let film = PostOp::Film { modulations, from };
        epilogue::group_norm_mish(Sums { sums, bias }, norm, film, size)
    }

    fn epilogue_norm_add(
        sums: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        size: OutputSize,
    ) -> FloatTensor<Self> {
        let norm = Norm { gamma, beta };
        epilogue::group_norm_mish(Sums { sums, bias }, norm, PostOp::Add(residual), size)
    }

    fn epilogue_norm_add_sums(
        sums: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        residual_bias: FloatTensor<Self>,
        size: OutputSize,
    ) -> FloatTensor<Self> {
        let norm = Norm { gamma, beta };
        let residual = Sums {
            sums: residual,
            bias: residual_bias,
        };
        epilogue::group_norm_mish(Sums { sums, bias }, norm, PostOp::AddSums(residual), size)
    }
}
