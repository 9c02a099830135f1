//! Walk through the parts of a type.
//!
//! The trait `Visit` of syn is compiled once per visitor, with the expressions, patterns and items that it reaches.

use syn::punctuated::Punctuated;
use syn::{
    AngleBracketedGenericArguments, AssocConst, AssocType, GenericArgument, Lifetime, Path, PathArguments,
    ReturnType, Token, Type, TypeParamBound,
};

/// A part of a type.
#[derive(Clone, Copy)]
pub(crate) enum Part<'a> {
    Type(&'a Type),
    Lifetime(&'a Lifetime),
    /// `Item = u64`
    Assoc(&'a AssocType),
}

/// Function that sees a part. Returns whether it sees the parts inside as well.
type See<'see, 'a> = &'see mut dyn FnMut(Part<'a>) -> bool;

/// Shows `ty` and then its parts, in source order. Constants, such as the length of an array, are left out.
pub(crate) fn walk<'a>(ty: &'a Type, see: See<'_, 'a>) {
    if !see(Part::Type(ty)) {
        return;
    }
    match ty {
        Type::Array(array) => walk(&array.elem, see),
        Type::FnPtr(pointer) => {
            pointer.inputs.iter().for_each(|input| walk(&input.ty, see));
            walk_output(&pointer.output, see);
        }
        Type::Group(group) => walk(&group.elem, see),
        Type::ImplTrait(opaque) => walk_bounds(&opaque.bounds, see),
        Type::Paren(paren) => walk(&paren.elem, see),
        Type::Path(path) => {
            if let Some(own) = &path.qself {
                walk(&own.ty, see);
            }
            walk_path(&path.path, see);
        }
        Type::Ptr(pointer) => walk(&pointer.elem, see),
        Type::Reference(reference) => {
            if let Some(lifetime) = &reference.lifetime {
                see(Part::Lifetime(lifetime));
            }
            walk(&reference.elem, see);
        }
        Type::Slice(slice) => walk(&slice.elem, see),
        Type::TraitObject(object) => walk_bounds(&object.bounds, see),
        Type::Tuple(tuple) => tuple.elems.iter().for_each(|elem| walk(elem, see)),
        _ => {}
    }
}

/// Shows the parts of a bound.
pub(crate) fn walk_bound<'a>(bound: &'a TypeParamBound, see: See<'_, 'a>) {
    match bound {
        TypeParamBound::Trait(bound) => walk_path(&bound.path, see),
        TypeParamBound::Lifetime(lifetime) => {
            see(Part::Lifetime(lifetime));
        }
        _ => {}
    }
}

fn walk_bounds<'a>(bounds: &'a Punctuated<TypeParamBound, Token![+]>, see: See<'_, 'a>) {
    bounds.iter().for_each(|bound| walk_bound(bound, see));
}

fn walk_path<'a>(path: &'a Path, see: See<'_, 'a>) {
    for segment in &path.segments {
        match &segment.arguments {
            PathArguments::None => {}
            PathArguments::AngleBracketed(args) => walk_arguments(args, see),
            PathArguments::Parenthesized(args) => {
                args.inputs.iter().for_each(|input| walk(&input.ty, see));
                walk_output(&args.output, see);
            }
        }
    }
}

fn walk_arguments<'a>(args: &'a AngleBracketedGenericArguments, see: See<'_, 'a>) {
    for arg in &args.args {
        match arg {
            GenericArgument::Lifetime(lifetime) => {
                see(Part::Lifetime(lifetime));
            }
            GenericArgument::Type(ty) => walk(ty, see),
            GenericArgument::AssocType(assoc) if see(Part::Assoc(assoc)) => {
                if let Some(args) = &assoc.generics {
                    walk_arguments(args, see);
                }
                walk(&assoc.ty, see);
            }
            GenericArgument::Constraint(constraint) => {
                if let Some(args) = &constraint.generics {
                    walk_arguments(args, see);
                }
                walk_bounds(&constraint.bounds, see);
            }
            GenericArgument::AssocConst(AssocConst { generics: Some(args), .. }) => walk_arguments(args, see),
            _ => {}
        }
    }
}

fn walk_output<'a>(output: &'a ReturnType, see: See<'_, 'a>) {
    if let ReturnType::Type(_, ty) = output {
        walk(ty, see);
    }
}
