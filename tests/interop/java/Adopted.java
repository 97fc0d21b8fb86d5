import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * What a data directory has to hold before it is taken over, and what must be found in it afterwards.
 *
 * <pre>
 * Adopted fill host:port   makes topics with everything that can be in a log, on Apache Kafka
 * Adopted read host:port   tells what there is, one line for each topic, partition, setting
 * Adopted more host:port   adds records to every topic of a user's, and reads them back
 * </pre>
 */
public final class Adopted {
    private static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");
    private static final int COMPACTION_SECONDS_MAX = 60;
    private static final int TRANSACTION_SECONDS_MAX = 60;

    private final String bootstrap;
    private final Admin admin;

    private Adopted(String bootstrap, Admin admin) {
        this.bootstrap = bootstrap;
        this.admin = admin;
    }

    public static void main(String[] args) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", args[1]))) {
            Adopted adopted = new Adopted(args[1], admin);
            switch (args[0]) {
                case "fill" -> adopted.fill();
                case "read" -> adopted.read();
                case "more" -> adopted.more();
                default -> throw new IllegalArgumentException(args[0]);
            }
        }
    }

    // --- fill --------------------------------------------------------------------------------------------------------

    private void fill() throws Exception {
        create("codecs", CODECS.size(), Map.of());
        create("segments", 1, Map.of("segment.bytes", "1048576", "retention.ms", "987654321", "max.message.bytes", "700000"));
        create("compacted", 1, Map.of("cleanup.policy", "compact", "segment.ms", "1000", "min.cleanable.dirty.ratio", "0.01"));
        create("transactions", 2, Map.of());
        create("cut", 1, Map.of());
        create("append-time", 1, Map.of("message.timestamp.type", "LogAppendTime", "compression.type", "zstd"));
        create("odd", 1, Map.of("segment.jitter.ms", "5"));
        create("empty", 3, Map.of());
        create("gone", 2, Map.of("retention.ms", "1"));
        codecs();
        segments();
        compacted();
        transactions();
        try (var producer = producer(Map.of())) {
            for (int i = 0; i < 40; i++) {
                producer.send(record("cut", 0, "k" + i, "v" + i)).get();
                producer.send(record("append-time", 0, "k" + i, "v" + i)).get();
            }
            producer.send(new ProducerRecord<byte[], byte[]>("odd", 0, null, null)).get();
            producer.send(new ProducerRecord<>("odd", 0, 1L, new byte[0], new byte[0])).get();
            var headers = record("odd", 0, "headers", "x");
            headers.headers().add("one", "1".getBytes()).add("none", null).add("one", new byte[] {0, -1});
            producer.send(headers).get();
        }
        admin.deleteRecords(Map.of(new TopicPartition("cut", 0), RecordsToDelete.beforeOffset(17))).all().get();
        admin.deleteTopics(List.of("gone")).all().get();
        commitOffsets();
        alter(new ConfigResource(ConfigResource.Type.BROKER, ""), "message.max.bytes", "2000000");
        var credentials = new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096);
        admin.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion("alice", credentials, "secret"))).all().get();
        var everybody = new ClientQuotaEntity(java.util.Collections.singletonMap(ClientQuotaEntity.CLIENT_ID, null));
        var quota = new ClientQuotaAlteration(everybody, List.of(new ClientQuotaAlteration.Op("producer_byte_rate", 1e9)));
        admin.alterClientQuotas(List.of(quota)).all().get();
        System.out.println("filled");
    }

    private void codecs() throws Exception {
        for (int partition = 0; partition < CODECS.size(); partition++) {
            var settings = Map.of("compression.type", CODECS.get(partition), "linger.ms", "5", "batch.size", "4000");
            try (var producer = producer(settings)) {
                for (int i = 0; i < 2000; i++) {
                    producer.send(record("codecs", partition, "key-" + i % 50, "value " + i + " in " + CODECS.get(partition)));
                }
            }
        }
    }

    private void segments() throws Exception {
        Random random = new Random(7);
        try (var producer = producer(Map.of("linger.ms", "5", "max.request.size", "700000"))) {
            for (int i = 0; i < 400; i++) {
                byte[] value = new byte[12_000];
                random.nextBytes(value);
                producer.send(new ProducerRecord<>("segments", 0, ("key-" + i).getBytes(), value));
            }
        }
    }

    /** Many values of few keys, some deleted; waits until Kafka has compacted them, and then keeps it from doing so again. */
    private void compacted() throws Exception {
        TopicPartition partition = new TopicPartition("compacted", 0);
        long written = 0;
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(COMPACTION_SECONDS_MAX);
        while (true) {
            try (var producer = producer(Map.of("compression.type", CODECS.get((int) (written / 100 % 5))))) {
                for (int i = 0; i < 100; i++, written++) {
                    String value = i % 10 == 9 ? null : "value-" + written;
                    producer.send(record("compacted", 0, "key-" + i % 30, value));
                }
            }
            Thread.sleep(1500);
            if (records(partition).size() < written / 2 && written >= 600) {
                break;
            }
            if (System.nanoTime() > deadline) {
                throw new AssertionError("Kafka has not compacted within " + COMPACTION_SECONDS_MAX + " s");
            }
        }
        alter(new ConfigResource(ConfigResource.Type.TOPIC, "compacted"), "min.cleanable.dirty.ratio", "1.0");
        alter(new ConfigResource(ConfigResource.Type.TOPIC, "compacted"), "segment.ms", "600000");
        Thread.sleep(3000);
    }

    /**
     * Committed and aborted transactions. Kafka 4.3.1 sometimes answers one with INVALID_TXN_STATE, which ends the producer: another one
     * with its transactional id makes Kafka abort what is open, and begins that round anew.
     */
    private void transactions() {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(TRANSACTION_SECONDS_MAX);
        int round = 0;
        while (round < 20) {
            try (var producer = producer(Map.of("transactional.id", "adopted"))) {
                producer.initTransactions();
                for (; round < 20; round++) {
                    transaction(producer, round);
                }
            } catch (KafkaException refusal) {
                System.out.println("transaction " + round + ": " + refusal);
                if (System.nanoTime() > deadline) {
                    throw refusal;
                }
            }
        }
    }

    private static void transaction(KafkaProducer<byte[], byte[]> producer, int round) {
        producer.beginTransaction();
        for (int i = 0; i < 10; i++) {
            producer.send(record("transactions", i % 2, "k" + i, "round " + round));
        }
        if (round % 3 == 1) {
            producer.flush();
            producer.abortTransaction();
        } else {
            producer.commitTransaction();
        }
    }

    private void commitOffsets() {
        try (var consumer = consumer(Map.of("group.id", "readers"))) {
            Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
            for (int partition = 0; partition < CODECS.size(); partition++) {
                offsets.put(new TopicPartition("codecs", partition), new OffsetAndMetadata(100 + partition, "note"));
            }
            consumer.assign(offsets.keySet());
            consumer.commitSync(offsets);
        }
    }

    // --- read --------------------------------------------------------------------------------------------------------

    private void read() throws Exception {
        var names = new TreeSet<>(admin.listTopics(new ListTopicsOptions().listInternal(true)).names().get());
        var topics = new TreeMap<>(admin.describeTopics(names).allTopicNames().get());
        System.out.println("cluster " + admin.describeCluster().clusterId().get());
        for (var topic : topics.values()) {
            System.out.println("topic " + topic.name() + " " + topic.topicId() + " " + topic.partitions().size());
            var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic.name());
            var described = admin.describeConfigs(List.of(resource), new DescribeConfigsOptions()).all().get().get(resource);
            for (ConfigEntry entry : described.entries().stream().sorted(java.util.Comparator.comparing(ConfigEntry::name)).toList()) {
                if (entry.source() == ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG) {
                    System.out.println("setting " + topic.name() + " " + entry.name() + "=" + entry.value());
                }
            }
            for (int partition = 0; partition < topic.partitions().size(); partition++) {
                System.out.println("partition " + partition(new TopicPartition(topic.name(), partition)));
            }
        }
        var brokers = new ConfigResource(ConfigResource.Type.BROKER, "");
        for (ConfigEntry entry : admin.describeConfigs(List.of(brokers)).all().get().get(brokers).entries()) {
            System.out.println("setting of all brokers " + entry.name() + "=" + entry.value());
        }
    }

    private String partition(TopicPartition partition) throws Exception {
        var records = records(partition);
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        for (ConsumerRecord<byte[], byte[]> record : records) {
            StringBuilder text = new StringBuilder();
            text.append(record.offset()).append('|').append(record.timestamp()).append('|').append(record.timestampType());
            text.append('|').append(base64(record.key())).append('|').append(base64(record.value()));
            for (Header header : record.headers()) {
                text.append('|').append(header.key()).append('=').append(base64(header.value()));
            }
            digest.update(text.append('\n').toString().getBytes());
        }
        long begin;
        long end;
        try (var consumer = consumer(Map.of())) {
            begin = consumer.beginningOffsets(Set.of(partition)).get(partition);
            end = consumer.endOffsets(Set.of(partition)).get(partition);
        }
        String hash = HexFormat.of().formatHex(digest.digest()).substring(0, 16);
        return partition + " from " + begin + " to " + end + ": " + records.size() + " records " + hash;
    }

    private static String base64(byte[] bytes) {
        return bytes == null ? "null" : Base64.getEncoder().encodeToString(bytes);
    }

    // --- more --------------------------------------------------------------------------------------------------------

    private void more() throws Exception {
        var names = new TreeSet<>(admin.listTopics().names().get());
        for (var topic : new TreeMap<>(admin.describeTopics(names).allTopicNames().get()).values()) {
            for (int number = 0; number < topic.partitions().size(); number++) {
                TopicPartition partition = new TopicPartition(topic.name(), number);
                var before = records(partition);
                try (var producer = producer(Map.of("compression.type", CODECS.get(number % 5)))) {
                    for (int i = 0; i < 25; i++) {
                        producer.send(record(topic.name(), number, "after-" + i, "written by the new broker")).get();
                    }
                }
                var after = records(partition);
                if (after.size() != before.size() + 25 || after.get(after.size() - 1).offset() < before.size()) {
                    throw new AssertionError(partition + ": " + before.size() + " records before, " + after.size() + " after");
                }
            }
        }
        admin.createTopics(List.of(new NewTopic("new", 2, (short) 1))).all().get();
        System.out.println("added");
    }

    // --- parts -------------------------------------------------------------------------------------------------------

    private void create(String name, int partitions, Map<String, String> settings) throws Exception {
        admin.createTopics(List.of(new NewTopic(name, partitions, (short) 1).configs(settings))).all().get();
    }

    private void alter(ConfigResource resource, String name, String value) throws Exception {
        Collection<AlterConfigOp> change = List.of(new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET));
        admin.incrementalAlterConfigs(Map.of(resource, change)).all().get();
    }

    private static ProducerRecord<byte[], byte[]> record(String topic, int partition, String key, String value) {
        return new ProducerRecord<>(topic, partition, key.getBytes(), value == null ? null : value.getBytes());
    }

    /** All records of a partition, those of aborted transactions among them. */
    private List<ConsumerRecord<byte[], byte[]>> records(TopicPartition partition) {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        try (var consumer = consumer(Map.of())) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long end = consumer.endOffsets(Set.of(partition)).get(partition);
            while (consumer.position(partition) < end) {
                consumer.poll(Duration.ofMillis(200)).forEach(records::add);
            }
        }
        return records;
    }

    private KafkaProducer<byte[], byte[]> producer(Map<String, String> settings) {
        return new KafkaProducer<>(properties(settings), new ByteArraySerializer(), new ByteArraySerializer());
    }

    private KafkaConsumer<byte[], byte[]> consumer(Map<String, String> settings) {
        Properties properties = properties(settings);
        properties.put("enable.auto.commit", "false");
        return new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private Properties properties(Map<String, String> settings) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        properties.putAll(settings);
        return properties;
    }
}
