//! Settings in the parentheses of `#[timed]`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote};
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, Ident, Lit, LitStr, Meta, MetaNameValue, Token};

use crate::error::Errors;
use crate::suggest::did_you_mean;

/// The units by name, each with its variant.
const UNITS: [(&str, &str); 7] = [
    ("hrs", "Hours"),
    ("mins", "Minutes"),
    ("secs", "Seconds"),
    ("ms", "Milliseconds"),
    ("us", "Microseconds"),
    ("µs", "Microseconds"),
    ("ns", "Nanoseconds"),
];

const LEVELS: [(&str, &str); 5] =
    [("error", "ERROR"), ("warn", "WARN"), ("info", "INFO"), ("debug", "DEBUG"), ("trace", "TRACE")];

const WORDS: [&str; 5] = ["unit", "level", "name", "args", "crate"];

/// The settings of one function, or of a module for all of its functions.
#[derive(Clone, Default)]
pub(super) struct Settings {
    pub(super) unit: Option<Choice>,
    pub(super) level: Option<Choice>,
    pub(super) name: Option<LitStr>,
    pub(super) args: Option<Shown>,
    /// The type of the method, which only `#[timed]` on a module or block sets.
    pub(super) of: Option<LitStr>,
    /// The path of `stage_core`.
    pub(super) path: Option<TokenStream>,
}

/// One of several words, and the variant or constant that it means.
#[derive(Clone)]
pub(super) struct Choice {
    word: LitStr,
    pub(super) variant: Ident,
}

/// The arguments to show.
#[derive(Clone)]
pub(super) enum Shown {
    All,
    Only(Vec<Ident>),
}

impl Settings {
    pub(super) fn read(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut settings = Self::default();
        let parsed = Punctuated::<Meta, Token![,]>::parse_terminated.parse2(tokens);
        match parsed {
            Ok(metas) => metas.iter().for_each(|meta| settings.take(meta, errors)),
            Err(error) => errors.push(error),
        }
        settings
    }

    /// Returns the settings that `inner` does not have, to be added to the inner attribute.
    pub(super) fn beyond(&self, inner: &Self) -> TokenStream {
        let unit = self
            .unit
            .as_ref()
            .filter(|_| inner.unit.is_none())
            .map(|Choice { word, .. }| quote!(unit = #word,));
        let level = self
            .level
            .as_ref()
            .filter(|_| inner.level.is_none())
            .map(|Choice { word, .. }| quote!(level = #word,));
        let of = self.of.as_ref().filter(|_| inner.of.is_none()).map(|of| quote!(of = #of,));
        let args = self.args.as_ref().filter(|_| inner.args.is_none()).map(|args| match args {
            Shown::All => quote!(args,),
            Shown::Only(names) => quote!(args(#(#names),*),),
        });
        let path = self.path.as_ref().filter(|_| inner.path.is_none()).map(|path| quote!(crate = #path,));
        quote!(#unit #level #of #args #path)
    }

    fn take(&mut self, meta: &Meta, errors: &mut Errors) {
        let word = meta.path().get_ident().map(Ident::to_string).unwrap_or_default();
        let doubled = match (word.as_str(), meta) {
            ("unit", Meta::NameValue(value)) => choose(&mut self.unit, value, &UNITS, errors),
            ("level", Meta::NameValue(value)) => choose(&mut self.level, value, &LEVELS, errors),
            ("of", Meta::NameValue(value)) => {
                self.of = text(value);
                false
            }
            ("name", Meta::NameValue(value)) => match text(value) {
                Some(name) => self.name.replace(name).is_some(),
                None => return errors.at(&value.value, "`name` is text: write it in quotes"),
            },
            ("crate", Meta::NameValue(value)) => match &value.value {
                Expr::Path(path) => self.path.replace(path.to_token_stream()).is_some(),
                _ => return errors.at(&value.value, "`crate` is a path: write `crate = ::stagewright`"),
            },
            ("args", Meta::Path(_)) => self.args.replace(Shown::All).is_some(),
            ("args", Meta::List(list)) => {
                match Punctuated::<Ident, Token![,]>::parse_terminated.parse2(list.tokens.clone()) {
                    Ok(names) => self.args.replace(Shown::Only(names.into_iter().collect())).is_some(),
                    Err(error) => {
                        return errors
                            .at_span(error.span(), "`args` lists parameters: write `args(path, size)`");
                    }
                }
            }
            _ => return errors.at(meta.path(), refused(&word)),
        };
        if doubled {
            errors.at(meta.path(), format!("`{word}` is given twice: remove one"));
        }
    }
}

fn refused(word: &str) -> String {
    if WORDS.contains(&word) {
        return format!("`{word}` is written as {}", example(word));
    }
    match did_you_mean(word, WORDS) {
        Some(meant) => format!("unknown word `{word}`: did you mean {}?", example(meant)),
        None => "unknown word: `#[timed]` takes `unit`, `level`, `name`, `args` and `crate`".to_owned(),
    }
}

fn example(word: &str) -> &'static str {
    match word {
        "unit" => "`unit = \"ms\"`",
        "level" => "`level = \"debug\"`",
        "name" => "`name = \"sealing\"`",
        "crate" => "`crate = ::stagewright`",
        _ => "`args` or `args(path, size)`",
    }
}

fn text(value: &MetaNameValue) -> Option<LitStr> {
    match &value.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.clone()),
        _ => None,
    }
}

/// Sets the one of `known` that `value` names. Returns whether it was set before.
fn choose(
    slot: &mut Option<Choice>,
    value: &MetaNameValue,
    known: &[(&str, &str)],
    errors: &mut Errors,
) -> bool {
    let named = text(value);
    let variant =
        |named: &LitStr| known.iter().find(|(word, _)| *word == named.value()).map(|(_, variant)| *variant);
    if let Some(word) = &named
        && let Some(variant) = variant(word)
    {
        let variant = Ident::new(variant, Span::call_site());
        return slot.replace(Choice { word: word.clone(), variant }).is_some();
    }
    let all: Vec<_> = known.iter().map(|(word, _)| format!("\"{word}\"")).collect();
    let meant = named.and_then(|named| did_you_mean(&named.value(), known.iter().map(|(word, _)| *word)));
    let hint = meant.map(|meant| format!("did you mean \"{meant}\"? ")).unwrap_or_default();
    errors.at(&value.value, format!("{hint}this is one of {}", all.join(", ")));
    false
}
