//! The protobuf wire format, as much of it as our messages and `tf.train.Example` need.
//!
//! Reading is total: any bytes give fields or an error, never a panic. Source: the protocol
//! buffers encoding page, <https://protobuf.dev/programming-guides/encoding/>.

use thiserror::Error;

/// Bytes that are not a protobuf message.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum WireError {
    /// A number or a length runs past the end.
    #[error("protobuf message ends in the middle of a field")]
    Truncated,
    /// A varint of more than ten bytes.
    #[error("protobuf number is longer than 10 bytes")]
    LongNumber,
    /// Groups and reserved types are not used here.
    #[error("protobuf field {field} has wire type {kind}, expected 0, 1, 2 or 5")]
    WireType {
        /// Field number.
        field: u64,
        /// Wire type.
        kind: u8,
    },
    /// A field of ours with another type than ours.
    #[error("protobuf field {field} of {message} has the wrong type")]
    FieldType {
        /// Message name.
        message: &'static str,
        /// Field number.
        field: u64,
    },
}

/// One field's content.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Number(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

/// The fields of a message, in the order of the bytes.
pub(crate) struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (head, rest) = self.0.split_first_chunk().ok_or(WireError::Truncated)?;
        self.0 = rest;
        Ok(*head)
    }

    fn field(&mut self) -> Result<(u64, Value<'a>), WireError> {
        let key = number(&mut self.0)?;
        let field = key >> 3;
        let value = match (key & 7) as u8 {
            0 => Value::Number(number(&mut self.0)?),
            1 => Value::Fixed64(self.take()?),
            2 => {
                let length = usize::try_from(number(&mut self.0)?).unwrap_or(usize::MAX);
                let (head, rest) = self
                    .0
                    .split_at_checked(length)
                    .ok_or(WireError::Truncated)?;
                self.0 = rest;
                Value::Bytes(head)
            }
            5 => Value::Fixed32(self.take()?),
            kind => return Err(WireError::WireType { field, kind }),
        };
        Ok((field, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

/// Takes one varint off the front.
fn number(bytes: &mut &[u8]) -> Result<u64, WireError> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(WireError::Truncated)?;
        *bytes = rest;
        if shift < 64 {
            value |= u64::from(byte & 0x7f) << shift;
        }
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(WireError::LongNumber)
}

/// Adds a repeated float field's content, packed or not.
pub(crate) fn floats(value: Value<'_>, into: &mut Vec<f32>) -> Option<()> {
    match value {
        Value::Fixed32(bytes) => into.push(f32::from_le_bytes(bytes)),
        Value::Bytes(packed) => {
            let (chunks, []) = packed.as_chunks::<4>() else {
                return None;
            };
            into.extend(chunks.iter().map(|b| f32::from_le_bytes(*b)));
        }
        _ => return None,
    }
    Some(())
}

/// Adds a repeated double field's content, packed or not.
pub(crate) fn doubles(value: Value<'_>, into: &mut Vec<f64>) -> Option<()> {
    match value {
        Value::Fixed64(bytes) => into.push(f64::from_le_bytes(bytes)),
        Value::Bytes(packed) => {
            let (chunks, []) = packed.as_chunks::<8>() else {
                return None;
            };
            into.extend(chunks.iter().map(|b| f64::from_le_bytes(*b)));
        }
        _ => return None,
    }
    Some(())
}

/// Adds a repeated integer field's content, packed or not.
pub(crate) fn numbers(value: Value<'_>, into: &mut Vec<u64>) -> Option<()> {
    match value {
        Value::Number(n) => into.push(n),
        Value::Bytes(mut packed) => {
            while !packed.is_empty() {
                into.push(number(&mut packed).ok()?);
            }
        }
        _ => return None,
    }
    Some(())
}

/// Writes a message field by field.
#[derive(Default)]
pub(crate) struct Encoder(pub Vec<u8>);

impl Encoder {
    fn raw(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn key(&mut self, field: u64, kind: u64) {
        self.raw(field << 3 | kind);
    }

    pub fn number(mut self, field: u64, value: u64) -> Self {
        self.key(field, 0);
        self.raw(value);
        self
    }

    pub fn double(mut self, field: u64, value: f64) -> Self {
        self.key(field, 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.key(field, 2);
        self.raw(value.len() as u64);
        self.0.extend(value);
        self
    }

    pub fn floats(self, field: u64, values: &[f32]) -> Self {
        let packed: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.bytes(field, &packed)
    }

    pub fn doubles(self, field: u64, values: &[f64]) -> Self {
        let packed: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.bytes(field, &packed)
    }

    pub fn numbers(self, field: u64, values: impl IntoIterator<Item = u64>) -> Self {
        let mut packed = Self::default();
        values.into_iter().for_each(|v| packed.raw(v));
        self.bytes(field, &packed.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_round_trip(values: Vec<u64>) {
            let bytes = Encoder::default().numbers(3, values.clone()).0;
            let (field, value) = Fields(&bytes).next().unwrap().unwrap();
            let mut back = Vec::new();
            numbers(value, &mut back).unwrap();
            prop_assert_eq!((field, back), (3, values));
        }

        #[test]
        fn any_bytes_end_in_fields_or_one_error(bytes: Vec<u8>) {
            let results: Vec<_> = Fields(&bytes).collect();
            let errors = results.iter().filter(|r| r.is_err()).count();
            prop_assert!(errors <= 1);
            prop_assert!(results.iter().rev().skip(1).all(Result::is_ok));
        }
    }
}
