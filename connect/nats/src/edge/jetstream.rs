//! The server of an edge.

use stage_connect::__private::random;
use stage_connect::ConnectError;
use stage_edge::{Edge, EdgeSpec, Epoch, Lag, Opened, Partition};

use super::bucket::Bucket;
use super::guard::Guard;
use super::inlet::NatsInlet;
use super::lag;
use super::leases::NatsLeases;
use super::letters::NatsLetters;
use super::line::Line;
use super::names::Names;
use super::notes::NatsNotes;
use super::outlet::NatsOutlet;
use super::publisher::Publisher;
use super::reader::{Reader, Role};
use super::setup::{self, Missing};
use crate::server::Server;

/// A NATS server or cluster with JetStream, 2.9 or later, as the server of edges.
///
/// Clones share three connections: one for frames that arrive, one for frames that leave, and one for leases, so that a
/// renewal does not wait behind frames. Inlets know the leases that a clone has taken.
#[derive(Clone, Debug)]
#[must_use]
pub struct NatsEdge {
    server: Server,
    replicas: usize,
    arriving: Line,
    leaving: Line,
    leases: Line,
    guard: Guard,
    /// Distinguishes this process from others.
    mark: u64,
}

impl NatsEdge {
    /// Returns the server of edges whose streams have one replica.
    pub fn new(server: Server) -> Self {
        Self {
            replicas: 1,
            arriving: Line::new(server.clone()),
            leaving: Line::new(server.clone()),
            leases: Line::new(server.clone()),
            server,
            guard: Guard::default(),
            mark: random(),
        }
    }

    /// Sets the number of replicas of each stream, 1 to 5. Three or more survive the loss of a machine. Default: 1.
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.replicas = replicas.clamp(1, 5);
        self
    }

    fn at(&self, spec: &EdgeSpec) -> String {
        format!("{} edge `{}`", self.server.name(), spec.name)
    }

    fn bucket(&self, name: String) -> Bucket {
        Bucket::new(self.leases.clone(), name)
    }

    fn publisher(&self, stream: String, at: String) -> Publisher {
        Publisher::new(self.leaving.clone(), stream, at)
    }

    /// Returns the objects of an edge with the configuration that [`open`](Edge::open) compares with that of the server, as
    /// requests to create streams, for a server that is set up by other means.
    pub fn objects(&self, spec: &EdgeSpec) -> Vec<serde_json::Value> {
        setup::objects(spec, self.replicas)
    }
}

impl Edge for NatsEdge {
    type Inlet = NatsInlet;
    type Outlet = NatsOutlet;
    type Leases = NatsLeases;
    type Notes = NatsNotes;
    type Letters = NatsLetters;

    async fn open(&self, spec: &EdgeSpec) -> Result<Opened, ConnectError> {
        let at = self.at(spec);
        spec.check().map_err(|error| ConnectError::fatal(&at, error, "change the options of the edge"))?;
        let link = self.leases.link().await?;
        let most = link.client.max_payload();
        if spec.frame_bytes + setup::OVERHEAD > most {
            let wrong = format!(
                "frames of {} bytes need messages of {} bytes, and the server takes {most}",
                spec.frame_bytes,
                spec.frame_bytes + setup::OVERHEAD
            );
            return Err(ConnectError::fatal(at, wrong, "lower `frame_bytes`, or raise `max_payload`"));
        }
        let missing = if spec.setup { Missing::Create } else { Missing::Refuse };
        for object in self.objects(spec) {
            setup::open(&link, &object, missing, &at).await?;
        }
        let (durability, warning) = setup::durability(self.replicas);
        let warnings = warning.map(|warning| format!("{at}: {warning}"));
        Ok(Opened { warnings: warnings.into_iter().collect(), durability })
    }

    fn inlet(&self, spec: &EdgeSpec, partition: Partition, epoch: Epoch) -> NatsInlet {
        let role = Role::Partition(partition, epoch);
        NatsInlet::new(Reader::new(self.arriving.clone(), spec, role, self.guard.clone()))
    }

    fn pool(&self, spec: &EdgeSpec) -> NatsInlet {
        NatsInlet::new(Reader::new(self.arriving.clone(), spec, Role::Pool, self.guard.clone()))
    }

    fn outlet(&self, spec: &EdgeSpec, partition: Partition) -> NatsOutlet {
        let names = Names::of(spec);
        let at = format!("{} partition {partition}", self.at(spec));
        NatsOutlet::new(self.publisher(names.stream(), at), names.subject(partition))
    }

    fn leases(&self, spec: &EdgeSpec) -> NatsLeases {
        let bucket = self.bucket(Names::of(spec).leases());
        NatsLeases::new(bucket, spec, self.guard.clone(), self.mark)
    }

    fn notes(&self, spec: &EdgeSpec) -> NatsNotes {
        NatsNotes::new(self.bucket(Names::of(spec).notes()))
    }

    fn letters(&self, spec: &EdgeSpec) -> NatsLetters {
        let names = Names::of(spec);
        let at = format!("{} dead letters of `{}`", self.server.name(), spec.app);
        NatsLetters::new(self.publisher(names.dead(), at), self.leases.clone(), names)
    }

    async fn lag(&self, spec: &EdgeSpec) -> Result<Vec<Lag>, ConnectError> {
        lag::lag(&self.leases, spec, &self.at(spec)).await
    }

    fn describe(&self) -> String {
        self.server.name().to_owned()
    }
}
