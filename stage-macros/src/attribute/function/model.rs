//! What is there to know of a function that becomes a stage?

use proc_macro2::{Ident, Span, TokenStream};
use syn::{Attribute, Generics, Type, Visibility};

use crate::attribute::Kind;
use crate::attribute::words::Shape;

/// A function that becomes a stage.
pub(super) struct Model {
    pub(super) kind: Kind,
    pub(super) shape: Shape,
    /// The word `result`, where it fails.
    pub(super) result: Option<Span>,
    pub(super) single: bool,
    pub(super) waiting: Waiting,
    /// The name of the function.
    pub(super) function: Ident,
    /// The name of the stage.
    pub(super) stage: Ident,
    /// `cfg`, `allow` and the like, which hold for all that comes out.
    pub(super) shared: Vec<Attribute>,
    pub(super) docs: Vec<Attribute>,
    pub(super) vis: Visibility,
    /// Without lifetimes.
    pub(super) generics: Generics,
    pub(super) args: Vec<Arg>,
    /// What the function is called with, in order.
    pub(super) places: Vec<Place>,
    pub(super) input: Input,
    /// What has to hold of the types, at the types: `Parsed: Optional`.
    pub(super) promises: Vec<TokenStream>,
    /// The type of the events it takes. `None` for a producer, or if that is not known.
    pub(super) takes: Option<TokenStream>,
    /// The type of the events it emits. `None` for a consumer, or if that is not known.
    pub(super) emits: Option<TokenStream>,
}

/// How the function is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// It is no `async fn`.
    Not,
    /// To its end.
    Always,
    /// Until the stage drains.
    UnlessDraining,
}

/// An `#[arg]`: a field of the stage, and an argument of its `new`.
pub(super) struct Arg {
    pub(super) name: Ident,
    pub(super) taken: Taken,
}

/// A parameter's type, and how it is passed.
pub(super) struct Taken {
    pub(super) how: How,
    /// What is kept, or taken in: `String` for `&str`.
    pub(super) ty: Type,
}

/// How a value gets into the function.
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

/// What the function takes at each call.
#[derive(Clone, Copy)]
pub(super) enum Input {
    /// Nothing: a producer that makes events without being told how many are wanted.
    Nothing,
    /// A producer's demand; the place of its type.
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
