//! TLS for the listeners, with Kafka's settings for PEM: `ssl.keystore.location` (key and certificates in one file), or the
//! texts themselves in `ssl.keystore.key` and `ssl.keystore.certificate.chain`; `ssl.truststore.*` for clients' certificates and
//! for those of other registries.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// The settings as they were given.
#[derive(Clone, Default)]
pub struct Tls {
    key: Option<String>,
    chain: Option<String>,
    trusted: Option<String>,
    clients: Clients,
    only_1_3: bool,
}

impl std::fmt::Debug for Tls {
    /// Says nothing of the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("clients", &self.clients).finish_non_exhaustive()
    }
}

/// Whether clients show certificates (`ssl.client.authentication`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Clients {
    #[default]
    None,
    Requested,
    Required,
}

/// What listeners need of all this.
pub(crate) type Identity = Arc<ServerConfig>;

impl Tls {
    /// Sets an `ssl.…` property; the text says what is wrong with it.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let read = |path: &str| std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
        match name {
            "ssl.keystore.type" | "ssl.truststore.type" if value.eq_ignore_ascii_case("PEM") => {}
            "ssl.keystore.type" | "ssl.truststore.type" => {
                return Err(format!("{name}={value}: PEM is supported"));
            }
            "ssl.keystore.location" => {
                let text = read(value)?;
                (self.key, self.chain) = (Some(text.clone()), Some(text));
            }
            "ssl.keystore.key" => self.key = Some(value.to_owned()),
            "ssl.keystore.certificate.chain" => self.chain = Some(value.to_owned()),
            "ssl.truststore.location" => self.trusted = Some(read(value)?),
            "ssl.truststore.certificates" => self.trusted = Some(value.to_owned()),
            "ssl.client.authentication" | "ssl.client.auth" => {
                self.clients = match value.to_ascii_uppercase().as_str() {
                    "NONE" | "FALSE" => Clients::None,
                    "REQUESTED" => Clients::Requested,
                    "REQUIRED" | "TRUE" => Clients::Required,
                    _ => return Err(format!("{name}={value}: NONE, REQUESTED or REQUIRED is wanted")),
                };
            }
            "ssl.protocol" | "ssl.enabled.protocols" => {
                let known = ["TLS", "TLSv1.2", "TLSv1.3"];
                let all: Vec<&str> = value.split(',').map(str::trim).collect();
                if let Some(other) = all.iter().find(|one| !known.contains(*one)) {
                    return Err(format!("{name}: {other} is not supported; TLSv1.2 and TLSv1.3 are"));
                }
                self.only_1_3 = all == ["TLSv1.3"];
            }
            _ => return Err(format!("{name} is not supported")),
        }
        Ok(())
    }

    /// What the settings come to.
    pub(crate) fn identity(&self) -> Result<Identity, String> {
        let key = self.key.as_deref().ok_or("https needs ssl.keystore.location, or ssl.keystore.key")?;
        let key = private_key(key)?;
        let chain = certificates(self.chain.as_deref().unwrap_or_default(), "ssl.keystore")?;
        let provider = Arc::new(ring::default_provider());
        let versions: &[&rustls::SupportedProtocolVersion] =
            if self.only_1_3 { &[&rustls::version::TLS13] } else { rustls::ALL_VERSIONS };
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .map_err(|error| error.to_string())?;
        let builder = match self.clients {
            Clients::None => builder.with_no_client_auth(),
            clients => builder.with_client_cert_verifier(self.verifier(provider, clients)?),
        };
        let config =
            builder.with_single_cert(chain, key).map_err(|error| format!("ssl.keystore: {error}"))?;
        Ok(Arc::new(config))
    }

    fn verifier(
        &self,
        provider: Arc<rustls::crypto::CryptoProvider>,
        clients: Clients,
    ) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, String> {
        let roots = self.roots()?.ok_or("client certificates need ssl.truststore.location")?;
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let builder = if clients == Clients::Requested { builder.allow_unauthenticated() } else { builder };
        builder.build().map_err(|error| format!("ssl.truststore: {error}"))
    }

    /// The certificates of the trust store.
    fn roots(&self) -> Result<Option<RootCertStore>, String> {
        let Some(trusted) = self.trusted.as_deref() else { return Ok(None) };
        let mut roots = RootCertStore::empty();
        for certificate in certificates(trusted, "ssl.truststore")? {
            roots.add(certificate).map_err(|error| format!("ssl.truststore: {error}"))?;
        }
        Ok(Some(roots))
    }

    /// How other registries are spoken to by https: trusting the trust store, and showing the key store's certificate to who
    /// asks for one. Nothing without a trust store.
    pub(crate) fn peers(&self) -> Result<Option<Arc<ClientConfig>>, String> {
        let Some(roots) = self.roots()? else { return Ok(None) };
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots);
        let config = match (self.key.as_deref(), self.chain.as_deref()) {
            (Some(key), Some(chain)) => {
                let chain = certificates(chain, "ssl.keystore")?;
                builder.with_client_auth_cert(chain, private_key(key)?).map_err(|error| error.to_string())?
            }
            _ => builder.with_no_client_auth(),
        };
        Ok(Some(Arc::new(config)))
    }
}

fn private_key(text: &str) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(unfolded(text).as_bytes())
        .map_err(|error| format!("ssl.keystore: no private key that can be read ({error})"))
}

/// PEM in a property may have its lines folded into one.
fn unfolded(text: &str) -> String {
    text.replace("\\n", "\n").replace("----- ", "-----\n").replace(" -----", "\n-----")
}

fn certificates(text: &str, name: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = unfolded(text);
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let read = read.map_err(|error| format!("{name}: a certificate cannot be read ({error})"))?;
    if read.is_empty() { Err(format!("{name}: no certificates")) } else { Ok(read) }
}
