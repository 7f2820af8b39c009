//! Data contracts: rules that clients apply when they write, read or migrate. The registry keeps and checks them.

use std::collections::{BTreeMap, BTreeSet};

use crate::SchemaError;
use crate::json::{Json, Object};
use crate::metadata::{members, present, scalar, strings};

/// The longest name of a rule, in UTF-16 units as Java counts.
const NAME_LEN_MAX: usize = 256;

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the registry's")]
pub struct Rule {
    pub name: Option<String>,
    pub doc: Option<String>,
    /// `TRANSFORM` or `CONDITION`.
    pub kind: String,
    /// `UPGRADE`, `DOWNGRADE`, `UPDOWN`, `WRITE`, `READ` or `WRITEREAD`.
    pub mode: String,
    pub kind_of_rule: Option<String>,
    pub tags: BTreeSet<String>,
    pub params: BTreeMap<String, String>,
    pub expr: Option<String>,
    pub on_success: Option<String>,
    pub on_failure: Option<String>,
    pub disabled: bool,
}

/// The rules of a schema. They count to its identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the registry's")]
pub struct RuleSet {
    pub migration: Vec<Rule>,
    pub domain: Vec<Rule>,
    pub encoding: Vec<Rule>,
    pub enable_at: Option<String>,
}

impl RuleSet {
    /// Reads the registry's JSON; unknown members are passed over, `null` is absence.
    pub fn read(json: &Json) -> Result<Self, SchemaError> {
        let object = json.as_object().ok_or_else(|| SchemaError::new("rule set is not an object"))?;
        Ok(Self {
            migration: list(object, "migrationRules")?,
            domain: list(object, "domainRules")?,
            encoding: list(object, "encodingRules")?,
            enable_at: word(object, "enableAt", &["ALL", "CLIENT", "GATEWAY", "SERVER", "NONE"])?,
        })
    }

    /// The registry's JSON; empty parts are left out.
    pub fn to_json(&self) -> Json {
        let mut out = Vec::new();
        for (key, rules) in [
            ("migrationRules", &self.migration),
            ("domainRules", &self.domain),
            ("encodingRules", &self.encoding),
        ] {
            if !rules.is_empty() {
                out.push((key.to_owned(), Json::Array(rules.iter().map(Rule::to_json).collect())));
            }
        }
        if let Some(place) = &self.enable_at {
            out.push(("enableAt".to_owned(), Json::from(place.as_str())));
        }
        Json::Object(Object::from_unique(out))
    }

    /// Checks names, types, modes and actions.
    pub fn check(&self) -> Result<(), SchemaError> {
        let mut names = BTreeSet::new();
        let migration = ["UPGRADE", "DOWNGRADE", "UPDOWN"].as_slice();
        let domain = ["WRITE", "READ", "WRITEREAD"].as_slice();
        let groups = [
            (&self.migration, migration, "Migration rules can only be UPGRADE, DOWNGRADE, UPDOWN"),
            (&self.domain, domain, "Domain rules can only be WRITE, READ, WRITEREAD"),
            (&self.encoding, domain, "Encoding rules can only be WRITE, READ, WRITEREAD"),
        ];
        for (rules, modes, wrong_mode) in groups {
            for rule in rules {
                if !names.insert(rule.name.as_deref()) {
                    let name = rule.name.as_deref().unwrap_or("null");
                    return Err(SchemaError::new(format!("Found rule with duplicate name '{name}'")));
                }
                rule.check()?;
                if !modes.contains(&rule.mode.as_str()) {
                    return Err(SchemaError::new(wrong_mode));
                }
            }
        }
        Ok(())
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.migration.is_empty() && self.domain.is_empty() && self.encoding.is_empty()
    }

    /// These rules with `newer` ones laid over them, by name.
    #[must_use]
    pub fn merged(&self, newer: &RuleSet) -> Self {
        Self {
            migration: merged(&self.migration, &newer.migration),
            domain: merged(&self.domain, &newer.domain),
            encoding: merged(&self.encoding, &newer.encoding),
            enable_at: newer.enable_at.clone().or_else(|| self.enable_at.clone()),
        }
    }

    /// The same set without the rules of those names.
    #[must_use]
    pub fn without(&self, names: &[String]) -> Self {
        let names: BTreeSet<&String> = names.iter().collect();
        let kept = |rules: &[Rule]| -> Vec<Rule> {
            let named = |rule: &&Rule| rule.name.as_ref().is_none_or(|name| !names.contains(name));
            rules.iter().filter(named).cloned().collect()
        };
        Self {
            migration: kept(&self.migration),
            domain: kept(&self.domain),
            encoding: kept(&self.encoding),
            enable_at: self.enable_at.clone(),
        }
    }

    /// Whether any rule is of that type.
    pub fn has_type(&self, name: &str) -> bool {
        let mut all = self.migration.iter().chain(&self.domain).chain(&self.encoding);
        all.any(|rule| rule.kind_of_rule.as_deref() == Some(name))
    }

    pub(crate) fn hash_into(&self, update: &mut dyn FnMut(&[u8])) {
        for rule in self.migration.iter().chain(&self.domain).chain(&self.encoding) {
            rule.hash_into(update);
        }
        if let Some(place) = &self.enable_at {
            update(place.as_bytes());
        }
    }
}

impl Rule {
    fn read(json: &Json) -> Result<Self, SchemaError> {
        let object = json.as_object().ok_or_else(|| SchemaError::new("a rule is not an object"))?;
        let text = |key: &str| present(object, key).map(scalar).transpose();
        let modes = ["UPGRADE", "DOWNGRADE", "UPDOWN", "WRITE", "READ", "WRITEREAD"];
        let mut params = BTreeMap::new();
        for (name, value) in members(object, "params")? {
            params.insert(name.to_owned(), scalar(value)?);
        }
        Ok(Self {
            name: text("name")?,
            doc: text("doc")?,
            kind: word(object, "kind", &["TRANSFORM", "CONDITION"])?
                .unwrap_or_else(|| "TRANSFORM".to_owned()),
            mode: word(object, "mode", &modes)?.unwrap_or_else(|| "WRITEREAD".to_owned()),
            kind_of_rule: text("type")?,
            tags: present(object, "tags").map(strings).transpose()?.unwrap_or_default(),
            params,
            expr: text("expr")?,
            on_success: text("onSuccess")?,
            on_failure: text("onFailure")?,
            disabled: present(object, "disabled").and_then(Json::as_bool).unwrap_or(false),
        })
    }

    fn to_json(&self) -> Json {
        let mut out = Vec::new();
        let mut text = |key: &str, value: Option<&String>| {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                out.push((key.to_owned(), Json::from(value.as_str())));
            }
        };
        text("name", self.name.as_ref());
        text("doc", self.doc.as_ref());
        text("kind", Some(&self.kind));
        text("mode", Some(&self.mode));
        text("type", self.kind_of_rule.as_ref());
        if !self.tags.is_empty() {
            let tags = self.tags.iter().map(|tag| Json::from(tag.as_str())).collect();
            out.push(("tags".to_owned(), Json::Array(tags)));
        }
        if !self.params.is_empty() {
            let params = self.params.iter().map(|(k, v)| (k.clone(), Json::from(v.as_str()))).collect();
            out.push(("params".to_owned(), Json::Object(Object::from_unique(params))));
        }
        for (key, value) in
            [("expr", &self.expr), ("onSuccess", &self.on_success), ("onFailure", &self.on_failure)]
        {
            if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
                out.push((key.to_owned(), Json::from(value.as_str())));
            }
        }
        out.push(("disabled".to_owned(), Json::Bool(self.disabled)));
        Json::Object(Object::from_unique(out))
    }

    fn check(&self) -> Result<(), SchemaError> {
        let name = self.name.as_deref().ok_or_else(|| SchemaError::new("Missing rule name"))?;
        let mut chars = name.chars();
        let first = chars.next().ok_or_else(|| SchemaError::new("Empty rule name"))?;
        if name.encode_utf16().count() > NAME_LEN_MAX {
            return Err(SchemaError::new("Rule name too long"));
        }
        if !(first.is_alphabetic() || first == '_') {
            return Err(SchemaError::new(format!("Illegal initial character in rule name: {name}")));
        }
        if chars.any(|c| !(c.is_alphanumeric() || c == '_' || c == '-')) {
            return Err(SchemaError::new(format!("Illegal character in rule name: {name}")));
        }
        if self.kind_of_rule.is_none() {
            return Err(SchemaError::new("Missing rule type"));
        }
        let pairs = matches!(self.mode.as_str(), "WRITEREAD" | "UPDOWN");
        let several = |action: &Option<String>| action.as_ref().is_some_and(|action| action.contains(','));
        if !pairs && (several(&self.on_success) || several(&self.on_failure)) {
            return Err(SchemaError::new("Multiple actions only valid with WRITEREAD and UPDOWN"));
        }
        Ok(())
    }

    fn hash_into(&self, update: &mut dyn FnMut(&[u8])) {
        let mut text = |value: Option<&String>| {
            if let Some(value) = value {
                update(value.as_bytes());
            }
        };
        text(self.name.as_ref());
        text(self.doc.as_ref());
        text(Some(&self.kind));
        text(Some(&self.mode));
        text(self.kind_of_rule.as_ref());
        self.tags.iter().for_each(|tag| text(Some(tag)));
        for (name, value) in &self.params {
            text(Some(name));
            text(Some(value));
        }
        text(self.expr.as_ref());
        text(self.on_success.as_ref());
        text(self.on_failure.as_ref());
        if self.disabled {
            update(&[1]);
        }
    }
}

fn list(object: &Object, key: &str) -> Result<Vec<Rule>, SchemaError> {
    match present(object, key) {
        None => Ok(Vec::new()),
        Some(Json::Array(rules)) => rules.iter().map(Rule::read).collect(),
        Some(_) => Err(SchemaError::new(format!("{key} is not a list"))),
    }
}

fn word(object: &Object, key: &str, allowed: &[&str]) -> Result<Option<String>, SchemaError> {
    match present(object, key) {
        None => Ok(None),
        Some(Json::String(word)) if allowed.contains(&word.as_str()) => Ok(Some(word.clone())),
        Some(other) => Err(SchemaError::new(format!("{key} cannot be {}", other.to_text()))),
    }
}

fn merged(old: &[Rule], new: &[Rule]) -> Vec<Rule> {
    let newer: BTreeSet<&Option<String>> = new.iter().map(|rule| &rule.name).collect();
    old.iter().filter(|rule| !newer.contains(&rule.name)).chain(new).cloned().collect()
}
