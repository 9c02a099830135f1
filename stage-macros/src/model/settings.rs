//! Reader of options. It reports unknown, repeated and misplaced ones.

use proc_macro2::{Ident, Span};
use syn::{Expr, ExprArray, Lit, LitStr};

use super::at_once::{Bulkheads, events_at_once};
use super::closures::{key, rejected, spec};
use super::scope::{Scope, starts_in_lower_case};
use super::values::{buffer, count, demand};
use super::{
    AtOnce, Buffer, By, Choice, Count, Demand, Dispatcher, Failure, Gate, Number, Options, Policy, Rejected,
    Retry, Supervision, Text, policy,
};
use crate::ast::Setting;
use crate::error::Errors;
use crate::option_words::{OptionWord, sentence};
use crate::step_options::step_options;
use crate::suggest::did_you_mean;
use crate::words::list;

/// All options of one item, or of the pipeline.
#[derive(Default)]
pub(super) struct Settings {
    pub(super) name: Option<Text>,
    pub(super) options: Options,
    pub(super) supervision: Supervision,
    pub(super) by: Option<By>,
    pub(super) dispatcher: Option<Dispatcher>,
    pub(super) rejected: Option<Rejected>,
    pub(super) args: Option<ExprArray>,
    pub(super) policy: Option<Policy>,
    /// The rate before the batch, because a rate counts events.
    pub(super) gates: Vec<Gate>,
    pub(super) acknowledged: Option<Span>,
    pub(super) at_once: Option<AtOnce>,
    pub(super) partitions: Option<(Ident, Option<Number>)>,
    pub(super) schema: Option<(Ident, Number)>,
    pub(super) spec: Option<(Ident, Expr)>,
    order: Option<(Ident, Choice)>,
    bulkheads: Bulkheads,
    failure: Option<(Ident, Failure)>,
    retry: Option<Retry>,
}

/// The owner of the options.
#[derive(Clone, Copy)]
pub(super) struct Owner {
    /// For messages: "the pipeline", "a `start`".
    pub(super) title: &'static str,
    pub(super) allowed: &'static [OptionWord],
}

impl Owner {
    pub(super) const PIPELINE: Self = Self { title: "the pipeline", allowed: OptionWord::OF_PIPELINE };
    pub(super) const PART: Self =
        Self { title: "a pipeline for use with `through`", allowed: OptionWord::OF_PART };
    pub(super) const START: Self = Self { title: "a `start`", allowed: OptionWord::OF_START };
    pub(super) const STEP: Self = Self { title: "a `step`", allowed: OptionWord::OF_STEP };
    pub(super) const THEN: Self = Self { title: "a `then`", allowed: OptionWord::OF_THEN };
    pub(super) const THROUGH: Self = Self { title: "a `through`", allowed: OptionWord::OF_THROUGH };
    pub(super) const ACROSS: Self = Self { title: "an `across`", allowed: OptionWord::OF_ACROSS };
    pub(super) const FINISH: Self = Self { title: "a `finish`", allowed: OptionWord::OF_FINISH };
}

impl Settings {
    pub(super) fn read(settings: Vec<Setting>, owner: Owner, scope: &Scope<'_>, errors: &mut Errors) -> Self {
        let mut read = Self::default();
        let mut seen = Vec::new();
        for Setting { word, value } in settings {
            let Some(option) = known(&word, owner, errors) else {
                continue;
            };
            if seen.contains(&option) {
                errors.at(&word, format!("`{word}` is given twice: remove one"));
                continue;
            }
            seen.push(option);
            match value {
                Some(value) => read.set(option, word, value, scope, errors),
                // `acknowledged` is the only option that is read without a value.
                None => read.acknowledged = Some(word.span()),
            }
        }
        read.gates.sort_by_key(|gate| gate.word != OptionWord::Rate.word());
        if let Some((word, order)) = read.order.take() {
            match &mut read.at_once {
                Some(at_once) => at_once.order = Some(order),
                None if seen.contains(&OptionWord::AtOnce) => {}
                None => errors.at(
                    &word,
                    format!(
                        "`order` is that of the results of several events at once: add `{}`",
                        OptionWord::AtOnce.example()
                    ),
                ),
            }
        }
        read.bulkheads.put_into(&mut read.at_once, seen.contains(&OptionWord::AtOnce), errors);
        read.policy = policy::together(read.failure.take(), read.retry.take());
        read
    }

    fn set(&mut self, option: OptionWord, word: Ident, value: Expr, scope: &Scope<'_>, errors: &mut Errors) {
        let Some(value) = self.options.set(option, value, scope, errors) else { return };
        match option {
            OptionWord::Name => self.name = text(value, errors),
            OptionWord::OnFailure => {
                self.failure = policy::failure(value, scope, errors).map(|failure| (word, failure));
            }
            OptionWord::Retry => self.retry = policy::retry(word, value, errors),
            OptionWord::AtOnce => {
                let events = events_at_once(value, scope, errors);
                self.at_once = events.map(|events| AtOnce { word, events, order: None, at_most: None });
            }
            OptionWord::Partitions => {
                self.partitions = Some((word, Number::read(option, value, scope, errors)));
            }
            OptionWord::Schema => {
                self.schema = Number::read(option, value, scope, errors).map(|number| (word, number));
            }
            OptionWord::Spec => {
                self.spec = spec(value, errors).map(|change| (word, change));
            }
            OptionWord::Order => {
                self.order = choice(&ORDER, value, scope, errors).map(|order| (word, order));
            }
            OptionWord::AtMost | OptionWord::Per => self.bulkheads.set(option, word, value, scope, errors),
            OptionWord::Rate | OptionWord::Batch => {
                self.gates.extend(policy::gate(option, word, value, scope, errors));
            }
            OptionWord::Acknowledged => {
                errors.at(&value, "`acknowledged` takes no value: write the word alone, `acknowledged,`");
            }
            OptionWord::By => {
                self.by = key(value, "by", "by: |event| event.key", errors).map(|key| By { word, key });
            }
            OptionWord::Dispatcher => match value {
                Expr::Lit(literal) => errors.at(
                    &literal,
                    "`dispatcher` is the recipe of a dispatcher, such as `dispatcher: FairDispatcher::new()`",
                ),
                recipe => self.dispatcher = Some(Dispatcher { word, recipe }),
            },
            OptionWord::Rejected => {
                self.rejected = rejected(value, errors).map(|to| Rejected { word, to });
            }
            OptionWord::Strategy => self.supervision.strategy = choice(&STRATEGY, value, scope, errors),
            OptionWord::MaxRestarts => {
                self.supervision.max_restarts = Number::read(option, value, scope, errors);
            }
            OptionWord::Within => match value {
                Expr::Lit(literal) => errors.at(
                    &literal,
                    "`within` is a `Duration`: write one such as `within: Duration::from_secs(5)`",
                ),
                value => self.supervision.within = Some(value),
            },
            OptionWord::Backoff => match value {
                Expr::Lit(literal) => errors.at(
                    &literal,
                    "`backoff` is a `Backoff`: write one such as `backoff: Backoff::new(FIRST, MOST)`",
                ),
                value => self.supervision.backoff = Some(value),
            },
            OptionWord::Args => match value {
                Expr::Array(args) => self.args = Some(args),
                value => errors.at(&value, "`args` is a list, even of one argument: write `args: [a, b]`"),
            },
            // `into` is never read as an option, and the options of steps are set.
            _ => {}
        }
    }
}

macro_rules! set {
    ($($variant:ident $field:ident $kind:ident $of:ident [$($words:tt)*];)*) => {
        impl Options {
            /// Reads an option of steps; returns the value of any other option.
            fn set(
                &mut self,
                option: OptionWord,
                value: Expr,
                scope: &Scope<'_>,
                errors: &mut Errors,
            ) -> Option<Expr> {
                match option {
                    $(OptionWord::$variant => {
                        self.$field = $kind::of(&Words { option, words: &[$($words)*] }, value, scope, errors);
                    })*
                    _ => return Some(value),
                }
                None
            }
        }
    };
}

step_options!(set);

fn known(word: &Ident, owner: Owner, errors: &mut Errors) -> Option<OptionWord> {
    let text = word.to_string();
    let Owner { title, allowed, .. } = owner;
    match OptionWord::from_word(&text) {
        Some(option) if allowed.contains(&option) => return Some(option),
        Some(option) => errors.at(word, format!("{title} has no `{text}`: {}", misplaced(option, owner))),
        None => {
            let advice = match OptionWord::guess(&text, allowed) {
                Some(meant) => format!("did you mean `{}`?", meant.word()),
                None if is_time_limit(&text) && allowed.contains(&OptionWord::OnFailure) => {
                    "a time limit belongs to the policy: write one such as \
                     `on_failure: FailurePolicy::skip().deadline(Duration::from_secs(5))`"
                        .to_owned()
                }
                None => format!("{title} takes {}", sentence(allowed)),
            };
            errors.at(word, format!("unknown option `{text}`: {advice}"));
        }
    }
    None
}

fn is_time_limit(word: &str) -> bool {
    matches!(word, "timeout" | "deadline" | "time_limit")
}

/// Explains why an option is refused here, and where it belongs.
fn misplaced(option: OptionWord, owner: Owner) -> &'static str {
    if owner.title == Owner::THEN.title {
        return "it is a part of the stage before it; put the option on the `step` that it belongs to";
    }
    if owner.title == Owner::ACROSS.title {
        return "an edge is not a step with copies; put the option on an item before or behind it";
    }
    let has_events = owner.allowed.contains(&OptionWord::Batch);
    match option {
        OptionWord::Within if has_events => {
            "it limits the restarts of a pipeline, before its first item; the time of a batch is `batch: Limits::count(100).within(Duration::from_secs(1))`"
        }
        OptionWord::Backoff if has_events => {
            "it delays the restarts of a pipeline, before its first item; the attempts at one event are `retry: Backoff::new(FIRST, MOST).attempts(3)`"
        }
        OptionWord::By => "it feeds the copies of one step by key; put it on that `step` or `finish`",
        OptionWord::Args => "it holds the arguments of one recipe; put it after that recipe",
        OptionWord::Demand | OptionWord::MinDemand | OptionWord::MaxDemand => {
            "it has no producer to ask for events; put it on the item after it"
        }
        OptionWord::Buffer | OptionWord::Keep => {
            "it emits no events; put it on the `start` or `step` before it"
        }
        OptionWord::Dispatcher => "it distributes the events of one step; put it on that `start` or `step`",
        OptionWord::Rejected => {
            "it takes the events that one step emitted and no stage handled; put it on that `start` or `step`"
        }
        OptionWord::Strategy | OptionWord::MaxRestarts | OptionWord::Within | OptionWord::Backoff => {
            "it applies to a whole pipeline; put it before the first item of the pipeline that is started"
        }
        OptionWord::Acknowledged => {
            "it applies to every step of a pipeline; put it before the first item, as `acknowledged,`"
        }
        OptionWord::OnFailure
        | OptionWord::Retry
        | OptionWord::AtOnce
        | OptionWord::Order
        | OptionWord::AtMost
        | OptionWord::Per => {
            "it applies to the events that one step handles; put it on that `step` or `finish`"
        }
        OptionWord::Rate | OptionWord::Batch => {
            "it applies to the input of one step; put it on that `step` or `finish`"
        }
        OptionWord::Partitions | OptionWord::Schema | OptionWord::Spec => {
            "it belongs to an edge; put it on an `across`"
        }
        OptionWord::Cancel => "it has no producer that could end before it; put it on the items after it",
        OptionWord::Name
        | OptionWord::Count
        | OptionWord::Placement
        | OptionWord::Restart
        | OptionWord::Into => "put it on an item",
    }
}

fn text(value: Expr, errors: &mut Errors) -> Option<Text> {
    let Expr::Lit(literal) = &value else {
        return Some(Text::Computed(value));
    };
    match &literal.lit {
        Lit::Str(text) if text.value().is_empty() => {
            errors.at(text, "`name` must not be empty: write one such as `name: \"storage\"`");
            None
        }
        Lit::Str(text) => Some(Text::Literal(LitStr::clone(text))),
        other => {
            errors.at(other, "`name` is text: write it in quotes, such as `name: \"storage\"`");
            None
        }
    }
}

/// The words that an option accepts, each with the name of its variant.
pub(super) struct Words {
    pub(super) option: OptionWord,
    pub(super) words: &'static [(&'static str, &'static str)],
}

const STRATEGY: Words = Words {
    option: OptionWord::Strategy,
    words: &[("one_for_one", "OneForOne"), ("one_for_all", "OneForAll"), ("rest_for_one", "RestForOne")],
};

const ORDER: Words = Words { option: OptionWord::Order, words: &[("kept", "Kept"), ("any", "Any")] };

impl Number {
    fn of(words: &Words, value: Expr, scope: &Scope<'_>, errors: &mut Errors) -> Option<Self> {
        Self::read(words.option, value, scope, errors)
    }
}

impl Choice {
    fn of(words: &Words, value: Expr, scope: &Scope<'_>, errors: &mut Errors) -> Option<Self> {
        choice(words, value, scope, errors)
    }
}

impl Count {
    fn of(_: &Words, value: Expr, scope: &Scope<'_>, errors: &mut Errors) -> Option<Self> {
        count(value, scope, errors)
    }
}

impl Demand {
    fn of(_: &Words, value: Expr, scope: &Scope<'_>, errors: &mut Errors) -> Option<Self> {
        demand(value, scope, errors)
    }
}

impl Buffer {
    fn of(_: &Words, value: Expr, scope: &Scope<'_>, errors: &mut Errors) -> Option<Self> {
        buffer(value, scope, errors)
    }
}

pub(super) fn choice(words: &Words, value: Expr, scope: &Scope<'_>, errors: &mut Errors) -> Option<Choice> {
    let option = words.option.word();
    let known = || words.words.iter().map(|(word, _)| *word);
    if let Expr::Lit(literal) = &value {
        errors
            .at(literal, format!("`{option}` is one of the words {}, without quotes", list(known(), "and")));
        return None;
    }
    let Some(word) = lower_case(&value, scope) else {
        return Some(Choice::Computed(value));
    };
    if let Some((_, variant)) = words.words.iter().find(|(text, _)| word == text) {
        return Some(Choice::Word(Ident::new(variant, word.span())));
    }
    let thread = (words.option == OptionWord::Placement && word == "thread").then_some("blocking");
    let advice = did_you_mean(&word.to_string(), known())
        .or(thread)
        .map_or_else(|| list(known(), "or"), |meant| format!("did you mean `{meant}`?"));
    errors.at(word, format!("unknown {option} `{word}`: {advice}"));
    None
}

/// Returns a single name that is neither a parameter nor a constant.
pub(super) fn lower_case<'a>(value: &'a Expr, scope: &Scope<'_>) -> Option<&'a Ident> {
    let Expr::Path(path) = value else { return None };
    path.path.get_ident().filter(|ident| starts_in_lower_case(ident) && !scope.is_param(ident))
}
