//! How much of a computer learning takes while a robot works beside it: processor time, threads, GPU memory.

use crate::config::ComputePriority;
use crate::context::Context;
use crate::run_lock::{Activity, is_taken};
use crate::stage::Stage;
use anyhow::{Result, bail};
use std::process::Command;
use std::time::{Duration, Instant};
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id, thread_schedule_policy,
};

/// Makes this process learn as the settings say, if `stage` only learns: with how many threads, and behind whom. To be
/// called before anything computes, because threads inherit it.
///
/// # Errors
/// When whether a robot works beside it cannot be found out.
pub fn apply(context: &Context, stage: &Stage) -> Result<()> {
    if stage.drives_robot || !stage.computes {
        return Ok(());
    }
    let compute = &context.config.compute;
    let low = match compute.priority {
        ComputePriority::Normal => false,
        ComputePriority::Low => true,
        ComputePriority::Auto => {
            !context.config.robot.endpoint.is_empty()
                || is_taken(&context.dir, Activity::Recording)?
        }
    };
    if low {
        match lower() {
            Ok(()) => context.say(
                "learning goes behind whatever else wants the processor (compute.priority)",
            ),
            Err(why) => context.warn(&format!(
                "learning could not be put behind the robot's control ({why}); it may come late: compute.threads \
                 leaves it a processor"
            )),
        }
    }
    if low || compute.threads > 0 {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(compute.threads)
            .start_handler(move |_| {
                // Inherited already where the starting thread could be lowered.
                if low {
                    let _ = lower();
                }
            });
        if pool.build_global().is_err() {
            context.warn("compute.threads came too late: something computes already");
        }
    }
    Ok(())
}

/// Puts this thread, and those it starts, behind all others that want a processor (`SCHED_IDLE`).
fn lower() -> Result<(), String> {
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    match set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle) {
        Ok(()) => Ok(()),
        // It also asks for a niceness, which counts for nothing then and may not be allowed.
        Err(_) if is_low() => Ok(()),
        Err(error) => Err(format!("{error:?}")),
    }
}

/// What learning keeps to while it goes on.
#[derive(Debug)]
pub struct LearningShare {
    memory: GpuMemory,
    /// Whether it may yet have to go behind a robot.
    watches: bool,
    looked: Instant,
}

/// How often learning looks whether somebody has begun to record beside it.
const LOOK: Duration = Duration::from_secs(1);

impl LearningShare {
    /// As the settings say.
    ///
    /// # Errors
    /// When there is a limit and nothing says how much the GPU has.
    pub fn of(context: &Context) -> Result<Self> {
        let auto = context.config.compute.priority == ComputePriority::Auto;
        Ok(Self {
            memory: GpuMemory::of(context)?,
            watches: auto && !is_low(),
            looked: Instant::now(),
        })
    }

    /// To be called again and again: goes behind a robot that has begun to work beside it, and says whether this process
    /// keeps to its share of the GPU's memory.
    ///
    /// # Errors
    /// Says how much it has reserved, of what.
    pub fn keep(&mut self, context: &Context) -> Result<()> {
        if self.watches && self.looked.elapsed() >= LOOK {
            self.looked = Instant::now();
            // A process that records in all its stages, as `demo` does, is not beside anyone.
            if is_taken(&context.dir, Activity::Recording)? {
                self.watches = false;
                lower_all();
            }
        }
        self.memory.check(context)
    }
}

/// Lowers this thread and all that learn; where that fails they go on as they were.
fn lower_all() {
    let _ = lower();
    rayon::broadcast(|_| {
        let _ = lower();
    });
}

fn is_low() -> bool {
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    thread_schedule_policy() == Ok(idle)
}

/// The GPU memory that this process may reserve.
///
/// The pools under burn take no limit, so what they reserve is measured, and learning ends when it is too much. What
/// the driver itself needs, and what another process has, is not in it.
#[derive(Clone, Debug)]
struct GpuMemory {
    allowed: Option<u64>,
    all: u64,
    share: f64,
}

impl GpuMemory {
    /// As the settings say.
    ///
    /// # Errors
    /// When there is a limit and nothing says how much the GPU has.
    fn of(context: &Context) -> Result<Self> {
        let share = context.config.compute.gpu_memory_share;
        let pooled = context.device.memory_pool_usage().is_some();
        if share >= 1.0 || !pooled {
            return Ok(Self {
                allowed: None,
                all: 0,
                share,
            });
        }
        let Some(all) = total_bytes() else {
            bail!(
                "compute.gpu_memory_share is {share}, but neither nvidia-smi nor /proc/meminfo says how much memory \
                 there is; allowed here: 1"
            );
        };
        Ok(Self {
            allowed: Some((all as f64 * share) as u64),
            all,
            share,
        })
    }

    /// Whether this process keeps to its share.
    ///
    /// # Errors
    /// Says how much it has reserved, of what.
    fn check(&self, context: &Context) -> Result<()> {
        let reserved = context.device.memory_pool_usage().map(|u| u.bytes_reserved);
        self.judge(reserved.unwrap_or(0))
    }

    fn judge(&self, reserved: u64) -> Result<()> {
        match self.allowed {
            Some(allowed) if reserved > allowed => bail!(
                "learning has reserved {} MiB of the GPU's {} MiB, allowed: {} MiB (compute.gpu_memory_share = {}); \
                 a smaller align.pairs or train.batch needs less, or allow more",
                reserved >> 20,
                self.all >> 20,
                allowed >> 20,
                self.share
            ),
            _ => Ok(()),
        }
    }
}

/// Memory of the GPU, bytes. One that shares the computer's memory, as on a Jetson, has all of that.
fn total_bytes() -> Option<u64> {
    let asked = Command::new("nvidia-smi")
        .args(["--query-gpu=memory.total", "--format=csv,noheader,nounits"])
        .output();
    let said = asked.map(|o| String::from_utf8_lossy(&o.stdout).into_owned());
    let own = said.ok().and_then(|text| mebibytes(&text));
    own.or_else(|| {
        let text = std::fs::read_to_string("/proc/meminfo").ok()?;
        let line = text.lines().find_map(|l| l.strip_prefix("MemTotal:"))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib << 10)
    })
}

fn mebibytes(text: &str) -> Option<u64> {
    let first: u64 = text.lines().next()?.trim().parse().ok()?;
    Some(first << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_share_is_refused_with_how_much_it_is() {
        let memory = GpuMemory {
            allowed: Some(4 << 30),
            all: 8 << 30,
            share: 0.5,
        };
        assert!(memory.judge(4 << 30).is_ok());
        let refused = memory.judge(5 << 30).unwrap_err().to_string();
        for part in ["5120 MiB", "8192 MiB", "allowed: 4096 MiB", "0.5"] {
            assert!(refused.contains(part), "{part}: {refused}");
        }
        let free = GpuMemory {
            allowed: None,
            ..memory
        };
        assert!(free.judge(u64::MAX).is_ok());
        assert_eq!(mebibytes("81559\n81559\n"), Some(81559 << 20));
        assert_eq!(mebibytes("[N/A]\n"), None);
    }

    #[test]
    fn a_lowered_thread_says_so_to_the_system() {
        let policy = std::thread::spawn(|| {
            lower().unwrap();
            thread_schedule_policy().unwrap()
        });
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        assert_eq!(policy.join().unwrap(), idle);
    }

    #[test]
    fn threads_that_learn_already_are_lowered_too() {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(2)
            .build()
            .unwrap();
        assert_eq!(pool.broadcast(|_| is_low()), [false, false]);
        pool.install(lower_all);
        assert_eq!(pool.broadcast(|_| is_low()), [true, true]);
    }
}
