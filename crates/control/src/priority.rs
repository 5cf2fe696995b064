//! The control thread goes first where the system allows it.

use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// Asks for real-time scheduling of this thread (SCHED_FIFO); says so once where it is not allowed. It
/// sleeps most of the time, so that others do not suffer.
pub(crate) fn raise() {
    static SAID: std::sync::Once = std::sync::Once::new();
    let wanted = ThreadPriorityValue::try_from(40u8).map_err(|e| e.to_string());
    let raised = wanted.and_then(|value| {
        let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
        set_thread_priority_and_policy(
            thread_native_id(),
            ThreadPriority::Crossplatform(value),
            policy,
        )
        .map_err(|e| format!("{e:?}"))
    });
    if let Err(reason) = raised {
        SAID.call_once(|| {
            tracing::info!(
                "the control thread has no real-time priority ({reason}); `ulimit -r` or CAP_SYS_NICE allows it"
            );
        });
    }
}
