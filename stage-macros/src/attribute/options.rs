//! Options in the parentheses of a stage attribute.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{FnArg, PatType, Token};

use super::Kind;
use super::words::{Shape, Word};
use crate::error::Errors;
use crate::suggest::did_you_mean;

/// The options of one attribute.
#[derive(Default)]
pub(super) struct Options {
    pub(super) shape: Option<(Shape, Ident)>,
    pub(super) result: Option<Ident>,
    /// The word `single`: a second copy is an error.
    pub(super) single: Option<Ident>,
    /// The word `cancel_safe`: a waiting call may be dropped when the stage drains.
    pub(super) cancel_safe: Option<Ident>,
    /// The name of the stage.
    pub(super) name: Option<Ident>,
    /// The arguments of `new`, for an `impl` block.
    pub(super) args: Option<Args>,
    /// The path of `stage_core`.
    pub(super) library: Option<TokenStream>,
}

/// `args(kind: Kind)`
pub(super) struct Args {
    pub(super) word: Ident,
    pub(super) params: Vec<PatType>,
}

impl Options {
    /// Reads all options; a mistake in one is reported and does not hide mistakes in others.
    pub(super) fn read(tokens: TokenStream, kind: Kind, errors: &mut Errors) -> Self {
        let mut options = Self::default();
        for part in at_commas(tokens) {
            options.take(&part, kind, errors);
        }
        options
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape.as_ref().map(|(shape, _)| *shape).unwrap_or_default()
    }

    fn take(&mut self, part: &[TokenTree], kind: Kind, errors: &mut Errors) {
        let [TokenTree::Ident(text), rest @ ..] = part else {
            errors.at(stream(part), format!("expected a word, such as `{}`", kind.with("batch")));
            return;
        };
        if text == "crate" && self.set_library(rest) {
            return;
        }
        let Some(word) = known(text, kind, errors) else { return };
        if let Some(reason) = word.refused(kind) {
            errors.at(text, format!("`{}` has no `{text}`: {reason}", kind.attribute()));
            return;
        }
        let doubled = match word {
            Word::Shape(shape) => self.set_shape(shape, text, errors),
            Word::Result => self.result.replace(text.clone()).is_some(),
            Word::Single => self.single.replace(text.clone()).is_some(),
            Word::CancelSafe => self.cancel_safe.replace(text.clone()).is_some(),
            Word::Name => return self.set_name(text, rest, errors),
            Word::Args => return self.set_args(text, rest, errors),
        };
        if doubled {
            errors.at(text, format!("`{text}` is given twice: remove one"));
        }
        if !rest.is_empty() {
            errors.at(stream(rest), format!("`{text}` takes no value: remove this, or write `,` before it"));
        }
    }

    /// Sets the shape and reports a second one. Returns whether the same shape was given before.
    fn set_shape(&mut self, shape: Shape, text: &Ident, errors: &mut Errors) -> bool {
        match &self.shape {
            Some((before, _)) if *before == shape => return true,
            Some((_, before)) => {
                errors.at(text, format!("`{before}` and `{text}` exclude each other: remove one"));
            }
            None => self.shape = Some((shape, text.clone())),
        }
        false
    }

    /// Sets the path in `crate = path`; returns `false` for anything else, and for a second one.
    fn set_library(&mut self, rest: &[TokenTree]) -> bool {
        match rest {
            [TokenTree::Punct(sign), path @ ..]
                if sign.as_char() == '=' && !path.is_empty() && self.library.is_none() =>
            {
                self.library = Some(stream(path));
                true
            }
            _ => false,
        }
    }

    fn set_name(&mut self, text: &Ident, rest: &[TokenTree], errors: &mut Errors) {
        let [TokenTree::Punct(sign), TokenTree::Ident(name)] = rest else {
            let advice =
                "`name` is the name of the stage's type: write it without quotes, such as `name = Sealer`";
            return if rest.is_empty() { errors.at(text, advice) } else { errors.at(stream(rest), advice) };
        };
        if sign.as_char() != '=' {
            return errors.at(sign, format!("expected `=`: write `name = {name}`"));
        }
        if self.name.replace(name.clone()).is_some() {
            errors.at(text, "`name` is given twice: remove one");
        }
    }

    fn set_args(&mut self, text: &Ident, rest: &[TokenTree], errors: &mut Errors) {
        let [TokenTree::Group(group)] = rest else {
            return errors.at(text, "`args` lists the arguments of `new`: write it as `args(kind: Kind)`");
        };
        if group.delimiter() != Delimiter::Parenthesis {
            return errors
                .at(group, "`args` lists the arguments of `new` in parentheses: write `args(kind: Kind)`");
        }
        if self.args.is_some() {
            return errors.at(text, "`args` is given twice: remove one");
        }
        match params(group) {
            Ok(params) => self.args = Some(Args { word: text.clone(), params }),
            Err(error) => errors.push(error),
        }
    }
}

fn params(group: &Group) -> syn::Result<Vec<PatType>> {
    let each = |input: ParseStream<'_>| match input.parse()? {
        FnArg::Typed(param) => Ok(param),
        FnArg::Receiver(receiver) => Err(syn::Error::new_spanned(
            receiver,
            "`new` creates the stage, so there is no `self` yet: remove it",
        )),
    };
    let list = |input: ParseStream<'_>| input.parse_terminated(each, Token![,]);
    // An empty list has no token to underline.
    if group.stream().is_empty() {
        return Ok(Vec::new());
    }
    Ok(list.parse2(group.stream())?.into_iter().collect())
}

/// Returns the intended word; a misspelling is reported.
fn known(text: &Ident, kind: Kind, errors: &mut Errors) -> Option<Word> {
    let written = text.to_string();
    if let Some(word) = Word::from_text(&written) {
        return Some(word);
    }
    let fitting = || {
        Word::texts().filter(|text| Word::from_text(text).is_some_and(|word| word.refused(kind).is_none()))
    };
    if let Some(meant) = did_you_mean(&written, fitting()) {
        errors.at(text, format!("unknown word `{written}`: did you mean `{meant}`?"));
        return Word::from_text(meant);
    }
    let all: Vec<_> = fitting().map(|word| format!("`{word}`")).collect();
    errors.at(text, format!("unknown word `{written}`: `{}` takes {}", kind.attribute(), all.join(", ")));
    None
}

fn at_commas(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let mut parts = vec![Vec::new()];
    for token in tokens {
        match &token {
            TokenTree::Punct(sign) if sign.as_char() == ',' => parts.push(Vec::new()),
            _ => parts.last_mut().into_iter().for_each(|part: &mut Vec<_>| part.push(token.clone())),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn stream(tokens: &[TokenTree]) -> TokenStream {
    tokens.iter().map(TokenTree::to_token_stream).collect()
}

impl Options {
    /// Refuses options that only an `impl` block can have.
    pub(super) fn refuse_for_function(&self, errors: &mut Errors) {
        if let Some(Args { word, .. }) = &self.args {
            errors.at(
                word,
                "`args` is for `impl` blocks: mark the function's own parameters `#[arg]`, and `new` takes them",
            );
        }
    }

    /// Refuses options that only a function can have.
    pub(super) fn refuse_for_block(&self, errors: &mut Errors) {
        let shape = self.shape.as_ref().map(|(_, word)| word);
        for word in [shape, self.result.as_ref(), self.cancel_safe.as_ref()].into_iter().flatten() {
            errors.at(
                word,
                format!("`{word}` is for functions; the callbacks of an `impl` block have fixed signatures: remove it"),
            );
        }
        if let Some(name) = &self.name {
            errors.at(name, "an `impl` block names its stage already: remove `name`");
        }
        if let Some(word) = &self.single {
            errors.at(word, "write `const SINGLE: bool = true;` in the block instead");
        }
    }
}
