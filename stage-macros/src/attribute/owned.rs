//! Check that a stage can keep a type, which must not borrow.

use syn::Type;

use crate::error::Errors;
use crate::types::{Part, walk};

/// Reports the parts of `ty` that a stage cannot keep.
pub(super) fn check(ty: &Type, errors: &mut Errors) {
    walk(ty, &mut |part| match part {
        Part::Type(ty) => check_one(ty, errors),
        Part::Lifetime(lifetime) => {
            if lifetime.ident != "static" {
                errors.at(
                    lifetime,
                    "a stage outlives the scope that creates it, so it cannot borrow for `'_` or a named lifetime: own the data, or share it in an `Arc`",
                );
            }
            true
        }
        Part::Assoc(_) => true,
    });
}

/// Reports `ty` apart from its parts. Returns whether those matter.
fn check_one(ty: &Type, errors: &mut Errors) -> bool {
    match ty {
        Type::Reference(reference) => {
            if reference.lifetime.is_none() {
                errors.at(
                    reference,
                    "a stage outlives the scope that creates it, so it cannot borrow this: own it, share it in an `Arc`, or take a `&'static` reference",
                );
            }
            true
        }
        Type::ImplTrait(_) => {
            errors.at(
                ty,
                "a stage needs a named type for its field: add a type parameter, such as `F: Fn(u64) -> u64`",
            );
            false
        }
        Type::Infer(_) => {
            errors.at(ty, "the type cannot be inferred here: write it out");
            false
        }
        // `fn(&str)` and `dyn Fn(&str)` borrow for one call only.
        Type::FnPtr(_) | Type::TraitObject(_) => false,
        _ => true,
    }
}
