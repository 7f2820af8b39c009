//! The files that every schema may import without registering them, and the types they declare.

/// A bundled file: its name, its package and its types; enums are marked with a leading `=`.
struct Bundled {
    file: &'static str,
    package: &'static str,
    types: &'static str,
}

const fn bundled(file: &'static str, package: &'static str, types: &'static str) -> Bundled {
    Bundled { file, package, types }
}

const GOOGLE: &str = "google.protobuf";
const TYPE: &str = "google.type";

const FILES: &[Bundled] = &[
    bundled("google/protobuf/any.proto", GOOGLE, "Any"),
    bundled("google/protobuf/api.proto", GOOGLE, "Api Method Mixin"),
    bundled(
        "google/protobuf/descriptor.proto",
        GOOGLE,
        "FileDescriptorSet =Edition FileDescriptorProto DescriptorProto DescriptorProto.ExtensionRange \
         DescriptorProto.ReservedRange ExtensionRangeOptions ExtensionRangeOptions.Declaration \
         =ExtensionRangeOptions.VerificationState FieldDescriptorProto =FieldDescriptorProto.Type \
         =FieldDescriptorProto.Label OneofDescriptorProto EnumDescriptorProto EnumDescriptorProto.EnumReservedRange \
         EnumValueDescriptorProto ServiceDescriptorProto MethodDescriptorProto FileOptions =FileOptions.OptimizeMode \
         MessageOptions FieldOptions =FieldOptions.CType =FieldOptions.JSType =FieldOptions.OptionRetention \
         =FieldOptions.OptionTargetType FieldOptions.EditionDefault OneofOptions EnumOptions EnumValueOptions \
         ServiceOptions MethodOptions =MethodOptions.IdempotencyLevel UninterpretedOption \
         UninterpretedOption.NamePart FeatureSet =FeatureSet.FieldPresence =FeatureSet.EnumType \
         =FeatureSet.RepeatedFieldEncoding =FeatureSet.Utf8Validation =FeatureSet.MessageEncoding \
         =FeatureSet.JsonFormat FeatureSetDefaults FeatureSetDefaults.FeatureSetEditionDefault SourceCodeInfo \
         SourceCodeInfo.Location GeneratedCodeInfo GeneratedCodeInfo.Annotation =GeneratedCodeInfo.Annotation.Semantic",
    ),
    bundled("google/protobuf/duration.proto", GOOGLE, "Duration"),
    bundled("google/protobuf/empty.proto", GOOGLE, "Empty"),
    bundled("google/protobuf/field_mask.proto", GOOGLE, "FieldMask"),
    bundled("google/protobuf/source_context.proto", GOOGLE, "SourceContext"),
    bundled("google/protobuf/struct.proto", GOOGLE, "Struct Value =NullValue ListValue"),
    bundled("google/protobuf/timestamp.proto", GOOGLE, "Timestamp"),
    bundled(
        "google/protobuf/type.proto",
        GOOGLE,
        "Type Field =Field.Kind =Field.Cardinality Enum EnumValue Option =Syntax",
    ),
    bundled(
        "google/protobuf/wrappers.proto",
        GOOGLE,
        "DoubleValue FloatValue Int64Value UInt64Value Int32Value UInt32Value BoolValue StringValue BytesValue",
    ),
    bundled("google/type/calendar_period.proto", TYPE, "=CalendarPeriod"),
    bundled("google/type/color.proto", TYPE, "Color"),
    bundled("google/type/date.proto", TYPE, "Date"),
    bundled("google/type/datetime.proto", TYPE, "DateTime TimeZone"),
    bundled("google/type/dayofweek.proto", TYPE, "=DayOfWeek"),
    bundled("google/type/decimal.proto", TYPE, "Decimal"),
    bundled("google/type/expr.proto", TYPE, "Expr"),
    bundled("google/type/fraction.proto", TYPE, "Fraction"),
    bundled("google/type/interval.proto", TYPE, "Interval"),
    bundled("google/type/latlng.proto", TYPE, "LatLng"),
    bundled("google/type/money.proto", TYPE, "Money"),
    bundled("google/type/month.proto", TYPE, "=Month"),
    bundled("google/type/phone_number.proto", TYPE, "PhoneNumber PhoneNumber.ShortCode"),
    bundled("google/type/postal_address.proto", TYPE, "PostalAddress"),
    bundled("google/type/quaternion.proto", TYPE, "Quaternion"),
    bundled("google/type/timeofday.proto", TYPE, "TimeOfDay"),
    bundled("confluent/meta.proto", "confluent", "Meta Rule"),
    bundled("confluent/type/decimal.proto", "confluent.type", "Decimal"),
    bundled("confluent/type/variant.proto", "confluent.type", "Variant"),
];

/// The options that `confluent/meta.proto` adds, each a single `confluent.Meta`.
pub(super) const META_OPTIONS: &[&str] = &[
    "confluent.file_meta",
    "confluent.message_meta",
    "confluent.field_meta",
    "confluent.enum_meta",
    "confluent.enum_value_meta",
];

/// The fields of `confluent.Meta` that may occur more than once.
pub(super) const META_REPEATED: &[&str] = &["params", "tags", "rules"];

/// Whether a file is bundled, so that importing it takes no reference.
pub fn is_bundled(file: &str) -> bool {
    FILES.iter().any(|bundled| bundled.file == file)
}

/// The package of a bundled type and whether it is an enum.
pub(super) fn find(full_name: &str) -> Option<(&'static str, bool)> {
    FILES.iter().find_map(|bundled| {
        let name = full_name.strip_prefix(bundled.package)?.strip_prefix('.')?;
        bundled.types.split_ascii_whitespace().find_map(|declared| match declared.strip_prefix('=') {
            Some(declared) if declared == name => Some((bundled.package, true)),
            None if declared == name => Some((bundled.package, false)),
            _ => None,
        })
    })
}
