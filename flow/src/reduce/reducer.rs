//! Reducers: how an event changes the value of its window.

use std::fmt;
use std::sync::Arc;

use super::{AlarmSet, Alarms, NoAlarms};

/// Has a value that events are folded into.
pub trait Accumulate: Clone + Send + Sync + 'static {
    /// The value.
    type Acc: Send + 'static;
    /// The alarms that the reducer can set.
    type Alarms: AlarmSet;

    /// Returns the value of a window without events.
    #[doc(hidden)]
    fn acc(&self, alarms: &mut Self::Alarms) -> Self::Acc;
}

/// Folds events of type `T` into a value, and may emit events of type `U` while doing so.
///
/// ```
/// use flow::time::Untimed;
/// use flow::{Chain, Flow, LayerFlow, Reduced, Reducer};
///
/// /// Emits the value of each window.
/// fn states<C: Chain>(sums: Reduced<C, impl Reducer<C::Out, u64, Acc = u64>>) -> LayerFlow<Untimed, u64> {
///     sums.emit_state()
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), flow::FlowError> {
/// let sums = Flow::from_items(1..=4_u64).stages(1).reduce(|| 0, |sum, number| *sum += number);
/// assert_eq!(states(sums).collect::<Vec<_>>().await?, [10]);
/// # Ok(())
/// # }
/// ```
pub trait Reducer<T, U>: Accumulate {
    /// Folds one event into the value.
    #[doc(hidden)]
    fn reduce<K: FnMut(U)>(&self, acc: &mut Self::Acc, alarms: &mut Self::Alarms, event: T, sink: &mut K);

    /// Called after each batch has been folded, and within long ones.
    #[doc(hidden)]
    fn settle<K: FnMut(U)>(&self, acc: &mut Self::Acc, sink: &mut K) {
        let _ = (acc, sink);
    }
}

/// Folds with a function.
pub struct Fold<I, F> {
    pub(crate) init: Arc<I>,
    pub(crate) function: Arc<F>,
}

/// Folds with a function that sets alarms.
pub struct FoldAndSet<I, F> {
    pub(crate) init: Arc<I>,
    pub(crate) function: Arc<F>,
}

/// Folds with a function, and emits the events it returns.
pub struct FoldAndEmit<I, F> {
    pub(crate) init: Arc<I>,
    pub(crate) function: Arc<F>,
}

macro_rules! shared {
    ($name:ident) => {
        impl<I, F> Clone for $name<I, F> {
            fn clone(&self) -> Self {
                Self { init: Arc::clone(&self.init), function: Arc::clone(&self.function) }
            }
        }

        impl<I, F> fmt::Debug for $name<I, F> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

shared!(Fold);
shared!(FoldAndEmit);
shared!(FoldAndSet);

macro_rules! accumulate {
    ($name:ident) => {
        impl<A, I, F> Accumulate for $name<I, F>
        where
            A: Send + 'static,
            I: Fn() -> A + Send + Sync + 'static,
            F: Send + Sync + 'static,
        {
            type Acc = A;
            type Alarms = NoAlarms;

            fn acc(&self, _alarms: &mut NoAlarms) -> A {
                (self.init)()
            }
        }
    };
}

accumulate!(Fold);
accumulate!(FoldAndEmit);

impl<A, I, F> Accumulate for FoldAndSet<I, F>
where
    A: Send + 'static,
    I: Fn(&mut Alarms) -> A + Send + Sync + 'static,
    F: Send + Sync + 'static,
{
    type Acc = A;
    type Alarms = Alarms;

    fn acc(&self, alarms: &mut Alarms) -> A {
        (self.init)(alarms)
    }
}

impl<T, U, A, I, F> Reducer<T, U> for FoldAndSet<I, F>
where
    A: Send + 'static,
    I: Fn(&mut Alarms) -> A + Send + Sync + 'static,
    F: Fn(&mut A, T, &mut Alarms) + Send + Sync + 'static,
{
    #[inline]
    fn reduce<K: FnMut(U)>(&self, acc: &mut A, alarms: &mut Alarms, event: T, _sink: &mut K) {
        (self.function)(acc, event, alarms);
    }
}

impl<T, U, A, I, F> Reducer<T, U> for Fold<I, F>
where
    A: Send + 'static,
    I: Fn() -> A + Send + Sync + 'static,
    F: Fn(&mut A, T) + Send + Sync + 'static,
{
    #[inline]
    fn reduce<K: FnMut(U)>(&self, acc: &mut A, _alarms: &mut NoAlarms, event: T, _sink: &mut K) {
        (self.function)(acc, event);
    }
}

impl<T, U, A, E, I, F> Reducer<T, U> for FoldAndEmit<I, F>
where
    A: Send + 'static,
    E: IntoIterator<Item = U>,
    I: Fn() -> A + Send + Sync + 'static,
    F: Fn(&mut A, T) -> E + Send + Sync + 'static,
{
    #[inline]
    fn reduce<K: FnMut(U)>(&self, acc: &mut A, _alarms: &mut NoAlarms, event: T, sink: &mut K) {
        (self.function)(acc, event).into_iter().for_each(sink);
    }
}
