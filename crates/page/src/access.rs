//! Where a page is served, and what is asked of whoever comes in.

use crate::error::PageError;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Where a page is served, and to whom.
#[derive(Clone, Debug)]
pub struct Access {
    /// Where it listens. Other addresses than those of this machine itself take a token and TLS.
    pub address: SocketAddr,
    /// What a browser needs to come in, 16 to 128 letters, digits, `-` and `_`; `None`: one that is made anew.
    pub token: Option<String>,
    /// Names under which browsers elsewhere know this machine, beside its numbers.
    pub names: Vec<String>,
    /// What it proves itself with.
    pub tls: Option<Tls>,
}

/// A certificate and its key, PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate, and those that vouch for it.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl Access {
    /// On this machine alone, at a port (0: any that is free).
    #[must_use]
    pub fn here(port: u16, token: Option<&str>) -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            token: token.map(Into::into),
            names: Vec::new(),
            tls: None,
        }
    }

    /// What keeps it from being served there.
    ///
    /// # Errors
    /// When others could come in without a token, or listen.
    pub(crate) fn check(&self) -> Result<(), PageError> {
        let exposed = !self.address.ip().is_loopback();
        if exposed && (self.tls.is_none() || self.token.is_none()) {
            return Err(PageError::Exposed {
                address: self.address.ip(),
            });
        }
        Ok(())
    }

    /// Who proves this machine to browsers, where it has a certificate.
    ///
    /// # Errors
    /// When certificate or key cannot be used.
    pub(crate) fn acceptor(&self) -> Result<Option<TlsAcceptor>, PageError> {
        let Some(tls) = &self.tls else {
            return Ok(None);
        };
        let broken = |path: &PathBuf, e: &dyn std::fmt::Display| PageError::Certificate {
            path: path.clone(),
            why: e.to_string(),
        };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(&tls.certificate)
            .map_err(|e| broken(&tls.certificate, &e))?
            .collect();
        let chain = chain.map_err(|e| broken(&tls.certificate, &e))?;
        let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|e| broken(&tls.key, &e))?;
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|b| b.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|e| broken(&tls.certificate, &e))?;
        Ok(Some(TlsAcceptor::from(Arc::new(config))))
    }

    pub(crate) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Whether a name without port is one of this page's. Numbers always are where it is served to others: nobody else's
    /// server can have a number lead here.
    pub(crate) fn is_own_name(&self, name: &str) -> bool {
        let number = name.trim_start_matches('[').trim_end_matches(']');
        match number.parse::<IpAddr>() {
            Ok(number) => number.is_loopback() || !self.address.ip().is_loopback(),
            Err(_) => name == "localhost" || self.names.iter().any(|own| own == name),
        }
    }
}
