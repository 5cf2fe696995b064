//! Numbers that may leave a policy.

use crate::PolicyError;

/// Refuses chunks with a number that is not finite.
pub(crate) fn finite(sample: Vec<f32>) -> Result<Vec<f32>, PolicyError> {
    if sample.iter().all(|v| v.is_finite()) {
        return Ok(sample);
    }
    let what = "an action of the denoised chunk";
    Err(PolicyError::NotFinite(what.into()))
}
