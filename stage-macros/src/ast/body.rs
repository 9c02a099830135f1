//! Parser of the part between the braces, item by item; after a mistake it resumes at the next `;`.

use proc_macro2::{Span, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::token::Paren;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, Meta, Token};

use super::{Item, Setting, Stage, branch, setting};
use crate::error::Errors;
use crate::option_words::OptionWord;
use crate::words::{Emits, Junction, Role, item_words, list};

pub(super) fn parse(input: ParseStream<'_>, errors: &mut Errors) -> (Vec<Setting>, Vec<Item>) {
    let mut settings = Vec::new();
    let mut items = Vec::new();
    while !input.is_empty() {
        if at_item(input) {
            items.extend(item(input, errors));
        } else if !late_options(input, &mut items, errors) {
            pipeline_setting(input, items.is_empty(), &mut settings, errors);
        }
    }
    (settings, items)
}

/// Reads the items of a branch, which has no options of its own.
pub(super) fn items(input: ParseStream<'_>, errors: &mut Errors) -> Vec<Item> {
    let mut items = Vec::new();
    while !input.is_empty() {
        if at_item(input) {
            items.extend(item(input, errors));
        } else if !late_options(input, &mut items, errors) {
            errors.at_span(
                input.span(),
                "a branch has no options: put them on its items, after a recipe, or in front of the pipeline's first item",
            );
            setting::parse(input, &mut Errors::default());
            if input.peek(Token![,]) || input.peek(Token![;]) {
                skip(input);
            }
        }
    }
    items
}

/// `word :`, but not the `word ::` of a path.
fn at_setting(input: ParseStream<'_>) -> bool {
    input.peek(Ident::peek_any) && input.peek2(Token![:]) && !input.peek2(Token![::])
}

/// Anything that is no option, and the word of an item with a colon.
fn at_item(input: ParseStream<'_>) -> bool {
    at_item_with_colon(input) || !(at_setting(input) || at_lone_option(input))
}

/// `start:`, the word of an item with a colon.
fn at_item_with_colon(input: ParseStream<'_>) -> bool {
    at_setting(input) && at_word(input)
}

/// Returns whether an item begins here, also one with a colon after its word.
pub(super) fn at_word(input: ParseStream<'_>) -> bool {
    let next = input.fork().call(Ident::parse_any).map(|word| word.to_string());
    next.is_ok_and(|word| item_words().any(|known| known == word))
}

/// Reads options that follow the `;` of their item and end with one themselves, as in `step f; count: 4;`, and gives
/// them to the item. Reads nothing, and returns `false`, if there are none.
fn late_options(input: ParseStream<'_>, items: &mut [Item], errors: &mut Errors) -> bool {
    let Some(Item::Stage(stage)) = items.last_mut() else { return false };
    if !at_late_options(&input.fork()) {
        return false;
    }
    errors
        .at_span(input.span(), "this option comes after the `;` of its item: write `,` in place of that `;`");
    while !input.peek(Token![;]) {
        stage.settings.extend(setting::parse(input, errors));
        if input.peek(Token![,]) {
            skip(input);
        }
    }
    skip(input);
    true
}

/// Reads options of a step, and returns whether they end with a `;`.
fn at_late_options(input: ParseStream<'_>) -> bool {
    loop {
        let word = input.fork().call(Ident::parse_any).map(|word| word.to_string());
        let is_of_a_step = word.is_ok_and(|word| {
            OptionWord::from_word(&word).is_some_and(|option| OptionWord::OF_STEP.contains(&option))
        });
        if !is_of_a_step || setting::parse(input, &mut Errors::default()).is_none() {
            return false;
        }
        if input.peek(Token![;]) {
            return true;
        }
        if !input.peek(Token![,]) {
            return false;
        }
        skip(input);
    }
}

/// The word of an option at the start of an item: one that takes no value, or whose value is missing.
fn at_lone_option(input: ParseStream<'_>) -> bool {
    let fork = input.fork();
    let Ok(word) = fork.call(Ident::parse_any).map(|word| word.to_string()) else { return false };
    let ends = fork.is_empty() || fork.peek(Token![,]) || fork.peek(Token![;]);
    match OptionWord::from_word(&word) {
        Some(OptionWord::Acknowledged) => ends || at_word(&fork) || at_setting(&fork),
        Some(_) => ends,
        None => ends && OptionWord::stands_alone(&word),
    }
}

/// Reads `word: value,` before the items: an option of the pipeline.
fn pipeline_setting(
    input: ParseStream<'_>,
    in_place: bool,
    settings: &mut Vec<Setting>,
    errors: &mut Errors,
) {
    if !in_place {
        errors.at_span(
            input.span(),
            "the pipeline's options come before its first item; an item's options follow its recipe, after a `,` and before the `;`",
        );
    }
    let setting = setting::parse(input, errors);
    if input.peek(Token![,]) {
        skip(input);
    } else if input.peek(Token![;]) {
        errors.at_span(input.span(), "expected `,`: the pipeline's options end with a comma");
        skip(input);
    } else if at_setting(input) || at_word(input) {
        if let Some(setting) = &setting {
            errors.at(setting.end(), "expected `,` after this option");
        }
    } else if !input.is_empty() {
        errors.at_span(input.span(), "expected `,` after the option");
        skip_item(input);
    }
    settings.extend(setting);
}

fn item(input: ParseStream<'_>, errors: &mut Errors) -> Option<Item> {
    let docs = docs(input, errors);
    if input.is_empty() {
        return None;
    }
    if !input.peek(Ident::peek_any) {
        let stray = input.parse::<Option<Token![;]>>().ok().flatten();
        if stray.is_none() {
            errors.at_span(
                input.span(),
                "expected an item: `start <producer>;`, `step <stage>;` or `finish <consumer>;`",
            );
            skip_item(input);
        }
        return None;
    }
    let word: Ident = input.call(Ident::parse_any).ok()?;
    let text = word.to_string();
    if let Some(junction) = Junction::from_word(&text) {
        no_docs(&docs, &word, errors);
        return Some(branch::parse(junction, &word, input, errors));
    }
    let mut role = Role::from_word(&text);
    if role.is_none() {
        if let Some(junction) = Junction::guess(&text) {
            errors.at(&word, format!("unknown word `{word}`: did you mean `{}`?", junction.word()));
            return Some(branch::parse(junction, &word, input, errors));
        }
        role = Role::guess(&text);
        errors.at(&word, unknown_word(&text, role));
    }
    let Some(role) = role else {
        skip_item(input);
        return Some(Item::Unknown(word.span()));
    };
    no_colon(&word, &format!("{};", role.example()), input, errors);
    let (word_of, settings) = (word.span(), Vec::new());
    let mut stage = Stage { docs, word: word_of, role, emits: None, recipe: None, settings };
    let finish = if role == Role::Then { finish(input) } else { None };
    if finish.is_some() {
        stage.role = Role::ThenFinish;
    }
    stage.emits = emits(input, stage.role, errors);
    recipe(input, finish.as_ref().unwrap_or(&word), &mut stage, errors);
    Some(Item::Stage(Box::new(stage)))
}

/// Reads the `finish` of `then finish sum;`. A call `finish(…)` is a function of that name and stays unread.
fn finish(input: ParseStream<'_>) -> Option<Ident> {
    let fork = input.fork();
    let word: Ident = fork.call(Ident::parse_any).ok().filter(|word| word == Role::Finish.word())?;
    if fork.peek(Paren) || fork.peek(Token![::]) || fork.peek(Token![.]) {
        return None;
    }
    skip(input);
    Some(word)
}

/// Reads the `filter` of `step filter |event| …`. Where no function follows, the word is a recipe of that name.
fn emits(input: ParseStream<'_>, role: Role, errors: &mut Errors) -> Option<(Emits, Ident)> {
    let fork = input.fork();
    let word: Ident = fork.call(Ident::parse_any).ok()?;
    let is_closure =
        fork.peek(Token![|]) || fork.peek(Token![||]) || fork.peek(Token![move]) || fork.peek(Token![async]);
    let text = word.to_string();
    let known = Emits::from_word(&text);
    let emits = match known {
        Some(emits) if is_closure || fork.peek(Ident) && !at_word(&fork) => emits,
        None if is_closure && fork.peek2(Ident) => Emits::guess(&text)?,
        Some(_) | None => return None,
    };
    skip(input);
    if known.is_none() {
        errors.at(
            &word,
            format!("unknown word `{word}`: did you mean `{}`, as in `{}`?", emits.word(), emits.example()),
        );
    }
    match role {
        Role::Step | Role::Then => return Some((emits, word)),
        Role::Start => errors.at(
            &word,
            format!(
                "a `start` has no events to choose from: put the `{}` on a `step` after it",
                emits.word()
            ),
        ),
        Role::ThenFinish | Role::Through | Role::Across | Role::Finish => errors.at(
            &word,
            format!(
                "a `{}` takes no `{}`: write it as an item before this one, such as `{};`",
                role.word(),
                emits.word(),
                emits.example()
            ),
        ),
    }
    None
}

/// Refuses `step: f;`, and returns whether there was a colon.
pub(super) fn no_colon(word: &Ident, example: &str, input: ParseStream<'_>, errors: &mut Errors) -> bool {
    let is_there = input.peek(Token![:]) && !input.peek(Token![::]);
    if is_there {
        errors.at_span(input.span(), format!("`{word}` begins an item and takes no `:`: write `{example}`"));
        skip(input);
    }
    is_there
}

fn no_docs(docs: &[String], word: &Ident, errors: &mut Errors) {
    if !docs.is_empty() {
        errors.at(
            word,
            format!("a doc comment above `{word}` describes nothing: put it above one of the items"),
        );
    }
}

fn unknown_word(word: &str, guess: Option<Role>) -> String {
    match (guess, word) {
        (Some(role), _) => format!("unknown word `{word}`: did you mean `{}`?", role.word()),
        (None, "and") => "`and` without a `broadcast` before it: write `broadcast { … } and { … }`".to_owned(),
        (None, "when") => "`when` selects the events of a branch: write `broadcast when (|event| …) { … } and { … }`".to_owned(),
        (None, "let") => "`let` is not an item: compute the value before `new` and make it a parameter, or compute it in a closure".to_owned(),
        (None, "by") => "`by` without a `partition`, or a recipe: write `partition by |event| event.key, into 4 { … }`, or `step Name, by: |event| event.key;`".to_owned(),
        (None, _) => match Emits::from_word(word).or_else(|| Emits::guess(word)) {
            Some(emits) => format!("`{word}` begins no item: write `{};`", emits.example()),
            None => format!("unknown word `{word}`: an item begins with {}", list(item_words(), "or")),
        },
    }
}

/// Reads the recipe and the options, including the `;`.
fn recipe(input: ParseStream<'_>, word: &Ident, item: &mut Stage, errors: &mut Errors) {
    if input.is_empty() || input.peek(Token![;]) || input.peek(Token![,]) || at_setting(input) {
        let what = match item.role {
            Role::Across => "an edge",
            _ => "a recipe: the expression that builds its stage",
        };
        let (word_of, example) = (item.role.word(), item.role.example());
        errors.at(word, format!("`{word_of}` needs {what}, such as `{example}`"));
        if at_setting(input) && !at_word(input) {
            item.settings.extend(setting::parse(input, errors));
        }
    } else {
        match setting::expr(input) {
            Ok(expr) => item.recipe = Some(expr),
            Err(error) => {
                errors.push(error);
                skip_item(input);
                return;
            }
        }
    }
    loop {
        if input.peek(Token![;]) {
            skip(input);
            return;
        }
        if input.is_empty() || at_word(input) {
            missing_semicolon(word.span(), item, errors);
            return;
        }
        if input.peek(Token![,]) {
            skip(input);
            // After a comma, a word with a colon is an option, if a misspelt one: `partition: 4`.
            if input.peek(Token![;]) || input.is_empty() || at_word(input) && !at_setting(input) {
                continue;
            }
        } else if at_setting(input) {
            errors.at_span(input.span(), "expected `,` before this option");
        } else {
            errors.at_span(input.span(), "expected `;` to end the item, or `,` and an option");
            skip_item(input);
            return;
        }
        item.settings.extend(setting::parse(input, errors));
    }
}

fn missing_semicolon(word: Span, item: &Stage, errors: &mut Errors) {
    let message = "expected `;` after this: every item ends with one";
    match (item.settings.last(), &item.recipe) {
        (Some(setting), _) => errors.at(setting.end(), message),
        (None, Some(recipe)) => errors.at(recipe, message),
        (None, None) => errors.at_span(word, message),
    }
}

fn docs(input: ParseStream<'_>, errors: &mut Errors) -> Vec<String> {
    let mut docs = Vec::new();
    for attribute in input.call(Attribute::parse_outer).unwrap_or_default() {
        match &attribute.meta {
            Meta::NameValue(meta) if meta.path.is_ident("doc") => {
                if let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &meta.value {
                    docs.push(text.value());
                }
            }
            _ => errors.at(&attribute, "items take doc comments, no other attributes"),
        }
    }
    docs
}

/// Advances the stream past the next token.
pub(super) fn skip(input: ParseStream<'_>) {
    // Callers ensure that there is a token, so there is no error to report.
    let _token = input.parse::<TokenTree>();
}

/// Advances the stream past the next `;`, or to its end.
pub(super) fn skip_item(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![;]) {
        skip(input);
    }
    skip(input);
}
