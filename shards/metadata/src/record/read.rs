//! Reads the fields of metadata records. Each function is the twin of what [`super::Record::encode`] writes.

use types::{BrokerId, LeaderEpoch, PartitionIndex, ProducerId, TopicName, Uuid};

use super::{PartitionChange, Record};
use crate::broker::{Broker, Listener};
use crate::codec::{DecodeError, Reader};
use crate::configs::{ConfigResource, ResourceKind};
use crate::topic::Partition;

type Read<T> = Result<T, DecodeError>;

/// What a field without which the record means nothing holds.
fn need<T>(record: &'static str, field: &'static str, value: Option<T>) -> Read<T> {
    value.ok_or(DecodeError::Missing { record, field })
}

fn broker_id(from: &mut Reader<'_>) -> Read<BrokerId> {
    from.int32().map(BrokerId)
}

fn broker_ids(from: &mut Reader<'_>) -> Read<Vec<BrokerId>> {
    from.list(1, broker_id)
}

fn uuids(from: &mut Reader<'_>) -> Read<Vec<Uuid>> {
    from.list(size_of::<Uuid>(), Reader::uuid)
}

fn flag(from: &mut Reader<'_>) -> Read<bool> {
    Ok(from.unsigned()? != 0)
}

pub(super) fn cluster_id(from: &mut Reader<'_>) -> Read<Record> {
    let mut id = None;
    from.fields(|tag, from| {
        if tag == 0 {
            id = Some(from.text()?);
        }
        Ok(())
    })?;
    Ok(Record::ClusterId { id: need("ClusterId", "id", id)? })
}

pub(super) fn register_broker(from: &mut Reader<'_>) -> Read<Record> {
    let (mut id, mut incarnation, mut epoch, mut rack) = (None, Uuid::ZERO, None, None);
    let (mut listeners, mut directories, mut fenced) = (Vec::new(), Vec::new(), false);
    from.fields(|tag, from| {
        match tag {
            0 => id = Some(broker_id(from)?),
            1 => incarnation = from.uuid()?,
            2 => epoch = Some(from.signed()?),
            3 => rack = Some(from.text()?),
            // A listener takes at least its length and two bytes of fields.
            4 => listeners = from.list(3, listener)?,
            5 => directories = uuids(from)?,
            6 => fenced = flag(from)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(Record::RegisterBroker(Broker {
        id: need("RegisterBroker", "id", id)?,
        incarnation,
        epoch: need("RegisterBroker", "epoch", epoch)?,
        rack,
        listeners,
        directories,
        fenced,
    }))
}

fn listener(from: &mut Reader<'_>) -> Read<Listener> {
    let (mut name, mut host, mut port, mut security_protocol) = (None, None, None, 0);
    from.sized()?.fields(|tag, from| {
        match tag {
            0 => name = Some(from.text()?),
            1 => host = Some(from.text()?),
            2 => {
                let number = from.signed()?;
                let read = u16::try_from(number);
                port = Some(read.map_err(|_| DecodeError::Invalid("a port is outside 0 to 65535"))?);
            }
            3 => security_protocol = from.int16()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(Listener {
        name: need("listener", "name", name)?,
        host: need("listener", "host", host)?,
        port: need("listener", "port", port)?,
        security_protocol,
    })
}

pub(super) fn unregister_broker(from: &mut Reader<'_>) -> Read<Record> {
    let mut id = None;
    from.fields(|tag, from| {
        if tag == 0 {
            id = Some(broker_id(from)?);
        }
        Ok(())
    })?;
    Ok(Record::UnregisterBroker { id: need("UnregisterBroker", "id", id)? })
}

pub(super) fn fence_broker(from: &mut Reader<'_>) -> Read<Record> {
    let (mut id, mut fenced) = (None, None);
    from.fields(|tag, from| {
        match tag {
            0 => id = Some(broker_id(from)?),
            1 => fenced = Some(flag(from)?),
            _ => {}
        }
        Ok(())
    })?;
    Ok(Record::FenceBroker {
        id: need("FenceBroker", "id", id)?,
        fenced: need("FenceBroker", "fenced", fenced)?,
    })
}

pub(super) fn topic(from: &mut Reader<'_>) -> Read<Record> {
    let (mut id, mut name) = (None, None);
    from.fields(|tag, from| {
        match tag {
            0 => id = Some(from.uuid()?),
            1 => {
                let text = from.text()?;
                let checked = TopicName::new(&text);
                name = Some(checked.map_err(|_| DecodeError::Invalid("a topic's name is invalid"))?);
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(Record::Topic { id: need("Topic", "id", id)?, name: need("Topic", "name", name)? })
}

pub(super) fn remove_topic(from: &mut Reader<'_>) -> Read<Record> {
    let mut id = None;
    from.fields(|tag, from| {
        if tag == 0 {
            id = Some(from.uuid()?);
        }
        Ok(())
    })?;
    Ok(Record::RemoveTopic { id: need("RemoveTopic", "id", id)? })
}

pub(super) fn partition(from: &mut Reader<'_>) -> Read<Record> {
    const NAME: &str = "Partition";
    let (mut topic, mut index, mut replicas, mut directories) = (None, None, None, Vec::new());
    let (mut isr, mut leader, mut leader_epoch, mut partition_epoch) = (None, None, None, None);
    from.fields(|tag, from| {
        match tag {
            0 => topic = Some(from.uuid()?),
            1 => index = Some(PartitionIndex(from.int32()?)),
            2 => replicas = Some(broker_ids(from)?),
            3 => directories = uuids(from)?,
            4 => isr = Some(broker_ids(from)?),
            5 => leader = Some(broker_id(from)?),
            6 => leader_epoch = Some(LeaderEpoch(from.int32()?)),
            7 => partition_epoch = Some(from.int32()?),
            _ => {}
        }
        Ok(())
    })?;
    let state = Partition {
        replicas: need(NAME, "replicas", replicas)?,
        directories,
        isr: need(NAME, "isr", isr)?,
        leader: need(NAME, "leader", leader)?,
        leader_epoch: need(NAME, "leader epoch", leader_epoch)?,
        partition_epoch: need(NAME, "partition epoch", partition_epoch)?,
    };
    Ok(Record::Partition { topic: need(NAME, "topic", topic)?, index: need(NAME, "index", index)?, state })
}

pub(super) fn partition_change(from: &mut Reader<'_>) -> Read<Record> {
    const NAME: &str = "PartitionChange";
    let (mut topic, mut index, mut epoch) = (None, None, None);
    let mut change = PartitionChange::default();
    from.fields(|tag, from| {
        match tag {
            0 => topic = Some(from.uuid()?),
            1 => index = Some(PartitionIndex(from.int32()?)),
            2 => change.replicas = Some(broker_ids(from)?),
            3 => change.directories = Some(uuids(from)?),
            4 => change.isr = Some(broker_ids(from)?),
            5 => change.leader = Some(broker_id(from)?),
            6 => change.leader_epoch = Some(LeaderEpoch(from.int32()?)),
            7 => epoch = Some(from.int32()?),
            _ => {}
        }
        Ok(())
    })?;
    change.partition_epoch = need(NAME, "partition epoch", epoch)?;
    Ok(Record::PartitionChange {
        topic: need(NAME, "topic", topic)?,
        index: need(NAME, "index", index)?,
        change,
    })
}

pub(super) fn config(from: &mut Reader<'_>) -> Read<Record> {
    const NAME: &str = "Config";
    let (mut kind, mut name, mut key, mut value) = (None, None, None, None);
    from.fields(|tag, from| {
        match tag {
            0 => {
                let code = i8::try_from(from.signed()?).ok().and_then(ResourceKind::from_code);
                kind = Some(code.ok_or(DecodeError::Invalid("settings of an unknown kind of resource"))?);
            }
            1 => name = Some(from.text()?),
            2 => key = Some(from.text()?),
            3 => value = Some(from.text()?),
            _ => {}
        }
        Ok(())
    })?;
    let resource = ConfigResource { kind: need(NAME, "kind", kind)?, name: need(NAME, "name", name)? };
    Ok(Record::Config { resource, key: need(NAME, "key", key)?, value })
}

pub(super) fn producer_ids(from: &mut Reader<'_>) -> Read<Record> {
    let mut next = None;
    from.fields(|tag, from| {
        if tag == 0 {
            next = Some(ProducerId(from.signed()?));
        }
        Ok(())
    })?;
    Ok(Record::ProducerIds { next: need("ProducerIds", "next", next)? })
}

pub(super) fn feature_level(from: &mut Reader<'_>) -> Read<Record> {
    let (mut name, mut level) = (None, None);
    from.fields(|tag, from| {
        match tag {
            0 => name = Some(from.text()?),
            1 => level = Some(from.int16()?),
            _ => {}
        }
        Ok(())
    })?;
    Ok(Record::FeatureLevel {
        name: need("FeatureLevel", "name", name)?,
        level: need("FeatureLevel", "level", level)?,
    })
}
