//! The key `encoder.backbone`: a name, or a table with a `kind` and settings of its own.

use crate::EncoderKind;
use crate::encoder::Encoder;
use crate::shared::SharedSettings;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Which encoder a run uses, and where its settings stand.
#[derive(Clone, Debug, PartialEq)]
pub enum Backbone {
    /// By name: its settings are those of the sections that encoders share ([`SharedSettings`]).
    Named(EncoderKind),
    /// By a table that has all of its settings; those left out are its defaults.
    Table(EncoderKind),
}

impl Backbone {
    /// The encoder of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        EncoderKind::named(name).map(Self::Named)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Named(kind) | Self::Table(kind) => kind.name(),
        }
    }

    /// Calls `use_it` with the encoder's settings.
    pub(crate) fn with<T>(
        &self,
        shared: &SharedSettings<'_>,
        use_it: impl FnOnce(&dyn Encoder) -> T,
    ) -> T {
        match self {
            Self::Table(kind) => use_it(&**kind),
            Self::Named(kind) => match kind.with_shared(shared) {
                Some(encoder) => use_it(&*encoder),
                None => use_it(&**kind),
            },
        }
    }
}

impl Default for Backbone {
    fn default() -> Self {
        Self::Named(EncoderKind::Compact(Default::default()))
    }
}

impl Serialize for Backbone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Named(kind) => serializer.serialize_str(kind.name()),
            Self::Table(kind) => kind.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Backbone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrTable;

        impl<'de> Visitor<'de> for NameOrTable {
            type Value = Backbone;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(
                    f,
                    "the name of an encoder ({}) or a table with a kind",
                    EncoderKind::NAMES.join(", ")
                )
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Backbone, E> {
                Backbone::named(name).ok_or_else(|| E::unknown_variant(name, EncoderKind::NAMES))
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Backbone, M::Error> {
                EncoderKind::deserialize(MapAccessDeserializer::new(map)).map(Backbone::Table)
            }
        }

        deserializer.deserialize_any(NameOrTable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scaling;
    use serde_json::json;

    #[test]
    fn a_backbone_is_a_name_or_a_table() {
        for name in EncoderKind::NAMES {
            let backbone: Backbone = serde_json::from_value(json!(name)).unwrap();
            assert_eq!(backbone, Backbone::named(name).unwrap());
            assert_eq!(serde_json::to_value(&backbone).unwrap(), json!(name));
        }
        let table = json!({"kind": "resnet18", "input": {"size": 64, "scaling": "unit"}});
        let backbone: Backbone = serde_json::from_value(table).unwrap();
        let Backbone::Table(EncoderKind::ResNet18(resnet)) = &backbone else {
            panic!("{backbone:?}");
        };
        assert_eq!(
            (resnet.input.size, resnet.input.scaling),
            (64, Scaling::Unit)
        );
        let again: Backbone =
            serde_json::from_value(serde_json::to_value(&backbone).unwrap()).unwrap();
        assert_eq!(again, backbone);
    }

    #[test]
    fn names_and_settings_that_are_none_are_refused() {
        let refused = |value| {
            serde_json::from_value::<Backbone>(value)
                .unwrap_err()
                .to_string()
        };
        let name = refused(json!("resnet50"));
        assert!(
            name.contains("`resnet50`") && name.contains("`dinov2`"),
            "{name}"
        );
        let key = refused(json!({"kind": "dinov2", "sise": 3}));
        assert!(key.contains("`sise`"), "{key}");
    }
}
