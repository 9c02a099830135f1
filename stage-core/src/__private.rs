//! What do expansions of the macros need besides the public API? Not a part of it.

pub use stage_macros::ErrorDebug;
pub use tracing;

pub use crate::base::error::write_error;
pub use crate::stage::expansion::{
    Argument, Done, Fallible, Many, Optional, TakenBatch, Turn, emit_all, wait, wait_unless_draining,
};
pub use crate::timed::{Site, Timing, never, shown};

use crate::base::error::StageResult;
use crate::credit::demand::Demand;
use crate::pipeline::Chain;
use crate::stage::{Emitter, ForEach};

/// A parameter of a pipeline: cloned for every run of every recipe that mentions it.
///
/// For a type that is none, `Checked` and whatever is made from it are unknown to the compiler, which then reports the
/// parameter and not its uses.
pub trait Parameter {
    /// `Self`, if it is a parameter.
    type Checked;

    /// A clone of the parameter.
    fn copy(&self) -> Self::Checked;
}

impl<T: CloneParameter + SendParameter + 'static> Parameter for T {
    type Checked = T;

    fn copy(&self) -> T {
        CloneParameter::copy(self)
    }
}

/// `Clone`, with a message of its own where it is missing.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of a pipeline: it is not `Clone`",
    label = "a pipeline's parameters are `Clone + Send + 'static`",
    note = "recipes run once per copy and again at each restart, each time with clones of their parameters",
    note = "derive `Clone` for `{Self}`, bound it by `Clone`, or take an `Arc` of it",
    note = "the receiver of a channel has no clones: pass the source that `stage_core::source::from_channel` makes of it"
)]
pub trait CloneParameter {
    /// A clone.
    fn copy(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> CloneParameter for T {
    fn copy(&self) -> Self {
        self.clone()
    }
}

/// `Send`, with a message of its own where it is missing.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of a pipeline: it is not `Send`",
    label = "a pipeline's parameters are `Clone + Send + 'static`",
    note = "the stages of a pipeline and their recipes run on several threads",
    note = "bound `{Self}` by `Send`, or use an `Arc` instead of an `Rc` and a lock instead of a cell"
)]
pub trait SendParameter {}

#[diagnostic::do_not_recommend]
impl<T: Send> SendParameter for T {}

/// A source in the outline of a pipeline, which is never started.
#[derive(Debug)]
pub struct Outline;

impl crate::stage::Producer for Outline {
    type Event = ();

    async fn handle_demand(&mut self, _: Demand, out: &mut Emitter<'_, ()>) -> StageResult {
        out.finish();
        Ok(())
    }
}

/// Cuts the outline of a pipeline at an edge. Inline, so that this crate does not compile an engine for it.
#[inline]
pub fn across(chain: Chain<()>, edge: &str) -> Chain<()> {
    chain.cut(edge, || Ok(ForEach::new(|()| ())), || Ok(Outline))
}

/// `Placement::Rayon`, where it exists.
#[cfg(feature = "rayon")]
#[doc(hidden)]
#[macro_export]
macro_rules! __rayon {
    () => {
        $crate::Placement::Rayon
    };
}

/// What to do where it does not exist.
#[cfg(not(feature = "rayon"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __rayon {
    () => {
        ::core::compile_error!(
            "this placement needs the feature `rayon` of stage-core: add `features = [\"rayon\"]` to it in Cargo.toml"
        )
    };
}

/// Begins to measure a call of a function with `#[timed]`, if its span is on. Span and event are the
/// function's module's.
#[doc(hidden)]
#[macro_export]
macro_rules! __timed {
    ($level:ident, $unit:ident, $name:expr, $span:expr $(, $field:expr => $value:expr)*) => {{
        static SITE: $crate::__private::Site =
            $crate::__private::Site::new($name, $crate::timed::Unit::$unit, |span, took, unit| {
                $crate::__private::tracing::event!(
                    parent: span,
                    $crate::__private::tracing::Level::$level,
                    took,
                    unit,
                    "took {took} {unit} to run {}",
                    $name
                );
            });
        const LEVEL: $crate::__private::tracing::Level = $crate::__private::tracing::Level::$level;
        // As `span!` itself begins, before anything else is done.
        if LEVEL <= $crate::__private::tracing::level_filters::STATIC_MAX_LEVEL
            && LEVEL <= $crate::__private::tracing::level_filters::LevelFilter::current()
        {
            SITE.begin($crate::__private::tracing::span!(LEVEL, $span $(, $field = $value)*))
        } else {
            $crate::__private::Timing::off()
        }
    }};
}
