//! Who may ask: HTTP basic authentication (RFC 7617) under Confluent's property names, and TLS under Kafka's.
//!
//! Users come from a file in Jetty's format, `name: password,role,…`, or from `authentication.user_NAME=password,role,…`.

mod base64;
mod password;
mod tls;

use std::collections::BTreeMap;

use crate::error::RestError;
use password::Password;
pub(crate) use tls::Identity;
pub use tls::Tls;

/// The users, and which of them may ask. By default nobody is asked who they are.
#[derive(Clone, Debug)]
pub struct Access {
    /// Whether `authentication.method` is BASIC.
    required: bool,
    realm: String,
    /// The roles that may ask (`authentication.roles`); `*` is any.
    roles: Vec<String>,
    /// Paths that anybody may ask for (`authentication.skip.paths`).
    open_paths: Vec<String>,
    users: BTreeMap<String, User>,
}

#[derive(Clone, Debug)]
struct User {
    password: Password,
    roles: Vec<String>,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            required: false,
            realm: "SchemaRegistry-Props".to_owned(),
            roles: vec!["*".to_owned()],
            open_paths: Vec::new(),
            users: BTreeMap::new(),
        }
    }
}

fn list(value: &str) -> Vec<String> {
    value.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

impl Access {
    /// Sets an `authentication.…` property; the text says what is wrong with it.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "authentication.method" => match value.to_ascii_uppercase().as_str() {
                "BASIC" => self.required = true,
                "NONE" => self.required = false,
                _ => return Err(format!("{name}={value}: BASIC and NONE are supported")),
            },
            "authentication.realm" if value.is_empty() || value.contains(['"', '\\', '\r', '\n']) => {
                return Err(format!("{name}: a name without quotes is wanted"));
            }
            "authentication.realm" => self.realm = value.to_owned(),
            "authentication.roles" => self.roles = list(value),
            "authentication.skip.paths" => self.open_paths = list(value),
            "authentication.users.file" => self.read_users(value)?,
            _ => match name.strip_prefix("authentication.user_") {
                Some(user) => self.add(user, value)?,
                None => return Err(format!("{name} is not supported")),
            },
        }
        Ok(())
    }

    fn read_users(&mut self, path: &str) -> Result<(), String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        for line in
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', '!']))
        {
            let (name, rest) =
                line.split_once([':', '=']).ok_or(format!("{path}: 'name: password,role,…' is wanted"))?;
            self.add(name.trim(), rest.trim())?;
        }
        Ok(())
    }

    fn add(&mut self, name: &str, value: &str) -> Result<(), String> {
        let mut parts = value.split(',').map(str::trim);
        let password = Password::parse(parts.next().unwrap_or_default())
            .ok_or(format!("the password of {name}: plain text, OBF: and MD5: are supported"))?;
        let roles = parts.filter(|role| !role.is_empty()).map(str::to_owned).collect();
        self.users.insert(name.to_owned(), User { password, roles });
        Ok(())
    }

    /// Whether the settings make sense together.
    pub fn check(&self) -> Result<(), String> {
        if self.required && self.users.is_empty() {
            return Err(
                "authentication.method=BASIC needs authentication.users.file or authentication.user_NAME"
                    .into(),
            );
        }
        Ok(())
    }

    /// Whether a request may be answered, given its path and its `Authorization`.
    pub fn admits(&self, path: &str, authorization: Option<&[u8]>) -> Result<(), RestError> {
        if !self.required || self.open_paths.iter().any(|open| open == path) {
            return Ok(());
        }
        let (name, password) = authorization.and_then(credentials).ok_or_else(unauthorized)?;
        let user = self.users.get(&name).ok_or_else(unauthorized)?;
        if !user.password.is(&password) {
            return Err(unauthorized());
        }
        let allowed = self.roles.iter().any(|role| role == "*" || user.roles.contains(role));
        if allowed {
            Ok(())
        } else {
            Err(RestError { message: "Forbidden".to_owned(), ..RestError::http(403, "") })
        }
    }

    /// What a refused caller is told to do.
    pub fn challenge(&self) -> String {
        format!("Basic realm=\"{}\"", self.realm)
    }
}

fn unauthorized() -> RestError {
    RestError { message: "Unauthorized".to_owned(), ..RestError::http(401, "") }
}

/// Name and password of `Basic …`.
fn credentials(header: &[u8]) -> Option<(String, Vec<u8>)> {
    let text = core::str::from_utf8(header).ok()?.trim();
    let (scheme, encoded) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = base64::decode(encoded.trim())?;
    let at = decoded.iter().position(|byte| *byte == b':')?;
    let (name, password) = decoded.split_at(at);
    Some((String::from_utf8(name.to_vec()).ok()?, password.get(1..)?.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> Access {
        let mut access = Access::default();
        for (name, value) in [
            ("authentication.method", "BASIC"),
            ("authentication.realm", "R"),
            ("authentication.roles", "admin, developer"),
            ("authentication.user_fred", "OBF:1xmk1w261u9r1w1c1xmq,admin"),
            ("authentication.user_harry", "changeme,user,developer"),
            ("authentication.user_tom", "MD5:164c88b302622e17050af52c89945d44,admin"),
            ("authentication.user_dick", "me:too,reader"),
            ("authentication.skip.paths", "/v1/metadata/id"),
        ] {
            access.set(name, value).unwrap();
        }
        access
    }

    #[test]
    fn only_users_of_the_roles_may_ask() {
        // Name and password, and the status of the refusal.
        let table: [(&str, Option<u16>); 9] = [
            // fred:changeme
            ("Basic ZnJlZDpjaGFuZ2VtZQ==", Some(401)),
            // harry:changeme
            ("Basic aGFycnk6Y2hhbmdlbWU=", None),
            ("basic   aGFycnk6Y2hhbmdlbWU=", None),
            // harry:wrong
            ("Basic aGFycnk6d3Jvbmc=", Some(401)),
            // tom:me
            ("Basic dG9tOm1l", Some(401)),
            // dick:me:too
            ("Basic ZGljazptZTp0b28=", Some(403)),
            ("Basic !!", Some(401)),
            ("Bearer aGFycnk6Y2hhbmdlbWU=", Some(401)),
            ("", Some(401)),
        ];
        for (header, status) in table {
            let verdict = access().admits("/subjects", Some(header.as_bytes()));
            assert_eq!(verdict.err().map(|error| error.status), status, "{header}");
        }
        assert!(access().admits("/v1/metadata/id", None).is_ok());
        assert!(access().admits("/subjects", None).is_err());
        assert!(Access::default().admits("/subjects", None).is_ok());
    }

    #[test]
    fn what_is_not_supported_is_refused() {
        for (name, value) in [
            ("authentication.method", "BEARER"),
            ("authentication.user_x", "CRYPT:abc,admin"),
            ("authentication.users.file", "no such file"),
            ("authentication.other", "x"),
            ("authentication.realm", "a\"b"),
        ] {
            assert!(Access::default().set(name, value).is_err(), "{name}={value}");
        }
        let mut alone = Access::default();
        alone.set("authentication.method", "basic").unwrap();
        assert!(alone.check().is_err());
    }
}
