//! Parsing, printing and numbers, as tables.

use super::*;

#[test]
fn texts_print_compactly_in_their_own_order() {
    let table = [
        (r#" { "b" : 1 , "a" : [ true , null ] } "#, r#"{"b":1,"a":[true,null]}"#),
        (r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#),
        (r#"{"a":1,"a":2,"a":3,"c":0}"#, r#"{"a":3,"c":0}"#),
        (r#""\u00e9\u0001\ud83d\ude00\/""#, "\"é\\u0001😀/\""),
        (r#""\ud83d""#, "\"\u{fffd}\""),
        ("-0.50E+10", "-0.50E+10"),
    ];
    for (text, expected) in table {
        assert_eq!(parse(text).map(|j| j.to_text()).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_not_json_is_refused() {
    let table = [
        "",
        "{",
        "[1,]",
        "{\"a\":}",
        "{a:1}",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "nul",
        "nulls",
        "\"\n\"",
        "\"\\x\"",
        "1 2",
        "/* */1",
        "\"\\u12\"",
        "--1",
        "[",
        "\"",
    ];
    for text in table {
        assert!(parse(text).is_err(), "{text:?} passed");
    }
    assert!(parse_with("/* a */ 1 // b", Dialect::Comments).is_ok());
    assert!(parse_with("/* a", Dialect::Comments).is_err());
    assert!(parse(&"[".repeat(100_000)).is_err());
    assert!(parse(&"1".repeat(1001)).is_err());
}

#[test]
fn numbers_are_spelled_as_java_does() {
    let table = [
        ("1.0", "1.0", "1.0"),
        ("1e3", "1000.0", "1E+3"),
        ("1.50", "1.5", "1.50"),
        ("12.5e10", "1.25E11", "1.25E+11"),
        ("0.0000001", "1.0E-7", "1E-7"),
        ("0.00001", "1.0E-5", "0.00001"),
        ("100", "100", "100"),
        ("-0", "0", "0"),
        ("1e400", "\"Infinity\"", "1E+400"),
        ("0.0", "0.0", "0.0"),
        ("1.5E1", "15.0", "15"),
    ];
    for (text, double, decimal) in table {
        let value = parse(text).unwrap();
        assert_eq!(value.spelled(Spelling::Double), double, "{text} as a double");
        assert_eq!(value.spelled(Spelling::BigDecimal), decimal, "{text} as a decimal");
    }
}

#[test]
fn decimals_compare_and_divide_exactly() {
    let decimal = |text: &str| parse(text).unwrap().as_number().unwrap().decimal();
    assert_eq!(decimal("1.0"), decimal("1e0"));
    assert!(decimal("-2") < decimal("-1.5"));
    assert!(decimal("0.1") < decimal("1e999999999999"));
    assert!(decimal("1e-999999999999") > decimal("0"));
    assert_eq!(decimal("0.3").is_multiple_of(&decimal("0.1")), Some(true));
    assert_eq!(decimal("10").is_multiple_of(&decimal("2.5")), Some(true));
    assert_eq!(decimal("10").is_multiple_of(&decimal("3")), Some(false));
    assert_eq!(decimal("1e9000").is_multiple_of(&decimal("3")), None);
    assert_eq!(decimal("1e2").as_u64(), Some(100));
}

#[test]
fn large_objects_find_their_members_and_merge_duplicates() {
    let mut text = String::from("{");
    for i in 0..500 {
        text.push_str(&format!("\"k{}\":{i},", i % 250));
    }
    text.push_str("\"last\":0}");
    let value = parse(&text).unwrap();
    let object = value.as_object().unwrap();
    assert_eq!(object.len(), 251);
    assert_eq!(object.get("k7").and_then(Json::as_number).and_then(Number::as_i64), Some(257));
    assert_eq!(object.keys().next(), Some("k0"));
    assert!(object.get("k250").is_none());
}
