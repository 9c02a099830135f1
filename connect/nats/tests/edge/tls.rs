//! An edge over TLS, with an authority and certificates made by the test.

use stage_connect::laws::Authority;
use stage_connect::laws::by_hand::{opened, settle_all, take};
use stage_connect::{Disposition, ErrorKind};
use stage_edge::{Edge, Epoch, Partition};
use stage_nats::Server;
use stage_nats::edge::NatsEdge;

use crate::outlets::put;
use crate::support::NatsServer;
use crate::{LONG, spec};

#[tokio::test]
async fn an_edge_crosses_tls_with_certificates_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let Some(authority) = Authority::create(folder.path()) else { return };
    let [server, client] = ["server", "client"].map(|name| authority.certify(name));
    let authority = authority.certificate;
    let [certificate, key, trusted] =
        [&server.certificate, &server.key, &authority].map(|file| file.to_str().unwrap());
    let tls = ["--tlsverify", "--tlscert", certificate, "--tlskey", key, "--tlscacert", trusted];
    let Some(server) = NatsServer::start(&tls).await else { return };
    let url = server.url().replace("nats://", "tls://");

    let trusting = Server::new(&url).unwrap().root_certificates(&authority);
    let known = trusting.clone().client_certificate(client.certificate, client.key);
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
