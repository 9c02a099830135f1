//! Split of the items of a block into those of the trait and those of the type.

use syn::spanned::Spanned as _;
use syn::{Ident, ImplItem, ImplItemFn, ImplItemType, ReturnType, Type, Visibility, parse_quote};

use crate::attribute::Kind;
use crate::error::Errors;
use crate::suggest::did_you_mean;

/// The items of a block, sorted by owner.
#[derive(Default)]
pub(super) struct Members {
    /// The callbacks of the stage's trait, and its constants.
    pub(super) callbacks: Vec<ImplItem>,
    pub(super) types: Vec<ImplItemType>,
    pub(super) prepare_state: Option<ImplItemFn>,
    /// `handle_call` and `handle_cast`, which belong to traits of their own.
    pub(super) messages: Vec<ImplItemFn>,
    /// The items of the type itself.
    pub(super) own: Vec<ImplItem>,
}

impl Members {
    pub(super) fn sort(items: Vec<ImplItem>, kind: Kind, errors: &mut Errors) -> Self {
        let mut members = Self::default();
        for item in items {
            members.take(item, kind, errors);
        }
        members
    }

    fn take(&mut self, item: ImplItem, kind: Kind, errors: &mut Errors) {
        match item {
            ImplItem::Fn(item) => self.take_fn(item, kind, errors),
            ImplItem::Type(item) => {
                if !is_member(&item.ident, kind) {
                    errors.at(&item.ident, unknown(&item.ident, kind));
                }
                self.types.push(item);
            }
            ImplItem::Const(item) if is_member(&item.ident, kind) => {
                self.callbacks.push(ImplItem::Const(item));
            }
            other => self.own.push(other),
        }
    }

    fn take_fn(&mut self, mut item: ImplItemFn, kind: Kind, errors: &mut Errors) {
        let name = item.sig.ident.to_string();
        match name.as_str() {
            "prepare_state" => self.prepare_state = Some(item),
            "handle_call" | "handle_cast" => {
                check_callback(&mut item, errors);
                self.messages.push(item);
            }
            _ if is_member(&item.sig.ident, kind) => {
                check_callback(&mut item, errors);
                self.callbacks.push(ImplItem::Fn(item));
            }
            _ => {
                let callback_like = name.starts_with("handle_");
                if callback_like || (item.sig.asyncness.is_some() && slip(&name, kind).is_some()) {
                    errors.at(&item.sig.ident, unknown(&item.sig.ident, kind));
                }
                self.own.push(ImplItem::Fn(item));
            }
        }
    }

    /// Returns the callback of this name.
    pub(super) fn callback(&self, name: &str) -> Option<&ImplItemFn> {
        self.callbacks.iter().find_map(|item| match item {
            ImplItem::Fn(item) if item.sig.ident == name => Some(item),
            _ => None,
        })
    }
}

fn is_member(name: &Ident, kind: Kind) -> bool {
    kind.members().iter().any(|member| name == member)
}

fn slip(name: &str, kind: Kind) -> Option<&'static str> {
    did_you_mean(name, kind.members().iter().copied().filter(|member| member.contains('_')))
}

fn unknown(name: &Ident, kind: Kind) -> String {
    let (title, text) = (kind.trait_name(), name.to_string());
    let known = kind.members().iter().copied();
    let member =
        |member: &str| member.starts_with(char::is_uppercase) == text.starts_with(char::is_uppercase);
    if let Some(meant) = did_you_mean(&text, known.clone().filter(|known| member(known))) {
        return format!("`{title}` has no `{text}`: did you mean `{meant}`?");
    }
    let all: Vec<_> = known.filter(|known| member(known)).map(|known| format!("`{known}`")).collect();
    format!(
        "`{title}` has no `{text}`: it has {}; put other items into an `impl` block without the attribute",
        all.join(", ")
    )
}

/// Checks that a callback fits its trait: no visibility of its own, and a future.
fn check_callback(item: &mut ImplItemFn, errors: &mut Errors) {
    let name = &item.sig.ident;
    if !matches!(item.vis, Visibility::Inherited) {
        errors
            .at(&item.vis, format!("`{name}` is a callback of a trait and has its visibility: remove this"));
        item.vis = Visibility::Inherited;
    }
    let waits = name != "handle_discarded" && name != "take_back";
    match (&item.sig.asyncness, waits) {
        (None, true) if !is_opaque(&item.sig.output) => {
            errors.at_span(
                item.sig.fn_token.span(),
                format!("`{name}` is an async callback: write `async fn {name}`"),
            );
            item.sig.asyncness = Some(parse_quote!(async));
        }
        (Some(word), false) => errors.at(word, format!("`{name}` is not an async callback: remove `async`")),
        _ => {}
    }
}

/// `-> impl Future<…> + Send`
fn is_opaque(output: &ReturnType) -> bool {
    matches!(output, ReturnType::Type(_, ty) if matches!(**ty, Type::ImplTrait(_)))
}
