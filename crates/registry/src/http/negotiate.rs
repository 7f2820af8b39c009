//! Content negotiation as Confluent's server does it.

/// What the registry produces, most wanted first, with the weight it gives each.
const PRODUCED: [(&str, f32); 3] = [
    ("application/vnd.schemaregistry.v1+json", 1.0),
    ("application/vnd.schemaregistry+json", 0.9),
    ("application/json", 0.5),
];

/// The media type of the answer, or nothing if none of ours is accepted.
pub(super) fn produced(accept: Option<&str>) -> Option<&'static str> {
    let accept = accept.map(str::trim).filter(|accept| !accept.is_empty()).unwrap_or("*/*");
    let mut best: Option<(f32, f32, &'static str)> = None;
    for (name, ours) in PRODUCED {
        // The most specific range that matches decides.
        let matching = accept.split(',').filter_map(|range| Some((specificity(range, name)?, weight(range))));
        let Some((_, theirs)) = matching.max_by_key(|(specificity, _)| *specificity) else { continue };
        let better = best.is_none_or(|(t, o, _)| theirs > t || (theirs == t && ours > o));
        if theirs > 0.0 && better {
            best = Some((theirs, ours, name));
        }
    }
    best.map(|(_, _, name)| name)
}

fn media_type(range: &str) -> &str {
    range.split(';').next().unwrap_or("").trim()
}

/// How exactly a range names a media type; nothing if it does not.
fn specificity(range: &str, name: &str) -> Option<u8> {
    let range = media_type(range);
    match range.split_once('/') {
        Some(("*", "*")) => Some(0),
        Some(("application", "*")) => Some(1),
        _ if range.eq_ignore_ascii_case(name) => Some(2),
        _ if range == "*" => Some(0),
        _ => None,
    }
}

fn weight(range: &str) -> f32 {
    let q = range.split(';').skip(1).find_map(|parameter| parameter.trim().strip_prefix("q="));
    q.and_then(|q| q.trim().parse().ok()).unwrap_or(1.0)
}

/// Whether a body of that type is read.
pub(super) fn is_consumed(content_type: Option<&str>) -> bool {
    let Some(given) = content_type.map(str::trim).filter(|given| !given.is_empty()) else { return true };
    let given = media_type(given);
    given.eq_ignore_ascii_case("application/octet-stream")
        || PRODUCED.iter().any(|(name, _)| given.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_of_the_most_wanted_type() {
        let (v1, unversioned, json) = (PRODUCED[0].0, PRODUCED[1].0, PRODUCED[2].0);
        let table = [
            (None, Some(v1)),
            (Some(""), Some(v1)),
            (Some("*/*"), Some(v1)),
            (Some("application/*"), Some(v1)),
            (Some("application/json"), Some(json)),
            (Some("application/json; charset=utf-8"), Some(json)),
            (Some("application/vnd.schemaregistry+json, application/json"), Some(unversioned)),
            (Some("application/json, application/vnd.schemaregistry.v1+json;q=0.5"), Some(json)),
            (Some("text/html, */*;q=0.1"), Some(v1)),
            (Some("*/*, application/vnd.schemaregistry.v1+json;q=0"), Some(unversioned)),
            (Some("text/html"), None),
            (Some("application/xml, text/*"), None),
        ];
        for (accept, expected) in table {
            assert_eq!(produced(accept), expected, "{accept:?}");
        }
    }

    #[test]
    fn bodies_of_other_types_are_refused() {
        for good in [
            None,
            Some(""),
            Some("application/json"),
            Some("Application/JSON;charset=x"),
            Some("application/octet-stream"),
        ] {
            assert!(is_consumed(good), "{good:?}");
        }
        for bad in ["text/plain", "application/xml", "application/x-www-form-urlencoded"] {
            assert!(!is_consumed(Some(bad)), "{bad}");
        }
    }
}
