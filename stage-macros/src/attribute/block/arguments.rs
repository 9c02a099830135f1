//! Which events does a callback take and emit, going by its parameters?

use syn::{FnArg, ImplItemFn, Type};

use crate::attribute::function::{argument_of, bare};

/// `T` of the parameter that is a `name<'_, T>`, lent or not.
pub(super) fn argument<'a>(callback: &'a ImplItemFn, name: &str) -> Option<&'a Type> {
    types(callback).find_map(|ty| {
        let ty = match bare(ty) {
            Type::Reference(reference) => bare(&reference.elem),
            other => other,
        };
        match ty {
            Type::Path(path) => argument_of(&path.path, name),
            _ => None,
        }
    })
}

/// The types of the parameters behind `self`.
pub(super) fn types(callback: &ImplItemFn) -> impl Iterator<Item = &Type> {
    callback.sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(param) => Some(&*param.ty),
        FnArg::Receiver(_) => None,
    })
}
