//! Iterators as a source.

use std::fmt;
use std::sync::Arc;

use stage_core::BoxError;

use super::{More, Part, Source};

/// Several iterators, each created when the flow runs.
pub struct Iters<I> {
    recipes: Vec<Arc<dyn Fn() -> I + Send + Sync>>,
}

impl<I> Iters<I> {
    pub(crate) fn new(recipes: Vec<Arc<dyn Fn() -> I + Send + Sync>>) -> Self {
        Self { recipes }
    }
}

impl<I> Clone for Iters<I> {
    fn clone(&self) -> Self {
        Self { recipes: self.recipes.clone() }
    }
}

impl<I> fmt::Debug for Iters<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iters").field("iterators", &self.recipes.len()).finish()
    }
}

impl<I> Source for Iters<I>
where
    I: Iterator<Item: Send + 'static> + Send + 'static,
{
    type Item = I::Item;
    type Part = IterPart<I>;

    fn parts(&self, _most: usize) -> Result<Vec<IterPart<I>>, BoxError> {
        Ok(self.recipes.iter().map(|recipe| IterPart { iterator: recipe() }).collect())
    }

    fn name(&self) -> String {
        "iterator".to_owned()
    }
}

/// The rest of an iterator.
#[derive(Clone)]
pub struct IterPart<I> {
    pub(crate) iterator: I,
}

impl<I> fmt::Debug for IterPart<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IterPart").finish_non_exhaustive()
    }
}

impl<I> Part for IterPart<I>
where
    I: Iterator<Item: Send + 'static> + Send + 'static,
{
    type Item = I::Item;

    fn read(&mut self, most: usize, each: &mut impl FnMut(I::Item)) -> Result<More, BoxError> {
        let mut read = 0;
        self.iterator.by_ref().take(most).for_each(|item| {
            read += 1;
            each(item);
        });
        Ok(if read < most { More::No } else { More::Yes })
    }
}
