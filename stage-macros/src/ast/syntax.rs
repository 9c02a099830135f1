//! Which parts does the text of a pipeline have?

use proc_macro2::Span;
use syn::{Attribute, Expr, Generics, Ident, Type, Visibility};

use crate::words::Role;

/// `attr* vis Name generics? "(" params ")" where? "{" (setting ",")* item* "}"`
pub(crate) struct Ast {
    pub(crate) header: Header,
    /// The pipeline's own options: its name, and the defaults of its steps.
    pub(crate) settings: Vec<Setting>,
    pub(crate) items: Vec<Item>,
}

/// Everything before the brace. It is enough to declare the type, whatever is wrong inside.
pub(crate) struct Header {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    pub(crate) params: Vec<Param>,
    /// Could all parameters be read?
    pub(crate) complete: bool,
    /// The colon of `: In => Out`, which has no start and no finish.
    pub(crate) shape: Option<Span>,
}

/// `queue: TransferQueue`
pub(crate) struct Param {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
}

/// `count: 4`
pub(crate) struct Setting {
    pub(crate) word: Ident,
    pub(crate) value: Expr,
}

/// `step Encryption, count: 4;`
pub(crate) struct Item {
    /// The text of the doc comments above it.
    pub(crate) docs: Vec<String>,
    pub(crate) word: Span,
    /// What the item is. `None` when its word says nothing about it; that was reported.
    pub(crate) role: Option<Role>,
    /// `None` when it could not be read; that was reported.
    pub(crate) recipe: Option<Expr>,
    pub(crate) settings: Vec<Setting>,
}
