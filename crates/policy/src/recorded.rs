//! A loop recorded as a graph of the device's own and replayed in one go: at batch 1 the launches of its
//! hundreds of kernels take longer than the kernels.

use crate::PolicyError;
use burn::tensor::{Graph, Tensor, capture};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ThreadId;

type Run = Box<dyn FnMut() -> Result<Tensor<3>, PolicyError> + Send>;

/// What the recorded kernels read; only ever written in place.
struct Inputs {
    noise: Tensor<3>,
    condition: Tensor<2>,
}

/// The recording of a loop at one batch size.
pub(crate) struct Recorded {
    inputs: Arc<Mutex<Inputs>>,
    graph: Graph<Result<Tensor<3>, PolicyError>, Run>,
    /// Kernels are launched on a stream of each thread's own.
    thread: ThreadId,
}

impl Recorded {
    /// Records `run`. `None` when the device would not record it, or when the recording does not answer
    /// as `run` does to inputs it has not been recorded with.
    ///
    /// # Errors
    /// Those of `run`.
    pub(crate) fn new(
        run: impl Fn(Tensor<3>, Tensor<2>) -> Result<Tensor<3>, PolicyError> + Send + 'static,
        noise: &Tensor<3>,
        condition: &Tensor<2>,
    ) -> Result<Option<Self>, PolicyError> {
        let expected = run(noise.clone(), condition.clone())?;
        let inputs = Arc::new(Mutex::new(Inputs {
            noise: noise.zeros_like(),
            condition: condition.zeros_like(),
        }));
        let seen = Arc::clone(&inputs);
        let again: Run = Box::new(move || {
            let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            run(seen.noise.clone(), seen.condition.clone())
        });
        let graph = capture(&noise.device(), again);
        if !graph.is_hardware() {
            return Ok(None);
        }
        let mut recorded = Self {
            inputs,
            graph,
            thread: std::thread::current().id(),
        };
        let found = recorded.run(noise.clone(), condition.clone())?;
        let expected = numbers(expected)?;
        let same = found
            .iter()
            .zip(&expected)
            .all(|(f, e)| (f - e).abs() < 1e-3);
        Ok(same.then_some(recorded))
    }

    /// Whether this thread may replay it.
    pub(crate) fn is_here(&self) -> bool {
        self.thread == std::thread::current().id()
    }

    /// Replays the recording with these inputs; on the thread that made it.
    ///
    /// # Errors
    /// Those of the loop when it was recorded.
    pub(crate) fn run(
        &mut self,
        noise: Tensor<3>,
        condition: Tensor<2>,
    ) -> Result<Vec<f32>, PolicyError> {
        {
            let mut inputs = self.inputs.lock().unwrap_or_else(PoisonError::into_inner);
            let whole = noise.dims().map(|d| 0..d);
            inputs.noise.inplace(|t| t.slice_assign(whole, noise));
            let whole = condition.dims().map(|d| 0..d);
            inputs
                .condition
                .inplace(|t| t.slice_assign(whole, condition));
        }
        // The recorded kernels read `inputs` and what the loop owns, and both live as long as this; it
        // is borrowed mutably, so nothing else replays at the same time; the inputs were written and the
        // output is read on this thread.
        #[allow(unsafe_code)]
        let out = unsafe { self.graph.replay() };
        match out {
            // Read before the next replay writes over it.
            Ok(out) => numbers(out.clone()),
            Err(error) => Err(PolicyError::Recording(error.to_string())),
        }
    }
}

/// What a tensor holds, on the processor.
pub(crate) fn numbers(tensor: Tensor<3>) -> Result<Vec<f32>, PolicyError> {
    let data = tensor.into_data();
    data.try_into_vec()
        .map_err(|e| PolicyError::NotFinite(format!("the denoised chunk ({e:?})")))
}
