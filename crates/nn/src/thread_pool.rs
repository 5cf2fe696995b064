//! Work that stays on the threads it is divided among.

/// Does `work` on one of rayon's own threads. A training step is hundreds of short parallel loops; begun
/// elsewhere, each would first wake a thread up and then put its caller to sleep.
pub fn in_thread_pool<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| work())
}
