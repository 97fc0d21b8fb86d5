//! The settings of a broker as it reads them at its start.

use types::{BrokerId, ByteCount};

use super::groups::GroupSettings;
use super::layers::BrokerLayers;
use super::value::{InvalidSetting, Value};

/// The settings in force for one broker, without those that topics inherit (see [`super::TopicSettings`]).
/// Kafka's names stand beside the fields; a setting that is not here is had by name from [`BrokerLayers`].
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerSettings {
    /// `node.id`, or by its old name `broker.id`.
    pub node_id: BrokerId,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// `log.dirs`, or else `log.dir`; at least one.
    pub log_dirs: Vec<String>,
    /// `log.retention.check.interval.ms`.
    pub retention_check_interval_ms: u64,
    /// `num.recovery.threads.per.data.dir`.
    pub recovery_threads: u32,
    /// `producer.id.expiration.ms`.
    pub producer_id_expiration_ms: u64,
    /// Compaction, whatever the topic.
    pub cleaner: CleanerSettings,
    /// `fetch.max.bytes`.
    pub fetch_bytes_max: ByteCount,
    /// Listeners, sockets and connections.
    pub network: NetworkSettings,
    /// New topics.
    pub topics: TopicCreation,
    /// The topics in which coordinators keep their state.
    pub internal_topics: InternalTopics,
    /// Consumer groups.
    pub groups: GroupSettings,
    /// Strome's own.
    pub strome: StromeSettings,
}

/// What compaction may take of a broker, as `log.cleaner.*` says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CleanerSettings {
    /// `...enable`.
    pub is_enabled: bool,
    /// `...threads`: how many partitions are compacted at once.
    pub concurrency_max: usize,
    /// `...dedupe.buffer.size`: memory for maps of keys, of all of them together.
    pub map_bytes_max: ByteCount,
    /// `...io.buffer.load.factor`: how full a map may get.
    pub load_factor: f64,
    /// `...io.buffer.size`: how much is read at once.
    pub io_bytes: ByteCount,
    /// `...io.max.bytes.per.second`: for reading and writing together.
    pub bytes_per_second_max: f64,
    /// `...backoff.ms`: how long nobody looks again when there was nothing to do.
    pub backoff_ms: u64,
}

/// What listeners, sockets and connections go by.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkSettings {
    /// `listeners`, each as it was written.
    pub listeners: Vec<String>,
    /// `advertised.listeners`, each as it was written; empty for "as the listeners".
    pub advertised_listeners: Vec<String>,
    /// `listener.security.protocol.map`, each entry as `LISTENER:PROTOCOL`.
    pub security_protocols: Vec<String>,
    /// `controller.listener.names`.
    pub controller_listener_names: Vec<String>,
    /// `socket.request.max.bytes`.
    pub request_bytes_max: ByteCount,
    /// `socket.send.buffer.bytes`; `None` leaves it to the kernel.
    pub send_buffer_bytes: Option<u64>,
    /// `socket.receive.buffer.bytes`; `None` leaves it to the kernel.
    pub receive_buffer_bytes: Option<u64>,
    /// `socket.listen.backlog.size`.
    pub listen_backlog: u32,
    /// `queued.max.request.bytes`; `None` leaves it to the memory budget.
    pub queued_request_bytes_max: Option<ByteCount>,
    /// How many connections, and for how long.
    pub connections: ConnectionLimits,
}

/// How many connections there may be, and how long they may be silent.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectionLimits {
    /// `connections.max.idle.ms`; `None` for ever.
    pub idle_ms_max: Option<u64>,
    /// `max.connections`.
    pub count_max: u32,
    /// `max.connections.per.ip`.
    pub per_address_max: u32,
    /// `max.connections.per.ip.overrides`: address or host name, and its own limit.
    pub per_address_overrides: Vec<(String, u32)>,
}

/// What topics get that do not say otherwise, and whether they come and go.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicCreation {
    /// `auto.create.topics.enable`.
    pub auto_create: bool,
    /// `delete.topic.enable`.
    pub delete_enabled: bool,
    /// `num.partitions`.
    pub partitions: i32,
    /// `default.replication.factor`.
    pub replication_factor: i16,
}

/// The topics in which coordinators keep their state.
#[derive(Clone, Debug, PartialEq)]
pub struct InternalTopics {
    /// `__consumer_offsets`, by `offsets.topic.*`.
    pub offsets: InternalTopicSettings,
    /// `__transaction_state`, by `transaction.state.log.*`.
    pub transactions: InternalTopicSettings,
    /// `__share_group_state`, by `share.coordinator.state.topic.*`.
    pub share_groups: InternalTopicSettings,
}

/// What one of these topics is created with.
#[derive(Clone, Debug, PartialEq)]
pub struct InternalTopicSettings {
    /// `...num.partitions`.
    pub partitions: i32,
    /// `...replication.factor`. More than there are brokers is more than can be had.
    pub replication_factor: i16,
    /// `...segment.bytes`.
    pub segment_bytes: ByteCount,
    /// `...min.isr`; `None` for the offsets topic, which has no such setting.
    pub in_sync_replicas_min: Option<u32>,
}

/// Where metrics and health are served over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminListener {
    /// Host and port; `None` for nowhere.
    pub address: Option<(String, u16)>,
    /// Whether somebody has asked for it.
    pub is_explicit: bool,
}

/// Settings that only Strome has.
#[derive(Clone, Debug, PartialEq)]
pub struct StromeSettings {
    /// `strome.shards`; `None` for as many as suit the host.
    pub shards: Option<u16>,
    /// `strome.cpus`: the cores to run on, as numbers of the kernel; empty for all that the process may use.
    pub cpus: Vec<u16>,
    /// `strome.cpus.awake`: whether processors are kept from sleeping while there is work.
    pub cpus_awake: bool,
    /// `strome.memory.bytes`; `None` for a share of what the host has.
    pub memory_bytes: Option<ByteCount>,
    /// `strome.cache.bytes`; `None` for a share of that.
    pub cache_bytes: Option<ByteCount>,
    /// `strome.journal.bytes`; zero for no journal.
    pub journal_bytes: ByteCount,
    /// `strome.admin.listener`.
    pub admin_listener: AdminListener,
}

impl BrokerSettings {
    /// The settings in force on a broker with these values.
    ///
    /// # Errors
    /// If a value is not one that its setting may have.
    pub fn resolve(layers: &BrokerLayers<'_>) -> Result<Self, InvalidSetting> {
        let values = Values { layers };
        Ok(Self {
            node_id: values.node_id()?,
            rack: values.optional_text("broker.rack")?,
            log_dirs: match values.list("log.dirs")? {
                dirs if dirs.is_empty() => values.list("log.dir")?,
                dirs => dirs,
            },
            retention_check_interval_ms: values.count("log.retention.check.interval.ms")?,
            recovery_threads: values.count_u32("num.recovery.threads.per.data.dir")?,
            producer_id_expiration_ms: values.count("producer.id.expiration.ms")?,
            cleaner: values.cleaner()?,
            fetch_bytes_max: ByteCount(values.count("fetch.max.bytes")?),
            network: values.network()?,
            topics: TopicCreation {
                auto_create: values.boolean("auto.create.topics.enable")?,
                delete_enabled: values.boolean("delete.topic.enable")?,
                partitions: i32::try_from(values.number("num.partitions")?).unwrap_or(i32::MAX),
                replication_factor: values.replication_factor()?,
            },
            internal_topics: InternalTopics {
                offsets: values.internal_topic("offsets.topic", None)?,
                transactions: values
                    .internal_topic("transaction.state.log", Some("transaction.state.log.min.isr"))?,
                share_groups: values.internal_topic(
                    "share.coordinator.state.topic",
                    Some("share.coordinator.state.topic.min.isr"),
                )?,
            },
            groups: GroupSettings::resolve(&values)?,
            strome: values.strome()?,
        })
    }
}

/// Reads a broker's settings one by one.
pub(super) struct Values<'a> {
    layers: &'a BrokerLayers<'a>,
}

impl Values<'_> {
    fn node_id(&self) -> Result<BrokerId, InvalidSetting> {
        let old = self.number("broker.id")?;
        let id = match self.layers.explicit("node.id") {
            None if old >= 0 => old,
            _ => self.number("node.id")?,
        };
        Ok(BrokerId(i32::try_from(id).unwrap_or(i32::MAX)))
    }

    fn cleaner(&self) -> Result<CleanerSettings, InvalidSetting> {
        Ok(CleanerSettings {
            is_enabled: self.boolean("log.cleaner.enable")?,
            concurrency_max: usize::try_from(self.count("log.cleaner.threads")?).unwrap_or(usize::MAX),
            map_bytes_max: ByteCount(self.count("log.cleaner.dedupe.buffer.size")?),
            load_factor: self.float("log.cleaner.io.buffer.load.factor")?,
            io_bytes: ByteCount(self.count("log.cleaner.io.buffer.size")?),
            bytes_per_second_max: self.float("log.cleaner.io.max.bytes.per.second")?,
            backoff_ms: self.count("log.cleaner.backoff.ms")?,
        })
    }

    fn network(&self) -> Result<NetworkSettings, InvalidSetting> {
        Ok(NetworkSettings {
            listeners: self.list("listeners")?,
            advertised_listeners: self.list("advertised.listeners")?,
            security_protocols: super::value::list(&self.text("listener.security.protocol.map")?),
            controller_listener_names: self.list("controller.listener.names")?,
            request_bytes_max: ByteCount(self.count("socket.request.max.bytes")?),
            send_buffer_bytes: self.limit("socket.send.buffer.bytes")?,
            receive_buffer_bytes: self.limit("socket.receive.buffer.bytes")?,
            listen_backlog: self.count_u32("socket.listen.backlog.size")?,
            queued_request_bytes_max: self.limit("queued.max.request.bytes")?.map(ByteCount),
            connections: ConnectionLimits {
                idle_ms_max: self.limit("connections.max.idle.ms")?,
                count_max: self.count_u32("max.connections")?,
                per_address_max: self.count_u32("max.connections.per.ip")?,
                per_address_overrides: self.per_address_overrides()?,
            },
        })
    }

    fn strome(&self) -> Result<StromeSettings, InvalidSetting> {
        let unless_zero = |number: u64| (number > 0).then_some(number);
        Ok(StromeSettings {
            shards: unless_zero(self.count("strome.shards")?).and_then(|count| u16::try_from(count).ok()),
            cpus: self.cpus()?,
            cpus_awake: self.boolean("strome.cpus.awake")?,
            memory_bytes: unless_zero(self.count("strome.memory.bytes")?).map(ByteCount),
            cache_bytes: unless_zero(self.count("strome.cache.bytes")?).map(ByteCount),
            journal_bytes: ByteCount(self.count("strome.journal.bytes")?),
            admin_listener: self.admin_listener()?,
        })
    }

    /// `host:port`; an IPv6 address in brackets.
    fn admin_listener(&self) -> Result<AdminListener, InvalidSetting> {
        const NAME: &str = "strome.admin.listener";
        let text = self.text(NAME)?;
        let is_explicit = self.layers.explicit(NAME).is_some();
        if text.trim().is_empty() {
            return Ok(AdminListener { address: None, is_explicit });
        }
        let parse = || {
            let (host, port) = text.trim().rsplit_once(':')?;
            let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
            let is_bracketed = bare.len() < host.len();
            let is_host = !bare.is_empty() && (is_bracketed || !bare.contains(':'));
            is_host.then_some((bare.to_owned(), port.parse().ok()?))
        };
        let address = parse().ok_or_else(|| invalid(NAME, &text, "Must be of the form host:port"))?;
        Ok(AdminListener { address: Some(address), is_explicit })
    }

    /// The settings whose names begin with `prefix`.
    fn internal_topic(
        &self,
        prefix: &str,
        in_sync_replicas_min: Option<&str>,
    ) -> Result<InternalTopicSettings, InvalidSetting> {
        let number = |name: &str| self.number(&format!("{prefix}.{name}"));
        Ok(InternalTopicSettings {
            partitions: i32::try_from(number("num.partitions")?).unwrap_or(i32::MAX),
            replication_factor: i16::try_from(number("replication.factor")?).unwrap_or(i16::MAX),
            segment_bytes: ByteCount(number("segment.bytes")?.unsigned_abs()),
            in_sync_replicas_min: in_sync_replicas_min.map(|name| self.count_u32(name)).transpose()?,
        })
    }

    fn replication_factor(&self) -> Result<i16, InvalidSetting> {
        const NAME: &str = "default.replication.factor";
        let number = self.number(NAME)?;
        match i16::try_from(number) {
            Ok(factor) if factor >= 1 => Ok(factor),
            _ => Err(invalid(NAME, &number.to_string(), "Must be from 1 to 32767")),
        }
    }

    /// `host:count` entries; a host may be an IPv6 address, so the last colon counts.
    fn per_address_overrides(&self) -> Result<Vec<(String, u32)>, InvalidSetting> {
        const NAME: &str = "max.connections.per.ip.overrides";
        let parse = |entry: String| {
            let (host, count) = entry.rsplit_once(':')?;
            let host = host.trim();
            (!host.is_empty()).then_some((host.to_owned(), count.trim().parse().ok()?))
        };
        super::value::list(&self.text(NAME)?)
            .into_iter()
            .map(|entry| {
                parse(entry.clone()).ok_or_else(|| invalid(NAME, &entry, "Must be of the form host:count"))
            })
            .collect()
    }

    /// Numbers and ranges, such as `0-3,8`.
    fn cpus(&self) -> Result<Vec<u16>, InvalidSetting> {
        const NAME: &str = "strome.cpus";
        let mut cpus = Vec::new();
        for part in super::value::list(&self.text(NAME)?) {
            let (first, last) = part.split_once('-').unwrap_or((&part, &part));
            match (first.trim().parse::<u16>(), last.trim().parse::<u16>()) {
                (Ok(first), Ok(last)) if first <= last => cpus.extend(first..=last),
                _ => return Err(invalid(NAME, &part, "Must be a number or a range such as 0-3")),
            }
        }
        cpus.sort_unstable();
        cpus.dedup();
        Ok(cpus)
    }

    pub(super) fn number(&self, name: &str) -> Result<i64, InvalidSetting> {
        self.layers.value(name)?.as_ref().and_then(Value::as_integer).ok_or_else(|| unset(name))
    }

    fn float(&self, name: &str) -> Result<f64, InvalidSetting> {
        self.layers.value(name)?.as_ref().and_then(Value::as_float).ok_or_else(|| unset(name))
    }

    /// A number that is never negative; a negative one counts as 0.
    pub(super) fn count(&self, name: &str) -> Result<u64, InvalidSetting> {
        self.number(name).map(|number| u64::try_from(number).unwrap_or(0))
    }

    pub(super) fn count_u32(&self, name: &str) -> Result<u32, InvalidSetting> {
        self.count(name).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// A number that stands for "no limit" if it is negative.
    fn limit(&self, name: &str) -> Result<Option<u64>, InvalidSetting> {
        self.number(name).map(|number| u64::try_from(number).ok())
    }

    fn boolean(&self, name: &str) -> Result<bool, InvalidSetting> {
        match self.layers.value(name)? {
            Some(Value::Boolean(value)) => Ok(value),
            _ => Err(unset(name)),
        }
    }

    pub(super) fn text(&self, name: &str) -> Result<String, InvalidSetting> {
        self.optional_text(name)?.ok_or_else(|| unset(name))
    }

    fn optional_text(&self, name: &str) -> Result<Option<String>, InvalidSetting> {
        Ok(self.layers.value(name)?.map(|value| value.to_string()))
    }

    /// A list; an unset one is empty.
    pub(super) fn list(&self, name: &str) -> Result<Vec<String>, InvalidSetting> {
        match self.layers.value(name)? {
            Some(Value::List(parts)) => Ok(parts),
            None => Ok(Vec::new()),
            Some(_) => Err(unset(name)),
        }
    }
}

pub(super) fn invalid(name: &str, value: &str, reason: &str) -> InvalidSetting {
    InvalidSetting::Value { name: name.to_owned(), value: value.to_owned(), reason: reason.to_owned() }
}

/// The setting `name` has no value of the type that is read.
fn unset(name: &str) -> InvalidSetting {
    InvalidSetting::Conflict(format!("Configuration {name} has no value"))
}
