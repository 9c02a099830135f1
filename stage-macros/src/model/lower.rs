//! Conversion of the syntax tree into the model.

use super::naming::{self, snake_case};
use super::pipeline::{Across, Branch, Broadcast, Node, Partition};
use super::settings::{Owner, Settings};
use super::walk::steps_mut;
use super::{Model, Number, Outline, RecipeExpr, Scope, Step, Text, policy};
use crate::ast::{self, Ast, Header, Item, Stage};
use crate::error::Errors;
use crate::option_words::OptionWord;
use crate::words::Role;

/// Reads the options and recipes. Parts that cannot be read are reported and left out.
pub(crate) fn lower(ast: Ast, errors: &mut Errors) -> (Header, Model) {
    let Ast { header, settings, items } = ast;
    let scope = Scope::of(&header);
    let owner = if header.part.is_some() { Owner::PART } else { Owner::PIPELINE };
    let Settings { name, options, supervision, acknowledged, .. } =
        Settings::read(settings, owner, &scope, errors);
    let default_name = snake_case(&header.name.to_string());
    let name = name.unwrap_or_else(|| Text::Default(default_name.clone()));
    let part = header.part.as_ref().and_then(|part| part.types.clone());
    let outline = Outline::of(&items);
    let mut reader = Reader { scope: &scope, number: 0, errors };
    let mut nodes = reader.nodes(items);
    naming::distinguish(&mut steps_mut(&mut nodes));
    (header, Model { name, default_name, part, defaults: options, acknowledged, supervision, nodes, outline })
}

/// Reads items, and counts the steps to number those without a name.
struct Reader<'a> {
    scope: &'a Scope<'a>,
    number: usize,
    errors: &'a mut Errors,
}

impl Reader<'_> {
    fn nodes(&mut self, items: Vec<Item>) -> Vec<Node> {
        let mut nodes = Vec::new();
        for item in items {
            match item {
                Item::Stage(stage) if matches!(stage.role, Role::Then | Role::ThenFinish) => {
                    self.then(*stage, &mut nodes);
                }
                Item::Stage(stage) => nodes.extend(self.step(*stage).map(|step| Node::Step(Box::new(step)))),
                Item::Broadcast(broadcast) => nodes.push(Node::Broadcast(self.broadcast(broadcast))),
                Item::Partition(partition) => {
                    nodes.extend(self.partition(*partition).map(|parts| Node::Partition(Box::new(parts))));
                }
                Item::Merge(word) => {
                    let merge = match nodes.last_mut() {
                        Some(Node::Broadcast(broadcast)) => &mut broadcast.merge,
                        Some(Node::Partition(partition)) => &mut partition.merge,
                        Some(Node::Step(_)) | None => continue,
                    };
                    merge.get_or_insert(word);
                }
                Item::Unknown(_) => {}
            }
        }
        nodes
    }

    fn step(&mut self, stage: Stage) -> Option<Step> {
        let Stage { docs, word, role, emits, recipe, settings } = stage;
        let emits = emits.map(|(emits, _)| emits);
        self.number += usize::from(role == Role::Step);
        let owner = match role {
            Role::Start => Owner::START,
            Role::Step | Role::Then | Role::ThenFinish => Owner::STEP,
            Role::Through => Owner::THROUGH,
            Role::Across => Owner::ACROSS,
            Role::Finish => Owner::FINISH,
        };
        let settings = Settings::read(settings, owner, self.scope, self.errors);
        if role == Role::Across && settings.name.is_none() && recipe.is_some() {
            self.errors.at_span(
                word,
                "`across` needs a name, by which all machines know the edge: add `name: \"orders\"`",
            );
        }
        let Settings { name, options, by, dispatcher, rejected, args, policy, at_once, gates, .. } = settings;
        let (partitions, schema, spec) = (settings.partitions, settings.schema, settings.spec);
        let across = (role == Role::Across).then_some(Across { word, partitions, schema, spec });
        let expr = recipe?;
        let default = naming::default_name(&expr, role, self.number);
        let mut recipe = RecipeExpr::read(role, emits, expr, self.scope, self.errors);
        if let Some(args) = args {
            recipe.call_new(&args, self.errors);
        }
        let policy = match role {
            Role::Step | Role::Finish => policy
                .or_else(|| policy::of_each(&recipe.expr))
                .or_else(|| at_once.as_ref().map(|at_once| policy::of_word(&at_once.word))),
            Role::Start | Role::Then | Role::ThenFinish | Role::Through | Role::Across => policy,
        };
        let name = name.unwrap_or(Text::Default(default));
        let (thens, finish) = (Vec::new(), None);
        Some(Step {
            role,
            docs,
            recipe,
            thens,
            finish,
            name,
            options,
            by,
            dispatcher,
            rejected,
            policy,
            at_once,
            gates,
            across,
        })
    }

    /// Adds to the previous step; a missing one is reported elsewhere.
    fn then(&mut self, stage: Stage, nodes: &mut [Node]) {
        let Stage { word, role, emits, recipe, settings, .. } = stage;
        let emits = emits.map(|(emits, _)| emits);
        let Settings { args, .. } = Settings::read(settings, Owner::THEN, self.scope, self.errors);
        let Some(expr) = recipe else { return };
        let mut recipe = RecipeExpr::read(role, emits, expr, self.scope, self.errors);
        if let Some(args) = args {
            recipe.call_new(&args, self.errors);
        }
        if let Some(Node::Step(step)) = nodes.last_mut() {
            step.thens.push(recipe);
            step.finish = step.finish.or((role == Role::ThenFinish).then_some(word));
        }
    }

    fn broadcast(&mut self, broadcast: ast::Broadcast) -> Broadcast {
        let ast::Broadcast { word, branches, .. } = broadcast;
        let branch = |ast::Branch { word, when, items }| {
            let when = when.and_then(|when| self.selector(when));
            Branch { word, when, nodes: self.nodes(items) }
        };
        Broadcast { word, branches: branches.into_iter().map(branch).collect(), merge: None }
    }

    fn selector(&mut self, when: syn::Expr) -> Option<syn::Expr> {
        let advice = "`when` takes a predicate on the event, such as `when (|event| event.urgent)`";
        match &when {
            syn::Expr::Closure(closure) if closure.inputs.len() != 1 => self.errors.at(closure, advice),
            syn::Expr::Lit(literal) => self.errors.at(literal, advice),
            _ => return Some(when),
        }
        None
    }

    fn partition(&mut self, partition: ast::Partition) -> Option<Partition> {
        let ast::Partition { word, key, into, branch } = partition;
        let into = into.and_then(|into| Number::read(OptionWord::Into, into, self.scope, self.errors));
        let nodes = branch.map(|branch| self.nodes(branch.items));
        let key = key
            .and_then(|key| super::closures::key(key, "by", "partition by |event| event.key", self.errors));
        Some(Partition { word, key: key?, into: into?, nodes: nodes?, merge: None })
    }
}
