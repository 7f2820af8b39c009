//! schema_registry_converter.

use schema_registry_converter::async_impl::avro::{AvroDecoder, AvroEncoder};
use schema_registry_converter::async_impl::json::{JsonDecoder, JsonEncoder};
use schema_registry_converter::async_impl::proto_decoder::ProtoDecoder;
use schema_registry_converter::async_impl::proto_encoder::ProtoEncoder;
use schema_registry_converter::async_impl::schema_registry::{
    SrSettings, get_all_versions, get_schema_by_id, is_compatible_schema, post_schema,
};
use schema_registry_converter::schema_registry_common::{SchemaType, SubjectNameStrategy, SuppliedSchema};
use serde_json::json;

use crate::{BROKEN, OBJECT, ORDER, Outcome, Places, USER, User, WITH_AGE, require, unique};

fn supplied(kind: SchemaType, name: Option<&str>, text: &str) -> SuppliedSchema {
    SuppliedSchema::new(name.map(str::to_owned), kind, text.to_owned())
}

fn avro_of(text: &str) -> SuppliedSchema {
    supplied(SchemaType::Avro, Some("User"), text)
}

pub async fn registers(places: &Places) -> Outcome {
    let (settings, subject) = (SrSettings::new(places.registry.clone()), unique("converter"));
    let first = post_schema(&settings, subject.clone(), avro_of(USER)).await?;
    let again = post_schema(&settings, subject.clone(), avro_of(USER)).await?;
    require(first.id == again.id, || "the same schema has another id".into())?;
    let second = post_schema(&settings, subject.clone(), avro_of(WITH_AGE)).await?;
    require(second.id != first.id, || "another schema has the same id".into())?;
    require(get_all_versions(&settings, subject.clone()).await? == [1, 2], || "versions".into())?;
    require(get_schema_by_id(first.id, &settings).await?.schema == USER, || "by id".into())?;
    require(is_compatible_schema(&settings, subject.clone(), avro_of(WITH_AGE)).await?, || "compatible".into())?;
    require(!is_compatible_schema(&settings, subject.clone(), avro_of(BROKEN)).await?, || "incompatible".into())?;
    let refused = post_schema(&settings, subject, avro_of(BROKEN)).await;
    require(refused.is_err_and(|error| format!("{error:?}").contains("incompatible")), || "not refused".into())
}

pub async fn avro(places: &Places) -> Outcome {
    let (settings, topic) = (SrSettings::new(places.registry.clone()), unique("converter-avro"));
    let strategy = SubjectNameStrategy::TopicNameStrategyWithSchema(topic.clone(), false, avro_of(USER));
    let bytes = AvroEncoder::new(settings.clone()).encode_struct(User { name: "Ada".into() }, &strategy).await?;
    let (seen, back) = places.through(&topic, &bytes)?;
    require(seen == json!({"name": "Ada"}), || format!("we read {seen}"))?;
    let decoder = AvroDecoder::new(settings);
    let expected = r#"Record([("name", String("Ada"))])"#;
    for bytes in [back, places.written(&topic, &seen)?] {
        let value = format!("{:?}", decoder.decode(Some(&bytes)).await?.value);
        require(value == expected, || format!("decoded {value}"))?;
    }
    Ok(())
}

pub async fn json_schema(places: &Places) -> Outcome {
    let (settings, topic) = (SrSettings::new(places.registry.clone()), unique("converter-json"));
    let schema = supplied(SchemaType::Json, None, OBJECT);
    let strategy = SubjectNameStrategy::TopicNameStrategyWithSchema(topic.clone(), false, schema);
    let value = json!({"name": "Ada"});
    let bytes = JsonEncoder::new(settings.clone()).encode(&value, strategy).await?;
    let (seen, back) = places.through(&topic, &bytes)?;
    require(seen == value, || format!("we read {seen}"))?;
    let decoder = JsonDecoder::new(settings);
    for bytes in [back, places.written(&topic, &seen)?] {
        let decoded = decoder.decode(Some(&bytes)).await?.ok_or("nothing")?;
        require(decoded.value == value, || format!("decoded {}", decoded.value))?;
    }
    Ok(())
}

pub async fn protobuf(places: &Places) -> Outcome {
    let (settings, topic) = (SrSettings::new(places.registry.clone()), unique("converter-protobuf"));
    let schema = supplied(SchemaType::Protobuf, None, ORDER);
    let strategy = SubjectNameStrategy::TopicNameStrategyWithSchema(topic.clone(), false, schema);
    let value = json!({"n": 3});
    let encoder = ProtoEncoder::new(settings.clone());
    let bytes = encoder.encode_json(&value, "shop.Order.Item", &strategy).await?;
    let (seen, _) = places.through(&topic, &bytes)?;
    require(seen == value, || format!("we read {seen}"))?;
    let decoder = ProtoDecoder::new(settings);
    let bytes = places.written(&topic, &json!({"id": "o", "item": {"n": 4}}))?;
    let decoded = format!("{:?}", decoder.decode(Some(&bytes)).await?);
    require(decoded.contains("\"o\"") && decoded.contains('4'), || format!("decoded {decoded}"))
}
