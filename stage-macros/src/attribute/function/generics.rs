//! Type parameters and bounds that a stage shares with its function. A stage borrows nothing: lifetimes
//! belong to the function alone.

use syn::punctuated::Punctuated;
use syn::{GenericParam, Generics, Ident, Token, TypeParamBound, WherePredicate};

use crate::types::{Part, walk, walk_bound};

/// Returns the parameters without lifetimes, and the bounds that mention none of them.
pub(super) fn without_lifetimes(generics: &Generics) -> Generics {
    let lifetimes: Vec<_> = generics.lifetimes().map(|param| param.lifetime.ident.clone()).collect();
    let mut kept = generics.clone();
    kept.params =
        generics.params.iter().filter(|param| !matches!(param, GenericParam::Lifetime(_))).cloned().collect();
    for param in kept.type_params_mut() {
        param.bounds = unbounded(&param.bounds, &lifetimes);
    }
    if let Some(clause) = &mut kept.where_clause {
        let free = clause.predicates.iter().filter_map(|predicate| match predicate {
            WherePredicate::Type(predicate) => {
                let mut free = predicate.clone();
                free.bounds = unbounded(&predicate.bounds, &lifetimes);
                let mut found = false;
                walk(&free.bounded_ty, &mut |part| mentions(part, &lifetimes, &mut found));
                (!found && !free.bounds.is_empty()).then_some(WherePredicate::Type(free))
            }
            WherePredicate::Lifetime(_) => None,
            other => Some(other.clone()),
        });
        clause.predicates = free.collect();
    }
    kept
}

type Bounds = Punctuated<TypeParamBound, Token![+]>;

fn unbounded(bounds: &Bounds, lifetimes: &[Ident]) -> Bounds {
    let free = bounds.iter().filter(|bound| {
        let mut found = false;
        walk_bound(bound, &mut |part| mentions(part, lifetimes, &mut found));
        !found
    });
    free.cloned().collect()
}

/// Sets `found` at a lifetime of the function. Returns whether the parts inside matter.
fn mentions(part: Part<'_>, lifetimes: &[Ident], found: &mut bool) -> bool {
    if let Part::Lifetime(lifetime) = part {
        *found |= lifetimes.contains(&lifetime.ident);
    }
    true
}
