//! The workers of a run.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use stage_connect::laws::Process;
use stage_edge::EdgeSpec;

use super::network::Network;
use super::pipeline::Event;
use super::scene::Scene;
use super::worker::{Job, leave_file};
use crate::support::NatsServer;

/// The program of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A loop of its own over leases and inlets.
    Frames,
    /// A pipeline behind the edge.
    Pipeline,
    /// A pipeline between two edges.
    Once,
    /// A pipeline with the windows of a flow.
    Flow,
    /// A pipeline behind the edge, and one event ends the process.
    Deadly(Event),
}

/// The file of handled events.
const LOG: &str = "handled.log";

/// Workers with names of their own, and the file into which they write.
pub(super) struct Crew {
    folder: tempfile::TempDir,
    url: String,
    /// The time for each event.
    pace: Duration,
    spec: EdgeSpec,
    replicas: usize,
    kind: Kind,
    started: usize,
    pub(super) workers: Vec<(String, Process)>,
}

impl Crew {
    pub(super) fn new(server: &NatsServer, spec: &EdgeSpec, pace: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(LOG), "").unwrap();
        let (url, spec) = (server.url(), spec.clone());
        Self { folder, url, pace, spec, replicas: 1, kind: Kind::Frames, started: 0, workers: Vec::new() }
    }

    /// Makes the workers use a cluster of servers, on which streams have this number of replicas.
    pub(super) fn in_cluster(mut self, url: String, replicas: usize) -> Self {
        (self.url, self.replicas) = (url, replicas);
        self
    }

    /// Sets the program of the workers.
    pub(super) fn running(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Starts this number of workers.
    pub(super) fn join_all(&mut self, workers: usize) {
        (0..workers).for_each(|_| drop(self.join()));
    }

    /// Starts a worker for each one that has ended.
    pub(super) fn replace_ended(&mut self) {
        let before = self.workers.len();
        self.workers.retain_mut(|(_, worker)| worker.ended().is_none());
        for _ in self.workers.len()..before {
            self.join();
        }
    }

    pub(super) fn log(&self) -> PathBuf {
        self.folder.path().join(LOG)
    }

    pub(super) fn scene(&self) -> Scene {
        Scene::new(&self.url, self.folder.path())
    }

    /// Starts a worker, and returns its name.
    pub(super) fn join(&mut self) -> String {
        self.start(Command::new)
    }

    /// Starts a worker within a network.
    pub(super) fn join_behind(&mut self, network: &Network) -> String {
        self.start(|program| network.command(program))
    }

    fn start(&mut self, run: impl FnOnce(PathBuf) -> Command) -> String {
        self.started += 1;
        let name = format!("w{}", self.started);
        let Self { url, pace, spec, replicas, kind, .. } = self;
        let job = Job {
            url,
            log: &self.folder.path().join(LOG),
            name: &name,
            pace: *pace,
            spec,
            replicas: *replicas,
            kind: *kind,
        };
        let worker = Process::start(job.command(run));
        self.workers.push((name.clone(), worker));
        name
    }

    /// Kills the worker that is longest there, and starts another one.
    pub(super) fn replace(&mut self) {
        let (_, mut killed) = self.workers.remove(0);
        killed.kill();
        self.join();
    }

    /// Asks the worker that is longest there to leave, and waits for its end.
    pub(super) async fn leave(&mut self) {
        let (name, mut leaving) = self.workers.remove(0);
        std::fs::write(leave_file(&self.log(), &name), "").unwrap();
        let begun = std::time::Instant::now();
        let status = loop {
            if let Some(status) = leaving.ended() {
                break status;
            }
            assert!(begun.elapsed() < super::SILENCE, "{name} does not leave");
            tokio::time::sleep(super::PAUSE).await;
        };
        assert!(status.success(), "{name}: {status}");
    }
}

/// Sends a signal.
pub(super) fn signal(process: u32, signal: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{signal} {process}")]).status().unwrap();
    assert!(sent.success(), "kill -{signal} {process}: {sent}");
}
