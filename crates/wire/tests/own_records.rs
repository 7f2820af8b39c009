//! Other crates define what they keep on disk in the language of the messages.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use base::Str;
use bytes::Bytes;
use wire::{Decoder, Encoder, Message};

wire::message! {
    /// A record with a tagged field that holds long bytes.
    data Note [versions 0..=2, flexible 1..] {
        author: Option<Str> [0.., nullable 1..] = None,
        lines:  Vec<Line>   [0..],
        stars:  i32         [2.., ignorable] = 5,
    } tagged {
        0 picture: Bytes [1..],
        7 views:   i64   [2.., ignorable] = -1,
    }

    /// One of [`Note::lines`].
    struct Line {
        text: Str [0..],
    }
}

#[test]
fn a_tagged_field_that_is_shared_has_the_right_length() {
    let note = Note {
        lines: vec![Line { text: "x".into() }, Line { text: "".into() }],
        stars: 3,
        picture: Bytes::from(vec![7; 5000]),
        views: 9,
        ..Default::default()
    };
    let mut encoder = Encoder::new();
    note.encode(&mut encoder, 2).unwrap();
    let len = encoder.len();
    let rope = encoder.finish();
    assert_eq!((rope.len(), rope.segments().len()), (len, 3));

    let mut decoder = Decoder::new(rope.read().unwrap());
    assert_eq!(Note::decode(&mut decoder, 2).unwrap(), note);
    assert_eq!(decoder.remaining(), 0);
}

#[test]
fn versions_rule_what_may_be_null_or_set() {
    let outcome =
        |note: &Note, version| note.encode(&mut Encoder::new(), version).map_err(|error| error.to_string());
    let unsigned = Note { stars: 1, views: 2, ..Default::default() };
    assert_eq!(
        outcome(&unsigned, 0).unwrap_err(),
        "Note v0: Note.author: null, which this version does not allow"
    );
    assert_eq!(outcome(&unsigned, 1), Ok(()));
    let pictured = Note { author: Some("a".into()), picture: Bytes::from_static(b"p"), ..Default::default() };
    assert_eq!(
        outcome(&pictured, 0).unwrap_err(),
        "Note v0: Note.picture: set, but this version has no such field"
    );
    assert_eq!(outcome(&pictured, 1), Ok(()));
}
