//! The names of what can differ between two JSON Schemas, which of it is compatible, and how each is explained.

use super::Policy;

/// Under which policy a difference is compatible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Always,
    Leniently,
    Never,
}

/// Which sentence explains a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sentence {
    None,
    Keyword,
    More,
    Less,
    Different,
    Fewer,
    Further,
    Type,
    AddedToOpen,
    RequiredInUnopen,
    RemovedFromClosed,
    RemovedUncovered,
    AddedUncovered,
    ReservedRemoved,
    ReservedConflict,
}

macro_rules! kinds {
    ($($variant:ident $name:literal $verdict:ident $sentence:ident,)*) => {
        /// What differs between two JSON Schemas; the names are the registry's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "the names say it")]
        pub enum JsonDifferenceKind { $($variant,)* }

        impl JsonDifferenceKind {
            /// Every kind there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The registry's name of it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            fn verdict(self) -> Verdict {
                match self { $(Self::$variant => Verdict::$verdict,)* }
            }

            pub(super) fn sentence(self) -> Sentence {
                match self { $(Self::$variant => Sentence::$sentence,)* }
            }
        }
    };
}

impl JsonDifferenceKind {
    /// Whether a schema with this difference still accepts what the original accepted.
    pub fn is_compatible(self, policy: Policy) -> bool {
        match self.verdict() {
            Verdict::Always => true,
            Verdict::Leniently => policy == Policy::Lenient,
            Verdict::Never => false,
        }
    }
}

kinds! {
    IdChanged "ID_CHANGED" Always None,
    DescriptionChanged "DESCRIPTION_CHANGED" Always None,
    TitleChanged "TITLE_CHANGED" Always None,
    DefaultChanged "DEFAULT_CHANGED" Always None,
    SchemaAdded "SCHEMA_ADDED" Never None,
    SchemaRemoved "SCHEMA_REMOVED" Always None,
    TypeExtended "TYPE_EXTENDED" Always None,
    TypeNarrowed "TYPE_NARROWED" Never Type,
    TypeChanged "TYPE_CHANGED" Never Type,

    MaxLengthAdded "MAX_LENGTH_ADDED" Never Keyword,
    MaxLengthRemoved "MAX_LENGTH_REMOVED" Always None,
    MaxLengthIncreased "MAX_LENGTH_INCREASED" Always None,
    MaxLengthDecreased "MAX_LENGTH_DECREASED" Never Less,
    MinLengthAdded "MIN_LENGTH_ADDED" Never Keyword,
    MinLengthRemoved "MIN_LENGTH_REMOVED" Always None,
    MinLengthIncreased "MIN_LENGTH_INCREASED" Never More,
    MinLengthDecreased "MIN_LENGTH_DECREASED" Always None,
    PatternAdded "PATTERN_ADDED" Never Keyword,
    PatternRemoved "PATTERN_REMOVED" Always None,
    PatternChanged "PATTERN_CHANGED" Never Different,

    MaximumAdded "MAXIMUM_ADDED" Never Keyword,
    MaximumRemoved "MAXIMUM_REMOVED" Always None,
    MaximumIncreased "MAXIMUM_INCREASED" Always None,
    MaximumDecreased "MAXIMUM_DECREASED" Never Less,
    MinimumAdded "MINIMUM_ADDED" Never Keyword,
    MinimumRemoved "MINIMUM_REMOVED" Always None,
    MinimumIncreased "MINIMUM_INCREASED" Never More,
    MinimumDecreased "MINIMUM_DECREASED" Always None,
    ExclusiveMaximumAdded "EXCLUSIVE_MAXIMUM_ADDED" Never Keyword,
    ExclusiveMaximumRemoved "EXCLUSIVE_MAXIMUM_REMOVED" Always None,
    ExclusiveMaximumIncreased "EXCLUSIVE_MAXIMUM_INCREASED" Always None,
    ExclusiveMaximumDecreased "EXCLUSIVE_MAXIMUM_DECREASED" Never Less,
    ExclusiveMinimumAdded "EXCLUSIVE_MINIMUM_ADDED" Never Keyword,
    ExclusiveMinimumRemoved "EXCLUSIVE_MINIMUM_REMOVED" Always None,
    ExclusiveMinimumIncreased "EXCLUSIVE_MINIMUM_INCREASED" Never More,
    ExclusiveMinimumDecreased "EXCLUSIVE_MINIMUM_DECREASED" Always None,
    MultipleOfAdded "MULTIPLE_OF_ADDED" Never Keyword,
    MultipleOfRemoved "MULTIPLE_OF_REMOVED" Always None,
    MultipleOfExpanded "MULTIPLE_OF_EXPANDED" Never More,
    MultipleOfReduced "MULTIPLE_OF_REDUCED" Always None,
    MultipleOfChanged "MULTIPLE_OF_CHANGED" Never Different,

    RequiredAttributeAdded "REQUIRED_ATTRIBUTE_ADDED" Never Keyword,
    RequiredAttributeWithDefaultAdded "REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED" Always None,
    RequiredAttributeRemoved "REQUIRED_ATTRIBUTE_REMOVED" Always None,
    MaxPropertiesAdded "MAX_PROPERTIES_ADDED" Never Keyword,
    MaxPropertiesRemoved "MAX_PROPERTIES_REMOVED" Always None,
    MaxPropertiesIncreased "MAX_PROPERTIES_INCREASED" Always None,
    MaxPropertiesDecreased "MAX_PROPERTIES_DECREASED" Never Less,
    MinPropertiesAdded "MIN_PROPERTIES_ADDED" Never Keyword,
    MinPropertiesRemoved "MIN_PROPERTIES_REMOVED" Always None,
    MinPropertiesIncreased "MIN_PROPERTIES_INCREASED" Never More,
    MinPropertiesDecreased "MIN_PROPERTIES_DECREASED" Always None,
    AdditionalPropertiesAdded "ADDITIONAL_PROPERTIES_ADDED" Always None,
    AdditionalPropertiesRemoved "ADDITIONAL_PROPERTIES_REMOVED" Leniently Keyword,
    AdditionalPropertiesExtended "ADDITIONAL_PROPERTIES_EXTENDED" Always None,
    AdditionalPropertiesNarrowed "ADDITIONAL_PROPERTIES_NARROWED" Leniently Fewer,
    UnevaluatedPropertiesAdded "UNEVALUATED_PROPERTIES_ADDED" Always None,
    UnevaluatedPropertiesRemoved "UNEVALUATED_PROPERTIES_REMOVED" Leniently Keyword,
    UnevaluatedPropertiesExtended "UNEVALUATED_PROPERTIES_EXTENDED" Always None,
    UnevaluatedPropertiesNarrowed "UNEVALUATED_PROPERTIES_NARROWED" Leniently Fewer,
    DependencyArrayAdded "DEPENDENCY_ARRAY_ADDED" Never Keyword,
    DependencyArrayRemoved "DEPENDENCY_ARRAY_REMOVED" Always None,
    DependencyArrayExtended "DEPENDENCY_ARRAY_EXTENDED" Never Further,
    DependencyArrayNarrowed "DEPENDENCY_ARRAY_NARROWED" Always None,
    DependencyArrayChanged "DEPENDENCY_ARRAY_CHANGED" Never Different,
    DependencySchemaAdded "DEPENDENCY_SCHEMA_ADDED" Never Keyword,
    DependencySchemaRemoved "DEPENDENCY_SCHEMA_REMOVED" Always None,
    RequiredPropertyAddedToOpen "REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL" Never AddedToOpen,
    RequiredPropertyWithDefaultAddedToOpen "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL" Leniently AddedToOpen,
    OptionalPropertyAddedToOpen "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL" Leniently AddedToOpen,
    PropertyWithEmptySchemaAddedToOpen "PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL" Always None,
    RequiredPropertyAddedToUnopen "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL" Never RequiredInUnopen,
    RequiredPropertyWithDefaultAddedToUnopen "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_UNOPEN_CONTENT_MODEL" Always None,
    OptionalPropertyAddedToUnopen "OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL" Always None,
    PropertyRemovedFromOpen "PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL" Always None,
    PropertyWithFalseRemovedFromClosed "PROPERTY_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL" Always None,
    PropertyRemovedFromClosed "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL" Leniently RemovedFromClosed,
    PropertyRemovedCovered "PROPERTY_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL" Always None,
    PropertyRemovedUncovered "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL" Leniently RemovedUncovered,
    PropertyAddedCovered "PROPERTY_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL" Always None,
    PropertyAddedUncovered "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL" Leniently AddedUncovered,
    ReservedPropertyRemoved "RESERVED_PROPERTY_REMOVED" Never ReservedRemoved,
    ReservedPropertyConflicts "RESERVED_PROPERTY_CONFLICTS_WITH_PROPERTY" Never ReservedConflict,

    MaxItemsAdded "MAX_ITEMS_ADDED" Never Keyword,
    MaxItemsRemoved "MAX_ITEMS_REMOVED" Always None,
    MaxItemsIncreased "MAX_ITEMS_INCREASED" Always None,
    MaxItemsDecreased "MAX_ITEMS_DECREASED" Never Less,
    MinItemsAdded "MIN_ITEMS_ADDED" Never Keyword,
    MinItemsRemoved "MIN_ITEMS_REMOVED" Always None,
    MinItemsIncreased "MIN_ITEMS_INCREASED" Never More,
    MinItemsDecreased "MIN_ITEMS_DECREASED" Always None,
    MaxContainsAdded "MAX_CONTAINS_ADDED" Never Keyword,
    MaxContainsRemoved "MAX_CONTAINS_REMOVED" Always None,
    MaxContainsIncreased "MAX_CONTAINS_INCREASED" Always None,
    MaxContainsDecreased "MAX_CONTAINS_DECREASED" Never Less,
    MinContainsAdded "MIN_CONTAINS_ADDED" Never Keyword,
    MinContainsRemoved "MIN_CONTAINS_REMOVED" Always None,
    MinContainsIncreased "MIN_CONTAINS_INCREASED" Never More,
    MinContainsDecreased "MIN_CONTAINS_DECREASED" Always None,
    UniqueItemsAdded "UNIQUE_ITEMS_ADDED" Never Keyword,
    UniqueItemsRemoved "UNIQUE_ITEMS_REMOVED" Always None,
    AdditionalItemsAdded "ADDITIONAL_ITEMS_ADDED" Always None,
    AdditionalItemsRemoved "ADDITIONAL_ITEMS_REMOVED" Never Keyword,
    AdditionalItemsExtended "ADDITIONAL_ITEMS_EXTENDED" Always None,
    AdditionalItemsNarrowed "ADDITIONAL_ITEMS_NARROWED" Never Fewer,
    UnevaluatedItemsAdded "UNEVALUATED_ITEMS_ADDED" Always None,
    UnevaluatedItemsRemoved "UNEVALUATED_ITEMS_REMOVED" Never Keyword,
    UnevaluatedItemsExtended "UNEVALUATED_ITEMS_EXTENDED" Always None,
    UnevaluatedItemsNarrowed "UNEVALUATED_ITEMS_NARROWED" Never Fewer,
    ItemAddedToOpen "ITEM_ADDED_TO_OPEN_CONTENT_MODEL" Never AddedToOpen,
    ItemWithEmptySchemaAddedToOpen "ITEM_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL" Always None,
    ItemAddedToClosed "ITEM_ADDED_TO_CLOSED_CONTENT_MODEL" Always None,
    ItemRemovedFromOpen "ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL" Always None,
    ItemWithFalseRemovedFromClosed "ITEM_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL" Always None,
    ItemRemovedFromClosed "ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL" Never RemovedFromClosed,
    ItemRemovedCovered "ITEM_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL" Always None,
    ItemRemovedUncovered "ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL" Never RemovedUncovered,
    ItemAddedCovered "ITEM_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL" Always None,
    ItemAddedUncovered "ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL" Never AddedUncovered,

    EnumArrayExtended "ENUM_ARRAY_EXTENDED" Always None,
    EnumArrayNarrowed "ENUM_ARRAY_NARROWED" Never Fewer,
    EnumArrayChanged "ENUM_ARRAY_CHANGED" Never Type,
    CombinedTypeExtended "COMBINED_TYPE_EXTENDED" Always None,
    CombinedTypeChanged "COMBINED_TYPE_CHANGED" Never Type,
    CombinedTypeSubschemasChanged "COMBINED_TYPE_SUBSCHEMAS_CHANGED" Never Type,
    ProductTypeExtended "PRODUCT_TYPE_EXTENDED" Never Further,
    ProductTypeNarrowed "PRODUCT_TYPE_NARROWED" Always None,
    SumTypeExtended "SUM_TYPE_EXTENDED" Always None,
    SumTypeNarrowed "SUM_TYPE_NARROWED" Never Fewer,
    NotTypeExtended "NOT_TYPE_EXTENDED" Never Further,
    NotTypeNarrowed "NOT_TYPE_NARROWED" Always None,
}
