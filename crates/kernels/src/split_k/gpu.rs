//! These operations on CubeCL's devices.

use super::settle::{self, After, Norm, Parts};
use super::{FewRowsOps, Line, Made, convolve};
use burn::backend::tensor::FloatTensor;
use burn_cubecl::CubeBackend;

impl FewRowsOps for CubeBackend {
    fn convolve_parts(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        line: Line,
    ) -> FloatTensor<Self> {
        convolve::launch(x, None, weight, line)
    }

    fn convolve_parts_of_two(
        x: FloatTensor<Self>,
        skip: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        line: Line,
    ) -> FloatTensor<Self> {
        convolve::launch(x, Some(skip), weight, line)
    }

    fn settle(parts: FloatTensor<Self>, bias: FloatTensor<Self>, made: Made) -> FloatTensor<Self> {
        settle::plain(Parts { parts, bias }, made)
    }

    fn settle_spread(
        parts: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        made: Made,
    ) -> FloatTensor<Self> {
        settle::spread(Parts { parts, bias }, made)
    }

    fn settle_normed(
        parts: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        made: Made,
    ) -> FloatTensor<Self> {
        let norm = Norm { gamma, beta };
        settle::normed(Parts { parts, bias }, norm, After::Nothing, made)
    }

    fn settle_modulated(
        parts: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        modulations: FloatTensor<Self>,
        from: usize,
        made: Made,
    ) -> FloatTensor<Self> {
        let norm = Norm { gamma, beta };
        let after = After::Modulated {
            by: modulations,
            from,
        };
        settle::normed(Parts { parts, bias }, norm, after, made)
    }

    fn settle_onto(
        parts: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        other: FloatTensor<Self>,
        made: Made,
    ) -> FloatTensor<Self> {
        let norm = Norm { gamma, beta };
        settle::normed(Parts { parts, bias }, norm, After::Onto(other), made)
    }

    fn settle_onto_parts(
        parts: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        other: FloatTensor<Self>,
        other_bias: FloatTensor<Self>,
        made: Made,
    ) -> FloatTensor<Self> {
        let norm = Norm { gamma, beta };
        let after = After::OntoParts(Parts {
            parts: other,
            bias: other_bias,
        });
        settle::normed(Parts { parts, bias }, norm, after, made)
    }
}
