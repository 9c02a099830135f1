//! How does a model come out of the tokens?

use super::naming::{self, snake_case};
use super::settings::{Owner, Settings};
use super::{Model, Recipe, Scope, Step, Text};
use crate::ast::{Ast, Header, Item};
use crate::error::Errors;
use crate::words::Role;

/// Reads the options and recipes. What cannot be read is reported and left out.
pub(crate) fn lower(ast: Ast, errors: &mut Errors) -> (Header, Model) {
    let Ast { header, settings, items } = ast;
    let scope = Scope::of(&header);
    let Settings { name, options, .. } = Settings::read(settings, Owner::PIPELINE, &scope, errors);
    let name = name.unwrap_or_else(|| Text::Default(snake_case(&header.name.to_string())));
    let shape = header.shape.map(|colon| (None, colon));
    let outline = shape.into_iter().chain(items.iter().map(|item| (item.role, item.word))).collect();
    let mut number = 0;
    let mut steps = Vec::new();
    for item in items {
        number += usize::from(item.role == Some(Role::Step));
        steps.extend(step(item, number, &scope, errors));
    }
    naming::distinguish(&mut steps);
    (header, Model { name, defaults: options, steps, outline })
}

fn step(item: Item, number: usize, scope: &Scope<'_>, errors: &mut Errors) -> Option<Step> {
    let role = item.role?;
    let owner = match role {
        Role::Start => Owner::START,
        Role::Step => Owner::STEP,
        Role::Finish => Owner::FINISH,
    };
    let Settings { name, options, by, args } = Settings::read(item.settings, owner, scope, errors);
    let expr = item.recipe?;
    let default = naming::default_name(&expr, role, number);
    let mut recipe = Recipe::read(role, expr, scope, errors);
    if let Some(args) = args {
        recipe.call_new(&args, errors);
    }
    let name = name.unwrap_or(Text::Default(default));
    Some(Step { role, docs: item.docs, recipe, name, options, by })
}
