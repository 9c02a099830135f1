//! A layer with a reducer: its steps, its windows, and its results.

use std::fmt;
use std::marker::PhantomData;

use super::map_layer::steps_of;
use super::{Accumulate, Emit, ReduceOperator, Reducer};
use crate::chain::{Chain, CopyOf, InOf, TimeOf};
use crate::options::LayerOptions;
use crate::plan::{Layer, Place};
use crate::time::Time;
use crate::window::{MakeTrigger, TakesLate, WindowSpec};

/// A layer with a reducer.
pub struct ReduceLayer<C: Chain, R, M> {
    pub(crate) chain: C,
    pub(crate) reducer: R,
    pub(crate) emit: M,
    pub(crate) window: WindowSpec,
    /// Clones an event for each window it belongs to, if windows overlap.
    pub(crate) copy: CopyOf<C>,
    /// The custom trigger.
    pub(crate) custom_trigger: Option<MakeTrigger<InOf<C>>>,
    /// The function called with late events.
    pub(crate) late: Option<TakesLate<InOf<C>>>,
    pub(crate) options: LayerOptions,
    pub(crate) types: PhantomData<fn(C)>,
}

impl<C: Chain, R: Clone, M: Clone> Clone for ReduceLayer<C, R, M> {
    fn clone(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            reducer: self.reducer.clone(),
            emit: self.emit.clone(),
            window: self.window.clone(),
            copy: self.copy,
            custom_trigger: self.custom_trigger.clone(),
            late: self.late.clone(),
            options: self.options.clone(),
            types: PhantomData,
        }
    }
}

impl<C: Chain, R, M> fmt::Debug for ReduceLayer<C, R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReduceLayer").field("window", &self.window).finish_non_exhaustive()
    }
}

impl<C, R, M> Layer for ReduceLayer<C, R, M>
where
    C: Chain,
    R: Accumulate + Reducer<C::Out, M::Out>,
    M: Emit<<R as Accumulate>::Acc>,
{
    type In = <TimeOf<C> as Time>::Of<InOf<C>>;
    type Out = M::Out;
    type Operator = ReduceOperator<C, R, M>;

    fn operator(&self, place: Place) -> Self::Operator {
        ReduceOperator::new(self.clone(), place)
    }

    fn options(&self) -> &LayerOptions {
        &self.options
    }

    fn name(&self) -> String {
        self.options.name.as_ref().map_or_else(|| self.operators().join("·"), ToString::to_string)
    }

    fn operators(&self) -> Vec<String> {
        let mut operators = steps_of(&self.chain);
        operators.push("reduce".to_owned());
        operators
    }

    fn windows(&self) -> Option<String> {
        self.window.words_with(self.custom_trigger.is_some())
    }
}
