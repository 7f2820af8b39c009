//! The order in which versions can be registered: what is referred to before what refers to it.

use std::collections::BTreeMap;

use serde_json::Value;

/// A version's subject and number.
type Place = (String, i64);

/// Versions in the order given, but each after those that it refers to. References may lead anywhere, even in a circle: none is
/// walked twice, and what is not among the versions is passed over.
pub(super) fn by_references(versions: Vec<Value>) -> Vec<Value> {
    let at: BTreeMap<Place, usize> =
        versions.iter().enumerate().filter_map(|(at, version)| Some((place(version)?, at))).collect();
    let references: Vec<Vec<usize>> = versions.iter().map(|version| referred_to(version, &at)).collect();
    let mut versions: Vec<Option<Value>> = versions.into_iter().map(Some).collect();
    let mut met = vec![false; versions.len()];
    let mut ordered = Vec::with_capacity(versions.len());
    for first in 0..versions.len() {
        let mut stack = vec![(first, false)];
        while let Some((at, walked)) = stack.pop() {
            if walked {
                ordered.extend(versions.get_mut(at).and_then(Option::take));
                continue;
            }
            if met.get_mut(at).is_none_or(|met| core::mem::replace(met, true)) {
                continue;
            }
            stack.push((at, true));
            stack.extend(references.get(at).into_iter().flatten().rev().map(|next| (*next, false)));
        }
    }
    ordered
}

fn place(version: &Value) -> Option<Place> {
    Some((version.get("subject")?.as_str()?.to_owned(), version.get("version")?.as_i64()?))
}

/// Where those stand that a version refers to.
fn referred_to(version: &Value, at: &BTreeMap<Place, usize>) -> Vec<usize> {
    let context = version.get("subject").and_then(Value::as_str).and_then(super::copy::context);
    let references = version.get("references").and_then(Value::as_array);
    let one = |reference: &Value| {
        let (subject, number) = place(reference)?;
        // A name without a context is one of the context of what refers to it.
        let here = context.as_ref().map(|context| (format!("{context}{subject}"), number));
        let plain = (subject.strip_prefix(":.:").unwrap_or(&subject).to_owned(), number);
        let inherited = here.filter(|_| !subject.starts_with(":.")).and_then(|here| at.get(&here));
        inherited.or_else(|| at.get(&plain)).copied()
    };
    references.into_iter().flatten().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn version(subject: &str, number: i64, references: &[(&str, i64)]) -> Value {
        let one =
            |(subject, number): &(&str, i64)| json!({"name": "n", "subject": subject, "version": number});
        json!({"subject": subject, "version": number, "references": references.iter().map(one).collect::<Vec<_>>()})
    }

    #[test]
    fn what_is_referred_to_comes_first() {
        let table = [
            // Ids of two contexts say nothing of each other.
            (vec![version(":.b:t", 1, &[(":.a:s", 1)]), version(":.a:s", 1, &[])], vec![":.a:s", ":.b:t"]),
            // A bare name is of the own context, `:.:` of the default one.
            (
                vec![version(":.b:t", 1, &[("s", 1)]), version("s", 1, &[]), version(":.b:s", 1, &[])],
                vec![":.b:s", ":.b:t", "s"],
            ),
            (vec![version(":.b:t", 1, &[(":.:s", 1)]), version("s", 1, &[])], vec!["s", ":.b:t"]),
            // Over several; the others keep their order.
            (
                vec![
                    version("c", 1, &[("b", 1)]),
                    version("x", 1, &[]),
                    version("b", 1, &[("a", 1)]),
                    version("a", 1, &[]),
                ],
                vec!["a", "b", "c", "x"],
            ),
            // Circles and what is not there end the walk.
            (vec![version("a", 1, &[("b", 1), ("gone", 1)]), version("b", 1, &[("a", 1)])], vec!["b", "a"]),
        ];
        for (versions, wanted) in table {
            let ordered = by_references(versions);
            let subjects: Vec<&str> =
                ordered.iter().filter_map(|version| version["subject"].as_str()).collect();
            assert_eq!(subjects, wanted);
        }
        let chain: Vec<Value> = (0..100_000).rev().map(|n| version("s", n, &[("s", n - 1)])).collect();
        let ordered = by_references(chain);
        assert_eq!((ordered.len(), &ordered[0]["version"]), (100_000, &json!(0)));
    }
}
