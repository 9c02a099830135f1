//! What does each option mean? Unknown, doubled and misplaced ones are reported here.

use proc_macro2::Ident;
use syn::{Expr, ExprArray, Lit, LitStr};

use super::scope::{Scope, starts_in_lower_case};
use super::{By, Number, Options, Placement, Text};
use crate::ast::Setting;
use crate::error::Errors;
use crate::suggest::did_you_mean;
use crate::words::{OptionWord, sentence};

/// All options of one item, or of the pipeline.
#[derive(Default)]
pub(super) struct Settings {
    pub(super) name: Option<Text>,
    pub(super) options: Options,
    pub(super) by: Option<By>,
    pub(super) args: Option<ExprArray>,
}

/// Who has the options.
#[derive(Clone, Copy)]
pub(super) struct Owner {
    /// For messages: "the pipeline", "a `start`".
    pub(super) title: &'static str,
    pub(super) allowed: &'static [OptionWord],
}

impl Owner {
    pub(super) const PIPELINE: Self = Self { title: "the pipeline", allowed: &OptionWord::OF_PIPELINE };
    pub(super) const START: Self = Self { title: "a `start`", allowed: &OptionWord::OF_START };
    pub(super) const STEP: Self = Self { title: "a `step`", allowed: &OptionWord::OF_STEP };
    pub(super) const FINISH: Self = Self { title: "a `finish`", allowed: &OptionWord::OF_STEP };
}

impl Settings {
    pub(super) fn read(settings: Vec<Setting>, owner: Owner, scope: &Scope<'_>, errors: &mut Errors) -> Self {
        let mut read = Self::default();
        let mut seen = Vec::new();
        for Setting { word, value } in settings {
            let Some(option) = known(&word, owner, errors) else {
                continue;
            };
            if seen.contains(&option) {
                errors.at(&word, format!("`{word}` is set twice: keep one of the two"));
                continue;
            }
            seen.push(option);
            read.set(option, word, value, scope, errors);
        }
        read
    }

    fn set(&mut self, option: OptionWord, word: Ident, value: Expr, scope: &Scope<'_>, errors: &mut Errors) {
        let options = &mut self.options;
        match option {
            OptionWord::Name => self.name = text(value, errors),
            OptionWord::Count => options.count = Number::read(option, value, scope, errors),
            OptionWord::MinDemand => {
                options.min_demand = Number::read(option, value, scope, errors);
            }
            OptionWord::MaxDemand => {
                options.max_demand = Number::read(option, value, scope, errors);
            }
            OptionWord::Placement => options.placement = placement(value, scope, errors),
            OptionWord::By => self.by = key(word, value, errors),
            OptionWord::Args => match value {
                Expr::Array(args) => self.args = Some(args),
                value => errors.at(&value, "`args` is a list, also of one: write `args: [a, b]`"),
            },
        }
    }
}

fn known(word: &Ident, owner: Owner, errors: &mut Errors) -> Option<OptionWord> {
    let text = word.to_string();
    let Owner { title, allowed } = owner;
    match OptionWord::from_word(&text) {
        Some(option) if allowed.contains(&option) => return Some(option),
        Some(option) => errors.at(word, format!("{title} has no `{text}`: {}", misplaced(option))),
        None => {
            let advice = match did_you_mean(&text, allowed.iter().map(|option| option.word())) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("{title} takes {}", sentence(allowed)),
            };
            errors.at(word, format!("unknown option `{text}`: {advice}"));
        }
    }
    None
}

/// Why an option is refused where it stands, and where it belongs.
fn misplaced(option: OptionWord) -> &'static str {
    match option {
        OptionWord::By => "it feeds the copies of one step by key; put it on that `step` or `finish`",
        OptionWord::Args => "it holds the arguments of one recipe; put it after that recipe",
        OptionWord::MinDemand | OptionWord::MaxDemand => {
            "it asks nobody for events; put it on the item after it, which does the asking"
        }
        OptionWord::Name | OptionWord::Count | OptionWord::Placement => "put it on an item",
    }
}

fn text(value: Expr, errors: &mut Errors) -> Option<Text> {
    let Expr::Lit(literal) = &value else {
        return Some(Text::Computed(value));
    };
    match &literal.lit {
        Lit::Str(text) if text.value().is_empty() => {
            errors.at(text, "a name of no letters names nothing: write one such as `name: \"storage\"`");
            None
        }
        Lit::Str(text) => Some(Text::Literal(LitStr::clone(text))),
        other => {
            errors.at(other, "`name` is text: write it in quotes, such as `name: \"storage\"`");
            None
        }
    }
}

fn placement(value: Expr, scope: &Scope<'_>, errors: &mut Errors) -> Option<Placement> {
    const WORDS: [(&str, &str); 3] = [("runtime", "Runtime"), ("blocking", "Blocking"), ("rayon", "Rayon")];
    if let Expr::Lit(literal) = &value {
        errors
            .at(literal, "`placement` is one of the words `runtime`, `blocking` and `rayon`, without quotes");
        return None;
    }
    let word = match &value {
        Expr::Path(path) => {
            path.path.get_ident().filter(|ident| starts_in_lower_case(ident) && !scope.is_param(ident))
        }
        _ => None,
    };
    let Some(word) = word else {
        return Some(Placement::Computed(value));
    };
    if let Some((_, variant)) = WORDS.iter().find(|(text, _)| word == text) {
        return Some(Placement::Word(Ident::new(variant, word.span())));
    }
    let meant = did_you_mean(&word.to_string(), WORDS.map(|(text, _)| text));
    let advice = meant.map_or_else(
        || "`runtime` (the default), `blocking` or `rayon`".to_owned(),
        |meant| format!("did you mean `{meant}`?"),
    );
    errors.at(word, format!("unknown placement `{word}`: {advice}"));
    None
}

fn key(word: Ident, key: Expr, errors: &mut Errors) -> Option<By> {
    let advice = "`by` is a closure from an event to its key, such as `by: |event| event.key`";
    match &key {
        Expr::Closure(closure) if closure.inputs.len() != 1 => errors.at(closure, advice),
        Expr::Lit(literal) => errors.at(literal, advice),
        _ => return Some(By { word, key }),
    }
    None
}
