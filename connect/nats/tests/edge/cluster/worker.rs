//! The process that owns partitions and handles their events. It is killed, stopped, and asked to leave.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stage_connect::{ConnectError, Disposition, ErrorKind, Pull, Pulled, Settle};
use stage_edge::{Edge, EdgeSpec, Epoch, LeaseView, Leases, Member, MemberId, Partition};
use stage_nats::Server;
use stage_nats::edge::{NatsEdge, NatsInlet, NatsLeases};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::crew::Kind;
use super::log::{self, Log};
use super::pipeline::{Event, Recorder, work};
use super::scene::{state_file, trace_file};
use super::{Scale, flows, once};

const RETRY: Duration = Duration::from_millis(20);

/// The work of one worker.
pub(super) struct Job<'a> {
    pub(super) url: &'a str,
    pub(super) log: &'a Path,
    pub(super) name: &'a str,
    /// The time for each event.
    pub(super) pace: Duration,
    pub(super) spec: &'a EdgeSpec,
    /// The number of replicas of each stream.
    pub(super) replicas: usize,
    pub(super) kind: Kind,
}

impl Job<'_> {
    /// Returns the command of a second process of this test program, which begins with `run`.
    pub(super) fn command(&self, run: impl FnOnce(PathBuf) -> Command) -> Command {
        let mut command = run(std::env::current_exe().unwrap());
        command
            .args(["cluster::worker::worker", "--exact"])
            .env("WORKER_URL", self.url)
            .env("WORKER_LOG", self.log)
            .env("WORKER_NAME", self.name)
            .env("WORKER_PACE", self.pace.as_micros().to_string())
            .env("WORKER_LEASE", self.spec.lease.as_micros().to_string())
            .env("WORKER_REPLICAS", self.replicas.to_string())
            .env("EDGE_PARTITIONS", self.spec.entrances().to_string())
            .stdout(Stdio::null());
        match self.kind {
            Kind::Frames => {}
            Kind::Flow => drop(command.env("WORKER_FLOW", "")),
            Kind::Pipeline => drop(command.env("WORKER_PIPELINE", "")),
            Kind::Once => drop(command.env("WORKER_ONCE", "")),
            Kind::Deadly(Event { key, number }) => {
                // Its abort is expected.
                command.env("WORKER_PIPELINE", format!("{key} {number}")).stderr(Stdio::null());
            }
        }
        command
    }
}

/// The file whose existence asks a worker to leave.
pub(super) fn leave_file(log: &Path, name: &str) -> PathBuf {
    log.with_extension(format!("{name}.leave"))
}

#[tokio::test]
async fn worker() {
    let variable = |name: &str| std::env::var(name).expect("a worker has it");
    let Ok(url) = std::env::var("WORKER_URL") else { return };
    let time = |name: &str| Duration::from_micros(variable(name).parse().unwrap());
    let (log, name, pace) = (variable("WORKER_LOG"), variable("WORKER_NAME"), time("WORKER_PACE"));
    let edge =
        NatsEdge::new(Server::new(&url).unwrap()).replicas(variable("WORKER_REPLICAS").parse().unwrap());
    let spec = Scale::from_environment().spec(time("WORKER_LEASE"));
    let leave = leave_file(Path::new(&log), &name);
    tracing_subscriber::fmt()
        .with_env_filter("info,stage_edge=debug,stage_nats=debug")
        .with_ansi(false)
        .with_writer(Mutex::new(File::create(trace_file(Path::new(&log), &name)).unwrap()))
        .init();
    let state = state_file(Path::new(&log), &name);
    if std::env::var_os("WORKER_FLOW").is_some() {
        let log = Arc::new(OpenOptions::new().append(true).open(&log).unwrap());
        return flows::work(edge, Scale::from_environment(), &name, log, pace, &leave).await;
    }
    let log = Log::open(Path::new(&log), &name);
    if std::env::var_os("WORKER_ONCE").is_some() {
        let recorder = Recorder { log, pace, deadly: None };
        let orders = once::orders(Scale::from_environment(), spec.lease);
        return once::work(edge, orders, &name, recorder, &leave).await;
    }
    if let Ok(deadly) = std::env::var("WORKER_PIPELINE") {
        let recorder = Recorder { log, pace, deadly: Event::read(&deadly) };
        return work(edge, spec.frame_bytes(400).attempts(3), &name, recorder, &leave).await;
    }
    let member = Member { id: MemberId::new(&name), name: name.clone(), leaving: false };
    let handler = Handler { log, pace };
    let leases = edge.leases(&spec);
    let mut owner = Owner { edge, spec, leases, member, handler, owned: BTreeMap::new(), state };
    owner.run(&leave).await;
}

struct Owner {
    edge: NatsEdge,
    spec: EdgeSpec,
    leases: NatsLeases,
    member: Member,
    handler: Handler,
    owned: BTreeMap<Partition, Ownership>,
    /// The file that tells the judge of a run that stalls what this worker does.
    state: PathBuf,
}

/// A partition in the hands of this worker.
struct Ownership {
    epoch: Epoch,
    /// The time until which events may be handled.
    good: Arc<Mutex<Instant>>,
    /// True asks for the end, after the frame in hand.
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
    doing: Doing,
}

/// The activity of the task of a partition, and its start.
#[derive(Clone)]
struct Doing(Arc<Mutex<(String, Instant)>>);

impl Doing {
    fn new() -> Self {
        Self(Arc::new(Mutex::new((String::new(), Instant::now()))))
    }

    fn set(&self, what: impl Into<String>) {
        *self.0.lock().unwrap() = (what.into(), Instant::now());
    }
}

impl Owner {
    /// Owns a share of the partitions until it is asked to leave.
    async fn run(&mut self, leave: &Path) {
        loop {
            self.member.leaving = leave.exists();
            // A server that is away is asked again.
            let tended = self.tend().await;
            self.note(&tended);
            if self.member.leaving && self.owned.is_empty() {
                self.leases.withdraw(&self.member.id).await.unwrap();
                return;
            }
            let pause = (self.spec.lease / 8).min(Duration::from_millis(250));
            let _ = timeout(pause, self.leases.changed()).await;
        }
    }

    /// Writes what this worker owns and does.
    fn note(&self, tended: &Result<(), ConnectError>) {
        let mut text = format!("{:?}: tended {tended:?}\n", log::now());
        for (partition, Ownership { epoch, good, stop, task, doing }) in &self.owned {
            let (stopped, ended, good) = (*stop.borrow(), task.is_finished(), *good.lock().unwrap());
            let left = good.saturating_duration_since(Instant::now());
            let (what, since) = doing.0.lock().unwrap().clone();
            writeln!(
                text,
                "partition {partition}, epoch {epoch}: stopped {stopped}, ended {ended}, good for {left:?}, {what} for {:?}",
                since.elapsed()
            )
            .unwrap();
        }
        fs::write(&self.state, text).unwrap();
    }

    async fn tend(&mut self) -> Result<(), ConnectError> {
        self.leases.announce(&self.member).await?;
        let mut lost = Vec::new();
        for (partition, ownership) in &self.owned {
            let sent = Instant::now();
            if ownership.task.is_finished() {
                // It is fenced, or was asked to stop. Other members may have come and gone since: then this worker takes
                // the partition again.
                self.leases.give_back(*partition, ownership.epoch).await?;
                lost.push(*partition);
            } else if self.leases.renew(*partition, ownership.epoch).await? {
                *ownership.good.lock().unwrap() = sent + self.spec.lease * 3 / 4;
            } else {
                ownership.task.abort();
                lost.push(*partition);
            }
        }
        for partition in lost {
            self.owned.remove(&partition);
        }
        let view = self.leases.view().await?;
        let wanted = share(&view, &self.member, self.spec.entrances());
        let unwanted: Vec<_> =
            self.owned.keys().filter(|partition| !wanted.contains(partition)).copied().collect();
        for partition in unwanted {
            self.owned[&partition].stop.send_replace(true);
        }
        for partition in wanted {
            if self.owned.contains_key(&partition) || view.owners.contains_key(&partition) {
                continue;
            }
            let sent = Instant::now();
            if let Some(epoch) = self.leases.take(partition, &self.member.id).await? {
                self.handler.log.taken();
                let good = Arc::new(Mutex::new(sent + self.spec.lease * 3 / 4));
                let inlet = self.edge.inlet(&self.spec, partition, epoch);
                let (stop, stopped) = watch::channel(false);
                let doing = Doing::new();
                let handling = handle(inlet, self.handler.clone(), Arc::clone(&good), stopped, doing.clone());
                let task = tokio::spawn(handling);
                self.owned.insert(partition, Ownership { epoch, good, stop, task, doing });
            }
        }
        Ok(())
    }
}

/// Returns the partitions that a member should own: rendezvous hashing, with an equal share at most.
fn share(view: &LeaseView, me: &Member, partitions: u32) -> Vec<Partition> {
    let mut members: Vec<_> =
        view.members.iter().filter(|member| !member.leaving).map(|member| member.id.clone()).collect();
    members.retain(|member| *member != me.id || !me.leaving);
    members.sort_unstable();
    let Some(most) = (partitions as usize).checked_next_multiple_of(members.len().max(1)) else {
        return Vec::new();
    };
    let most = most / members.len().max(1);
    let mut shares: BTreeMap<&MemberId, Vec<Partition>> = BTreeMap::new();
    for partition in (0..partitions).map(Partition) {
        let weight = |member: &MemberId| {
            let mut hasher = DefaultHasher::new();
            (member, partition).hash(&mut hasher);
            hasher.finish()
        };
        let free = members.iter().filter(|member| shares.get(member).is_none_or(|share| share.len() < most));
        if let Some(member) = free.max_by_key(|member| weight(member)) {
            shares.entry(member).or_default().push(partition);
        }
    }
    shares.remove(&me.id).unwrap_or_default()
}

#[derive(Clone)]
struct Handler {
    log: Log,
    pace: Duration,
}

/// Handles the frames of a partition until it is asked to stop, or fenced.
async fn handle(
    mut inlet: NatsInlet,
    handler: Handler,
    good: Arc<Mutex<Instant>>,
    mut stopped: watch::Receiver<bool>,
    doing: Doing,
) {
    let mut settle = inlet.settle_half();
    let mut open = false;
    loop {
        if *stopped.borrow() {
            return;
        }
        if !open {
            doing.set("connects");
            match inlet.connect().await {
                Ok(()) => open = true,
                Err(error) if error.kind() == ErrorKind::Gone => {
                    tracing::warn!(%error, "cannot connect");
                    sleep(RETRY).await;
                    continue;
                }
                Err(_) => return,
            }
        }
        doing.set("pulls");
        let pulled = tokio::select! {
            pulled = inlet.pull(NonZeroUsize::MIN, Duration::from_secs(5)) => pulled,
            _ = stopped.wait_for(|stopped| *stopped) => return,
        };
        match pulled {
            Ok(frames) => {
                for frame in frames {
                    doing.set(format!("has frame {}", frame.receipt.position()));
                    if handle_frame(&frame, &handler, &good).await.is_err() {
                        return;
                    }
                    let accepted = [(frame.receipt, Disposition::Accept)];
                    while let Err(error) = settle.settle(&accepted).await {
                        tracing::warn!(%error, "cannot settle");
                        if error.kind() == ErrorKind::Fenced {
                            return;
                        }
                        doing.set(format!("settles frame {}", accepted[0].0.position()));
                        sleep(RETRY).await;
                    }
                }
            }
            Err(error) if error.kind() == ErrorKind::Gone => {
                tracing::warn!(%error, "cannot pull");
                open = false;
                sleep(RETRY).await;
            }
            Err(_) => return,
        }
    }
}

struct Overdue;

/// Handles the events of a frame, each only while the lease is good.
async fn handle_frame<R>(
    frame: &Pulled<bytes::Bytes, R>,
    handler: &Handler,
    good: &Mutex<Instant>,
) -> Result<(), Overdue> {
    let text = std::str::from_utf8(&frame.message).unwrap();
    for event in text.lines() {
        if !handler.pace.is_zero() {
            sleep(handler.pace).await;
        }
        if Instant::now() >= *good.lock().unwrap() {
            return Err(Overdue);
        }
        handler.log.handled(event).unwrap();
    }
    Ok(())
}
