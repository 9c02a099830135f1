//! Model of a function that becomes a stage.

use proc_macro2::{Ident, Span, TokenStream};
use syn::{Attribute, Generics, Type, Visibility};

use crate::attribute::Kind;
use crate::attribute::words::Shape;

/// A function that becomes a stage.
pub(super) struct Model {
    pub(super) kind: Kind,
    pub(super) shape: Shape,
    /// The word `result`, if the function can fail.
    pub(super) result: Option<Span>,
    pub(super) single: bool,
    pub(super) waiting: Waiting,
    /// The name of the function.
    pub(super) function: Ident,
    /// The name of the stage.
    pub(super) stage: Ident,
    /// Attributes such as `cfg` and `allow`, which apply to all generated items.
    pub(super) shared: Vec<Attribute>,
    pub(super) docs: Vec<Attribute>,
    pub(super) vis: Visibility,
    /// The generics without lifetimes.
    pub(super) generics: Generics,
    pub(super) args: Vec<Arg>,
    /// The arguments of the call, in order.
    pub(super) places: Vec<Place>,
    pub(super) input: Input,
    /// Assertions on types, at the tokens of these types: `Parsed: Optional`.
    pub(super) promises: Vec<TokenStream>,
    /// The type of the input events. `None` for a producer, or if it is not known.
    pub(super) takes: Option<TokenStream>,
    /// The type of the output events. `None` for a consumer, or if it is not known.
    pub(super) emits: Option<TokenStream>,
}

/// How the callback awaits the function.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// The function is no `async fn`.
    Not,
    /// Awaited until it completes.
    Always,
    /// Awaited until it completes or the stage drains.
    UnlessDraining,
}

/// An `#[arg]`: a field of the stage, and an argument of its `new`.
pub(super) struct Arg {
    pub(super) name: Ident,
    pub(super) taken: Taken,
}

/// The type of a parameter, and how it is passed.
pub(super) struct Taken {
    pub(super) how: How,
    /// The owned type: `String` for `&str`.
    pub(super) ty: Type,
}

/// How a value is passed to the function.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Moved,
    Lent,
    LentMut,
}

/// One argument of the call.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Input,
    Arg(usize),
}

/// The input of the function at each call.
#[derive(Clone, Copy)]
pub(super) enum Input {
    /// No input: a producer that does not see the demand.
    Nothing,
    /// A producer's demand; the span of its type.
    Demand(Span),
    /// One event.
    Event(How),
    /// A batch, as a collection.
    Collected(How),
    /// A batch, as a slice.
    Slice(How),
    /// A batch, as `Events`.
    Events,
}
