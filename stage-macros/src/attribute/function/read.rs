//! Reader of a function, which refuses functions that cannot become a stage.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Attribute, FnArg, Ident, ItemFn, Pat, PatType, Safety, Signature, Type};

use super::model::{Arg, Input, Model, Place, Waiting};
use super::param::{self, BatchType};
use super::{generics, outcome};
use crate::attribute::Kind;
use crate::attribute::options::Options;
use crate::attribute::words::Shape;
use crate::error::Errors;
use crate::suggest::did_you_mean;

/// Reads a function, and removes its `#[arg]`s. Returns `None` if the arguments of `new` are uncertain.
pub(super) fn read(kind: Kind, options: &Options, item: &mut ItemFn, errors: &mut Errors) -> Option<Model> {
    refuse(&item.sig, kind, errors)?;
    let function = item.sig.ident.clone();
    let mut params = Params::default();
    for input in &mut item.sig.inputs {
        if let FnArg::Typed(param) = input {
            params.take(param, errors);
        }
    }
    let (input, takes, promise) = params.input(kind, options, &item.sig, errors);
    let outcome = outcome::outcome(kind, options, &function, &item.sig.output, errors);
    let waiting = waiting(&item.sig, options, errors);
    let (shared, docs) = attributes(&item.attrs);
    let stage = options.name.clone().unwrap_or_else(|| camel_case(&function));
    Some(Model {
        kind,
        shape: options.shape(),
        result: options.result.as_ref().map(Ident::span),
        single: options.single.is_some(),
        waiting,
        stage,
        shared,
        docs,
        vis: item.vis.clone(),
        generics: generics::without_lifetimes(&item.sig.generics),
        args: params.complete.then_some(params.args)?,
        places: params.places,
        input,
        takes,
        emits: outcome.event,
        promises: promise.into_iter().chain(outcome.promises).collect(),
        function,
    })
}

/// Refuses functions from which no stage can be made at all; returns `None` for these.
fn refuse(sig: &Signature, kind: Kind, errors: &mut Errors) -> Option<()> {
    if let Some(receiver) = sig.receiver() {
        errors.at(
            receiver,
            format!(
                "a method cannot be a stage: put `{}` on the `impl` block and rename the method to `{}`, or write a free function with `#[arg] state: &mut State` instead of this",
                kind.attribute(),
                kind.required()
            ),
        );
        return None;
    }
    if let Some(word) = &sig.constness {
        errors.at(word, "a stage calls its function at run time: remove `const`");
    }
    if let Safety::Unsafe(word) = &sig.safety {
        errors.at(word, "a stage cannot uphold the contract of an `unsafe fn`: call it from a safe function");
    }
    if let Some(abi) = &sig.abi {
        errors
            .at(abi, "a stage is a function with the Rust ABI: remove this, or call it from a Rust function");
    }
    Some(())
}

/// The parameters read so far.
struct Params {
    args: Vec<Arg>,
    places: Vec<Place>,
    /// The parameters without `#[arg]`.
    unmarked: Vec<PatType>,
    /// Whether all arguments of `new` could be read.
    complete: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self { args: Vec::new(), places: Vec::new(), unmarked: Vec::new(), complete: true }
    }
}

impl Params {
    fn take(&mut self, param: &mut PatType, errors: &mut Errors) {
        if !take_mark(&mut param.attrs, errors) {
            self.unmarked.push(param.clone());
            self.places.push(Place::Input);
            return;
        }
        let name = param::name(&param.pat, errors);
        let before = errors.len();
        let taken = param::taken(&param.ty, errors);
        self.complete &= name.is_some() && errors.len() == before;
        if let Some(name) = name {
            self.places.push(Place::Arg(self.args.len()));
            self.args.push(Arg { name, taken });
        }
    }

    /// Returns the input of the function besides its arguments, and the type of its events.
    fn input(&self, kind: Kind, options: &Options, sig: &Signature, errors: &mut Errors) -> Taking {
        for PatType { pat, .. } in self.unmarked.iter().skip(1) {
            errors.at(pat, surplus(&text(pat), kind, options));
        }
        let first = self.unmarked.first();
        match (kind, first, options.shape()) {
            (Kind::Producer, None, _) => (Input::Nothing, None, None),
            (Kind::Producer, Some(param), Shape::Batch) => (Input::Demand(param.ty.span()), None, None),
            (Kind::Producer, Some(PatType { pat, .. }), _) => {
                errors.at(pat, unasked(&text(pat)));
                (Input::Nothing, None, None)
            }
            (_, None, shape) => {
                errors.at(&sig.ident, nothing_taken(&sig.ident, kind, shape));
                (Input::Nothing, None, None)
            }
            (_, Some(PatType { ty, .. }), Shape::Batch) => batch(ty, errors),
            (_, Some(PatType { ty, .. }), _) => {
                let taken = param::taken(ty, errors);
                let ty = taken.ty;
                (Input::Event(taken.how), Some(quote!(#ty)), None)
            }
        }
    }
}

/// The input of the function, the type of its events, and an assertion on that type.
type Taking = (Input, Option<TokenStream>, Option<TokenStream>);

fn text(pat: &Pat) -> String {
    quote!(#pat).to_string()
}

fn batch(ty: &Type, errors: &mut Errors) -> Taking {
    match param::batch(ty, errors) {
        BatchType::Slice(how, event) => (Input::Slice(how), Some(quote!(#event)), None),
        BatchType::Events(event) => (Input::Events, Some(quote!(#event)), None),
        BatchType::Collected(taken) => {
            let kept = &taken.ty;
            let event = quote_spanned!(ty.span()=> <#kept as ::stage_core::__private::TakenBatch>::Event);
            let promise = quote_spanned!(ty.span()=> #kept: ::stage_core::__private::TakenBatch);
            (Input::Collected(taken.how), Some(event), Some(promise))
        }
    }
}

fn surplus(name: &str, kind: Kind, options: &Options) -> String {
    let what = match (kind, options.shape()) {
        (Kind::Producer, _) => "demand",
        (_, Shape::Batch) => "batch",
        _ => "event",
    };
    format!("`{name}` is a second {what}: mark it `#[arg]` if it is an argument of `new`")
}

fn unasked(name: &str) -> String {
    format!(
        "a producer's function takes no event: mark `{name}` `#[arg]` if it is an argument of `new`, or write `#[producer(batch)]` if it is the demand"
    )
}

fn nothing_taken(function: &Ident, kind: Kind, shape: Shape) -> String {
    let attribute = kind.attribute();
    let (takes, example) = match shape {
        Shape::Batch => ("a batch", "events: Vec<Event>"),
        Shape::One | Shape::Many | Shape::Optional => ("an event", "event: Event"),
    };
    let or = if kind == Kind::ProducerConsumer { ", or make it a `#[producer]`" } else { "" };
    format!(
        "`{function}` takes no event: the function of a `{attribute}` takes {takes}, such as `{example}`, and arguments marked `#[arg]`{or}"
    )
}

/// Removes `#[arg]` and returns whether it was there.
fn take_mark(attrs: &mut Vec<Attribute>, errors: &mut Errors) -> bool {
    let mut marked = false;
    attrs.retain(|attr| {
        let Some(word) = attr.path().get_ident().map(ToString::to_string) else { return true };
        let known =
            ["allow", "cfg", "cfg_attr", "deny", "doc", "expect", "forbid", "warn"].contains(&word.as_str());
        if known || did_you_mean(&word, ["arg"]).is_none() {
            return true;
        }
        if word != "arg" {
            errors.at(attr.path(), format!("unknown attribute `{word}`: did you mean `arg`?"));
        } else if let Err(error) = attr.meta.require_path_only() {
            errors.at_span(
                error.span(),
                "`#[arg]` takes no arguments: the parameter has the name and the type",
            );
        } else if marked {
            errors.at(attr, "`#[arg]` is given twice: remove one");
        }
        marked = true;
        false
    });
    marked
}

fn waiting(sig: &Signature, options: &Options, errors: &mut Errors) -> Waiting {
    match (&sig.asyncness, &options.cancel_safe) {
        (None, None) => Waiting::Not,
        (None, Some(word)) => {
            errors.at(word, "`cancel_safe` is for an `async fn` only: remove it, or make the function async");
            Waiting::Not
        }
        (Some(_), None) => Waiting::Always,
        (Some(_), Some(_)) => Waiting::UnlessDraining,
    }
}

/// Splits the attributes into those for all generated items, and the docs.
fn attributes(attrs: &[Attribute]) -> (Vec<Attribute>, Vec<Attribute>) {
    let named = |names: &[&str]| -> Vec<Attribute> {
        let fitting = |attr: &&Attribute| names.iter().any(|name| attr.path().is_ident(name));
        attrs.iter().filter(fitting).cloned().collect()
    };
    (named(&["cfg", "allow"]), named(&["doc"]))
}

/// Converts `encrypt_file` to `EncryptFile`; a name without letters becomes `Stage`.
fn camel_case(function: &Ident) -> Ident {
    let name = function.to_string();
    let words = name.trim_start_matches("r#").split('_').filter(|word| !word.is_empty());
    let camel: String = words
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().into_iter().flat_map(char::to_uppercase).chain(letters)
        })
        .collect();
    let named = camel.starts_with(|first: char| first.is_alphabetic()) && camel != "Self";
    Ident::new(&if named { camel } else { format!("Stage{camel}") }, function.span())
}

#[cfg(test)]
mod tests {
    use super::camel_case;

    #[test]
    fn a_stage_is_named_after_its_function() {
        for (function, stage) in [
            ("encrypt", "Encrypt"),
            ("encrypt_file", "EncryptFile"),
            ("step_2b", "Step2b"),
            ("_http", "Http"),
            ("__", "Stage"),
            ("_2d", "Stage2d"),
        ] {
            assert_eq!(camel_case(&syn::parse_str(function).unwrap()), stage);
        }
        assert_eq!(camel_case(&syn::parse_str("r#match").unwrap()), "Match");
    }
}
