import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Apache Kafka's client for the chaos runner: Driver BOOTSTRAP TOPIC PARTITIONS produce|assign|subscribe|churn SECONDS FIRST-VALUE. */
public class Driver {
    static String bootstrap, topic;
    static int partitions;
    static long until, value;

    public static void main(String[] arguments) throws Exception {
        bootstrap = arguments[0];
        topic = arguments[1];
        partitions = Integer.parseInt(arguments[2]);
        until = System.nanoTime() + Long.parseLong(arguments[4]) * 1_000_000_000L;
        value = Long.parseLong(arguments[5]);
        switch (arguments[3]) {
            case "produce" -> produce();
            case "churn" -> {
                while (System.nanoTime() < until) {
                    say("{\"t\":\"life\"}");
                    consume("g", Math.min(until, System.nanoTime() + 6_000_000_000L));
                }
            }
            case "subscribe" -> consume("g", until);
            default -> consume(null, until);
        }
    }

    static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    static void produce() throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("acks", "all");
        settings.put("enable.idempotence", "true");
        settings.put("delivery.timeout.ms", "20000");
        settings.put("request.timeout.ms", "5000");
        settings.put("linger.ms", "0");
        while (System.nanoTime() < until) {
            KafkaProducer<String, String> producer =
                new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
            boolean alive = true;
            while (alive && System.nanoTime() < until) {
                int partition = (int) (value % partitions);
                long began = System.nanoTime(), offset = -1;
                try {
                    offset = producer.send(new ProducerRecord<>(topic, partition, null, Long.toString(value))).get().offset();
                } catch (Exception error) {
                    System.err.println(error);
                    alive = false;
                }
                say("{\"t\":\"send\",\"s\":" + began + ",\"e\":" + System.nanoTime() + ",\"k\":" + partition + ",\"v\":" + value
                    + ",\"o\":" + offset + ",\"r\":\"" + (alive ? "ok" : "info") + "\"}");
                if (!alive) say("{\"t\":\"life\"}");
                value++;
                Thread.sleep(10);
            }
            producer.close(Duration.ZERO);
        }
    }

    static void consume(String group, long end) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        if (group != null) settings.put("group.id", group);
        settings.put("enable.auto.commit", Boolean.toString(group != null));
        settings.put("auto.commit.interval.ms", "500");
        settings.put("auto.offset.reset", "earliest");
        settings.put("session.timeout.ms", "10000");
        settings.put("heartbeat.interval.ms", "2000");
        settings.put("request.timeout.ms", "5000");
        String all = IntStream.range(0, partitions).boxed().toList().toString();
        try (KafkaConsumer<String, String> consumer =
            new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            say("{\"t\":\"" + (group == null ? "assign" : "subscribe") + "\",\"e\":" + System.nanoTime() + ",\"m\":" + all + "}");
            if (group == null) {
                consumer.assign(IntStream.range(0, partitions).mapToObj(number -> new TopicPartition(topic, number)).toList());
                consumer.seekToBeginning(consumer.assignment());
            } else {
                consumer.subscribe(List.of(topic));
            }
            while (System.nanoTime() < end) {
                long began = System.nanoTime();
                List<String> rows = new ArrayList<>();
                try {
                    for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(300)))
                        rows.add("[" + record.partition() + "," + record.offset() + "," + record.value() + "]");
                } catch (RuntimeException error) {
                    System.err.println(error);
                }
                if (!rows.isEmpty())
                    say("{\"t\":\"poll\",\"s\":" + began + ",\"e\":" + System.nanoTime() + ",\"m\":[" + String.join(",", rows) + "]}");
            }
        }
    }
}
