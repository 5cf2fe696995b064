//! A loop recorded as a graph of the device's own and replayed in one go: at batch 1 the launches of its
//! hundreds of kernels take longer than the kernels.

use crate::PolicyError;
use crate::guidance::LoopInputs;
use burn::tensor::{Graph, Tensor, capture};
use std::sync::{Arc, Mutex, PoisonError};

type Run = Box<dyn FnMut() -> Result<Tensor<3>, PolicyError> + Send>;

/// What came of recording a loop.
pub(crate) enum GraphReplay {
    /// It can be replayed, on the thread that recorded it.
    Replays(Box<CapturedLoop>),
    /// The device would not record it.
    Refused,
    /// The replay was off by so much from what the loop itself answers.
    Disagrees(f32),
}

/// The recording of a loop for one thread and one shape of the noise.
pub(crate) struct CapturedLoop {
    /// What the recorded kernels read; only ever written in place.
    inputs: Arc<Mutex<LoopInputs>>,
    graph: Graph<Result<Tensor<3>, PolicyError>, Run>,
}

/// Records `run`, and compares what the recording answers to inputs it was not recorded with: by then the
/// device has settled on its kernels, so that both answers come from the same ones.
///
/// # Errors
/// Those of `run`.
pub(crate) fn record(
    run: impl Fn(LoopInputs) -> Result<Tensor<3>, PolicyError> + Send + Sync + 'static,
    given: &LoopInputs,
    tolerance: f32,
) -> Result<GraphReplay, PolicyError> {
    let inputs = Arc::new(Mutex::new(given.zeros_like()));
    let run = Arc::new(run);
    let (seen, recorded_run) = (Arc::clone(&inputs), Arc::clone(&run));
    let again: Run = Box::new(move || {
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        recorded_run(seen.clone())
    });
    let graph = capture(&given.noise.device(), again);
    if !graph.is_hardware() {
        return Ok(GraphReplay::Refused);
    }
    let mut recorded = CapturedLoop { inputs, graph };
    let found = recorded.run(given.clone())?;
    let expected = numbers(run(given.clone())?)?;
    let error = largest_error(&found, &expected);
    Ok(if error < tolerance {
        GraphReplay::Replays(Box::new(recorded))
    } else {
        GraphReplay::Disagrees(error)
    })
}

/// The largest difference; infinite where a number is not one or is missing.
fn largest_error(found: &[f32], expected: &[f32]) -> f32 {
    if found.len() != expected.len() {
        return f32::INFINITY;
    }
    let errors = found.iter().zip(expected).map(|(f, e)| (f - e).abs());
    errors.fold(0.0, |most, error| {
        if error.is_nan() {
            f32::INFINITY
        } else {
            most.max(error)
        }
    })
}

impl CapturedLoop {
    /// Replays the recording with these inputs; on the thread that made it.
    ///
    /// burn answers a replay that the device refuses, such as one after the device was lost, with a panic
    /// and not with an error; nothing here can turn it into one.
    ///
    /// # Errors
    /// Those of the loop when it was recorded, and inputs of another kind than those it was recorded with.
    pub(crate) fn run(&mut self, given: LoopInputs) -> Result<Vec<f32>, PolicyError> {
        {
            let mut inputs = self.inputs.lock().unwrap_or_else(PoisonError::into_inner);
            if !inputs.overwrite(given) {
                let what = "it was recorded with, or without, a previous chunk; this is a defect";
                return Err(PolicyError::GraphReplay(what.into()));
            }
        }
        #[allow(unsafe_code)] // Replaying a device's graph is unsafe in burn.
        // SAFETY: the recorded kernels read `inputs` and what the loop owns, and both live as long as this; it
        // is borrowed mutably, so nothing else replays at the same time; the inputs were written and the
        // output is read on this thread.
        let out = unsafe { self.graph.replay() };
        match out {
            // Read before the next replay writes over it.
            Ok(out) => numbers(out.clone()),
            Err(error) => Err(PolicyError::GraphReplay(error.to_string())),
        }
    }
}

/// What a tensor holds, on the processor.
pub(crate) fn numbers(tensor: Tensor<3>) -> Result<Vec<f32>, PolicyError> {
    tensor
        .try_into_vec_as()
        .map_err(|error| PolicyError::Computing {
            what: "the denoised chunks",
            reason: error.to_string(),
            advice: "if its memory is full, denoise fewer chunks at once or use --device cpu",
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn the_processor_refuses_to_record() {
        let device = Device::flex();
        let given = LoopInputs {
            noise: Tensor::ones([1, 2, 2], &device),
            condition: Tensor::ones([1, 3], &device),
            guidance: None,
        };
        let recording = record(|given| Ok(given.noise), &given, 1e-3).unwrap();
        assert!(matches!(recording, GraphReplay::Refused));
    }

    #[test]
    fn numbers_that_are_missing_or_none_never_agree() {
        assert!((largest_error(&[1.0, 2.0], &[1.5, 2.0]) - 0.5).abs() < 1e-6);
        assert!(largest_error(&[f32::NAN, 0.0], &[0.0, 0.0]).is_infinite());
        assert!(largest_error(&[f32::INFINITY], &[f32::INFINITY]).is_infinite());
        assert!(largest_error(&[1.0], &[1.0, 2.0]).is_infinite());
    }
}
