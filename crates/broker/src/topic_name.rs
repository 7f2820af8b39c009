//! Which names a topic may have.

use base::limits::TOPIC_NAME_LEN_MAX;

/// Checks a topic's name; the error is Kafka's sentence.
pub(crate) fn check(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("Topic name is invalid: the empty string is not allowed".to_owned());
    }
    if name == "." || name == ".." {
        return Err(format!("Topic name is invalid: '{name}' is not allowed"));
    }
    if name.len() > TOPIC_NAME_LEN_MAX {
        return Err(format!(
            "Topic name is invalid: the length of '{name}' is longer than the max allowed length {TOPIC_NAME_LEN_MAX}"
        ));
    }
    match name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')) {
        true => Ok(()),
        false => Err(format!(
            "Topic name is invalid: '{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kafkas() {
        let (longest, too_long) = ("a".repeat(249), "a".repeat(250));
        for (name, legal) in [
            ("a.b_c-D9", true),
            (longest.as_str(), true),
            ("...", true),
            ("", false),
            (".", false),
            ("..", false),
            (too_long.as_str(), false),
            ("a b", false),
            ("a/b", false),
            ("é", false),
        ] {
            assert_eq!(check(name).is_ok(), legal, "{name:?}");
        }
    }
}
