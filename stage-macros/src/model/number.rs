//! Numbers, which the macro, the compiler or the builder computes.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Expr, Lit, LitInt, UnOp};

use super::Scope;
use crate::error::Errors;
use crate::option_words::OptionWord;

/// The value of `count`, `min_demand` or `max_demand`.
pub(crate) enum Number {
    Literal {
        value: usize,
        literal: LitInt,
    },
    /// Names constants only, so the compiler can compute and check the value.
    Constant(Expr),
    /// Needs a parameter or a call; the builder checks the value.
    Computed(Expr),
}

impl Number {
    /// Reads the value of `option`; a value that cannot be a number is reported.
    pub(super) fn read(
        option: OptionWord,
        value: Expr,
        scope: &Scope<'_>,
        errors: &mut Errors,
    ) -> Option<Self> {
        if let Expr::Paren(inner) = value {
            return Self::read(option, *inner.expr, scope, errors);
        }
        match wrong(&value) {
            Some(found) => {
                errors.at(
                    &value,
                    format!(
                        "`{}` is a whole number, not {found}: write one such as `{}`",
                        option.word(),
                        option.example()
                    ),
                );
                None
            }
            None => Some(match value {
                Expr::Lit(literal) => return Self::literal(option, &literal.lit, errors),
                value if scope.mentioned(&value).is_empty() && scope.is_constant(&value) => {
                    Self::Constant(value)
                }
                value => Self::Computed(value),
            }),
        }
    }

    fn literal(option: OptionWord, literal: &Lit, errors: &mut Errors) -> Option<Self> {
        let Lit::Int(literal) = literal else {
            return None;
        };
        let word = option.word();
        if !matches!(literal.suffix(), "" | "usize") {
            errors.at(
                literal,
                format!("`{word}` is a `usize`: write `{}` without the suffix", literal.base10_digits()),
            );
            return None;
        }
        if let Ok(value) = literal.base10_parse() {
            return Some(Self::Literal { value, literal: literal.clone() });
        }
        errors.at(literal, format!("`{word}` is too large: at most {}", usize::MAX));
        None
    }

    /// Reads the number in an expression that is not an option's value: a literal, a constant, or a parameter
    /// or a field of one. A call may do more than compute a number, so its value stays unknown.
    pub(super) fn seen(value: &Expr, scope: &Scope<'_>) -> Option<Self> {
        match value {
            Expr::Paren(inner) => Self::seen(&inner.expr, scope),
            Expr::Lit(literal) => {
                let Lit::Int(literal) = &literal.lit else { return None };
                let value = literal.base10_parse().ok()?;
                matches!(literal.suffix(), "" | "usize")
                    .then(|| Self::Literal { value, literal: literal.clone() })
            }
            value if scope.mentioned(value).is_empty() && scope.is_constant(value) => {
                Some(Self::Constant(value.clone()))
            }
            value => is_place(value).then(|| Self::Computed(value.clone())),
        }
    }

    /// Returns the value, if the macro knows it.
    pub(crate) fn known(&self) -> Option<usize> {
        match self {
            Self::Literal { value, .. } => Some(*value),
            Self::Constant(_) | Self::Computed(_) => None,
        }
    }
}

impl ToTokens for Number {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Literal { literal, .. } => literal.to_tokens(tokens),
            Self::Constant(expr) | Self::Computed(expr) => expr.to_tokens(tokens),
        }
    }
}

/// Returns whether the value is a variable, or a field of one.
fn is_place(value: &Expr) -> bool {
    match value {
        Expr::Path(_) => true,
        Expr::Field(field) => is_place(&field.base),
        Expr::Paren(inner) => is_place(&inner.expr),
        _ => false,
    }
}

/// Describes a value that visibly is not a number.
fn wrong(value: &Expr) -> Option<&'static str> {
    match value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(_) => None,
            Lit::Float(_) => Some("a fraction"),
            Lit::Str(_) => Some("text"),
            Lit::Bool(_) => Some("true or false"),
            _ => Some("this"),
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => Some("a negative one"),
        Expr::Closure(_) => Some("a closure"),
        Expr::Array(_) | Expr::Tuple(_) => Some("several"),
        Expr::Range(_) => Some("a range"),
        _ => None,
    }
}
