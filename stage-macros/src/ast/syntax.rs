//! Types of the syntax tree of a pipeline.

use proc_macro2::Span;
use quote::ToTokens;
use syn::{Attribute, Expr, Generics, Ident, Type, Visibility};

use crate::crate_path::Library;
use crate::words::{Emits, Role};

/// `attr* vis Name generics? "(" params ")" (":" In "=>" Out)? where? "{" (setting ",")* item* "}"`
pub(crate) struct Ast {
    pub(crate) header: Header,
    /// The options of the pipeline itself: its name, and the defaults of its steps.
    pub(crate) settings: Vec<Setting>,
    pub(crate) items: Vec<Item>,
}

/// Everything before the brace. It suffices to declare the type, whatever mistakes are inside.
pub(crate) struct Header {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    pub(crate) params: Vec<Param>,
    /// Whether all parameters could be read.
    pub(crate) complete: bool,
    /// `: In => Out` of a pipeline for use with `through`.
    pub(crate) part: Option<Part>,
    /// The paths of the libraries, if the program has other names for them.
    pub(crate) library: Option<Library>,
}

/// `queue: TransferQueue`
pub(crate) struct Param {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
}

/// `count: 4`, or `acknowledged`
pub(crate) struct Setting {
    pub(crate) word: Ident,
    /// `None` where the word stands alone.
    pub(crate) value: Option<Expr>,
}

impl Setting {
    /// The last token of the option.
    pub(crate) fn end(&self) -> &dyn ToTokens {
        self.value.as_ref().map_or(&self.word as &dyn ToTokens, |value| value)
    }
}

/// `: In => Out`
pub(crate) struct Part {
    pub(crate) colon: Span,
    /// `None` if they could not be read, which has been reported.
    pub(crate) types: Option<(Type, Type)>,
}

/// One item of a pipeline or of a branch.
pub(crate) enum Item {
    Stage(Box<Stage>),
    Merge(Span),
    Broadcast(Broadcast),
    Partition(Box<Partition>),
    /// An item whose word is unknown, which has been reported.
    Unknown(Span),
}

impl Item {
    /// Its first word.
    pub(crate) fn word(&self) -> Span {
        match self {
            Self::Stage(stage) => stage.word,
            Self::Broadcast(broadcast) => broadcast.word,
            Self::Partition(partition) => partition.word,
            Self::Merge(word) | Self::Unknown(word) => *word,
        }
    }
}

/// `step Encryption, count: 4;`
pub(crate) struct Stage {
    /// The text of the doc comments above it.
    pub(crate) docs: Vec<String>,
    pub(crate) word: Span,
    pub(crate) role: Role,
    /// The word in front of the recipe, such as `filter`.
    pub(crate) emits: Option<(Emits, Ident)>,
    /// `None` if it could not be read, which has been reported.
    pub(crate) recipe: Option<Expr>,
    pub(crate) settings: Vec<Setting>,
}

/// `broadcast branch ("and" branch)+`
pub(crate) struct Broadcast {
    pub(crate) word: Span,
    pub(crate) branches: Vec<Branch>,
    /// Whether all branches could be read.
    pub(crate) complete: bool,
}

/// `"partition" "by" key "," "into" number branch`
pub(crate) struct Partition {
    pub(crate) word: Span,
    /// `None` if it could not be read, which has been reported.
    pub(crate) key: Option<Expr>,
    pub(crate) into: Option<Expr>,
    pub(crate) branch: Option<Branch>,
}

/// `("when" "(" selector ")")? "{" item* "}"`
pub(crate) struct Branch {
    /// The word before it: `broadcast`, `and` or `into`.
    pub(crate) word: Span,
    pub(crate) when: Option<Expr>,
    pub(crate) items: Vec<Item>,
}
