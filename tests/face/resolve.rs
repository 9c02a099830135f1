//! Finds the definition that a re-export leads to.

use std::io;

use super::read::{Kind, Named, Tree};

/// The number of re-exports followed before they count as a circle.
const MOST: usize = 32;

/// A public name of a module.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) is_module: bool,
    /// The path of the item itself.
    pub(super) definition: String,
}

impl Tree {
    /// Returns the names that a module shows.
    pub(super) fn shown(&self, module: &[String]) -> io::Result<Vec<Shown>> {
        let Some(names) = self.modules.get(module) else {
            return Err(io::Error::other(format!("no module `{}`", module.join("::"))));
        };
        let shown = names.iter().filter(|named| named.is_shown).map(|named| {
            let (definition, is_module) = self.definition(module, named)?;
            Ok(Shown { name: named.name.clone(), is_module, definition })
        });
        shown.collect()
    }

    /// Returns the path of the item that `path` means in `module`; `None` if it is of another crate.
    pub(super) fn meaning(&self, module: &[String], path: &[String]) -> Option<String> {
        let named = match path {
            [name] => find(self.modules.get(module)?, name, false)?.clone(),
            _ => Named { name: String::new(), is_shown: false, kind: Kind::Use(path.to_vec()) },
        };
        self.definition(module, &named).ok().map(|(definition, _)| definition)
    }

    /// Returns the path of the item that `named` leads to, and whether it is a module of its own.
    fn definition(&self, module: &[String], named: &Named) -> io::Result<(String, bool)> {
        let (mut module, mut named) = (module.to_vec(), named.clone());
        for _ in 0..MOST {
            let path = match &named.kind {
                Kind::Item => return Ok((joined(&module, &named.name), false)),
                Kind::Module => return Ok((joined(&module, &named.name), true)),
                Kind::Use(path) => path.clone(),
            };
            let Some(absolute) = self.absolute(&module, &path) else {
                // A name of another crate.
                return Ok((path.join("::"), false));
            };
            let Some((name, parent)) = absolute.split_last() else { break };
            let Some(entries) = self.modules.get(parent) else {
                return Err(io::Error::other(format!("`{}` leads nowhere", path.join("::"))));
            };
            let Some(next) = find(entries, name, module == parent) else {
                // An item that a macro of the module makes.
                return Ok((absolute.join("::"), false));
            };
            (module, named) = (parent.to_vec(), next.clone());
        }
        Err(io::Error::other(format!("`{}` is not resolved: a glob, a circle, or a module", named.name)))
    }

    /// Returns the path from the root of the crate; `None` if it leads to another crate.
    fn absolute(&self, module: &[String], path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        let mut base = match first.as_str() {
            "crate" => Vec::new(),
            "self" => module.to_vec(),
            "super" => module[..module.len().checked_sub(1)?].to_vec(),
            name => {
                let here = self.modules.get(module)?;
                let is_module =
                    here.iter().any(|named| named.name == name && matches!(named.kind, Kind::Module));
                if !is_module {
                    return None;
                }
                [module, &[name.to_owned()]].concat()
            }
        };
        for word in rest {
            if word == "super" {
                base.pop()?;
            } else {
                base.push(word.clone());
            }
        }
        Some(base)
    }
}

/// Returns the item or re-export called `name`. A re-export that is resolved never leads back to itself.
fn find<'a>(entries: &'a [Named], name: &str, is_own: bool) -> Option<&'a Named> {
    let mut found = entries.iter().filter(|entry| entry.name == name);
    if is_own {
        return found.find(|entry| !matches!(entry.kind, Kind::Use(_)));
    }
    found.clone().find(|entry| matches!(entry.kind, Kind::Item)).or_else(|| found.next())
}

fn joined(module: &[String], name: &str) -> String {
    let mut path = module.to_vec();
    path.push(name.to_owned());
    path.join("::")
}
