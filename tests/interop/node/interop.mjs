// KafkaJS and @platformatic/kafka against a running broker: `node interop.mjs host:port` prints PASS or FAIL for each test.
import { randomUUID } from "node:crypto";
import { Admin, Consumer, Producer, ProduceAcks, stringDeserializers, stringSerializers } from "@platformatic/kafka";
import kafkajs from "kafkajs";

const bootstrap = process.argv[2];
const { CompressionTypes, ConfigResourceTypes, Kafka, logLevel, PartitionAssigners } = kafkajs;
const kafka = new Kafka({ clientId: "interop", brokers: [bootstrap], logLevel: logLevel.NOTHING, retry: { retries: 5, initialRetryTime: 50 } });
const tests = {};

function same(found, wanted, what) {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) throw new Error(`${what}: ${JSON.stringify(found)} where ${JSON.stringify(wanted)} was expected`);
}

async function fails(promise, type) {
  let error;
  try {
    await promise;
  } catch (caught) {
    error = caught;
  }
  const text = JSON.stringify([error?.type, error?.groups?.map((group) => group.error?.type), error?.errors?.map((e) => [e.type, e.apiId, e.errors?.map((x) => x.apiId)]), String(error)]);
  if (!text.includes(type)) throw new Error(`no ${type} but ${text}`);
}

async function withAdmin(work) {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

async function topic(numPartitions = 1, configEntries = []) {
  const name = `node-${randomUUID()}`;
  await withAdmin((admin) => admin.createTopics({ topics: [{ topic: name, numPartitions, configEntries }], waitForLeaders: true }));
  return name;
}

const ends = (name) => withAdmin(async (admin) => (await admin.fetchTopicOffsets(name)).sort((a, b) => a.partition - b.partition).map((p) => `${p.low}-${p.high}`));

for (const [codec, compression] of Object.entries({ none: CompressionTypes.None, gzip: CompressionTypes.GZIP })) {
  for (const acks of [0, 1, -1]) {
    tests[`kafkajs: producing, ${codec}, acks ${acks}`] = async () => {
      const name = await topic();
      const producer = kafka.producer();
      await producer.connect();
      for (let round = 0; round < 5; round++) {
        const messages = Array.from({ length: 100 }, (_, i) => ({ key: `${i}`, value: `value ${i}`, headers: { round: `${round}` }, timestamp: "1700000000000" }));
        const told = await producer.send({ topic: name, acks, compression, messages });
        if (acks !== 0) same([told[0].errorCode, told[0].baseOffset], [0, `${round * 100}`], "what the broker told");
      }
      await producer.disconnect();
      for (let tries = 0; tries < 50 && (await ends(name))[0] !== "0-500"; tries++) await new Promise((done) => setTimeout(done, 50));
      same(await ends(name), ["0-500"], "offsets");
    };
  }
}

tests["kafkajs: idempotent producing"] = async () => {
  const name = await topic(3);
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  for (let i = 0; i < 50; i++) await producer.send({ topic: name, messages: [{ key: `${i}`, value: "v" }] });
  await producer.disconnect();
  same((await ends(name)).reduce((sum, range) => sum + Number(range.split("-")[1]), 0), 50, "records");
};

tests["kafkajs: topics"] = () => withAdmin(async (admin) => {
  const name = await topic(2, [{ name: "retention.ms", value: "123000" }]);
  same((await admin.listTopics()).includes(name), true, "listed");
  same(await admin.createTopics({ topics: [{ topic: name }] }), false, "created twice");
  await admin.createPartitions({ topicPartitions: [{ topic: name, count: 4 }] });
  const told = await admin.fetchTopicMetadata({ topics: [name] });
  same(told.topics[0].partitions.map((p) => p.partitionErrorCode), [0, 0, 0, 0], "partitions");
  await admin.deleteTopics({ topics: [name] });
  await fails(admin.fetchTopicMetadata({ topics: ["node nowhere!"] }), "INVALID_TOPIC");
});

tests["kafkajs: configs"] = () => withAdmin(async (admin) => {
  const name = await topic();
  const resource = { type: ConfigResourceTypes.TOPIC, name };
  await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries: [{ name: "retention.ms", value: "456000" }] }] });
  const told = await admin.describeConfigs({ includeSynonyms: true, resources: [{ ...resource, configNames: ["retention.ms"] }] });
  same(told.resources[0].configEntries.map((entry) => entry.configValue), ["456000"], "value");
});

tests["kafkajs: offsets by time and deleting records"] = () => withAdmin(async (admin) => {
  const name = await topic();
  const producer = kafka.producer();
  await producer.connect();
  for (const timestamp of ["1000", "2000", "3000"]) await producer.send({ topic: name, messages: [{ value: timestamp, timestamp }] });
  await producer.disconnect();
  same((await admin.fetchTopicOffsetsByTimestamp(name, 1500)).map((p) => p.offset), ["1"], "offset at 1500");
  await admin.deleteTopicRecords({ topic: name, partitions: [{ partition: 0, offset: "2" }] });
  same(await ends(name), ["2-3"], "offsets");
});

tests["kafkajs: cluster"] = () => withAdmin(async (admin) => {
  const cluster = await admin.describeCluster();
  same(cluster.brokers.map((broker) => `${broker.host}:${broker.port}`), [bootstrap], "brokers");
  same(cluster.clusterId.length, 22, "length of the cluster's id");
});

tests["kafkajs: a record too big"] = async () => {
  const name = await topic(1, [{ name: "max.message.bytes", value: "1000" }]);
  const producer = kafka.producer({ retry: { retries: 0 } });
  await producer.connect();
  await fails(producer.send({ topic: name, messages: [{ value: "x".repeat(5000) }] }), "MESSAGE_TOO_LARGE");
  await producer.disconnect();
};

tests["platformatic: producing and administration"] = async () => {
  const admin = new Admin({ clientId: "interop", bootstrapBrokers: [bootstrap], retries: 3 });
  const name = `node-${randomUUID()}`;
  const [created] = await admin.createTopics({ topics: [name], partitions: 2, replicas: 1 });
  same([created.name, created.partitions], [name, 2], "created");
  for (const compression of ["none", "gzip"]) {
    for (const idempotent of [false, true]) {
      const producer = new Producer({ clientId: "interop", bootstrapBrokers: [bootstrap], serializers: stringSerializers, autocreateTopics: false, idempotent });
      for (let i = 0; i < 20; i++) {
        await producer.send({ acks: ProduceAcks.ALL, compression, messages: [{ topic: name, partition: i % 2, key: `${i}`, value: "v", headers: new Map([["a", "1"]]) }] });
      }
      await producer.close();
    }
  }
  same(await ends(name), ["0-40", "0-40"], "offsets");
  same((await admin.listTopics()).includes(name), true, "listed");
  await admin.deleteTopics({ topics: [name] });
  await admin.close();
};

// --- groups ----------------------------------------------------------------------------------------------------------

async function eventually(what, condition) {
  const deadline = Date.now() + 45_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`it never comes about that ${what}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

const PARTITIONS = 4;

/// `each` records in each partition, with values that nobody sent before.
async function fill(name, each) {
  const producer = kafka.producer();
  await producer.connect();
  const sent = [];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const messages = Array.from({ length: each }, () => ({ partition, value: randomUUID() }));
    await producer.send({ topic: name, messages });
    sent.push(...messages.map((message) => message.value));
  }
  await producer.disconnect();
  return sent;
}

/// A consumer of a group: what it holds, and what it has read.
class Member {
  held = [];
  read = [];

  async join(groupId, name) {
    this.consumer = kafka.consumer({ groupId, sessionTimeout: 10_000, heartbeatInterval: 200, maxWaitTimeInMs: 200, partitionAssigners: [PartitionAssigners.roundRobin] });
    this.consumer.on(this.consumer.events.GROUP_JOIN, ({ payload }) => { this.held = payload.memberAssignment[name] ?? []; });
    await this.consumer.connect();
    await this.consumer.subscribe({ topics: [name], fromBeginning: true });
    await this.consumer.run({ eachMessage: async ({ message }) => { this.read.push(message.value.toString()); } });
    return this;
  }

  leave() {
    return this.consumer.disconnect();
  }
}

function share(members) {
  const held = members.flatMap((member) => member.held);
  return held.length === PARTITIONS && new Set(held).size === PARTITIONS && members.every((member) => member.held.length === PARTITIONS / members.length);
}

function hasRead(members, sent) {
  const read = new Set(members.flatMap((member) => member.read));
  return sent.every((value) => read.has(value));
}

tests["kafkajs: members of a group share, take over and go on"] = async () => {
  const name = await topic(PARTITIONS);
  const groupId = `node-group-${randomUUID()}`;
  let sent = await fill(name, 20);
  const first = await new Member().join(groupId, name);
  await eventually("one member has everything", () => share([first]) && hasRead([first], sent));
  const second = await new Member().join(groupId, name);
  await eventually("two members share", () => share([first, second]));
  sent = await fill(name, 20);
  await eventually("two members read everything", () => hasRead([first, second], sent));
  same([first, second].map((member) => sent.filter((value) => member.read.includes(value)).length), [40, 40], "what each has read");
  await second.leave();
  await eventually("the other one takes over", () => share([first]));
  sent = await fill(name, 20);
  await eventually("the other one reads everything", () => hasRead([first], sent));
  await first.leave();
  await withAdmin(async (admin) => {
    const [committed] = await admin.fetchOffsets({ groupId, topics: [name] });
    same(committed.partitions.map((p) => p.offset), ["60", "60", "60", "60"], "committed offsets");
  });
  sent = await fill(name, 5);
  const third = await new Member().join(groupId, name);
  await eventually("the next one reads on", () => hasRead([third], sent));
  same(third.read.length, sent.length, "records of the one that reads on");
  await third.leave();
};

tests["kafkajs: groups and their offsets"] = async () => {
  const name = await topic(PARTITIONS);
  const groupId = `node-group-${randomUUID()}`;
  const sent = await fill(name, 10);
  const member = await new Member().join(groupId, name);
  await eventually("everything is read", () => hasRead([member], sent));
  await withAdmin(async (admin) => {
    const { groups } = await admin.describeGroups([groupId]);
    same([groups[0].state, groups[0].members.length, groups[0].protocol], ["Stable", 1, "RoundRobinAssigner"], "described");
    same((await admin.listGroups()).groups.filter((group) => group.groupId === groupId).length, 1, "times listed");
    await fails(admin.deleteGroups([groupId]), "NON_EMPTY_GROUP");
    await member.leave();
    await admin.setOffsets({ groupId, topic: name, partitions: [{ partition: 1, offset: "3" }] });
    const [committed] = await admin.fetchOffsets({ groupId, topics: [name] });
    same(committed.partitions.sort((a, b) => a.partition - b.partition).map((p) => p.offset), ["10", "3", "10", "10"], "committed offsets");
    await admin.deleteGroups([groupId]);
  });
};

for (const groupProtocol of ["classic", "consumer"]) {
  tests[`platformatic: members of a group share and go on, ${groupProtocol}`] = async () => {
    const name = await topic(PARTITIONS);
    const groupId = `node-group-${randomUUID()}`;
    const classic = groupProtocol === "classic" ? { sessionTimeout: 10_000, heartbeatInterval: 200 } : {};
    const join = async () => {
      const consumer = new Consumer({ clientId: "interop", bootstrapBrokers: [bootstrap], groupId, groupProtocol, ...classic, retries: 3, maxWaitTime: 200, deserializers: stringDeserializers });
      const stream = await consumer.consume({ topics: [name], mode: "committed", fallbackMode: "earliest", autocommit: 100 });
      const read = [];
      stream.on("data", (message) => read.push(message.value));
      // A stream that is about to fetch while its consumer is closed says so: that is no failure of the broker.
      let leaving = false;
      stream.on("error", (error) => {
        if (!leaving) throw error;
      });
      const leave = () => {
        leaving = true;
        return consumer.close(true);
      };
      const held = () => (consumer.assignments ?? []).flatMap((assignment) => assignment.partitions);
      return { read, get held() { return held(); }, leave };
    };
    let sent = await fill(name, 20);
    const first = await join();
    await eventually("one member reads everything", () => hasRead([first], sent));
    const second = await join();
    await eventually("two members share", () => share([first, second]));
    sent = await fill(name, 20);
    await eventually("two members read everything", () => hasRead([first, second], sent));
    await second.leave();
    await eventually("the other one takes over", () => share([first]));
    await new Promise((done) => setTimeout(done, 300)); // What is read is committed after 100 ms.
    await first.leave();
    sent = await fill(name, 5);
    const third = await join();
    await eventually("the next one reads on", () => hasRead([third], sent));
    same(third.read.length, sent.length, "records of the one that reads on");
    await third.leave();
  };
}

let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  try {
    await test();
    console.log(`PASS ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name} | ${String(error.stack ?? error).split("\n").slice(0, 3).join(" ")} ${error.errors ?? ""}`);
  }
}
process.exit(failed === 0 ? 0 : 1);
