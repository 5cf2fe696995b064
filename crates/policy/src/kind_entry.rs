//! Where a policy file says of which kind it is.

/// Entry of the metadata that names the kind; diffusion policies have none.
pub(crate) const KIND: &str = "kind";
