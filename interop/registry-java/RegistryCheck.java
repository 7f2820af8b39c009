// Confluent's registry client for Java and Flink's serializers on top of it, through Mekong's broker and registry.
//   java -cp 'libs/*' RegistryCheck.java BOOTSTRAP REGISTRY

import java.time.Duration;
import java.util.*;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.avro.AvroSchema;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.CachedSchemaRegistryClient;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.entities.SchemaReference;
import org.apache.flink.avro.registry.confluent.shaded.io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException;
import org.apache.flink.avro.shaded.org.apache.avro.Schema;
import org.apache.flink.avro.shaded.org.apache.avro.generic.GenericData;
import org.apache.flink.avro.shaded.org.apache.avro.generic.GenericRecord;
import org.apache.flink.formats.avro.registry.confluent.ConfluentRegistryAvroDeserializationSchema;
import org.apache.flink.formats.avro.registry.confluent.ConfluentRegistryAvroSerializationSchema;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.*;

public class RegistryCheck {
  static final String USER = "{\"type\":\"record\",\"name\":\"User\",\"fields\":[{\"name\":\"name\",\"type\":\"string\"}]}";
  static final String WITH_AGE = USER.replace("}]}", "},{\"name\":\"age\",\"type\":\"int\",\"default\":0}]}");
  static final String BROKEN = USER.replace("}]}", "},{\"name\":\"id\",\"type\":\"long\"}]}");
  static String bootstrap, registry;
  static int passed, failed;

  interface Check { void run() throws Exception; }

  static CachedSchemaRegistryClient client() { return new CachedSchemaRegistryClient(registry, 100); }

  static String unique(String name) { return name + "-" + System.nanoTime(); }

  static void equal(Object found, Object wanted, String what) {
    if (!Objects.equals(found, wanted)) throw new AssertionError(what + ": " + found + " instead of " + wanted);
  }

  static RestClientException refused(Check what) throws Exception {
    try { what.run(); } catch (RestClientException refusal) { return refusal; }
    throw new AssertionError("not refused");
  }

  static void registersEvolvesIsRefused() throws Exception {
    var subject = unique("java");
    var client = client();
    int first = client.register(subject, new AvroSchema(USER));
    equal(client().register(subject, new AvroSchema(USER)), first, "the same schema has the same id");
    int second = client.register(subject, new AvroSchema(WITH_AGE));
    equal(second > first, true, "another schema has another id");
    equal(client().getAllVersions(subject), List.of(1, 2), "versions");
    equal(client().getSchemaById(first).canonicalString(), USER, "by id");
    equal(client().getSchemaBySubjectAndId(subject, second).canonicalString(), WITH_AGE, "by subject and id");
    equal(client().getLatestSchemaMetadata(subject).getVersion(), 2, "latest");
    equal(client().getSchemaMetadata(subject, 1).getId(), first, "a version");
    equal(client().getVersion(subject, new AvroSchema(USER)), 1, "the version of a schema");
    equal(client().getId(subject, new AvroSchema(WITH_AGE)), second, "the id of a schema");
    equal(client().getAllSubjects().contains(subject), true, "subjects");
    equal(client().getAllSubjectsById(first).contains(subject), true, "subjects of an id");
    equal(client().testCompatibility(subject, new AvroSchema(WITH_AGE)), true, "compatible");
    equal(client().testCompatibility(subject, new AvroSchema(BROKEN)), false, "incompatible");
    var reasons = client().testCompatibilityVerbose(subject, new AvroSchema(BROKEN)).toString();
    equal(reasons.contains("READER_FIELD_MISSING_DEFAULT_VALUE"), true, "reasons " + reasons);
    var refusal = refused(() -> client().register(subject, new AvroSchema(BROKEN)));
    equal(refusal.getStatus(), 409, "an incompatible schema");
    equal(client.updateCompatibility(subject, "NONE"), "NONE", "level set");
    equal(client.getCompatibility(subject), "NONE", "level told");
    client.register(subject, new AvroSchema(BROKEN));
    equal(client.deleteSchemaVersion(subject, "3"), 3, "a version deleted");
    equal(client.deleteSubject(subject), List.of(1, 2), "deleted softly");
    equal(client.deleteSubject(subject, true), List.of(1, 2, 3), "deleted for good");
    equal(refused(() -> client().getAllVersions(subject)).getErrorCode(), 40401, "gone");
  }

  static void referencesAndModes() throws Exception {
    String subject = unique("java-part"), whole = unique("java-whole");
    var client = client();
    client.register(subject, new AvroSchema(USER));
    var text = "{\"type\":\"record\",\"name\":\"Pair\",\"fields\":[{\"name\":\"one\",\"type\":\"User\"}]}";
    var parts = List.of(new SchemaReference("User", subject, 1));
    var schema = new AvroSchema(text, parts, Map.of("User", USER), null);
    int id = client.register(whole, schema);
    var found = (AvroSchema) client().getSchemaById(id);
    equal(found.references(), parts, "references");
    equal(found.rawSchema().getField("one").schema().getName(), "User", "what is referred to");
    var refusal = refused(() -> client.deleteSchemaVersion(subject, "1"));
    equal(refusal.getErrorCode(), 42206, "what is referred to stays");
    equal(client.setMode("READONLY", subject), "READONLY", "mode set");
    equal(client().getMode(subject), "READONLY", "mode told");
    equal(refused(() -> client.register(subject, new AvroSchema(WITH_AGE))).getErrorCode(), 42205, "read only");
  }

  static void avroGoesRound() throws Exception {
    var topic = unique("java-avro");
    var user = new Schema.Parser().parse(USER);
    var newer = new Schema.Parser().parse(WITH_AGE);
    GenericRecord ada = new GenericData.Record(user), grace = new GenericData.Record(newer);
    ada.put("name", "Ada");
    grace.put("name", "Grace");
    grace.put("age", 36);
    var one = ConfluentRegistryAvroSerializationSchema.forGeneric(topic + "-value", user, registry).serialize(ada);
    var two = ConfluentRegistryAvroSerializationSchema.forGeneric(topic + "-value", newer, registry).serialize(grace);
    equal(one[0], (byte) 0, "the magic byte");
    var read = new ArrayList<String>();
    var reader = ConfluentRegistryAvroDeserializationSchema.forGeneric(newer, registry);
    for (byte[] value : through(topic, List.of(one, two))) read.add(reader.deserialize(value).toString());
    equal(read, List.of("{\"name\": \"Ada\", \"age\": 0}", "{\"name\": \"Grace\", \"age\": 36}"), "read by the newer");
    var broken = new Schema.Parser().parse(BROKEN);
    GenericRecord bad = new GenericData.Record(broken);
    bad.put("name", "Eve");
    bad.put("id", 1L);
    try {
      ConfluentRegistryAvroSerializationSchema.forGeneric(topic + "-value", broken, registry).serialize(bad);
    } catch (Exception refusal) {
      var text = new StringBuilder();
      for (Throwable cause = refusal; cause != null; cause = cause.getCause()) text.append(cause.getMessage());
      equal(text.toString().contains("incompatible"), true, "why: " + text);
      return;
    }
    throw new AssertionError("an incompatible schema was registered by the serializer");
  }

  static List<byte[]> through(String topic, List<byte[]> values) throws Exception {
    Map<String, Object> to = Map.of("bootstrap.servers", bootstrap);
    try (var producer = new KafkaProducer<>(to, new ByteArraySerializer(), new ByteArraySerializer())) {
      for (byte[] value : values) producer.send(new ProducerRecord<>(topic, 0, null, value)).get();
    }
    Map<String, Object> from = Map.of("bootstrap.servers", bootstrap, "auto.offset.reset", "earliest");
    var back = new ArrayList<byte[]>();
    try (var consumer = new KafkaConsumer<>(from, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      consumer.assign(List.of(new org.apache.kafka.common.TopicPartition(topic, 0)));
      for (int polls = 0; polls < 60 && back.size() < values.size(); polls++) {
        for (var record : consumer.poll(Duration.ofMillis(500))) back.add(record.value());
      }
    }
    return back;
  }

  static void check(String name, Check check) {
    try {
      check.run();
      System.out.println("ok registry-java " + name);
      passed++;
    } catch (Throwable error) {
      System.out.println("not ok registry-java " + name + " " + error);
      failed++;
    }
  }

  public static void main(String[] arguments) {
    bootstrap = arguments[0];
    registry = arguments[1];
    check("registers, evolves, is refused", RegistryCheck::registersEvolvesIsRefused);
    check("references and modes", RegistryCheck::referencesAndModes);
    check("Avro goes round", RegistryCheck::avroGoesRound);
    System.out.println("registry-java: " + passed + " passed, " + failed + " failed");
    System.exit(failed == 0 ? 0 : 1);
  }
}
