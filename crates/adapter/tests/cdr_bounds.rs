//! What comes from the wire neither panics nor takes much more memory than its bytes.
#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.
// An allocator that counts can only be written so.
#![allow(unsafe_code)]

#[path = "cdr_bounds/pictures.rs"]
mod pictures;

use apprentice_adapter::cdr::{self, *};
use apprentice_adapter::physicalai::layout;
use std::alloc::{GlobalAlloc, Layout as Memory, System};
use std::cell::Cell;
use std::hint::black_box;
use std::time::{Duration as Span, Instant};

thread_local! {
    /// Bytes of this thread in use now, and at most since the last look.
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

fn change(bytes: isize) {
    let live = LIVE.get() + bytes;
    LIVE.set(live);
    MOST.set(MOST.get().max(live));
}

/// What `read` says, and the most bytes it had in use at once.
fn measured(read: Read, bytes: &[u8]) -> (bool, usize) {
    let before = LIVE.get();
    MOST.set(before);
    let good = read(bytes);
    (good, (MOST.get() - before) as usize)
}

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, memory: Memory) -> *mut u8 {
        change(memory.size() as isize);
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(memory) }
    }
    unsafe fn dealloc(&self, at: *mut u8, memory: Memory) {
        change(-(memory.size() as isize));
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(at, memory) }
    }
    unsafe fn realloc(&self, at: *mut u8, memory: Memory, size: usize) -> *mut u8 {
        change(size as isize - memory.size() as isize);
        // SAFETY: as promised by the caller.
        unsafe { System.realloc(at, memory, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Reads bytes as a message and lets it go.
type Read = fn(&[u8]) -> bool;

macro_rules! read {
    ($of:ty) => {
        |bytes| black_box(cdr::decode::<$of>(bytes)).is_ok()
    };
}

fn names(count: usize) -> Names {
    (0..count).map(|i| format!("joint_{i}")).collect()
}

/// A good message of each kind, and how it is read.
fn examples() -> Vec<(&'static str, Vec<u8>, Read)> {
    let header = Header {
        stamp: Time::from_ns(1_700_000_000_123_456_789),
        frame_id: "base_link".into(),
    };
    let numbers = |n: usize| Numbers((0..n).map(|i| i as f64 * 0.1).collect());
    let state = JointState {
        header: header.clone(),
        name: names(40),
        position: numbers(40),
        velocity: numbers(40),
        effort: numbers(40),
    };
    let mut points = Points::default();
    for i in 0..20 {
        let positions = [i as f64; 7];
        let point = TrajectoryPoint {
            positions: &positions,
            velocities: &positions,
            time_from_start: Duration::from_ns(i * 100_000_000),
            ..TrajectoryPoint::default()
        };
        points.push(&point).unwrap();
    }
    let trajectory = JointTrajectory {
        header: header.clone(),
        joint_names: names(7),
        points,
    };
    let array = Float64MultiArray {
        layout: Layout::new(&[("rows", [2, 14]), ("columns", [7, 7])], 0),
        data: numbers(14),
    };
    let pixels = [7; 3 * 64];
    let image = RawImage {
        header: header.clone(),
        height: 8,
        width: 8,
        encoding: "rgb8".into(),
        is_bigendian: 0,
        step: 24,
        data: &pixels,
    };
    let compressed = CompressedImage {
        header: header.clone(),
        format: "jpeg".into(),
        data: &pixels,
    };
    let jog = JointJog {
        header,
        joint_names: names(7),
        displacements: numbers(0),
        velocities: numbers(7),
        duration: 0.02,
    };
    let cancelled = CancelResponse {
        return_code: 0,
        goals_canceling: vec![GoalInfo::default(); 6],
    };
    let told = TriggerResponse {
        success: true,
        message: "done".into(),
    };
    let data = [0; 56];
    let array8 = layout::Array::doubles(&data);
    let owned = layout::State {
        joint_positions: array8,
        state: array8,
        timestamp: 3.0,
        sensor_data: Some(layout::Sensors {
            velocities: Some(array8),
        }),
    };
    let owner = layout::Metadata {
        protocol_version: 1,
        name: "left".into(),
        joint_names: names(7),
    };
    let bytes = |e: Result<Vec<u8>, CdrError>| e.unwrap();
    vec![
        ("JointState", bytes(cdr::encode(&state)), read!(JointState)),
        (
            "JointTrajectory",
            bytes(cdr::encode(&trajectory)),
            read!(JointTrajectory),
        ),
        (
            "Float64MultiArray",
            bytes(cdr::encode(&array)),
            read!(Float64MultiArray),
        ),
        ("Image", bytes(cdr::encode(&image)), read!(RawImage)),
        (
            "CompressedImage",
            bytes(cdr::encode(&compressed)),
            read!(CompressedImage),
        ),
        ("JointJog", bytes(cdr::encode(&jog)), read!(JointJog)),
        (
            "TwistStamped",
            bytes(cdr::encode(&TwistStamped::default())),
            read!(TwistStamped),
        ),
        (
            "CancelGoal",
            bytes(cdr::encode(&cancelled)),
            read!(CancelResponse),
        ),
        (
            "GetResult",
            bytes(cdr::encode(&GetResultResponse::default())),
            read!(GetResultResponse),
        ),
        ("Trigger", bytes(cdr::encode(&told)), read!(TriggerResponse)),
        ("physicalai state", layout::encode(&owned).unwrap(), |b| {
            black_box(layout::decode::<layout::State>(b)).is_ok()
        }),
        (
            "physicalai metadata",
            layout::encode(&owner).unwrap(),
            |b| black_box(layout::decode::<layout::Metadata>(b)).is_ok(),
        ),
    ]
}

/// Changes a few bytes, lengths above all, or cuts the end off.
fn mutate(bytes: &mut Vec<u8>, draw: &mut impl FnMut() -> u32) {
    let pick = |draw: u32, of: usize| draw as usize % of.max(1);
    for _ in 0..1 + draw() % 4 {
        let at = pick(draw(), bytes.len());
        match draw() % 5 {
            0 => bytes.truncate(at),
            1 => bytes
                .iter_mut()
                .skip(at)
                .take(1)
                .for_each(|b| *b ^= 1 << (at % 8)),
            2 => {
                let word = [0, 1, 5, 0x7fff_ffff, 0x8000_0000, u32::MAX, draw()][pick(draw(), 7)];
                let place = bytes.iter_mut().skip(at & !3).zip(word.to_le_bytes());
                place.for_each(|(b, new)| *b = new);
            }
            3 => bytes.iter_mut().skip(at).take(8).for_each(|b| *b = 0),
            _ => {
                // Lists that become long ones of nothing.
                let tail: Vec<u8> = bytes.iter().skip(at).copied().collect();
                bytes.extend(tail);
            }
        }
        if bytes.is_empty() {
            return;
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014).
fn draws(mut seed: u64) -> impl FnMut() -> u32 {
    move || {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as u32
    }
}

#[test]
fn mutated_messages_neither_panic_nor_take_more_than_twice_their_length() {
    let wanted: u64 = std::env::var("APPRENTICE_MUTATIONS")
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(1_200_000);
    let limit = Span::from_secs(20);
    let mut draw = draws(7);
    let examples = examples();
    let began = Instant::now();
    let (mut inputs, mut good, mut largest) = (0u64, 0u64, 0);
    // Of CDR, and of msgpack.
    let mut worst = [(0.0f64, ""); 2];
    let mut bytes = Vec::with_capacity(1 << 16);
    'all: loop {
        for (what, example, read) in &examples {
            bytes.clear();
            bytes.extend(example);
            mutate(&mut bytes, &mut draw);
            let (read, took) = measured(*read, &bytes);
            good += u64::from(read);
            // What an error says, and the least a list holds, do not grow with the message.
            let beyond = took.saturating_sub(1024) as f64 / bytes.len().max(1) as f64;
            let worst = &mut worst[usize::from(what.starts_with("physicalai"))];
            if beyond > worst.0 {
                *worst = (beyond, what);
            }
            largest = largest.max(took);
            inputs += 1;
            if inputs >= wanted || began.elapsed() > limit {
                break 'all;
            }
        }
    }
    println!(
        "{inputs} mutated messages in {:.1} s: 0 panics, {good} still good; at most {largest} bytes taken; beyond \
         1024 bytes at most {:.2} times the length of CDR ({}), {:.2} times that of msgpack ({})",
        began.elapsed().as_secs_f64(),
        worst[0].0,
        worst[0].1,
        worst[1].0,
        worst[1].1
    );
    assert!(inputs >= 100_000, "{inputs} inputs only");
    assert!(worst[0].0 <= 2.0, "{worst:?}");
    assert!(worst[1].0 <= 2.0, "{worst:?}");
    assert!(good > 0 && good < inputs);
}

#[test]
fn long_lists_of_nothing_take_no_more_than_twice_their_length() {
    // 40,000 names, points and dimensions of the fewest bytes there can be.
    let count = 40_000u32;
    let mut list = vec![0, 1, 0, 0];
    list.extend([0; 12]);
    let mut state = list.clone();
    state.extend(count.to_le_bytes());
    state.extend(vec![0; 4 * count as usize + 12]);
    let mut trajectory = list.clone();
    trajectory.extend([0; 4]);
    trajectory.extend(count.to_le_bytes());
    trajectory.extend(vec![0; 24 * count as usize]);
    let mut array = vec![0, 1, 0, 0];
    array.extend(count.to_le_bytes());
    array.extend(vec![0; 12 * count as usize + 8]);
    let cases: [(&str, Vec<u8>, Read); 3] = [
        ("names", state, read!(JointState)),
        ("points", trajectory, read!(JointTrajectory)),
        ("dimensions", array, read!(Float64MultiArray)),
    ];
    for (what, bytes, read) in cases {
        let (good, took) = measured(read, &bytes);
        assert!(good, "{what}");
        let share = took as f64 / bytes.len() as f64;
        println!(
            "{count} {what} of nothing: {share:.2} times their {} bytes",
            bytes.len()
        );
        assert!(share <= 2.1, "{what}: {share}");
    }
    // A text of control characters where msgpack should have a number, and one byte too many.
    let mut text = vec![0x81, 0xb0];
    text.extend(b"protocol_version\xda");
    text.extend(60_000u16.to_be_bytes());
    text.extend([1; 60_000]);
    let read: Read = |b| black_box(layout::decode::<layout::Metadata>(b)).is_ok();
    let (good, took) = measured(read, &text);
    let share = took as f64 / text.len() as f64;
    println!(
        "msgpack that is wrong all over: {share:.2} times its {} bytes",
        text.len()
    );
    assert!(!good && share <= 2.0, "{share}");
    let (good, took) = measured(read, &[0; layout::LONGEST + 1]);
    assert!(!good && took <= 512, "{took}");
}
