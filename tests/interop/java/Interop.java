// The Java client against a running broker: `java -cp JARS Interop.java host:port` prints PASS or FAIL for each test.
// Only what needs no transactions.

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.serialization.*;

public class Interop {
    interface Test {
        void run() throws Exception;
    }

    static String bootstrap;
    static Admin admin;

    public static void main(String[] args) {
        bootstrap = args[0];
        Map<String, Test> tests = new LinkedHashMap<>();
        tests.put("what is produced is read, in every compression", Interop::everyCompression);
        tests.put("keys, headers, timestamps and nulls travel", Interop::everythingTravels);
        tests.put("reading starts in the middle of a batch", Interop::middleOfBatches);
        tests.put("a fetch session over many partitions", Interop::fetchSession);
        tests.put("a fetch session whose partitions change", Interop::changingSession);
        tests.put("fifty thousand records in large batches", Interop::largeBatches);
        tests.put("big records, and one too big", Interop::bigRecords);
        tests.put("idempotent retries repeat nothing", Interop::idempotentRetries);
        tests.put("producers with acks 0 and 1", Interop::weakAcks);
        tests.put("offsets for times, beginning and end", Interop::offsetsForTimes);
        tests.put("timestamps given by the broker", Interop::logAppendTime);
        tests.put("a topic's compression is the broker's work", Interop::topicCompression);
        tests.put("a compacted topic wants keys", Interop::compactedWantsKeys);
        tests.put("more in-sync replicas asked than there are replicas", Interop::moreInSyncThanReplicas);
        tests.put("reading out of range without a reset policy", Interop::outOfRange);
        tests.put("read_committed reads what has no transaction", Interop::readCommitted);
        tests.put("a topic is created by producing", Interop::autoCreation);
        tests.put("a topic deleted and created again under a living producer", Interop::recreatedTopic);
        tests.put("admin: topics, ids and partitions", Interop::adminTopics);
        tests.put("admin: errors of topics", Interop::adminTopicErrors);
        tests.put("admin: a hundred topics at once", Interop::hundredTopics);
        tests.put("admin: configs", Interop::adminConfigs);
        tests.put("admin: offsets and deleting records", Interop::adminOffsets);
        tests.put("admin: cluster, log dirs and features", Interop::adminCluster);
        for (String assignor : List.of("Range", "RoundRobin", "Sticky", "CooperativeSticky")) {
            tests.put("group: members share and take over, " + assignor, () -> membersShare("partition.assignment.strategy", classOf(assignor)));
        }
        for (String assignor : List.of("uniform", "range")) {
            tests.put("group: members share and take over, next generation, " + assignor,
                () -> membersShare("group.protocol", "consumer", "group.remote.assignor", assignor));
        }
        tests.put("group: offsets go on where they were", Interop::offsetsResume);
        tests.put("group: offsets go on where they were, next generation", () -> offsetsResume("group.protocol", "consumer"));
        tests.put("group: a static member comes back without a rebalance", Interop::staticMember);
        tests.put("group: a static member comes back without a rebalance, cooperative",
            () -> staticMember("partition.assignment.strategy", classOf("CooperativeSticky")));
        tests.put("group: a static member comes back without a rebalance, next generation", () -> staticMember("group.protocol", "consumer"));
        tests.put("group: a pattern finds new topics", Interop::pattern);
        tests.put("group: the coordinator's pattern finds new topics", Interop::coordinatorsPattern);
        tests.put("group: who was thrown out cannot commit", Interop::thrownOut);
        tests.put("group: members move to the next generation and back, one by one", Interop::migration);
        tests.put("admin: groups and their offsets", Interop::adminGroups);
        int failed = 0;
        try (Admin shared = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            admin = shared;
            for (Map.Entry<String, Test> test : tests.entrySet()) {
                try {
                    test.getValue().run();
                    System.out.println("PASS client: " + test.getKey());
                } catch (Throwable wrong) {
                    failed++;
                    StackTraceElement at = Arrays.stream(wrong.getStackTrace()).filter(e -> e.getClassName().startsWith("Interop")
                        && !e.getMethodName().startsWith("same")).findFirst().orElse(null);
                    System.out.println("FAIL client: " + test.getKey() + " | " + wrong.toString().replace('\n', ' ') + " at " + at);
                }
            }
        }
        System.exit(failed == 0 ? 0 : 1);
    }

    // --- what the tests are made of ---------------------------------------------------------------------------------

    static void same(Object found, Object wanted, String what) {
        if (!Objects.equals(found, wanted)) throw new AssertionError(what + ": " + found + " where " + wanted + " was expected");
    }

    static <E extends Throwable> void fails(Class<E> kind, Future<?> future) throws Exception {
        try {
            Object found = future.get();
            throw new AssertionError("no " + kind.getSimpleName() + " but " + found);
        } catch (ExecutionException wrapped) {
            if (!kind.isInstance(wrapped.getCause())) throw new AssertionError("no " + kind.getSimpleName() + " but " + wrapped.getCause());
        }
    }

    static String topic(int partitions, String... configs) throws Exception {
        Map<String, String> map = new HashMap<>();
        for (int i = 0; i < configs.length; i += 2) map.put(configs[i], configs[i + 1]);
        String name = "java-" + UUID.randomUUID();
        admin.createTopics(List.of(new NewTopic(name, partitions, (short) 1).configs(map))).all().get();
        idOf(name);
        return name;
    }

    // A broker may learn of a topic a little after the controller has created it.
    static Uuid idOf(String topic) throws Exception {
        long deadline = System.nanoTime() + 15_000_000_000L;
        while (true) {
            try {
                return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).topicId();
            } catch (ExecutionException unknown) {
                if (System.nanoTime() > deadline) throw unknown;
                Thread.sleep(20);
            }
        }
    }

    static KafkaProducer<byte[], byte[]> producer(Object... configs) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        properties.put("delivery.timeout.ms", 60000);
        for (int i = 0; i < configs.length; i += 2) properties.put(configs[i], configs[i + 1]);
        return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
    }

    static KafkaConsumer<byte[], byte[]> consumer(Object... configs) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        properties.put("auto.offset.reset", "none");
        properties.put("enable.auto.commit", false);
        for (int i = 0; i < configs.length; i += 2) properties.put(configs[i], configs[i + 1]);
        return new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static List<RecordMetadata> send(Producer<byte[], byte[]> producer, String topic, Integer partition, Collection<byte[]> values) throws Exception {
        List<Future<RecordMetadata>> futures = new ArrayList<>();
        for (byte[] value : values) futures.add(producer.send(new ProducerRecord<>(topic, partition, null, value)));
        producer.flush();
        List<RecordMetadata> sent = new ArrayList<>();
        for (Future<RecordMetadata> future : futures) sent.add(future.get());
        return sent;
    }

    static List<byte[]> numbers(int count) {
        return IntStream.range(0, count).mapToObj(i -> bytes(i + " " + "x".repeat(i % 100))).collect(Collectors.toList());
    }

    static List<ConsumerRecord<byte[], byte[]>> poll(Consumer<byte[], byte[]> consumer, int count) {
        List<ConsumerRecord<byte[], byte[]>> found = new ArrayList<>();
        long deadline = System.nanoTime() + 30_000_000_000L;
        while (found.size() < count && System.nanoTime() < deadline) consumer.poll(Duration.ofMillis(500)).forEach(found::add);
        same(found.size(), count, "records read");
        return found;
    }

    static List<ConsumerRecord<byte[], byte[]>> read(String topic, int partition, long offset, int count, Object... configs) {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(configs)) {
            TopicPartition place = new TopicPartition(topic, partition);
            consumer.assign(List.of(place));
            consumer.seek(place, offset);
            return poll(consumer, count);
        }
    }

    static void sameValues(List<ConsumerRecord<byte[], byte[]>> found, List<byte[]> wanted) {
        same(found.size(), wanted.size(), "records");
        for (int i = 0; i < found.size(); i++) {
            if (!Arrays.equals(found.get(i).value(), wanted.get(i))) throw new AssertionError("record " + i + " is another");
            same(found.get(i).offset(), found.get(0).offset() + i, "offset");
        }
    }

    // --- producing and reading --------------------------------------------------------------------------------------

    static void everyCompression() throws Exception {
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            String topic = topic(1);
            try (KafkaProducer<byte[], byte[]> producer = producer("compression.type", codec, "linger.ms", 5)) {
                send(producer, topic, 0, numbers(5000));
            }
            sameValues(read(topic, 0, 0, 5000), numbers(5000));
        }
    }

    static void everythingTravels() throws Exception {
        String topic = topic(1);
        try (KafkaProducer<byte[], byte[]> producer = producer()) {
            ProducerRecord<byte[], byte[]> first = new ProducerRecord<>(topic, 0, 1111L, bytes("key"), bytes("value"));
            first.headers().add("a", bytes("1")).add("a", bytes("2")).add("null", null).add("", bytes(""));
            producer.send(first);
            producer.send(new ProducerRecord<>(topic, 0, 2222L, bytes("tombstone"), (byte[]) null));
            producer.send(new ProducerRecord<>(topic, 0, 3333L, (byte[]) null, bytes(""))).get();
        }
        List<ConsumerRecord<byte[], byte[]>> found = read(topic, 0, 0, 3);
        List<String> headers = new ArrayList<>();
        for (Header header : found.get(0).headers()) headers.add(header.key() + "=" + (header.value() == null ? null : new String(header.value())));
        same(headers, List.of("a=1", "a=2", "null=null", "="), "headers");
        same(found.stream().map(ConsumerRecord::timestamp).collect(Collectors.toList()), List.of(1111L, 2222L, 3333L), "timestamps");
        same(found.get(0).timestampType(), TimestampType.CREATE_TIME, "timestamp type");
        same(found.get(1).value(), null, "tombstone");
        same(found.get(2).key(), null, "missing key");
        same(found.get(2).value().length, 0, "empty value");
    }

    static void middleOfBatches() throws Exception {
        String topic = topic(1);
        try (KafkaProducer<byte[], byte[]> producer = producer("compression.type", "lz4", "linger.ms", 50)) {
            send(producer, topic, 0, numbers(1000));
        }
        for (int offset : new int[] {0, 1, 137, 500, 999}) sameValues(read(topic, 0, offset, 1000 - offset), numbers(1000).subList(offset, 1000));
        sameValues(read(topic, 0, 300, 700, "max.partition.fetch.bytes", 1, "fetch.max.bytes", 1), numbers(1000).subList(300, 1000));
    }

    static void fetchSession() throws Exception {
        int partitions = 150;
        String topic = topic(partitions);
        try (KafkaProducer<byte[], byte[]> producer = producer("linger.ms", 0); KafkaConsumer<byte[], byte[]> consumer = consumer("fetch.max.wait.ms", 100)) {
            consumer.assign(IntStream.range(0, partitions).mapToObj(p -> new TopicPartition(topic, p)).collect(Collectors.toList()));
            consumer.seekToBeginning(consumer.assignment());
            Map<Integer, Long> next = new HashMap<>();
            Random dice = new Random(7);
            for (int round = 0; round < 30; round++) {
                int some = 1 + dice.nextInt(20);
                Map<Integer, Integer> sent = new HashMap<>();
                for (int i = 0; i < some; i++) {
                    int partition = dice.nextInt(partitions);
                    producer.send(new ProducerRecord<>(topic, partition, null, bytes(round + "")));
                    sent.merge(partition, 1, Integer::sum);
                }
                producer.flush();
                for (ConsumerRecord<byte[], byte[]> record : poll(consumer, some)) {
                    same(new String(record.value()), round + "", "round");
                    same(record.offset(), next.getOrDefault(record.partition(), 0L), "offset");
                    next.put(record.partition(), record.offset() + 1);
                    sent.merge(record.partition(), -1, Integer::sum);
                }
                if (sent.values().stream().anyMatch(left -> left != 0)) throw new AssertionError("records of another partition in round " + round);
            }
        }
    }

    static void changingSession() throws Exception {
        String topic = topic(10);
        try (KafkaProducer<byte[], byte[]> producer = producer(); KafkaConsumer<byte[], byte[]> consumer = consumer("fetch.max.wait.ms", 50)) {
            for (int partition = 0; partition < 10; partition++) send(producer, topic, partition, numbers(10));
            for (int first = 0; first < 10; first++) {
                List<TopicPartition> places = List.of(new TopicPartition(topic, first), new TopicPartition(topic, (first + 3) % 10));
                consumer.assign(places);
                consumer.seekToBeginning(places);
                Set<Integer> seen = new HashSet<>();
                poll(consumer, 20).forEach(record -> seen.add(record.partition()));
                same(seen, Set.of(first, (first + 3) % 10), "partitions read");
                consumer.pause(places.subList(0, 1));
                send(producer, topic, (first + 3) % 10, numbers(1));
                same(poll(consumer, 1).get(0).partition(), (first + 3) % 10, "partition that is not paused");
                admin.deleteRecords(Map.of(places.get(1), RecordsToDelete.beforeOffset(-1))).all().get();
                send(producer, topic, (first + 3) % 10, numbers(10));
                consumer.resume(places);
                consumer.poll(Duration.ofMillis(10));
                admin.deleteRecords(Map.of(places.get(0), RecordsToDelete.beforeOffset(-1))).all().get();
                send(producer, topic, first, numbers(10));
            }
        }
    }

    static void largeBatches() throws Exception {
        String topic = topic(3, "max.message.bytes", "4194304");
        try (KafkaProducer<byte[], byte[]> producer = producer("batch.size", 1 << 20, "linger.ms", 50, "max.request.size", 4 << 20, "compression.type", "zstd")) {
            for (int partition = 0; partition < 3; partition++) send(producer, topic, partition, numbers(17000));
        }
        for (int partition = 0; partition < 3; partition++) sameValues(read(topic, partition, 0, 17000), numbers(17000));
    }

    static void bigRecords() throws Exception {
        String topic = topic(1);
        byte[] big = new byte[1_000_000];
        new Random(1).nextBytes(big);
        try (KafkaProducer<byte[], byte[]> producer = producer("max.request.size", 5_000_000, "buffer.memory", 64L << 20)) {
            send(producer, topic, 0, List.of(big, bytes("small"), big));
            fails(RecordTooLargeException.class, producer.send(new ProducerRecord<>(topic, 0, null, new byte[2_000_000])));
        }
        sameValues(read(topic, 0, 0, 3), List.of(big, bytes("small"), big));
    }

    // Requests that time out on the client's side are sent again, though the broker may have written them.
    static void idempotentRetries() throws Exception {
        String topic = topic(1);
        List<byte[]> values = numbers(3000);
        try (KafkaProducer<byte[], byte[]> producer = producer("request.timeout.ms", 8, "delivery.timeout.ms", 90000, "linger.ms", 0, "batch.size", 500,
                "retry.backoff.ms", 5, "reconnect.backoff.ms", 1, "reconnect.backoff.max.ms", 5, "metadata.max.age.ms", 60000)) {
            List<RecordMetadata> sent = send(producer, topic, 0, values);
            for (int i = 0; i < sent.size(); i++) if (sent.get(i).hasOffset()) same(sent.get(i).offset(), (long) i, "offset of a retried record");
        }
        sameValues(read(topic, 0, 0, 3000), values);
        same(admin.listOffsets(Map.of(new TopicPartition(topic, 0), OffsetSpec.latest())).all().get().values().iterator().next().offset(), 3000L, "end of the log");
    }

    static void weakAcks() throws Exception {
        for (String acks : List.of("0", "1")) {
            String topic = topic(1);
            try (KafkaProducer<byte[], byte[]> producer = producer("acks", acks, "enable.idempotence", false)) {
                List<RecordMetadata> sent = send(producer, topic, 0, numbers(2000));
                if (acks.equals("1")) same(sent.get(1999).offset(), 1999L, "last offset");
            }
            sameValues(read(topic, 0, 0, 2000), numbers(2000));
        }
    }

    static void offsetsForTimes() throws Exception {
        String topic = topic(1);
        TopicPartition place = new TopicPartition(topic, 0);
        try (KafkaProducer<byte[], byte[]> producer = producer(); KafkaConsumer<byte[], byte[]> consumer = consumer()) {
            for (long time : new long[] {1000, 2000, 3000}) producer.send(new ProducerRecord<>(topic, 0, time, null, bytes("" + time))).get();
            Map<Long, Long> asked = Map.of(0L, 0L, 1000L, 0L, 1001L, 1L, 3000L, 2L);
            for (Map.Entry<Long, Long> entry : asked.entrySet()) {
                OffsetAndTimestamp found = consumer.offsetsForTimes(Map.of(place, entry.getKey())).get(place);
                same(found.offset(), entry.getValue(), "offset at " + entry.getKey());
                same(found.timestamp(), 1000 * (found.offset() + 1), "timestamp at " + entry.getKey());
            }
            same(consumer.offsetsForTimes(Map.of(place, 3001L)).get(place), null, "offset behind the last");
            same(consumer.beginningOffsets(List.of(place)).get(place), 0L, "beginning");
            same(consumer.endOffsets(List.of(place)).get(place), 3L, "end");
        }
    }

    static void logAppendTime() throws Exception {
        String topic = topic(1, "message.timestamp.type", "LogAppendTime");
        long before = System.currentTimeMillis();
        try (KafkaProducer<byte[], byte[]> producer = producer()) {
            long told = producer.send(new ProducerRecord<>(topic, 0, 1000L, null, bytes("a"))).get().timestamp();
            ConsumerRecord<byte[], byte[]> found = read(topic, 0, 0, 1).get(0);
            same(found.timestampType(), TimestampType.LOG_APPEND_TIME, "timestamp type");
            same(found.timestamp(), told, "timestamp told to the producer");
            if (told < before) throw new AssertionError("the broker's time is " + told);
        }
    }

    static void topicCompression() throws Exception {
        for (String codec : List.of("gzip", "snappy", "lz4", "zstd", "uncompressed")) {
            String topic = topic(1, "compression.type", codec);
            try (KafkaProducer<byte[], byte[]> producer = producer("compression.type", codec.equals("zstd") ? "gzip" : "zstd", "linger.ms", 5)) {
                send(producer, topic, 0, numbers(500));
            }
            sameValues(read(topic, 0, 0, 500), numbers(500));
        }
    }

    static void compactedWantsKeys() throws Exception {
        String topic = topic(1, "cleanup.policy", "compact");
        try (KafkaProducer<byte[], byte[]> producer = producer()) {
            fails(InvalidRecordException.class, producer.send(new ProducerRecord<>(topic, 0, null, bytes("no key"))));
        }
        try (KafkaProducer<byte[], byte[]> producer = producer()) {
            producer.send(new ProducerRecord<>(topic, 0, bytes("key"), bytes("value"))).get();
        }
        same(read(topic, 0, 0, 1).size(), 1, "records");
    }

    // Kafka takes the smaller of min.insync.replicas and the number of replicas.
    static void moreInSyncThanReplicas() throws Exception {
        String topic = topic(1, "min.insync.replicas", "2");
        try (KafkaProducer<byte[], byte[]> producer = producer("acks", "all")) {
            same(producer.send(new ProducerRecord<>(topic, 0, null, bytes("a"))).get().offset(), 0L, "offset");
        }
    }

    static void outOfRange() throws Exception {
        String topic = topic(1);
        try {
            read(topic, 0, 55, 1);
            throw new AssertionError("no OffsetOutOfRangeException");
        } catch (org.apache.kafka.clients.consumer.OffsetOutOfRangeException expected) {
            same(expected.offsetOutOfRangePartitions().values().iterator().next(), 55L, "offset");
        }
    }

    static void readCommitted() throws Exception {
        String topic = topic(1);
        try (KafkaProducer<byte[], byte[]> producer = producer()) {
            send(producer, topic, 0, numbers(100));
        }
        sameValues(read(topic, 0, 0, 100, "isolation.level", "read_committed"), numbers(100));
    }

    static void autoCreation() throws Exception {
        String topic = "java-auto-" + UUID.randomUUID();
        try (KafkaProducer<byte[], byte[]> producer = producer()) {
            same(producer.send(new ProducerRecord<>(topic, 0, null, bytes("first"))).get().offset(), 0L, "offset");
        }
    }

    static void recreatedTopic() throws Exception {
        String topic = topic(1);
        try (KafkaProducer<byte[], byte[]> producer = producer("metadata.max.age.ms", 500)) {
            send(producer, topic, 0, numbers(10));
            Uuid old = idOf(topic);
            admin.deleteTopics(List.of(topic)).all().get();
            long deadline = System.nanoTime() + 20_000_000_000L;
            while (true) {
                try {
                    admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get();
                    break;
                } catch (ExecutionException busy) {
                    if (System.nanoTime() > deadline) throw busy;
                    Thread.sleep(100);
                }
            }
            long known = System.nanoTime() + 15_000_000_000L;
            while (idOf(topic).equals(old)) if (System.nanoTime() > known) throw new AssertionError("the new topic has the old id");
            Thread.sleep(1500);
            same(producer.send(new ProducerRecord<>(topic, 0, null, bytes("new"))).get().offset(), 0L, "first offset of the new topic");
        }
    }

    // --- administration ---------------------------------------------------------------------------------------------

    static void adminTopics() throws Exception {
        String topic = "java-" + UUID.randomUUID();
        CreateTopicsResult created = admin.createTopics(List.of(new NewTopic(topic, 3, (short) 1).configs(Map.of("retention.ms", "777000"))));
        same(created.numPartitions(topic).get(), 3, "partitions told at creation");
        same(created.config(topic).get().get("retention.ms").value(), "777000", "config told at creation");
        Uuid id = created.topicId(topic).get();
        same(idOf(topic), id, "id by name");
        same(id.equals(Uuid.ZERO_UUID), false, "the topic has no id");
        same(admin.listTopics().namesToListings().get().get(topic).topicId(), id, "id in the list");
        TopicDescription told = admin.describeTopics(TopicCollection(id)).allTopicIds().get().get(id);
        same(told.name(), topic, "name by id");
        same(told.partitions().size(), 3, "partitions by id");
        admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(6))).all().get();
        same(admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size(), 6, "partitions after the increase");
        try (KafkaProducer<byte[], byte[]> producer = producer()) {
            same(producer.partitionsFor(topic).size(), 6, "partitions the producer sees");
        }
        admin.deleteTopics(TopicCollection(id)).all().get();
        fails(UnknownTopicOrPartitionException.class, admin.describeTopics(List.of(topic)).allTopicNames());
        String byDefault = "java-" + UUID.randomUUID();
        same(admin.createTopics(List.of(new NewTopic(byDefault, java.util.Optional.empty(), java.util.Optional.empty()))).replicationFactor(byDefault).get(), 1, "default replicas");
    }

    static org.apache.kafka.common.TopicCollection TopicCollection(Uuid id) {
        return org.apache.kafka.common.TopicCollection.ofTopicIds(List.of(id));
    }

    static void adminTopicErrors() throws Exception {
        String topic = topic(1);
        fails(TopicExistsException.class, admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all());
        fails(InvalidTopicException.class, admin.createTopics(List.of(new NewTopic("not a name", 1, (short) 1))).all());
        fails(InvalidPartitionsException.class, admin.createTopics(List.of(new NewTopic("java-none", 0, (short) 1))).all());
        fails(InvalidReplicationFactorException.class, admin.createTopics(List.of(new NewTopic("java-many", 1, (short) 3))).all());
        fails(InvalidConfigurationException.class, admin.createTopics(List.of(new NewTopic("java-odd", 1, (short) 1).configs(Map.of("cleanup.policy", "burn")))).all());
        fails(UnknownTopicOrPartitionException.class, admin.deleteTopics(List.of("java-nowhere")).all());
        fails(InvalidPartitionsException.class, admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(1))).all());
        fails(UnknownTopicIdException.class, admin.describeTopics(TopicCollection(Uuid.randomUuid())).allTopicIds());
    }

    static void hundredTopics() throws Exception {
        List<NewTopic> topics = IntStream.range(0, 100).mapToObj(i -> new NewTopic("java-hundred-" + i, 2, (short) 1)).collect(Collectors.toList());
        Set<String> names = topics.stream().map(NewTopic::name).collect(Collectors.toSet());
        admin.createTopics(topics).all().get();
        same(admin.describeTopics(names).allTopicNames().get().keySet(), names, "topics described");
        try (KafkaProducer<byte[], byte[]> producer = producer()) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (String name : names) sent.add(producer.send(new ProducerRecord<>(name, 1, null, bytes(name))));
            for (Future<RecordMetadata> future : sent) same(future.get().offset(), 0L, "offset");
        }
        admin.deleteTopics(names).all().get();
        same(Collections.disjoint(admin.listTopics().names().get(), names), true, "topics are gone");
    }

    static void adminConfigs() throws Exception {
        String topic = topic(1);
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        admin.incrementalAlterConfigs(Map.of(resource, List.of(
            new AlterConfigOp(new ConfigEntry("retention.ms", "123000"), AlterConfigOp.OpType.SET),
            new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.APPEND)))).all().get();
        Config config = admin.describeConfigs(List.of(resource), new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true)).all().get().get(resource);
        same(config.get("retention.ms").value(), "123000", "value");
        same(config.get("retention.ms").source(), ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG, "source");
        same(config.get("retention.ms").type(), ConfigEntry.ConfigType.LONG, "type");
        same(config.get("retention.ms").synonyms().get(0).value(), "123000", "first synonym");
        same(new HashSet<>(List.of(config.get("cleanup.policy").value().split(","))), Set.of("compact", "delete"), "list");
        same(config.get("segment.bytes").isDefault(), true, "default");
        if (config.get("retention.ms").documentation() == null || config.get("retention.ms").documentation().isEmpty()) throw new AssertionError("no documentation");
        fails(InvalidConfigurationException.class, admin.incrementalAlterConfigs(Map.of(resource, List.of(
            new AlterConfigOp(new ConfigEntry("retention.ms", "-7"), AlterConfigOp.OpType.SET)))).all());
        String node = admin.describeCluster().controller().get().idString();
        ConfigResource broker = new ConfigResource(ConfigResource.Type.BROKER, node);
        Config told = admin.describeConfigs(List.of(broker)).all().get().get(broker);
        same(told.get("log.dirs") != null && told.get("num.partitions").type() == ConfigEntry.ConfigType.INT, true, "broker configs");
    }

    static void adminOffsets() throws Exception {
        String topic = topic(1);
        TopicPartition place = new TopicPartition(topic, 0);
        try (KafkaProducer<byte[], byte[]> producer = producer()) {
            for (long time : new long[] {1000, 5000, 3000}) producer.send(new ProducerRecord<>(topic, 0, time, null, bytes("v"))).get();
        }
        same(admin.listOffsets(Map.of(place, OffsetSpec.maxTimestamp())).all().get().get(place).offset(), 1L, "offset of the newest timestamp");
        same(admin.listOffsets(Map.of(place, OffsetSpec.forTimestamp(2000))).all().get().get(place).offset(), 1L, "offset for a time");
        same(admin.listOffsets(Map.of(place, OffsetSpec.latest())).all().get().get(place).leaderEpoch().isPresent(), true, "a leader epoch");
        same(admin.deleteRecords(Map.of(place, RecordsToDelete.beforeOffset(2))).lowWatermarks().get(place).get().lowWatermark(), 2L, "low watermark");
        same(admin.listOffsets(Map.of(place, OffsetSpec.earliest())).all().get().get(place).offset(), 2L, "earliest");
        fails(org.apache.kafka.common.errors.OffsetOutOfRangeException.class, admin.deleteRecords(Map.of(place, RecordsToDelete.beforeOffset(99))).all());
    }

    static void adminCluster() throws Exception {
        DescribeClusterResult cluster = admin.describeCluster();
        same(cluster.nodes().get().size(), 1, "nodes");
        same(bootstrap, cluster.nodes().get().iterator().next().host() + ":" + cluster.nodes().get().iterator().next().port(), "address");
        same(cluster.clusterId().get().length(), 22, "length of the cluster's id");
        int node = cluster.controller().get().id();
        String topic = topic(2);
        long known = 0;
        for (int tries = 0; tries < 100 && known != 2; tries++) {
            Map<String, LogDirDescription> dirs = admin.describeLogDirs(List.of(node)).allDescriptions().get().get(node);
            known = dirs.values().stream().flatMap(dir -> dir.replicaInfos().keySet().stream()).filter(place -> place.topic().equals(topic)).count();
            Thread.sleep(20);
        }
        same(known, 2L, "partitions in the log dirs");
        admin.describeFeatures().featureMetadata().get();
    }

    // --- groups -----------------------------------------------------------------------------------------------------

    /** A consumer of a group that polls in a thread of its own. */
    static class Member implements AutoCloseable {
        final KafkaConsumer<byte[], byte[]> consumer;
        final Set<String> seen = Collections.synchronizedSet(new HashSet<>());
        final Thread thread;
        volatile Set<TopicPartition> held = Set.of();
        volatile int revoked, count;
        volatile boolean running = true;
        volatile Throwable wrong;

        Member(String group, Collection<String> topics, Object pattern, Object... configs) {
            List<Object> all = new ArrayList<>(List.of("group.id", group, "auto.offset.reset", "earliest", "metadata.max.age.ms", 500));
            // In the next generation these are the coordinator's to say.
            if (!List.of(configs).contains("consumer")) all.addAll(List.of("session.timeout.ms", 6000, "heartbeat.interval.ms", 300));
            all.addAll(List.of(configs));
            consumer = consumer(all.toArray());
            ConsumerRebalanceListener listener = new ConsumerRebalanceListener() {
                public void onPartitionsRevoked(Collection<TopicPartition> gone) {
                    revoked += gone.size();
                    consumer.commitSync();
                }

                public void onPartitionsLost(Collection<TopicPartition> gone) {
                }

                public void onPartitionsAssigned(Collection<TopicPartition> come) {
                }
            };
            if (pattern instanceof java.util.regex.Pattern own) consumer.subscribe(own, listener);
            else if (pattern instanceof SubscriptionPattern coordinators) consumer.subscribe(coordinators, listener);
            else consumer.subscribe(topics, listener);
            thread = new Thread(this::poll);
            thread.start();
        }

        void poll() {
            try {
                while (running) pollOnce();
            } catch (Throwable error) {
                wrong = error;
            }
        }

        void pollOnce() {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                seen.add(record.topic() + record.partition() + "@" + record.offset());
                count++;
            }
            held = consumer.assignment();
        }

        Set<String> seenSoFar() {
            synchronized (seen) {
                return Set.copyOf(seen);
            }
        }

        void halt() throws Exception {
            running = false;
            thread.join();
            if (wrong != null) throw new AssertionError("a member's thread ended: " + wrong, wrong);
        }

        @Override
        public void close() throws Exception {
            halt();
            eventually("a member that leaves commits", this::commits);
            consumer.close();
        }

        /** Whether it could commit; a classic member in a rebalance has to poll first until that is over. */
        boolean commits() {
            try {
                consumer.commitSync();
                return true;
            } catch (RebalanceInProgressException over) {
                pollOnce();
                return false;
            }
        }
    }

    interface Condition {
        boolean holds() throws Exception;
    }

    static void eventually(String what, Condition condition) throws Exception {
        long deadline = System.nanoTime() + 45_000_000_000L;
        while (!condition.holds()) {
            if (System.nanoTime() > deadline) throw new AssertionError("it never comes about that " + what);
            Thread.sleep(20);
        }
    }

    static boolean share(List<Member> members, int partitions) {
        Set<TopicPartition> all = new HashSet<>();
        int sum = 0;
        for (Member member : members) {
            if (member.held.isEmpty()) return false;
            all.addAll(member.held);
            sum += member.held.size();
        }
        return sum == partitions && all.size() == partitions;
    }

    static String group() {
        return "java-group-" + UUID.randomUUID();
    }

    static void fill(String topic, int partitions, int each) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = producer()) {
            for (int partition = 0; partition < partitions; partition++) send(producer, topic, partition, numbers(each));
        }
    }

    static String classOf(String assignor) {
        return "org.apache.kafka.clients.consumer." + assignor + "Assignor";
    }

    static void membersShare(Object... configs) throws Exception {
        String topic = topic(6), group = group();
        fill(topic, 6, 50);
        List<Member> members = new ArrayList<>();
        members.add(new Member(group, List.of(topic), null, configs));
        eventually("one member has everything", () -> share(members, 6));
        for (int i = 0; i < 2; i++) members.add(new Member(group, List.of(topic), null, configs));
        eventually("three members share", () -> share(members, 6));
        eventually("everything is read", () -> members.stream().flatMap(m -> m.seenSoFar().stream()).distinct().count() == 300);
        members.remove(1).close();
        eventually("two members take over", () -> share(members, 6));
        for (Member member : members) member.close();
    }

    static void offsetsResume(Object... configs) throws Exception {
        String topic = topic(3), group = group();
        for (int round = 1; round <= 3; round++) {
            fill(topic, 3, 40);
            try (Member member = new Member(group, List.of(topic), null, configs)) {
                eventually("what is new is read", () -> member.seen.size() == 120);
                Thread.sleep(300);
                same(member.count, 120, "records read");
            }
        }
        Map<TopicPartition, OffsetAndMetadata> offsets = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
        same(offsets.values().stream().map(OffsetAndMetadata::offset).collect(Collectors.toList()), List.of(120L, 120L, 120L), "offsets");
    }

    static Member namedMember(String name, String group, String topic, Object... configs) {
        List<Object> all = new ArrayList<>(List.of(configs));
        all.addAll(List.of("group.instance.id", name));
        // So long that nobody is taken for gone.
        if (!all.contains("consumer")) all.addAll(List.of("session.timeout.ms", 30000));
        return new Member(group, List.of(topic), null, all.toArray());
    }

    static void staticMember(Object... configs) throws Exception {
        String topic = topic(4), group = group();
        try (Member stays = namedMember("stays", group, topic, configs)) {
            Member goes = namedMember("goes", group, topic, configs);
            eventually("two members share", () -> share(List.of(stays, goes), 4));
            Set<TopicPartition> had = goes.held;
            int revoked = stays.revoked;
            goes.close();
            try (Member again = namedMember("goes", group, topic, configs)) {
                eventually("it has what it had", () -> again.held.equals(had));
                same(stays.revoked, revoked, "partitions taken from the other one");
            }
            admin.removeMembersFromConsumerGroup(group, new RemoveMembersFromConsumerGroupOptions(List.of(new MemberToRemove("goes")))).all().get();
            eventually("the other one has everything", () -> stays.held.size() == 4);
        }
    }

    static void pattern() throws Exception {
        String prefix = "java-pattern-" + UUID.randomUUID();
        newTopics(prefix, new Member(group(), null, java.util.regex.Pattern.compile(prefix + ".*")));
    }

    static void coordinatorsPattern() throws Exception {
        String prefix = "java-pattern-" + UUID.randomUUID();
        newTopics(prefix, new Member(group(), null, new SubscriptionPattern(prefix + ".*"), "group.protocol", "consumer"));
    }

    static void newTopics(String prefix, Member finder) throws Exception {
        try (Member member = finder) {
            for (int i = 1; i <= 2; i++) {
                String topic = prefix + i;
                admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get();
                idOf(topic);
                fill(topic, 1, 10);
                int wanted = 10 * i;
                eventually("topic " + i + " is read", () -> member.seen.size() == wanted);
            }
        }
    }

    /** A group goes from the classic protocol to the next generation and back while one member after the other is replaced. */
    static void migration() throws Exception {
        String topic = topic(6), group = group();
        List<Member> members = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        Object[] classic = {"partition.assignment.strategy", classOf("CooperativeSticky")}, next = {"group.protocol", "consumer"};
        Object[][] replacements = {classic, classic, next, next, classic, classic};
        int filled = 0;
        for (int i = 0; i < replacements.length; i++) {
            if (members.size() == 2) {
                Member gone = members.remove(0);
                gone.close();
                seen.addAll(gone.seen);
            }
            members.add(new Member(group, List.of(topic), null, replacements[i]));
            eventually("the members share at step " + i, () -> share(members, 6));
            fill(topic, 6, 10);
            int wanted = filled += 60;
            eventually("everything is read at step " + i, () -> {
                members.forEach(member -> seen.addAll(member.seenSoFar()));
                return seen.size() == wanted;
            });
            // It is of the next generation from its first such member until its last one has left.
            ConsumerGroupDescription told = admin.describeConsumerGroups(List.of(group)).describedGroups().get(group).get();
            same(told.type().toString(), i >= 2 && i <= 4 ? "Consumer" : "Classic", "the group's type at step " + i);
        }
        for (Member member : members) member.close();
    }

    static void thrownOut() throws Exception {
        String topic = topic(1), group = group();
        Member slow = new Member(group, List.of(topic), null, "max.poll.interval.ms", 6000);
        eventually("it has the partition", () -> slow.held.size() == 1);
        slow.halt();
        try (Member other = new Member(group, List.of(topic), null)) {
            eventually("the other one has it", () -> other.held.size() == 1);
            try {
                slow.consumer.commitSync(Map.of(new TopicPartition(topic, 0), new OffsetAndMetadata(1)));
                throw new AssertionError("a member that was thrown out could commit");
            } catch (CommitFailedException expected) {
                slow.consumer.close(CloseOptions.timeout(Duration.ZERO));
            }
        }
    }

    static void adminGroups() throws Exception {
        String topic = topic(2), group = group();
        fill(topic, 2, 10);
        try (Member member = new Member(group, List.of(topic), null, "client.id", "described")) {
            eventually("everything is read", () -> member.seen.size() == 20);
            ConsumerGroupDescription told = admin.describeConsumerGroups(List.of(group)).describedGroups().get(group).get();
            same(told.groupState().toString(), "Stable", "state");
            same(told.members().size(), 1, "members");
            MemberDescription one = told.members().iterator().next();
            same(one.clientId() + one.host(), "described/127.0.0.1", "client and host");
            same(one.assignment().topicPartitions().size(), 2, "partitions");
            fails(GroupNotEmptyException.class, admin.deleteConsumerGroups(List.of(group)).all());
            fails(GroupSubscribedToTopicException.class, admin.deleteConsumerGroupOffsets(group, Set.of(new TopicPartition(topic, 0))).all());
            same(admin.listGroups().all().get().stream().filter(g -> g.groupId().equals(group)).count(), 1L, "times listed");
        }
        TopicPartition place = new TopicPartition(topic, 1);
        admin.alterConsumerGroupOffsets(group, Map.of(place, new OffsetAndMetadata(3, "by hand"))).all().get();
        OffsetAndMetadata found = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(place);
        same(found.offset() + found.metadata(), "3by hand", "what was committed");
        admin.deleteConsumerGroupOffsets(group, Set.of(place)).all().get();
        same(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(place), null, "offset after its deletion");
        admin.deleteConsumerGroups(List.of(group)).all().get();
        fails(GroupIdNotFoundException.class, admin.deleteConsumerGroups(List.of(group)).all());
        fails(GroupIdNotFoundException.class, admin.describeConsumerGroups(List.of(group)).describedGroups().get(group));
    }
}
