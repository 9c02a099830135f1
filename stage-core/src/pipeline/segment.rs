//! Segments: parts of pipelines, declared once and used in any pipeline with matching events.

use super::chain::Chain;
use super::draft::snake_case;
use super::options::StepOptions;
use crate::policy::Carry;

/// A part of a pipeline that takes events of one type and emits events of another, used with
/// [`Chain::through`]. Declared by `pipeline!` with `: In => Out`, or made from a function.
///
/// ```
/// use stage_core::pipeline::Passage;
/// use stage_core::{Chain, Pipeline, StepOptions};
///
/// struct Trim;
///
/// impl Passage for Trim {
///     type In = String;
///     type Out = String;
///
///     fn name(&self) -> String {
///         "trim".to_owned()
///     }
///
///     fn attach(self, chain: Chain<String>) -> Chain<String> {
///         chain.step_fn("ends", |line| line.trim().to_owned())
///     }
/// }
///
/// let pipeline = Pipeline::builder("lines")
///     .start_fn("lines", || Ok([" one".to_owned()]))
///     .through(StepOptions::new(), Trim)
///     .finish_fn("print", |line| println!("{line}"));
/// assert!(pipeline.topology().step("trim.ends").is_some());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be used with `through`: it is not a segment of a pipeline",
    label = "neither declared with `: In => Out`, nor a `Segment`",
    note = "declare it with `pipeline! {{ Name(parameters): In => Out {{ step …; }} }}`, or make a `stage_core::Segment` from a function of a `Chain`"
)]
pub trait Passage {
    /// The type of events that it takes.
    type In: Send + 'static;
    /// The type of events that it emits.
    type Out: Send + 'static;

    /// Returns the default name of the segment, the prefix of the names of its steps.
    fn name(&self) -> String {
        let path = std::any::type_name::<Self>();
        let path = path.split('<').next().unwrap_or(path);
        snake_case(path.rsplit("::").next().unwrap_or(path))
    }

    /// Adds the steps of the segment to `chain`.
    fn attach(self, chain: Chain<Self::In>) -> Chain<Self::Out>;
}

/// A part of a pipeline, as a value.
///
/// ```
/// use stage_core::{Pipeline, Segment, StepOptions};
///
/// let twice = Segment::new("twice", |chain| chain.step_fn("one", |n: u32| n + 1).step_fn("two", |n| n + 1));
/// let pipeline = Pipeline::builder("numbers")
///     .start_fn("numbers", || Ok(0..10_u32))
///     .through(StepOptions::new(), twice)
///     .finish_fn("print", |number| println!("{number}"));
/// assert_eq!(pipeline.topology().stages(), 4);
/// ```
pub struct Segment<In: Send + 'static, Out: Send + 'static> {
    name: String,
    attach: Box<dyn FnOnce(Chain<In>) -> Chain<Out> + Send>,
}

impl<In: Send + 'static, Out: Send + 'static> Segment<In, Out> {
    /// Creates a segment from the steps that `attach` adds.
    pub fn new(
        name: impl Into<String>,
        attach: impl FnOnce(Chain<In>) -> Chain<Out> + Send + 'static,
    ) -> Self {
        Self { name: name.into(), attach: Box::new(attach) }
    }
}

impl<In: Send + 'static, Out: Send + 'static> Passage for Segment<In, Out> {
    type In = In;
    type Out = Out;

    fn name(&self) -> String {
        self.name.clone()
    }

    fn attach(self, chain: Chain<In>) -> Chain<Out> {
        (self.attach)(chain)
    }
}

impl<T: Send + 'static, C: Carry> Chain<T, C> {
    /// Adds the steps of a segment that was declared elsewhere. Its steps are called `segment.step`, with the
    /// name in `options`, or else the [segment's own](Passage::name), as the prefix. The other options apply
    /// to those of its steps that do not set them. The segment of an acknowledged chain takes and emits
    /// deliveries.
    ///
    /// ```
    /// # use stage_core::{Chain, Pipeline, Segment, StepOptions};
    /// fn add(by: u32) -> Segment<u32, u32> {
    ///     Segment::new("add", move |chain| chain.step_fn("sum", move |number| number + by))
    /// }
    ///
    /// let pipeline = Pipeline::builder("sums")
    ///     .start_fn("numbers", || Ok(0..10))
    ///     .through(StepOptions::new(), add(1))
    ///     .through(StepOptions::named("again").count(2), add(2))
    ///     .finish_fn("print", |number| println!("{number}"));
    /// let names: Vec<_> = pipeline.topology().steps.iter().map(|step| step.name.as_str()).collect();
    /// assert_eq!(names, ["numbers", "add.sum", "again.sum", "print"]);
    /// ```
    pub fn through<P, U>(mut self, options: impl Into<StepOptions>, part: P) -> Chain<U, C>
    where
        P: Passage<In = C::Of<T>, Out = C::Of<U>>,
        U: Send + 'static,
    {
        let options = options.into();
        let name = options.name.clone().unwrap_or_else(|| part.name());
        let (prefix, defaults) = (self.draft.prefix.clone(), self.draft.defaults.clone());
        self.draft.prefix = format!("{prefix}{name}.");
        self.draft.defaults = options.or(&defaults);
        let mut chain = part.attach(self.into_carried());
        chain.draft.prefix = prefix;
        chain.draft.defaults = defaults;
        Chain::from_carried(chain)
    }
}

impl<In: Send + 'static, Out: Send + 'static> std::fmt::Debug for Segment<In, Out> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segment").field("name", &self.name).finish_non_exhaustive()
    }
}
