//! Records in every layout, and the state they come to.

use super::*;
use crate::log::LogEntry;
use crate::record::Record;
use crate::store::Live;

fn replay(records: &[(&str, Option<&str>)]) -> (Store, Vec<Applied>) {
    let mut store = Store::default();
    let applied = (0..)
        .zip(records)
        .map(|(offset, (key, value))| {
            let value = value.map(|value| value.as_bytes().to_vec());
            store.apply(&LogEntry { offset, key: key.as_bytes().to_vec(), value, timestamp: 5 })
        })
        .collect();
    (store, applied)
}

fn versions(store: &Store, subject: &str) -> Vec<(i32, i32, bool)> {
    store.versions(subject, Live::WithDeleted).map(|(number, v)| (number, v.id, v.deleted)).collect()
}

#[test]
fn documented_records_come_to_the_documented_state() {
    let (store, applied) = replay(&[
        (r#"{"keytype":"NOOP","magic":0}"#, None),
        (
            r#"{"keytype":"SCHEMA","subject":"t","version":1,"magic":1}"#,
            Some(r#"{"subject":"t","version":1,"id":1,"schema":"\"string\"","deleted":false}"#),
        ),
        (
            r#"{"keytype":"SCHEMA","subject":"t","version":2,"magic":1}"#,
            Some(
                r#"{"schema":"\"bytes\"","deleted":false,"id":2,"md5":"x","version":2,"subject":"t","unknown":1}"#,
            ),
        ),
        (
            r#"{"keytype":"SCHEMA","subject":"j","version":1,"magic":1}"#,
            Some(
                r#"{"subject":"j","version":1,"id":3,"schemaType":"JSON","references":[{"name":"n","subject":"t","version":1}],"metadata":{"properties":{"a":"b"}},"ruleSet":{"domainRules":[{"name":"r","type":"CEL"}]},"schema":"{}","deleted":false}"#,
            ),
        ),
        (r#"{"keytype":"CONFIG","magic":0}"#, Some(r#"{"compatibilityLevel":"FULL"}"#)),
        (
            r#"{"keytype":"CONFIG","subject":"t","magic":0}"#,
            Some(r#"{"subject":"t","compatibilityLevel":"NONE"}"#),
        ),
        (r#"{"keytype":"MODE","subject":"r","magic":0}"#, Some(r#"{"subject":"r","mode":"READONLY"}"#)),
        (
            r#"{"keytype":"CONTEXT","tenant":"default","context":".c","magic":0}"#,
            Some(r#"{"tenant":"default","context":".c"}"#),
        ),
        (
            r#"{"keytype":"SCHEMA","subject":":.c:t","version":1,"magic":1}"#,
            Some(r#"{"subject":":.c:t","version":1,"id":1,"schema":"\"int\"","deleted":false}"#),
        ),
        (r#"{"keytype":"ASSOC","tenant":"default"}"#, Some("{}")),
        ("not json", Some("{}")),
        (r#"{"keytype":"SCHEMA","subject":"x","version":1,"magic":1}"#, Some("not json")),
    ]);
    assert_eq!(versions(&store, "t"), [(1, 1, false), (2, 2, false)]);
    assert_eq!(versions(&store, ":.c:t"), [(1, 1, false)]);
    assert!(store.contexts().into_iter().eq([".", ".c"]));
    assert_eq!(store.config_in_scope("t").level(), Some(schema::Level::None));
    assert_eq!(store.config_in_scope("u").level(), Some(schema::Level::Full));
    assert_eq!(store.mode_in_scope("r"), Mode::ReadOnly);
    assert_eq!(store.mode_in_scope("t"), Mode::ReadWrite);
    assert_eq!(store.referrers("t", 1, Live::Only).len(), 1);
    let json = store.by_id(".", 3).unwrap();
    assert_eq!(json.language, schema::Language::Json);
    assert!(json.metadata.is_some() && json.rules.is_some());
    assert_eq!(store.max_id("."), 3);
    assert_eq!(store.next_offset(), 12);
    let nothing = applied.iter().filter(|a| **a == Applied::Nothing).count();
    assert_eq!(nothing, 4, "{applied:?}");
}

#[test]
fn older_key_layouts_are_the_same_keys_and_get_tombstones_too() {
    let old = r#"{"subject":"t","version":1,"keytype":"SCHEMA","magic":0}"#;
    let value = r#"{"subject":"t","version":1,"id":1,"schema":"\"string\"","deleted":false}"#;
    let (store, _) = replay(&[(old, Some(value))]);
    assert_eq!(versions(&store, "t"), [(1, 1, false)]);
    let key = Key::Schema { subject: "t".to_owned(), version: 1 };
    assert_eq!(store.layouts(&key), [key.to_bytes(), old.as_bytes().to_vec()]);
}

#[test]
fn deletions_soft_and_hard() {
    let v = |n: i32, deleted: bool| {
        format!(r#"{{"subject":"d","version":{n},"id":{n},"schema":"\"s{n}\"","deleted":{deleted}}}"#)
    };
    let k = |n: i32| format!(r#"{{"keytype":"SCHEMA","subject":"d","version":{n},"magic":1}}"#);
    let (k1, k2, k3, v1, v2, v3) = (k(1), k(2), k(3), v(1, false), v(2, false), v(3, false));
    let gone = v(2, true);
    let delete =
        (r#"{"keytype":"DELETE_SUBJECT","subject":"d","magic":0}"#, Some(r#"{"subject":"d","version":2}"#));
    let base = [(k1.as_str(), Some(v1.as_str())), (k2.as_str(), Some(v2.as_str()))];
    let (store, _) = replay(&[base[0], base[1], (&k2, Some(&gone))]);
    assert_eq!(versions(&store, "d"), [(1, 1, false), (2, 2, true)]);
    assert_eq!(store.next_version("d"), 3);
    let (store, _) = replay(&[base[0], base[1], delete, (&k3, Some(&v3))]);
    assert_eq!(versions(&store, "d"), [(1, 1, true), (2, 2, true), (3, 3, false)]);
    let (store, _) = replay(&[base[0], base[1], delete, (&k1, None), (&k2, None)]);
    assert!(versions(&store, "d").is_empty() && store.by_id(".", 1).is_none());
    assert_eq!(store.max_id("."), 2);
    let clear = (r#"{"keytype":"CLEAR_SUBJECT","subject":"d","magic":0}"#, Some(r#"{"subject":"d"}"#));
    let (store, _) = replay(&[base[0], base[1], (&k2, Some(&gone)), clear]);
    assert_eq!(versions(&store, "d"), [(1, 1, false)]);
    // Without a subject all are meant, whatever their context; ids become free for what is imported.
    let elsewhere = (
        r#"{"keytype":"SCHEMA","subject":":.c:e","version":1,"magic":1}"#,
        Some(r#"{"subject":":.c:e","version":1,"id":1,"schema":"\"int\"","deleted":true}"#),
    );
    for layout in [
        r#"{"keytype":"CLEAR_SUBJECT","subject":null,"magic":0}"#,
        r#"{"keytype":"CLEAR_SUBJECT","magic":0}"#,
    ] {
        let (store, applied) =
            replay(&[base[0], base[1], (&k2, Some(&gone)), elsewhere, (layout, Some("{}"))]);
        assert_eq!((versions(&store, "d"), applied[4]), (vec![(1, 1, false)], Applied::Done), "{layout}");
        assert!(versions(&store, ":.c:e").is_empty() && store.by_id(".", 2).is_none());
    }
    // A compacted topic may hold nothing of a schema but that it is deleted.
    let (store, _) = replay(&[(&k2, Some(&gone))]);
    assert_eq!(versions(&store, "d"), [(2, 2, true)]);
    assert!(store.by_id(".", 2).is_some());
}

#[test]
fn the_first_to_claim_an_id_or_a_version_has_it() {
    let k = |subject: &str| format!(r#"{{"keytype":"SCHEMA","subject":"{subject}","version":1,"magic":1}}"#);
    let v = |subject: &str, id: i32, text: &str| {
        format!(r#"{{"subject":"{subject}","version":1,"id":{id},"schema":"\"{text}\"","deleted":false}}"#)
    };
    let (ka, kb) = (k("a"), k("b"));
    let (a1, a2, b1, b1_same) = (v("a", 1, "int"), v("a", 2, "long"), v("b", 1, "long"), v("b", 1, "int"));
    let first = (ka.as_str(), Some(a1.as_str()));
    let table = [
        (vec![first, (&ka, Some(&a2))], Applied::Lost),
        (vec![first, (&kb, Some(&b1))], Applied::LostId),
        (vec![first, (&kb, Some(&b1_same))], Applied::Done),
        (vec![first, first], Applied::Done),
        (
            vec![
                first,
                (r#"{"keytype":"MODE","subject":"a","magic":0}"#, Some(r#"{"subject":"a","mode":"IMPORT"}"#)),
                (&ka, Some(&a2)),
            ],
            Applied::Done,
        ),
    ];
    for (records, expected) in table {
        let (_, applied) = replay(&records);
        assert_eq!(applied.last(), Some(&expected), "{records:?}");
    }
}

#[test]
fn records_are_written_as_the_java_registry_writes_them() {
    let content =
        crate::record::Content::new(schema::Language::Avro, "\"string\"".into(), Vec::new(), None, None);
    let record = crate::record::SchemaValue { id: 1, content: content.into(), deleted: false }.record("t", 1);
    let text = |record: &Record| {
        let value =
            record.value.as_deref().map_or("null".to_owned(), |v| String::from_utf8_lossy(v).into_owned());
        format!("{} {value}", String::from_utf8_lossy(&record.key))
    };
    let table = [
        (
            record,
            r#"{"keytype":"SCHEMA","subject":"t","version":1,"magic":1} {"subject":"t","version":1,"id":1,"schema":"\"string\"","deleted":false}"#,
        ),
        (
            crate::record::mode(Some("r"), "READONLY"),
            r#"{"keytype":"MODE","subject":"r","magic":0} {"subject":"r","mode":"READONLY"}"#,
        ),
        (
            crate::record::delete_subject("d", 1),
            r#"{"keytype":"DELETE_SUBJECT","subject":"d","magic":0} {"subject":"d","version":1}"#,
        ),
        (
            crate::record::clear_subject("i"),
            r#"{"keytype":"CLEAR_SUBJECT","subject":"i","magic":0} {"subject":"i"}"#,
        ),
        (
            crate::record::context(".ctx"),
            r#"{"keytype":"CONTEXT","tenant":"default","context":".ctx","magic":0} {"tenant":"default","context":".ctx"}"#,
        ),
        (Record { key: Key::Noop.to_bytes(), value: None }, r#"{"keytype":"NOOP","magic":0} null"#),
        (
            Config::default()
                .updated(&schema::json::parse(r#"{"compatibility":"none"}"#).unwrap())
                .record(Some("t")),
            r#"{"keytype":"CONFIG","subject":"t","magic":0} {"subject":"t","compatibilityLevel":"NONE"}"#,
        ),
    ];
    for (record, expected) in table {
        assert_eq!(text(&record), expected);
    }
}

#[test]
fn an_import_that_loses_on_its_id_leaves_the_version_it_would_replace() {
    let schema = |subject: &str, version: i32, id: i32, text: &str| {
        let key = format!(r#"{{"keytype":"SCHEMA","subject":"{subject}","version":{version},"magic":1}}"#);
        let value = format!(
            r#"{{"subject":"{subject}","version":{version},"id":{id},"schema":"\"{text}\"","deleted":false}}"#
        );
        (key, value)
    };
    let mode = (r#"{"keytype":"MODE","magic":0}"#.to_owned(), r#"{"mode":"IMPORT"}"#.to_owned());
    let records = [
        mode,
        schema("s", 1, 5, "int"),
        schema("other", 1, 6, "long"),
        schema("s", 1, 6, "bytes"),
        // An id that only this version has may be given anew with it.
        schema("other", 1, 6, "float"),
    ];
    let records: Vec<(&str, Option<&str>)> =
        records.iter().map(|(key, value)| (key.as_str(), Some(value.as_str()))).collect();
    let (store, applied) = replay(&records);
    assert_eq!(applied[3], Applied::Lost);
    assert_eq!(versions(&store, "s"), [(1, 5, false)]);
    assert_eq!(applied[4], Applied::Done);
    assert_eq!(versions(&store, "other"), [(1, 6, false)]);
}

#[test]
fn a_version_keeps_its_language_where_another_of_its_id_has_another() {
    let record = |subject: &str, kind: &str| {
        let key = format!(r#"{{"keytype":"SCHEMA","subject":"{subject}","version":1,"magic":1}}"#);
        let value = format!(
            r#"{{"subject":"{subject}","version":1,"id":1,{kind}"schema":"{{\"type\":\"string\"}}","deleted":false}}"#
        );
        (key, value)
    };
    let json = r#""schemaType":"JSON","#;
    let records = [record("a", ""), record("b", json), record("b", "")];
    let records: Vec<(&str, Option<&str>)> =
        records.iter().map(|(key, value)| (key.as_str(), Some(value.as_str()))).collect();
    let (store, applied) = replay(&records);
    assert_eq!(applied, [Applied::Done, Applied::Done, Applied::Lost]);
    let content = |subject: &str| &store.version(subject, 1, Live::Only).unwrap().1.content;
    assert_eq!(content("a").language, schema::Language::Avro);
    assert_eq!(content("b").language, schema::Language::Json);
    assert!(std::sync::Arc::ptr_eq(&content("a").text, &content("b").text));
}

#[test]
fn a_schema_of_several_ids_is_found_under_one_that_is_left() {
    let key = |id: i32| format!(r#"{{"keytype":"SCHEMA","subject":"s{id}","version":1,"magic":1}}"#);
    let value = |id: i32| {
        format!(r#"{{"subject":"s{id}","version":1,"id":{id},"schema":"\"int\"","deleted":false}}"#)
    };
    let ids = [5, 9, 3, 7];
    let records: Vec<_> = ids.iter().map(|id| (key(*id), value(*id))).collect();
    let there: Vec<_> = records.iter().map(|(key, value)| (key.as_str(), Some(value.as_str()))).collect();
    let guid = replay(&there).0.by_id(".", 5).unwrap().guid;
    // The first, and the smallest of those left.
    for (gone, found) in
        [(&[][..], Some(5)), (&[3], Some(5)), (&[5], Some(3)), (&[5, 3], Some(7)), (&[9, 5, 7], Some(3))]
    {
        let keys: Vec<_> = gone.iter().map(|id| key(*id)).collect();
        let tombstones = keys.iter().map(|key| (key.as_str(), None));
        let all: Vec<_> = there.iter().copied().chain(tombstones).collect();
        assert_eq!(replay(&all).0.id_of(".", &guid), found, "{gone:?}");
    }
    let all: Vec<_> = there.iter().copied().chain(there.iter().map(|(key, _)| (*key, None))).collect();
    assert_eq!(replay(&all).0.id_of(".", &guid), None);
}
