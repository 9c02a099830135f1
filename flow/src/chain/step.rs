//! The common part of all steps that consist of one function.

/// Declares a step after a chain, with the function it calls: a clone of the step clones the chain and shares
/// the function.
macro_rules! step {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name<C, F> {
            pub(crate) chain: C,
            pub(crate) function: std::sync::Arc<F>,
        }

        impl<C: Clone, F> Clone for $name<C, F> {
            fn clone(&self) -> Self {
                Self { chain: self.chain.clone(), function: std::sync::Arc::clone(&self.function) }
            }
        }

        impl<C, F> std::fmt::Debug for $name<C, F> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

pub(super) use step;
