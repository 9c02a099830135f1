//! A pipeline that is being declared: its steps so far, and the errors in its declaration.

use super::describe::carried::Emits;
use super::describe::{Carried, Link, LinkKind, StepInfo, StepKind, Topology};
use super::graph::parts::Install;
use super::graph::wire::{Links, Upstream, Way};
use super::only::Parts;
use super::options::{Effective, Knob, StepOptions, knob_values, option_values};
use crate::base::option_error::OptionError;
use crate::base::options::Capacity;
use crate::supervise::{Child, Plan};
use crate::sync::Arc;
use crate::trace::PipelineTrace;

/// The state of a declaration, independent of the event types.
pub(super) struct Draft {
    pub(super) topology: Topology,
    /// Options for steps that do not set them.
    pub(super) defaults: StepOptions,
    /// The prefix of step names within a segment.
    pub(super) prefix: String,
    pub(super) plan: Plan,
    pub(super) trace: PipelineTrace,
    /// By path, the origin of options that were not declared in code.
    #[cfg(feature = "config")]
    pub(super) origins: std::collections::BTreeMap<String, String>,
    pub(super) planned: Vec<Planned>,
    pub(super) edges: Vec<Edge>,
    /// The parts that are started.
    pub(super) parts: Parts,
    pub(super) errors: Vec<OptionError>,
    /// Distinguishes this declaration from others.
    pub(super) identity: Arc<()>,
}

/// A cut between two steps.
#[derive(Debug)]
pub(super) struct Edge {
    /// The name, with the prefix of the segment that it is in.
    pub(super) name: String,
    /// The name as the edge itself has it.
    own: String,
    /// The number of its sink.
    pub(super) out: usize,
    /// The number of its source.
    pub(super) into: usize,
}

/// A step that becomes children when the pipeline is started.
pub(super) struct Planned {
    pub(super) name: String,
    /// `None` if the options are invalid, which was recorded as an error.
    pub(super) options: Option<Effective>,
    #[cfg(feature = "config")]
    pub(super) declared: super::options::Declared,
    /// The unit that the links after it carry.
    emits: Carried,
    /// The options that only its kind of steps has.
    #[cfg(feature = "config")]
    pub(super) knobs: Vec<Knob>,
    install: Install,
}

/// The properties of a step other than its options.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Shape {
    pub(super) kind: StepKind,
    pub(super) single: bool,
    /// The default buffer of each copy.
    pub(super) capacity: Capacity,
    /// Whether its copies are fed by key.
    pub(super) keyed: bool,
    /// Whether its copies hand the state of their keys over.
    pub(super) hands_over: bool,
    /// The stage's type, from which an unnamed step gets its name.
    pub(super) type_name: &'static str,
    /// The unit that it emits.
    pub(super) emits: Emits,
    /// Whether it is one end of an edge.
    pub(super) edge: bool,
    /// Whether its window is fixed because it asks by itself.
    pub(super) asks_by_itself: bool,
}

impl Shape {
    /// Returns the shape of a step with any number of copies and an unlimited buffer.
    pub(super) fn of(kind: StepKind, type_name: &'static str) -> Self {
        Self {
            kind,
            single: false,
            capacity: Capacity::Unbounded,
            keyed: false,
            hands_over: false,
            type_name,
            emits: Emits::Events,
            edge: false,
            asks_by_itself: false,
        }
    }

    /// Fixes the window of a step that asks by itself.
    pub(super) fn fix_window(self, options: &mut Effective) {
        if self.asks_by_itself {
            options.fix();
        }
    }

    /// Refuses several copies of a step that allows one only, and a changing number of copies of a source.
    pub(super) fn check_count(self, options: &Effective) -> Result<(), OptionError> {
        let (step, got) = (options.name.clone(), options.values.count);
        let is_source = match self.kind {
            StepKind::Producer | StepKind::Whole => true,
            StepKind::ProducerConsumer | StepKind::Consumer => false,
        };
        match got.most() {
            count @ 2.. if self.edge => Err(OptionError::EdgeCopies { step, count }),
            count @ 2.. if self.single => Err(OptionError::Single { step, count }),
            _ if got.is_elastic() && is_source => Err(OptionError::ElasticSource { step, got }),
            _ if got.is_elastic() && self.keyed && !self.hands_over => {
                Err(OptionError::ElasticKeyed { step, got })
            }
            _ => Ok(()),
        }
    }

    /// Returns the size of the batches that the step emits.
    pub(super) fn batch_size(self) -> Option<usize> {
        match self.emits {
            Emits::Batches(size) => size,
            Emits::Events | Emits::Same => None,
        }
    }
}

impl Draft {
    pub(super) fn new(name: String) -> Self {
        Self {
            topology: Topology::unwired(name),
            defaults: StepOptions::new(),
            prefix: String::new(),
            plan: Plan::default(),
            trace: PipelineTrace::default(),
            #[cfg(feature = "config")]
            origins: std::collections::BTreeMap::new(),
            planned: Vec::new(),
            edges: Vec::new(),
            parts: Parts::all(),
            errors: Vec::new(),
            identity: Arc::new(()),
        }
    }

    /// Returns the number of the next step.
    pub(super) fn next(&self) -> usize {
        self.planned.len()
    }

    /// Adds a step that takes events from `from`; errors in its options are recorded.
    pub(super) fn plan(&mut self, declared: &StepOptions, shape: Shape, from: &Links, install: Install) {
        let unnamed = self.unnamed(shape.type_name);
        let carried = |step: usize| self.planned.get(step).map_or(Carried::Events, |planned| planned.emits);
        let taken = from.steps.iter().fold(Carried::Events, |taken, (step, _)| taken.and(carried(*step)));
        let named = declared.effective(&self.defaults, &unnamed, taken, shape.capacity).map(|mut options| {
            options.name.insert_str(0, &self.prefix);
            shape.fix_window(&mut options);
            options
        });
        let name = match &named {
            Ok(options) => options.name.clone(),
            Err(error) => error.step().to_owned(),
        };
        let links = from.steps.iter().map(|(step, way)| Link {
            from: self.name_of(*step).to_owned(),
            to: name.clone(),
            kind: LinkKind::from(*way),
            carries: carried(*step),
            in_flight: None,
        });
        let links: Vec<_> = links.collect();
        let options = match named.and_then(|options| self.check(options, shape, from.lanes)) {
            Ok(options) => {
                self.topology.steps.push(StepInfo::new(&options, shape, from.lanes));
                let values = option_values(&name, declared, &self.defaults, &options.values, |_| None);
                self.topology.options.extend(values);
                Some(options)
            }
            Err(error) => {
                self.errors.push(error);
                None
            }
        };
        self.topology.links.extend(links);
        self.topology.bound();
        #[cfg(feature = "config")]
        let declared = super::options::Declared {
            own: declared.clone(),
            defaults: self.defaults.clone(),
            shape,
            lanes: from.lanes,
            taken,
        };
        self.planned.push(Planned {
            name,
            options,
            #[cfg(feature = "config")]
            declared,
            emits: shape.emits.after(taken),
            #[cfg(feature = "config")]
            knobs: Vec::new(),
            install,
        });
    }

    /// Gives the step that was declared last the options of its kind.
    #[inline]
    pub(super) fn add_knobs(&mut self, knobs: &[Knob]) {
        let Some(planned) = self.planned.last_mut() else { return };
        self.topology.options.extend(knob_values(&planned.name, knobs, |_| None));
        #[cfg(feature = "config")]
        planned.knobs.extend_from_slice(knobs);
    }

    /// Makes an edge of the sink with the number `out` and the source that was declared after it.
    #[inline]
    pub(super) fn cut(&mut self, edge: &str, out: usize) {
        let (from, to) = (self.name_of(out).to_owned(), self.name_of(out + 1).to_owned());
        let (carries, in_flight) = (Carried::Events, None);
        self.topology.links.push(Link { from, to, kind: LinkKind::Across, carries, in_flight });
        if self.edges.iter().any(|known| known.own == edge) {
            self.errors.push(OptionError::Edge { edge: edge.to_owned() });
        }
        let name = format!("{}{edge}", self.prefix);
        self.edges.push(Edge { name, own: edge.to_owned(), out, into: out + 1 });
    }

    /// Returns the names of the steps that `upstream` comes from, for a message.
    pub(super) fn names<E>(&self, upstream: &Upstream<E>) -> String {
        let names: Vec<_> =
            upstream.ends.iter().map(|end| format!("`{}`", self.name_of(end.exit.step))).collect();
        names.join(" and ")
    }

    /// Returns the name of a step; the number is unknown if a branch returned another pipeline.
    fn name_of(&self, step: usize) -> &str {
        self.planned.get(step).map_or("unknown", |planned| &planned.name)
    }

    /// Creates the children of the steps that belong to the chosen parts, once the declaration has no errors.
    pub(super) fn children(
        planned: Vec<Planned>,
        parts: &[Option<usize>],
        trace: &PipelineTrace,
    ) -> Vec<Child> {
        let mut children: Vec<Child> = Vec::new();
        for (Planned { options, install, .. }, part) in planned.into_iter().zip(parts) {
            let begin = children.len();
            if let (Some(options), Some(part)) = (options, part) {
                install(&options, trace, &mut children);
                children[begin..].iter_mut().for_each(|child| child.part = *part);
            }
        }
        children
    }

    fn check(&self, options: Effective, shape: Shape, lanes: usize) -> Result<Effective, OptionError> {
        options.check_copies(lanes)?;
        shape.check_count(&options)?;
        if self.is_taken(&options.name) {
            return Err(OptionError::Name { step: options.name });
        }
        Ok(options)
    }

    fn is_taken(&self, name: &str) -> bool {
        self.topology.steps.iter().any(|step| step.name == name)
    }

    /// Returns an unused name made from the type of a stage: the last segment of its path, in snake case.
    fn unnamed(&self, type_name: &str) -> String {
        let path = type_name.split('<').next().unwrap_or(type_name);
        let name = match path.rsplit("::").next() {
            Some(word) if !word.contains('{') => snake_case(word),
            _ => format!("step_{}", self.topology.steps.len() + 1),
        };
        let mut free = name.clone();
        let mut number = 2;
        while self.is_taken(&format!("{}{free}", self.prefix)) {
            free = format!("{name}_{number}");
            number += 1;
        }
        free
    }
}

impl From<Way> for LinkKind {
    fn from(way: Way) -> Self {
        match way {
            Way::Straight => Self::Straight,
            Way::Broadcast => Self::Broadcast,
            Way::Selected => Self::Selected,
            Way::Partition => Self::Partition,
        }
    }
}

pub(super) fn snake_case(word: &str) -> String {
    let mut snake = String::new();
    for (index, letter) in word.char_indices() {
        if letter.is_uppercase() && index > 0 {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

impl std::fmt::Debug for Draft {
    #[inline]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Draft")
            .field("topology", &self.topology)
            .field("errors", &self.errors)
            .finish_non_exhaustive()
    }
}
