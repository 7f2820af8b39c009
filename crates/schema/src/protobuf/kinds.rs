//! What can differ between two Protobuf schemas, which of it is compatible, and how it is explained.

macro_rules! kinds {
    ($($variant:ident $name:literal $compatible:literal,)*) => {
        /// What differs between two Protobuf schemas; the names are the registry's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "the names say it")]
        pub enum ProtoDifferenceKind { $($variant,)* }

        impl ProtoDifferenceKind {
            /// Every kind there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The registry's name of it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Whether the update can still read what the original wrote.
            pub fn is_compatible(self) -> bool {
                match self { $(Self::$variant => $compatible,)* }
            }
        }
    };
}

kinds! {
    PackageChanged "PACKAGE_CHANGED" false,
    MessageAdded "MESSAGE_ADDED" true,
    MessageRemoved "MESSAGE_REMOVED" false,
    MessageMoved "MESSAGE_MOVED" true,
    EnumAdded "ENUM_ADDED" true,
    EnumRemoved "ENUM_REMOVED" true,
    EnumConstAdded "ENUM_CONST_ADDED" true,
    EnumConstChanged "ENUM_CONST_CHANGED" true,
    EnumConstRemoved "ENUM_CONST_REMOVED" true,
    FieldAdded "FIELD_ADDED" true,
    FieldRemoved "FIELD_REMOVED" true,
    FieldNameChanged "FIELD_NAME_CHANGED" true,
    FieldKindChanged "FIELD_KIND_CHANGED" false,
    FieldScalarKindChanged "FIELD_SCALAR_KIND_CHANGED" false,
    FieldNamedTypeChanged "FIELD_NAMED_TYPE_CHANGED" false,
    FieldNumericLabelChanged "FIELD_NUMERIC_LABEL_CHANGED" false,
    FieldStringOrBytesLabelChanged "FIELD_STRING_OR_BYTES_LABEL_CHANGED" true,
    RequiredFieldAdded "REQUIRED_FIELD_ADDED" false,
    RequiredFieldRemoved "REQUIRED_FIELD_REMOVED" false,
    OneofAdded "ONEOF_ADDED" true,
    OneofRemoved "ONEOF_REMOVED" true,
    OneofFieldAdded "ONEOF_FIELD_ADDED" true,
    OneofFieldRemoved "ONEOF_FIELD_REMOVED" false,
    OneofFieldMovedToTopLevel "ONEOF_FIELD_MOVED_TO_TOP_LEVEL" true,
    MultipleFieldsMovedToOneof "MULTIPLE_FIELDS_MOVED_TO_ONEOF" false,
    FieldMovedToExistingOneof "FIELD_MOVED_TO_EXISTING_ONEOF" false,
}

/// One difference between two schemas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtoDifference {
    /// What differs.
    pub kind: ProtoDifferenceKind,
    /// Where: `#/` and the messages, the oneof and the number that lead there.
    pub path: String,
}

impl ProtoDifference {
    /// What is wrong, between the schema called `update` and the one called `original` ("new" and "old", or the reverse).
    pub fn description(&self, update: &str, original: &str) -> String {
        use ProtoDifferenceKind as Kind;
        let path = &self.path;
        match self.kind {
            Kind::PackageChanged => format!(
                "The package at '{path}' in the {update} schema does not match the package in the {original} schema"
            ),
            Kind::MessageRemoved => format!(
                "The {update} schema is missing a MESSAGE type at path '{path}' in the {original} schema"
            ),
            Kind::FieldKindChanged => format!(
                "The type of a field at path '{path}' in the {update} schema does not match the {original} schema"
            ),
            Kind::FieldScalarKindChanged => format!(
                "The kind of a SCALAR field at path '{path}' in the {update} schema does not match its kind in the \
                 {original} schema"
            ),
            Kind::FieldNamedTypeChanged => format!(
                "The type of a MESSAGE field at path '{path}' in the {update} schema does not match its type in the \
                 {original} schema"
            ),
            Kind::FieldNumericLabelChanged => format!(
                "The label for a NUMERIC field at path '{path}' in the {update} schema does not match its label in \
                 the {original} schema"
            ),
            // Two spaces: clients compare the text.
            Kind::RequiredFieldAdded => format!(
                "A required field  at path '{path}' in the {update} schema is missing in the {original} schema"
            ),
            Kind::RequiredFieldRemoved => format!(
                "The {update} schema is missing a required field at path: '{path}' in the {original} schema"
            ),
            Kind::OneofFieldRemoved => format!(
                "The {update} schema is missing a oneof field at path '{path}' in the {original} schema"
            ),
            Kind::OneofFieldMovedToTopLevel => format!(
                "The oneof field at path '{path}' in the {update} schema was moved out of its oneof to a top-level \
                 field in the {original} schema"
            ),
            Kind::MultipleFieldsMovedToOneof => format!(
                "Multiple fields in the oneof at path '{path}' in the {update} schema are outside a oneof in the \
                 {original} schema"
            ),
            Kind::FieldMovedToExistingOneof => format!(
                "A field in the oneof at path '{path}' in the {update} schema is outside an existing oneof in the \
                 {original} schema"
            ),
            _ => String::new(),
        }
    }

    /// The change to the new schema that would make it compatible. `new_reads`: whether the new schema is the one that
    /// must read the other's data.
    pub fn remedy(&self, new_reads: bool) -> String {
        use ProtoDifferenceKind as Kind;
        let path = &self.path;
        match (self.kind, new_reads) {
            (Kind::PackageChanged, _) => "Keep the package of the old schema.".to_owned(),
            (Kind::MessageRemoved, true) => format!("Keep the message '{path}' in the new schema."),
            (Kind::MessageRemoved, false) => format!("Leave the message '{path}' out of the new schema."),
            (Kind::FieldKindChanged | Kind::FieldNamedTypeChanged, _) => {
                format!("Keep the type of '{path}', and give the new type a field with a number of its own.")
            }
            (Kind::FieldScalarKindChanged, _) => format!(
                "Keep the type of '{path}', or choose one with the same encoding; otherwise give the new type a field \
                 with a number of its own."
            ),
            (Kind::FieldNumericLabelChanged, _) => {
                format!("Keep the label of '{path}', and add a field with a number of its own.")
            }
            (Kind::RequiredFieldAdded, true) => format!("Make '{path}' optional."),
            (Kind::RequiredFieldAdded, false) => {
                format!("Keep the required field '{path}' in the new schema.")
            }
            (Kind::RequiredFieldRemoved, true) => {
                format!("Keep the required field '{path}' in the new schema.")
            }
            (Kind::RequiredFieldRemoved, false) => format!("Make '{path}' optional."),
            (Kind::OneofFieldRemoved, true) => format!("Keep the field '{path}' in its oneof."),
            (Kind::OneofFieldRemoved, false) => format!("Do not add the field '{path}' to the oneof."),
            (Kind::MultipleFieldsMovedToOneof | Kind::FieldMovedToExistingOneof, true) => {
                format!(
                    "Leave the fields outside the oneof '{path}', which excludes what could be set together."
                )
            }
            (Kind::MultipleFieldsMovedToOneof | Kind::FieldMovedToExistingOneof, false) => {
                format!("Keep the fields of the oneof '{path}' in one oneof.")
            }
            _ => format!("Keep '{path}' as the old schema has it."),
        }
    }
}
