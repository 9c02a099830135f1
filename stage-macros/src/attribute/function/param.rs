//! Types of parameters: how a parameter is passed, and the owned type that the stage keeps.

use syn::{GenericArgument, Ident, Pat, Path, PathArguments, Type, TypeReference, parse_quote};

use super::model::{How, Taken};
use crate::attribute::owned;
use crate::error::Errors;

/// Reads the type of an `#[arg]` or of an event.
pub(super) fn taken(ty: &Type, errors: &mut Errors) -> Taken {
    let ty = bare(ty);
    let Type::Reference(reference) = ty else {
        owned::check(ty, errors);
        return Taken { how: How::Moved, ty: ty.clone() };
    };
    let is_static = reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static");
    if is_static && reference.mutability.is_none() {
        return Taken { how: How::Moved, ty: ty.clone() };
    }
    let kept = kept(reference, errors);
    owned::check(&kept, errors);
    Taken { how: how(reference), ty: kept }
}

/// Returns the owned type that the stage keeps in order to lend it.
fn kept(TypeReference { elem, .. }: &TypeReference, errors: &mut Errors) -> Type {
    match bare(elem) {
        Type::Path(path) if path.qself.is_none() && path.path.is_ident("str") => {
            parse_quote!(::std::string::String)
        }
        Type::Slice(slice) => {
            let elem = &slice.elem;
            parse_quote!(::std::vec::Vec<#elem>)
        }
        Type::TraitObject(object) => {
            errors.at(
                object,
                "a stage cannot keep a value of unknown size: take `&Arc<dyn …>` or `&Box<dyn … + Send>`",
            );
            elem.as_ref().clone()
        }
        elem => elem.clone(),
    }
}

fn how(reference: &TypeReference) -> How {
    if reference.mutability.is_some() { How::LentMut } else { How::Lent }
}

/// How the type passes a batch, with the type of its events where it is written down.
pub(super) enum BatchType {
    /// `&[Event]` or `&mut [Event]`
    Slice(How, Type),
    /// `Events<'_, Event>`
    Events(Type),
    /// Any other collection.
    Collected(Taken),
}

/// Reads the type of a batch.
pub(super) fn batch(ty: &Type, errors: &mut Errors) -> BatchType {
    match bare(ty) {
        Type::Reference(reference) => {
            if let Type::Slice(slice) = bare(&reference.elem) {
                owned::check(&slice.elem, errors);
                return BatchType::Slice(how(reference), slice.elem.as_ref().clone());
            }
        }
        Type::Path(path) => {
            if let Some(event) = argument_of(&path.path, "Events") {
                owned::check(event, errors);
                return BatchType::Events(event.clone());
            }
        }
        _ => {}
    }
    BatchType::Collected(taken(ty, errors))
}

/// Returns the `T` of `name<'_, T>`.
pub(in crate::attribute) fn argument_of<'a>(path: &'a Path, name: &str) -> Option<&'a Type> {
    let last = path.segments.last().filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// Returns the type without parentheses and the invisible groups of a user's macro.
pub(in crate::attribute) fn bare(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            _ => return ty,
        };
    }
}

/// Returns the name of an `#[arg]`, which becomes an argument of `new`.
pub(super) fn name(pat: &Pat, errors: &mut Errors) -> Option<Ident> {
    match pat {
        Pat::Ident(pat) if pat.subpat.is_none() => Some(pat.ident.clone()),
        other => {
            errors.at(
                other,
                "an `#[arg]` needs a name, since it is an argument of `new`: write one, such as `key`",
            );
            None
        }
    }
}
