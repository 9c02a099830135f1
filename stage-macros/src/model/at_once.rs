//! Options of steps that handle several events at once.

use proc_macro2::Ident;
use syn::Expr;

use super::closures::key;
use super::scope::Scope;
use super::{AtMost, AtOnce, Number};
use crate::error::Errors;
use crate::option_words::OptionWord;

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
