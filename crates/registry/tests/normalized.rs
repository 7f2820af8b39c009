//! The serializer that has the registry normalize writes what a reader of the registered text finds.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use prost_reflect::prost::Message as _;
use prost_reflect::prost_types::field_descriptor_proto::{Label, Type};
use prost_reflect::prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet, MessageOptions,
};
use prost_reflect::{DescriptorPool, DynamicMessage, Value};
use registry::Settings;
use schema_serde::{Field, ProtobufDeserializer, ProtobufSerializer, RegistryClient, SerializerOptions};

fn field(name: &str, number: i32, kind: Type) -> FieldDescriptorProto {
    FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(Label::Optional.into()),
        r#type: Some(kind.into()),
        ..FieldDescriptorProto::default()
    }
}

/// `message M { map<string, int32> m = 1; message C { int32 n = 1; } }`, the map's entry first, as compilers put it.
fn with_a_map() -> DescriptorPool {
    let entry = DescriptorProto {
        name: Some("MEntry".to_owned()),
        field: vec![field("key", 1, Type::String), field("value", 2, Type::Int32)],
        options: Some(MessageOptions { map_entry: Some(true), ..MessageOptions::default() }),
        ..DescriptorProto::default()
    };
    let inner = DescriptorProto {
        name: Some("C".to_owned()),
        field: vec![field("n", 1, Type::Int32)],
        ..DescriptorProto::default()
    };
    let map = FieldDescriptorProto {
        label: Some(Label::Repeated.into()),
        type_name: Some(".M.MEntry".to_owned()),
        ..field("m", 1, Type::Message)
    };
    let outer = DescriptorProto {
        name: Some("M".to_owned()),
        field: vec![map],
        nested_type: vec![entry, inner],
        ..DescriptorProto::default()
    };
    let file = FileDescriptorProto {
        name: Some("m.proto".to_owned()),
        syntax: Some("proto3".to_owned()),
        message_type: vec![outer],
        ..FileDescriptorProto::default()
    };
    DescriptorPool::decode(FileDescriptorSet { file: vec![file] }.encode_to_vec().as_slice()).unwrap()
}

#[tokio::test]
async fn a_message_beside_a_map_is_read_as_itself_where_the_schema_is_normalized() {
    let handle = common::registry(Settings::default()).await;
    let client = || RegistryClient::new(handle.url()).unwrap();
    let kind = with_a_map().get_message_by_name("M.C").unwrap();
    let mut message = DynamicMessage::new(kind);
    message.set_field_by_name("n", Value::I32(7));
    for normalize in [true, false] {
        let options = SerializerOptions { normalize, ..SerializerOptions::default() };
        let serializer = ProtobufSerializer::with(client(), None, options);
        let topic = format!("t-{normalize}");
        let encoded = serializer.serialize(&topic, Field::Value, &message).await.unwrap();
        let reader = ProtobufDeserializer::new(client());
        let read = reader.json(Field::Value, &encoded.bytes, &[]).await.unwrap();
        assert_eq!(read, serde_json::json!({ "n": 7 }), "normalize={normalize}");
    }
}
