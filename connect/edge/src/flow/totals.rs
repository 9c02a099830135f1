//! The results of a flow on many machines, and its source in each process.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use flow::Refused;
use flow::persist::KeyedWindows;
use stage_core::BoxError;

use super::across::AcrossFlow;
use super::crossing::Persist;
use super::input::Input;
use super::mutant::Mutant;
use super::numbered::Numbered;
use super::way::Ways;
use super::windowed::Windowed;
use crate::edge::Edge;
use crate::source::{EdgeSource, SourceOptions};

/// The maximum number of parts of a source.
const MAX_WAYS: usize = 1024;

/// The results of a flow that [crosses](super::Across::across) to other machines: one value for each key and window.
///
/// A pipeline in each process starts with the [`source`](Self::source). The processes share the work, and when one ends,
/// others go on with its share: the values are those of one process that never ends.
#[must_use = "a flow does nothing until a pipeline starts its source"]
pub struct Totals<E, T: Send + 'static, K, A> {
    flow: AcrossFlow<E, T, K>,
    windows: Result<KeyedWindows<T, K, A>, Refused>,
    version: u32,
    every: Option<Duration>,
    options: SourceOptions,
    mutant: Option<Mutant>,
}

impl<E: Edge, T, K, A> Totals<E, T, K, A>
where
    T: Persist,
    K: Ord + Persist,
    A: Persist,
{
    pub(super) fn of(flow: AcrossFlow<E, T, K>, windows: Result<KeyedWindows<T, K, A>, Refused>) -> Self {
        let (options, version, every) = (SourceOptions::new("process"), 1, None);
        Self { flow, windows, version, every, options, mutant: None }
    }

    /// Sets the [version](Windowed::version) of the values. Default: 1.
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Sets the longest time between an event and the [snapshot](Windowed::snapshot_every) that covers it. Default: 2 s.
    pub fn snapshot_every(mut self, time: Duration) -> Self {
        self.every = Some(time);
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
    pub fn with_mutant(mut self, mutant: Mutant) -> Self {
        self.mutant = Some(mutant);
        self
    }

    /// Returns the source of the results, which also sends this process's share of the events: see
    /// [`Windowed::source`].
    ///
    /// It does not end by itself. The gauge `ways` shows the number of parts of the flow's source in this process.
    ///
    /// # Errors
    ///
    /// If the flow has an invalid option, a source that cannot be read or can be read only once, or more than 1,024
    /// parts. While it runs, the pipeline also ends if a part of the source cannot be read, or a step panics.
    pub fn source(&self) -> Result<EdgeSource<E, Numbered<K, A>>, BoxError> {
        let AcrossFlow { parts, edge, spec, format, key } = &self.flow;
        let parts = parts.clone()?;
        let count = parts.parts();
        if count > MAX_WAYS {
            let name = &spec.name;
            return Err(
                format!("edge `{name}`: the flow has {count} parts; {MAX_WAYS} can cross an edge").into()
            );
        }
        let ways = u32::try_from(count)?;
        let windowed = Windowed::new(edge.clone(), spec.clone(), format.clone(), self.windows.clone()?, ways)
            .version(self.version)
            .source_options(self.options.clone());
        let windowed = self.every.into_iter().fold(windowed, Windowed::snapshot_every);
        let windowed = windowed.breaking(self.mutant);
        let by = Arc::clone(key);
        // The parts of the flow have the times.
        let no_time = |_: &T| 0;
        let ways = Ways::new(
            edge.clone(),
            spec.clone(),
            format.clone(),
            move |event| by(event),
            no_time,
            Duration::MAX,
        )?;
        let input = Input {
            edge: edge.clone(),
            spec: spec.clone(),
            ways,
            parts,
            readable: format.readable(),
            options: self.options.clone(),
        };
        Ok(windowed.source().beside(input.beside()))
    }
}

impl<E: Clone, T: Send + 'static, K, A> Clone for Totals<E, T, K, A> {
    fn clone(&self) -> Self {
        Self {
            flow: self.flow.clone(),
            windows: self.windows.clone(),
            version: self.version,
            every: self.every,
            options: self.options.clone(),
            mutant: self.mutant,
        }
    }
}

impl<E, T: Send + 'static, K, A> fmt::Debug for Totals<E, T, K, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Totals").field("flow", &self.flow).finish_non_exhaustive()
    }
}
