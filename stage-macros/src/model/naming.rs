//! Default names of steps, and the token of a recipe that represents it in errors.

use proc_macro2::{Ident, Span};
use syn::spanned::Spanned as _;
use syn::{Expr, Path};

use super::scope::starts_in_lower_case;
use super::{Step, Text};
use crate::words::Role;

/// Returns the snake-case name of the type or function in the recipe; without one, the role and its number.
pub(super) fn default_name(recipe: &Expr, role: Role, number: usize) -> String {
    match (subject(recipe), role) {
        (Some(subject), _) => snake_case(&subject.to_string()),
        (None, Role::Step | Role::Then | Role::ThenFinish) => format!("step_{number}"),
        (None, Role::Start | Role::Through | Role::Across | Role::Finish) => role.word().to_owned(),
    }
}

/// Returns the token of the recipe at which its mistakes are reported.
pub(super) fn anchor(recipe: &Expr) -> Span {
    match (recipe, subject(recipe)) {
        (_, Some(subject)) => subject.span(),
        (Expr::Closure(closure), None) => closure.inputs_begin.span,
        (other, None) => other.span(),
    }
}

/// Appends a number to default names that are taken: `encryption`, `encryption_2`.
pub(super) fn distinguish(steps: &mut [&mut Step]) {
    let mut taken: Vec<String> = steps
        .iter()
        .filter(|step| !matches!(step.name, Text::Default(_)))
        .filter_map(|step| step.name.known())
        .collect();
    for step in steps {
        if let Text::Default(name) = &mut step.name {
            let base = name.clone();
            let mut number = 2;
            while taken.contains(name) {
                *name = format!("{base}_{number}");
                number += 1;
            }
            taken.push(name.clone());
        }
    }
}

/// Returns the type or function of the recipe: `RemoteStorage` in `drip::RemoteStorage::new(storage)?`.
fn subject(recipe: &Expr) -> Option<&Ident> {
    match recipe {
        Expr::Path(path) => of_path(&path.path),
        Expr::Call(call) => subject(&call.func),
        Expr::MethodCall(call) => subject(&call.receiver),
        Expr::Struct(literal) => of_path(&literal.path),
        Expr::Try(inner) => subject(&inner.expr),
        Expr::Paren(inner) => subject(&inner.expr),
        Expr::Group(inner) => subject(&inner.expr),
        Expr::Reference(inner) => subject(&inner.expr),
        _ => None,
    }
}

/// Returns the last type in the path; in a path of functions and modules, the last function not called `new`.
fn of_path(path: &Path) -> Option<&Ident> {
    let idents = || path.segments.iter().rev().map(|segment| &segment.ident);
    let constructor = |ident: &&Ident| *ident == "new" || *ident == "default";
    idents()
        .find(|ident| !starts_in_lower_case(ident))
        .or_else(|| idents().find(|ident| !constructor(ident)))
        .or_else(|| idents().next())
}

/// Converts `HttpServer`, `HTTPServer` and `http_server` to `http_server`.
pub(super) fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.trim_start_matches("r#").chars().collect();
    let mut snake = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let last = index.checked_sub(1).map(|last| letters[last]);
        let behind_a_word = last.is_some_and(|last| last.is_lowercase() || last.is_ascii_digit());
        let before_a_word = last.is_some_and(char::is_uppercase)
            && letters.get(index + 1).is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && (behind_a_word || before_a_word) {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::{default_name, snake_case};
    use crate::words::Role;

    fn named(recipe: &str) -> String {
        default_name(&syn::parse_str(recipe).expect("an expression"), Role::Step, 3)
    }

    #[test]
    fn words_are_split_as_by_a_reader() {
        for (name, snake) in [
            ("RemoteStorage", "remote_storage"),
            ("Qaz", "qaz"),
            ("Step1Module", "step1_module"),
            ("HTTPServer", "http_server"),
            ("parse_line", "parse_line"),
            ("LIMIT", "limit"),
            ("r#Match", "match"),
        ] {
            assert_eq!(snake_case(name), snake);
        }
    }

    #[test]
    fn a_step_is_named_after_its_type_or_function() {
        for (recipe, name) in [
            ("Encryption", "encryption"),
            ("RemoteStorage::new(storage)", "remote_storage"),
            ("drip::RemoteStorage::open(&path)?", "remote_storage"),
            ("Builder::new().with(1).build()", "builder"),
            ("Adder(1)", "adder"),
            ("Adder { by: 1 }", "adder"),
            ("Map::<u64>::new()", "map"),
            ("text::parse", "parse"),
            ("make_stage(queue)", "make_stage"),
            ("counter::new()", "counter"),
        ] {
            assert_eq!(named(recipe), name, "{recipe}");
        }
    }

    #[test]
    fn an_unnamed_step_is_named_after_its_position() {
        assert_eq!(named("|x| x + 1"), "step_3");
        assert_eq!(named("make!(1)"), "step_3");
        assert_eq!(default_name(&syn::parse_quote!(0..3), Role::Start, 0), "start");
    }
}
