//! schema-registry-client.

use schema_registry_client::rest::client_config::ClientConfig;
use schema_registry_client::rest::models::Schema;
use schema_registry_client::rest::schema_registry_client::{Client, SchemaRegistryClient};
use schema_registry_client::serdes::avro::{AvroDeserializer, AvroSerializer};
use schema_registry_client::serdes::config::{DeserializerConfig, SerializerConfig};
use schema_registry_client::serdes::json::{JsonDeserializer, JsonSerializer};
use schema_registry_client::serdes::serde::{SerdeFormat, SerdeType, SerializationContext};
use serde_json::json;

use crate::{BROKEN, OBJECT, Outcome, Places, USER, User, WITH_AGE, require, unique};

fn client(places: &Places) -> SchemaRegistryClient {
    SchemaRegistryClient::new(ClientConfig::new(vec![places.registry.clone()]))
}

fn of(kind: &str, text: &str) -> Schema {
    Schema::new(Some(kind.to_owned()), text.to_owned())
}

fn context(topic: &str, format: SerdeFormat) -> SerializationContext {
    SerializationContext {
        topic: topic.to_owned(),
        serde_type: SerdeType::Value,
        serde_format: format,
        headers: None,
    }
}

pub async fn registers(places: &Places) -> Outcome {
    let (client, subject) = (client(places), unique("client"));
    let (user, aged, broken) = (of("AVRO", USER), of("AVRO", WITH_AGE), of("AVRO", BROKEN));
    let first = client.register_schema(&subject, &user, false).await?;
    let second = client.register_schema(&subject, &aged, false).await?;
    require(first.id != second.id, || "another schema has the same id".into())?;
    require(client.get_all_versions(&subject).await? == [1, 2], || "versions".into())?;
    let id = first.id.ok_or("no id")?;
    require(client.get_by_subject_and_id(Some(&subject), id, None).await?.schema == USER, || "by id".into())?;
    require(client.get_latest_version(&subject, None).await?.version == Some(2), || "latest".into())?;
    require(client.get_by_schema(&subject, &user, false, false).await?.version == Some(1), || "look-up".into())?;
    // Version 0.4.2 reads a bare boolean where every registry answers an object, so its check is not asked.
    let refused = client.register_schema(&subject, &broken, false).await;
    require(refused.is_err_and(|error| error.to_string().contains("409")), || "not refused".into())?;
    require(client.delete_subject(&subject, false).await? == [1, 2], || "deleted".into())
}

pub async fn avro(places: &Places) -> Outcome {
    let (client, topic, schema) = (client(places), unique("client-avro"), of("AVRO", USER));
    let context = context(&topic, SerdeFormat::Avro);
    let writer = AvroSerializer::new(&client, Some(&schema), None, SerializerConfig::default())?;
    let bytes = writer.serialize_ser(&context, User { name: "Ada".into() }).await?;
    let (seen, back) = places.through(&topic, &bytes)?;
    require(seen == json!({"name": "Ada"}), || format!("we read {seen}"))?;
    let reader = AvroDeserializer::new(&client, None, DeserializerConfig::default())?;
    for bytes in [back, places.written(&topic, &seen)?] {
        let value = format!("{:?}", reader.deserialize(&context, &bytes).await?.value);
        require(value == r#"Record([("name", String("Ada"))])"#, || format!("decoded {value}"))?;
    }
    Ok(())
}

pub async fn json_schema(places: &Places) -> Outcome {
    let (client, topic, schema) = (client(places), unique("client-json"), of("JSON", OBJECT));
    let context = context(&topic, SerdeFormat::Json);
    let writer = JsonSerializer::new(&client, Some(&schema), None, SerializerConfig::default())?;
    let bytes = writer.serialize(&context, json!({"name": "Ada"})).await?;
    let (seen, back) = places.through(&topic, &bytes)?;
    require(seen == json!({"name": "Ada"}), || format!("we read {seen}"))?;
    let reader = JsonDeserializer::new(&client, None, DeserializerConfig::default())?;
    for bytes in [back, places.written(&topic, &seen)?] {
        let value = reader.deserialize(&context, &bytes).await?;
        require(value == seen, || format!("decoded {value}"))?;
    }
    Ok(())
}
