//! Which NUMA node processors and devices belong to.

use std::collections::BTreeMap;

use crate::change::Change;
use crate::check::Check;
use crate::context::Context;
use crate::cpu_list::CpuList;
use crate::outcome::{Gap, Outcome, Seen};
use crate::{data_dirs, nics};

const NODES: &str = "sys/devices/system/node";

/// The CPUs of each node.
pub(super) fn nodes(context: &Context<'_>) -> BTreeMap<u32, CpuList> {
    let names = context.host.names(NODES).unwrap_or_default();
    let node = |name: &String| {
        let number = name.strip_prefix("node")?.parse().ok()?;
        let cpus = context.cpu_list(&format!("{NODES}/{name}/cpulist")).ok()?;
        Some((number, cpus))
    };
    names.iter().filter_map(node).collect()
}

/// Whether the shards are where the devices are.
pub(super) fn shards(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let nodes = nodes(context);
    if nodes.len() < 2 {
        return Err(Gap::not_applicable("the host has one NUMA node"));
    }
    let shards = context.shard_cpus()?;
    let mut seen = Vec::new();
    for (device, folder) in devices(context) {
        // A device that belongs to no node says -1.
        let Ok(node) = context.host.value::<u32>(&format!("{folder}/numa_node")) else { continue };
        let Some(near) = nodes.get(&node) else { continue };
        let far = shards.without(near);
        seen.push(if far.count() == 0 {
            Seen::of(device, Outcome::fine(format!("node {node}")))
        } else {
            let found = format!("CPUs {far} on another node than {node}");
            let change = Change::by_hand(format!("choose strome.cpus from {near}"));
            Seen::of(device, Outcome::finding(found, check.wanted.of(context.profile)).change(change))
        });
    }
    if seen.is_empty() {
        Err(Gap::not_applicable("no device says which node it belongs to"))
    } else {
        Ok(seen)
    }
}

/// Network cards and the disks of the data, with the folders that describe them.
fn devices(context: &Context<'_>) -> Vec<(String, String)> {
    let cards = nics::all(context.host).into_iter();
    let cards = cards.map(|card| (card.clone(), format!("{}/{card}/device", nics::FOLDER)));
    let dirs = data_dirs::dirs(context).unwrap_or_default();
    let by_disk = data_dirs::by_disk(&dirs);
    // A namespace of an NVMe drive belongs to a controller, which belongs to a slot.
    let places = ["device", "device/device"];
    let disks = by_disk.keys().filter_map(|disk| {
        let folders = places.map(|place| format!("{}/{disk}/{place}", data_dirs::BLOCK));
        let folder = folders.into_iter().find(|folder| context.host.has(&format!("{folder}/numa_node")))?;
        Some(((*disk).to_owned(), folder))
    });
    cards.chain(disks).collect()
}
