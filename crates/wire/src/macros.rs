//! The language of the definitions in [`crate::messages`].
//!
//! ```text
//! message! {
//!     /// What the request asks for.
//!     request ProduceRequest [Produce => ProduceResponse, versions 3..=13, flexible 9..] {
//!         transactional_id: Option<Str>           [3.., nullable 3..] = None,
//!         acks:             i16                   [0..],
//!         topic_data:       Vec<TopicProduceData> [0..],
//!     }
//!     struct TopicProduceData { ... } tagged { 0 field: Type [12..], }
//! }
//! ```
//!
//! In brackets stand the versions that carry a field, those in which it may be null, and `ignorable` where a value is
//! dropped in versions that lack the field. After `=` stands the default, where it is not the type's own. Fields of the
//! tagged section (KIP-482) stand apart with their tags, in the order of the tags.
//!
//! Other crates use `wire::message!` for the records they keep on disk in the same encoding.
//!
//! Each struct becomes a plain Rust struct with `Default`, `Clone`, `PartialEq`, `Debug`, and straight-line code that
//! reads, writes and describes it ([`crate::types::Struct`]); each message implements [`crate::Message`] on top.

/// Defines messages and the structs within them, in the language that the definitions of this crate are written in:
/// `kind Name [head] { field: Type [versions, nullable versions, ignorable] = default, ... } tagged { tag field: ..., }`
/// with the kinds `request`, `response`, `data` and `struct`.
#[macro_export]
macro_rules! message {
    ($(
        $(#[$meta:meta])+
        $kind:ident $name:ident $([$($head:tt)*])? { $($fields:tt)* } $(tagged { $($tagged:tt)* })?
    )*) => {
        $(
            $crate::__structure! { $(#[$meta])+ $name { $($fields)* } { $($($tagged)*)? } }
            $crate::__head! { $kind $name $($($head)*)? }
        )*
    };
}

/// A message's place in the table of APIs.
#[doc(hidden)]
#[macro_export]
macro_rules! __head {
    (struct $name:ident) => {};
    (request $name:ident $key:ident => $response:ident, versions $min:literal ..= $max:literal, flexible $($flexible:tt)*) => {
        $crate::__head! { @message $name Request (Some($crate::ApiKey::$key)) $min $max ($($flexible)*) }
        impl $crate::Request for $name {
            const KEY: $crate::ApiKey = $crate::ApiKey::$key;
            type Response = $response;
        }
    };
    (response $name:ident $key:ident, versions $min:literal ..= $max:literal, flexible $($flexible:tt)*) => {
        $crate::__head! { @message $name Response (Some($crate::ApiKey::$key)) $min $max ($($flexible)*) }
    };
    (data $name:ident versions $min:literal ..= $max:literal, flexible $($flexible:tt)*) => {
        $crate::__head! { @message $name Data (None) $min $max ($($flexible)*) }
    };
    (@message $name:ident $kind:ident ($key:expr) $min:literal $max:literal ($($flexible:tt)*)) => {
        impl $crate::Message for $name {
            const SCHEMA: &'static $crate::schema::MessageSchema = &$crate::schema::MessageSchema {
                name: stringify!($name),
                kind: $crate::schema::MessageKind::$kind,
                key: $key,
                versions: $crate::schema::Versions::new($min, $max),
                flexible: $crate::__versions!($($flexible)*),
                root: <$name as $crate::types::Struct>::STRUCT,
            };
        }
    };
}

/// A range of versions: `3..`, `3..=5` or `none`.
#[doc(hidden)]
#[macro_export]
macro_rules! __versions {
    (none) => {
        $crate::schema::Versions::NONE
    };
    ($min:literal ..) => {
        $crate::schema::Versions::new($min, $crate::schema::Versions::OPEN)
    };
    ($min:literal ..= $max:literal) => {
        $crate::schema::Versions::new($min, $max)
    };
}

/// What stands in a field's brackets.
#[doc(hidden)]
#[macro_export]
macro_rules! __spec {
    ($a:literal ..) => { $crate::__spec!(@ $crate::__versions!($a ..), $crate::__versions!(none), false) };
    ($a:literal ..= $b:literal) => { $crate::__spec!(@ $crate::__versions!($a ..= $b), $crate::__versions!(none), false) };
    ($a:literal .., ignorable) => { $crate::__spec!(@ $crate::__versions!($a ..), $crate::__versions!(none), true) };
    ($a:literal ..= $b:literal, ignorable) => { $crate::__spec!(@ $crate::__versions!($a ..= $b), $crate::__versions!(none), true) };
    ($a:literal .., nullable $($null:tt)*) => { $crate::__spec!(@nullable $crate::__versions!($a ..), $($null)*) };
    ($a:literal ..= $b:literal, nullable $($null:tt)*) => { $crate::__spec!(@nullable $crate::__versions!($a ..= $b), $($null)*) };
    (@nullable $v:expr, $a:literal ..) => { $crate::__spec!(@ $v, $crate::__versions!($a ..), false) };
    (@nullable $v:expr, $a:literal ..= $b:literal) => { $crate::__spec!(@ $v, $crate::__versions!($a ..= $b), false) };
    (@nullable $v:expr, $a:literal .., ignorable) => { $crate::__spec!(@ $v, $crate::__versions!($a ..), true) };
    (@nullable $v:expr, $a:literal ..= $b:literal, ignorable) => { $crate::__spec!(@ $v, $crate::__versions!($a ..= $b), true) };
    (@ $versions:expr, $nullable:expr, $ignorable:literal) => {
        const { $crate::schema::FieldSpec { versions: $versions, nullable: $nullable, ignorable: $ignorable } }
    };
}

/// A field's default: the one written, or the type's own.
#[doc(hidden)]
#[macro_export]
macro_rules! __default {
    () => {
        Default::default()
    };
    ($default:expr) => {
        $default
    };
}

/// A field's default for the schema.
#[doc(hidden)]
#[macro_export]
macro_rules! __default_text {
    () => {
        None
    };
    ($default:expr) => {
        Some(stringify!($default))
    };
}

/// Reads the tagged section: known tags into their fields, others skipped.
#[doc(hidden)]
#[macro_export]
macro_rules! __read_tagged {
    ($d:ident $version:ident $name:ident) => {
        if $d.is_flexible() {
            $d.enter(concat!(stringify!($name), " (tagged fields)"));
            $d.skip_tagged_fields()?;
        }
    };
    ($d:ident $version:ident $name:ident $($tag:literal $field:ident $ty:ty [$($spec:tt)*])+) => {
        if $d.is_flexible() {
            $d.enter(concat!(stringify!($name), " (tagged fields)"));
            for _ in 0..$d.tagged_field_count()? {
                let (tag, end) = $d.tagged_field()?;
                match tag {
                    $($tag if $crate::__spec!($($spec)*).has($version) => {
                        $d.enter(concat!(stringify!($name), ".", stringify!($field)));
                        $field = <$ty as $crate::types::Wire>::read($d, $crate::__spec!($($spec)*).may_be_null($version))?;
                    })+
                    _ => $d.skip_to(end),
                }
                $d.end_tagged_field(end)?;
            }
        }
    };
}

/// Writes the tagged section: the fields that differ from their defaults.
#[doc(hidden)]
#[macro_export]
macro_rules! __write_tagged {
    ($self:ident $e:ident $version:ident $name:ident) => {
        if $e.is_flexible() {
            $e.put_unsigned_varint(0);
        }
    };
    ($self:ident $e:ident $version:ident $name:ident $($tag:literal $field:ident $ty:ty [$($spec:tt)*] ($($default:expr)?))+) => {
        let mut count = 0;
        $(
            let default: $ty = $crate::__default!($($default)?);
            if $self.$field != default {
                if $crate::__spec!($($spec)*).has($version) && $e.is_flexible() {
                    count += 1;
                } else if !$crate::__spec!($($spec)*).ignorable {
                    $e.enter(concat!(stringify!($name), ".", stringify!($field)));
                    return Err($e.not_in_version());
                }
            }
        )+
        if $e.is_flexible() {
            $e.put_unsigned_varint(count);
            $(
                let default: $ty = $crate::__default!($($default)?);
                if $crate::__spec!($($spec)*).has($version) && $self.$field != default {
                    $e.enter(concat!(stringify!($name), ".", stringify!($field)));
                    let start = $e.begin_tagged_field($tag);
                    $crate::types::Wire::write(&$self.$field, $e, $crate::__spec!($($spec)*).may_be_null($version))?;
                    $e.end_tagged_field(start);
                }
            )+
        }
    };
}

/// One struct with its reading, writing and schema.
#[doc(hidden)]
#[macro_export]
macro_rules! __structure {
    (
        $(#[$meta:meta])* $name:ident
        { $( $(#[$fmeta:meta])* $field:ident : $ty:ty [$($spec:tt)*] $(= $default:expr)? , )* }
        { $( $(#[$tmeta:meta])* $tag:literal $tfield:ident : $tty:ty [$($tspec:tt)*] $(= $tdefault:expr)? , )* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Debug)]
        #[allow(missing_docs, reason = "the names are Kafka's own; docs stand where a name does not say it all")]
        pub struct $name {
            $( $(#[$fmeta])* pub $field: $ty, )*
            $( $(#[$tmeta])* pub $tfield: $tty, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $crate::__default!($($default)?), )* $( $tfield: $crate::__default!($($tdefault)?), )* }
            }
        }

        impl $crate::types::Struct for $name {
            const STRUCT: $crate::schema::StructSchema = $crate::schema::StructSchema {
                name: stringify!($name),
                fields: &[
                    $( $crate::schema::FieldSchema {
                        name: stringify!($field),
                        ty: <$ty as $crate::types::Wire>::TYPE,
                        spec: $crate::__spec!($($spec)*),
                        default: $crate::__default_text!($($default)?),
                        tag: None,
                    }, )*
                    $( $crate::schema::FieldSchema {
                        name: stringify!($tfield),
                        ty: <$tty as $crate::types::Wire>::TYPE,
                        spec: $crate::__spec!($($tspec)*),
                        default: $crate::__default_text!($($tdefault)?),
                        tag: Some($tag),
                    }, )*
                ],
            };

            fn min_size(version: i16, flexible: bool) -> usize {
                let _ = version;
                let mut size = usize::from(flexible);
                $( if $crate::__spec!($($spec)*).has(version) {
                    size += <$ty as $crate::types::Wire>::min_size(version, flexible);
                } )*
                size
            }

            fn read_fields(d: &mut $crate::Decoder) -> Result<Self, $crate::DecodeError> {
                let version = d.version();
                let _ = version;
                $(
                    let $field: $ty = if $crate::__spec!($($spec)*).has(version) {
                        d.enter(concat!(stringify!($name), ".", stringify!($field)));
                        <$ty as $crate::types::Wire>::read(d, $crate::__spec!($($spec)*).may_be_null(version))?
                    } else {
                        $crate::__default!($($default)?)
                    };
                )*
                $( let mut $tfield: $tty = $crate::__default!($($tdefault)?); )*
                $crate::__read_tagged!(d version $name $( $tag $tfield $tty [$($tspec)*] )*);
                Ok(Self { $( $field, )* $( $tfield, )* })
            }

            fn write_fields(&self, e: &mut $crate::Encoder) -> Result<(), $crate::EncodeError> {
                let version = e.version();
                let _ = version;
                $(
                    if $crate::__spec!($($spec)*).has(version) {
                        e.enter(concat!(stringify!($name), ".", stringify!($field)));
                        $crate::types::Wire::write(&self.$field, e, $crate::__spec!($($spec)*).may_be_null(version))?;
                    } else if !$crate::__spec!($($spec)*).ignorable {
                        let default: $ty = $crate::__default!($($default)?);
                        if self.$field != default {
                            e.enter(concat!(stringify!($name), ".", stringify!($field)));
                            return Err(e.not_in_version());
                        }
                    }
                )*
                $crate::__write_tagged!(self e version $name $( $tag $tfield $tty [$($tspec)*] ($($tdefault)?) )*);
                Ok(())
            }
        }
    };
}
