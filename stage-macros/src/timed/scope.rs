//! `#[timed]` on modules and `impl` blocks, which write their settings into the attributes inside.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Attribute, ImplItem, Item, ItemImpl, ItemMod, LitStr, Meta, Path, Type};

use super::settings::Settings;
use crate::error::Errors;

/// Applies the settings to the marked functions of a module.
pub(super) fn module(settings: &Settings, module: &mut ItemMod, errors: &mut Errors) {
    refuse_name(settings, errors);
    let Some((_, items)) = &mut module.content else {
        return errors.at(
            &module.ident,
            "the attribute cannot reach the functions of another file: write `unit` on each of them",
        );
    };
    if within(settings, items) == 0 {
        errors.at(&module.ident, "no function in this module is marked: put `#[timed]` on those to measure");
    }
}

/// Applies the settings to the marked methods of a block.
pub(super) fn block(settings: &Settings, block: &mut ItemImpl, errors: &mut Errors) {
    refuse_name(settings, errors);
    if methods(settings, block) == 0 {
        errors.at(&block.self_ty, "no method in this block is marked: put `#[timed]` on those to measure");
    }
}

fn refuse_name(settings: &Settings, errors: &mut Errors) {
    if let Some(name) = &settings.name {
        errors.at(name, "`name` is for a single function: put it there");
    }
}

/// Applies the settings inside the items, and returns the number of marked functions.
fn within(settings: &Settings, items: &mut [Item]) -> usize {
    let mut marked = 0;
    for item in items {
        marked += match item {
            Item::Fn(found) => usize::from(pass_on(settings, &mut found.attrs)),
            // A marked module or block passes the merged settings on.
            Item::Impl(block) => {
                if pass_on(settings, &mut block.attrs) {
                    1
                } else {
                    methods(settings, block)
                }
            }
            Item::Mod(module) => {
                let items = module.content.as_mut().map(|(_, items)| items);
                if pass_on(settings, &mut module.attrs) {
                    1
                } else {
                    items.map_or(0, |items| within(settings, items))
                }
            }
            _ => 0,
        };
    }
    marked
}

fn methods(settings: &Settings, block: &mut ItemImpl) -> usize {
    let mut settings = settings.clone();
    settings.of.get_or_insert_with(|| LitStr::new(&type_name(&block.self_ty), Span::call_site()));
    let methods = block.items.iter_mut().map(|item| match item {
        ImplItem::Fn(method) => usize::from(pass_on(&settings, &mut method.attrs)),
        _ => 0,
    });
    methods.sum()
}

/// Returns the name of the type without its parameters.
fn type_name(ty: &Type) -> String {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default(),
        other => quote!(#other).to_string(),
    }
}

/// Adds the settings to the attribute, if present; returns whether it is.
fn pass_on(settings: &Settings, attrs: &mut [Attribute]) -> bool {
    let Some(attr) = attrs.iter_mut().find(|attr| is_timed(attr.path())) else { return false };
    let own = match &attr.meta {
        Meta::List(list) => list.tokens.clone(),
        Meta::Path(_) | Meta::NameValue(_) => TokenStream::new(),
    };
    // Mistakes in the inner attribute are reported when it is expanded itself.
    let beyond = settings.beyond(&Settings::read(own.clone(), &mut Errors::default()));
    let path = attr.path();
    let comma = (!own.is_empty()).then(|| quote!(,));
    if let Ok(Meta::List(list)) = syn::parse2(quote!(#path(#own #comma #beyond))) {
        attr.meta = Meta::List(list);
    }
    true
}

/// `timed` or `stage_core::timed`
fn is_timed(path: &Path) -> bool {
    path.segments.last().is_some_and(|last| last.ident == "timed") && path.segments.len() <= 2
}
