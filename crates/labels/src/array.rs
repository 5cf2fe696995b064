//! Arrays as NumPy saves them (.npy, versions 1 to 3).

use std::io::Read;

/// Most numbers of an array.
const MOST: usize = 1 << 28;
/// Longest header, bytes.
const LONGEST_HEADER: usize = 1 << 16;

/// An array of numbers, the last index fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// Reads an array from a stream of `size` bytes. What the header promises is checked against `size` first.
pub fn read_array(mut stream: impl Read, size: u64) -> Result<Array, String> {
    let cut = |e: std::io::Error| format!("it is cut short: {e}");
    let mut magic = [0; 8];
    stream.read_exact(&mut magic).map_err(cut)?;
    if &magic[..6] != b"\x93NUMPY" {
        return Err("it is no NumPy array".into());
    }
    let (length, before) = if magic[6] == 1 {
        let mut length = [0; 2];
        stream.read_exact(&mut length).map_err(cut)?;
        (usize::from(u16::from_le_bytes(length)), 10)
    } else {
        let mut length = [0; 4];
        stream.read_exact(&mut length).map_err(cut)?;
        (u32::from_le_bytes(length) as usize, 12)
    };
    if length > LONGEST_HEADER {
        return Err(format!(
            "a header of {length} bytes, allowed: up to {LONGEST_HEADER}"
        ));
    }
    let mut header = vec![0; length];
    stream.read_exact(&mut header).map_err(cut)?;
    let header = String::from_utf8(header).map_err(|_| "its header is no text")?;
    let field = |name: &str| {
        let rest = header.split(&format!("'{name}':")).nth(1);
        rest.map(str::trim_start)
            .ok_or(format!("its header has no {name}"))
    };
    if !field("fortran_order")?.starts_with("False") {
        return Err("its order is Fortran's, allowed: C order (numpy.ascontiguousarray)".into());
    }
    let kind = field("descr")?
        .split('\'')
        .nth(1)
        .unwrap_or_default()
        .to_owned();
    let shape = field("shape")?.split(['(', ')']).nth(1).unwrap_or_default();
    let shape: Vec<usize> = shape
        .split(',')
        .map(str::trim)
        .filter(|n| !n.is_empty())
        .map(|n| n.parse().map_err(|_| format!("its shape has '{n}'")))
        .collect::<Result<_, _>>()?;
    let count = shape.iter().try_fold(1usize, |all, &n| all.checked_mul(n));
    let count = count.filter(|&n| n <= MOST);
    let count = count.ok_or(format!(
        "an array of {shape:?}, allowed: up to {MOST} numbers"
    ))?;
    let bytes = match kind.as_str() {
        "<f4" | "<i4" => 4,
        "<f8" | "<i8" => 8,
        "|u1" | "|i1" | "|b1" => 1,
        _ => {
            return Err(format!(
                "its numbers are {kind}, allowed: <f4, <f8, <i4, <i8, |u1, |i1, |b1"
            ));
        }
    };
    let promised = (count * bytes + before + length) as u64;
    if promised != size {
        return Err(format!(
            "its header promises {promised} bytes, it has {size}"
        ));
    }
    let mut raw = Vec::new();
    stream
        .take((count * bytes) as u64)
        .read_to_end(&mut raw)
        .map_err(cut)?;
    if raw.len() != count * bytes {
        return Err(format!(
            "it is cut short after {} of {} bytes",
            raw.len(),
            count * bytes
        ));
    }
    let values: Vec<f32> = raw.chunks_exact(bytes).map(|b| number(&kind, b)).collect();
    if values.iter().any(|v| !v.is_finite()) {
        return Err("a number of it is not finite".into());
    }
    Ok(Array { shape, values })
}

/// A number of 1, 4 or 8 little-endian bytes.
fn number(kind: &str, bytes: &[u8]) -> f32 {
    match (kind, bytes) {
        ("<f4", &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
        ("<i4", &[a, b, c, d]) => i32::from_le_bytes([a, b, c, d]) as f32,
        ("<f8", &[a, b, c, d, e, f, g, h]) => f64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32,
        ("<i8", &[a, b, c, d, e, f, g, h]) => i64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32,
        ("|i1", &[a]) => f32::from(i8::from_le_bytes([a])),
        (_, &[a]) => f32::from(a),
        _ => f32::NAN,
    }
}
