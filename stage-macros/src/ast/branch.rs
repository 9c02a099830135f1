//! Parser of `broadcast`, `partition` and `merge`, tolerant of mistakes inside their braces.

use proc_macro2::Span;
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Expr, Ident, Token, braced, parenthesized, token};

use super::body::{self, skip, skip_item};
use super::{Branch, Broadcast, Item, Partition, setting};
use crate::error::Errors;
use crate::suggest::did_you_mean;
use crate::words::Junction;

/// Parses the part after the word of a junction.
pub(super) fn parse(junction: Junction, word: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> Item {
    let has_colon = body::no_colon(word, junction.example(), input, errors);
    match junction {
        Junction::Merge if has_colon => {
            // What follows is not an item, unless the colon stands in place of the `;`.
            if !body::at_word(input) {
                behind_value(input);
            }
            Item::Merge(word.span())
        }
        Junction::Merge => merge(word, input, errors),
        Junction::Broadcast => broadcast(word, input, errors),
        Junction::Partition => partition(word, input, errors),
    }
}

fn merge(word: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> Item {
    if input.peek(Token![;]) {
        skip(input);
    } else if input.peek(token::Brace) || input.peek(Token![,]) {
        errors.at(word, "`merge` takes no arguments: it joins the branches before it; write `merge;`");
        behind_value(input);
    } else {
        errors.at(word, "expected `;` after this: every item ends with one");
    }
    Item::Merge(word.span())
}

fn broadcast(word: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> Item {
    let mut broadcast = Broadcast { word: word.span(), branches: Vec::new(), complete: true };
    let mut before = word.clone();
    loop {
        let Some(branch) = branch(&before, input, errors) else {
            broadcast.complete = false;
            break;
        };
        broadcast.branches.push(branch);
        let Some(and) = and(input, errors) else { break };
        before = and;
    }
    if broadcast.complete && broadcast.branches.len() == 1 {
        errors.at(
            word,
            "a `broadcast` to one branch: write `and { … }` after it for the others; an empty branch passes its events on",
        );
    }
    behind(input);
    Item::Broadcast(broadcast)
}

/// Reads the word between two branches; a misspelling is reported, and read as the word.
fn and(input: ParseStream<'_>, errors: &mut Errors) -> Option<Ident> {
    let fork = input.fork();
    let next = fork.call(Ident::parse_any).ok()?;
    let text = next.to_string();
    let branch = fork.peek(token::Brace) || fork.call(Ident::parse_any).is_ok_and(|word| word == "when");
    let slip = branch && (did_you_mean(&text, ["and"]).is_some() || text == "or");
    if text != "and" && !slip {
        return None;
    }
    if slip && text != "and" {
        errors.at(&next, format!("unknown word `{text}`: did you mean `and`?"));
    }
    input.call(Ident::parse_any).ok()
}

fn partition(word: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> Item {
    let mut partition = Partition { word: word.span(), key: None, into: None, branch: None };
    match divide(word, input) {
        Ok((key, into_word, into)) => {
            (partition.key, partition.into) = (Some(key), Some(into));
            if input.peek(token::Brace) {
                partition.branch = branch(&into_word, input, errors);
            } else {
                errors
                    .at_span(input.span(), "expected `{`: the steps of a `partition` are written in braces");
                skip_to_brace(input);
            }
        }
        Err(error) => {
            errors.push(error);
            while !input.is_empty() && !input.peek(token::Brace) && !input.peek(Token![;]) {
                skip(input);
            }
            // Reports mistakes inside the branch as well.
            if input.peek(token::Brace) {
                partition.branch = branch(word, input, errors);
            }
        }
    }
    behind(input);
    Item::Partition(Box::new(partition))
}

/// `by key, into number`
fn divide(word: &Ident, input: ParseStream<'_>) -> syn::Result<(Expr, Ident, Expr)> {
    let example = Junction::Partition.example();
    let advice = |span: Span, found: &str| syn::Error::new(span, format!("{found}: write `{example}`"));
    match input.call(Ident::parse_any) {
        Ok(by) if by == "by" => {}
        Ok(other) => return Err(advice(other.span(), &format!("expected `by` and a key, not `{other}`"))),
        Err(_) => return Err(advice(word.span(), "a `partition` needs a key")),
    }
    if input.peek(Token![:]) {
        return Err(advice(input.span(), "`by` is not an option here, and takes no colon"));
    }
    if input.is_empty() || input.peek(Token![,]) || input.peek(token::Brace) {
        return Err(advice(word.span(), "a `partition` needs a key"));
    }
    let key = setting::expr_without_brace(input)?;
    if input.peek(Token![,]) {
        skip(input);
    } else {
        return Err(advice(input.span(), "expected `,` and `into`"));
    }
    let into = match input.call(Ident::parse_any) {
        Ok(into) if into == "into" => into,
        Ok(other) => return Err(advice(other.span(), &format!("expected `into`, not `{other}`"))),
        Err(_) => return Err(advice(word.span(), "a `partition` needs a number of parts")),
    };
    if input.peek(Token![:]) {
        return Err(advice(input.span(), "`into` is not an option, and takes no colon"));
    }
    if input.is_empty() || input.peek(token::Brace) {
        return Err(advice(into.span(), "`into` needs a number"));
    }
    let number = setting::expr_without_brace(input)?;
    Ok((key, into, number))
}

/// `("when" "(" selector ")")? "{" item* "}"`
fn branch(before: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> Option<Branch> {
    let when = if input.fork().call(Ident::parse_any).is_ok_and(|word| word == "when") {
        let word = input.call(Ident::parse_any).ok()?;
        selector(&word, input, errors)
    } else {
        None
    };
    if !input.peek(token::Brace) {
        let found = if input.is_empty() { before.span() } else { input.span() };
        errors.at_span(
            found,
            format!("expected a branch after `{before}`: `{{ … }}`, or `when (|event| …) {{ … }}`"),
        );
        skip_to_brace(input);
        return None;
    }
    let read = (|| {
        let content;
        braced!(content in input);
        Ok(body::items(&content, errors))
    })();
    let items: Vec<Item> = read.map_err(|error: syn::Error| errors.push(error)).ok()?;
    Some(Branch { word: before.span(), when, items })
}

/// `"(" selector ")"`
fn selector(word: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> Option<Expr> {
    const ADVICE: &str =
        "`when` selects the events of the branch, in parentheses: write `when (|event| …) { … }`";
    if !input.peek(token::Paren) {
        errors.at(word, ADVICE);
        while !input.is_empty() && !input.peek(token::Brace) && !input.peek(Token![;]) {
            skip(input);
        }
        return None;
    }
    let read = (|| {
        let content;
        parenthesized!(content in input);
        if content.is_empty() {
            return Err(syn::Error::new(word.span(), ADVICE));
        }
        let expr = setting::expr(&content)?;
        if content.is_empty() {
            Ok(expr)
        } else {
            Err(content.error("`when` takes one function of the event"))
        }
    })();
    read.map_err(|error| errors.push(error)).ok()
}

/// Advances the stream past a group in braces, after which the next item begins, or past the next `;`.
fn behind_value(input: ParseStream<'_>) {
    if input.peek(token::Brace) { skip(input) } else { skip_item(input) }
}

/// Skips a `;` after the last brace, which is harmless.
fn behind(input: ParseStream<'_>) {
    if input.peek(Token![;]) {
        skip(input);
    }
}

/// Advances the stream past the next brace or `;`.
fn skip_to_brace(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![;]) && !input.peek(token::Brace) {
        skip(input);
    }
    if !input.is_empty() {
        skip(input);
    }
}
