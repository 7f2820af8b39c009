//! `mekong profile`: clusters under names, in `$XDG_CONFIG_HOME/mekong/profiles`.
//!
//! ```text
//! default = local
//!
//! [local]
//! bootstrap.servers = localhost:9092
//!
//! [staging]
//! bootstrap.servers = s1:9092,s2:9092
//! client.id = me
//! ```
//! Names of settings are Kafka's.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::ask::Consent;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// `mekong profile …`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Show all profiles.
    List,
    /// Create a profile or change settings of it.
    Set {
        /// Its name.
        name: String,
        /// Settings by Kafka's names, such as bootstrap.servers=host:9092.
        #[arg(value_name = "KEY=VALUE", required = true)]
        settings: Vec<String>,
    },
    /// Make a profile the default.
    Use {
        /// Its name.
        name: String,
    },
    /// Delete a profile.
    Delete {
        /// Its name.
        name: String,
        #[command(flatten)]
        consent: Consent,
    },
}

type Settings = BTreeMap<String, String>;

/// The file, read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Profiles {
    default: Option<String>,
    profiles: BTreeMap<String, Settings>,
}

impl Profiles {
    /// Reads the file; nothing if there is none.
    pub fn load() -> Outcome<Self> {
        let Some(path) = path() else { return Ok(Self::default()) };
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, &path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Failure::new(format!("{}: {error}", path.display()))),
        }
    }

    fn parse(text: &str, path: &Path) -> Outcome<Self> {
        let mut profiles = Self::default();
        let mut section: Option<String> = None;
        for (number, line) in text.lines().enumerate().map(|(number, line)| (number + 1, line.trim())) {
            let wrong = |what: &str| Failure::new(format!("{}, line {number}: {what}", path.display()));
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = line.strip_prefix('[') {
                let name = name.strip_suffix(']').ok_or_else(|| wrong("a section is written [name]"))?.trim();
                profiles.profiles.entry(name.to_owned()).or_default();
                section = Some(name.to_owned());
                continue;
            }
            let (key, value) =
                line.split_once('=').ok_or_else(|| wrong("a setting is written key = value"))?;
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            match (&section, key.as_str()) {
                (Some(name), _) => {
                    drop(profiles.profiles.entry(name.clone()).or_default().insert(key, value))
                }
                (None, "default") => profiles.default = Some(value),
                (None, _) => return Err(wrong("only `default = NAME` stands outside a section")),
            }
        }
        Ok(profiles)
    }

    fn text(&self) -> String {
        let mut text = String::new();
        if let Some(default) = &self.default {
            let _ = writeln!(text, "default = {default}");
        }
        for (name, settings) in &self.profiles {
            let _ = writeln!(text, "\n[{name}]");
            for (key, value) in settings {
                let _ = writeln!(text, "{key} = {value}");
            }
        }
        text
    }

    fn save(&self) -> Outcome {
        let path = path()
            .ok_or_else(|| Failure::new("neither XDG_CONFIG_HOME nor HOME says where settings belong"))?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let fresh = path.with_extension("new");
        // It may hold passwords.
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&fresh)?;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        file.write_all(self.text().as_bytes())?;
        Ok(std::fs::rename(&fresh, &path)?)
    }

    /// The settings of the profile named, or of the default one, or none.
    pub fn settings(&self, name: Option<&str>) -> Outcome<Vec<(String, String)>> {
        let Some(name) = name.or(self.default.as_deref()) else { return Ok(Vec::new()) };
        let settings = self.profiles.get(name).ok_or_else(|| unknown(name))?;
        Ok(settings.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

fn unknown(name: &str) -> Failure {
    Failure::new(format!("there is no profile `{name}`"))
        .advise("`mekong profile list` shows them, `mekong profile set` makes one.")
}

fn path() -> Option<PathBuf> {
    let var = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = var("XDG_CONFIG_HOME").or_else(|| var("HOME").map(|home| home.join(".config")))?;
    Some(base.join("mekong").join("profiles"))
}

/// Runs it.
pub fn run(command: Command, output: &Output) -> Outcome {
    let mut profiles = Profiles::load()?;
    match command {
        Command::List => return list(&profiles, output),
        Command::Set { name, settings } => {
            if name.trim() != name || name.is_empty() || name.contains(['[', ']', '=', '\n', '\r']) {
                return Err(Failure::new(format!("`{name}` cannot be a profile's name")));
            }
            let target = profiles.profiles.entry(name.clone()).or_default();
            for setting in settings {
                let (key, value) = setting
                    .split_once('=')
                    .ok_or_else(|| Failure::new(format!("`{setting}`: write a setting as key=value")))?;
                target.insert(key.trim().to_owned(), value.trim().to_owned());
            }
            profiles.default.get_or_insert(name);
        }
        Command::Use { name } => {
            if !profiles.profiles.contains_key(&name) {
                return Err(unknown(&name));
            }
            profiles.default = Some(name);
        }
        Command::Delete { name, consent } => {
            if !profiles.profiles.contains_key(&name) {
                return Err(unknown(&name));
            }
            consent.to(&format!("Delete profile `{name}`"))?;
            profiles.profiles.remove(&name);
            profiles.default = profiles.default.take().filter(|default| *default != name);
        }
    }
    profiles.save()
}

/// A setting's value, unless it is a secret.
fn shown<'a>(key: &str, value: &'a str) -> &'a str {
    let is_secret = ["password", "user.info", "secret", "jaas"].iter().any(|part| key.contains(part));
    if is_secret { "[hidden]" } else { value }
}

fn list(profiles: &Profiles, output: &Output) -> Outcome {
    let is_default = |name: &String| profiles.default.as_ref() == Some(name);
    let rows: Vec<Vec<String>> = profiles
        .profiles
        .iter()
        .map(|(name, settings)| {
            let settings: Vec<String> =
                settings.iter().map(|(key, value)| format!("{key}={}", shown(key, value))).collect();
            vec![name.clone(), if is_default(name) { "yes" } else { "" }.to_owned(), settings.join(" ")]
        })
        .collect();
    let objects = profiles.profiles.iter().map(|(name, settings)| {
        let settings: BTreeMap<&str, &str> =
            settings.iter().map(|(key, value)| (key.as_str(), shown(key, value))).collect();
        json!({ "name": name, "default": is_default(name), "settings": settings })
    });
    output.table(&["NAME", "DEFAULT", "SETTINGS"], &rows, objects)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_back_as_written() {
        let text = "default = a\n\n[a]\nbootstrap.servers = h:1\nclient.id = me\n\n[b]\n";
        let profiles = Profiles::parse(text, Path::new("p")).unwrap();
        assert_eq!(profiles.text(), text);
        assert_eq!(profiles.settings(None).unwrap().len(), 2);
        assert_eq!(profiles.settings(Some("b")).unwrap(), []);
        assert!(profiles.settings(Some("c")).is_err());
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (text, line) in [("x = 1", 1), ("\n[a", 2), ("[a]\nnonsense", 2)] {
            let failure = format!("{:?}", Profiles::parse(text, Path::new("p")).unwrap_err());
            assert!(failure.contains(&format!("line {line}")), "{failure}");
        }
    }
}
