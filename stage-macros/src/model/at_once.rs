//! Options of steps that handle several events at once.

use proc_macro2::Ident;
use syn::{Expr, ExprRange, RangeLimits};

use super::closures::key;
use super::scope::Scope;
use super::settings::lower_case;
use super::{AtMost, AtOnce, EventsAtOnce, Number};
use crate::error::Errors;
use crate::option_words::OptionWord;
use crate::suggest::did_you_mean;

/// Reads `16`, `auto`, `4..=64`, or an expression.
pub(super) fn events_at_once(value: Expr, scope: &Scope<'_>, errors: &mut Errors) -> Option<EventsAtOnce> {
    if let Some(word) = lower_case(&value, scope) {
        if word == "auto" {
            return Some(EventsAtOnce::Auto);
        }
        if did_you_mean(&word.to_string(), ["auto"]).is_some() {
            errors.at(word, format!("unknown at_once `{word}`: did you mean `auto`?"));
            return None;
        }
    }
    match value {
        Expr::Paren(inner) => events_at_once(*inner.expr, scope, errors),
        Expr::Range(range) => within(&range, scope, errors),
        value => Number::read(OptionWord::AtOnce, value, scope, errors).map(EventsAtOnce::Fixed),
    }
}

fn within(range: &ExprRange, scope: &Scope<'_>, errors: &mut Errors) -> Option<EventsAtOnce> {
    let (Some(least), Some(most), RangeLimits::Closed(_)) = (&range.start, &range.end, &range.limits) else {
        errors.at(range, "`at_once` is a range with both ends: write `4..=64`, or `auto`");
        return None;
    };
    let mut read = |bound: &Expr| Number::read(OptionWord::AtOnce, bound.clone(), scope, errors);
    let (least, most) = (read(least)?, read(most)?);
    if let (Some(from), Some(to)) = (least.known(), most.known())
        && from > to
    {
        errors.at(range, format!("the range of `at_once` is empty: write `{to}..={from}`"));
        return None;
    }
    Some(EventsAtOnce::Within(least, most))
}

/// `at_most` and `per`, which need each other and `at_once`; `None` inside was reported already.
#[derive(Default)]
pub(super) struct Bulkheads {
    most: Option<(Ident, Option<Number>)>,
    per: Option<(Ident, Option<Expr>)>,
}

impl Bulkheads {
    pub(super) fn set(
        &mut self,
        option: OptionWord,
        word: Ident,
        value: Expr,
        scope: &Scope<'_>,
        errors: &mut Errors,
    ) {
        if option == OptionWord::AtMost {
            self.most = Some((word, Number::read(option, value, scope, errors)));
        } else {
            self.per = Some((word, key(value, "per", option.example(), errors)));
        }
    }

    /// Adds them to the `at_once` of the step, which is missing although `given` if it was reported already.
    pub(super) fn put_into(&mut self, at_once: &mut Option<AtOnce>, given: bool, errors: &mut Errors) {
        let (word, missing) = match (self.most.take(), self.per.take()) {
            (None, None) => return,
            (Some((word, _)), None) => (word, OptionWord::Per),
            (None, Some((word, _))) => (word, OptionWord::AtMost),
            (Some((word, number)), Some((_, per))) => match at_once {
                None if given => return,
                None => (word, OptionWord::AtOnce),
                Some(at_once) => {
                    let both = number.zip(per);
                    at_once.at_most = both.map(|(number, per)| AtMost { word, number, per });
                    return;
                }
            },
        };
        let example = missing.example();
        errors.at(&word, format!("`{word}` bounds the events in progress with equal keys: add `{example}`"));
    }
}
