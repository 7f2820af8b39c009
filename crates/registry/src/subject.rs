//! Subjects and the contexts they stand in: `:.context:subject`, or the subject alone in the default context.

/// The default context.
pub const DEFAULT_CONTEXT: &str = ".";

/// The prefix that means every context.
pub const ALL_CONTEXTS: &str = ":*:";

/// The scope above all contexts, for configuration and modes.
pub const GLOBAL_SCOPE: &str = ":.__GLOBAL:";

/// Splits a subject into its context and its name there.
pub fn split(subject: &str) -> (&str, &str) {
    if let Some(rest) = subject.strip_prefix(':')
        && rest.starts_with(['.', '*'])
        && let Some((context, name)) = rest.split_once(':')
    {
        return (context, name);
    }
    (DEFAULT_CONTEXT, subject)
}

/// The subject of that name in that context; the default context goes without saying.
pub fn qualified(context: &str, name: &str) -> String {
    if context == DEFAULT_CONTEXT { name.to_owned() } else { format!(":{context}:{name}") }
}

/// The context that a subject stands in.
pub fn context_of(subject: &str) -> &str {
    split(subject).0
}

/// The same subject in its one spelling: the default context is not written.
pub fn canonical(subject: &str) -> String {
    let (context, name) = split(subject);
    qualified(context, name)
}

/// A name without a context of its own, seen from a context.
pub fn inherited(subject: &str, context: &str) -> String {
    if split(subject).0 == DEFAULT_CONTEXT && !subject.starts_with(":.:") {
        qualified(context, subject)
    } else {
        canonical(subject)
    }
}

/// Whether a context's name is one: a dot, then letters, digits, `_`, `-` and dots.
pub fn is_context(name: &str) -> bool {
    name.starts_with('.')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '$' | '+' | '~'))
}

/// Whether schemas may be registered under this subject; in `scopes`, a context without a subject will do.
pub fn is_valid(subject: &str, scopes: bool) -> bool {
    let (context, name) = split(subject);
    if subject.chars().any(|c| c.is_control()) || !(context == DEFAULT_CONTEXT || is_context(context)) {
        return false;
    }
    if context == ".__GLOBAL" {
        return scopes && name.is_empty();
    }
    let reserved = name == "__GLOBAL" || name == "__EMPTY";
    !reserved && (!name.is_empty() || (scopes && context != DEFAULT_CONTEXT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_split_and_join() {
        let table = [
            ("t", ".", "t", "t"),
            (":.:t", ".", "t", "t"),
            (":.c:t", ".c", "t", ":.c:t"),
            (":.c:", ".c", "", ":.c:"),
            (":.c:a:b", ".c", "a:b", ":.c:a:b"),
            (":t", ".", ":t", ":t"),
            (":*:", "*", "", ":*:"),
            (":.c", ".", ":.c", ":.c"),
        ];
        for (text, context, name, joined) in table {
            assert_eq!(split(text), (context, name), "{text}");
            assert_eq!(canonical(text), joined, "{text}");
        }
        assert_eq!(inherited("s", ".c"), ":.c:s");
        assert_eq!(inherited(":.d:s", ".c"), ":.d:s");
        assert_eq!(inherited(":.:s", ".c"), "s");
    }

    #[test]
    fn odd_subjects_are_refused() {
        for good in ["a", "a b", "ä/ö", ":.c:a", "a:b", ":a"] {
            assert!(is_valid(good, false), "{good}");
        }
        for bad in [
            "",
            "a\n",
            "__GLOBAL",
            "__EMPTY",
            ":.c:",
            ":.c:__GLOBAL",
            ":.__GLOBAL:",
            ":.__GLOBAL:a",
            ":.c/d:a",
        ] {
            assert!(!is_valid(bad, false), "{bad}");
        }
        assert!(is_valid(":.c:", true) && is_valid(":.__GLOBAL:", true) && !is_valid("", true));
    }
}
