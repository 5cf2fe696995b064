//! How many threads zenoh may use for a connection.

/// What the environment of a process with keys must have from its start: zenoh 1.10.2 reads and writes an
/// encrypted connection from two threads at once, which breaks it within seconds (eclipse-zenoh issue 2557);
/// this makes it one.
pub const ONE_THREAD: (&str, &str) = (
    "ZENOH_RUNTIME",
    "(rx: (handover: tx), tx: (worker_threads: 1))",
);

/// Whether this process was started with [`ONE_THREAD`].
#[must_use]
pub fn reads_and_writes_on_one_thread() -> bool {
    std::env::var(ONE_THREAD.0).is_ok_and(|v| v == ONE_THREAD.1)
}
