//! Types of the model: a pipeline with typed options.

use crate::step_options::step_options;
use proc_macro2::Span;
use syn::{Expr, Ident, LitStr, Type};

use super::{Number, Outline, RecipeExpr};
use crate::words::Role;

/// A pipeline whose options are typed. `validate` checks the combinations.
pub(crate) struct Model {
    pub(crate) name: Text,
    /// The name of the pipeline if its options give none.
    pub(crate) default_name: String,
    /// The input and output types of a pipeline for use with `through`.
    pub(crate) part: Option<(Type, Type)>,
    /// The options of the steps that do not set them.
    pub(crate) defaults: Options,
    /// The word `acknowledged`: the events are deliveries.
    pub(crate) acknowledged: Option<Span>,
    pub(crate) supervision: Supervision,
    pub(crate) nodes: Vec<Node>,
    /// Every item in order, including those that could not be read.
    pub(crate) outline: Outline,
}

/// One element of the graph.
pub(crate) enum Node {
    Step(Box<Step>),
    Broadcast(Broadcast),
    Partition(Box<Partition>),
}

/// A `start`, `step`, `through`, `across` or `finish`.
pub(crate) struct Step {
    pub(crate) role: Role,
    pub(crate) docs: Vec<String>,
    pub(crate) recipe: RecipeExpr,
    /// The functions and stages after it within the same stage.
    pub(crate) thens: Vec<RecipeExpr>,
    /// The `finish` of `then finish`, if the last of these is a sink.
    pub(crate) finish: Option<Span>,
    pub(crate) name: Text,
    pub(crate) options: Options,
    pub(crate) by: Option<By>,
    pub(crate) dispatcher: Option<Dispatcher>,
    pub(crate) rejected: Option<Rejected>,
    pub(crate) policy: Option<Policy>,
    pub(crate) at_once: Option<AtOnce>,
    /// The steps that its options add before it, in the order of the events.
    pub(crate) gates: Vec<Gate>,
    /// Of an `across` only.
    pub(crate) across: Option<Across>,
}

impl Step {
    /// Returns the smallest number of copies of a step that is fed by key, if their number changes.
    pub(crate) fn least_by_key(&self) -> Option<&Number> {
        self.by.as_ref().and(self.options.count.as_ref()).and_then(|count| count.least.as_ref())
    }
}

/// `across edge, name: "orders", partitions: 32, schema: 3, spec: |spec| spec.lease(LEASE)`; the edge is the recipe of the step.
pub(crate) struct Across {
    pub(crate) word: Span,
    /// The number is `None` if it could not be read, which has been reported.
    pub(crate) partitions: Option<(Ident, Option<Number>)>,
    pub(crate) schema: Option<(Ident, Number)>,
    /// A function that changes the further properties of the edge.
    pub(crate) spec: Option<(Ident, Expr)>,
}

/// Branches that all get every event.
pub(crate) struct Broadcast {
    pub(crate) word: Span,
    pub(crate) branches: Vec<Branch>,
    /// The `merge` that joins the branches.
    pub(crate) merge: Option<Span>,
}

/// One branch of a broadcast.
pub(crate) struct Branch {
    pub(crate) word: Span,
    pub(crate) when: Option<Expr>,
    pub(crate) nodes: Vec<Node>,
}

/// A branch with several parallel parts, each for some of the keys.
pub(crate) struct Partition {
    pub(crate) word: Span,
    pub(crate) key: Expr,
    pub(crate) into: Number,
    pub(crate) nodes: Vec<Node>,
    pub(crate) merge: Option<Span>,
}

macro_rules! declare {
    ($($variant:ident $field:ident $kind:ident $of:ident [$($words:tt)*];)*) => {
        /// The options that a step may set or inherit.
        #[derive(Default)]
        pub(crate) struct Options {
            $(pub(crate) $field: Option<$kind>,)*
        }
    };
}

step_options!(declare);

/// The supervision of the pipeline: how failures are handled.
#[derive(Default)]
pub(crate) struct Supervision {
    pub(crate) strategy: Option<Choice>,
    pub(crate) max_restarts: Option<Number>,
    pub(crate) within: Option<Expr>,
    pub(crate) backoff: Option<Expr>,
}

/// A name.
pub(crate) enum Text {
    /// No name is given: it follows from the recipe, or from the name of the type.
    Default(String),
    Literal(LitStr),
    Computed(Expr),
}

impl Text {
    /// Returns the text, if the macro knows it.
    pub(crate) fn known(&self) -> Option<String> {
        match self {
            Self::Default(text) => Some(text.clone()),
            Self::Literal(literal) => Some(literal.value()),
            Self::Computed(_) => None,
        }
    }
}

/// One of a few words, or an expression of their type.
pub(crate) enum Choice {
    /// One of the words: the name of the variant, with the span of the word.
    Word(Ident),
    Computed(Expr),
}

/// The number of copies.
pub(crate) struct Count {
    /// The smallest number, in a range: `1..=8`.
    pub(crate) least: Option<Number>,
    /// The number, or the largest.
    pub(crate) most: Number,
}

impl Count {
    /// Returns the number, if it is one and the macro knows it.
    pub(crate) fn known(&self) -> Option<usize> {
        if self.least.is_some() { None } else { self.most.known() }
    }
}

/// How the demand window is chosen.
pub(crate) enum Demand {
    /// The word `auto` or `fixed`: the name of the variant, with the span of the word.
    Word(Ident),
    /// `auto(..=500)`
    UpTo(Number),
    Computed(Expr),
}

impl Demand {
    /// Returns whether the window is certainly fixed.
    pub(crate) fn is_fixed(&self) -> bool {
        matches!(self, Self::Word(word) if word == "Fixed")
    }
}

/// The number of events without demand that a stage keeps.
pub(crate) enum Buffer {
    /// No limit: the word `unbounded`.
    Unbounded,
    Bounded(Number),
}

/// `by: |event| event.key`
pub(crate) struct By {
    pub(crate) word: Ident,
    pub(crate) key: Expr,
}

/// `dispatcher: FairDispatcher::new()`
pub(crate) struct Dispatcher {
    pub(crate) word: Ident,
    pub(crate) recipe: Expr,
}

/// `rejected: |events| store(events)`
pub(crate) struct Rejected {
    pub(crate) word: Ident,
    pub(crate) to: Expr,
}

/// What happens to events that fail.
pub(crate) struct Policy {
    /// The option that sets it.
    pub(crate) word: Ident,
    /// `None` if only `retry` is given: a restart follows the last attempt.
    pub(crate) failure: Option<Failure>,
    pub(crate) retry: Option<Retry>,
}

/// `on_failure: skip`
pub(crate) enum Failure {
    /// `restart`, `skip` or `stop`.
    Word(Ident),
    /// `dead_letter(letters)`: the word, and the receiver of the events.
    DeadLetter(Ident, Expr),
    Computed(Expr),
}

/// `retry: Backoff::new(FIRST, MOST)`
pub(crate) struct Retry {
    pub(crate) word: Ident,
    pub(crate) backoff: Expr,
}

/// `at_once: 16, order: any`
pub(crate) struct AtOnce {
    pub(crate) word: Ident,
    pub(crate) events: EventsAtOnce,
    pub(crate) order: Option<Choice>,
    pub(crate) at_most: Option<AtMost>,
}

/// How many events a step handles at a time.
pub(crate) enum EventsAtOnce {
    /// `auto`: as many as the target bears.
    Auto,
    /// `4..=64`: as many as the target bears, within bounds.
    Within(Number, Number),
    Fixed(Number),
}

impl EventsAtOnce {
    /// Returns the numbers in it.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = &Number> {
        let (first, second) = match self {
            Self::Auto => (None, None),
            Self::Within(least, most) => (Some(least), Some(most)),
            Self::Fixed(number) => (Some(number), None),
        };
        first.into_iter().chain(second)
    }
}

/// `at_most: 2, per: |event| event.tenant`
pub(crate) struct AtMost {
    pub(crate) word: Ident,
    pub(crate) number: Number,
    pub(crate) per: Expr,
}

/// `rate: Rate::new(100, SECOND)?` or `batch: Limits::count(100)`: a separate step before the one that has
/// the option.
pub(crate) struct Gate {
    /// The option, whose word is also the suffix of the step's name.
    pub(crate) word: Ident,
    pub(crate) recipe: Expr,
    /// The maximum size of a batch, if the expression shows it.
    pub(crate) size: Option<Number>,
}

impl Step {
    /// Returns whether the step takes the batches of its own `batch`.
    pub(crate) fn takes_batches(&self) -> bool {
        self.gates.iter().any(|gate| gate.word == "batch")
    }
}

impl Node {
    /// Returns whether the node emits nothing.
    pub(crate) fn ends(&self) -> bool {
        match self {
            Self::Step(step) => step.role == Role::Finish || step.finish.is_some(),
            Self::Broadcast(broadcast) => broadcast.branches.iter().all(|branch| ends(&branch.nodes)),
            Self::Partition(partition) => ends(&partition.nodes),
        }
    }
}

/// Returns whether the nodes emit nothing.
pub(crate) fn ends(nodes: &[Node]) -> bool {
    nodes.last().is_some_and(Node::ends)
}
