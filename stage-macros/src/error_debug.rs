//! `Debug` of the errors of this project: the message and its causes, and the fields with `{:#?}`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Fields, Ident};

/// Expands the `Debug` implementation of the error type in `item`.
pub(crate) fn derive(item: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(item) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let name = &input.ident;
    let arms: TokenStream = match &input.data {
        Data::Struct(data) => arm(&quote!(Self), name, &data.fields),
        Data::Enum(data) => {
            let arms = data.variants.iter().map(|variant| {
                let ident = &variant.ident;
                arm(&quote!(Self::#ident), ident, &variant.fields)
            });
            arms.collect()
        }
        Data::Union(_) => TokenStream::new(),
    };
    quote! {
        #[automatically_derived]
        impl ::core::fmt::Debug for #name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                if !f.alternate() {
                    return ::stage_core::__private::write_error(self, f);
                }
                match self { #arms }
            }
        }
    }
}

/// Expands the formatting of one variant, or of a struct, with its fields.
fn arm(path: &TokenStream, name: &Ident, fields: &Fields) -> TokenStream {
    let name = name.to_string();
    match fields {
        Fields::Named(fields) => {
            let idents: Vec<_> = fields.named.iter().filter_map(|field| field.ident.as_ref()).collect();
            let names = idents.iter().map(ToString::to_string);
            quote! {
                #path { #(#idents),* } => f.debug_struct(#name)#(.field(#names, #idents))*.finish(),
            }
        }
        Fields::Unnamed(fields) => {
            let idents: Vec<_> =
                (0..fields.unnamed.len()).map(|field| format_ident!("field{field}")).collect();
            quote!(#path(#(#idents),*) => f.debug_tuple(#name)#(.field(#idents))*.finish(),)
        }
        Fields::Unit => quote!(#path => f.write_str(#name),),
    }
}
