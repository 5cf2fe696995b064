//! R7: messages that were damaged on the way, or made up.

mod decoders;

use crate::allocation::peak_of;
use crate::{Rows, Scale};
use anyhow::Result;
use apprentice_core::Seed;
use decoders::Decoder;
pub use decoders::native;

use rand::Rng;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What words about an error may take, bytes; they do not depend on the message.
const WORDS: usize = 1024;

/// 20,000 damaged messages for each decoder, 1,000,000 in full.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    let inputs: u64 = scale.pick(20_000, 1_000_000);
    let decoders = decoders::all()?;
    let (mut panics, mut worst, mut worst_of) = (0, 0.0, "");
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let (mut taken, mut first) = (0, String::new());
    for (place, decoder) in decoders.iter().enumerate() {
        let mut rng = Seed(7).derive(decoder.name, place as u64).rng();
        for _ in 0..inputs {
            let input = damaged(decoder, &mut rng);
            let (read, peak) =
                peak_of(|| catch_unwind(AssertUnwindSafe(|| (decoder.read)(&input))));
            match read {
                Ok(good) => taken += u64::from(good),
                Err(_) => {
                    panics += 1;
                    if first.is_empty() {
                        first = format!("{}: {input:02x?}", decoder.name);
                    }
                }
            }
            let share = peak.saturating_sub(WORDS) as f64 / input.len().max(1) as f64;
            if share > worst {
                (worst, worst_of) = (share, decoder.name);
            }
        }
    }
    std::panic::set_hook(quiet);
    let names: Vec<&str> = decoders.iter().map(|d| d.name).collect();
    rows.exactly(
        format!(
            "{inputs} damaged messages each of {} kinds ({}), {taken} of them still good: panics{}{first}",
            decoders.len(),
            names.join(", "),
            if first.is_empty() { "" } else { ", the first of " },
        ),
        panics,
        0,
    );
    rows.at_most(
        format!(
            "memory a decoder took at most for each byte of a message, beyond {WORDS} bytes for words ({worst_of})"
        ),
        worst,
        2.0,
        "bytes",
    );
    Ok(())
}

/// A good message with something wrong, or something else altogether.
fn damaged(decoder: &Decoder, rng: &mut impl Rng) -> Vec<u8> {
    let good = |rng: &mut dyn rand::RngCore| {
        let place = rng.random_range(0..decoder.good.len().max(1));
        decoder.good.get(place).cloned().unwrap_or_default()
    };
    let mut bytes = good(rng);
    let style = rng.random_range(0..8);
    if style == 0 {
        let length = rng.random_range(0..300);
        return (0..length).map(|_| rng.random()).collect();
    }
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(0..bytes.len().max(1));
        match style {
            1 => bytes.truncate(at),
            2 => bytes.extend((0..rng.random_range(1..64)).map(|_| rng.random::<u8>())),
            // A length or a number that is as wrong as can be.
            3 | 4 => {
                let wild = [0, 1, 0x7f, 0xff, 0xfffe, 0xffff, 0x7fff_ffff, 0xffff_ffff];
                let wild = u32::to_le_bytes(wild[rng.random_range(0..wild.len())]);
                let wide = [1, 2, 4][rng.random_range(0..3)];
                for (to, from) in bytes.iter_mut().skip(at).take(wide).zip(wild) {
                    *to = from;
                }
            }
            5 => {
                let other = good(rng);
                let from = rng.random_range(0..other.len().max(1));
                bytes.truncate(at);
                bytes.extend_from_slice(other.get(from..).unwrap_or_default());
            }
            6 => {
                let end = (at + rng.random_range(0..32)).min(bytes.len());
                bytes.drain(at.min(end)..end);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << rng.random_range(0..8);
                }
            }
        }
    }
    bytes
}
