//! An edge over TLS, with an authority and certificates made by the test.

use std::path::Path;
use std::process::Command;

use stage_connect::laws::by_hand::{opened, settle_all, take};
use stage_connect::laws::installed;
use stage_connect::{Disposition, ErrorKind};
use stage_edge::{Edge, Epoch, Partition};
use stage_nats::Server;
use stage_nats::edge::NatsEdge;

use crate::outlets::put;
use crate::support::NatsServer;
use crate::{LONG, spec};

fn openssl(program: &Path, folder: &Path, arguments: &str) {
    let made = Command::new(program).args(arguments.split(' ')).current_dir(folder).output().unwrap();
    assert!(made.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&made.stderr));
}

/// Makes an authority, and a certificate of it for `name`.
fn certify(program: &Path, folder: &Path, name: &str, usage: &str) {
    let extensions = format!("subjectAltName=IP:127.0.0.1\nextendedKeyUsage={usage}\n");
    std::fs::write(folder.join(format!("{name}.ext")), extensions).unwrap();
    openssl(
        program,
        folder,
        &format!("req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}"),
    );
    let sign = format!(
        "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile {name}.ext"
    );
    openssl(program, folder, &format!("{sign} -out {name}.pem"));
}

#[tokio::test]
async fn an_edge_crosses_tls_with_certificates_on_both_sides() {
    let Some(program) = installed("openssl") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    openssl(
        &program,
        path,
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority",
    );
    certify(&program, path, "server", "serverAuth");
    certify(&program, path, "client", "clientAuth");
    let file = |name: &str| path.join(name).to_str().unwrap().to_owned();
    let (certificate, key, authority) = (file("server.pem"), file("server.key"), file("ca.pem"));
    let tls = ["--tlsverify", "--tlscert", &certificate, "--tlskey", &key, "--tlscacert", &authority];
    let Some(server) = NatsServer::start(&tls).await else { return };
    let url = server.url().replace("nats://", "tls://");

    let trusting = Server::new(&url).unwrap().root_certificates(&authority);
    let known = trusting.clone().client_certificate(file("client.pem"), file("client.key"));
    let edge = NatsEdge::new(known);
    edge.open(&spec()).await.unwrap();
    put(&edge, &spec(), Partition(0), 0..1).await;
    let (mut inlet, mut settle) = opened(edge.inlet(&spec(), Partition(0), Epoch(1))).await;
    let frames = take(&mut inlet, 1, LONG).await;
    assert_eq!(frames.len(), 1);
    settle_all(&mut settle, &frames, Disposition::Accept).await;

    // Neither side accepts a stranger.
    let unknown = NatsEdge::new(Server::new(&url).unwrap()).open(&spec()).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::Fatal, "{unknown}");
    assert!(NatsEdge::new(trusting).open(&spec()).await.is_err());
}
