//! TLS to a registry: certificates to trust come from a PEM file, or from the system's.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::RegistryError;

/// Where systems keep the certificates they trust.
const SYSTEM: &[&str] =
    &["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Makes plain connections safe.
#[derive(Clone)]
pub(crate) struct Tls(TlsConnector);

impl Tls {
    /// Trusts the certificates of that file, or else the system's.
    pub fn new(trusted: Option<&Path>) -> Result<Self, RegistryError> {
        let system = || SYSTEM.iter().map(Path::new).find(|path| path.exists());
        let path = trusted.or_else(system).ok_or_else(|| {
            RegistryError::Setting("https:// needs a file of certificates to trust".to_owned())
        })?;
        let wrong =
            |error: &dyn std::fmt::Display| RegistryError::Setting(format!("{}: {error}", path.display()));
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))? {
            let certificate = certificate.map_err(|error| wrong(&error))?;
            // Systems keep certificates that newer rules refuse; those are passed over.
            if let Err(error) = roots.add(certificate)
                && trusted.is_some()
            {
                return Err(wrong(&error));
            }
        }
        if roots.is_empty() {
            return Err(wrong(&"it holds no certificate"));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(&error))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// The connection, once the server has shown a certificate for `host`.
    pub async fn connect(&self, host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>, String> {
        let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
        self.0.connect(name, stream).await.map_err(|error| error.to_string())
    }
}
