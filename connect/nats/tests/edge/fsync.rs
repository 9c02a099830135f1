//! The order of writes to disk and acknowledgements, as the system calls of the server show it.

use std::fs::read_to_string;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;

use bytes::Bytes;
use stage_connect::{MessageId, Push};
use stage_edge::{Edge, Partition};
use stage_nats::edge::NatsEdge;

use crate::spec;
use crate::support::{NatsServer, program};

/// Fewer than a partition keeps.
const FRAMES: usize = 60;

/// A killed process cannot show that a frame is on the disk, since the cache of the system outlives it.
#[tokio::test]
async fn with_sync_interval_always_each_frame_is_on_the_disk_before_it_is_acknowledged() {
    if Command::new("strace").arg("-V").output().is_err() {
        println!("skipped: strace is not installed");
        return;
    }
    let Some(server) = program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (calls, config) = (folder.path().join("calls"), folder.path().join("nats.conf"));
    std::fs::write(&config, "jetstream { sync_interval: always }").unwrap();
    let config = config.to_str().unwrap();
    let checked = Command::new(&server).args(["-t", "-c", config]).output().unwrap();
    if !checked.status.success() {
        println!("skipped: the server does not know `sync_interval: always`");
        return;
    }
    let traced = |program: PathBuf| {
        let mut command = Command::new("strace");
        // With -D, the server is the child of the test, and strace ends with it.
        command.args(["-D", "-f", "-qq", "-s", "100", "-e", "trace=fsync,fdatasync,write,writev", "-o"]);
        command.arg(&calls).arg(program);
        command
    };
    let server = NatsServer::start_by(traced, Ipv4Addr::LOCALHOST, &["-c", config]).await.unwrap();
    let edge = NatsEdge::new(server.server());
    edge.open(&spec()).await.unwrap();
    let mut outlet = edge.outlet(&spec(), Partition(0));
    outlet.connect().await.unwrap();
    for number in 0..FRAMES {
        let frame = [(MessageId::new(format!("0-{number}")), Bytes::from(vec![b'x'; 1000]))];
        assert_eq!(outlet.put(&frame).await.unwrap(), 1);
    }
    drop(server);

    let (mut synced, mut acknowledged) = (false, 0);
    for line in read_to_string(&calls).unwrap().lines() {
        if line.contains("sync(") || line.contains("sync resumed") {
            synced = true;
        } else if line.contains(r#"{\"stream\":\"EDGE_shop_orders\""#) {
            assert!(synced, "an acknowledgement without a write to disk before it: {line}");
            (synced, acknowledged) = (false, acknowledged + 1);
        }
    }
    assert_eq!(acknowledged, FRAMES);
}
