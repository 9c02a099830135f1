//! The source of a flow's results.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use flow::persist::KeyedWindows;
use futures_util::FutureExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use stage_connect::ConnectError;
use stage_core::Backoff;

use super::lane::FoldLane;
use super::mutant::Mutant;
use super::numbered::Numbered;
use super::snapshot::StateId;
use crate::edge::{Edge, needs_partitions};
use crate::format::Format;
use crate::source::lane::{Halt, Serve};
use crate::source::{EdgeSource, SourceOptions};
use crate::spec::EdgeSpec;

/// Keyed windows over the partitions of an edge: what all processes of a flow agree on, and the source of its results.
///
/// Each process that runs a pipeline with the [`source`](Self::source) owns a share of the partitions. When a process
/// ends without notice, others take its partitions, read their snapshots and continue: the values are those of one
/// process that never ends.
///
/// ```
/// use std::time::Duration;
///
/// use flow::Window;
/// use serde::{Deserialize, Serialize};
/// use stage_core::Pipeline;
/// use stage_edge::flow::{KeyedWindows, Numbered, Windowed};
/// use stage_edge::{Edge, EdgeSpec, Format, SchemaId};
///
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Sale { shop: u32, pence: u64 }
///
/// fn sums(edge: impl Edge) -> Result<Pipeline, Box<dyn std::error::Error>> {
///     let minute = Window::fixed(Duration::from_secs(60));
///     let sums = KeyedWindows::new(minute, |sale: &Sale| sale.shop, || 0, |sum: &mut u64, sale| *sum += sale.pence)?;
///     let spec = EdgeSpec::new("shop", "sales").partitions(16);
///     let sales = Windowed::new(edge, spec, Format::postcard(SchemaId::new("Sale", 1)), sums, 1);
///     let pipeline = Pipeline::builder("sums")
///         .start("sales", move || Ok(sales.source()))
///         .acknowledged()
///         .finish_fn("show", |sum: Numbered<u32, u64>| {
///             println!("shop {} from {}: {}", sum.result.key, sum.result.start, sum.result.value);
///         });
///     Ok(pipeline)
/// }
/// ```
#[must_use = "a flow does nothing until a pipeline starts its source"]
pub struct Windowed<E: Edge, T: Send + 'static, K, A> {
    edge: E,
    spec: EdgeSpec,
    format: Format<T>,
    windows: KeyedWindows<T, K, A>,
    ways: u32,
    version: u32,
    every: Duration,
    options: SourceOptions,
    mutant: Option<Mutant>,
}

/// The properties of a flow that its lanes share.
pub(super) struct Recipe<T: Send + 'static, K, A> {
    pub(super) format: Format<T>,
    pub(super) windows: KeyedWindows<T, K, A>,
    pub(super) ways: u32,
    pub(super) id: StateId,
    pub(super) every: Duration,
    pub(super) retry: Backoff,
    pub(super) mutant: Option<Mutant>,
}

impl<E: Edge, T, K, A> Windowed<E, T, K, A>
where
    T: Clone + Send + 'static,
    K: Ord + Clone + Serialize + DeserializeOwned + Send + 'static,
    A: Clone + Serialize + DeserializeOwned + Send + 'static,
{
    /// Declares the windows over an edge with partitions, to which this number of [ways](super::Way) leads, at least 1.
    ///
    /// The key by which the ways divide events must determine that of the windows: all events of a key of the windows
    /// are in one partition.
    pub fn new(
        edge: E,
        spec: EdgeSpec,
        format: Format<T>,
        windows: KeyedWindows<T, K, A>,
        ways: u32,
    ) -> Self {
        const { needs_partitions::<E>() }
        let kept = spec.frames_kept;
        let spec = spec.frames_in_flight(kept);
        let (version, every) = (1, Duration::from_secs(2));
        let options = SourceOptions::new("process");
        Self { edge, spec, format, windows, ways: ways.max(1), version, every, options, mutant: None }
    }

    /// Sets the version of the state, which grows with each change of the keys, of the values, or of the function that
    /// folds events into them. A process refuses the state of another version. Default: 1.
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Sets the longest time between an event and the snapshot that covers it. A snapshot is also stored when half of
    /// the frames that the server keeps are in hand, and after a third of [`ack_wait`](EdgeSpec::ack_wait). Default: 2 s.
    pub fn snapshot_every(mut self, time: Duration) -> Self {
        self.every = time;
        self
    }

    /// Sets the options of the source in this process.
    pub fn source_options(mut self, options: SourceOptions) -> Self {
        self.options = options;
        self
    }

    /// Breaks a rule.
    ///
    /// See the example of [`Mutant`].
    #[cfg(feature = "testing")]
    pub fn with_mutant(self, mutant: Mutant) -> Self {
        self.breaking(Some(mutant))
    }

    /// Breaks a rule, or none.
    pub(super) fn breaking(mut self, mutant: Option<Mutant>) -> Self {
        self.mutant = mutant;
        self
    }

    /// Returns the source of the results.
    ///
    /// # Ordering
    ///
    /// The results of a partition are handed out in the order of their numbers; after the end of a process, those from
    /// some earlier one on are handed out again.
    ///
    /// # Errors
    ///
    /// An event that cannot be decoded, and a frame of a way that the flow does not have, become dead letters. A result
    /// that fails is repeated up to [`EdgeSpec::attempts`] times and becomes a dead letter then. The pipeline ends if a
    /// function of the windows panics, if the stored state is of another version, of other windows or of another number
    /// of ways, if it exceeds 15.75 MiB, and if the edge has no partitions.
    pub fn source(&self) -> EdgeSource<E, Numbered<K, A>> {
        let recipe = Arc::new(Recipe {
            format: self.format.clone(),
            windows: self.windows.clone(),
            ways: self.ways,
            id: StateId::new(self.version, self.ways, self.windows.describe()),
            // A frame in hand must not be delivered again meanwhile.
            every: self.every.min(self.spec.ack_wait / 3),
            retry: self.options.retry,
            mutant: self.mutant,
        });
        let serve: Serve<E, Numbered<K, A>> = Arc::new(move |parts| {
            let recipe = Arc::clone(&recipe);
            async move {
                let (edge, shared) = (parts.spec.name.clone(), Arc::clone(&parts.shared));
                let Some(mut lane) = FoldLane::new(parts, recipe) else {
                    shared.fail(ConnectError::fatal(
                        format!("edge `{edge}`"),
                        "a flow needs an edge with partitions",
                        "set their number by `partitions`",
                    ));
                    return Err(Halt);
                };
                lane.work().await
            }
            .boxed()
        });
        let readable = self.format.readable();
        EdgeSource::serving(self.edge.clone(), self.spec.clone(), self.options.clone(), readable, serve)
    }
}

impl<E: Edge, T: Send + 'static, K, A> fmt::Debug for Windowed<E, T, K, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Windowed").field("spec", &self.spec).field("ways", &self.ways).finish_non_exhaustive()
    }
}
