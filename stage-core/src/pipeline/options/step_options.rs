//! The options of a step, as they are declared.

use super::table::step_options;
use crate::base::copies::Copies;
use crate::base::options::{CancelMode, Capacity, Keep, Placement, Restart};
use crate::credit::tuning::Tuning;

macro_rules! setter {
    ($(#[$doc:meta])* count($argument:ident: $type:ty)) => {
        $(#[$doc])*
        pub fn count(mut self, $argument: impl Into<$type>) -> Self {
            self.count = Some($argument.into());
            self
        }
    };
    ($(#[$doc:meta])* $field:ident($argument:ident: $type:ty)) => {
        $(#[$doc])*
        pub fn $field(mut self, $argument: $type) -> Self {
            self.$field = Some($argument);
            self
        }
    };
}

macro_rules! declare {
    ($($(#[$doc:meta])* $variant:ident $field:ident($argument:ident: $type:ty) = $usual:expr;
       $about:literal, $read:ident, $show:ident, $legal:expr, { $(#[$file:meta])* };)*) => {
        /// The options of one step, or the defaults of a pipeline's steps. Options that are not set use the
        /// pipeline's defaults, or else: one copy, a [tuned](Tuning::Auto) window, placed on the runtime, restarted
        /// after every failure. A window that is fixed has `min_demand` 1 and `max_demand` 10 unless they are set.
        ///
        /// If a step sets only `max_demand`, to a value at or below the default minimum, then
        /// `min_demand = max_demand / 2`.
        ///
        /// ```
        /// use stage_core::{Pipeline, StepOptions};
        ///
        /// let look_up = StepOptions::named("look_up").count(4).max_demand(20);
        /// let pipeline = Pipeline::builder("customers")
        ///     .start_fn("ids", || Ok(0..100_u32))
        ///     .step_fn(look_up, |id| format!("customer {id}"))
        ///     .finish_fn("print", |name| println!("{name}"));
        /// assert_eq!(pipeline.topology().step("look_up").map(|step| step.count), Some(4));
        /// ```
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[must_use]
        pub struct StepOptions {
            pub(crate) name: Option<String>,
            $(pub(crate) $field: Option<$type>,)*
        }

        impl StepOptions {
            $(setter!($(#[$doc])* $field($argument: $type));)*

            /// Returns these options, with unset ones taken from `others`, one by one.
            fn or_each(&self, others: &Self) -> Self {
                Self { name: self.name.clone(), $($field: self.$field.or(others.$field),)* }
            }

            /// Returns the values, with unset ones taken from `usual`.
            pub(super) fn values(&self, usual: StepValues) -> StepValues {
                StepValues { $($field: self.$field.unwrap_or(usual.$field),)* }
            }
        }

        /// The value of every option.
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct StepValues {
            $(pub(crate) $field: $type,)*
        }

        impl Default for StepValues {
            fn default() -> Self {
                Self { $($field: $usual,)* }
            }
        }
    };
}

step_options!(declare);

impl StepOptions {
    /// Creates options with nothing set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates options with only the name set.
    pub fn named(name: impl Into<String>) -> Self {
        Self::new().name(name)
    }

    /// Returns these options, with unset ones taken from `others`. The name is not taken over. A window that
    /// these options set replaces a tuned one.
    pub(crate) fn or(&self, others: &Self) -> Self {
        let mut all = self.or_each(others);
        if others.demand.is_some() {
            all.demand = self.said().or(others.demand);
        }
        all
    }

    /// Returns how the options choose the window; `None` if they leave it open.
    pub(crate) fn said(&self) -> Option<Tuning> {
        Tuning::said(self.demand, self.max_demand, self.min_demand)
    }

    /// Sets this window, unless the options set a `max_demand`.
    #[inline]
    pub(crate) fn or_window(mut self, max_demand: usize, min_demand: usize) -> Self {
        self.demand = Some(Tuning::Fixed);
        if self.max_demand.is_none() {
            self.max_demand = Some(max_demand);
            self.min_demand.get_or_insert(min_demand);
        }
        self
    }

    /// Sets the name, unique in the pipeline. Default: made from the type of the stage.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl From<&str> for StepOptions {
    #[inline]
    fn from(name: &str) -> Self {
        Self::named(name)
    }
}
