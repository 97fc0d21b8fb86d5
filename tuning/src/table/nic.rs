//! The network cards: their queues and interrupts, and how these lie on the CPUs.

use super::network::NETWORK;
use super::{INFO, RECOMMENDED};
use crate::change::Change;
use crate::check::{ByProfile, Check, Severity, Want};
use crate::context::{Context, shortened};
use crate::cpu_list::CpuList;
use crate::host::Unread;
use crate::nics::{self, FOLDER};
use crate::outcome::{Gap, Outcome, Seen};
use crate::processes;

/// Entries of the table of flows: a few for each connection of a busy broker.
const FLOWS: u64 = 32_768;
/// A ring should hold so many packets, if the card can.
const RING_PACKETS_MIN: u64 = 1024;
/// A frame that any network can carry, and one that fast ones should.
const MTU_USUAL: u64 = 1500;
const MTU_LARGE: u64 = 9000;
/// From so many Mbit/s on the larger one matters.
const SPEED_OF_LARGE_MTU: u64 = 10_000;
/// What a card or the kernel should do in large pieces instead of packet by packet.
const OFFLOADS: &[&str] =
    &["tcp-segmentation-offload", "generic-segmentation-offload", "generic-receive-offload"];
/// More interrupts of one card are not looked at.
const INTERRUPTS_MAX: usize = 1024;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "network.card-queues",
        title: "receive queues",
        reads: &["sys/class/net/*/queues/rx-*"],
        wanted: ByProfile::all(Want::Words("one for each shard, or receive packet steering")),
        severity: ByProfile::each(RECOMMENDED, INFO, None, INFO, None),
        why: "one CPU takes in the packets of a queue; with fewer queues than shards it is the first to be busy",
        how: "ethtool -L INTERFACE combined N; where the card has no more, network.packet-steering",
        look: card_queues,
        ..NETWORK
    },
    Check {
        id: "network.interrupts",
        title: "interrupts",
        reads: &[
            "sys/class/net/*/device/msi_irqs",
            "proc/irq/*/{effective_affinity_list,smp_affinity_list}",
            "proc/interrupts",
        ],
        wanted: ByProfile::all(Want::Words("each queue on a CPU of its own")),
        severity: ByProfile::each(RECOMMENDED, RECOMMENDED, None, INFO, None),
        why: "queues whose interrupts arrive on the same CPU are no more than one queue",
        how: "write to /proc/irq/N/smp_affinity_list; drivers with managed interrupts refuse it",
        look: interrupts,
        ..NETWORK
    },
    Check {
        id: "network.irqbalance",
        title: "irqbalance",
        reads: &["proc/*/comm"],
        wanted: ByProfile::all(Want::Words("off")),
        severity: ByProfile::each(INFO, RECOMMENDED, None, INFO, None),
        why: "it moves interrupts between CPUs every ten seconds, also onto those of shards, and undoes what was set by hand",
        how: "systemctl disable --now irqbalance, once the interrupts lie well",
        look: irqbalance,
        ..NETWORK
    },
    Check {
        id: "network.packet-steering",
        title: "receive packet steering",
        reads: &["sys/class/net/*/queues/rx-*/rps_cpus"],
        wanted: ByProfile::all(Want::Words("on where there are fewer queues than shards")),
        severity: ByProfile::each(INFO, INFO, None, INFO, None),
        why: "it spreads the work behind one queue over several CPUs",
        how: "write a mask of CPUs to the file; a udev rule makes it last",
        look: packet_steering,
        ..NETWORK
    },
    Check {
        id: "network.flow-steering",
        title: "receive flow steering",
        reads: &["proc/sys/net/core/rps_sock_flow_entries", "sys/class/net/*/queues/rx-*/rps_flow_cnt"],
        wanted: ByProfile::all(Want::Words("on where packets are steered")),
        severity: ByProfile::each(INFO, INFO, None, INFO, None),
        why: "with it a packet goes to the CPU of the shard that has its connection",
        how: "sysctl net.core.rps_sock_flow_entries, and the share of each queue in rps_flow_cnt",
        look: flow_steering,
        ..NETWORK
    },
    Check {
        id: "network.transmit-steering",
        title: "transmit packet steering",
        reads: &["sys/class/net/*/queues/tx-*/xps_cpus"],
        wanted: ByProfile::all(Want::Words("on where there are several queues")),
        severity: ByProfile::each(INFO, INFO, None, INFO, None),
        why: "with it CPUs do not share the lock of a queue; drivers usually set it",
        how: "write a mask of CPUs to the file; a udev rule makes it last",
        look: transmit_steering,
        ..NETWORK
    },
    Check {
        id: "network.ring",
        title: "receive ring",
        reads: &["ethtool -g"],
        wanted: ByProfile::all(Want::Words("1024 packets, or all that the card has")),
        severity: ByProfile::each(INFO, INFO, None, INFO, None),
        why: "when the ring is full while its CPU is busy elsewhere, packets are dropped",
        how: "ethtool -G INTERFACE rx N",
        look: ring,
        ..NETWORK
    },
    Check {
        id: "network.offloads",
        title: "offloads",
        reads: &["ethtool -k"],
        wanted: ByProfile::all(Want::Words("segmentation and generic receive on")),
        severity: ByProfile::each(RECOMMENDED, RECOMMENDED, INFO, INFO, None),
        why: "without them the kernel works packet by packet instead of in pieces of up to 64 KiB",
        how: "ethtool -K INTERFACE tso on gso on gro on",
        look: offloads,
        ..NETWORK
    },
    Check {
        id: "network.mtu",
        title: "largest frame",
        reads: &["sys/class/net/*/mtu", "sys/class/net/*/speed"],
        wanted: ByProfile::all(Want::Words("9000 from 10 Gbit/s on, otherwise 1500")),
        severity: ByProfile::each(INFO, INFO, None, INFO, None),
        why: "larger frames mean fewer of them; every host and switch of the network has to agree",
        how: "ip link set INTERFACE mtu 9000, where the whole network carries it",
        look: mtu,
        ..NETWORK
    },
];

/// Looks at each card.
fn each_card(context: &Context<'_>, look: impl Fn(&str) -> Result<Outcome, Gap>) -> Result<Vec<Seen>, Gap> {
    let cards = nics::all(context.host);
    if cards.is_empty() {
        return Err(Gap::not_applicable("no network card can be seen"));
    }
    Ok(cards
        .iter()
        .map(|card| match look(card) {
            Ok(outcome) => Seen::of(card, outcome),
            Err(gap) => Seen::gap(card, gap),
        })
        .collect())
}

/// The folders of a card's queues: `rx` or `tx`.
fn queues(context: &Context<'_>, card: &str, direction: &str) -> Result<Vec<String>, Unread> {
    let folder = format!("{FOLDER}/{card}/queues");
    let names = context.host.names(&folder)?;
    Ok(names
        .into_iter()
        .filter(|name| name.starts_with(direction))
        .map(|name| format!("{folder}/{name}"))
        .collect())
}

/// Whether some queue's mask of CPUs names any.
fn is_steered(context: &Context<'_>, queues: &[String]) -> Result<bool, Unread> {
    for queue in queues {
        let path = format!("{queue}/rps_cpus");
        let text = context.host.text(&path)?;
        let cpus = CpuList::parse_mask(&text).ok_or_else(|| Unread::absurd(&path, &text))?;
        if cpus.count() > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

fn card_queues(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let shards = context.shard_cpus()?.count();
    each_card(context, |card| {
        let queues = queues(context, card, "rx-")?;
        let found = format!("{} for {shards} shards", queues.len());
        if queues.len() >= shards {
            return Ok(Outcome::fine(found));
        }
        if is_steered(context, &queues).unwrap_or(false) {
            return Ok(Outcome::fine(format!("{found}, with packet steering")));
        }
        let change = Change::by_hand(format!("ethtool -L {card} combined {shards}, if the card has so many"));
        Ok(Outcome::finding(found, check.wanted.of(context.profile)).change(change).into())
    })
}

/// The interrupts of a card that have been used. A card on virtio has them one floor up.
fn used_interrupts(context: &Context<'_>, card: &str) -> Result<Vec<u32>, Unread> {
    let own = format!("{FOLDER}/{card}/device/msi_irqs");
    let names = context.host.names(&own).or_else(|unread| {
        let above = context.host.names(&format!("{FOLDER}/{card}/device/../msi_irqs"));
        above.map_err(|_| unread)
    })?;
    let table = context.host.text("proc/interrupts")?;
    let is_used = |irq: &u32| {
        let line = table.lines().find_map(|line| line.trim_start().strip_prefix(&format!("{irq}:")));
        let counts = line.unwrap_or_default().split_whitespace().map_while(|word| word.parse::<u64>().ok());
        counts.fold(0_u64, u64::saturating_add) > 0
    };
    let irqs = names.iter().filter_map(|name| name.parse().ok()).take(INTERRUPTS_MAX);
    Ok(irqs.filter(is_used).collect())
}

fn interrupts(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let online = context.online_cpus()?;
    each_card(context, |card| {
        let irqs = used_interrupts(context, card)
            .map_err(|unread| unread.or("the card has no interrupts of its own"))?;
        let mut cpus = CpuList::default();
        for irq in &irqs {
            let folder = format!("proc/irq/{irq}");
            let effective = context.cpu_list(&format!("{folder}/effective_affinity_list"));
            let list = effective.or_else(|_| context.cpu_list(&format!("{folder}/smp_affinity_list")))?;
            cpus.0.extend(list.0);
        }
        let found = format!("{} on CPUs {cpus}", irqs.len());
        if cpus.count() >= irqs.len().min(online.count()) {
            return Ok(Outcome::fine(found));
        }
        let places = online.0.iter().cycle();
        let changes = irqs
            .iter()
            .zip(places)
            .map(|(irq, cpu)| Change::write(format!("proc/irq/{irq}/smp_affinity_list"), cpu));
        Ok(Outcome::finding(found, check.wanted.of(context.profile)).changes(changes).into())
    })
}

fn irqbalance(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let all = processes::all(context.host);
    if !all.iter().any(|process| process.name == "irqbalance") {
        return Ok(vec![Seen::host(Outcome::fine("off"))]);
    }
    let change = Change::Service { unit: "irqbalance.service".to_owned(), runs: false };
    Ok(vec![Seen::host(Outcome::finding("on", check.wanted.of(context.profile)).change(change))])
}

fn packet_steering(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let shards = context.shard_cpus()?;
    each_card(context, |card| {
        let queues = queues(context, card, "rx-")?;
        if queues.len() >= shards.count() {
            return Err(Gap::not_applicable("there is a queue for each shard"));
        }
        if is_steered(context, &queues)? {
            return Ok(Outcome::fine("on"));
        }
        let changes = queues.iter().map(|queue| Change::write(format!("{queue}/rps_cpus"), shards.mask()));
        Ok(Outcome::finding("off", check.wanted.of(context.profile)).changes(changes).into())
    })
}

fn flow_steering(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    const ENTRIES: &str = "proc/sys/net/core/rps_sock_flow_entries";
    let shards = context.shard_cpus()?.count();
    each_card(context, |card| {
        let queues = queues(context, card, "rx-")?;
        if queues.len() >= shards {
            return Err(Gap::not_applicable("there is a queue for each shard"));
        }
        let entries = context.host.value::<u64>(ENTRIES)?;
        let share = FLOWS / (queues.len().max(1) as u64);
        let (mut changes, mut least) = (Vec::new(), entries);
        if entries == 0 {
            changes.push(Change::sysctl(ENTRIES, FLOWS));
        }
        for queue in &queues {
            let path = format!("{queue}/rps_flow_cnt");
            let count = context.host.value::<u64>(&path)?;
            least = least.min(count);
            if count == 0 {
                changes.push(Change::write(path, share));
            }
        }
        if changes.is_empty() {
            return Ok(Outcome::fine(format!("{least} flows")));
        }
        Ok(Outcome::finding("off", check.wanted.of(context.profile)).changes(changes).into())
    })
}

fn transmit_steering(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    let online = context.online_cpus()?;
    each_card(context, |card| {
        let queues = queues(context, card, "tx-")?;
        if queues.len() < 2 {
            return Err(Gap::not_applicable("there is one queue"));
        }
        for queue in &queues {
            let path = format!("{queue}/xps_cpus");
            let text = context.host.text(&path)?;
            let cpus = CpuList::parse_mask(&text).ok_or_else(|| Unread::absurd(&path, &text))?;
            if cpus.count() > 0 {
                return Ok(Outcome::fine("on"));
            }
        }
        let changes = queues.iter().enumerate().map(|(index, queue)| {
            let own: CpuList = online
                .0
                .iter()
                .copied()
                .enumerate()
                .filter(|(cpu, _)| cpu % queues.len() == index)
                .map(|(_, cpu)| cpu)
                .collect();
            Change::write(format!("{queue}/xps_cpus"), own.mask())
        });
        Ok(Outcome::finding("off", check.wanted.of(context.profile)).changes(changes).into())
    })
}

/// What `ethtool` prints of a card.
fn ethtool(context: &Context<'_>, option: &str, card: &str) -> Result<String, Gap> {
    context.host.output("ethtool", &[option, card]).map_err(|unread| {
        if unread.is_missing() { Gap::Unknown("ethtool is not installed".to_owned()) } else { unread.into() }
    })
}

fn ring(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    each_card(context, |card| {
        let text = ethtool(context, "-g", card)?;
        // What the card could have comes first, what it has below.
        let mut sizes = text.lines().filter_map(|line| line.strip_prefix("RX:")?.trim().parse::<u64>().ok());
        let (Some(most), Some(found)) = (sizes.next(), sizes.next()) else {
            return Err(Gap::not_applicable("the card does not tell of its rings"));
        };
        let wanted = RING_PACKETS_MIN.min(most);
        if found >= wanted {
            return Ok(Outcome::fine(found));
        }
        let change = Change::by_hand(format!("ethtool -G {card} rx {wanted}"));
        Ok(Outcome::finding(found, check.wanted.of(context.profile)).change(change).into())
    })
}

fn offloads(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    each_card(context, |card| {
        let text = ethtool(context, "-k", card)?;
        let state =
            |name: &str| text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(": "));
        let known: Vec<_> = OFFLOADS.iter().filter_map(|name| Some((*name, state(name)?))).collect();
        if known.is_empty() {
            return Err(Gap::not_applicable("the card does not tell of its offloads"));
        }
        // What the card cannot do at all is marked as fixed.
        let off: Vec<_> = known.iter().filter(|(_, state)| *state == "off").map(|(name, _)| *name).collect();
        if off.is_empty() {
            return Ok(Outcome::fine("on"));
        }
        let switches: Vec<_> = off.iter().map(|name| format!("{name} on")).collect();
        let change = Change::by_hand(format!("ethtool -K {card} {}", switches.join(" ")));
        let found = format!("{} off", off.join(", "));
        Ok(Outcome::finding(found, check.wanted.of(context.profile)).change(change).into())
    })
}

fn mtu(context: &Context<'_>, check: &Check) -> Result<Vec<Seen>, Gap> {
    each_card(context, |card| {
        let found = context.host.value::<u64>(&format!("{FOLDER}/{card}/mtu"))?;
        // Virtual cards have no speed: reading it fails, or gives -1.
        let speed = context.host.value::<u64>(&format!("{FOLDER}/{card}/speed")).unwrap_or_default();
        let wanted = if speed >= SPEED_OF_LARGE_MTU { MTU_LARGE } else { MTU_USUAL };
        let shown = if speed == 0 { found.to_string() } else { format!("{found} at {speed} Mbit/s") };
        if found >= wanted {
            return Ok(Outcome::fine(shown));
        }
        let change =
            Change::by_hand(format!("ip link set {card} mtu {wanted}, where the whole network carries it"));
        let finding = Outcome::finding(shortened(&shown), check.wanted.of(context.profile));
        Ok(finding.severity(Severity::Info).change(change).into())
    })
}
