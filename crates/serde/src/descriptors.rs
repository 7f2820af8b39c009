//! Protobuf's descriptors: the registry's text compiled, and messages read by them.

use ::schema::Parsed;
use ::schema::protobuf::ProtobufSchema;
use prost_reflect::{DescriptorPool, DynamicMessage, FileDescriptor, MessageDescriptor};

use crate::frame::indexes_and_payload;
use crate::serializer::wrong_language;
use crate::{Language, Reference, Resolved, Schema, SerdeError};

/// The name under which a registered file stands in a pool: registries know texts, not file names.
const FILE: &str = "schema.proto";

pub(crate) fn wrong(error: impl std::fmt::Display) -> SerdeError {
    SerdeError::Schema(error.to_string())
}

/// The descriptors of a registered schema and all that it imports.
pub fn pool(resolved: &Resolved) -> Result<FileDescriptor, SerdeError> {
    if let Some(compiled) = resolved.compiled.get() {
        return Ok(compiled.clone());
    }
    let Parsed::Protobuf(schema) = &resolved.parsed else {
        return Err(wrong_language(resolved, "PROTOBUF"));
    };
    let file = compile(schema)?;
    Ok(resolved.compiled.get_or_init(|| file).clone())
}

/// The descriptors of a schema and all that it imports.
pub fn compile(schema: &ProtobufSchema) -> Result<FileDescriptor, SerdeError> {
    let mut pool = well_known()?;
    // No import may have the name of what imports it.
    let mut own = FILE.to_owned();
    while schema.imports().any(|(name, _)| name == own) {
        own.insert(0, '_');
    }
    for (name, import) in schema.imports() {
        if pool.get_file_by_name(name).is_none() {
            add(&mut pool, &import, name)?;
        }
    }
    add(&mut pool, schema, &own)?;
    pool.get_file_by_name(&own).ok_or_else(|| wrong("it has no descriptor"))
}

/// Protobuf's own files and nothing of the application's: the types that it derives may be the very ones that are compiled.
fn well_known() -> Result<DescriptorPool, SerdeError> {
    let global = DescriptorPool::global();
    let files = global.files().filter(|file| file.name().starts_with("google/protobuf/"));
    let mut pool = DescriptorPool::new();
    pool.add_file_descriptor_protos(files.map(|file| file.file_descriptor_proto().clone())).map_err(wrong)?;
    Ok(pool)
}

/// The indexes of the message of that full name in a file.
pub(crate) fn indexes_in(file: &FileDescriptor, full_name: &str) -> Result<Vec<i32>, SerdeError> {
    let found = file.parent_pool().get_message_by_name(full_name);
    let found = found.filter(|found| found.parent_file() == *file);
    let found = found.ok_or_else(|| wrong(format!("the schema to write by has no message {full_name}")))?;
    Ok(indexes_of(&found))
}

/// Whether a message can be read: the indexes that name it stand in the header behind the GUID,
/// or else in front of the payload.
pub fn check(file: &FileDescriptor, header: Option<&[u8]>, bytes: &[u8]) -> Result<(), SerdeError> {
    let (indexes, payload) = indexes_and_payload(header, bytes)?;
    // Read, each of its bytes may become a value of fifty.
    if payload.len() > CHECKED_BYTES_MAX {
        return Err(SerdeError::Bytes(format!(
            "a message of {} bytes is more than is checked, {CHECKED_BYTES_MAX}",
            payload.len()
        )));
    }
    read(file, &indexes, payload).map(drop)
}

/// Messages above this are refused by [`check`], in bytes.
const CHECKED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The message that these indexes name, out of its bytes.
pub(crate) fn read(
    file: &FileDescriptor,
    indexes: &[i32],
    payload: &[u8],
) -> Result<DynamicMessage, SerdeError> {
    let descriptor = message_at(file, indexes)
        .ok_or_else(|| SerdeError::Bytes(format!("the schema has no message {indexes:?}")))?;
    DynamicMessage::decode(descriptor, payload).map_err(|error| SerdeError::Bytes(error.to_string()))
}

fn add(pool: &mut DescriptorPool, schema: &ProtobufSchema, name: &str) -> Result<(), SerdeError> {
    let bytes = from_base64(&schema.serialized(name)?).ok_or_else(|| wrong("its descriptor is damaged"))?;
    pool.decode_file_descriptor_proto(&bytes[..]).map_err(wrong)
}

/// Standard base64, with or without padding.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let (mut word, mut bits, mut bytes) = (0u32, 0, Vec::new());
    for digit in text.trim_end_matches('=').bytes() {
        let sextet = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        word = (word << 6) | u32::from(sextet);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((word >> bits) as u8);
            word &= (1 << bits) - 1;
        }
    }
    Some(bytes)
}

fn to_base64(bytes: &[u8]) -> String {
    crate::http::base64(bytes)
}

/// The text of a file, without what it imports.
fn text_of(file: &FileDescriptor) -> Result<String, SerdeError> {
    let compiled = to_base64(&file.encode_to_vec());
    Ok(ProtobufSchema::parse(&compiled, &[])?.canonical()?)
}

/// The schema of a message's file. What it imports is registered under the import's name, as Confluent's serializers do;
/// `references` tells subject and version of each.
pub fn schema_of(file: &FileDescriptor, references: Vec<Reference>) -> Result<Schema, SerdeError> {
    let text = text_of(file)?;
    Ok(Schema { references, ..Schema::new(Language::Protobuf, text) })
}

/// The places of a message in its file, outermost first.
pub(crate) fn indexes_of(message: &MessageDescriptor) -> Vec<i32> {
    // A path alternates between the field of the descriptor and the index there.
    message.path().iter().skip(1).step_by(2).copied().collect()
}

/// The message at those places.
fn message_at(file: &FileDescriptor, indexes: &[i32]) -> Option<MessageDescriptor> {
    let (first, rest) = indexes.split_first()?;
    let mut message = file.messages().nth(usize::try_from(*first).ok()?)?;
    for index in rest {
        let next = message.child_messages().nth(usize::try_from(*index).ok()?)?;
        message = next;
    }
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_checked_is_bounded() {
        let text = "syntax = \"proto3\"; message M { repeated int32 n = 1; }";
        let file = compile(&ProtobufSchema::parse(text, &[]).unwrap()).unwrap();
        // The first message, whose unknown fields are kept as well.
        let payload = |fields: usize| [&[0][..], &[0x78, 0].repeat(fields)].concat();
        assert!(check(&file, None, &payload(1_000)).is_ok());
        assert!(check(&file, None, &payload(CHECKED_BYTES_MAX)).is_err());
    }

    /// With `use.latest.version` records were once named by where the message stands in its own file.
    #[test]
    fn a_message_is_named_by_its_place_in_the_schema_that_is_written() {
        let file = |text: &str| compile(&ProtobufSchema::parse(text, &[]).unwrap()).unwrap();
        let own = file("syntax = \"proto3\"; message B { message C {} }");
        let latest = file("syntax = \"proto3\"; message A {} message B { message X {} message C {} }");
        let place = |file: &FileDescriptor, name: &str| indexes_in(file, name).ok();
        assert_eq!((place(&own, "B"), place(&own, "B.C")), (Some(vec![0]), Some(vec![0, 0])));
        assert_eq!((place(&latest, "B"), place(&latest, "B.C")), (Some(vec![1]), Some(vec![1, 1])));
        assert_eq!(place(&own, "A"), None);
    }
}
