//! FiLM.

use crate::ShapeError;
use crate::operand::Operand;

const FILM: &str = "film";

/// x [B, .., C] and its scales and shifts [B, 2 C].
pub(crate) fn film(x: &Operand, scale_and_shift: &Operand) -> Result<(), ShapeError> {
    let [samples, channels] = x.samples_and_channels(FILM)?;
    let wanted = [samples, 2 * channels];
    scale_and_shift.has_shape(FILM, &wanted, "a scale and a shift a sample and channel")?;
    scale_and_shift.has_dtype(FILM, x.dtype())
}

/// [`film`], and the gradient of its output.
pub(crate) fn film_gradients(
    x: &Operand,
    scale_and_shift: &Operand,
    gradient: &Operand,
) -> Result<(), ShapeError> {
    film(x, scale_and_shift)?;
    gradient.is_like(FILM, x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::refusals::{bf16, f32, refused};

    #[test]
    fn wrong_widths_and_types_are_refused() {
        let x = f32("x", &[2, 5, 3]);
        assert_eq!(film(&x, &f32("scale_and_shift", &[2, 6])), Ok(()));
        for shape in [[2, 5], [2, 3], [3, 6], [2, 7]] {
            let told = format!("scale_and_shift is {shape:?}, allowed: [2, 6]");
            refused(film(&x, &f32("scale_and_shift", &shape)), &told);
        }
        refused(
            film(&x, &f32("scale_and_shift", &[12])),
            "is [12], allowed: [2, 6]",
        );
        refused(
            film(&x, &bf16("scale_and_shift", &[2, 6])),
            "of BF16 numbers, allowed: F32",
        );
        refused(
            film(&f32("x", &[4]), &f32("scale_and_shift", &[4, 8])),
            "2 dimensions or more",
        );
    }

    #[test]
    fn gradients_of_another_shape_are_refused() {
        let (x, both) = (f32("x", &[2, 5, 3]), f32("scale_and_shift", &[2, 6]));
        assert_eq!(
            film_gradients(&x, &both, &f32("gradient", &[2, 5, 3])),
            Ok(())
        );
        refused(
            film_gradients(&x, &both, &f32("gradient", &[2, 4, 3])),
            "allowed: [2, 5, 3]",
        );
        refused(
            film_gradients(&x, &both, &bf16("gradient", &[2, 5, 3])),
            "of BF16 numbers",
        );
        refused(
            film_gradients(&x, &f32("scale_and_shift", &[2, 3]), &x),
            "allowed: [2, 6]",
        );
    }
}
