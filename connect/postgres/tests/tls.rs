//! Encrypted connections to a real server.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

mod kit;

use kit::{PASSWORD, Postgres};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use stage_connect::ErrorKind;
use stage_postgres::Server;

fn trusting(certificates: impl IntoIterator<Item = CertificateDer<'static>>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()
}

#[tokio::test]
async fn a_trusted_server_is_reached_encrypted_and_another_one_is_refused() {
    let Some(server) = Postgres::start_encrypted() else { return };
    let user = format!("CREATE ROLE app SUPERUSER LOGIN PASSWORD '{PASSWORD}'");
    server.client().await.batch_execute(&user).await.unwrap();
    let address = format!("{}?sslmode=require", server.checked_address());
    let certificate = CertificateDer::from_pem_file(server.certificate()).unwrap();

    let trusted = Server::new(&address).unwrap().tls(trusting([certificate]));
    let client = trusted.client().await.unwrap();
    let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert!(client.query_one(encrypted, &[]).await.unwrap().get::<_, bool>(0));

    let doubted = Server::new(&address).unwrap().tls(trusting([]));
    let error = doubted.client().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fatal, "{error}");
    assert!(error.to_string().contains("check the trusted certificates of `Server::tls`"), "{error}");
    assert!(!format!("{error} {error:?} {doubted:?}").contains(PASSWORD), "{error}");
}

#[tokio::test]
async fn a_server_without_encryption_is_refused_where_it_is_required() {
    let Some(server) = Postgres::shared() else { return };
    let address = format!("{}?sslmode=require", server.address());
    let error = Server::new(&address).unwrap().tls(trusting([])).client().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fatal, "{error}");
    assert!(error.to_string().contains("server does not support TLS"), "{error}");
}
