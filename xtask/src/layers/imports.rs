//! The paths that a source file imports, each written out: `use std::{fs, io::Read}` is `std::fs` and `std::io::Read`.

use syn::UseTree;
use syn::visit::{self, Visit};

/// An imported path and its line; `*` is a part like any other.
pub struct Import {
    /// Counted from one.
    pub line: usize,
    /// Its parts, joined by `::`.
    pub path: String,
}

impl Import {
    /// Whether it brings in `word`, a path: the path itself, something below it, or all that stands beside it.
    pub fn brings(&self, word: &str) -> bool {
        let word = word.trim_end_matches("::");
        let below = |outer: &str, inner: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        below(word, &self.path) || self.path.strip_suffix("::*").is_some_and(|all| below(all, word))
    }
}

/// The imports of `text`; code that does not parse is an error.
pub fn imports(file: &str, text: &str) -> Result<Vec<Import>, String> {
    let parsed = syn::parse_file(text).map_err(|error| format!("{file}: {error}"))?;
    let mut finder = Finder(Vec::new());
    finder.visit_file(&parsed);
    Ok(finder.0)
}

struct Finder(Vec<Import>);

impl Finder {
    fn walk(&mut self, above: &[String], tree: &UseTree) {
        let (name, line) = match tree {
            UseTree::Path(path) => {
                let above = [above, &[path.ident.to_string()]].concat();
                return self.walk(&above, &path.tree);
            }
            UseTree::Group(group) => return group.items.iter().for_each(|tree| self.walk(above, tree)),
            UseTree::Name(name) => (name.ident.to_string(), name.ident.span().start().line),
            UseTree::Rename(rename) => (rename.ident.to_string(), rename.ident.span().start().line),
            UseTree::Glob(glob) => ("*".to_owned(), glob.star_token.span.start().line),
        };
        let own = if name == "self" { Vec::new() } else { vec![name] };
        self.0.push(Import { line, path: [above, &own].concat().join("::") });
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.walk(&[], &item.tree);
        visit::visit_item_use(self, item);
    }
}
