//! How long each function of a source file is, by the compiler's own grammar.

use syn::visit::{self, Visit};

/// One function and its length, from the line of its name to its closing brace.
pub struct Length {
    /// File, line and name.
    pub place: String,
    /// Lines.
    pub lines: usize,
}

/// The functions of `text`; code that does not parse is an error.
pub fn lengths(file: &str, text: &str) -> Result<Vec<Length>, String> {
    let parsed = syn::parse_file(text).map_err(|error| format!("{file}: {error}"))?;
    let mut finder = Finder { file, found: Vec::new() };
    finder.visit_file(&parsed);
    Ok(finder.found)
}

struct Finder<'a> {
    file: &'a str,
    found: Vec<Length>,
}

impl Finder<'_> {
    fn note(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let first = signature.fn_token.span.start().line;
        let last = body.brace_token.span.close().end().line;
        let place = format!("{}:{first}: fn {}", self.file, signature.ident);
        self.found.push(Length { place, lines: last.saturating_sub(first) + 1 });
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.note(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.note(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.note(&item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }
}
