//! Stretches of code that must not allocate and, where RealtimeSanitizer is loaded beside the test (`cargo xtask
//! realtime`), must not free, wait for a lock or ask the system for anything else either.

// An allocator that counts and a sanitizer's entry points can only be written so.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// Counts what the calling thread allocates in watched stretches.
struct Counting;

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as promised by the caller.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

fn count() {
    if WATCHED.try_with(Cell::get).unwrap_or(false) {
        let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// From here on this thread is watched.
pub fn enter() {
    ALLOCATIONS.with(|n| n.set(0));
    WATCHED.with(|w| w.set(true));
    sanitizer::enter();
}

/// The end of a watched stretch: how often it allocated; `None` where none had begun.
pub fn exit() -> Option<u64> {
    let watched = WATCHED.with(Cell::get);
    if watched {
        sanitizer::exit();
        WATCHED.with(|w| w.set(false));
    }
    watched.then(|| ALLOCATIONS.with(Cell::get))
}

/// Whether more than allocations is looked at.
pub fn is_sanitized() -> bool {
    sanitizer::is_loaded()
}

/// Allocations while `work` is done.
pub fn allocations<R>(work: impl FnOnce() -> R) -> (R, u64) {
    enter();
    let done = work();
    (done, exit().unwrap_or(0))
}

/// RealtimeSanitizer's entry points, if it is loaded: what is called between the two is looked at, wherever it
/// was built.
mod sanitizer {
    use std::ffi::{CStr, c_char, c_void};
    use std::sync::OnceLock;

    // SAFETY: as the C library declares it.
    unsafe extern "C" {
        fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    }

    type Call = unsafe extern "C" fn();

    fn find(name: &CStr) -> Option<Call> {
        // SAFETY: looks for a name in all that is loaded; the functions of these names take and answer nothing.
        unsafe {
            let found = dlsym(std::ptr::null_mut(), name.as_ptr());
            std::mem::transmute::<*mut c_void, Option<Call>>(found)
        }
    }

    fn calls() -> Option<(Call, Call)> {
        static CALLS: OnceLock<Option<(Call, Call)>> = OnceLock::new();
        *CALLS.get_or_init(|| {
            let begin = find(c"__rtsan_ensure_initialized")?;
            // SAFETY: this is what it is for.
            unsafe { begin() };
            Some((
                find(c"__rtsan_realtime_enter")?,
                find(c"__rtsan_realtime_exit")?,
            ))
        })
    }

    pub fn is_loaded() -> bool {
        calls().is_some()
    }

    pub fn enter() {
        if let Some((enter, _)) = calls() {
            // SAFETY: each is left again by `exit`.
            unsafe { enter() };
        }
    }

    pub fn exit() {
        if let Some((_, exit)) = calls() {
            // SAFETY: after `enter`, on the same thread.
            unsafe { exit() };
        }
    }
}

/// Says how much was watched, for who started the test to add up.
pub fn report(ticks: u64) {
    println!("watched: {ticks} ticks");
}

/// What a sanitizer must find; run one by one by `cargo xtask realtime`, which wants each to fail.
mod deliberate {
    use std::sync::Mutex;
    use std::time::Duration;

    #[test]
    #[ignore = "fails on purpose where a sanitizer is loaded"]
    fn deliberate_allocation() {
        super::allocations(|| std::hint::black_box(vec![1_u8; 100]));
    }

    #[test]
    #[ignore = "fails on purpose where a sanitizer is loaded"]
    fn deliberate_look_at_a_file() {
        let (file, _) = super::allocations(|| std::fs::File::open("/dev/null"));
        file.unwrap();
    }

    #[test]
    #[ignore = "fails on purpose where a sanitizer is loaded"]
    fn deliberate_wait_for_a_lock() {
        let lock = Mutex::new(());
        std::thread::scope(|scope| {
            let held = lock.lock().unwrap();
            scope.spawn(|| super::allocations(|| drop(lock.lock().unwrap())));
            std::thread::sleep(Duration::from_millis(50));
            drop(held);
        });
    }
}
