//! Where a `$ref` leads: documents by URI, fragments by pointer or anchor. Nothing is ever fetched.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Draft;
use crate::SchemaError;
use crate::json::Json;
use crate::names::NameBytes;

/// The documents a schema can refer to, and every schema in them that carries an id or an anchor of its own.
pub(super) struct Documents<'a> {
    root: &'a Json,
    by_uri: BTreeMap<String, Place<'a>>,
    anchors: BTreeMap<(String, String), Place<'a>>,
    name_bytes: NameBytes,
    /// Bytes of bases that following pointers may yet copy.
    followed: usize,
}

/// Following all pointers of a schema may copy so many bytes.
const FOLLOWED_BYTES_MAX: usize = 512 * 1024 * 1024;

/// A schema and the URI against which its own references are resolved.
#[derive(Clone, Debug)]
pub(super) struct Place<'a> {
    pub json: &'a Json,
    pub base: String,
}

impl<'a> Documents<'a> {
    /// Registers the root and the references under the names that they are referred to by.
    pub fn new(root: &'a Json, draft: Draft, references: &'a [(&str, Json)]) -> Result<Self, SchemaError> {
        let name_bytes = NameBytes::default();
        let mut documents = Self {
            root,
            by_uri: BTreeMap::new(),
            anchors: BTreeMap::new(),
            name_bytes,
            followed: FOLLOWED_BYTES_MAX,
        };
        let base = own_uri(root, draft, "");
        documents.scan(root, draft, "")?;
        for (name, json) in references {
            documents.name_bytes.spend([base.len(), name.len()])?;
            let uri = resolve(&base, name);
            let draft = if json.get("$schema").is_some() { Draft::of(json) } else { draft };
            documents.scan(json, draft, &uri)?;
            for alias in [uri.clone(), (*name).to_owned(), format!("./{name}")] {
                documents.by_uri.entry(alias).or_insert(Place { json, base: uri.clone() });
            }
        }
        Ok(documents)
    }

    /// The root with its base.
    pub fn root(&self, draft: Draft) -> Place<'a> {
        Place { json: self.root, base: own_uri(self.root, draft, "") }
    }

    fn scan(&mut self, json: &'a Json, draft: Draft, base: &str) -> Result<(), SchemaError> {
        if let Json::Object(object) = json {
            let base = own_uri(json, draft, base);
            self.name_bytes.spend([base.len(), 0])?;
            let own = object.get(draft.id_keyword()).and_then(Json::as_str);
            match own.map(|id| id.strip_prefix('#')) {
                Some(Some(anchor)) => self.anchor(&base, anchor, json)?,
                Some(None) => {
                    self.name_bytes.spend([2 * base.len(), 0])?;
                    self.by_uri.entry(base.clone()).or_insert(Place { json, base: base.clone() });
                }
                None => {}
            }
            for keyword in ["$anchor", "$dynamicAnchor"] {
                if let Some(anchor) = object.get(keyword).and_then(Json::as_str) {
                    self.anchor(&base, anchor, json)?;
                }
            }
            for (key, value) in object.iter() {
                if !matches!(key, "enum" | "const" | "default" | "examples") {
                    self.scan(value, draft, &base)?;
                }
            }
        } else if let Json::Array(items) = json {
            for item in items {
                self.scan(item, draft, base)?;
            }
        }
        Ok(())
    }

    fn anchor(&mut self, base: &str, name: &str, json: &'a Json) -> Result<(), SchemaError> {
        self.name_bytes.spend([2 * base.len(), name.len()])?;
        let place = Place { json, base: base.to_owned() };
        self.anchors.entry((base.to_owned(), name.to_owned())).or_insert(place);
        Ok(())
    }

    /// The schema that `reference` names, seen from a schema whose base is `base`; `None` for a published meta-schema.
    pub fn find(
        &mut self,
        reference: &str,
        base: &str,
        draft: Draft,
    ) -> Result<Option<Place<'a>>, SchemaError> {
        let (uri, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let Some(document) = self.document(uri, base, draft) else {
            if is_meta_schema(uri) {
                return Ok(None);
            }
            return Err(SchemaError::new(format!(
                "Unresolved $ref '{reference}': it is not among the schema's references, and nothing is fetched"
            )));
        };
        // What is found is copied with its base, and so is the base that a name is looked for in.
        self.copies(2 * document.base.len() + fragment.len())?;
        let place = if fragment.is_empty() {
            Some(document)
        } else if fragment.starts_with('/') {
            self.follow(&document, fragment, draft)?
        } else {
            let place = self.anchors.get(&(document.base.clone(), fragment.to_owned())).cloned();
            self.copies(place.as_ref().map_or(0, |place| place.base.len()))?;
            place
        };
        place.map(Some).ok_or_else(|| SchemaError::new(format!("Unresolved $ref '{reference}'")))
    }

    fn copies(&mut self, bytes: usize) -> Result<(), SchemaError> {
        let left = self.followed.checked_sub(bytes);
        self.followed = left.ok_or_else(|| SchemaError::new("too many and too long pointers in $ref"))?;
        Ok(())
    }

    /// Follows a JSON pointer, taking up the ids it passes: each makes a base of its own length, and all of them count. At the
    /// top, `$defs` also finds what stands in `definitions`.
    fn follow(
        &mut self,
        from: &Place<'a>,
        pointer: &str,
        draft: Draft,
    ) -> Result<Option<Place<'a>>, SchemaError> {
        let mut json = from.json;
        let mut base = Cow::Borrowed(from.base.as_str());
        for (depth, token) in pointer.split('/').skip(1).enumerate() {
            let Some(next) = entered(from, json, pointer, depth, token) else { return Ok(None) };
            json = next;
            if own_id(json, draft).is_some() {
                base = Cow::Owned(own_uri(json, draft, &base));
                self.copies(base.len())?;
            }
        }
        Ok(Some(Place { json, base: base.into_owned() }))
    }

    fn document(&self, uri: &str, base: &str, draft: Draft) -> Option<Place<'a>> {
        if uri.is_empty() {
            if base.is_empty() {
                return Some(self.root(draft));
            }
            return self.by_uri.get(base).cloned().or_else(|| {
                let root = self.root(draft);
                if root.base == base { Some(root) } else { None }
            });
        }
        self.by_uri.get(&resolve(base, uri)).or_else(|| self.by_uri.get(uri)).cloned()
    }
}

fn is_meta_schema(uri: &str) -> bool {
    uri.starts_with("http://json-schema.org/draft") || uri.starts_with("https://json-schema.org/draft")
}

/// The id of a schema, if it is one that changes the base.
fn own_id(json: &Json, draft: Draft) -> Option<&str> {
    json.get(draft.id_keyword()).and_then(Json::as_str).filter(|id| !id.starts_with('#'))
}

/// The base of a schema: its own id resolved against its parent's, fragments apart.
fn own_uri(json: &Json, draft: Draft, base: &str) -> String {
    let Some(id) = own_id(json, draft) else { return base.to_owned() };
    let mut resolved = resolve(base, id);
    resolved.truncate(resolved.find('#').unwrap_or(resolved.len()));
    resolved
}

/// What a pointer's token names in `json`; `from` is where the pointer starts.
fn entered<'a>(
    from: &Place<'a>,
    json: &'a Json,
    pointer: &str,
    depth: usize,
    token: &str,
) -> Option<&'a Json> {
    let token = percent_decoded(token).replace("~1", "/").replace("~0", "~");
    let next = match json {
        Json::Object(object) => object.get(&token),
        Json::Array(items) => token.parse::<usize>().ok().and_then(|i| items.get(i)),
        _ => None,
    };
    match next {
        Some(next) => Some(next),
        // The missing bucket is passed over: its one entry is then looked up in the other bucket.
        None if depth == 0 && token == "$defs" => json.get("definitions"),
        None if depth == 1 && pointer.starts_with("/$defs/") => from.json.get("definitions")?.get(&token),
        None => None,
    }
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(b) = bytes.get(at) {
        let hex = text.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match hex {
            Some(value) if *b == b'%' => {
                out.push(value);
                at += 3;
            }
            _ => {
                out.push(*b);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Reference resolution of RFC 3986 as far as schema ids use it.
pub(super) fn resolve(base: &str, reference: &str) -> String {
    let base = base.split_once('#').map_or(base, |(uri, _)| uri);
    if base.is_empty() || has_scheme(reference) {
        return reference.to_owned();
    }
    let (root, path) = split_authority(base);
    if let Some(rest) = reference.strip_prefix("//") {
        let scheme = base.split_once(':').map_or("", |(scheme, _)| scheme);
        return format!("{scheme}://{rest}");
    }
    if reference.starts_with('/') {
        return format!("{root}{}", dotless(reference));
    }
    if reference.is_empty() || reference.starts_with('#') {
        return format!("{base}{reference}");
    }
    if path.is_empty() && !root.is_empty() {
        return format!("{root}{}", dotless(&format!("/{reference}")));
    }
    let folder = path.rfind('/').and_then(|end| path.get(..=end)).unwrap_or("");
    format!("{root}{}", dotless(&format!("{folder}{reference}")))
}

fn has_scheme(uri: &str) -> bool {
    uri.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

/// `scheme://authority` and the path after it.
fn split_authority(uri: &str) -> (&str, &str) {
    let start = uri.find("://").map_or(0, |at| at + 3);
    let rest = uri.get(start..).unwrap_or("");
    let end = if start == 0 { 0 } else { start + rest.find('/').unwrap_or(rest.len()) };
    uri.split_at(end)
}

fn dotless(path: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => {
                if out.len() > 1 || out.first().is_some_and(|first| !first.is_empty()) {
                    out.pop();
                }
            }
            part => out.push(part),
        }
    }
    out.join("/")
}
