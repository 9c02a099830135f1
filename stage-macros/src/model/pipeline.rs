//! What is a pipeline made of, once its options have types?

use proc_macro2::Span;
use syn::{Expr, Ident, LitStr};

use super::{Number, Recipe};
use crate::words::Role;

/// A pipeline whose every option has its type. What goes together with what is for `validate` to judge.
pub(crate) struct Model {
    pub(crate) name: Text,
    /// What the steps that say nothing else get.
    pub(crate) defaults: Options,
    pub(crate) steps: Vec<Step>,
    /// The word of every item in order, also of those that could not be read.
    pub(crate) outline: Vec<(Option<Role>, Span)>,
}

/// A `start`, `step` or `finish`.
pub(crate) struct Step {
    pub(crate) role: Role,
    pub(crate) docs: Vec<String>,
    pub(crate) recipe: Recipe,
    pub(crate) name: Text,
    pub(crate) options: Options,
    pub(crate) by: Option<By>,
}

/// The options that a step may set or inherit.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) count: Option<Number>,
    pub(crate) min_demand: Option<Number>,
    pub(crate) max_demand: Option<Number>,
    pub(crate) placement: Option<Placement>,
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

/// Where a step's callbacks run.
pub(crate) enum Placement {
    /// One of the words: the name of the variant, at the word.
    Word(Ident),
    Computed(Expr),
}

/// `by: |event| event.key`
pub(crate) struct By {
    pub(crate) word: Ident,
    pub(crate) key: Expr,
}
