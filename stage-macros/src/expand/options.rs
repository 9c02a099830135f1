//! Calls on the builder's options that express the user's options.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned as _;

use super::{assertion, capture};
use crate::model::{Buffer, Choice, Count, Demand, Number, Options, Scope, Supervision, Text};
use crate::step_options::step_options;

/// A value of a step option, as the argument of the builder's method.
trait Argument {
    /// Expands the value of type `of`.
    fn argument(&self, of: &Ident, scope: &Scope<'_>) -> TokenStream;

    /// Expands like [`argument`](Self::argument), if the value is known without the parameters.
    fn known_argument(&self, of: &Ident) -> Option<TokenStream>;

    /// Returns the user's expression, if the value is one.
    fn mentioned(&self) -> Option<&Expr>;
}

macro_rules! calls {
    ($($variant:ident $field:ident $kind:ident $of:ident [$($words:tt)*];)*) => {
        /// Expands `.count(4).max_demand(10)`.
        pub(super) fn options(options: &Options, scope: &Scope<'_>) -> TokenStream {
            let calls = [$(options.$field.as_ref().map(|value| {
                call(stringify!($field), &value.argument(&ident(stringify!($of)), scope))
            })),*];
            calls.into_iter().flatten().collect()
        }

        /// Expands like [`options`], as far as the values are known without the parameters.
        pub(super) fn known(options: &Options) -> TokenStream {
            let calls = [$(options.$field.as_ref().and_then(|value| {
                Some(call(stringify!($field), &value.known_argument(&ident(stringify!($of)))?))
            })),*];
            calls.into_iter().flatten().collect()
        }

        /// Returns the expressions among the options, for a pipeline that cannot be expanded.
        pub(super) fn mentions<'a>(name: &'a Text, options: &'a Options) -> Vec<&'a Expr> {
            let name = if let Text::Computed(expr) = name { Some(expr) } else { None };
            let values = [$(options.$field.as_ref().and_then(Argument::mentioned)),*];
            name.into_iter().chain(values.into_iter().flatten()).collect()
        }
    };
}

step_options!(calls);

fn ident(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}

fn call(method: &str, argument: &TokenStream) -> TokenStream {
    let method = ident(method);
    quote!(.#method(#argument))
}

impl Argument for Number {
    fn argument(&self, _: &Ident, scope: &Scope<'_>) -> TokenStream {
        number(self, scope)
    }

    fn known_argument(&self, _: &Ident) -> Option<TokenStream> {
        match self {
            Self::Literal { literal, .. } => Some(literal.to_token_stream()),
            Self::Constant(expr) => Some(assertion::constant(expr)),
            Self::Computed(_) => None,
        }
    }

    fn mentioned(&self) -> Option<&Expr> {
        of_number(self)
    }
}

impl Argument for Count {
    fn argument(&self, _: &Ident, scope: &Scope<'_>) -> TokenStream {
        let most = number(&self.most, scope);
        let least = self.least.as_ref().map(|least| number(least, scope));
        least.map_or(most.clone(), |least| quote!(#least..=#most))
    }

    fn known_argument(&self, of: &Ident) -> Option<TokenStream> {
        let most = self.most.known_argument(of)?;
        match &self.least {
            Some(least) => least.known_argument(of).map(|least| quote!(#least..=#most)),
            None => Some(most),
        }
    }

    fn mentioned(&self) -> Option<&Expr> {
        of_number(&self.most).or_else(|| self.least.as_ref().and_then(of_number))
    }
}

impl Argument for Demand {
    fn argument(&self, of: &Ident, scope: &Scope<'_>) -> TokenStream {
        match self {
            Self::Word(word) => quote!(::stage_core::#of::#word),
            Self::UpTo(bound) => {
                let bound = number(bound, scope);
                quote!(::stage_core::#of::UpTo(#bound))
            }
            Self::Computed(expr) => capture::once(expr, scope),
        }
    }

    fn known_argument(&self, of: &Ident) -> Option<TokenStream> {
        match self {
            Self::Word(word) => Some(quote!(::stage_core::#of::#word)),
            Self::UpTo(bound) => {
                bound.known_argument(of).map(|bound| quote!(::stage_core::#of::UpTo(#bound)))
            }
            Self::Computed(_) => None,
        }
    }

    fn mentioned(&self) -> Option<&Expr> {
        match self {
            Self::Word(_) => None,
            Self::UpTo(bound) => of_number(bound),
            Self::Computed(expr) => Some(expr),
        }
    }
}

impl Argument for Buffer {
    fn argument(&self, of: &Ident, scope: &Scope<'_>) -> TokenStream {
        match self {
            Self::Unbounded => quote!(::stage_core::#of::Unbounded),
            Self::Bounded(value) => {
                let value = number(value, scope);
                quote!(::stage_core::#of::Bounded(#value))
            }
        }
    }

    fn known_argument(&self, of: &Ident) -> Option<TokenStream> {
        match self {
            Self::Unbounded => Some(quote!(::stage_core::#of::Unbounded)),
            Self::Bounded(value) => {
                value.known_argument(of).map(|value| quote!(::stage_core::#of::Bounded(#value)))
            }
        }
    }

    fn mentioned(&self) -> Option<&Expr> {
        match self {
            Self::Unbounded => None,
            Self::Bounded(value) => of_number(value),
        }
    }
}

impl Argument for Choice {
    fn argument(&self, of: &Ident, scope: &Scope<'_>) -> TokenStream {
        self.known_argument(of).unwrap_or_else(|| choice(self, &quote!(::stage_core::#of), scope))
    }

    fn known_argument(&self, of: &Ident) -> Option<TokenStream> {
        match self {
            // The rayon placement depends on a feature, which only stage-core knows.
            Self::Word(word) if word == "Rayon" => {
                Some(quote_spanned!(word.span()=> ::stage_core::__rayon!()))
            }
            Self::Word(word) => Some(quote!(::stage_core::#of::#word)),
            Self::Computed(_) => None,
        }
    }

    fn mentioned(&self) -> Option<&Expr> {
        of_choice(self)
    }
}

/// Expands `.strategy(…).intensity(…)`.
pub(super) fn supervision(supervision: &Supervision, scope: &Scope<'_>) -> TokenStream {
    let Supervision { strategy, max_restarts, within, backoff } = supervision;
    let strategy = strategy.as_ref().map(|value| choice(value, &quote!(::stage_core::Strategy), scope));
    let strategy = strategy.map(|value| quote!(.strategy(#value)));
    let backoff = backoff.as_ref().map(|value| capture::once(value, scope));
    let backoff = backoff.map(|value| quote!(.backoff(#value)));
    if max_restarts.is_none() && within.is_none() {
        return quote!(#strategy #backoff);
    }
    let max_restarts = max_restarts.as_ref().map(|value| number(value, scope));
    let max_restarts = max_restarts.map(|value| quote!(max_restarts: #value,));
    let within = within.as_ref().map(|value| capture::once(value, scope));
    let within = within.map(|value| quote!(within: #value,));
    let rest =
        (max_restarts.is_none() || within.is_none()).then(|| quote!(..::core::default::Default::default()));
    quote!(#strategy #backoff.intensity(::stage_core::Intensity { #max_restarts #within #rest }))
}

pub(super) fn choice(choice: &Choice, of: &TokenStream, scope: &Scope<'_>) -> TokenStream {
    match choice {
        Choice::Word(variant) => quote!(#of::#variant),
        Choice::Computed(expr) => capture::once(expr, scope),
    }
}

pub(super) fn number(number: &Number, scope: &Scope<'_>) -> TokenStream {
    match number {
        Number::Literal { literal, .. } => literal.to_token_stream(),
        Number::Constant(expr) => assertion::constant(expr),
        Number::Computed(expr) => capture::once(expr, scope),
    }
}

pub(super) fn span_of(text: &Text) -> Span {
    match text {
        Text::Default(_) => Span::call_site(),
        Text::Literal(literal) => literal.span(),
        Text::Computed(expr) => expr.span(),
    }
}

pub(super) fn text(text: &Text, scope: &Scope<'_>) -> TokenStream {
    match text {
        Text::Default(text) => text.to_token_stream(),
        Text::Literal(literal) => literal.to_token_stream(),
        Text::Computed(expr) => capture::once(expr, scope),
    }
}

/// Like [`mentions`], for the supervision.
pub(super) fn mentions_of_supervision(supervision: &Supervision) -> Vec<&Expr> {
    let Supervision { strategy, max_restarts, within, backoff } = supervision;
    let strategy = strategy.iter().filter_map(of_choice);
    strategy.chain(max_restarts.iter().filter_map(of_number)).chain(within).chain(backoff).collect()
}

pub(super) fn of_number(number: &Number) -> Option<&Expr> {
    match number {
        Number::Constant(expr) | Number::Computed(expr) => Some(expr),
        Number::Literal { .. } => None,
    }
}

pub(super) fn of_choice(choice: &Choice) -> Option<&Expr> {
    match choice {
        Choice::Computed(expr) => Some(expr),
        Choice::Word(_) => None,
    }
}
