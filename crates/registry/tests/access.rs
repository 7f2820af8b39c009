//! Who is let in: basic authentication, TLS, replicas that only read.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use registry::{Access, MemoryLog, Options, Settings, http};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

/// One request on a connection of its own; the answer, whole.
async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, head: &str) -> String {
    let request = format!("{head}\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A peer that closes without a farewell has said what it had to say.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_users_are_answered() {
    let users = std::env::temp_dir().join(format!("mekong-registry-users-{}", std::process::id()));
    std::fs::write(
        &users,
        "# name: password,role\nanna: geheim,admin\nbert: MD5:5ebe2294ecd0e0f08eab7690d2a6ee69,reader\n",
    )
    .unwrap();
    let mut access = Access::default();
    for (name, value) in [
        ("authentication.method", "BASIC"),
        ("authentication.realm", "Test"),
        ("authentication.roles", "admin"),
        ("authentication.users.file", &users.to_string_lossy()),
    ] {
        access.set(name, value).unwrap();
    }
    std::fs::remove_file(&users).unwrap();
    let settings = Settings { access, ..Settings::default() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let log = Arc::new(MemoryLog::new(|| 0));
    let handle = http::serve(listener, Box::new(log), settings, || 0).await.unwrap();
    let table = [
        // anna:geheim
        ("Authorization: Basic YW5uYTpnZWhlaW0=", "200", "[]"),
        // bert:secret, who has no role that counts
        ("Authorization: Basic YmVydDpzZWNyZXQ=", "403", r#"{"error_code":403,"message":"Forbidden"}"#),
        // anna:wrong
        ("Authorization: Basic YW5uYTp3cm9uZw==", "401", r#"{"error_code":401,"message":"Unauthorized"}"#),
        ("X-Nothing: x", "401", r#"{"error_code":401,"message":"Unauthorized"}"#),
    ];
    for (header, status, body) in table {
        let stream = TcpStream::connect(handle.address).await.unwrap();
        let answer = ask(stream, &format!("GET /subjects HTTP/1.1\r\n{header}")).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.ends_with(body),
            "{header}\n{answer}"
        );
        let challenged = answer.contains("www-authenticate: Basic realm=\"Test\"");
        assert_eq!(challenged, status == "401", "{answer}");
    }
    handle.stop().await;
}

async fn secured(trusted: &str, host: &str, address: std::net::SocketAddr) -> Option<String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file(trusted)).unwrap() {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
    Some(ask(stream, "GET /schemas/types HTTP/1.1").await)
}

/// Without a cluster requests wait, so these options serve only as far as the handshake; the rest is told by [`ask`].
async fn listening(more: &[(&str, &str)]) -> http::Handle {
    let mut options = Options { bootstrap: "127.0.0.1:1".to_owned(), ..Options::default() };
    let keystore = file("server.pem");
    options.set("listeners", "https://127.0.0.1:0").unwrap();
    options.set("ssl.keystore.type", "PEM").unwrap();
    options.set("ssl.keystore.location", &keystore.to_string_lossy()).unwrap();
    for (name, value) in more {
        options.set(name, value).unwrap();
    }
    registry::serve_on(options, Box::new(Arc::new(MemoryLog::new(|| 0)))).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_as_the_settings_say() {
    let handle = listening(&[]).await;
    assert!(handle.url().starts_with("https://"));
    let answer = secured("server.crt", "localhost", handle.address).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with(r#"["JSON","PROTOBUF","AVRO"]"#),
        "{answer}"
    );
    assert_eq!(
        secured("server.crt", "example.org", handle.address).await,
        None,
        "another name's certificate"
    );
    assert_eq!(secured("other.crt", "localhost", handle.address).await, None, "nobody vouches for it");
    // A client that does not speak TLS is not answered, and holds nobody up.
    let plain = TcpStream::connect(handle.address).await.unwrap();
    assert!(!ask(plain, "GET /subjects HTTP/1.1").await.contains("200 OK"));
    let silent = TcpStream::connect(handle.address).await.unwrap();
    assert!(secured("server.crt", "localhost", handle.address).await.is_some());
    drop(silent);
    handle.stop().await;
    let trusted = file("other.crt");
    let trusted = trusted.to_string_lossy();
    let strict = [("ssl.client.authentication", "REQUIRED"), ("ssl.truststore.location", trusted.as_ref())];
    let handle = listening(&strict).await;
    let answer = secured("server.crt", "localhost", handle.address).await;
    assert!(!answer.unwrap_or_default().contains("200 OK"), "a client without a certificate was answered");
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_cannot_work_are_refused_at_the_start() {
    let mut no_key = Options::default();
    no_key.set("listeners", "https://127.0.0.1:0").unwrap();
    let mut no_users = Options::default();
    no_users.set("listeners", "http://127.0.0.1:0").unwrap();
    no_users.set("authentication.method", "BASIC").unwrap();
    let mut no_trust = Options::default();
    no_trust.set("listeners", "https://127.0.0.1:0").unwrap();
    no_trust.set("ssl.keystore.location", &file("server.pem").to_string_lossy()).unwrap();
    no_trust.set("ssl.client.auth", "true").unwrap();
    for options in [no_key, no_users, no_trust] {
        let started = tokio::time::timeout(Duration::from_secs(5), registry::serve(options)).await.unwrap();
        assert!(started.is_err());
    }
}
