//! Requirements on a pipeline's numbers, checked by macro, compiler or builder.

use super::DEFAULT_MAX_DEMAND;
use crate::model::{AtMost, AtOnce, Demand, Model, Number, Options, Shape, Step, partitions, steps};
use crate::option_words::OptionWord;
use crate::words::Role;

/// A condition on one number.
pub(crate) enum Requirement<'a> {
    /// A number of copies or events is at least 1.
    AtLeastOne { option: OptionWord, number: &'a Number, owner: String },
    /// A start that is an iterator has one copy, because each copy would yield all of its events.
    Alone { number: &'a Number, set_in: SetIn },
    /// A partition has more than one part.
    Parts { into: &'a Number },
    /// `min_demand` is below the `max_demand` of the same step, set or inherited.
    Below { min: &'a Number, max: Bound<'a>, owner: String },
}

/// The `max_demand` of a step.
pub(crate) enum Bound<'a> {
    /// Set beside the `min_demand`.
    Own(&'a Number),
    /// Inherited from the pipeline's options.
    Inherited(&'a Number),
    /// A number of batches, which the builder computes.
    Batches,
    /// The built-in default.
    BuiltIn,
}

/// The place where a number is set.
#[derive(Clone, Copy)]
pub(crate) enum SetIn {
    /// At the item itself.
    Step,
    /// In the options of the pipeline.
    Pipeline,
}

/// The result of a check in the macro.
pub(crate) enum Evaluation {
    Holds,
    Fails(String),
    /// Constants are involved: the compiler checks, and reports the message on failure.
    AskCompiler(String),
    /// Parameters are involved: the builder checks when the pipeline is started.
    AskBuilder,
}

/// Returns all requirements on the numbers of `model`.
///
/// A step that sets only `max_demand` needs no check: if it is at or below the default minimum, the builder
/// halves it for the minimum.
pub(crate) fn requirements(model: &Model) -> Vec<Requirement<'_>> {
    let mut requirements = Vec::new();
    let inherited = model.defaults.max_demand.as_ref().map_or(Bound::BuiltIn, Bound::Inherited);
    of_options(&model.defaults, &Bound::BuiltIn, "the pipeline", &mut requirements);
    for (index, step) in steps(&model.nodes).into_iter().enumerate() {
        let owner = match step.name.known() {
            Some(name) => format!("{} `{name}`", step.role.word()),
            None if step.role == Role::Step => format!("step {index}"),
            None => step.role.word().to_owned(),
        };
        let inherited = if step.takes_batches() { Bound::Batches } else { inherited.again() };
        of_options(&step.options, &inherited, &owner, &mut requirements);
        let at_once = step.at_once.iter().flat_map(|AtOnce { events, .. }| events.numbers());
        requirements.extend(at_once.map(|number| {
            let owner = owner.clone();
            Requirement::AtLeastOne { option: OptionWord::AtOnce, number, owner }
        }));
        let at_most = step.at_once.as_ref().and_then(|at_once| at_once.at_most.as_ref());
        requirements.extend(at_most.map(|AtMost { number, .. }| {
            let owner = owner.clone();
            Requirement::AtLeastOne { option: OptionWord::AtMost, number, owner }
        }));
        requirements.extend(alone(step, &model.defaults));
    }
    requirements.extend(
        partitions(&model.nodes).into_iter().map(|partition| Requirement::Parts { into: &partition.into }),
    );
    requirements
}

fn alone<'a>(step: &'a Step, defaults: &'a Options) -> Option<Requirement<'a>> {
    if step.role != Role::Start || step.recipe.shape != Shape::Function {
        return None;
    }
    let alone = |options: &'a Options, set_in| {
        options.count.as_ref().map(|count| Requirement::Alone { number: &count.most, set_in })
    };
    alone(&step.options, SetIn::Step).or_else(|| alone(defaults, SetIn::Pipeline))
}

fn of_options<'a>(
    options: &'a Options,
    otherwise: &Bound<'a>,
    owner: &str,
    requirements: &mut Vec<Requirement<'a>>,
) {
    let bound = match &options.demand {
        Some(Demand::UpTo(bound)) => Some(bound),
        _ => None,
    };
    let nonzero = [
        (OptionWord::Count, options.count.as_ref().map(|count| count.least.as_ref().unwrap_or(&count.most))),
        (OptionWord::Demand, bound),
        (OptionWord::MaxDemand, options.max_demand.as_ref()),
    ];
    for (option, number) in nonzero {
        let owner = owner.to_owned();
        requirements.extend(number.map(|number| Requirement::AtLeastOne { option, number, owner }));
    }
    if let Some(min) = &options.min_demand {
        let max = options.max_demand.as_ref().map_or(otherwise.again(), Bound::Own);
        requirements.push(Requirement::Below { min, max, owner: owner.to_owned() });
    }
}

impl Requirement<'_> {
    /// Returns the number that the user has to change.
    pub(crate) fn number(&self) -> &Number {
        match self {
            Self::AtLeastOne { number, .. } | Self::Alone { number, .. } => number,
            Self::Parts { into } => into,
            Self::Below { min, .. } => min,
        }
    }

    pub(crate) fn evaluate(&self) -> Evaluation {
        match self {
            Self::AtLeastOne { option, number, owner } => match number {
                Number::Literal { value: 0, .. } => Evaluation::Fails(zero(*option).to_owned()),
                Number::Literal { .. } => Evaluation::Holds,
                Number::Constant(_) => Evaluation::AskCompiler(format!("{owner}: {}", zero(*option))),
                Number::Computed(_) => Evaluation::AskBuilder,
            },
            Self::Alone { number, set_in } => match number {
                Number::Literal { value: 0 | 1, .. } => Evaluation::Holds,
                Number::Literal { .. } => Evaluation::Fails(doubled(*set_in).to_owned()),
                Number::Constant(_) => Evaluation::AskCompiler(doubled(*set_in).to_owned()),
                Number::Computed(_) => Evaluation::AskBuilder,
            },
            Self::Parts { into } => match into {
                Number::Literal { value: 0, .. } => Evaluation::Fails(NO_PART.to_owned()),
                Number::Literal { value: 1, .. } => Evaluation::Fails(ONE_PART.to_owned()),
                Number::Literal { .. } => Evaluation::Holds,
                Number::Constant(_) => Evaluation::AskCompiler(NO_PART.to_owned()),
                Number::Computed(_) => Evaluation::AskBuilder,
            },
            Self::Below { min, max, owner } => match (min, max.number()) {
                (Number::Computed(_), _) | (_, Some(Number::Computed(_))) => Evaluation::AskBuilder,
                _ if matches!(max, Bound::Batches) => Evaluation::AskBuilder,
                (Number::Literal { value, .. }, None | Some(Number::Literal { .. })) => match max.known() {
                    // Reported by its own requirement; no minimum can be below zero.
                    Some(0) => Evaluation::Holds,
                    Some(limit) if *value >= limit => Evaluation::Fails(not_below(*value, limit, max)),
                    _ => Evaluation::Holds,
                },
                _ => Evaluation::AskCompiler(format!(
                    "{owner}: `min_demand` must be below `max_demand`{}",
                    max.source()
                )),
            },
        }
    }
}

impl<'a> Bound<'a> {
    /// Returns the number in the user's tokens.
    pub(crate) fn number(&self) -> Option<&'a Number> {
        match self {
            Self::Own(number) | Self::Inherited(number) => Some(number),
            Self::Batches | Self::BuiltIn => None,
        }
    }

    fn known(&self) -> Option<usize> {
        self.number().map_or(Some(DEFAULT_MAX_DEMAND), Number::known)
    }

    fn again(&self) -> Self {
        match self {
            Self::Own(number) => Self::Own(number),
            Self::Inherited(number) => Self::Inherited(number),
            Self::Batches => Self::Batches,
            Self::BuiltIn => Self::BuiltIn,
        }
    }

    fn source(&self) -> &'static str {
        match self {
            Self::Own(_) | Self::Batches => "",
            Self::Inherited(_) => " (the pipeline's)",
            Self::BuiltIn => " (10 by default)",
        }
    }
}

const NO_PART: &str = "a `partition` into 0 parts: write at least `into 2`";
const ONE_PART: &str = "a `partition` into 1 part divides nothing: write at least `into 2`, or its items without the `partition`";

fn zero(option: OptionWord) -> &'static str {
    match option {
        OptionWord::MaxDemand => {
            "`max_demand` is 0: a step that asks for nothing gets nothing; write at least 1"
        }
        OptionWord::Demand => {
            "the bound of `auto` is 0: a step that asks for nothing gets nothing; write at least `auto(..=1)`"
        }
        OptionWord::AtOnce => "`at_once` is 0: a step that handles no event does nothing; write at least 1",
        OptionWord::AtMost => {
            "`at_most` is 0: a key of which no event is handled holds up its step; write at least 1"
        }
        _ => "`count` is 0: a step has at least one copy",
    }
}

fn doubled(set_in: SetIn) -> &'static str {
    match set_in {
        SetIn::Step => {
            "each copy of this `start` would yield every event of the iterator: write `count: 1`, or a producer"
        }
        SetIn::Pipeline => {
            "each copy of the `start` would yield every event of its iterator: write `count: 1` at the `start`, or a producer"
        }
    }
}

fn not_below(min: usize, max: usize, bound: &Bound<'_>) -> String {
    format!(
        "`min_demand` must be below `max_demand`{}: {min} is not below {max}; write at most {}, or a larger `max_demand`",
        bound.source(),
        max - 1
    )
}
