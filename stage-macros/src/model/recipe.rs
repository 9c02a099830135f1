//! Recipes: expressions that build a stage, or that are a function.

use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::{Expr, ExprArray, ExprClosure, ReturnType, parse_quote_spanned};

use super::naming;
use super::scope::{Scope, starts_in_lower_case};
use crate::error::Errors;
use crate::words::{Emits, Role};

/// The expression after `start`, `step` or `finish`.
pub(crate) struct RecipeExpr {
    pub(crate) shape: Shape,
    /// The number of events that a function emits for one.
    pub(crate) emits: Emits,
    pub(crate) expr: Expr,
    /// The token that represents the recipe: the name of its type or function.
    pub(crate) anchor: Span,
}

/// The method of the builder that takes the recipe.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The expression makes a stage; it runs once per copy and again at each restart.
    Stage,
    /// The expression is a function: of one event, or, at a start, of nothing to an iterator.
    Function,
}

impl RecipeExpr {
    pub(super) fn read(
        role: Role,
        emits: Option<Emits>,
        expr: Expr,
        scope: &Scope<'_>,
        errors: &mut Errors,
    ) -> Self {
        let anchor = naming::anchor(&expr);
        let shape = if emits.is_some() { Shape::Function } else { shape(role, &expr, scope) };
        let emits = emits.unwrap_or_default();
        if let Expr::Closure(closure) = &expr {
            check_closure(role, emits, closure, errors);
        }
        let expr = if role == Role::Start { iterator(expr, shape) } else { expr };
        Self { shape, emits, expr, anchor }
    }

    /// Applies `args: [a, b]`: the path becomes `path::new(a, b)`.
    pub(super) fn call_new(&mut self, args: &ExprArray, errors: &mut Errors) {
        let (Expr::Path(path), Shape::Stage) = (&self.expr, self.shape) else {
            errors.at(
                args,
                "`args` belongs after the name of a type: `Name, args: [a, b]` means `Name::new(a, b)`; here, write the arguments into the recipe",
            );
            return;
        };
        let elems = &args.elems;
        self.expr = parse_quote_spanned!(args.span()=> #path::new(#elems));
    }
}

fn shape(role: Role, expr: &Expr, scope: &Scope<'_>) -> Shape {
    match expr {
        // Only its type tells whether it is a function.
        _ if matches!(role, Role::Through | Role::Across) => Shape::Stage,
        Expr::Closure(_) => Shape::Function,
        Expr::Range(_) if role == Role::Start => Shape::Function,
        Expr::Path(path) => {
            let param = path.path.get_ident().is_some_and(|ident| scope.is_param(ident));
            let function = path.path.segments.last().is_some_and(|last| starts_in_lower_case(&last.ident));
            if function && !param { Shape::Function } else { Shape::Stage }
        }
        _ => Shape::Stage,
    }
}

/// Returns the expression that makes the iterator of a `start`: the body of its closure, or a call of the
/// function.
fn iterator(expr: Expr, shape: Shape) -> Expr {
    match (shape, expr) {
        (Shape::Function, Expr::Closure(closure)) if matches!(closure.output, ReturnType::Default) => {
            *closure.body
        }
        (Shape::Function, Expr::Closure(closure)) => parse_quote_spanned!(closure.span()=> (#closure)()),
        (Shape::Function, Expr::Path(function)) => parse_quote_spanned!(function.span()=> #function()),
        (_, expr) => expr,
    }
}

fn check_closure(role: Role, emits: Emits, closure: &ExprClosure, errors: &mut Errors) {
    if let Some(token) = closure.asyncness.as_ref().filter(|_| !matches!(role, Role::Through | Role::Across))
    {
        let advice = awaiting(role, emits);
        errors.at(token, format!("this closure returns a future that is never awaited: write {advice}"));
    }
    let inputs = closure.inputs.len();
    match role {
        Role::Start if inputs != 0 => errors.at(
            &closure.inputs,
            "the closure of a `start` takes no arguments and returns an iterator, such as `|| 0..100`",
        ),
        Role::Through => errors.at(
            closure,
            "`through` takes a pipeline declared with `: In => Out`, or a `Segment`: write `through Other::new(…)`, or a `step` for a closure",
        ),
        Role::Across => errors.at(
            closure,
            "`across` takes an edge: write `across edge, name: \"orders\"`, with a parameter of the pipeline",
        ),
        Role::Step | Role::Then | Role::ThenFinish | Role::Finish if inputs != 1 => errors
            .at(closure, format!("the closure of a `{}` takes one event, such as `|event| …`", role.word())),
        Role::Start | Role::Step | Role::Then | Role::ThenFinish | Role::Finish => {}
    }
}

/// Returns what to write instead of an async closure.
fn awaiting(role: Role, emits: Emits) -> String {
    let (handler, result, after) = match emits {
        Emits::Filter | Emits::Some => ("policy::each_some", "a `Result` of an `Option`", ""),
        Emits::One => ("policy::each", "a `Result`", ""),
        Emits::Many => ("policy::each", "a `Result`", "; step many |events| events"),
    };
    let word = match role {
        Role::ThenFinish | Role::Finish => "finish",
        _ => "step",
    };
    let code = format!("{word} {handler}(|event: Event| async move {{ … }}), on_failure: restart{after}");
    let code = match role {
        Role::Start => format!("`start || [event]; {code}`"),
        Role::Then | Role::ThenFinish => format!("`{code}` instead of this `{}`", role.word()),
        _ => format!("`{code}`"),
    };
    format!(
        "{code}, whose function returns {result}, with the type of the event and `use stage_core::policy;`"
    )
}
