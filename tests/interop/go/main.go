// franz-go and sarama against a running broker: `interop host:port` prints PASS or FAIL for each test.
// Of franz-go partitions are read directly; its groups have its own tests.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

var bootstrap string

type test struct {
	name string
	run  func() error
}

func main() {
	bootstrap = os.Args[1]
	tests := []test{}
	codecs := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	for _, name := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		codec := codecs[name]
		tests = append(tests, test{"franz-go: produce and read, " + name, func() error { return roundTrip(kgo.ProducerBatchCompression(codec)) }})
	}
	tests = append(tests,
		test{"franz-go: acks 1 without idempotence", func() error { return roundTrip(kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck())) }},
		test{"franz-go: reading from any offset", anyOffset},
		test{"franz-go: many partitions and a growing assignment", manyPartitions},
		test{"franz-go: administration", administration},
		test{"franz-go: a topic created again", createdAgain},
		test{"franz-go: concurrent idempotent producers", concurrentProducers},
	)
	for _, name := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		for _, idempotent := range []bool{false, true} {
			tests = append(tests, test{fmt.Sprintf("sarama: produce and read, %s, idempotent %v", name, idempotent), func() error { return saramaRoundTrip(name, idempotent) }})
		}
	}
	tests = append(tests, test{"sarama: administration", saramaAdministration})
	for _, strategy := range []sarama.BalanceStrategy{sarama.NewBalanceStrategyRange(), sarama.NewBalanceStrategyRoundRobin(), sarama.NewBalanceStrategySticky()} {
		tests = append(tests, test{"sarama: members of a group share and go on, " + strategy.Name(), func() error { return saramaGroup(strategy) }})
	}
	failed := 0
	for _, test := range tests {
		if wrong := test.run(); wrong != nil {
			failed++
			fmt.Printf("FAIL %s | %s\n", test.name, strings.ReplaceAll(wrong.Error(), "\n", " "))
		} else {
			fmt.Printf("PASS %s\n", test.name)
		}
	}
	if failed > 0 {
		os.Exit(1)
	}
}

// --- franz-go --------------------------------------------------------------------------------------------------------

func client(options ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(bootstrap), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.FetchMaxWait(200 * time.Millisecond)}, options...)...)
}

func patience() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 30*time.Second)
}

func newTopic(partitions int32, configs map[string]*string) (string, error) {
	context, cancel := patience()
	defer cancel()
	plain, err := client()
	if err != nil {
		return "", err
	}
	defer plain.Close()
	name := fmt.Sprintf("go-%x", rand.Uint64())
	_, err = kadm.NewClient(plain).CreateTopic(context, partitions, 1, configs, name)
	return name, err
}

func values(count int) [][]byte {
	all := make([][]byte, count)
	for i := range all {
		all[i] = []byte(fmt.Sprintf("%d %s", i, strings.Repeat("x", i%200)))
	}
	return all
}

func produce(topic string, partition int32, all [][]byte, options ...kgo.Opt) error {
	context, cancel := patience()
	defer cancel()
	producer, err := client(options...)
	if err != nil {
		return err
	}
	defer producer.Close()
	records := make([]*kgo.Record, len(all))
	for i, value := range all {
		records[i] = &kgo.Record{Topic: topic, Partition: partition, Value: value, Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("1")}}}
	}
	return producer.ProduceSync(context, records...).FirstErr()
}

func read(topic string, partition int32, from int64, count int) ([]*kgo.Record, error) {
	context, cancel := patience()
	defer cancel()
	reader, err := client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().At(from)}}))
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	found := []*kgo.Record{}
	for len(found) < count {
		fetches := reader.PollFetches(context)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("after %d records: %w", len(found), err)
		}
		found = append(found, fetches.Records()...)
	}
	return found, nil
}

func sameValues(found []*kgo.Record, wanted [][]byte, from int64) error {
	if len(found) != len(wanted) {
		return fmt.Errorf("%d records where %d were expected", len(found), len(wanted))
	}
	for i, record := range found {
		if !bytes.Equal(record.Value, wanted[i]) || record.Offset != from+int64(i) {
			return fmt.Errorf("record %d is another, at offset %d", i, record.Offset)
		}
	}
	return nil
}

func roundTrip(options ...kgo.Opt) error {
	topic, err := newTopic(1, nil)
	if err != nil {
		return err
	}
	if err := produce(topic, 0, values(3000), options...); err != nil {
		return err
	}
	found, err := read(topic, 0, 0, 3000)
	if err != nil {
		return err
	}
	if string(found[7].Headers[0].Value) != "1" {
		return errors.New("the header is another")
	}
	return sameValues(found, values(3000), 0)
}

func anyOffset() error {
	topic, err := newTopic(1, nil)
	if err != nil {
		return err
	}
	if err := produce(topic, 0, values(1000)); err != nil {
		return err
	}
	for _, from := range []int{0, 1, 500, 999} {
		found, err := read(topic, 0, int64(from), 1000-from)
		if err != nil {
			return err
		}
		if err := sameValues(found, values(1000)[from:], int64(from)); err != nil {
			return err
		}
	}
	return nil
}

func manyPartitions() error {
	const partitions = 50
	topic, err := newTopic(partitions, nil)
	if err != nil {
		return err
	}
	context, cancel := patience()
	defer cancel()
	reader, err := client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	if err != nil {
		return err
	}
	defer reader.Close()
	for partition := int32(0); partition < partitions; partition++ {
		if err := produce(topic, partition, values(3)); err != nil {
			return err
		}
		reader.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().AtStart()}})
		for count := 0; count < 3; {
			fetches := reader.PollFetches(context)
			if err := fetches.Err(); err != nil {
				return err
			}
			for _, record := range fetches.Records() {
				if record.Partition != partition {
					return fmt.Errorf("a record of partition %d where %d was expected", record.Partition, partition)
				}
				count++
			}
		}
	}
	return nil
}

func administration() error {
	topic, err := newTopic(2, nil)
	if err != nil {
		return err
	}
	context, cancel := patience()
	defer cancel()
	plain, err := client()
	if err != nil {
		return err
	}
	defer plain.Close()
	admin := kadm.NewClient(plain)
	metadata, err := admin.BrokerMetadata(context)
	if err != nil || len(metadata.Brokers) != 1 || len(metadata.Cluster) != 22 {
		return fmt.Errorf("brokers %v, %v", metadata, err)
	}
	if _, err := admin.CreateTopic(context, 1, 1, nil, topic); !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("created twice: %v", err)
	}
	if _, err := admin.CreatePartitions(context, 2, topic); err != nil {
		return err
	}
	long := "777000"
	if altered, err := admin.AlterTopicConfigs(context, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: &long}}, topic); err != nil || altered[0].Err != nil {
		return fmt.Errorf("altering: %v %v", altered, err)
	}
	// A broker may learn of a change a little after the controller has accepted it.
	for value := ""; value != long; {
		configs, err := admin.DescribeTopicConfigs(context, topic)
		if err != nil {
			return fmt.Errorf("retention.ms is %q: %w", value, err)
		}
		for _, config := range configs[0].Configs {
			if config.Key == "retention.ms" {
				value = config.MaybeValue()
			}
		}
	}
	if err := produce(topic, 3, values(10)); err != nil {
		return err
	}
	ends, err := admin.ListEndOffsets(context, topic)
	if end, known := ends.Lookup(topic, 3); err != nil || !known || end.Offset != 10 {
		return fmt.Errorf("the end is %v, %v", end, err)
	}
	before := kadm.Offsets{}
	before.AddOffset(topic, 3, 4, -1)
	if _, err := admin.DeleteRecords(context, before); err != nil {
		return err
	}
	starts, err := admin.ListStartOffsets(context, topic)
	if start, known := starts.Lookup(topic, 3); err != nil || !known || start.Offset != 4 {
		return fmt.Errorf("the start is %v, %v", start, err)
	}
	dirs, err := admin.DescribeAllLogDirs(context, nil)
	if err != nil || len(dirs) != 1 {
		return fmt.Errorf("log dirs of %d brokers: %v", len(dirs), err)
	}
	_, err = admin.DeleteTopic(context, topic)
	return err
}

func createdAgain() error {
	topic, err := newTopic(1, nil)
	if err != nil {
		return err
	}
	context, cancel := patience()
	defer cancel()
	plain, err := client(kgo.MetadataMinAge(100*time.Millisecond), kgo.MetadataMaxAge(300*time.Millisecond))
	if err != nil {
		return err
	}
	defer plain.Close()
	admin := kadm.NewClient(plain)
	if err := produce(topic, 0, values(5)); err != nil {
		return err
	}
	if _, err := admin.DeleteTopic(context, topic); err != nil {
		return err
	}
	for {
		_, err := admin.CreateTopic(context, 1, 1, nil, topic)
		if err == nil {
			break
		}
		if !errors.Is(err, kerr.TopicAlreadyExists) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(500 * time.Millisecond)
	if err := produce(topic, 0, values(1)); err != nil {
		return err
	}
	found, err := read(topic, 0, 0, 1)
	if err != nil {
		return err
	}
	return sameValues(found, values(1), 0)
}

func concurrentProducers() error {
	topic, err := newTopic(1, nil)
	if err != nil {
		return err
	}
	var group sync.WaitGroup
	wrong := make([]error, 6)
	for writer := range wrong {
		group.Add(1)
		go func() {
			defer group.Done()
			mine := make([][]byte, 1000)
			for i := range mine {
				mine[i] = []byte(fmt.Sprintf("%d/%d", writer, i))
			}
			wrong[writer] = produce(topic, 0, mine, kgo.ProducerBatchMaxBytes(2000), kgo.ProducerLinger(0))
		}()
	}
	group.Wait()
	if err := errors.Join(wrong...); err != nil {
		return err
	}
	found, err := read(topic, 0, 0, 6000)
	if err != nil {
		return err
	}
	next := make([]int, len(wrong))
	for _, record := range found {
		var writer, i int
		if _, err := fmt.Sscanf(string(record.Value), "%d/%d", &writer, &i); err != nil || next[writer] != i {
			return fmt.Errorf("%s where %d/%d was expected", record.Value, writer, next[writer])
		}
		next[writer]++
	}
	return nil
}

// --- sarama ----------------------------------------------------------------------------------------------------------

func saramaConfig() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	config.Producer.Return.Successes = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Partitioner = sarama.NewManualPartitioner
	return config
}

func saramaRoundTrip(codec string, idempotent bool) error {
	topic, err := newTopic(1, nil)
	if err != nil {
		return err
	}
	config := saramaConfig()
	if err := config.Producer.Compression.UnmarshalText([]byte(codec)); err != nil {
		return err
	}
	config.Producer.Idempotent = idempotent
	if idempotent {
		config.Net.MaxOpenRequests = 1
	}
	producer, err := sarama.NewSyncProducer([]string{bootstrap}, config)
	if err != nil {
		return err
	}
	defer producer.Close()
	wanted := values(1000)
	messages := make([]*sarama.ProducerMessage, len(wanted))
	for i, value := range wanted {
		messages[i] = &sarama.ProducerMessage{Topic: topic, Partition: 0, Value: sarama.ByteEncoder(value)}
	}
	if err := producer.SendMessages(messages); err != nil {
		return err
	}
	consumer, err := sarama.NewConsumer([]string{bootstrap}, config)
	if err != nil {
		return err
	}
	defer consumer.Close()
	for _, from := range []int64{0, 567} {
		reader, err := consumer.ConsumePartition(topic, 0, from)
		if err != nil {
			return err
		}
		for i := from; i < 1000; i++ {
			select {
			case message := <-reader.Messages():
				if message.Offset != i || !bytes.Equal(message.Value, wanted[i]) {
					return fmt.Errorf("offset %d holds another record than that of %d", message.Offset, i)
				}
			case <-time.After(15 * time.Second):
				return fmt.Errorf("no record at offset %d", i)
			}
		}
		if err := reader.Close(); err != nil {
			return err
		}
	}
	return nil
}

func saramaAdministration() error {
	admin, err := sarama.NewClusterAdmin([]string{bootstrap}, saramaConfig())
	if err != nil {
		return err
	}
	defer admin.Close()
	topic, retention := fmt.Sprintf("go-%x", rand.Uint64()), "888000"
	if err := admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1, ConfigEntries: map[string]*string{"retention.ms": &retention}}, false); err != nil {
		return err
	}
	if err := admin.CreatePartitions(topic, 3, nil, false); err != nil {
		return err
	}
	deadline := time.Now().Add(15 * time.Second)
	for {
		told, err := admin.DescribeTopics([]string{topic})
		if err != nil {
			return err
		}
		if len(told[0].Partitions) == 3 {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d partitions", len(told[0].Partitions))
		}
		time.Sleep(20 * time.Millisecond)
	}
	configs, err := admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{"retention.ms"}})
	if err != nil || len(configs) != 1 || configs[0].Value != retention {
		return fmt.Errorf("configs %v, %v", configs, err)
	}
	if _, err := admin.ListTopics(); err != nil {
		return err
	}
	return admin.DeleteTopic(topic)
}

// A member of a group: what it holds, and what it has read.
type saramaMember struct {
	group sarama.ConsumerGroup
	end   context.CancelFunc
	ended chan struct{}
	lock  sync.Mutex
	held  int
	read  int
}

func newSaramaMember(strategy sarama.BalanceStrategy, group, topic string) (*saramaMember, error) {
	config := saramaConfig()
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Interval = 100 * time.Millisecond
	config.Consumer.Group.Heartbeat.Interval = 200 * time.Millisecond
	config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{strategy}
	joined, err := sarama.NewConsumerGroup([]string{bootstrap}, group, config)
	if err != nil {
		return nil, err
	}
	context, end := context.WithCancel(context.Background())
	member := &saramaMember{group: joined, end: end, ended: make(chan struct{})}
	go func() {
		defer close(member.ended)
		for context.Err() == nil {
			if err := joined.Consume(context, []string{topic}, member); err != nil {
				return
			}
		}
	}()
	return member, nil
}

func (member *saramaMember) Setup(session sarama.ConsumerGroupSession) error {
	member.lock.Lock()
	defer member.lock.Unlock()
	for _, partitions := range session.Claims() {
		member.held = len(partitions)
	}
	return nil
}

func (member *saramaMember) Cleanup(sarama.ConsumerGroupSession) error {
	member.lock.Lock()
	defer member.lock.Unlock()
	member.held = 0
	return nil
}

func (member *saramaMember) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		member.lock.Lock()
		member.read++
		member.lock.Unlock()
		session.MarkMessage(message, "")
	}
	return nil
}

func (member *saramaMember) now() (held, read int) {
	member.lock.Lock()
	defer member.lock.Unlock()
	return member.held, member.read
}

func (member *saramaMember) leave() error {
	member.end()
	<-member.ended
	return member.group.Close()
}

func eventually(what string, condition func() bool) error {
	deadline := time.Now().Add(45 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			return fmt.Errorf("it never comes about that %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

func fill(topic string, partitions int32) error {
	for partition := range partitions {
		if err := produce(topic, partition, values(50)); err != nil {
			return err
		}
	}
	return nil
}

// Nobody commits more than it has read, and what was read is committed before partitions change hands: no record is read twice.
func saramaGroup(strategy sarama.BalanceStrategy) error {
	topic, err := newTopic(4, nil)
	if err != nil {
		return err
	}
	group := fmt.Sprintf("go-group-%x", rand.Uint64())
	if err := fill(topic, 4); err != nil {
		return err
	}
	first, err := newSaramaMember(strategy, group, topic)
	if err != nil {
		return err
	}
	if err := eventually("one member reads everything", func() bool { held, read := first.now(); return held == 4 && read == 200 }); err != nil {
		return err
	}
	second, err := newSaramaMember(strategy, group, topic)
	if err != nil {
		return err
	}
	if err := eventually("two members share", func() bool { a, _ := first.now(); b, _ := second.now(); return a == 2 && b == 2 }); err != nil {
		return err
	}
	if err := fill(topic, 4); err != nil {
		return err
	}
	if err := eventually("each reads its half", func() bool { _, a := first.now(); _, b := second.now(); return a == 300 && b == 100 }); err != nil {
		return err
	}
	if err := first.leave(); err != nil {
		return err
	}
	if err := eventually("the other one takes over", func() bool { held, _ := second.now(); return held == 4 }); err != nil {
		return err
	}
	if err := fill(topic, 4); err != nil {
		return err
	}
	if err := eventually("it reads everything", func() bool { _, read := second.now(); return read >= 300 }); err != nil {
		return err
	}
	if err := second.leave(); err != nil {
		return err
	}
	if _, read := second.now(); read != 300 {
		return fmt.Errorf("%d records were read where 300 were expected", read)
	}
	return nil
}
