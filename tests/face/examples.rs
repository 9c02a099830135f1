//! Examples of the public items: those that have none, by crate.
//!
//! A struct, an enum, a union or a trait has an example if its page has one: a block of Rust code that is compiled, in the
//! documentation of the item itself, of its methods and of the blocks that hold them. Everything else has an example
//! if its own documentation has one, or if one on the same page uses it by name. The documentation of a public
//! module is part of the page of each of its items. A method that reads one value needs nothing but an example on
//! the page of its type.
//!
//! A page may refer to the example of another item, in the words ``the example of [`Queue`]``, so that types which belong
//! together are shown once, together. That example counts where it uses the item by name, also for a type.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use syn::{
    Attribute, Block, ImplItem, Item, Receiver, ReceiverKind, ReturnType, Signature, Stmt, TraitItem, Type,
    Visibility,
};

use super::read::{Source, Tree, docs_of, is_hidden, is_test};

/// The public items of a crate.
#[derive(Debug, Default)]
pub(super) struct Items {
    pub(super) all: usize,
    /// The paths of those without an example.
    pub(super) without: BTreeSet<String>,
}

/// How an example uses an item.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Use {
    /// A struct, an enum, a union or a trait, by its name.
    Type,
    /// A function, by its name with a bracket or type arguments behind.
    Function,
    /// A macro, by `name!`; an attribute by `#[name`.
    Macro,
    /// A method, after a dot or a double colon.
    Method,
    /// A method of a trait, which an example may also define.
    TraitMethod,
    /// A method without arguments that returns the value of one expression.
    Accessor,
}

/// A public item and the examples that could use it.
#[derive(Debug)]
struct Entry {
    path: String,
    name: String,
    kind: Use,
    has_own: bool,
    /// The definition of the type or the trait of a method, and of the item itself otherwise.
    page: String,
}

/// Finds the public items of the crate whose `lib.rs` is in `folder`.
pub(super) fn items(folder: &str) -> io::Result<Items> {
    let tree = Tree::read(folder)?;
    let mut pages = Pages { shown: shown(&tree)?, aliases: aliases(&tree), ..Pages::default() };
    for (module, source) in &tree.sources {
        for item in &source.items {
            pages.add(&tree, module, source, item)?;
        }
    }
    for (module, source) in &tree.sources {
        pages.of_modules.insert(module.clone(), examples(&source.docs));
    }
    let mut items = Items::default();
    for entry in &pages.entries {
        items.all += 1;
        if !entry.has_own && !pages.uses(entry) {
            items.without.insert(entry.path.clone());
        }
    }
    Ok(items)
}

/// The public paths of each definition, each with its module.
type Shown = BTreeMap<String, Vec<(Vec<String>, String)>>;

/// Returns the public paths of a crate. A prelude only repeats names.
fn shown(tree: &Tree) -> io::Result<Shown> {
    let mut shown = Shown::new();
    let mut open = vec![Vec::new()];
    while let Some(module) = open.pop() {
        for name in tree.shown(&module)? {
            let path = [&module[..], &[name.name]].concat();
            if name.is_module {
                open.push(path);
            } else if module != ["prelude"] {
                shown.entry(name.definition).or_default().push((module.clone(), path.join("::")));
            }
        }
    }
    Ok(shown)
}

/// Returns the definition that each alias of a type means: its page has the methods of the alias, too.
fn aliases(tree: &Tree) -> BTreeMap<String, String> {
    let mut aliases = BTreeMap::new();
    for (module, source) in &tree.sources {
        for item in &source.items {
            if let Item::Type(alias) = item
                && let Some(meant) = meant(tree, module, &alias.ty)
            {
                aliases.insert(definition(module, &alias.ident.to_string()), meant);
            }
        }
    }
    aliases
}

/// Returns the definition of a type that is named in `module`.
fn meant(tree: &Tree, module: &[String], named: &Type) -> Option<String> {
    let Type::Path(path) = named else { return None };
    let path: Vec<_> = path.path.segments.iter().map(|part| part.ident.to_string()).collect();
    tree.meaning(module, &path)
}

#[derive(Debug, Default)]
struct Pages {
    shown: Shown,
    aliases: BTreeMap<String, String>,
    /// The examples on the page of each definition, without those of its module.
    examples: BTreeMap<String, Vec<String>>,
    /// The items to whose examples each page refers, by their names.
    refers: BTreeMap<String, BTreeSet<String>>,
    /// The examples in the documentation of each module.
    of_modules: BTreeMap<Vec<String>, Vec<String>>,
    entries: Vec<Entry>,
}

impl Pages {
    fn add(&mut self, tree: &Tree, module: &[String], source: &Source, item: &Item) -> io::Result<()> {
        let folder = &source.folder;
        match item {
            Item::Struct(item) => self.add_item(module, &item.ident, Use::Type, &item.attrs, folder),
            Item::Enum(item) => self.add_item(module, &item.ident, Use::Type, &item.attrs, folder),
            Item::Union(item) => self.add_item(module, &item.ident, Use::Type, &item.attrs, folder),
            Item::Trait(item) => {
                self.add_item(module, &item.ident, Use::Type, &item.attrs, folder)?;
                let page = definition(module, &item.ident.to_string());
                for inner in &item.items {
                    if let TraitItem::Fn(method) = inner {
                        self.add_method(&page, &method.sig, Use::TraitMethod, &method.attrs, folder)?;
                    }
                }
                Ok(())
            }
            Item::Fn(item) => {
                let is_macro = item.attrs.iter().any(|attr| attr.path().is_ident("proc_macro"))
                    || item.attrs.iter().any(|attr| attr.path().is_ident("proc_macro_attribute"));
                let kind = if is_macro { Use::Macro } else { Use::Function };
                self.add_item(module, &item.sig.ident, kind, &item.attrs, folder)
            }
            Item::Macro(item) => match &item.ident {
                Some(name) => self.add_item(&[], name, Use::Macro, &item.attrs, folder),
                None => Ok(()),
            },
            Item::Impl(block) if block.trait_.is_none() => {
                let Some(page) = meant(tree, module, &block.self_ty) else { return Ok(()) };
                let page = self.aliases.get(&page).cloned().unwrap_or(page);
                self.add_examples(&page, &block.attrs, folder)?;
                for inner in &block.items {
                    let ImplItem::Fn(method) = inner else { continue };
                    if matches!(method.vis, Visibility::Public(_)) && !is_test(&method.attrs) {
                        let kind =
                            if is_accessor(&method.sig, &method.block) { Use::Accessor } else { Use::Method };
                        self.add_method(&page, &method.sig, kind, &method.attrs, folder)?;
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn add_item(
        &mut self,
        module: &[String],
        name: &syn::Ident,
        kind: Use,
        attrs: &[Attribute],
        folder: &Path,
    ) -> io::Result<()> {
        let page = definition(module, &name.to_string());
        let Some(path) = self.path(&page).filter(|_| !is_hidden(attrs)) else { return Ok(()) };
        let has_own = self.add_examples(&page, attrs, folder)?;
        self.entries.push(Entry { path, name: name.to_string(), kind, has_own, page });
        Ok(())
    }

    /// Adds a method of the type or the trait that `page` defines, if that is public.
    fn add_method(
        &mut self,
        page: &str,
        signature: &Signature,
        kind: Use,
        attrs: &[Attribute],
        folder: &Path,
    ) -> io::Result<()> {
        let Some(of) = self.path(page).filter(|_| !is_hidden(attrs)) else { return Ok(()) };
        let has_own = self.add_examples(page, attrs, folder)?;
        let name = signature.ident.to_string();
        self.entries.push(Entry {
            path: format!("{of}::{name}"),
            name,
            kind,
            has_own,
            page: page.to_owned(),
        });
        Ok(())
    }

    /// Adds the examples in the documentation to the page of a definition; returns whether there are any.
    fn add_examples(&mut self, page: &str, attrs: &[Attribute], folder: &Path) -> io::Result<bool> {
        let docs = docs_of(attrs, folder)?;
        self.refers.entry(page.to_owned()).or_default().extend(references(&docs));
        let examples = examples(&docs);
        let has_any = !examples.is_empty();
        self.examples.entry(page.to_owned()).or_default().extend(examples);
        Ok(has_any)
    }

    /// Returns the first public path of a definition.
    fn path(&self, definition: &str) -> Option<String> {
        self.shown.get(definition).map(|paths| paths[0].1.clone())
    }

    /// Returns whether an example on the page of the item uses it, or one to which the page refers.
    fn uses(&self, entry: &Entry) -> bool {
        let on_page = self.on_page(&entry.page);
        if matches!(entry.kind, Use::Type | Use::Accessor) && !on_page.is_empty() {
            return true;
        }
        let modules = self.shown[&entry.page].iter().filter_map(|(module, _)| self.of_modules.get(module));
        let referred = self.refers.get(&entry.page).into_iter().flatten();
        let referred = referred.filter_map(|name| self.named(name, &entry.page));
        let elsewhere = modules.flatten().chain(referred.flat_map(|page| self.on_page(page)));
        on_page.iter().chain(elsewhere).any(|example| is_used(example, &entry.name, entry.kind))
    }

    fn on_page(&self, page: &str) -> &[String] {
        self.examples.get(page).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns the definition that a page means by the name of a public item, one in a module of its own if there are
    /// several.
    fn named(&self, name: &str, page: &str) -> Option<&str> {
        let modules: Vec<_> = self.shown[page].iter().map(|(module, _)| module).collect();
        let named = self
            .shown
            .iter()
            .filter(|(_, paths)| paths.iter().any(|(_, path)| path.rsplit("::").next() == Some(name)));
        let is_far =
            |paths: &[(Vec<String>, String)]| !paths.iter().any(|(module, _)| modules.contains(&module));
        named.min_by_key(|(_, paths)| is_far(paths)).map(|(definition, _)| definition.as_str())
    }
}

fn definition(module: &[String], name: &str) -> String {
    [module, &[name.to_owned()]].concat().join("::")
}

/// Returns whether a method only reads one value: `fn name(&self) -> T { self.name }`.
fn is_accessor(signature: &Signature, body: &Block) -> bool {
    let is_read = |receiver: &Receiver| match &receiver.kind {
        ReceiverKind::Value => receiver.mutability.is_none(),
        ReceiverKind::Reference(_, _, mutability) => mutability.is_none(),
        _ => false,
    };
    signature.inputs.len() == 1
        && signature.receiver().is_some_and(is_read)
        && signature.asyncness.is_none()
        && !matches!(signature.output, ReturnType::Default)
        && matches!(&body.stmts[..], [Stmt::Expr(_, None)])
}

/// Returns the names of the items to whose examples a documentation refers.
fn references(docs: &str) -> impl Iterator<Item = String> + '_ {
    let named = docs.split("example of [`").skip(1).filter_map(|rest| rest.split('`').next());
    named.filter_map(|path| path.rsplit("::").next()).map(str::to_owned)
}

/// Returns the blocks of Rust code that are compiled as tests, without comments and imports.
fn examples(docs: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<(bool, String)> = None;
    for line in docs.lines().map(str::trim) {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some((is_rust, code))) => {
                if *is_rust {
                    found.push(without_imports(code));
                }
                open = None;
            }
            (Some(words), None) => {
                let mut words = words.split([',', ' ']).filter(|word| !word.is_empty());
                let is_rust = words.all(|word| ["rust", "no_run", "should_panic"].contains(&word));
                open = Some((is_rust, String::new()));
            }
            (None, Some((_, code))) => {
                code.push_str(line);
                code.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

/// Returns an example without comments and imports.
fn without_imports(example: &str) -> String {
    let mut code = String::new();
    let mut is_import = false;
    for line in example.lines() {
        let line = line.strip_prefix("# ").unwrap_or(line);
        let line = &line[..comment(line)];
        is_import |= line.starts_with("use ");
        if !is_import {
            code.push_str(line);
            code.push('\n');
        }
        is_import &= !line.contains(';');
    }
    code
}

/// Returns the place of the comment of a line. The slashes of an address have no space in front of them.
fn comment(line: &str) -> usize {
    let mut slashes = line.match_indices("//").map(|(at, _)| at);
    slashes.find(|&at| at == 0 || line[..at].ends_with(' ')).unwrap_or(line.len())
}

/// Returns whether the code of an example uses `name` as an item of this kind is used.
fn is_used(code: &str, name: &str, kind: Use) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        let is_word = !before.ends_with(is_letter) && !after.starts_with(is_letter);
        let is_called = after.starts_with('(') || after.starts_with("::<");
        // An example may also use a method as a value, `map(Type::method)`.
        let of_value = before.ends_with('.') || before.ends_with("::");
        is_word
            && match kind {
                Use::Type => true,
                Use::Function => is_called && !before.ends_with('.') && !before.ends_with("fn "),
                Use::Macro => after.starts_with('!') || before.ends_with("#["),
                Use::Method | Use::Accessor => of_value,
                Use::TraitMethod => of_value || before.ends_with("fn "),
            }
    })
}

fn is_letter(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[test]
fn an_example_is_a_compiled_block_that_uses_the_item() {
    let docs = "Text with `left()`.\n```\nuse it::{\n    Imported,\n};\nlet a = made(1).next(); // last()\n```\n\
                ```text\nother()\n```\n```no_run\nit::Type::new(\"it://there\").port();\n```";
    let [first, second] = &examples(docs)[..] else { panic!("two blocks are compiled") };
    assert!(is_used(first, "made", Use::Function) && is_used(first, "next", Use::Method));
    assert!(!is_used(first, "Imported", Use::Type) && !is_used(first, "last", Use::Function));
    assert!(!is_used(first, "made", Use::Method) && !is_used(first, "mad", Use::Function));
    assert!(is_used(second, "Type", Use::Type) && is_used(second, "new", Use::Accessor));
    assert!(is_used(second, "port", Use::Method));
}

#[test]
fn what_no_example_uses_has_none_whatever_its_page_refers_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = r"
        /// ```
        /// let made = it::Made::new(it::Kind::Small).made();
        /// ```
        pub struct Made;
        impl Made {
            pub fn new(kind: Kind) -> Self { drop(kind); Self }
            pub fn made(self) -> Self { drop(()); self }
            pub fn forgotten(self) -> Self { drop(()); self }
        }
        /// It is in the example of [`Made`].
        pub enum Kind { Small }
        /// See the example of [`Made`](crate::Made).
        pub struct Missing;
        /// See the example of [`Missing`].
        pub fn made(kind: Kind) { drop(kind) }
        pub struct Alone;
    ";
    std::fs::write(folder.path().join("lib.rs"), source).expect("a file");
    let items = items(folder.path().to_str().expect("a path of text")).expect("readable sources");
    assert_eq!(items.all, 8);
    assert_eq!(Vec::from_iter(items.without), ["Alone", "Made::forgotten", "Missing", "made"]);
}
