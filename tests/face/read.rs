//! Reader of the items of every module of a crate.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use syn::{Attribute, Expr, Item, Lit, Meta, UseTree, Visibility};

use tests::source::workspace_root;

/// The modules of a crate with their items.
#[derive(Default)]
pub(super) struct Tree {
    pub(super) modules: BTreeMap<Vec<String>, Vec<Named>>,
    pub(super) sources: BTreeMap<Vec<String>, Source>,
}

/// The content of a module, without its tests.
pub(super) struct Source {
    /// The folder of its file, from which the paths of included texts start.
    pub(super) folder: PathBuf,
    pub(super) docs: String,
    pub(super) items: Vec<Item>,
}

/// A name in a module.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) is_shown: bool,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Module,
    /// The path that is imported.
    Use(Vec<String>),
    Item,
}

impl Tree {
    /// Reads the crate whose `lib.rs` is in `folder` of the workspace.
    ///
    /// # Errors
    ///
    /// If a file is missing, cannot be read, or is not Rust.
    pub(super) fn read(folder: &str) -> io::Result<Self> {
        let mut tree = Self::default();
        let folder = workspace_root().join(folder);
        let root = Body::read(&folder.join("lib.rs"))?;
        tree.add(&folder, Vec::new(), root)?;
        Ok(tree)
    }

    /// Adds a module and the modules in it; `folder` holds the files of the latter.
    fn add(&mut self, folder: &Path, path: Vec<String>, body: Body) -> io::Result<()> {
        let Body { file, docs, items } = body;
        let mut names = Vec::new();
        let beside = file.parent().unwrap_or(folder).to_owned();
        let kept = items.iter().filter(|item| !is_test(attributes(item))).cloned().collect();
        self.sources.insert(path.clone(), Source { folder: beside, docs, items: kept });
        for item in items {
            let Some((attrs, visibility, name)) = parts(&item) else { continue };
            if is_test(attrs) {
                continue;
            }
            let is_exported = attrs.iter().any(|attr| attr.path().is_ident("macro_export"));
            let is_shown =
                (is_exported || matches!(visibility, Some(Visibility::Public(_)))) && !is_hidden(attrs);
            match item {
                Item::Use(item) => flatten(&item.tree, &mut Vec::new(), is_shown, &mut names),
                Item::Mod(item) => {
                    let inner = folder.join(&name);
                    let mut body = match item.content {
                        Some((_, items)) => Body { file: file.clone(), docs: String::new(), items },
                        None => Body::read(&file_of(&inner))?,
                    };
                    let outer = docs_of(&item.attrs, file.parent().unwrap_or(folder))?;
                    body.docs = format!("{outer}\n{}", body.docs);
                    names.push(Named { name: name.clone(), is_shown, kind: Kind::Module });
                    self.add(&inner, [&path[..], &[name]].concat(), body)?;
                }
                Item::Macro(_) if is_exported => {
                    self.modules.entry(Vec::new()).or_default().push(Named {
                        name,
                        is_shown,
                        kind: Kind::Item,
                    });
                }
                _ => names.push(Named { name, is_shown, kind: Kind::Item }),
            }
        }
        self.modules.entry(path).or_default().extend(names);
        Ok(())
    }
}

fn file_of(inner: &Path) -> PathBuf {
    let file = inner.with_extension("rs");
    if file.is_file() { file } else { inner.join("mod.rs") }
}

/// The content of a module.
struct Body {
    file: PathBuf,
    docs: String,
    items: Vec<Item>,
}

impl Body {
    fn read(file: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(file)?;
        let parsed = syn::parse_file(&text)
            .map_err(|error| io::Error::other(format!("{}: {error}", file.display())))?;
        let docs = docs_of(&parsed.attrs, file.parent().unwrap_or(file))?;
        Ok(Self { file: file.to_owned(), docs, items: parsed.items })
    }
}

/// Returns the documentation in the attributes, with the texts that it includes from files beside `folder`.
pub(super) fn docs_of(attrs: &[Attribute], folder: &Path) -> io::Result<String> {
    let mut docs = String::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("doc")) {
        let Meta::NameValue(pair) = &attr.meta else { continue };
        match &pair.value {
            Expr::Lit(literal) => {
                if let Lit::Str(line) = &literal.lit {
                    docs.push_str(&line.value());
                }
            }
            Expr::Macro(included) if included.mac.path.is_ident("include_str") => {
                let path: syn::LitStr = included.mac.parse_body().map_err(io::Error::other)?;
                docs.push_str(&fs::read_to_string(folder.join(path.value()))?);
            }
            _ => {}
        }
        docs.push('\n');
    }
    Ok(docs)
}

/// Returns the attributes of an item that can be one of tests alone.
fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Impl(item) => &item.attrs,
        _ => parts(item).map_or(&[], |(attrs, _, _)| attrs),
    }
}

/// Returns the attributes, the visibility and the name of an item that has a name.
fn parts(item: &Item) -> Option<(&[Attribute], Option<&Visibility>, String)> {
    Some(match item {
        Item::Const(item) => (&item.attrs, Some(&item.vis), item.ident.to_string()),
        Item::Enum(item) => (&item.attrs, Some(&item.vis), item.ident.to_string()),
        Item::Fn(item) => (&item.attrs, Some(&item.vis), item.sig.ident.to_string()),
        Item::Macro(item) => (&item.attrs, None, item.ident.as_ref()?.to_string()),
        Item::Mod(item) => (&item.attrs, Some(&item.vis), item.ident.to_string()),
        Item::Static(item) => (&item.attrs, Some(&item.vis), item.ident.to_string()),
        Item::Struct(item) => (&item.attrs, Some(&item.vis), item.ident.to_string()),
        Item::Trait(item) => (&item.attrs, Some(&item.vis), item.ident.to_string()),
        Item::Type(item) => (&item.attrs, Some(&item.vis), item.ident.to_string()),
        Item::Union(item) => (&item.attrs, Some(&item.vis), item.ident.to_string()),
        Item::Use(item) => (&item.attrs, Some(&item.vis), String::new()),
        _ => return None,
    })
}

/// Adds a name for every leaf of an import.
fn flatten(tree: &UseTree, path: &mut Vec<String>, is_shown: bool, names: &mut Vec<Named>) {
    let mut leaf = |name: String, path: Vec<String>| {
        names.push(Named { name, is_shown, kind: Kind::Use(path) });
    };
    match tree {
        UseTree::Path(inner) => {
            path.push(inner.ident.to_string());
            flatten(&inner.tree, path, is_shown, names);
            path.pop();
        }
        UseTree::Name(name) => leaf(name.ident.to_string(), [&path[..], &[name.ident.to_string()]].concat()),
        UseTree::Rename(rename) => {
            leaf(rename.rename.to_string(), [&path[..], &[rename.ident.to_string()]].concat());
        }
        UseTree::Glob(_) => leaf("*".to_owned(), path.clone()),
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, path, is_shown, names);
            }
        }
    }
}

pub(super) fn is_hidden(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| attr.path().is_ident("doc") && tokens(attr) == "hidden")
}

/// Returns whether the item exists only in tests.
pub(super) fn is_test(attrs: &[Attribute]) -> bool {
    let only = |attr: &Attribute| {
        attr.path().is_ident("cfg")
            && tokens(attr).split(['(', ',', ' ']).any(|word| word.trim_end_matches(')') == "test")
    };
    attrs.iter().any(only)
}

/// Returns the text between the parentheses of an attribute.
fn tokens(attr: &Attribute) -> String {
    attr.meta.require_list().map(|list| list.tokens.to_string()).unwrap_or_default()
}
