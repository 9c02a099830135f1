//! What is a pipeline made of, once its options have types?

use proc_macro2::Span;
use syn::{Expr, Ident, LitStr, Type};

use super::{Number, Outline, Recipe};
use crate::words::Role;

/// A pipeline whose every option has its type. What goes together with what is for `validate` to judge.
pub(crate) struct Model {
    pub(crate) name: Text,
    /// What it would be called if nothing was said.
    pub(crate) default_name: String,
    /// What it takes and emits, if others go through it.
    pub(crate) part: Option<(Type, Type)>,
    /// What the steps that say nothing else get.
    pub(crate) defaults: Options,
    /// The word that says that its events are deliveries.
    pub(crate) acknowledged: Option<Span>,
    pub(crate) supervision: Supervision,
    pub(crate) nodes: Vec<Node>,
    /// Every item in order, also those that could not be read.
    pub(crate) outline: Outline,
}

/// One thing that events come to.
pub(crate) enum Node {
    Step(Box<Step>),
    Broadcast(Broadcast),
    Partition(Box<Partition>),
}

/// A `start`, `step`, `through` or `finish`.
pub(crate) struct Step {
    pub(crate) role: Role,
    pub(crate) docs: Vec<String>,
    pub(crate) recipe: Recipe,
    /// What it hands its events to within the same stage.
    pub(crate) thens: Vec<Recipe>,
    /// The `then finish`, if the last of these is where events end.
    pub(crate) finish: Option<Span>,
    pub(crate) name: Text,
    pub(crate) options: Options,
    pub(crate) by: Option<By>,
    pub(crate) dispatcher: Option<Dispatcher>,
    pub(crate) policy: Option<Policy>,
    /// The steps in front of it that it brings along, in the order in which events come through them.
    pub(crate) gates: Vec<Gate>,
}

/// Branches that all get every event.
pub(crate) struct Broadcast {
    pub(crate) word: Span,
    pub(crate) branches: Vec<Branch>,
    /// Where the branches come back together.
    pub(crate) merge: Option<Span>,
}

/// One branch of a broadcast.
pub(crate) struct Branch {
    pub(crate) word: Span,
    pub(crate) when: Option<Expr>,
    pub(crate) nodes: Vec<Node>,
}

/// A branch that exists several times, each for some of the keys.
pub(crate) struct Partition {
    pub(crate) word: Span,
    pub(crate) key: Expr,
    pub(crate) into: Number,
    pub(crate) nodes: Vec<Node>,
    pub(crate) merge: Option<Span>,
}

/// The options that a step may set or inherit.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) count: Option<Number>,
    pub(crate) min_demand: Option<Number>,
    pub(crate) max_demand: Option<Number>,
    pub(crate) placement: Option<Choice>,
    pub(crate) buffer: Option<Buffer>,
    pub(crate) keep: Option<Choice>,
    pub(crate) restart: Option<Choice>,
    pub(crate) cancel: Option<Choice>,
}

/// How failures are met.
#[derive(Default)]
pub(crate) struct Supervision {
    pub(crate) strategy: Option<Choice>,
    pub(crate) max_restarts: Option<Number>,
    pub(crate) within: Option<Expr>,
    pub(crate) backoff: Option<Expr>,
}

/// What a name is made of.
pub(crate) enum Text {
    /// Nothing was said: the name follows from the recipe, or from the name of the type.
    Default(String),
    Literal(LitStr),
    Computed(Expr),
}

impl Text {
    /// The text, as far as it is known here.
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
    /// One of the words: the name of the variant, at the word.
    Word(Ident),
    Computed(Expr),
}

/// How many events a stage keeps that nobody asked for.
pub(crate) enum Buffer {
    /// All of them: the word `unbounded`.
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

/// What is done about events that fail.
pub(crate) struct Policy {
    /// The option that asks for it.
    pub(crate) word: Ident,
    /// `None` where only `retry` is said: restarted in the end.
    pub(crate) failure: Option<Failure>,
    pub(crate) retry: Option<Retry>,
}

/// `on_failure: skip`
pub(crate) enum Failure {
    /// `restart`, `skip` or `stop`.
    Word(Ident),
    /// `dead_letter(letters)`: the word, and whom the events go to.
    DeadLetter(Ident, Expr),
    Computed(Expr),
}

/// `retry: Backoff::new(FIRST, MOST)`
pub(crate) struct Retry {
    pub(crate) word: Ident,
    pub(crate) backoff: Expr,
}

/// `rate: Rate::new(100, SECOND)?` or `batch: Limits::count(100)`: a step of its own, in front of the one that has
/// the option.
pub(crate) struct Gate {
    /// The option, after which the step is called, too.
    pub(crate) word: Ident,
    pub(crate) recipe: Expr,
    /// The most events in a batch, if the expression shows it.
    pub(crate) size: Option<Number>,
}

impl Step {
    /// Does it take what its own `batch` collects?
    pub(crate) fn takes_batches(&self) -> bool {
        self.gates.iter().any(|gate| gate.word == "batch")
    }
}

impl Node {
    /// Does nothing come out behind it?
    pub(crate) fn ends(&self) -> bool {
        match self {
            Self::Step(step) => step.role == Role::Finish || step.finish.is_some(),
            Self::Broadcast(broadcast) => broadcast.branches.iter().all(|branch| ends(&branch.nodes)),
            Self::Partition(partition) => ends(&partition.nodes),
        }
    }
}

/// Does nothing come out of these?
pub(crate) fn ends(nodes: &[Node]) -> bool {
    nodes.last().is_some_and(Node::ends)
}
