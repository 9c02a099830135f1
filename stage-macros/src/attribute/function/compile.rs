//! Compilation of a function with a stage attribute: read → expand.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::ItemFn;

use super::{read, stage};
use crate::attribute::Kind;
use crate::attribute::options::Options;
use crate::error::Errors;

/// Returns the function without its `#[arg]`s, and its stage. If there are mistakes, the stage is declared as
/// far as it is certain, so that the rest of the program keeps its meaning.
pub(in crate::attribute) fn compile(
    kind: Kind,
    options: &Options,
    mut function: ItemFn,
    errors: &mut Errors,
) -> TokenStream {
    options.refuse_for_function(errors);
    let model = read::read(kind, options, &mut function, errors);
    let stage =
        model.map(|model| if errors.is_empty() { stage::expand(&model) } else { stage::outline(&model) });
    let errors = errors.to_compile_errors();
    let function = function.into_token_stream();
    quote!(#function #stage #errors)
}
