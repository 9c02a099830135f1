//! Type parameters and bounds that a stage shares with its function. A stage borrows nothing: lifetimes
//! belong to the function alone.

use syn::punctuated::Punctuated;
use syn::visit::Visit;
use syn::{GenericParam, Generics, Ident, Lifetime, Token, TypeParamBound, WherePredicate};

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
                let found = Mentions::find(&lifetimes, |mentions| mentions.visit_type(&free.bounded_ty));
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
    let free = bounds
        .iter()
        .filter(|bound| !Mentions::find(lifetimes, |mentions| mentions.visit_type_param_bound(bound)));
    free.cloned().collect()
}

/// Visitor that looks for lifetimes of the function.
struct Mentions<'a> {
    lifetimes: &'a [Ident],
    found: bool,
}

impl<'a> Mentions<'a> {
    fn find(lifetimes: &'a [Ident], visit: impl FnOnce(&mut Self)) -> bool {
        let mut mentions = Self { lifetimes, found: false };
        visit(&mut mentions);
        mentions.found
    }
}

impl<'ast> Visit<'ast> for Mentions<'_> {
    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        self.found |= self.lifetimes.contains(&lifetime.ident);
    }
}
