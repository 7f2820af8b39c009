//! Schemas in files, with their language and what they refer to.

use std::io::Read;
use std::path::{Path, PathBuf};

use schema_serde::{Language, Reference, RegistryClient, Schema, VersionSpec};

use crate::failure::{Failure, Outcome};

/// A schema as a command names it.
#[derive(clap::Args)]
pub struct Source {
    /// The file with the schema; - is stdin.
    file: PathBuf,
    /// avro, json or protobuf [default: by the file's ending: .avsc, .json, .proto; else the subject's]
    #[arg(long = "type", short = 't', value_name = "TYPE")]
    language: Option<String>,
    /// A schema that this one uses: how it names it, and where it is registered. May be given many times.
    #[arg(long, short = 'R', value_name = "NAME=SUBJECT[:VERSION]")]
    reference: Vec<String>,
    /// Have the registry bring it into its normal form.
    #[arg(long)]
    pub normalize: bool,
}

impl Source {
    /// Reads it.
    pub async fn schema(&self, registry: &RegistryClient, subject: &str) -> Outcome<Schema> {
        let mut references = Vec::new();
        for text in &self.reference {
            references.push(reference(registry, text).await?);
        }
        let language = match &self.language {
            Some(name) => Some(language(name)?),
            None => match by_ending(&self.file) {
                Some(language) => Some(language),
                None => registry.latest(subject).await.ok().map(|latest| latest.schema.language),
            },
        };
        let language = language.unwrap_or_default();
        Ok(Schema { references, ..Schema::new(language, text(&self.file)?) })
    }
}

/// The text of a file, or of stdin.
pub fn text(path: &Path) -> Outcome<String> {
    let failed = |error: std::io::Error| Failure::new(format!("cannot read {}: {error}", path.display()));
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text).map_err(failed)?;
        return Ok(text);
    }
    std::fs::read_to_string(path).map_err(failed)
}

/// The language of a file's name.
pub fn by_ending(path: &Path) -> Option<Language> {
    Some(match path.extension()?.to_str()? {
        "avsc" | "avro" => Language::Avro,
        "json" | "jsonschema" => Language::Json,
        "proto" => Language::Protobuf,
        _ => return None,
    })
}

/// The language of that name.
pub fn language(name: &str) -> Outcome<Language> {
    Language::of_name(&name.to_ascii_uppercase())
        .ok_or_else(|| Failure::new(format!("`{name}` is no schema type; there are avro, json and protobuf")))
}

async fn reference(registry: &RegistryClient, text: &str) -> Outcome<Reference> {
    let wrong = || Failure::new(format!("`{text}`: write a reference as NAME=SUBJECT:VERSION"));
    let (name, place) = text.split_once('=').ok_or_else(wrong)?;
    let (subject, version) = match place.rsplit_once(':') {
        Some((subject, version)) if VersionSpec::parse(version).is_some() => {
            (subject, VersionSpec::parse(version).unwrap_or_default())
        }
        _ => (place, VersionSpec::Latest),
    };
    let found = registry.version(subject, version).await?;
    Ok(Reference {
        name: name.to_owned(),
        subject: subject.to_owned(),
        version: found.version.ok_or_else(wrong)?,
    })
}

/// `SUBJECT` or `SUBJECT@VERSION`.
pub fn place(text: &str) -> Outcome<(&str, Option<VersionSpec>)> {
    match text.rsplit_once('@') {
        None => Ok((text, None)),
        Some((subject, version)) => {
            let version = VersionSpec::parse(version).ok_or_else(|| {
                Failure::new(format!("`{version}` is no version"))
                    .advise("Write SUBJECT@3 or SUBJECT@latest.")
            })?;
            Ok((subject, Some(version)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_languages() {
        assert_eq!(place("s").unwrap(), ("s", None));
        assert_eq!(place("s@3").unwrap(), ("s", Some(VersionSpec::Number(3))));
        assert_eq!(place("a@b@latest").unwrap(), ("a@b", Some(VersionSpec::Latest)));
        assert!(place("s@0").is_err());
        assert_eq!(by_ending(Path::new("a/b.proto")), Some(Language::Protobuf));
        assert_eq!(by_ending(Path::new("-")), None);
        assert_eq!(language("Avro").unwrap(), Language::Avro);
        assert!(language("xml").is_err());
    }
}
