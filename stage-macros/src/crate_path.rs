//! The path of `stage_core` in an expansion.
//!
//! Expansions name the library `::stage_core`. Where the program knows it by another name, this path is
//! replaced: a wrapper of `pipeline!` passes the path as `@in($crate)`, the attributes take it as
//! `crate = path`.

use proc_macro2::{Delimiter, Group, Ident, Spacing, TokenStream, TokenTree};
use quote::quote;

/// Words that a path can follow, so that the path begins there.
const BEFORE_A_PATH: [&str; 16] = [
    "as", "await", "dyn", "else", "for", "if", "impl", "in", "match", "move", "mut", "ref", "return",
    "unsafe", "use", "where",
];

/// Splits the prefix `@in(path)` off the input.
pub(crate) fn split(input: TokenStream) -> (Option<TokenStream>, TokenStream) {
    let mut tokens = input.clone().into_iter();
    match (tokens.next(), tokens.next(), tokens.next()) {
        (Some(TokenTree::Punct(at)), Some(TokenTree::Ident(word)), Some(TokenTree::Group(path)))
            if at.as_char() == '@' && word == "in" && path.delimiter() == Delimiter::Parenthesis =>
        {
            (Some(path.stream()), tokens.collect())
        }
        _ => (None, input),
    }
}

/// Writes `path` for every `::stage_core` in the expansion.
pub(crate) fn write(expansion: TokenStream, path: Option<&TokenStream>) -> TokenStream {
    let Some(path) = path else { return expansion };
    let path: Vec<_> = path.clone().into_iter().collect();
    replace(expansion, &|word| path.iter().map(|token| moved(token, word)).collect())
}

/// Writes an alias of `path` for every `::stage_core` in the body of a function, which declares the alias.
///
/// The alias has the span of the word that it replaces. A path with the hygiene of another macro would not:
/// the compiler then reports an error inside the body at the whole macro, not at the user's token.
pub(crate) fn write_body(body: &TokenStream, path: Option<&TokenStream>) -> TokenStream {
    let Some(path) = path else { return body.clone() };
    let body = replace(body.clone(), &|word| vec![Ident::new("__stage_core", word.span()).into()]);
    quote! {
        use #path as __stage_core;
        #body
    }
}

fn replace(tokens: TokenStream, path: &dyn Fn(&Ident) -> Vec<TokenTree>) -> TokenStream {
    let mut written: Vec<TokenTree> = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => written.push(in_group(&group, path).into()),
            TokenTree::Ident(word) if word == "stage_core" && ends_with_root(&written) => {
                written.truncate(written.len() - 2);
                written.extend(path(&word));
            }
            other => written.push(other),
        }
    }
    written.into_iter().collect()
}

fn in_group(group: &Group, path: &dyn Fn(&Ident) -> Vec<TokenTree>) -> Group {
    let mut replaced = Group::new(group.delimiter(), replace(group.stream(), path));
    replaced.set_span(group.span());
    replaced
}

/// Returns whether the tokens end with the `::` that begins a path, not with the one inside a path.
fn ends_with_root(written: &[TokenTree]) -> bool {
    let [before @ .., TokenTree::Punct(first), TokenTree::Punct(second)] = written else { return false };
    if first.as_char() != ':' || first.spacing() != Spacing::Joint || second.as_char() != ':' {
        return false;
    }
    match before {
        [.., TokenTree::Ident(word)] => BEFORE_A_PATH.iter().any(|known| word == known),
        [.., TokenTree::Punct(arrow), TokenTree::Punct(sign)] if sign.as_char() == '>' => {
            arrow.spacing() == Spacing::Joint && ['-', '='].contains(&arrow.as_char())
        }
        // `for<'a> ::stage_core::Trait` does not occur; `Vec::<A>::stage_core` is the user's.
        [.., TokenTree::Punct(sign)] => sign.as_char() != '>',
        [.., TokenTree::Group(_)] | [] => true,
        [.., TokenTree::Literal(_)] => false,
    }
}

/// Returns the token with the location of the word and the hygiene of its own.
fn moved(token: &TokenTree, word: &Ident) -> TokenTree {
    let mut token = token.clone();
    token.set_span(token.span().located_at(word.span()));
    token
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn written(tokens: TokenStream) -> String {
        write(tokens, Some(&quote!(::whole::core))).to_string()
    }

    #[test]
    fn the_path_of_the_library_is_replaced_wherever_a_path_begins() {
        let before = quote! {
            fn f(a: ::stage_core::A) -> <B as ::stage_core::C>::D where E: ::stage_core::F {
                (::stage_core::g!(), &::stage_core::H, || -> ::stage_core::I { return ::stage_core::J; })
            }
        };
        assert_eq!(written(before.clone()), before.to_string().replace(":: stage_core", ":: whole :: core"));
    }

    #[test]
    fn the_words_of_the_user_stay() {
        let before = quote!(mine::stage_core::A + Vec::<B>::stage_core() + stage_core::C);
        assert_eq!(written(before.clone()), before.to_string());
    }

    #[test]
    fn the_prefix_is_split_off() {
        let (path, rest) = split(quote!(@in(::whole) Name {}));
        assert_eq!(
            (path.unwrap().to_string(), rest.to_string()),
            (":: whole".to_owned(), "Name { }".to_owned())
        );
        let (path, rest) = split(quote!(Name {}));
        assert!(path.is_none());
        assert_eq!(rest.to_string(), "Name { }");
    }
}
