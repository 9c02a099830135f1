//! Check that a stage can keep a type, which must not borrow.

use syn::visit::{self, Visit};
use syn::{Lifetime, Type, TypeReference};

use crate::error::Errors;

/// Reports the parts of `ty` that a stage cannot keep.
pub(super) fn check(ty: &Type, errors: &mut Errors) {
    Owned { errors }.visit_type(ty);
}

struct Owned<'a> {
    errors: &'a mut Errors,
}

impl<'ast> Visit<'ast> for Owned<'_> {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        if reference.lifetime.is_none() {
            self.errors.at(
                reference,
                "a stage outlives the scope that creates it, so it cannot borrow this: own it, share it in an `Arc`, or take a `&'static` reference",
            );
        }
        visit::visit_type_reference(self, reference);
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident != "static" {
            self.errors.at(
                lifetime,
                "a stage outlives the scope that creates it, so it cannot borrow for `'_` or a named lifetime: own the data, or share it in an `Arc`",
            );
        }
    }

    fn visit_type(&mut self, ty: &'ast Type) {
        match ty {
            Type::ImplTrait(_) => self.errors.at(
                ty,
                "a stage needs a named type for its field: add a type parameter, such as `F: Fn(u64) -> u64`",
            ),
            Type::Infer(_) => self.errors.at(ty, "the type cannot be inferred here: write it out"),
            // `fn(&str)` and `dyn Fn(&str)` borrow for one call only.
            Type::FnPtr(_) | Type::TraitObject(_) => {}
            _ => visit::visit_type(self, ty),
        }
    }
}
