//! Keeps a processor busy.

use anyhow::Result;

/// Computes until killed.
pub fn run() -> Result<()> {
    println!("busy");
    loop {
        std::hint::black_box(busy());
    }
}

/// Some milliseconds of floating-point work, as training does.
fn busy() -> f32 {
    let mut numbers = [1.0f32; 1024];
    for round in 0..4096 {
        for number in &mut numbers {
            *number = number.mul_add(0.999, round as f32 * 1e-6);
        }
    }
    numbers.iter().sum()
}
