//! What a config's value may be.

/// The condition that a value must meet beyond its type.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Valid {
    /// Anything of the type.
    Any,
    /// A number that is no less.
    AtLeast(i64),
    /// A number in this range, both ends included.
    Between(i64, i64),
    /// A fraction in this range, both ends included.
    Fraction(f64, f64),
    /// Between 1 and 9, or -1 for the codec's own default.
    GzipLevel,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// One of these texts in any case.
    OneOfAnyCase(&'static [&'static str]),
    /// A list of these texts, each at most once.
    ListOf(&'static [&'static str]),
    /// A list of these texts, each at most once, and not empty.
    SomeOf(&'static [&'static str]),
    /// A list without repetitions.
    Distinct,
    /// A list without repetitions, and not empty.
    DistinctSome,
    /// Text that is not empty.
    NonEmpty,
    /// `*`, or a list of partition:broker pairs.
    ThrottledReplicas,
    /// `latest`, `earliest`, or `by_duration:` and an ISO 8601 duration.
    OffsetReset,
}
