//! Iterators as a source.

use std::fmt;
use std::ops::ControlFlow::{Break, Continue};
use std::sync::Arc;

use stage_core::BoxError;

use super::part::{Each, read_each};
use super::{More, Part, Source, Taker};

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
        self.read_in_one(most, &mut Each(each))
    }

    fn read_in_one(&mut self, most: usize, taker: &mut impl Taker<I::Item>) -> Result<More, BoxError> {
        read_each(most, taker, || Ok(self.iterator.next().map_or(Break(More::No), Continue)))
    }
}
