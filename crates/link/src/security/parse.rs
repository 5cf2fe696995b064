//! Reads a certificate's file.

use super::SecurityError;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use std::fs;
use std::path::Path;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;

/// The longest certificate or key that is read, bytes.
const LONGEST_FILE: u64 = 64 << 10;

/// What a certificate says.
pub(super) struct Read {
    pub(super) der: CertificateDer<'static>,
    /// Empty where there is not exactly one.
    pub(super) common_name: String,
    /// What is ambiguous about whom it names; each side of a connection could read it otherwise.
    pub(super) ambiguous: Option<String>,
    /// Seconds since 1970.
    pub(super) from: i64,
    /// Seconds since 1970.
    pub(super) until: i64,
    /// The last day, such as `2027-03-01`, UTC.
    pub(super) last_day: String,
    pub(super) hosts: Vec<String>,
    /// The public key with its algorithm, DER.
    pub(super) public_key: Vec<u8>,
}

/// The text of a file of ours.
pub(super) fn text(path: &Path) -> Result<String, SecurityError> {
    let failed = |e: std::io::Error| SecurityError::file(path, &e);
    let bytes = fs::metadata(path).map_err(failed)?.len();
    if bytes > LONGEST_FILE {
        return Err(SecurityError::file(
            path,
            &format!("it has {bytes} bytes, allowed: {LONGEST_FILE}"),
        ));
    }
    fs::read_to_string(path).map_err(failed)
}

/// Reads the first certificate in a PEM file.
pub(super) fn certificate(path: &Path) -> Result<Read, SecurityError> {
    let text = text(path)?;
    let refuse = |reason: String| SecurityError::file(path, &reason);
    let der = CertificateDer::from_pem_slice(text.as_bytes())
        .map_err(|e| refuse(format!("it is no certificate in PEM: {e:?}")))?;
    let (_, parsed) = X509Certificate::from_der(&der)
        .map_err(|e| refuse(format!("it is no X.509 certificate: {e}")))?;
    let all: Vec<Option<&str>> = parsed
        .subject()
        .iter_common_name()
        .map(|n| n.as_str().ok())
        .collect();
    let several = CertificateDer::pem_slice_iter(text.as_bytes()).count();
    let (common_name, ambiguous) = match all.as_slice() {
        [Some(name)] if several == 1 => (*name, None),
        [Some(name)] => (
            *name,
            Some(format!("its file has {several} certificates, allowed: 1")),
        ),
        [None] => ("", Some("its common name is no text".to_owned())),
        names => (
            "",
            Some(format!(
                "it has {} common names, allowed: exactly 1; who it is would depend on who reads it",
                names.len()
            )),
        ),
    };
    let common_name = common_name.to_owned();
    let names = parsed
        .subject_alternative_name()
        .map_err(|e| refuse(format!("its host names cannot be read: {e}")))?;
    let hosts = names
        .iter()
        .flat_map(|n| &n.value.general_names)
        .filter_map(host)
        .collect();
    let validity = parsed.validity();
    let last = validity.not_after.to_datetime();
    let read = Read {
        common_name,
        ambiguous,
        from: validity.not_before.timestamp(),
        until: validity.not_after.timestamp(),
        last_day: last.date().to_string(),
        hosts,
        public_key: parsed.public_key().raw.to_vec(),
        der: der.clone(),
    };
    Ok(read)
}

fn host(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes)
                .ok()
                .map(|b| std::net::Ipv4Addr::from(b).to_string()),
            _ => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|b| std::net::Ipv6Addr::from(b).to_string()),
        },
        _ => None,
    }
}
