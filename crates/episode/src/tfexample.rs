//! `tf.train.Example`: named lists of bytes, floats or integers.
//!
//! Message layout:
//! <https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/example/example.proto>.

use crate::{
    WireError,
    wire::{Encoder, Fields, Value, floats, numbers},
};
use std::collections::BTreeMap;

/// One feature's values.
#[derive(Clone, Debug, PartialEq)]
pub enum Feature {
    /// Pictures, texts.
    Bytes(Vec<Vec<u8>>),
    /// Real numbers.
    Floats(Vec<f32>),
    /// Integers and truth values.
    Ints(Vec<i64>),
}

/// The features of one example, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TfExample {
    /// Name to values.
    pub features: BTreeMap<String, Feature>,
}

impl TfExample {
    /// Reads a `tf.train.Example`. A feature without a kind is left out.
    ///
    /// # Errors
    /// When the bytes are not such a message.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut example = Self::default();
        for features in messages(bytes, 1) {
            for entry in messages(features?, 1) {
                if let (Some(name), Some(feature)) = entry.and_then(decode_entry)? {
                    example.features.insert(name, feature);
                }
            }
        }
        Ok(example)
    }

    /// The bytes of this example.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut features = Encoder::default();
        for (name, feature) in &self.features {
            let (kind, list) = match feature {
                Feature::Bytes(values) => {
                    let empty = Encoder::default();
                    (1, values.iter().fold(empty, |e, v| e.bytes(1, v)))
                }
                Feature::Floats(values) => (2, Encoder::default().floats(1, values)),
                Feature::Ints(values) => {
                    let values = values.iter().map(|v| v.cast_unsigned());
                    (3, Encoder::default().numbers(1, values))
                }
            };
            let feature = Encoder::default().bytes(kind, &list.0);
            let entry = Encoder::default()
                .bytes(1, name.as_bytes())
                .bytes(2, &feature.0);
            features = features.bytes(1, &entry.0);
        }
        Encoder::default().bytes(1, &features.0).0
    }
}

/// The messages in field `wanted` of `bytes`.
fn messages(bytes: &[u8], wanted: u64) -> impl Iterator<Item = Result<&[u8], WireError>> {
    Fields(bytes).filter_map(move |item| match item {
        Ok((field, Value::Bytes(message))) if field == wanted => Some(Ok(message)),
        Ok(_) => None,
        Err(e) => Some(Err(e)),
    })
}

fn decode_entry(bytes: &[u8]) -> Result<(Option<String>, Option<Feature>), WireError> {
    let (mut name, mut feature) = (None, None);
    for item in Fields(bytes) {
        match item? {
            (1, Value::Bytes(text)) => name = Some(String::from_utf8_lossy(text).into_owned()),
            (2, Value::Bytes(message)) => feature = decode_feature(message)?,
            _ => {}
        }
    }
    Ok((name, feature))
}

fn decode_feature(bytes: &[u8]) -> Result<Option<Feature>, WireError> {
    let mut feature = None;
    for item in Fields(bytes) {
        let (kind, Value::Bytes(list)) = item? else {
            continue;
        };
        feature = Some(match kind {
            1 => Feature::Bytes(
                messages(list, 1)
                    .map(|m| m.map(<[u8]>::to_vec))
                    .collect::<Result<_, _>>()?,
            ),
            2 => Feature::Floats(values(list, floats)?),
            3 => {
                let numbers = values(list, numbers)?;
                Feature::Ints(numbers.into_iter().map(u64::cast_signed).collect())
            }
            _ => continue,
        });
    }
    Ok(feature)
}

fn values<T>(
    list: &[u8],
    add: impl Fn(Value<'_>, &mut Vec<T>) -> Option<()>,
) -> Result<Vec<T>, WireError> {
    let mut into = Vec::new();
    for item in Fields(list) {
        let (field, value) = item?;
        if field == 1 {
            add(value, &mut into).ok_or(WireError::FieldType {
                message: "tf.train.Feature",
                field,
            })?;
        }
    }
    Ok(into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn feature() -> impl Strategy<Value = Feature> {
        prop_oneof![
            proptest::collection::vec(any::<Vec<u8>>(), 0..4).prop_map(Feature::Bytes),
            proptest::collection::vec(-1e9f32..1e9, 0..9).prop_map(Feature::Floats),
            any::<Vec<i64>>().prop_map(Feature::Ints),
        ]
    }

    proptest! {
        #[test]
        fn round_trip(features in proptest::collection::btree_map("[a-z/_]{1,9}", feature(), 0..6)) {
            let example = TfExample { features };
            prop_assert_eq!(TfExample::decode(&example.encode()).unwrap(), example);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = TfExample::decode(&bytes);
        }
    }
}
