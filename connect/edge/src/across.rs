//! Declares an edge within a pipeline.

use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use stage_core::BoxError;

use crate::codec::{Codec, Json, Postcard};
use crate::edge::{Edge, needs_partitions};
use crate::format::Format;
use crate::schema::SchemaId;
use crate::sink::{EdgeSink, Key};
use crate::source::{EdgeSource, SourceOptions};
use crate::spec::EdgeSpec;

/// The partitions of an edge with keys, if no other number is set.
const PARTITIONS: u32 = 32;

/// An edge within a pipeline: the events before it are stored on a server, and all processes with this pipeline share
/// those behind it.
///
/// Without [`by`](Self::by), the edge is a pool: any process takes any event, in no order. With it, the events of a key
/// stay in order.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use stage_edge::Across;
///
/// #[derive(Serialize, Deserialize)]
/// struct Order { customer: u64 }
///
/// # fn declare(edge: impl stage_edge::Edge) {
/// let orders = Across::new(edge, "orders").by(|order: &Order| order.customer).partitions(8).schema(3);
/// # let _ = orders;
/// # }
/// ```
///
/// Further properties of the edge, and of the process:
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use stage_edge::{Across, Edge, Postcard, SchemaId, SourceOptions};
///
/// #[derive(Deserialize)]
/// struct OrderV1 { customer: u64 }
///
/// #[derive(Serialize, Deserialize)]
/// struct Order { customer: u64, express: bool }
///
/// /// The edge before the prices, whose frames are handed out again as a whole.
/// fn orders<E: Edge>(edge: E) -> Across<E, Order> {
///     Across::new(edge, "orders")
///         .app("shop")
///         .schema_id(SchemaId::new("Order", 2))
///         .reads(1, |old: OrderV1| Order { customer: old.customer, express: false })
///         .json()
///         .whole_frames()
///         .spec(|spec| spec.setup(true).attempts(3))
/// }
///
/// /// The edge behind them, which stores the events made of a frame of orders once.
/// fn priced<E: Edge>(edge: E, machine: &str) -> Across<E, Order> {
///     Across::new(edge, "priced").app("shop").codec::<Postcard>().once().source_options(SourceOptions::new(machine))
/// }
/// # fn main() {
/// # use stage_edge::memory::MemoryEdge;
/// # let (orders, priced) = (orders(MemoryEdge::new()), priced(MemoryEdge::new(), "north"));
/// # assert!(orders.properties().whole_frames && priced.properties().once);
/// # }
/// ```
#[must_use = "an edge does nothing outside of a pipeline"]
pub struct Across<E, T> {
    edge: E,
    spec: EdgeSpec,
    format: Format<T>,
    key: Option<Key<T>>,
    options: SourceOptions,
}

impl<E: Edge, T: Serialize + DeserializeOwned + Send + 'static> Across<E, T> {
    /// Declares an edge of version 1 in the postcard format. The name is unique in the application, and in the pipeline.
    pub fn new(edge: E, name: impl Into<String>) -> Self {
        let schema = SchemaId::new(short_name::<T>(), 1);
        Self {
            edge,
            spec: EdgeSpec::new("app", name).schema(schema.clone()),
            format: Format::postcard(schema),
            key: None,
            options: SourceOptions::new("process"),
        }
    }

    /// Sets the key by which events are divided among partitions. Its encoded form determines the partition, so a change
    /// of the key's type moves keys to other partitions.
    ///
    /// Does not compile for a server whose edges are [pools](Edge::HAS_PARTITIONS).
    pub fn by<K: Serialize>(mut self, key: impl Fn(&T) -> K + Send + Sync + 'static) -> Self {
        const { needs_partitions::<E>() }
        self.key = Some(Arc::new(move |event, into| Ok(postcard::to_io(&key(event), into).map(|_| ())?)));
        self.spec.partitions = self.spec.partitions.or(Some(PARTITIONS));
        self
    }

    /// Sets the number of partitions, 1 to 1024. Default: 32.
    pub fn partitions(mut self, partitions: u32) -> Self {
        const { needs_partitions::<E>() }
        self.spec = self.spec.partitions(partitions);
        self
    }

    /// Sets the version of the events, which grows with each change of their type.
    pub fn schema(self, number: u32) -> Self {
        let schema = SchemaId { number, ..self.spec.schema.clone() };
        self.schema_id(schema)
    }

    /// Sets the name, version and fingerprint of the events.
    pub fn schema_id(mut self, schema: SchemaId) -> Self {
        self.format = self.format.with_schema(schema.clone());
        self.spec = self.spec.schema(schema);
        self
    }

    /// Also reads an older version, and upgrades its events.
    pub fn reads<Old: DeserializeOwned>(
        mut self,
        schema: u32,
        upgrade: impl Fn(Old) -> T + Send + Sync + 'static,
    ) -> Self {
        self.format = self.format.reads(schema, upgrade);
        self
    }

    /// Writes events in JSON.
    pub fn json(mut self) -> Self {
        self.format = self.format.written::<Json>().also::<Postcard>();
        self
    }

    /// Writes events in another codec. Still reads the postcard format and JSON.
    pub fn codec<C: Codec<T>>(mut self) -> Self {
        self.format = self.format.written::<C>();
        self
    }

    /// Sets the application, whose edges share dead letters and notes. Default: `app`.
    pub fn app(mut self, app: impl Into<String>) -> Self {
        self.spec.app = app.into();
        self
    }

    /// Stores the events once that the steps make of each frame of the edge before: see
    /// [`EdgeSpec::once`]. The edge before needs [`whole_frames`](Self::whole_frames).
    pub fn once(mut self) -> Self {
        self.spec = self.spec.once(true);
        self
    }

    /// Hands out a frame again as a whole, so that the next edge can store the events made of it [once](Self::once): see
    /// [`EdgeSpec::whole_frames`].
    pub fn whole_frames(mut self) -> Self {
        self.spec = self.spec.whole_frames(true);
        self
    }

    /// Changes further properties of the edge.
    pub fn spec(mut self, change: impl FnOnce(EdgeSpec) -> EdgeSpec) -> Self {
        self.spec = change(self.spec);
        self
    }

    /// Sets the options of the source in this process.
    pub fn source_options(mut self, options: SourceOptions) -> Self {
        self.options = options;
        self
    }

    /// Returns the properties.
    pub const fn properties(&self) -> &EdgeSpec {
        &self.spec
    }

    fn check(&self) -> Result<(), BoxError> {
        self.spec.check()?;
        if self.key.is_none() && self.spec.partitions.is_some() {
            let name = &self.spec.name;
            return Err(format!(
                "edge `{name}`: `partitions` is set without `by`; add the key, or leave it out"
            )
            .into());
        }
        Ok(())
    }
}

impl<E: Edge, T: Serialize + DeserializeOwned + Send + 'static> stage_core::pipeline::Across<T>
    for Across<E, T>
{
    type Sink = EdgeSink<E, T>;
    type Source = EdgeSource<E, T>;

    fn name(&self) -> &str {
        &self.spec.name
    }

    fn sink(&self) -> Result<EdgeSink<E, T>, BoxError> {
        self.check()?;
        Ok(EdgeSink::new(self.edge.clone(), self.spec.clone(), self.format.clone(), self.key.clone()))
    }

    fn source(&self) -> Result<EdgeSource<E, T>, BoxError> {
        self.check()?;
        let (spec, format) = (self.spec.clone(), self.format.clone());
        Ok(EdgeSource::new(self.edge.clone(), spec, format, self.options.clone()))
    }
}

/// Returns the last part of a type's path.
pub(crate) fn short_name<T>() -> &'static str {
    let name = type_name::<T>();
    let path = name.split('<').next().unwrap_or(name);
    path.rsplit("::").next().unwrap_or(path)
}

impl<E: Edge, T> fmt::Debug for Across<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Across").field("spec", &self.spec).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_type_has_no_path() {
        assert_eq!(short_name::<u64>(), "u64");
        assert_eq!(short_name::<Vec<String>>(), "Vec");
        assert_eq!(short_name::<SchemaId>(), "SchemaId");
    }
}
