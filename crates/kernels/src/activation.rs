//! What follows a normalisation, number by number.

/// An activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Activation {
    /// None.
    Identity,
    /// `x tanh(softplus(x))`.
    Mish,
    /// `max(x, 0)`.
    Relu,
}
