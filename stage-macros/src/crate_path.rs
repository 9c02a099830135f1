//! The paths of `stage_core` and `stage_edge` in an expansion.
//!
//! Expansions name the libraries `::stage_core` and `::stage_edge`. Where the program knows them by other names, these
//! paths are replaced: a wrapper of `pipeline!` passes the paths as `@in($crate)` or `@in($crate, $crate::edge)`, the
//! attributes take that of `stage_core` as `crate = path`.

use std::cell::RefCell;

use proc_macro2::{Delimiter, Group, Ident, Spacing, Span, TokenStream, TokenTree};
use quote::quote;

/// Words that a path can follow, so that the path begins there.
const BEFORE_A_PATH: [&str; 16] = [
    "as", "await", "dyn", "else", "for", "if", "impl", "in", "match", "move", "mut", "ref", "return",
    "unsafe", "use", "where",
];

/// The names of the libraries in an expansion.
const NAMES: [&str; 2] = ["stage_core", "stage_edge"];

/// The paths of the libraries in a program with other names for them.
#[derive(Clone)]
pub(crate) struct Library {
    core: TokenStream,
    /// `None` if the program has the usual name for it, or uses no edges.
    edge: Option<TokenStream>,
}

impl Library {
    /// Reads `path` or `path, path`.
    fn read(paths: TokenStream) -> Self {
        let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(sign) if sign.as_char() == ',');
        let mut core: Vec<TokenTree> = paths.into_iter().collect();
        let comma = core.iter().position(is_comma).unwrap_or(core.len());
        let edge: Vec<TokenTree> = core.split_off(comma).into_iter().skip(1).collect();
        let edge = Some(edge.into_iter().collect()).filter(|edge: &TokenStream| !edge.is_empty());
        Self { core: core.into_iter().collect(), edge }
    }

    fn path(&self, name: &Ident) -> Option<&TokenStream> {
        if name == NAMES[0] { Some(&self.core) } else { self.edge.as_ref().filter(|_| name == NAMES[1]) }
    }
}

/// Splits the prefix `@in(path)` off the input.
pub(crate) fn split(input: TokenStream) -> (Option<Library>, TokenStream) {
    let mut tokens = input.clone().into_iter();
    match (tokens.next(), tokens.next(), tokens.next()) {
        (Some(TokenTree::Punct(at)), Some(TokenTree::Ident(word)), Some(TokenTree::Group(path)))
            if at.as_char() == '@' && word == "in" && path.delimiter() == Delimiter::Parenthesis =>
        {
            (Some(Library::read(path.stream())), tokens.collect())
        }
        _ => (None, input),
    }
}

/// Writes `path` for every `::stage_core` in the expansion.
pub(crate) fn write(expansion: TokenStream, path: Option<&TokenStream>) -> TokenStream {
    let library = path.map(|path| Library { core: path.clone(), edge: None });
    write_paths(expansion, library.as_ref())
}

/// Writes the paths of the libraries for every `::stage_core` and `::stage_edge` in the expansion.
pub(crate) fn write_paths(expansion: TokenStream, library: Option<&Library>) -> TokenStream {
    let Some(library) = library else { return expansion };
    replace(expansion, &|word| Some(path_at(library.path(word)?, word)))
}

/// Writes aliases of the paths for every `::stage_core` and `::stage_edge` in the body of a function, which declares the
/// aliases.
///
/// An alias has the span of the word that it replaces. A path with the hygiene of another macro would not:
/// the compiler then reports an error inside the body at the whole macro, not at the user's token.
pub(crate) fn write_body(body: &TokenStream, library: Option<&Library>) -> TokenStream {
    let Some(library) = library else { return body.clone() };
    let used: RefCell<Vec<Ident>> = RefCell::default();
    let body = replace(body.clone(), &|word| {
        library.path(word)?;
        let mut used = used.borrow_mut();
        if !used.contains(word) {
            used.push(word.clone());
        }
        Some(vec![alias(word).into()])
    });
    let aliases = used.into_inner().into_iter().filter_map(|word| {
        let path = library.path(&word)?;
        // An edge that the library lacks is reported at the item that needs it.
        let path = if word == NAMES[1] { path_at(path, &word).into_iter().collect() } else { path.clone() };
        let alias = Ident::new(&alias(&word).to_string(), Span::call_site());
        Some(quote!(use #path as #alias;))
    });
    quote! {
        #(#aliases)*
        #body
    }
}

fn alias(word: &Ident) -> Ident {
    Ident::new(&format!("__{word}"), word.span())
}

/// Returns the path with the location of the word that it replaces.
fn path_at(path: &TokenStream, word: &Ident) -> Vec<TokenTree> {
    path.clone().into_iter().map(|token| moved(&token, word)).collect()
}

fn replace(tokens: TokenStream, path: &dyn Fn(&Ident) -> Option<Vec<TokenTree>>) -> TokenStream {
    let mut written: Vec<TokenTree> = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => written.push(in_group(&group, path).into()),
            TokenTree::Ident(word) if NAMES.iter().any(|name| word == name) && ends_with_root(&written) => {
                match path(&word) {
                    Some(path) => {
                        written.truncate(written.len() - 2);
                        written.extend(path);
                    }
                    None => written.push(word.into()),
                }
            }
            other => written.push(other),
        }
    }
    written.into_iter().collect()
}

fn in_group(group: &Group, path: &dyn Fn(&Ident) -> Option<Vec<TokenTree>>) -> Group {
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
        let (library, rest) = split(quote!(@in(::whole) Name {}));
        let library = library.unwrap();
        assert_eq!((library.core.to_string(), library.edge.is_none()), (":: whole".to_owned(), true));
        assert_eq!(rest.to_string(), "Name { }");
        let (library, _) = split(quote!(@in(::whole, ::whole::edge) Name {}));
        let library = library.unwrap();
        let body = write_body(&quote!(::stage_edge::A(::stage_core::B, ::stage_edge::C)), Some(&library));
        let aliases = "use :: whole :: edge as __stage_edge ; use :: whole as __stage_core ;";
        let calls = "__stage_edge :: A (__stage_core :: B , __stage_edge :: C)";
        assert_eq!(body.to_string(), format!("{aliases} {calls}"));
        let all = write_paths(quote!(::stage_edge::A(::stage_core::B)), Some(&library));
        assert_eq!(all.to_string(), quote!(::whole::edge::A(::whole::B)).to_string());
        let (library, rest) = split(quote!(Name {}));
        assert!(library.is_none());
        assert_eq!(rest.to_string(), "Name { }");
    }
}
