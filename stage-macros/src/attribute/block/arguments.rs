//! Event types of a callback, derived from its parameters.

use syn::{FnArg, ImplItemFn, Type};

use crate::attribute::function::{argument_of, bare};

/// Returns the `T` of the parameter of type `name<'_, T>`, borrowed or not.
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

/// Returns the types of the parameters after `self`.
pub(super) fn types(callback: &ImplItemFn) -> impl Iterator<Item = &Type> {
    callback.sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(param) => Some(&*param.ty),
        FnArg::Receiver(_) => None,
    })
}
