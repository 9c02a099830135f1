//! Values that are more than a number or a word: copies, windows and buffers.

use syn::{Expr, ExprRange, RangeLimits};

use super::scope::Scope;
use super::settings::{Words, choice, lower_case};
use super::{Buffer, Choice, Count, Demand, Number};
use crate::error::Errors;
use crate::option_words::OptionWord;
use crate::suggest::did_you_mean;

/// Reads a number, or a range such as `1..=8`.
pub(super) fn count(value: Expr, scope: &Scope<'_>, errors: &mut Errors) -> Option<Count> {
    let range = match value {
        Expr::Paren(inner) => return count(*inner.expr, scope, errors),
        Expr::Range(range) => range,
        value if lower_case(&value, scope).is_some_and(|word| word == "auto") => {
            errors.at(&value, "the number of copies follows the load within a range: write `count: 1..=8`");
            return None;
        }
        value => {
            let most = Number::read(OptionWord::Count, value, scope, errors)?;
            return Some(Count { least: None, most });
        }
    };
    let (Some(start), Some(end), RangeLimits::Closed(_)) = (&range.start, &range.end, &range.limits) else {
        errors.at(&range, "a range of copies has two ends, and includes the second: write `count: 1..=8`");
        return None;
    };
    let mut read = |end: &Expr| Number::read(OptionWord::Count, end.clone(), scope, errors);
    let (least, most) = (read(start), read(end));
    let (least, most) = (least?, most?);
    if let (Some(first), Some(last)) = (least.known(), most.known())
        && first > last
    {
        errors.at(
            &range,
            format!("the range is empty: write the smaller number first, `count: {last}..={first}`"),
        );
        return None;
    }
    Some(Count { least: Some(least), most })
}

const DEMAND: Words = Words { option: OptionWord::Demand, words: &[("auto", "Auto"), ("fixed", "Fixed")] };

/// Reads `auto`, `auto(..=500)`, `fixed`, or an expression.
pub(super) fn demand(value: Expr, scope: &Scope<'_>, errors: &mut Errors) -> Option<Demand> {
    const LEGAL: &str =
        "`demand` is `auto`, `auto(..=500)` or `fixed`; a number of events belongs to `max_demand`";
    match value {
        Expr::Lit(literal) => {
            errors.at(&literal, LEGAL);
            None
        }
        Expr::Call(call) if lower_case(&call.func, scope).is_some_and(|word| word == "auto") => {
            let mut args = call.args.into_iter();
            match (args.next(), args.next()) {
                (
                    Some(Expr::Range(ExprRange {
                        start: None,
                        end: Some(end),
                        limits: RangeLimits::Closed(_),
                        ..
                    })),
                    None,
                ) => {
                    let bound = Number::read(OptionWord::Demand, *end, scope, errors);
                    bound.map(Demand::UpTo)
                }
                (Some(other), _) => {
                    errors.at(&other, "the bound of `auto` is a range without a start: write `auto(..=500)`");
                    None
                }
                (None, _) => {
                    errors.at(&call.func, LEGAL);
                    None
                }
            }
        }
        value => choice(&DEMAND, value, scope, errors).map(|choice| match choice {
            Choice::Word(word) => Demand::Word(word),
            Choice::Computed(expr) => Demand::Computed(expr),
        }),
    }
}

pub(super) fn buffer(value: Expr, scope: &Scope<'_>, errors: &mut Errors) -> Option<Buffer> {
    match lower_case(&value, scope) {
        Some(word) if word == "unbounded" => return Some(Buffer::Unbounded),
        Some(word) if did_you_mean(&word.to_string(), ["unbounded"]).is_some() => {
            errors.at(word, format!("unknown buffer `{word}`: did you mean `unbounded`?"));
            return None;
        }
        Some(_) | None => {}
    }
    Number::read(OptionWord::Buffer, value, scope, errors).map(Buffer::Bounded)
}
