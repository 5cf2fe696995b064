//! Asking how near an arm is to itself allocates nothing: it is asked in every command.
#![allow(clippy::unwrap_used)]

use apprentice_robot::{EMBEDDED, RobotDescription, SelfDistance};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Instant;

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

#[allow(unsafe_code)] // The only way to see allocations.
// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = COUNT.try_with(|c| c.set(c.get() + 1));
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn clearance_allocates_nothing() {
    for name in EMBEDDED {
        let robot = RobotDescription::embedded(name).unwrap();
        let mut distance = SelfDistance::new(&robot).unwrap();
        let mut joints = robot.home.clone();
        let before = COUNT.with(Cell::get);
        assert!(before > 0);
        let begun = Instant::now();
        let mut sum = 0.0;
        for k in 0..10_000 {
            joints[0] = robot.home[0] + f64::from(k) * 1e-5;
            sum += distance.clearance(&joints);
        }
        let spent = begun.elapsed().as_secs_f64() / 1e4;
        assert_eq!(COUNT.with(Cell::get), before, "{name}");
        assert!(sum.is_finite());
        println!(
            "{name}: {} pairs of capsules, {:.2} us a question",
            distance.pairs(),
            spent * 1e6
        );
    }
}
