//! `Display` and `Error` of the errors of stage-core: the message of `#[error("…")]`, and the cause in the field
//! `source` or behind `#[source]` or `#[from]`. `#[error(transparent)]` takes both from the only field.
//!
//! The attributes are those of thiserror, which every program with stage-core would compile otherwise.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, format_ident, quote};
use syn::{Attribute, Data, DeriveInput, Error, Field, Fields, Ident, LitStr, Result};

/// Expands the implementations for the error type in `item`.
pub(crate) fn derive(item: TokenStream) -> TokenStream {
    syn::parse2(item).and_then(|input| expand(&input)).unwrap_or_else(|error| error.to_compile_error())
}

fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let cases: Vec<Case<'_>> = match &input.data {
        Data::Struct(data) => vec![Case::read(quote!(Self), &input.ident, &input.attrs, &data.fields)?],
        Data::Enum(data) => {
            let cases = data.variants.iter().map(|variant| {
                let ident = &variant.ident;
                Case::read(quote!(Self::#ident), ident, &variant.attrs, &variant.fields)
            });
            cases.collect::<Result<_>>()?
        }
        Data::Union(_) => return Err(Error::new_spanned(&input.ident, "an error is a struct or an enum")),
    };
    let name = &input.ident;
    let (generics, types, bounds) = input.generics.split_for_impl();
    let messages = cases.iter().map(Case::message);
    let arms: Vec<_> = cases.iter().filter_map(Case::cause).collect();
    let source = (!arms.is_empty()).then(|| {
        quote! {
            #[allow(unused_variables, unreachable_patterns)]
            #[inline]
            fn source(&self) -> ::core::option::Option<&(dyn ::core::error::Error + 'static)> {
                use ::core::error::Error as _;
                match self {
                    #(#arms)*
                    _ => ::core::option::Option::None,
                }
            }
        }
    });
    let conversions = cases.iter().filter_map(Case::conversion).map(|(from, path)| {
        quote! {
            #[automatically_derived]
            impl #generics ::core::convert::From<#from> for #name #types #bounds {
                fn from(cause: #from) -> Self {
                    #path(cause)
                }
            }
        }
    });
    Ok(quote! {
        #[automatically_derived]
        impl #generics ::core::fmt::Display for #name #types #bounds {
            #[allow(unused_variables)]
            #[inline]
            fn fmt(&self, __formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match self { #(#messages)* }
            }
        }
        #[automatically_derived]
        impl #generics ::core::error::Error for #name #types #bounds { #source }
        #(#conversions)*
    })
}

/// A variant, or a struct.
struct Case<'a> {
    path: TokenStream,
    /// The format string and its arguments, or the word `transparent`.
    message: TokenStream,
    transparent: bool,
    fields: &'a Fields,
}

impl<'a> Case<'a> {
    fn read(path: TokenStream, ident: &Ident, attrs: &[Attribute], fields: &'a Fields) -> Result<Self> {
        let attr = attrs.iter().find(|attr| attr.path().is_ident("error"));
        let attr =
            attr.ok_or_else(|| Error::new_spanned(ident, "this error needs `#[error(\"its message\")]`"))?;
        let mut message = attr.meta.require_list()?.tokens.clone();
        if let Fields::Unnamed(fields) = fields {
            message = by_name(message, fields.unnamed.len());
        }
        let transparent = syn::parse2::<Ident>(message.clone()).is_ok_and(|word| word == "transparent");
        Ok(Self { path, message, transparent, fields })
    }

    /// Returns the pattern that binds every field: by its name, or as `field0` and so on.
    fn pattern(&self) -> TokenStream {
        let (path, names) = (&self.path, self.fields.iter().enumerate().map(name));
        match self.fields {
            Fields::Named(_) => quote!(#path { #(#names),* }),
            Fields::Unnamed(_) => quote!(#path(#(#names),*)),
            Fields::Unit => path.clone(),
        }
    }

    fn message(&self) -> TokenStream {
        let (pattern, message) = (self.pattern(), &self.message);
        if self.transparent {
            let field = self.fields.iter().enumerate().map(name);
            return quote!(#pattern => #(::core::fmt::Display::fmt(#field, __formatter))*,);
        }
        quote!(#pattern => ::core::write!(__formatter, #message),)
    }

    fn cause(&self) -> Option<TokenStream> {
        let pattern = self.pattern();
        let mut fields = self.fields.iter().enumerate();
        if self.transparent {
            let field = name(fields.next()?);
            return Some(quote!(#pattern => #field.source(),));
        }
        let field = name(fields.find(|(_, field)| {
            field.ident.as_ref().is_some_and(|name| name == "source")
                || has(field, "source")
                || has(field, "from")
        })?);
        Some(quote!(#pattern => ::core::option::Option::Some(#field),))
    }

    /// Returns the type that converts into this error, and the constructor.
    fn conversion(&self) -> Option<(TokenStream, &TokenStream)> {
        let field = self.fields.iter().find(|field| has(field, "from"))?;
        Some((field.ty.to_token_stream(), &self.path))
    }
}

/// Replaces `{0}` by `{field0}` and so on in the format string, which is the first token. Doubled braces stay.
fn by_name(message: TokenStream, fields: usize) -> TokenStream {
    let mut tokens = message.into_iter();
    let first = tokens.next().map(|first| match syn::parse2::<LitStr>(first.clone().into()) {
        Ok(format) => {
            let parts = format.value();
            let parts = parts.split("{{").map(|part| {
                (0..fields).fold(part.to_owned(), |text, number| {
                    let (end, spec) = (format!("{{{number}}}"), format!("{{{number}:"));
                    text.replace(&end, &format!("{{field{number}}}"))
                        .replace(&spec, &format!("{{field{number}:"))
                })
            });
            LitStr::new(&parts.collect::<Vec<_>>().join("{{"), format.span()).into_token_stream()
        }
        Err(_) => first.into(),
    });
    first.into_iter().chain(tokens.map(TokenStream::from)).collect()
}

fn name((number, field): (usize, &Field)) -> Ident {
    field.ident.clone().unwrap_or_else(|| format_ident!("field{number}"))
}

fn has(field: &Field, attr: &str) -> bool {
    field.attrs.iter().any(|found| found.path().is_ident(attr))
}
